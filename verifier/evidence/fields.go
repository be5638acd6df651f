package evidence

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// maxFile is the largest evidence file (SPEC part 18), in bytes: no list in it has more entries.
const maxFile = 1 << 30

// decode reads an evidence file. All of it is canonical before its type is looked at, and its type is right before read is believed
// about a key.
func decode(raw []byte, kind string, read func(*canon.Reader)) error {
	if len(raw) > maxFile {
		return &canon.FormatError{Field: "file", Problem: fmt.Sprintf("%d bytes, more than 1 GiB", len(raw))}
	}
	if err := canon.Check(raw); err != nil {
		return inFile(err)
	}
	err := canon.DecodeTyped(raw, "type", kind, read)
	var format *canon.FormatError
	if errors.As(err, &format) {
		if got := canon.TypeOf(raw, "type"); got != kind {
			return &canon.FormatError{Field: "type", Problem: fmt.Sprintf("got %q, want %q", got, kind)}
		}
	}
	return inFile(err)
}

// inFile gives a fault of the file as a whole a place as well: every error of this package has one.
func inFile(err error) error {
	var format *canon.FormatError
	if errors.As(err, &format) && format.Field == "" {
		return &canon.FormatError{Field: "file", Problem: format.Problem}
	}
	return err
}

// readHex reads hex of at most limit bytes (SPEC part 2).
func readHex(r *canon.Reader, limit int) []byte {
	text := r.Quoted()
	if len(text)/2 > limit {
		r.Fail("%d bytes, more than %d", len(text)/2, limit)
		return nil
	}
	out, ok := decodeHex(text)
	if !ok {
		r.Fail("want lower-case hex of an even length")
	}
	return out
}

// readBase64 reads base64 of at most limit bytes (SPEC part 2).
func readBase64(r *canon.Reader, limit int) []byte {
	text := r.Quoted()
	if len(text) > base64.StdEncoding.EncodedLen(limit) {
		r.Fail("%d characters of base64, more than %d bytes", len(text), limit)
		return nil
	}
	out, err := decodeBase64(string(text))
	switch {
	case err != nil:
		r.Fail("%v", err)
	case len(out) > limit:
		r.Fail("%d bytes, more than %d", len(out), limit)
	}
	return out
}

// readAmount reads an amount below 2^bits.
func readAmount(r *canon.Reader, bits int) *big.Int {
	text := r.Text()
	if len(text) == 0 || len(text) > 78 || len(text) > 1 && text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		r.Fail("want an amount: decimal digits without sign, dot or leading zero")
		return nil
	}
	n, _ := new(big.Int).SetString(text, 10)
	if n.BitLen() > bits {
		r.Fail("amount of %d bits, more than %d", n.BitLen(), bits)
	}
	return n
}

// readBool reads true or false.
func readBool(r *canon.Reader) bool {
	switch string(r.Skip()) {
	case "true":
		return true
	case "false":
	default:
		r.Fail("want true or false")
	}
	return false
}

// readFrom1 reads an integer of at least 1 and at most limit.
func readFrom1(r *canon.Reader, limit uint64) int {
	n := r.Number(limit)
	if n == 0 {
		r.Fail("an integer from 1 to %d", limit)
	}
	return int(n) //nolint:gosec // limits here are small
}

// readAddress reads an address on its own: 0x and 40 lower-case hex digits.
func readAddress(r *canon.Reader) [20]byte {
	text := r.Text()
	address, ok := evmAddress(text)
	if !ok {
		r.Fail("%q is no address: want 0x and 40 lower-case hex digits", text)
	}
	return address
}

// readLabel reads what a node is called (SPEC part 13).
func readLabel(r *canon.Reader) string {
	label := r.Text()
	if !isLabel(label) {
		r.Fail("a node's label is 1 to 64 printable ASCII characters")
	}
	return label
}

// ascending refuses an element whose sort key is not above the one before it. what names the key.
func ascending(r *canon.Reader, i, order int, what string) {
	if i > 0 && order <= 0 {
		r.Fail("not in ascending order of %s, or twice", what)
	}
}
