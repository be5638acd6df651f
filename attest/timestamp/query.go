package timestamp

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"

	rfc3161 "github.com/digitorus/timestamp"
)

// MaxResponse is the largest time stamp in bytes (SPEC part 18).
const MaxResponse = 64 << 10

// nonceBytes is as much as every authority takes.
const nonceBytes = 8

// A Query asks for a time stamp of one file (RFC 3161 §2.4.1).
type Query struct {
	DER   []byte
	file  []byte
	nonce *big.Int
}

// NewQuery asks about a file. The nonce is read from random.
func NewQuery(file []byte, random io.Reader) (Query, error) {
	drawn := make([]byte, nonceBytes)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return Query{}, fmt.Errorf("time stamp: nonce: %w", err)
	}
	drawn[0] = drawn[0]&0x7f | 0x40 // all of one length
	digest := sha256.Sum256(file)
	nonce := new(big.Int).SetBytes(drawn)
	der, err := (&rfc3161.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true, Nonce: nonce}).Marshal()
	if err != nil {
		return Query{}, fmt.Errorf("time stamp: query: %w", err)
	}
	return Query{DER: der, file: file, nonce: nonce}, nil
}

// An UnreachableError says that an authority gave no answer to look at.
type UnreachableError struct{ Err error }

// Error gives the cause, without the URL, which may hold a secret.
func (e *UnreachableError) Error() string { return fmt.Sprintf("it is unreachable: %v", e.Err) }

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Ask sends the query to the authority at place (RFC 3161 §3.4) and returns its answer,
// once it was read as by [Read] and bears the query's nonce.
func (q Query) Ask(ctx context.Context, client *http.Client, place string) (Stamp, error) {
	raw, err := q.post(ctx, client, place)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return Stamp{}, &UnreachableError{err}
	}
	s, err := Read(raw, q.file)
	if err != nil {
		return Stamp{}, err
	}
	if s.nonce == nil || s.nonce.Cmp(q.nonce) != 0 {
		return Stamp{}, errors.New("time stamp: its nonce is not the one of the query: it answers another query")
	}
	return s, nil
}

func (q Query) post(ctx context.Context, client *http.Client, place string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, place, bytes.NewReader(q.DER))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, MaxResponse+1))
	if err != nil {
		return nil, err
	}
	return raw, nil
}
