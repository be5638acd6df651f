package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
)

// Heads is a folder of signed heads, outside the database: a folder a day, in it a file a head, named by its row.
//
//	2026-11-30/0000000000000017.json
//
// None is ever written over: who keeps copies of them elsewhere finds out whether rows were changed since.
type Heads struct{ Dir string }

// Head is a head with its file.
type Head struct {
	attest.AuditHead
	File     string // path
	Envelope []byte // canonical JSON (SPEC part 10)
}

// row is the number of the row that a head is of.
func (h Head) row() int64 { return int64(h.Seq) } //nolint:gosec // canonical JSON has no number above 2^53-1

// Keep signs a head and writes its file, whole or not at all. One that is there stays as it is.
func (h Heads) Keep(head attest.AuditHead, signer attest.Signer) error {
	payload, err := head.JSON()
	if err != nil {
		return err
	}
	envelope, err := attest.Sign(attest.PayloadAuditHead, payload, signer)
	if err != nil {
		return err
	}
	raw, err := envelope.JSON()
	if err != nil {
		return err
	}
	path := h.path(head)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := create(path, raw); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(h.Dir) // the day may be new
}

// path is where a head lies.
func (h Heads) path(head attest.AuditHead) string {
	return filepath.Join(h.Dir, head.At.Format(time.DateOnly), fileOf(head.Seq))
}

func fileOf(seq uint64) string { return fmt.Sprintf("%016d.json", seq) }

// create writes a new file, and never over another.
func create(path string, content []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".head-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
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

// All are the heads that one of the keys signed, oldest first. An error is of one file, and others follow; one that is not of a file ends it.
func (h Heads) All(keys ...attest.PublicKey) iter.Seq2[Head, error] {
	return func(yield func(Head, error) bool) {
		files, err := h.files()
		if err != nil {
			yield(Head{}, err)
			return
		}
		for _, file := range files {
			if !yield(h.read(file, keys)) {
				return
			}
		}
	}
}

// Last is the newest head, or the zero one where there is none.
func (h Heads) Last(keys ...attest.PublicKey) (Head, error) {
	files, err := h.files()
	if err != nil || len(files) == 0 {
		return Head{}, err
	}
	return h.read(files[len(files)-1], keys)
}

// headFile is where a head lies.
type headFile struct {
	day string
	seq uint64
}

// files are all of them, in the order of their rows; what is named otherwise is passed over, such as what was being written when
// a server was killed.
func (h Heads) files() ([]headFile, error) {
	days, err := os.ReadDir(h.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []headFile
	for _, day := range days {
		if _, err := time.Parse(time.DateOnly, day.Name()); err != nil || !day.IsDir() {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(h.Dir, day.Name()))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			digits, _ := strings.CutSuffix(e.Name(), ".json")
			seq, err := strconv.ParseUint(digits, 10, 64)
			if err == nil && e.Name() == fileOf(seq) {
				all = append(all, headFile{day.Name(), seq})
			}
		}
	}
	slices.SortFunc(all, func(a, b headFile) int { return cmp.Or(cmp.Compare(a.seq, b.seq), strings.Compare(a.day, b.day)) })
	return all, nil
}

// maxHead is the largest file of a head, in bytes.
const maxHead = 4 << 10

func (h Heads) read(file headFile, keys []attest.PublicKey) (Head, error) {
	path := filepath.Join(h.Dir, file.day, fileOf(file.seq))
	fault := func(err error) (Head, error) { return Head{File: path}, fmt.Errorf("%s: %w", path, err) }
	info, err := os.Stat(path)
	if err != nil {
		return fault(err)
	}
	if info.Size() > maxHead {
		return fault(fmt.Errorf("%d bytes, want at most %d", info.Size(), maxHead))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fault(err)
	}
	head, err := ParseHead(raw, keys...)
	if err != nil {
		return fault(err)
	}
	if head.Seq != file.seq || head.At.Format(time.DateOnly) != file.day {
		return fault(fmt.Errorf("it is of row %d at %s, which is another file's", head.Seq, head.At.Format(time.RFC3339)))
	}
	return Head{head, path, raw}, nil
}

// ParseHead reads the envelope of a head that one of the keys signed.
func ParseHead(raw []byte, keys ...attest.PublicKey) (attest.AuditHead, error) {
	e, err := attest.ParseEnvelopeOf(attest.PayloadAuditHead, raw)
	if err != nil {
		return attest.AuditHead{}, err
	}
	if err := e.Verify(keys...); err != nil {
		return attest.AuditHead{}, err
	}
	return attest.ParseAuditHead(e.Payload)
}
