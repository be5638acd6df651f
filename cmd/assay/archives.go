package main

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
)

// archiveList is proofs.json, beside the archives: what they are of, and those that are whole. It is written after each of them.
type archiveList struct {
	Of       archivesOf `json:"of"`
	Archives []archive  `json:"archives"`
}

// archivesOf is all that archives depend on: those of anything else are made anew.
type archivesOf struct {
	Statement string   `json:"statement"` // digest of the signed statement, which names the tree
	Envelope  string   `json:"envelope"`  // digest of it with its signatures
	Log       string   `json:"log"`       // digest of its place in the log, or empty
	Shards    int      `json:"shards"`
	To        []string `json:"to"` // age recipients
}

type archive struct {
	File   string `json:"file"`
	Proofs uint64 `json:"proofs"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const fileArchives = "proofs.json"

func archiveFile(shard int) string { return fmt.Sprintf("proofs-%05d.tar.zst.age", shard) }

// anyArchive matches archives, whole ones and those that a killed process left.
var anyArchive = regexp.MustCompile(`^(\.?proofs-[0-9]{5,7}\.tar\.zst\.age)[0-9]*$`)

// archiveDir is the folder of archives, held by this process alone until it is closed.
type archiveDir struct {
	*runDir
	list archiveList
}

// openArchives takes the folder and removes all archives in it that are not of this, and what a killed process left.
func openArchives(path string, of archivesOf) (*archiveDir, error) {
	dir, err := openRun(path)
	if err != nil {
		return nil, err
	}
	d := &archiveDir{runDir: dir}
	if err := d.clear(of); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return d, nil
}

func (d *archiveDir) clear(of archivesOf) error {
	if d.has(fileArchives) {
		if err := d.readJSON(fileArchives, "prove", &d.list); err != nil {
			return hinted(err, "have the proofs written to another folder")
		}
	}
	same := reflect.DeepEqual(d.list.Of, of)
	there, err := os.ReadDir(d.path)
	for _, f := range there {
		whole := same && !strings.HasPrefix(f.Name(), ".")
		if anyArchive.MatchString(f.Name()) && !whole {
			err = errors.Join(err, os.Remove(d.join(f.Name())))
		}
	}
	if err != nil {
		return unreadable("%v", err)
	}
	if same {
		return nil
	}
	d.list = archiveList{Of: of, Archives: []archive{}}
	return d.writeJSON(fileArchives, d.list)
}

// whole reports whether a shard's archive is there as it was listed.
func (d *archiveDir) whole(listed []archive, shard int) (bool, error) {
	i := slices.IndexFunc(listed, func(a archive) bool { return a.File == archiveFile(shard) })
	if i < 0 {
		return false, nil
	}
	f, err := os.Open(d.join(listed[i].File))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unreadable("%v", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return false, unreadable("%v", err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)) == listed[i].SHA256, nil
}

// add lists an archive that is whole.
func (d *archiveDir) add(a archive) error {
	list := slices.DeleteFunc(slices.Clone(d.list.Archives), func(b archive) bool { return b.File == a.File })
	d.list.Archives = append(list, a)
	slices.SortFunc(d.list.Archives, func(a, b archive) int { return strings.Compare(a.File, b.File) })
	return d.writeJSON(fileArchives, d.list)
}

// archiveWriter writes one archive: files in a tar, in zstd, in age. It is there once close has returned.
type archiveWriter struct {
	file   *renameio.PendingFile
	name   string
	at     time.Time
	sum    hash.Hash
	sealed io.WriteCloser
	packed *zstd.Encoder
	tar    *tar.Writer
	files  uint64
}

// create begins a shard's archive, whose files bear one time. While it is written, its name begins with a dot.
func (d *archiveDir) create(shard int, at time.Time, to []age.Recipient) (*archiveWriter, error) {
	w := &archiveWriter{name: archiveFile(shard), at: at, sum: sha256.New()}
	var err error
	if w.file, err = renameio.NewPendingFile(d.join(w.name), renameio.WithTempDir(d.path), renameio.WithPermissions(0o600)); err != nil {
		return nil, unreadable("%v", err)
	}
	if w.sealed, err = age.Encrypt(io.MultiWriter(w.file, w.sum), to...); err == nil {
		// What proofs share lies a proof's size apart: the fastest level finds it as well as any.
		w.packed, err = zstd.NewWriter(w.sealed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2))
	}
	if err != nil {
		return nil, errors.Join(unreadable("%s: %v", d.join(w.name), err), w.file.Cleanup())
	}
	w.tar = tar.NewWriter(w.packed)
	return w, nil
}

func (w *archiveWriter) add(name string, data []byte) error {
	w.files++
	if err := w.tar.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600, ModTime: w.at, Format: tar.FormatUSTAR}); err != nil {
		return w.failed(err)
	}
	if _, err := w.tar.Write(data); err != nil {
		return w.failed(err)
	}
	return nil
}

// close ends the archive, brings it to the disk, and puts it in its place.
func (w *archiveWriter) close() (archive, error) {
	for _, layer := range []io.Closer{w.tar, w.packed, w.sealed} {
		if err := layer.Close(); err != nil {
			return archive{}, w.failed(err)
		}
	}
	about, err := w.file.Stat()
	if err == nil {
		err = w.file.CloseAtomicallyReplace()
	}
	if err != nil {
		return archive{}, w.failed(err)
	}
	return archive{File: w.name, Proofs: w.files, Bytes: about.Size(), SHA256: fmt.Sprintf("%x", w.sum.Sum(nil))}, nil
}

// abandon removes what close did not put in place.
func (w *archiveWriter) abandon() {
	_ = w.file.Cleanup() // the archive failed already, or is in its place
}

func (w *archiveWriter) failed(err error) error {
	return unreadable("writing %s: %v", w.name, err)
}
