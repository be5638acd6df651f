package main

import (
	"os"
	"testing"
)

// A scratch is a file while it is used, and leaves nothing behind.
func TestScratch(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	open, done := scratch()
	done() // nothing was asked for
	file, err := open()
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := file.WriteAt([]byte("abc"), 5); err != nil {
		t.Fatal(err)
	}
	if _, err := file.ReadAt(got, 5); err != nil || string(got) != "abc" {
		t.Errorf("got %q, %v", got, err)
	}
	done()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	t.Setenv("TMPDIR", folder+"/absent")
	open, done = scratch()
	defer done()
	if _, err := open(); err == nil {
		t.Error("opened in a folder that does not exist")
	}
}
