package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// rowSum tells one result of a query from another, whatever the order of the rows, which a server is free to choose: it is the
// sum, modulo 2^256, of the SHA-256 of the lines. It notices that a result changed; it is no commitment to one.
type rowSum struct {
	sum  [4]uint64 // least significant first
	part []byte    // of a line that did not end yet
}

func (s *rowSum) Write(p []byte) (int, error) {
	for rest := p; ; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			s.part = append(s.part, rest...)
			return len(p), nil
		}
		line := rest[:i+1]
		if len(s.part) > 0 {
			s.part = append(s.part, line...)
			line = s.part
		}
		s.add(line)
		s.part, rest = s.part[:0], rest[i+1:]
	}
}

func (s *rowSum) add(line []byte) {
	h := sha256.Sum256(line)
	var carry uint64
	for i := range s.sum {
		s.sum[i], carry = bits.Add64(s.sum[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
}

// String returns the sum in hexadecimal, most significant first.
func (s *rowSum) String() string {
	return fmt.Sprintf("%016x%016x%016x%016x", s.sum[3], s.sum[2], s.sum[1], s.sum[0])
}
