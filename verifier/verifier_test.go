package verifier

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// folder gives files as a file system.
func folder(files map[string][]byte) fs.FS {
	m := fstest.MapFS{}
	for path, data := range files {
		m[path] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	return m
}

func verify(t testing.TB, m *made) Verdict {
	t.Helper()
	files, err := Folder(folder(m.files))
	if err != nil {
		t.Fatal(err)
	}
	return Bundle(files, m.policy, Options{})
}

func verifyProof(m *made, proof obj, customer string) Verdict {
	return Proof(ProofInput{Proof: encode(proof), Policy: m.policy, Customer: customer})
}

func find(v Verdict, name string) Check {
	for _, c := range v.Checks {
		if c.Name == name {
			return c
		}
	}
	return Check{}
}

// refused asserts that exactly this check fails, for this reason, and that nothing is proven.
func refused(t testing.TB, v Verdict, name, reason string) {
	t.Helper()
	c := find(v, name)
	if c.Result != Fail || !strings.Contains(c.Detail, reason) {
		t.Errorf("check %s: got %q %q, want it to fail with %q", name, c.Result, c.Detail, reason)
	}
	if v.Proven || v.Exit == 0 {
		t.Errorf("check %s: the verdict is proven=%v exit=%d", name, v.Proven, v.Exit)
	}
	for _, c := range v.Checks {
		if c.Result == Fail && c.Name != name {
			t.Errorf("check %s failed too: %s", c.Name, c.Detail)
		}
	}
}

func proven(t testing.TB, v Verdict) {
	t.Helper()
	if v.Proven && v.Exit == 0 {
		return
	}
	for _, c := range v.Checks {
		if c.Result != Pass {
			t.Errorf("%s: %s: %s", c.Name, c.Result, c.Detail)
		}
	}
	t.Fatalf("not proven: %s", v.Summary)
}

func TestHappyBundles(t *testing.T) {
	for name, w := range map[string]*world{"plain": newWorld(), "full": newFullWorld()} {
		t.Run(name, func(t *testing.T) {
			m := w.make(t)
			v := verify(t, m)
			proven(t, v)
			for _, c := range v.Checks {
				if c.Title == c.Name || c.Detail == "" {
					t.Errorf("%s: a check in plain words has a title and a sentence", c.Name)
				}
			}
			z := zipped(m.files)
			files, err := Zip(bytes.NewReader(z), int64(len(z)))
			if err != nil {
				t.Fatal(err)
			}
			proven(t, Bundle(files, m.policy, Options{Full: true}))
			for shard, customers := range w.shards {
				for leaf, c := range customers {
					proven(t, verifyProof(m, m.proof(shard, leaf), c.id))
				}
			}
		})
	}
}

func TestFullCoverage(t *testing.T) {
	m := newFullWorld().make(t)
	v := verify(t, m)
	if len(v.Unanchored) != 2 || len(v.Coverage) != 3 {
		t.Fatalf("got %d unanchored chains and %d assets, want 2 and 3", len(v.Unanchored), len(v.Coverage))
	}
	// By the statement's rule the unsigned coins do not count, by the policy's they do.
	btc := v.Coverage[0]
	if btc.Counted != "2" || btc.StatedCounted != "0" || btc.StatedShortfall == "" || btc.Coverage != "133.33" {
		t.Errorf("BTC: got %+v", btc)
	}
	if !strings.Contains(v.Summary, "SHORT of liabilities by 4 ETH") {
		t.Errorf("a proven shortfall must be told: %s", v.Summary)
	}
}
