package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	sumdb "golang.org/x/mod/sumdb/tlog"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/report"
	readers "github.com/assay-por/assay/verifier/tlog"
)

// entriesAfter are the signed entries of n statements of one series, of which the first is a real one's, as it was signed.
func entriesAfter(t *testing.T, first string, key attest.Signer, n int) [][]byte {
	t.Helper()
	signed, err := attest.ParseEnvelopeOf(attest.PayloadEntry, []byte(first))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := report.ParseEntry(signed.Payload)
	if err != nil {
		t.Fatal(err)
	}
	digest := func(what string, i int) *report.Digest {
		d := report.Digest(sha256.Sum256(fmt.Append(nil, what, i)))
		return &d
	}
	entries := make([][]byte, n)
	for i := range entries {
		if i > 0 {
			previous := entry.Statement
			entry.Series = &report.Series{Name: entry.Series.Name, Number: uint64(i), Previous: &previous}
			entry.Envelope, entry.Snapshot, entry.Statement = digest("envelope", i), digest("snapshot", i), *digest("statement", i)
			entry.Period = fmt.Sprintf("hour-%d", i)
		}
		payload, err := entry.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if entries[i], err = envelopeOf(attest.PayloadEntry, payload, key); err != nil {
			t.Fatal(err)
		}
	}
	return entries
}

// storedTree is a log's tree as golang.org/x/mod/sumdb/tlog has it, made of the entries alone.
type storedTree []sumdb.Hash

func (s storedTree) ReadHashes(at []int64) ([]sumdb.Hash, error) {
	out := make([]sumdb.Hash, len(at))
	for n, i := range at {
		out[n] = s[i]
	}
	return out, nil
}

