package confidential

import (
	"bytes"
	"errors"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// A proof that is not the true one is refused, with an error of its format or without, and never by a panic.
func FuzzCheck(f *testing.F) {
	p, g := parameters(f, 1)
	v := confidentialtest.New(g, "fuzz", byte(Shard), amounts(2, 9))
	good, rows := v.Prove(), given(v.Rows())
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add([]byte("assay/v2/confidential-proof\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := p.Check(claimed(v), raw, rows, 1)
		var format *canon.FormatError
		var version *canon.VersionError
		switch {
		case err == nil && !bytes.Equal(raw, good):
			t.Fatal("another proof was accepted")
		case (errors.As(err, &format) || errors.As(err, &version)) && bytes.Equal(raw, good):
			t.Fatalf("the true proof was refused: %v", err)
		}
	})
}
