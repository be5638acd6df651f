package report

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
)

const (
	zipVersion  = 20
	zipUTF8     = 0x0800
	zipEpoch    = 0x0021 // 1 January 1980, the first date there is
	zipLocal    = 30     // bytes of a local header, but for the name
	zipCentral  = 46     // bytes of an entry of the central directory, but for the name
	zipEnd      = 22     // bytes of the end record
	zipMaxSize  = 1<<32 - 2
	zipMaxFiles = 1<<16 - 2 // the largest numbers mean "see the zip64 record"
)

// ErrNoZip is returned for a bundle that no zip of SPEC part 11 can hold: over 4 GiB
// or over 65,534 files. It is published as a folder only.
var ErrNoZip = errors.New("bundle: too large for a zip")

// WriteZip writes files as a zip of which there is one form (SPEC part 11): two
// bundles of the same files are the same bytes.
func WriteZip(w io.Writer, files []File) error {
	sorted, err := sortFiles(files)
	if err != nil {
		return err
	}
	if err := checkZip(sorted); err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range sorted {
		entry, err := z.CreateRaw(&zip.FileHeader{
			Name: f.Path, Method: zip.Store, CreatorVersion: zipVersion, ReaderVersion: zipVersion, Flags: zipUTF8,
			ModifiedDate: zipEpoch, CRC32: f.CRC32, CompressedSize64: f.Size, UncompressedSize64: f.Size,
		})
		if err != nil {
			return fmt.Errorf("bundle: zip: %w", err)
		}
		if err := f.copyTo(entry); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("bundle: zip: %w", err)
	}
	return nil
}

func checkZip(files []File) error {
	size := uint64(zipEnd)
	for _, f := range files {
		if f.Size > zipMaxSize {
			return fmt.Errorf("%w: %s has %d bytes", ErrNoZip, f.Path, f.Size)
		}
		size += zipLocal + zipCentral + 2*uint64(len(f.Path)) + f.Size
	}
	if size > zipMaxSize || len(files) > zipMaxFiles {
		return fmt.Errorf("%w: %d files, %d bytes", ErrNoZip, len(files), size)
	}
	return nil
}
