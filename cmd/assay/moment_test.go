package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains/devnet"
)

// TestC10_LastBlocks: the statement names the last block that the nodes had when it was drawn up, which is none that the snapshot could
// name. Of a chain whose nodes are gone it names none, and says so; the run goes on.
func TestC10_LastBlocks(t *testing.T) {
	assay, _ := programs(t)
	node, instant, dir := bitcoin(t, assay)
	if code, _, stderr := call(t, dir, assay, opened("run", "--at", instant.Format(time.RFC3339), "--unsigned", "--quiet")...); code != exitDone {
		t.Fatal(stderr)
	}
	p := drafted(t, dir)
	if b := p.Moment.Blocks; len(b) != 1 || b[0].Chain != devnet.BitcoinChain || b[0].Number != node.Height() || b[0].Number <= p.Snapshot.Blocks[0].Number {
		t.Errorf("moment %+v, want block %d, above the pinned %d", p.Moment, node.Height(), p.Snapshot.Blocks[0].Number)
	}
	if page := read(t, dir, "report", "index.html"); !strings.Contains(page, p.Moment.Blocks[0].Hash) {
		t.Error("the page does not show it")
	}
	config := read(t, dir, "assay.toml")
	nobody := strings.Replace(config, node.URL(), "http://127.0.0.1:1", 1)
	if nobody == config {
		t.Fatal("the configuration names no node")
	}
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(nobody), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "report"); code != exitDone || strings.Contains(stderr, "last block") || len(drafted(t, dir).Moment.Blocks) != 1 {
		t.Errorf("drawn up again: exit %d: %s", code, stderr)
	}
	if err := os.Remove(filepath.Join(dir, "run", fileMoment)); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, dir, assay, "report")
	if code != exitDone || !strings.Contains(stderr, "note: the statement will name no last block of "+string(devnet.BitcoinChain)) || len(drafted(t, dir).Moment.Blocks) != 0 {
		t.Errorf("without nodes: exit %d: %s", code, stderr)
	}
}
