package tlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	checkpoints "github.com/transparency-dev/formats/log"
	cosignatures "github.com/transparency-dev/formats/note"
	proofs "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// MaxEntry is the largest entry in bytes (SPEC part 25).
const MaxEntry = 1<<16 - 1

// MaxCheckpoint bounds the file of a checkpoint: 64 lines of signatures and their names.
const MaxCheckpoint = 64 << 10

// ErrAbsent is returned for an entry that the log does not hold.
var ErrAbsent = errors.New("the log does not hold this entry")

// Checkpoint is a head of the log whose signatures were verified (SPEC part 25).
type Checkpoint struct {
	Origin    string
	Size      uint64
	Root      [sha256.Size]byte
	Note      []byte        // the signed note
	Witnesses []Cosignature // of the witnesses asked about, those that signed it
}

// Text returns what the log signed: three lines (SPEC part 25).
func (c Checkpoint) Text() []byte {
	text, _, _ := bytes.Cut(c.Note, []byte("\n\n"))
	return append(bytes.Clone(text), '\n')
}

// Cosignature says which witness saw a checkpoint, and when by its clock.
type Cosignature struct {
	Key  string // verifier key
	Time time.Time
}

// Place is where an entry stands in the log, with what shows it (SPEC part 25).
type Place struct {
	Index      uint64
	Proof      []byte // log.tlog-proof, which ends with the checkpoint
	Checkpoint []byte
}

// ReadCheckpoint reads the checkpoint of a log's folder (SPEC part 25). It must be
// signed by vkey, the log's; signatures of the witnesses named must verify, and those
// of others are passed over. How many there must be is the caller's to say.
func ReadCheckpoint(dir fs.FS, vkey string, witnesses ...string) (Checkpoint, error) {
	raw, err := fs.ReadFile(dir, layout.CheckpointPath)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("log: %w", err)
	}
	return OpenCheckpoint(raw, vkey, witnesses...)
}

// OpenCheckpoint is [ReadCheckpoint] of a file that was read.
func OpenCheckpoint(raw []byte, vkey string, witnesses ...string) (Checkpoint, error) {
	c, err := openCheckpoint(raw, vkey, witnesses)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("log: checkpoint: %w", err)
	}
	return c, nil
}

func openCheckpoint(raw []byte, vkey string, witnesses []string) (Checkpoint, error) {
	if len(raw) > MaxCheckpoint {
		return Checkpoint{}, fmt.Errorf("larger than %d bytes", MaxCheckpoint)
	}
	own, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%q is no verifier key of a log", vkey)
	}
	known := []note.Verifier{own}
	for _, w := range witnesses {
		v, err := witnessVerifier(w)
		if err != nil {
			return Checkpoint{}, err
		}
		known = append(known, v)
	}
	n, err := note.Open(raw, note.VerifierList(known...))
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := parseHead(n.Text, own.Name())
	if err != nil {
		return Checkpoint{}, err
	}
	c.Note = raw
	signed := false
	for _, sig := range n.Sigs {
		i := slices.IndexFunc(known, func(v note.Verifier) bool { return v.Name() == sig.Name && v.KeyHash() == sig.Hash })
		if i == 0 {
			signed = true
			continue
		}
		at, err := cosignatures.CoSigV1Timestamp(sig)
		if err != nil {
			return Checkpoint{}, fmt.Errorf("cosignature of %s: %w", sig.Name, err)
		}
		c.Witnesses = append(c.Witnesses, Cosignature{Key: witnesses[i-1], Time: at.UTC()})
	}
	if !signed {
		return Checkpoint{}, fmt.Errorf("it is not signed by the log's key %s", vkey)
	}
	return c, nil
}

// parseHead reads what a log of that origin signs.
func parseHead(text, origin string) (Checkpoint, error) {
	var head checkpoints.Checkpoint
	rest, err := head.Unmarshal([]byte(text))
	if err != nil {
		return Checkpoint{}, err
	}
	if head.Origin != origin || len(head.Hash) != sha256.Size || len(rest) != 0 {
		return Checkpoint{}, fmt.Errorf("want three lines: the origin %s, a size, a root", origin)
	}
	return Checkpoint{Origin: origin, Size: head.Size, Root: [sha256.Size]byte(head.Hash)}, nil
}

func witnessVerifier(vkey string) (note.Verifier, error) {
	v, err := cosignatures.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		return nil, fmt.Errorf("%q is no verifier key of a witness", vkey)
	}
	return v, nil
}

// Entries goes through all entries under a checkpoint, in order (SPEC part 25). The
// last thing it yields is an error if they do not give the checkpoint's root: until
// then they are not to be believed.
func Entries(dir fs.FS, c Checkpoint) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		r, err := newReader(dir, c)
		if err != nil {
			yield(nil, err)
			return
		}
		tree := emptyRange()
		for i := range c.Size {
			entry, err := r.entry(i)
			if err != nil {
				yield(nil, err)
				return
			}
			if err := tree.Append(rfc6962.DefaultHasher.HashLeaf(entry), nil); err != nil {
				yield(nil, fmt.Errorf("log: entry #%d: %w", i, err))
				return
			}
			if !yield(entry, nil) {
				return
			}
		}
		if err := hasRoot(tree, c); err != nil {
			yield(nil, err)
		}
	}
}

