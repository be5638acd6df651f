package main

import (
	"os"

	"github.com/assay-por/assay/verifier/tree"
)

// scratch gives a temporary file when one is asked for, and takes it away when done. Where the system lets it, the file has no name from
// the start, so that whatever ends the program leaves nothing behind.
func scratch() (open func() (tree.Scratch, error), done func()) {
	var file *os.File
	var named bool
	open = func() (_ tree.Scratch, err error) {
		if file, err = os.CreateTemp("", "assay-verify-*.identities"); err != nil {
			return nil, err
		}
		named = os.Remove(file.Name()) != nil
		return file, nil
	}
	return open, func() {
		if file == nil {
			return
		}
		file.Close()
		if named {
			os.Remove(file.Name())
		}
	}
}
