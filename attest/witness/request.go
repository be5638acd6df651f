package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxBody is the largest request: 63 hashes, and a checkpoint with 64 signatures.
	maxBody = 64 << 10
	// maxPath is the most hashes of a consistency proof (C2SP tlog-witness).
	maxPath = 63
)

// request is what a log asks. Nothing in it is to be believed.
type request struct {
	old  uint64
	path [][]byte
	note []byte // the signed checkpoint
	head head
}

// head is the text of a checkpoint (SPEC part 25).
type head struct {
	text   string
	origin string
	size   uint64
	root   [sha256.Size]byte
}

// parseRequest reads the body of add-checkpoint (C2SP tlog-witness).
func parseRequest(body []byte) (request, error) {
	var r request
	first, rest, ok := bytes.Cut(body, []byte("\n"))
	old, is := strings.CutPrefix(string(first), "old ")
	if !ok || !is {
		return r, errors.New(`line 1: want "old" and a size`)
	}
	var err error
	if r.old, err = parseSize(old); err != nil {
		return r, fmt.Errorf("line 1: %w", err)
	}
	for {
		var line []byte
		if line, rest, ok = bytes.Cut(rest, []byte("\n")); !ok {
			return r, errors.New("it ends before its checkpoint")
		}
		if len(line) == 0 {
			break
		}
		if len(r.path) == maxPath {
			return r, fmt.Errorf("more than %d lines of consistency proof", maxPath)
		}
		hash, err := parseHash(string(line))
		if err != nil {
			return r, fmt.Errorf("line %d: %w", len(r.path)+2, err)
		}
		r.path = append(r.path, hash[:])
	}
	r.note = rest
	if r.head, err = parseHead(rest); err != nil {
		return r, fmt.Errorf("checkpoint: %w", err)
	}
	return r, nil
}

// parseHead reads the text of a signed checkpoint (SPEC part 25), exactly three lines.
func parseHead(signed []byte) (head, error) {
	text, _, ok := strings.Cut(string(signed), "\n\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) != 3 || lines[0] == "" {
		return head{}, errors.New("want three lines, origin, size and root, and an empty one before the signatures")
	}
	h := head{text: text + "\n", origin: lines[0]}
	var err error
	if h.size, err = parseSize(lines[1]); err != nil {
		return head{}, err
	}
	if h.root, err = parseHash(lines[2]); err != nil {
		return head{}, err
	}
	return h, nil
}

func parseSize(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, errors.New("a size is a decimal number below 2^64 without leading zeros")
	}
	return n, nil
}

func parseHash(s string) (hash [sha256.Size]byte, err error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(hash) || strings.ContainsAny(s, "\r\n") {
		return hash, errors.New("a hash is base64 of 32 bytes")
	}
	return [sha256.Size]byte(b), nil
}
