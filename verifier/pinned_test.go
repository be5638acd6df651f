package verifier

import (
	"bytes"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

func pinnedChains(t *testing.T, m *made, policy *claim.Policy, named ...string) (Verdict, []Pinned) {
	t.Helper()
	files, err := Folder(folder(m.files))
	if err != nil {
		t.Fatal(err)
	}
	return PinnedChains(files, policy, named)
}

func TestPinnedChains(t *testing.T) {
	m := newFullWorld().make(t)
	v, pinned := pinnedChains(t, m, m.policy, utxoChain)
	proven(t, v)
	if len(pinned) != 2 || pinned[0].Block.Chain != utxoChain || pinned[1].Block.Chain != evmChain {
		t.Fatalf("got %d chains, want both, in the statement's order: %+v", len(pinned), pinned)
	}
	if utxo, evm := pinned[0], pinned[1]; len(utxo.Lines) != 1 || len(utxo.Outputs) == 0 || len(evm.Lines) != 2 || len(evm.Outputs) != 0 {
		t.Errorf("got %d lines and %d outputs, %d lines and %d outputs", len(utxo.Lines), len(utxo.Outputs), len(evm.Lines), len(evm.Outputs))
	} else if o := utxo.Outputs[0]; o.Account != utxo.Lines[0].Account || o.Amount.Sign() <= 0 || len(o.TxID) != 64 || len(o.Script) == 0 {
		t.Errorf("output %+v", o)
	}
	// Outputs are read of named chains only.
	if _, pinned = pinnedChains(t, m, m.policy, evmChain); len(pinned[0].Outputs) != 0 {
		t.Error("outputs of a chain that nobody named")
	}
}

// Nothing is there to ask about unless the statement verifies, and no line unless the files are the signed ones.
func TestPinnedChains_NothingUnsigned(t *testing.T) {
	m := newFullWorld().make(t)
	for name, change := range map[string]func(*claim.Policy){
		"statement.exchange":  func(p *claim.Policy) { p.Exchange = "Other" },
		"statement.signature": func(p *claim.Policy) { p.Keys = nil },
		"snapshot":            func(p *claim.Policy) { p.Window = 0 },
	} {
		policy := *m.policy
		change(&policy)
		v, pinned := pinnedChains(t, m, &policy, utxoChain)
		refused(t, v, name, "")
		if pinned != nil || find(v, "recheck.lines").Result != Skipped {
			t.Errorf("%s failed, and there are %d chains", name, len(pinned))
		}
	}
	m.files[claim.LinesPath] = bytes.Replace(m.files[claim.LinesPath], []byte(`"amount":"`), []byte(`"amount":"1`), 1)
	v, pinned := pinnedChains(t, m, m.policy, utxoChain)
	refused(t, v, "bundle.files", claim.LinesPath)
	if len(pinned) != 2 || len(pinned[0].Lines)+len(pinned[0].Outputs) != 0 || find(v, "recheck.lines").Result != Skipped {
		t.Errorf("lines that nobody signed: %+v", pinned)
	}
}

// Signed files that are not of their format cannot be asked about.
func TestPinnedChains_Unreadable(t *testing.T) {
	for name, change := range map[string]func(map[string][]byte){
		"lines":    func(files map[string][]byte) { files[claim.LinesPath] = []byte(`{}`) },
		"evidence": func(files map[string][]byte) { files[evidencePath(utxoChain)] = []byte(`{}`) },
		"other snapshot": func(files map[string][]byte) {
			files[claim.LinesPath] = bytes.Replace(files[claim.LinesPath], []byte(`"snapshot":"`), []byte(`"snapshot":"00`), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFullWorld()
			w.files = change
			m := w.make(t)
			v, _ := pinnedChains(t, m, m.policy, utxoChain)
			refused(t, v, "recheck.lines", "")
		})
	}
	w := newFullWorld()
	w.files = func(files map[string][]byte) {
		files[claim.LinesPath] = encode(obj{"lines": []obj{}, "snapshot": string(bytes.Repeat([]byte("0"), 64)), "type": claim.LinesType})
	}
	m := w.make(t)
	v, _ := pinnedChains(t, m, m.policy, utxoChain)
	refused(t, v, "recheck.lines", "the statement's is "+m.snapshot)
	// An anchor is what a recheck is for: a policy that wants one does not stop it.
	m = newFullWorld().make(t)
	m.policy.Anchored = true
	v, _ = pinnedChains(t, m, m.policy, utxoChain)
	proven(t, v)
}