// Prove finds an entry under a checkpoint and proves where it stands (SPEC part 25).
// It returns [ErrAbsent] if it is not there.
func Prove(dir fs.FS, c Checkpoint, entry []byte) (Place, error) {
	leaves, err := leafHashes(dir, c.Size)
	if err != nil {
		return Place{}, err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(entry)
	i := slices.IndexFunc(leaves, func(l []byte) bool { return bytes.Equal(l, leaf) })
	if i < 0 {
		return Place{}, ErrAbsent
	}
	r, err := newReader(dir, c)
	if err != nil {
		return Place{}, err
	}
	return r.place(uint64(i), entry)
}

// ProveAt proves where the entry at an index stands (SPEC part 25). It returns [ErrAbsent]
// if the checkpoint covers fewer entries.
func ProveAt(dir fs.FS, c Checkpoint, index uint64) (Place, error) {
	if index >= c.Size {
		return Place{}, ErrAbsent
	}
	r, err := newReader(dir, c)
	if err != nil {
		return Place{}, err
	}
	entry, err := r.entry(index)
	if err != nil {
		return Place{}, err
	}
	return r.place(index, entry)
}

// reader reads what lies under one checkpoint; a bundle or tile is read once while it is needed.
type reader struct {
	dir     fs.FS
	head    Checkpoint
	builder *client.ProofBuilder
	number  uint64 // of the bundle that entries are of
	entries [][]byte
}

func newReader(dir fs.FS, c Checkpoint) (*reader, error) {
	builder, err := client.NewProofBuilder(context.Background(), c.Size, tiles(dir))
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return &reader{dir: dir, head: c, builder: builder}, nil
}

// entry returns the entry at i, as the folder has it.
func (r *reader) entry(i uint64) ([]byte, error) {
	if number := i / layout.EntryBundleWidth; r.entries == nil || r.number != number {
		b, err := client.GetEntryBundle(context.Background(), bundles(r.dir), number, r.head.Size)
		if err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
		r.number, r.entries = number, b.Entries
	}
	at := i % layout.EntryBundleWidth
	if at >= uint64(len(r.entries)) {
		return nil, fmt.Errorf("log: entry #%d is missing: its bundle has %d entries", i, len(r.entries))
	}
	return r.entries[at], nil
}

// place proves that entry is the one at i: it is read back, and the proof verified.
func (r *reader) place(i uint64, entry []byte) (Place, error) {
	stored, err := r.entry(i)
	if err != nil {
		return Place{}, err
	}
	if !bytes.Equal(stored, entry) {
		return Place{}, fmt.Errorf("log: entry #%d reads back as other bytes", i)
	}
	path, err := r.builder.InclusionProof(context.Background(), i)
	if err != nil {
		return Place{}, fmt.Errorf("log: entry #%d: %w", i, err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, i, r.head.Size, rfc6962.DefaultHasher.HashLeaf(entry), path, r.head.Root[:]); err != nil {
		return Place{}, fmt.Errorf("log: entry #%d: %w", i, err)
	}
	shown := proofs.TLogProof{Index: i, Checkpoint: r.head.Note}
	for _, h := range path {
		shown.Hashes = append(shown.Hashes, [sha256.Size]byte(h))
	}
	return Place{Index: i, Proof: shown.Marshal(), Checkpoint: r.head.Note}, nil
}

// follows checks that the log under the checkpoint begins with the log under an older one.
func (r *reader) follows(older Checkpoint) error {
	if older.Size > r.head.Size {
		return fmt.Errorf("log: a checkpoint of size %d after one of size %d", r.head.Size, older.Size)
	}
	if older.Size == 0 {
		return nil
	}
	path, err := r.builder.ConsistencyProof(context.Background(), older.Size, r.head.Size)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, older.Size, r.head.Size, path, older.Root[:], r.head.Root[:]); err != nil {
		return fmt.Errorf("log: the checkpoint of size %d does not follow from the one of size %d: %s", r.head.Size, older.Size, plain(err.Error()))
	}
	return nil
}

func leafHashes(dir fs.FS, size uint64) ([][]byte, error) {
	leaves, err := client.FetchLeafHashes(context.Background(), tiles(dir), 0, size, size)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	return leaves, nil
}

func emptyRange() *compact.Range {
	return (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
}

func hasRoot(tree *compact.Range, c Checkpoint) error {
	root := rfc6962.DefaultHasher.EmptyRoot()
	if c.Size > 0 {
		var err error
		if root, err = tree.GetRootHash(nil); err != nil {
			return fmt.Errorf("log: %w", err)
		}
	}
	if !bytes.Equal(root, c.Root[:]) {
		return fmt.Errorf("log: its first %d entries give the root %x, its checkpoint says %x", c.Size, root, c.Root)
	}
	return nil
}

func tiles(dir fs.FS) client.TileFetcherFunc {
	return func(_ context.Context, level, index uint64, p uint8) ([]byte, error) {
		return readPartial(dir, func(p uint8) string { return layout.TilePath(level, index, p) }, p)
	}
}

func bundles(dir fs.FS) client.EntryBundleFetcherFunc {
	return func(_ context.Context, index uint64, p uint8) ([]byte, error) {
		return readPartial(dir, func(p uint8) string { return layout.EntriesPath(index, p) }, p)
	}
}

// readPartial reads a file of that width, or the full one, which begins with it.
func readPartial(dir fs.FS, path func(uint8) string, p uint8) ([]byte, error) {
	b, err := fs.ReadFile(dir, path(p))
	if p > 0 && errors.Is(err, fs.ErrNotExist) {
		return fs.ReadFile(dir, path(0))
	}
	return b, err
}
