package tlog

import (
	"bytes"
	"errors"
	"fmt"

	proofs "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// maxProof bounds a proof: a path of 64 hashes and a checkpoint.
const maxProof = 64 << 10

// Verify checks a proof (log.tlog-proof) of an entry against a log's key, and returns
// where the entry stands and under which checkpoint (SPEC part 25). Of the witnesses named
// the checkpoint lists those that signed; how many there must be is the caller's to say.
func Verify(shown, entry []byte, vkey string, witnesses ...string) (uint64, Checkpoint, error) {
	if len(shown) > maxProof {
		return 0, Checkpoint{}, fmt.Errorf("log proof: larger than %d bytes", maxProof)
	}
	var p proofs.TLogProof
	if err := p.Unmarshal(shown); err != nil {
		return 0, Checkpoint{}, fmt.Errorf("log proof: %w", err)
	}
	if p.ExtraData != nil || !bytes.Equal(p.Marshal(), shown) {
		return 0, Checkpoint{}, errors.New("log proof: it has an extra line, or is spelt otherwise than tlog-proof says")
	}
	c, err := openCheckpoint(p.Checkpoint, vkey, witnesses)
	if err != nil {
		return 0, Checkpoint{}, fmt.Errorf("log proof: checkpoint: %w", err)
	}
	path := make([][]byte, len(p.Hashes))
	for i := range p.Hashes {
		path[i] = p.Hashes[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, c.Size, rfc6962.DefaultHasher.HashLeaf(entry), path, c.Root[:]); err != nil {
		return 0, Checkpoint{}, fmt.Errorf("log proof: entry #%d: %w", p.Index, err)
	}
	return p.Index, c, nil
}
