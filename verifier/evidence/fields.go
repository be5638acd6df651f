package evidence

import (
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

// ascending refuses an element whose sort key is not above the one before it. what names the key.
func ascending(r *canon.Reader, i, order int, what string) {
	if i > 0 && order <= 0 {
		r.Fail("not in ascending order of %s, or twice", what)
	}
}
