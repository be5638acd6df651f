package build

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/store"
)

// testLedger is a ledger's text, and what it holds, folded the simple way.
type testLedger struct {
	text     string
	rules    ledger.Rules
	registry []ledger.Asset // nil for assets
	prices   []merkle.Price // of margin accounts, or none
	ids      []string       // in order of first occurrence
	sums     map[string]merkle.Plain
}

// Add implements [ledger.Sink].
func (l *testLedger) Add(customer []byte, entries []ledger.Entry) error {
	id := string(customer)
	sum, known := l.sums[id]
	if !known {
		l.ids = append(l.ids, id)
	}
	for _, e := range entries {
		if e.Amount.IsZero() {
			continue
		}
		var err error
		if sum, err = sum.Add(merkle.Plain{{Asset: e.Asset, Amount: e.Amount}}); err != nil {
			return err
		}
	}
	l.sums[id] = sum
	return nil
}

func (l *testLedger) sources() []ledger.Source {
	return []ledger.Source{{Name: "l.csv", Size: int64(len(l.text)), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(l.text)), nil
	}}}
}

func readText(t testing.TB, text string, rules ledger.Rules) *testLedger {
	t.Helper()
	l := &testLedger{text: text, rules: rules, sums: map[string]merkle.Plain{}}
	if _, err := ledger.Scan(context.Background(), l.sources(), assets, rules, []ledger.Sink{l}, nil); err != nil {
		t.Fatal(err)
	}
	return l
}

// Input is a build of a test.
type Input struct {
	Ledger   *testLedger
	Keys     merkle.Keys
	Snapshot merkle.Hash
	Kind     merkle.Kind // 0 for plain
	Hidden   bool        // totals
	Shards   int
	Parts    int // 0 for as many as planned
	Cores    int
	Memory   int64
	Dir      string
	Identity *age.X25519Identity
	Progress func(stage string, done, total int64)
}

// inputOf is a build of a ledger in a fresh folder.
func inputOf(t testing.TB, l *testLedger, secret, snapshot byte, shards int, id *age.X25519Identity) Input {
	t.Helper()
	keys, err := merkle.DeriveKeys([32]byte{secret}, merkle.Hash{snapshot})
	if err != nil {
		t.Fatal(err)
	}
	return Input{Ledger: l, Keys: keys, Snapshot: merkle.Hash{snapshot}, Shards: shards, Dir: t.TempDir(), Identity: id, Memory: 1 << 28}
}

func (in Input) worker() *Worker {
	registry := in.Ledger.registry
	if registry == nil {
		registry = assets
	}
	plan := NewPlan("test", in.Snapshot, cmp.Or(in.Kind, merkle.KindPlain), registry, in.Ledger.rules, in.Ledger.sources(), in.Memory)
	plan.Shards, plan.Leaves, plan.Hidden, plan.Margin = in.Shards, true, in.Hidden, in.Ledger.prices
	if in.Parts > 0 {
		plan.Parts = in.Parts
	}
	return &Worker{Plan: plan, Store: store.Dir(in.Dir), Sources: in.Ledger.sources(), Keys: in.Keys,
		Recipient: in.Identity.Recipient(), Identity: in.Identity, Random: rand.Reader, Memory: in.Memory, Cores: in.Cores, Progress: in.Progress}
}

func run(in Input) (Result, error) {
	w := in.worker()
	r, _, err := Run(context.Background(), w, InProcess{Do: w.Do, Cores: in.Cores})
	return r, err
}

func mustRun(t testing.TB, in Input) Result {
	t.Helper()
	r, err := run(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reversed(text string) string {
	rows := bytes.SplitAfter([]byte(text), []byte("\n"))
	var b bytes.Buffer
	b.Write(rows[0])
	for i := len(rows) - 1; i > 0; i-- {
		b.Write(rows[i])
	}
	return b.String()
}

// Prove makes a single proof.
func Prove(ctx context.Context, files store.Store, result Result, assets int, statement merkle.Hash, identity age.Identity, handle [32]byte, index int) (merkle.Proof[merkle.Plain], error) {
	p, err := NewProver(files, result, assets, statement, identity)
	if err != nil {
		return merkle.Proof[merkle.Plain]{}, err
	}
	proof, err := p.Prove(ctx, handle, index)
	return proof, errors.Join(err, p.Close())
}

// builtOf is a build of a test, signed by nobody.
func builtOf(in Input, r Result, names []string, id age.Identity) *Built {
	return &Built{Files: store.Dir(in.Dir), Result: r, Assets: names, Statement: merkle.Hash{9}, Identity: id}
}

// rowsOf are a confidential shard's rows as its file has them.
func rowsOf(in Input, leaves []confidential.Leaf, customers map[merkle.Hash]string) []shard.Row[confidential.Point] {
	rows := make([]shard.Row[confidential.Point], len(leaves))
	for i, l := range leaves {
		id := customers[l.Identity]
		rows[i] = shard.Row[confidential.Point]{
			Handle: in.Keys.Handle(id), Nonce: in.Keys.Nonce(id), Identity: l.Identity, Sum: l.Sum,
			Opening: &merkle.Opening[confidential.Point]{Balances: in.Ledger.sums[id], Blinding: l.Blinding},
		}
	}
	return rows
}

// NewProver is newProver of a plain tree.
func NewProver(files store.Store, result Result, assets int, statement merkle.Hash, identity age.Identity) (*prover[merkle.Plain], error) {
	return newProver(plainKind, files, result, assets, statement, identity)
}
