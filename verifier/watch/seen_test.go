package watch

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
)

// note is a checkpoint of its format, which nobody's key signed.
func note(origin string, size int) []byte {
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	return fmt.Appendf(nil, "%s\n%d\n%s\n\n— %s AAAAAAAA\n", origin, size, root, origin)
}

func parsed(t testing.TB, origin string, size int) *tlog.Checkpoint {
	t.Helper()
	c, err := tlog.ParseCheckpoint(note(origin, size))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sample(t testing.TB) *Seen {
	s := NewSeen()
	s.Saw("https://log.example.org", parsed(t, "one.example", 9))
	s.Saw(`a folder with "quotes" and \`, parsed(t, "one.example", 7))
	s.Saw("https://log.example.org/two", parsed(t, "two.example", 0))
	for _, size := range []int{3, 7, 9} {
		s.logs["one.example"].kept = append(s.logs["one.example"].kept, parsed(t, "one.example", size))
	}
	return s
}

func TestSeen_RoundTrip(t *testing.T) {
	for name, s := range map[string]*Seen{"sample": sample(t), "nothing": NewSeen()} {
		raw := s.JSON()
		again, err := ParseSeen(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(string(raw), string(again.JSON())); diff != "" {
			t.Errorf("%s (-want +got): %s", name, diff)
		}
		if diff := cmp.Diff(string(raw), string(s.Clone().JSON())); diff != "" {
			t.Errorf("%s, cloned (-want +got): %s", name, diff)
		}
	}
}

func TestSeen_Refused(t *testing.T) {
	good := string(sample(t).JSON())
	nine, two := text64(note("one.example", 9)), text64(note("two.example", 0))
	for name, c := range map[string]struct{ from, to, problem string }{
		"white space":               {":", ": ", "want an array"},
		"another key":               {`"kept"`, `"held"`, `unknown key "held"`},
		"no key":                    {`"origin":"one.example",`, "", `key "origin" is missing`},
		"not base64":                {nine, nine + "=", "not base64"},
		"base64 of nothing":         {nine, "AAAA", "not a checkpoint"},
		"of another log":            {two, nine, `a checkpoint of another log than "two.example"`},
		"of another log among kept": {nine, two, ""},
		"a log without a name":      {`"origin":"one.example"`, `"origin":""`, ""},
		"kept twice":                {`"` + nine + `"]`, `"` + nine + `","` + nine + `"]`, "ascend by size"},
		"a source twice":            {`"name":"https://log.example.org"`, `"name":"a folder"`, "sources ascend by name"},
		"trailing":                  {`seen"}`, `seen"}` + "\n", "follow the value"},
	} {
		raw := strings.Replace(good, c.from, c.to, 1)
		var format *canon.FormatError
		if _, err := ParseSeen([]byte(raw)); raw == good || !errors.As(err, &format) || !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: got %v, want %q", name, err, c.problem)
		}
	}
	var version *canon.VersionError
	if _, err := ParseSeen([]byte(strings.Replace(good, "assay/v1/seen", "assay/v2/seen", 1))); !errors.As(err, &version) {
		t.Errorf("another version: %v", err)
	}
}

func FuzzParseSeen(f *testing.F) {
	f.Add(sample(f).JSON())
	f.Add(NewSeen().JSON())
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := ParseSeen(raw)
		var format *canon.FormatError
		var version *canon.VersionError
		switch {
		case err != nil && !errors.As(err, &format) && !errors.As(err, &version):
			t.Errorf("got %T %v", err, err)
		case err == nil && string(s.JSON()) != string(raw):
			t.Errorf("%q is taken, it is spelt %q", raw, s.JSON())
		}
	})
}

// What was seen counts only if it verifies: whoever writes into the file makes nothing true.
func TestSeen_IsVerified(t *testing.T) {
	key := tlog.Key{Name: "one.example"}
	if _, err := sample(t).Of("one.example", tlog.Trust{Logs: []tlog.Key{key}}); err == nil || !strings.Contains(err.Error(), "does not verify by this policy") {
		t.Errorf("got %v", err)
	}
	before, err := sample(t).Of("three.example", tlog.Trust{})
	if err != nil || len(before.All()) != 0 || before.Elsewhere["https://log.example.org/two"] != "two.example" {
		t.Errorf("%+v, %v", before, err)
	}
}

func TestCheckName(t *testing.T) {
	for name, good := range map[string]bool{
		"https://log.example.org": true, "./log": true, "": false, "a\nb": false, "a\u202eb": false, "a\xffb": false, strings.Repeat("x", maxName): true, strings.Repeat("x", maxName+1): false,
	} {
		if err := CheckName(name); (err == nil) != good {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

// vkey is a verifier key of a public key that says only that its byte is 7 (SPEC part 25).
func vkey(name string, algorithm byte) string {
	decoded := append([]byte{algorithm}, bytes.Repeat([]byte{7}, 32)...)
	sum := sha256.Sum256(append([]byte(name+"\n"), decoded...))
	return fmt.Sprintf("%s+%x+%s", name, sum[:4], text64(decoded))
}

func TestTrustOf(t *testing.T) {
	log, witness := vkey("one.example", 1), vkey("w1", 4)
	if _, err := TrustOf(nil); !errors.Is(err, ErrNoLog) {
		t.Errorf("got %v", err)
	}
	trust, err := TrustOf(&claim.LogTrust{Keys: []string{log}, Witnesses: []string{witness}, Quorum: 1})
	if err != nil || len(trust.Logs) != 1 || trust.Logs[0].Name != "one.example" || len(trust.Witnesses) != 1 || trust.Quorum != 1 {
		t.Errorf("%+v, %v", trust, err)
	}
	for want, l := range map[string]claim.LogTrust{
		"log.keys[1]: not the verifier key of a log":          {Keys: []string{log, witness}},
		"log.witnesses[0]: not the verifier key of a witness": {Keys: []string{log}, Witnesses: []string{log}},
		`log.witnesses[1]: the public key of "w1" too`:        {Keys: []string{log}, Witnesses: []string{witness, vkey("w2", 4)}},
		"log.keys[0]: not a verifier key: its hash is \"0000": {Keys: []string{strings.Replace(log, "+", "+0000", 1)}},
	} {
		var format *canon.FormatError
		if _, err := TrustOf(&l); !errors.As(err, &format) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
