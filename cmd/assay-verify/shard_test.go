package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/assay-por/assay/verifier"
)

// The folder that a customer's shard is in came from the exchange: a pipe in place of any file of it would keep the reader waiting for good.
func TestE09_PipeInAFolderWithAShard(t *testing.T) {
	dir := t.TempDir()
	if err := writeFixtures(dir); err != nil {
		t.Fatal(err)
	}
	proof, err := os.ReadFile(filepath.Join(dir, "hidden.json"))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "hidden", "liabilities")
	for _, name := range []string{"shard-00000.leaves", "shard-00000.proof", "shards.json", "top.proof"} {
		pipe := filepath.Join(folder, name)
		kept, err := os.ReadFile(pipe)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(pipe); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		written := make(chan error)
		go func() { // waits for a reader
			file, err := os.OpenFile(pipe, os.O_WRONLY, 0)
			if err == nil {
				err = file.Close()
			}
			written <- err
		}()
		input := verifier.ProofInput{Proof: proof}
		if err = readShard(&input, folder); err == nil {
			_, err = input.Shard.Leaves()
		}
		if err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Fatalf("%s: got %v", name, err)
		}
		reader, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
		reader.Close()
		if err := os.Remove(pipe); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pipe, kept, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
