package beacon

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/crypto/sha3"
)

// checkAncestry goes by parent hashes from the finalised execution block to the pinned one (SPEC part 22, step 5).
func checkAncestry(hash [32]byte, headers [][]byte, pinned string) error {
	for i, raw := range headers {
		field := "headers[" + strconv.Itoa(i) + "]"
		if got := keccak256(raw); got != hash {
			problem := "it is not the parent of the header before it"
			if i == 0 {
				problem = "it is not the finalized block's"
			}
			return &CheckError{Field: field, Problem: problem, Got: hexed(got), Want: hexed(hash)}
		}
		parent, err := parentOf(raw)
		if err != nil {
			return &CheckError{Field: field, Problem: "no block header", Got: err.Error(), Want: "a list in strict RLP whose item 0 is the parent's hash"}
		}
		hash = parent
	}
	if got := hexed(hash); got != pinned {
		problem := "the headers do not lead to the pinned block"
		if len(headers) == 0 {
			problem = "there are no headers, and the finalized block is not the pinned one"
		}
		return &CheckError{Field: "headers", Problem: problem, Got: got, Want: pinned}
	}
	return nil
}

func keccak256(b []byte) (h [32]byte) {
	d := sha3.NewLegacyKeccak256()
	d.Write(b)
	return [32]byte(d.Sum(nil))
}

// parentOf reads item 0 of an RLP list. A header is longer than 55 bytes, so its list has the long form: the length of its length,
// then its length without leading zeros.
func parentOf(raw []byte) (parent [32]byte, err error) {
	if len(raw) < 2 || raw[0] <= 0xf7 {
		return parent, errors.New("no list of more than 55 bytes")
	}
	size := int(raw[0] - 0xf7)
	if len(raw) <= size || raw[1] == 0 {
		return parent, errors.New("a length that is cut off or has a leading zero")
	}
	body, length := raw[1+size:], make([]byte, 0, 8)
	for n := len(body); n > 0; n >>= 8 {
		length = append([]byte{byte(n)}, length...)
	}
	if !bytes.Equal(length, raw[1:1+size]) || len(body) <= 55 {
		return parent, fmt.Errorf("a list that is not of the %d bytes that follow", len(body))
	}
	if body[0] != 0xa0 { // a string of 32 bytes
		return parent, errors.New("item 0 is not of 32 bytes")
	}
	return [32]byte(body[1:33]), nil
}
