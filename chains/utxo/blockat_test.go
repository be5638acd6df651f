package utxo

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
)

// A block draws an instant only once it is buried.
func TestBlockAt(t *testing.T) {
	node, instant := startNode(t)
	s := open(t, Options{}, node.URL())
	pinned := mustPin(t, s, instant)
	if got, err := s.BlockAt(t.Context(), pinned.Number); err != nil || got != pinned {
		t.Errorf("got %+v, %v, want %+v", got, err, pinned)
	}
	tip := node.Height()
	if head, err := s.Head(t.Context()); err != nil || head != tip {
		t.Errorf("head %d, %v, want %d", head, err, tip)
	}
	if got, err := s.BlockAt(t.Context(), tip-5); err != nil || got.Number != tip-5 {
		t.Errorf("with six confirmations: %+v, %v", got, err)
	}
	for number, lacks := range map[uint64]uint64{tip - 4: 1, tip: 5, tip + 3: 8} {
		var early *chains.NotFinalError
		if got, err := s.BlockAt(t.Context(), number); !errors.As(err, &early) || early.Number != number || early.Blocks != lacks {
			t.Errorf("block %d: got %+v, %v, want %d blocks lacking", number, got, err, lacks)
		}
	}
	if err := node.Mine(t.Context(), time.Now(), 0); err != nil {
		t.Fatal(err)
	}
	if got, err := s.BlockAt(t.Context(), tip-4); err != nil || got.Number != tip-4 {
		t.Errorf("a block later: %+v, %v", got, err)
	}
}

// TestC06_DrawingBlockOfOneNode: a node that tells another block cannot draw another instant while an honest one answers.
func TestC06_DrawingBlockOfOneNode(t *testing.T) {
	node, _ := startNode(t)
	liar := chainstest.NewProxy(t, node.URL())
	wanted, other := "", ""
	n := open(t, Options{}, node.URL()).nodes[0]
	for height, hash := range map[uint64]*string{300: &wanted, 301: &other} {
		var err error
		if *hash, err = n.blockHash(t.Context(), height); err != nil {
			t.Fatal(err)
		}
	}
	liar.Alter = func(_ chainstest.Call, result json.RawMessage) json.RawMessage {
		if string(result) == `"`+wanted+`"` {
			return json.RawMessage(`"` + other + `"`)
		}
		return result
	}
	var differ *chains.DisagreementError
	if got, err := open(t, Options{}, node.URL(), liar.URL).BlockAt(t.Context(), 300); !errors.As(err, &differ) {
		t.Errorf("got %+v, %v", got, err)
	}
}
