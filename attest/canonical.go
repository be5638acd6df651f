package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gowebpki/jcs"
)

// Canonical returns the canonical JSON of v (SPEC part 2). What v marshals to by
// encoding/json must already keep to the narrowed values: no null, no floating
// point, no number below zero or above 2^53-1, no barred code point.
func Canonical(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	raw := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	ordered, err := scan(raw)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	if ordered {
		return raw, nil
	}
	out, err := jcs.Transform(raw)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	if err := CheckCanonical(out); err != nil {
		return nil, err
	}
	return out, nil
}

// CheckCanonical reports whether b is one value in canonical JSON and nothing
// else (SPEC part 2).
func CheckCanonical(b []byte) error {
	ordered, err := scan(b)
	if err != nil {
		return fmt.Errorf("not canonical JSON: %w", err)
	}
	if !ordered {
		return errors.New("not canonical JSON: object keys are not in ascending order, or one occurs twice")
	}
	return nil
}

// Decode reads canonical JSON into v (SPEC part 2): other spellings, keys that v
// does not name and keys of v that are missing are refused. It holds v to its
// word by writing it again: the bytes must be those that came in.
func Decode(b []byte, v any) error {
	if err := CheckCanonical(b); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("not of its format: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("not of its format: more than one value")
	}
	again, err := Canonical(v)
	if err != nil {
		return fmt.Errorf("not of its format: %w", err)
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("not of its format: %s", difference(b, again))
	}
	return nil
}

// difference says where got first departs from the spelling want of the same value.
func difference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	const shown = 24
	return fmt.Sprintf("at byte %d it has %q where its format writes %q (a key is missing, empty though optional, or misspelt)",
		i, clip(got, i, shown), clip(want, i, shown))
}

// clip shows some bytes from just before i, so that a key's name is seen.
func clip(b []byte, i, n int) []byte {
	return b[max(0, i-n/2):min(len(b), i+n)]
}
