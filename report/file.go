package report

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// File is one file of a bundle (SPEC part 11). It may be large: its content stays
// where it is and is read through Open.
type File struct {
	Path   string
	Size   uint64
	SHA256 Digest
	CRC32  uint32 // as the zip form needs it before the content
	Open   func() (io.ReadCloser, error)
}

// NewFile reads the content once and notes its size and digests (SPEC part 11).
func NewFile(path string, open func() (io.ReadCloser, error)) (File, error) {
	f := File{Path: path, Open: open}
	r, err := open()
	if err != nil {
		return File{}, err
	}
	size, sha, crc, err := digest(io.Discard, r)
	if err = errors.Join(err, r.Close()); err != nil {
		return File{}, fmt.Errorf("bundle: %s: %w", path, err)
	}
	f.Size, f.SHA256, f.CRC32 = size, sha, crc
	return f, nil
}

// NewDiskFile is NewFile of the file called name (SPEC part 11).
func NewDiskFile(path, name string) (File, error) {
	return NewFile(path, func() (io.ReadCloser, error) { return os.Open(name) })
}

// NewBytesFile is NewFile of bytes in memory (SPEC part 11).
func NewBytesFile(path string, content []byte) File {
	return File{Path: path, Size: uint64(len(content)), SHA256: sha256.Sum256(content), CRC32: crc32.ChecksumIEEE(content),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// copyTo writes the content and makes sure that it is still the one that was noted.
func (f File) copyTo(w io.Writer) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("bundle: %s: %w", f.Path, err)
	}
	size, sha, crc, err := digest(w, io.LimitReader(r, int64(f.Size)+1)) //nolint:gosec // a file's size
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("bundle: %s: %w", f.Path, err)
	}
	if size != f.Size || sha != f.SHA256 || crc != f.CRC32 {
		return fmt.Errorf("bundle: %s: it changed while it was being published", f.Path)
	}
	return nil
}

func digest(w io.Writer, r io.Reader) (size uint64, sha Digest, crc uint32, err error) {
	h, c := sha256.New(), crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(w, h, c), r)
	return uint64(n), Digest(h.Sum(nil)), c.Sum32(), err //nolint:gosec // io.Copy counts from 0
}
