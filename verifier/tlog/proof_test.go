package tlog

import (
	"errors"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/proof"

	"github.com/assay-por/assay/verifier/canon"
)

// sampleProof shows entry 3 of 5.
func sampleProof(t testing.TB) []byte {
	tree := grown(5, "")
	_, of := signedText(t)
	out := proof.TLogProof{Index: 3, Checkpoint: []byte(checkpoint(t, theLog, tree, 5) + w1.cosign(of, morning))}
	for _, h := range must(tree.InclusionPath(3, 5))(t) {
		out.Hashes = append(out.Hashes, h)
	}
	return out.Marshal()
}

// checkProof is what a reader of a proof does.
func checkProof(trust Trust, raw, entry []byte) error {
	p, err := ParseProof(raw)
	if err != nil {
		return err
	}
	c, err := trust.Check(p.Checkpoint)
	if err != nil {
		return err
	}
	return CheckInclusion(LeafHash(entry), p.Index, c.Size, p.Path, c.Root)
}

func TestC11_ProofFlipped(t *testing.T) {
	raw, policy := sampleProof(t), trust(t, 1, theLog, w1)
	if err := checkProof(policy, raw, entryOf(3, "")); err != nil {
		t.Fatal(err)
	}
	refused(t, "another entry", checkProof(policy, raw, entryOf(2, "")), "leads to root")
	for at := range raw {
		for bit := range 8 {
			bad := append([]byte(nil), raw...)
			bad[at] ^= 1 << bit
			if checkProof(policy, bad, entryOf(3, "")) == nil {
				t.Errorf("byte %d, bit %d: %q is taken", at, bit, bad)
			}
		}
		if checkProof(policy, raw[:at], entryOf(3, "")) == nil {
			t.Errorf("cut at %d: taken", at)
		}
	}
}

func TestProof_Refused(t *testing.T) {
	good := string(sampleProof(t))
	head, rest, _ := strings.Cut(good, "index 3\n")
	hash := strings.Split(rest, "\n")[0] + "\n"
	for _, tt := range []struct{ name, raw, problem string }{
		{"empty", "", "not a proof"},
		{"another version", strings.Replace(good, "@v1", "@v2", 1), "not a proof"},
		{"extra data", head + "extra AAAA\nindex 3\n" + rest, "no line of extra data"},
		{"no index", head + rest, "no line of extra data"},
		{"the first line alone", head + "\n" + rest, "index: is missing"},
		{"a leading zero", head + "index 03\n" + rest, "index: not a number"},
		{"too large an index", head + "index 4294967296\n" + rest, "index: 4294967296, the limit is 4294967295"},
		{"not a hash", head + "index 3\nAAAA\n" + rest, "path[0]: not a hash"},
		{"a long path", head + "index 3\n" + strings.Repeat(hash, 33) + "\n" + rest, "path: more than 32 hashes"},
		{"no empty line", strings.Replace(good, "\n\n", "\n", 1), "path[3]: not a hash"},
		{"no checkpoint", good[:strings.Index(good, "\n\n")+2], "checkpoint: not a checkpoint"},
		{"bytes after it", good + "x", "checkpoint: not a checkpoint"},
		{"long", good + strings.Repeat("x", maxSmall), "the limit is 65536"},
	} {
		_, err := ParseProof([]byte(tt.raw))
		formatError(t, tt.name, err, tt.problem)
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add(sampleProof(f))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParseProof(raw)
		if err != nil {
			var format *canon.FormatError
			if !errors.As(err, &format) {
				t.Errorf("got %T %v", err, err)
			}
			return
		}
		var theirs proof.TLogProof
		if err := theirs.Unmarshal(raw); err != nil {
			t.Fatalf("%q: the oracle has %v", raw, err)
		}
		if theirs.Index != p.Index || len(theirs.Hashes) != len(p.Path) || string(theirs.Checkpoint) != string(p.Checkpoint) || string(theirs.Marshal()) != string(raw) {
			t.Errorf("%q is taken, the oracle has %+v", raw, theirs)
		}
	})
}
