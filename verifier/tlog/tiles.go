package tlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-por/assay/verifier/canon"
)

// CheckpointPath is where a log has its checkpoint, below its prefix (SPEC part 25).
const CheckpointPath = "checkpoint"

const tileWidth = 256

// Source gives a file of a log by its path below the prefix, fs.ErrNotExist if there is none.
type Source func(path string) ([]byte, error)

// EntryPath is where a log has a bundle of entries, by its number and how many of 256 entries are in it (SPEC part 25).
func EntryPath(bundle uint64, width int) string {
	path := fmt.Sprintf("%03d", bundle%1000)
	for n := bundle / 1000; n > 0; n /= 1000 {
		path = fmt.Sprintf("x%03d/", n%1000) + path
	}
	if width < tileWidth {
		return fmt.Sprintf("tile/entries/%s.p/%d", path, width)
	}
	return "tile/entries/" + path
}

// Entries reads the first entries of a log, size of them, in order (SPEC part 25). Errors are *canon.FormatError, which name the bundle,
// and those of src and each. Whether they are what the log signed, only their hashes tell.
func Entries(src Source, size uint64, each func(index uint64, entry []byte) error) error {
	if size > maxSize {
		return &canon.FormatError{Problem: fmt.Sprintf("a log of %d entries, the limit is %d", size, uint64(maxSize))}
	}
	for index := uint64(0); index < size; {
		want := min(tileWidth, size-index)
		entries, err := readBundle(src, index/tileWidth, int(want)) //nolint:gosec // at most 256
		if err != nil {
			return err
		}
		for _, entry := range entries[:want] {
			if err := each(index, entry); err != nil {
				return err
			}
			index++
		}
	}
	return nil
}

// readBundle reads at least so many entries. A log that has grown may have the full bundle only.
func readBundle(src Source, bundle uint64, want int) ([][]byte, error) {
	path, least := EntryPath(bundle, want), want
	raw, err := src(path)
	if want < tileWidth && errors.Is(err, fs.ErrNotExist) {
		path, least = EntryPath(bundle, tileWidth), tileWidth
		raw, err = src(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	entries, err := parseBundle(raw)
	if err == nil && len(entries) < least {
		err = fmt.Errorf("%d entries, want %d", len(entries), least)
	}
	if err != nil {
		return nil, &canon.FormatError{Field: path, Problem: err.Error()}
	}
	return entries, nil
}

func parseBundle(raw []byte) (entries [][]byte, err error) {
	if err := tooLong(raw, maxBundle); err != nil {
		return nil, err
	}
	for len(raw) > 0 {
		if len(entries) == tileWidth {
			return nil, fmt.Errorf("%d bytes follow %d entries", len(raw), tileWidth)
		}
		if len(raw) < 2 || len(raw)-2 < int(binary.BigEndian.Uint16(raw)) {
			return nil, fmt.Errorf("ends inside entry %d", len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(raw))
		entries, raw = append(entries, raw[2:end:end]), raw[end:]
	}
	return entries, nil
}
