package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

const testSnapshot = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

// doc is a file under construction. encoding/json sorts the keys of maps, so what it writes is canonical.
type doc = map[string]any

func encode(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func wantFormat(t testing.TB, err error, field, problem string) {
	t.Helper()
	var f *canon.FormatError
	if !errors.As(err, &f) {
		t.Errorf("got %T %v, want a format error: %s: %s", err, err, field, problem)
	} else if f.Field != field || !strings.Contains(f.Problem, problem) {
		t.Errorf("got %v, want %s: …%s…", err, field, problem)
	}
}

func wantCheck(t testing.TB, err error, field, problem string) {
	t.Helper()
	var c *CheckError
	if !errors.As(err, &c) {
		t.Errorf("got %T %v, want a check error: %s: %s", err, err, field, problem)
	} else if c.Field != field || !strings.Contains(c.Error(), problem) || c.Got == "" || c.Want == "" {
		t.Errorf("got %v, want %s: …%s…", err, field, problem)
	}
}

func compactSize(n uint64) []byte {
	switch {
	case n < 0xfd:
		return []byte{byte(n)}
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16([]byte{0xfd}, uint16(n))
	default:
		return binary.LittleEndian.AppendUint32([]byte{0xfe}, uint32(n))
	}
}

// wantTyped: every refusal is one of the three kinds, and says where.
func wantTyped(t testing.TB, err error) {
	t.Helper()
	var f *canon.FormatError
	var v *canon.VersionError
	var c *CheckError
	if !errors.As(err, &f) && !errors.As(err, &v) && !errors.As(err, &c) || f != nil && (f.Field == "" || f.Problem == "") {
		t.Errorf("got %T %v, want a format, version or check error that says where", err, err)
	}
}

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustBase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
