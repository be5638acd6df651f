package tlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

const origin = "exchange.example/log"

// signer is a log or a witness, with the same key every time.
type signer struct {
	name      string
	algorithm byte
	private   ed25519.PrivateKey
}

func newSigner(name string, algorithm byte, seed string) signer {
	sum := sha256.Sum256([]byte(seed))
	return signer{name, algorithm, ed25519.NewKeyFromSeed(sum[:])}
}

func aLog(seed string) signer     { return newSigner(origin, logAlgorithm, seed) }
func aWitness(name string) signer { return newSigner(name, witnessAlgorithm, name) }
func public(s signer) []byte      { return s.private.Public().(ed25519.PublicKey) }
func decoded(s signer) []byte     { return append([]byte{s.algorithm}, public(s)...) }
func b64(b []byte) string         { return base64.StdEncoding.EncodeToString(b) }
func (s signer) hash() []byte {
	h := sha256.Sum256(append([]byte(s.name+"\n"), decoded(s)...))
	return h[:4]
}
func (s signer) vkey() string { return fmt.Sprintf("%s+%x+%s", s.name, s.hash(), b64(decoded(s))) }
func (s signer) line(b []byte) string {
	return fmt.Sprintf("— %s %s\n", s.name, b64(append(s.hash(), b...)))
}

func (s signer) sign(text string) string { return s.line(ed25519.Sign(s.private, []byte(text))) }

func (s signer) cosign(text string, seconds uint64) string {
	signature := ed25519.Sign(s.private, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text))
	return s.line(append(binary.BigEndian.AppendUint64(nil, seconds), signature...))
}

func (s signer) key(t testing.TB) Key {
	t.Helper()
	parse := ParseLogKey
	if s.algorithm == witnessAlgorithm {
		parse = ParseWitnessKey
	}
	key, err := parse(s.vkey())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func trust(t testing.TB, quorum int, log signer, witnesses ...signer) Trust {
	out := Trust{Logs: []Key{log.key(t)}, Quorum: quorum}
	for _, w := range witnesses {
		out.Witnesses = append(out.Witnesses, w.key(t))
	}
	return out
}

func text(size uint64, root Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, b64(root[:]))
}

// grown is a log of n entries; salt tells it from another.
func grown(n uint64, salt string) *Tree {
	tree := new(Tree)
	for i := range n {
		tree.Append(LeafHash(entryOf(i, salt)))
	}
	return tree
}

func entryOf(i uint64, salt string) []byte { return fmt.Appendf(nil, "entry %d%s", i, salt) }

// checkpoint of the first n entries, signed by the log.
func checkpoint(t testing.TB, log signer, tree *Tree, n uint64) string {
	t.Helper()
	root, err := tree.Root(n)
	if err != nil {
		t.Fatal(err)
	}
	return text(n, root) + "\n" + log.sign(text(n, root))
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused fails unless err says what it should.
func refused(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want an error that says %q", name, err, want)
	}
}

// formatError fails unless err is one, and says what it should.
func formatError(t testing.TB, name string, err error, want string) {
	t.Helper()
	var f *canon.FormatError
	if !errors.As(err, &f) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %T %v, want a format error that says %q", name, err, err, want)
	}
}
