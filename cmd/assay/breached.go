package main

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // what the list has
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// breached is a list of passwords that have leaked: their SHA-1 in hex, a line each in ascending order, with a count behind a colon or without, as
// "Have I Been Pwned" gives it out. It may have many gigabytes, and is looked at where it lies.
type breached struct {
	file *os.File
	size int64
}

// longestLine is how long a line of the list is at most, in bytes.
const longestLine = 64

// openBreached opens a list whose first and last line are such.
func openBreached(path string) (*breached, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	b := &breached{file, info.Size()}
	first, err := b.after(0)
	if err == nil {
		var last []byte
		if last, err = b.after(max(0, b.size-longestLine)); err == nil && (len(first) != 40 || last != nil && bytes.Compare(first, last) > 0) {
			err = errors.New("it is no list of SHA-1 in hex, a line each, in ascending order")
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return b, nil
}

// has reports whether a password is in the list.
func (b *breached) has(password string) (bool, error) {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // what the list has
	wanted := bytes.ToUpper([]byte(hex.EncodeToString(sum[:])))
	var fault error
	at := sort.Search(int(b.size), func(offset int) bool {
		line, err := b.after(int64(offset))
		fault = errors.Join(fault, err)
		return line == nil || bytes.Compare(line, wanted) >= 0
	})
	line, err := b.after(int64(at))
	return bytes.Equal(line, wanted), errors.Join(fault, err)
}

// after is the digest of the first line that begins at an offset or after it; nil if there is none.
func (b *breached) after(offset int64) ([]byte, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(b.file, max(0, offset-1), b.size), 2*longestLine)
	if offset > 0 { // the line that ends there, or goes on
		if _, err := r.ReadSlice('\n'); errors.Is(err, io.EOF) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	line, err := r.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	digest, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
	if len(digest) == 0 {
		return nil, nil
	}
	return bytes.ToUpper(digest), nil
}