func (s storedTree) root(t *testing.T, n uint64) sumdb.Hash {
	t.Helper()
	root, err := sumdb.TreeHash(int64(n), s)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// enterAll enters entries in the exchange's log, and returns their places, the log's tree made of them, and what a reader believes of it.
func (e *exchange) enterAll(t *testing.T, entries [][]byte) (dir string, places []tlog.Place, all storedTree, trust readers.Trust) {
	t.Helper()
	config, err := loadConfig(filepath.Join(e.dir, "assay.toml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.log(openedKey(t, e.dir, "keys/log.age"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tlog.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if places, err = l.Add(t.Context(), entries...); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for i, entry := range entries {
		stored, err := sumdb.StoredHashes(int64(i), entry, all)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, stored...)
	}
	vkey, err := tlog.VerifierKey(c.Origin, c.Signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	own, err := readers.ParseLogKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	witness, err := readers.ParseWitnessKey(c.Witnesses[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	return c.Dir, places, all, readers.Trust{Logs: []readers.Key{own}, Witnesses: []readers.Key{witness}, Quorum: 1}
}

// TestC11_TenThousandStatements: of a log of ten thousand statements that assay keeps, assay-verify and two libraries that are neither's agree on
// every place and on how it grew.
func TestC11_TenThousandStatements(t *testing.T) {
	const many = 10_000
	e := newExchange(t, "")
	e.statement(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	entries := entriesAfter(t, read(t, e.dir, "2026-10-run", fileEntry), openedKey(t, e.dir, "keys/statement.age"), many)
	dir, places, all, trust := e.enterAll(t, entries)
	checkPlaces(t, entries, places, all, trust)
	tree := readBack(t, dir, entries)
	checkGrowth(t, dir, tree, all)

	var found struct {
		Holds bool
		News  []struct {
			Index     uint64
			Statement string
		}
		Logs []struct{ Size uint64 }
	}
	unmarshal(t, e.judges(t, 0, "log", dir, "--json", "--state", "seen.json"), &found)
	if !found.Holds || len(found.News) != many || found.Logs[0].Size != many || found.News[0].Statement != e.digest(t, "2026-10") {
		t.Fatalf("it lists %d of them", len(found.News))
	}
	for i, n := range found.News {
		if n.Index != uint64(i) {
			t.Fatalf("entry %d is listed as %d", i, n.Index)
		}
	}
	// The real one among them is published like any other, and the next look begins where this one ended.
	e.must(t, "publish", "--config", "2026-10.toml")
	e.judges(t, 0, "bundle", "2026-10.zip", "--log", dir)
	e.must(t, "erratum", "--statement", "2026-10/statement.dsse.json", "--text", "One word was wrong.")
	has(t, e.judges(t, 0, "log", dir, "--state", "seen.json"), "10000: erratum to the statement", "from 10000 to 10001 entries")
	has(t, e.judges(t, 0, "log", e.serves(t, "2026-10"), dir), "2 sources show one log, exchange.example/log, the longest with 10001 entries")
}

// checkPlaces verifies each entry's proof three times.
func checkPlaces(t *testing.T, entries [][]byte, places []tlog.Place, all storedTree, trust readers.Trust) {
	t.Helper()
	heads := map[string]*readers.Checkpoint{}
	for i, p := range places {
		shown, err := readers.ParseProof(p.Proof)
		if err != nil || shown.Index != uint64(i) {
			t.Fatalf("#%d: %+v, %v", i, shown, err)
		}
		head := heads[string(shown.Checkpoint)]
		if head == nil {
			if head, err = trust.Check(shown.Checkpoint); err != nil || sumdb.Hash(head.Root) != all.root(t, head.Size) {
				t.Fatalf("#%d: the checkpoint %+v: %v", i, head, err)
			}
			heads[string(shown.Checkpoint)] = head
		}
		path, record := make([][]byte, len(shown.Path)), make(sumdb.RecordProof, len(shown.Path))
		for n, h := range shown.Path {
			path[n], record[n] = h[:], sumdb.Hash(h)
		}
		if err := readers.CheckInclusion(readers.LeafHash(entries[i]), shown.Index, head.Size, shown.Path, head.Root); err != nil {
			t.Fatalf("#%d: assay-verify: %v", i, err)
		}
		if err := sumdb.CheckRecord(record, int64(head.Size), sumdb.Hash(head.Root), int64(i), sumdb.RecordHash(entries[i])); err != nil {
			t.Fatalf("#%d: sumdb: %v", i, err)
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, shown.Index, head.Size, rfc6962.DefaultHasher.HashLeaf(entries[i]), path, head.Root[:]); err != nil {
			t.Fatalf("#%d: merkle: %v", i, err)
		}
	}
}

// readBack reads the log's files as assay-verify does.
func readBack(t *testing.T, dir string, entries [][]byte) (tree readers.Tree) {
	t.Helper()
	source := func(path string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, path)) }
	err := readers.Entries(source, uint64(len(entries)), func(i uint64, entry []byte) error {
		if string(entry) != string(entries[i]) {
			return fmt.Errorf("entry %d is another one", i)
		}
		tree.Append(readers.LeafHash(entry))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// checkGrowth verifies a thousand proofs that the log grew from one size to another, as its tiles give them, and those of evidence, which
// assay-verify makes.
func checkGrowth(t *testing.T, dir string, tree readers.Tree, all storedTree) {
	t.Helper()
	size := tree.Size()
	tiles, err := client.NewProofBuilder(t.Context(), size, client.FileFetcher{Root: dir}.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	sizes := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		to := 1 + sizes.Uint64N(size)
		from := 1 + sizes.Uint64N(to)
		path, err := tiles.ConsistencyProof(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		older, newer := all.root(t, from), all.root(t, to)
		own, shown := make([]readers.Hash, len(path)), make(sumdb.TreeProof, len(path))
		for i, h := range path {
			own[i], shown[i] = readers.Hash(h), sumdb.Hash(h)
		}
		if err := readers.CheckConsistency(from, to, own, readers.Hash(older), readers.Hash(newer)); err != nil {
			t.Fatalf("%d to %d: assay-verify: %v", from, to, err)
		}
		if err := sumdb.CheckTree(shown, int64(to), newer, int64(from), older); err != nil {
			t.Fatalf("%d to %d: sumdb: %v", from, to, err)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, from, to, path, older[:], newer[:]); err != nil {
			t.Fatalf("%d to %d: merkle: %v", from, to, err)
		}
		forkPath, err := tree.ForkPath(from, to)
		if err != nil {
			t.Fatal(err)
		}
		first, second, err := readers.RootsOf(from, to, forkPath)
		if err != nil || first != readers.Hash(older) || second != readers.Hash(newer) {
			t.Fatalf("%d to %d: the path of evidence gives %s and %s, %v", from, to, first, second, err)
		}
	}
}
