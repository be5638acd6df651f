package tlog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	proofs "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
)

// maxProof bounds a proof: a path of 64 hashes and a checkpoint.
const maxProof = 64 << 10

// Verify checks a proof (log.tlog-proof) of an entry against a log's key, and returns
// where the entry stands and under which checkpoint (SPEC part 25). Of the witnesses named
// the checkpoint lists those that signed; how many there must be is the caller's to say.
func Verify(shown, entry []byte, vkey string, witnesses ...string) (uint64, Checkpoint, error) {
	p, err := parseProof(shown)
	if err != nil {
		return 0, Checkpoint{}, err
	}
	c, err := openCheckpoint(p.Checkpoint, vkey, witnesses)
	if err != nil {
		return 0, Checkpoint{}, fmt.Errorf("log proof: checkpoint: %w", err)
	}
	return p.Index, c, included(p, c, entry)
}

// Shows checks that a proof is of an entry, for who does not know the log's key: whose
// log it is stays open, as nobody's signature is verified (SPEC part 25).
func Shows(shown, entry []byte) error {
	p, err := parseProof(shown)
	if err != nil {
		return err
	}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(p.Checkpoint, note.VerifierList()); !errors.As(err, &unverified) {
		return fmt.Errorf("log proof: checkpoint: %w", err)
	}
	origin, _, _ := strings.Cut(unverified.Note.Text, "\n")
	c, err := parseHead(unverified.Note.Text, origin)
	if err != nil {
		return fmt.Errorf("log proof: checkpoint: %w", err)
	}
	return included(p, c, entry)
}

// IsProof tells the file of a proof from others, by how it begins (SPEC part 25).
func IsProof(file []byte) bool { return bytes.HasPrefix(file, []byte("c2sp.org/tlog-proof@")) }

func parseProof(shown []byte) (p proofs.TLogProof, err error) {
	if len(shown) > maxProof {
		return p, fmt.Errorf("log proof: larger than %d bytes", maxProof)
	}
	if err := p.Unmarshal(shown); err != nil {
		return p, fmt.Errorf("log proof: %w", err)
	}
	if p.ExtraData != nil || !bytes.Equal(p.Marshal(), shown) {
		return p, errors.New("log proof: it has an extra line, or is spelt otherwise than tlog-proof says")
	}
	return p, nil
}

// included checks the path from the entry to the checkpoint's root.
func included(p proofs.TLogProof, c Checkpoint, entry []byte) error {
	path := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		path[i] = p.Hashes[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, c.Size, rfc6962.DefaultHasher.HashLeaf(entry), path, c.Root[:]); err != nil {
		return fmt.Errorf("log proof: entry #%d: %s", p.Index, plain(err.Error()))
	}
	return nil
}
