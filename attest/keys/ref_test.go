package keys_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest/keys"
)

func TestParseRef(t *testing.T) {
	for text, want := range map[string]keys.Ref{
		"file:keys/a.age": {File: "keys/a.age"},
		"pkcs11:token=assay;object=statement?module-path=/usr/lib/softhsm/libsofthsm2.so": {Token: &keys.TokenRef{
			Token: "assay", Object: "statement", Module: "/usr/lib/softhsm/libsofthsm2.so"}},
		"pkcs11:type=private;serial=00%20ff;id=%00%2A?pin-source=file:pin.txt&module-path=lib%26.so": {Token: &keys.TokenRef{
			Serial: "00 ff", ID: "\x00*", Module: "lib&.so", PINSource: "pin.txt"}},
		"transit:https://vault.example:8200/transit/statement": {Transit: &keys.TransitRef{
			Server: "https://vault.example:8200", Mount: "transit", Name: "statement"}},
		"transit:http://127.0.0.1:8200/team/a/transit/s-1.x?version=12&token-source=file:/run/token": {Transit: &keys.TransitRef{
			Server: "http://127.0.0.1:8200", Mount: "team/a/transit", Name: "s-1.x", Version: 12, TokenSource: "/run/token"}},
		"transit:http://[::1]:8200/transit/s": {Transit: &keys.TransitRef{Server: "http://[::1]:8200", Mount: "transit", Name: "s"}},
	} {
		got, err := keys.ParseRef(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
		if again, err := keys.ParseRef(got.String()); err != nil || !cmp.Equal(again, got) {
			t.Errorf("%s is written %s, which reads as %+v, %v", text, got, again, err)
		}
	}
}

func TestParseRefRefuses(t *testing.T) {
	const tokenRef, transitRef = "pkcs11:token=a;object=b?module-path=m", "transit:https://v/transit/key"
	for text, want := range map[string]string{
		"":                                     "needs a scheme",
		"keys/a.age":                           "needs a scheme",
		"file:":                                "names no file",
		"ftp:x":                                `unknown scheme "ftp:"`,
		"pkcs11:":                              "names no token",
		"pkcs11:object=b?module-path=m":        "names no token",
		"pkcs11:token=a?module-path=m":         "names no key",
		"pkcs11:token=a;object=b":              "names no module",
		"pkcs11:token=a;token=a;object=b?":     "token stands twice",
		"pkcs11:slot-id=1;object=b?":           `"slot-id", which is no attribute`,
		"pkcs11:token=%zz;object=b?":           "not percent-encoded",
		"pkcs11:token=;object=b?":              "token is empty",
		tokenRef + "&pin-source=pin.txt":       "pin-source is written file:PATH",
		tokenRef + "&pin-source=|cat":          "pin-source is written file:PATH",
		tokenRef + "&pin-value=s3cret":         "a PIN does not stand in a reference",
		"pkcs11:token=a;object=b;type=cert?":   "type is not private",
		"transit:":                             "want https://",
		"transit:vault/transit/key":            "want https://",
		"transit:http://vault/transit/key":     "begins with https://",
		"transit:http://127.0.0.1.x/t/key":     "begins with https://",
		"transit:ftp://127.0.0.1/t/key":        "begins with https://",
		"transit:https://u:s3cret@v/t/key":     "without user name",
		"transit:https://v/key":                "names no mount",
		"transit:https://v":                    "of letters, digits",
		"transit:https://v/transit/key/":       "of letters, digits",
		"transit:https://v/transit//key":       "of letters, digits",
		"transit:https://v/transit/../key":     "of letters, digits",
		"transit:https://v/transit/%2e%2e/k":   "of letters, digits",
		transitRef + "#x":                      "want https://",
		transitRef + "?version=0":              "version is a number",
		transitRef + "?version=01":             "version is a number",
		transitRef + "?version=1&version=2":    "version stands twice",
		transitRef + "?token=s3cret":           `"token", which is no attribute`,
		transitRef + "?token-source=s3cret":    "token-source is written file:PATH",
		"transit:https://s3cret\x7f/transit/k": "want https://",
	} {
		ref, err := keys.ParseRef(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want %q", text, ref, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error repeats what may be a secret: %v", text, err)
		}
	}
	var scheme *keys.SchemeError
	if _, err := keys.ParseRef("ftp:x"); !errors.As(err, &scheme) || scheme.Scheme != "ftp" {
		t.Errorf("got %v, want a SchemeError", err)
	}
}

// TestPlace: every path of a reference starts where the caller says, and nothing else changes.
func TestPlace(t *testing.T) {
	for text, want := range map[string]string{
		"file:a.age": "file:/etc/a.age",
		"pkcs11:token=t;object=o?module-path=m.so&pin-source=file:pin": "pkcs11:token=t;object=o?module-path=/etc/m.so&pin-source=file:/etc/pin",
		"pkcs11:token=t;object=o?module-path=m.so":                     "pkcs11:token=t;object=o?module-path=/etc/m.so",
		"transit:https://v/t/k":                                        "transit:https://v/t/k",
		"transit:https://v/t/k?version=2&token-source=file:tok":        "transit:https://v/t/k?version=2&token-source=file:/etc/tok",
	} {
		ref, err := keys.ParseRef(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := ref.Place(func(path string) string { return filepath.Join("/etc", path) }).String(); got != want || ref.String() != text {
			t.Errorf("%s: placed at %s, want %s; then it reads %s", text, got, want, ref)
		}
	}
}

// FuzzParseRef: what parses is written so that it parses to the same.
func FuzzParseRef(f *testing.F) {
	for _, text := range []string{"file:a", "pkcs11:token=a;id=%01?module-path=/m&pin-source=file:p", "transit:https://v:1/t/k?version=1&token-source=file:x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := keys.ParseRef(text)
		if err != nil {
			return
		}
		again, err := keys.ParseRef(ref.String())
		if err != nil || !cmp.Equal(again, ref) {
			t.Errorf("%q is written %q, which reads as %+v, %v", text, ref, again, err)
		}
	})
}
