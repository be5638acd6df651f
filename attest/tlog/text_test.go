package tlog_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/assay-por/assay/attest/tlog"
)

// The text of a checkpoint is three lines, whoever signed below.
func TestCheckpoint_Text(t *testing.T) {
	c, vkey := config(t)
	l := create(t, c)
	if _, err := l.Add(t.Context(), []byte("entry")); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	head, err := tlog.ReadCheckpoint(os.DirFS(c.Dir), vkey)
	if err != nil {
		t.Fatal(err)
	}
	if n := treeIn(t, string(head.Text())); n.N != 1 || fmt.Sprintf("%s\n1\n%s\n", origin, n.Hash) != string(head.Text()) {
		t.Errorf("got %q", head.Text())
	}
}
