package evm

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

// A block draws an instant only once it is final, and only if all nodes have the same.
func TestBlockAt(t *testing.T) {
	node, instant := startNode(t, nil)
	s := open(t, Options{}, node.URL())
	pinned := mustPin(t, s, instant)
	if got, err := s.BlockAt(t.Context(), pinned.Number); err != nil || got != pinned {
		t.Errorf("got %+v, %v, want %+v", got, err, pinned)
	}
	head, err := s.Head(t.Context())
	if err != nil || head != 74 {
		t.Errorf("head %d, %v, want 74", head, err)
	}
	for _, number := range []uint64{71, head, head + 1, head + 1000} {
		var early *chains.NotFinalError
		if got, err := s.BlockAt(t.Context(), number); !errors.As(err, &early) || early.Number != number || early.Final != 70 || early.Blocks != number-70 {
			t.Errorf("block %d: got %+v, %v", number, got, err)
		}
	}
	deep := open(t, Options{Confirmations: 11}, node.URL())
	var early *chains.NotFinalError
	if got, err := deep.BlockAt(t.Context(), 65); !errors.As(err, &early) || early.Blocks != 1 {
		t.Errorf("with confirmations: %+v, %v", got, err)
	}
	if got, err := deep.BlockAt(t.Context(), 64); err != nil || got != pinned {
		t.Errorf("with confirmations: %+v, %v", got, err)
	}
	if _, err := open(t, Options{}, "http://127.0.0.1:1").Head(t.Context()); err == nil {
		t.Error("a dead node has a head")
	}
}

// TestC06_DrawingBlockOfOneNode: a node that tells another hash cannot draw another instant while an honest one answers.
func TestC06_DrawingBlockOfOneNode(t *testing.T) {
	node, _ := startNode(t, nil)
	liar := chainstest.NewProxy(t, node.URL())
	liar.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		var block map[string]any
		if c.Method != "eth_getBlockByNumber" || json.Unmarshal(result, &block) != nil || block["number"] != "0x40" {
			return result
		}
		block["hash"] = "0x" + strings.Repeat("52", 32)
		b, err := json.Marshal(block)
		if err != nil {
			t.Error(err)
		}
		return b
	}
	var differ *chains.DisagreementError
	if got, err := open(t, Options{}, node.URL(), liar.URL).BlockAt(t.Context(), 64); !errors.As(err, &differ) || differ.Chain != devnet.EthereumChain {
		t.Errorf("got %+v, %v", got, err)
	}
}
