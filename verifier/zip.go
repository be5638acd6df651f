package verifier

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/assay-por/assay/verifier/claim"
)

// Zip lists a bundle that is a zip file of the one form that SPEC part 11 allows: it follows the local headers in sequence,
// writes the central directory anew from them, and demands that the file ends with those very bytes. Checksums of the data are
// compared when `bundle.files` reads it.
func Zip(r io.ReaderAt, size int64) (*Files, error) {
	if size > 1<<32-1 {
		return nil, &unreadable{"the zip is over 4 GiB: such a bundle is a folder"}
	}
	f, offsets := &Files{byPath: make(map[string]listed)}, map[string]int64{}
	var directory []byte
	at := int64(0)
	for {
		l, next, err := localHeader(r, at, size)
		if err != nil {
			return nil, err
		}
		if l == nil {
			break
		}
		if n := len(f.list); n > 0 && l.path <= f.list[n-1].path {
			return nil, &unreadable{fmt.Sprintf("zip entry %q is twice or out of order", l.path)}
		}
		if len(f.list) == 1<<16-1 {
			return nil, &unreadable{"the zip has over 65,535 files: such a bundle is a folder"}
		}
		f.add(*l)
		offsets[l.path] = next - l.size
		directory = appendCentral(directory, *l, at)
		at = next
	}
	want := appendEnd(directory, len(f.list), at)
	if got := size - at; got != int64(len(want)) {
		return nil, &unreadable{fmt.Sprintf("zip: %d bytes after the last file, its directory has %d", got, len(want))}
	}
	got := make([]byte, len(want))
	if _, err := r.ReadAt(got, at); err != nil && err != io.EOF {
		return nil, &unreadable{"zip: " + err.Error()}
	}
	if !bytes.Equal(got, want) {
		return nil, &unreadable{"zip: the central directory is not the one that its files have"}
	}
	f.open = func(path string) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(r, offsets[path], f.byPath[path].size)), nil
	}
	return f, nil
}

const (
	localSize = 30
	zipFlags  = 0x0800
	zipDate   = 0x0021
	zipNeeds  = 20
)

// localHeader reads the header at an offset; it returns nil where the central directory or the end record begins.
func localHeader(r io.ReaderAt, at, size int64) (*listed, int64, error) {
	var head [localSize]byte
	if n, _ := r.ReadAt(head[:], at); n < 4 {
		return nil, 0, &unreadable{"zip: truncated, or not a zip file"}
	}
	switch string(head[:4]) {
	case "PK\x01\x02", "PK\x05\x06":
		return nil, at, nil
	case "PK\x03\x04":
	default:
		return nil, 0, &unreadable{fmt.Sprintf("zip: want a local header at byte %d", at)}
	}
	if at+localSize > size {
		return nil, 0, &unreadable{"zip: truncated"}
	}
	length := int64(binary.LittleEndian.Uint16(head[26:]))
	if length < 1 || length > 128 {
		return nil, 0, &unreadable{fmt.Sprintf("zip: a name of %d bytes, the limit is 128", length)}
	}
	name := make([]byte, length)
	if n, _ := r.ReadAt(name, at+localSize); n < len(name) {
		return nil, 0, &unreadable{"zip: truncated"}
	}
	l := &listed{path: string(name), crc: binary.LittleEndian.Uint32(head[14:]), size: int64(binary.LittleEndian.Uint32(head[22:])), zip: true}
	if want := appendLocal(nil, *l); !bytes.Equal(head[:], want) {
		return nil, 0, &unreadable{fmt.Sprintf("zip entry %q: its header is not of the one form that bundles have", l.path)}
	}
	if !claim.PlainPath(l.path) {
		return nil, 0, &unreadable{fmt.Sprintf("zip entry %q: not a path of a bundle", l.path)}
	}
	next := at + localSize + length + l.size
	if next > size {
		return nil, 0, &unreadable{fmt.Sprintf("zip entry %q: truncated", l.path)}
	}
	return l, next, nil
}

// appendLocal writes a local header, without the name.
func appendLocal(b []byte, l listed) []byte {
	b = append(b, "PK\x03\x04"...)
	return appendCommon(b, l)
}

// appendCommon writes what local headers and directory entries share.
func appendCommon(b []byte, l listed) []byte {
	size := uint32(l.size) //nolint:gosec // a zip is below 4 GiB
	for _, v := range []uint16{zipNeeds, zipFlags, 0, 0, zipDate} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	for _, v := range []uint32{l.crc, size, size} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(len(l.path))) //nolint:gosec // at most 128
	return binary.LittleEndian.AppendUint16(b, 0)
}

func appendCentral(b []byte, l listed, at int64) []byte {
	b = append(b, "PK\x01\x02"...)
	b = binary.LittleEndian.AppendUint16(b, zipNeeds)
	b = appendCommon(b, l)
	b = append(b, make([]byte, 10)...)                  // comment, disk, attributes
	b = binary.LittleEndian.AppendUint32(b, uint32(at)) //nolint:gosec // a zip is below 4 GiB
	return append(b, l.path...)
}

func appendEnd(directory []byte, files int, at int64) []byte {
	b, size := directory, uint32(len(directory)) //nolint:gosec // at most 65,535 entries
	b = append(b, "PK\x05\x06\x00\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint16(b, uint16(files)) //nolint:gosec // at most 65,535
	b = binary.LittleEndian.AppendUint16(b, uint16(files)) //nolint:gosec // at most 65,535
	b = binary.LittleEndian.AppendUint32(b, size)
	b = binary.LittleEndian.AppendUint32(b, uint32(at)) //nolint:gosec // a zip is below 4 GiB
	return binary.LittleEndian.AppendUint16(b, 0)
}
