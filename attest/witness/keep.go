package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/assay-por/assay/attest"
)

const (
	dirEvidence = "evidence"
	maxEvidence = 1000 // of all logs together; a log cannot fill the disk
)

// forked is evidence of a fork (SPEC part 25); of one size the path is the second's root.
type forked struct {
	First  []byte   `json:"first"`
	Path   []string `json:"path"`
	Second []byte   `json:"second"`
	Type   string   `json:"type"`
}

const typeFork = "assay/v1/evidence/fork"

// fork refuses a checkpoint that was not shown to follow from the one before, and keeps
// both, signed by the log, with what was sent. Of one size they are kept as evidence
// of a fork too, which anybody can check; of two sizes that takes a proof that only
// the log's entries give.
func (w *Witness) fork(l *watched, r request, raw []byte, status int, reason string) error {
	if l.note == nil {
		return &refusal{status: status, reason: reason}
	}
	name := sha256.Sum256(append(append([]byte{}, l.note...), r.head.text...))
	dir := filepath.Join(w.config.Dir, dirEvidence, originHash(l.origin)[:16]+"-"+hex.EncodeToString(name[:16]))
	refused := &refusal{status: status, reason: reason, evidence: dir}
	if _, err := os.Stat(dir); err == nil {
		return refused
	}
	kept, err := os.ReadDir(filepath.Join(w.config.Dir, dirEvidence))
	if err != nil {
		return err
	}
	if len(kept) >= maxEvidence {
		refused.evidence = fmt.Sprintf("not kept: %d pieces are there", len(kept))
		return refused
	}
	files := map[string][]byte{"cosigned": l.note, "refused": r.note, "request": raw}
	if r.head.size == l.latest.size {
		if files["fork.json"], err = attest.Canonical(forked{l.note, []string{hex.EncodeToString(r.head.root[:])}, r.note, typeFork}); err != nil {
			return err
		}
	}
	partial := dir + ".new"
	if err := errors.Join(os.RemoveAll(partial), os.Mkdir(partial, 0o700)); err != nil {
		return err
	}
	for file, content := range files {
		if err := replace(filepath.Join(partial, file), content); err != nil {
			return err
		}
	}
	if err := os.Rename(partial, dir); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	return refused
}

// replace writes a file whole or not at all, and does not return before it is on disk.
func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
