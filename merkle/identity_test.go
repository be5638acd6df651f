package merkle

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func keysOf(t testing.TB, secret byte, snapshot Hash) Keys {
	t.Helper()
	k, err := DeriveKeys([32]byte{secret}, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysAgainstOracle(t *testing.T) {
	secret, snapshot := [32]byte{7}, Hash{8}
	k, err := DeriveKeys(secret, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []Keys{k, k.Clone()} {
		for _, id := range []string{"carol@example.org", "1", strings.Repeat("x", 256)} {
			for purpose, got := range map[string][32]byte{"order": k.Order(id), "nonce": k.Nonce(id), "lookup": k.Handle(id)} {
				if want := oracleKey(secret, snapshot, purpose, id); !bytes.Equal(got[:], want) {
					t.Errorf("%s of %s: got %x, want %x", purpose, id, got, want)
				}
			}
		}
	}
	if (Keys{}).IsZero() == false || k.IsZero() {
		t.Error("IsZero tells derived keys from none wrongly")
	}
	if s := fmt.Sprintf("%v %+v %s", k, k, k); strings.Count(s, "secret") != 3 || strings.Contains(s, "[") {
		t.Errorf("keys print as %q", s)
	}
}

// TestLookup: it finds what the keys find, before and after it was written down, and neither holds nor gives the nonces.
func TestLookup(t *testing.T) {
	secret, snapshot := [32]byte{7}, Hash{8}
	k, err := DeriveKeys(secret, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	l := k.Lookup()
	for _, l := range []Lookup{l, l.Clone(), ParseLookup(l.Bytes()), ParseLookup(ParseLookup(l.Bytes()).Bytes())} {
		for _, id := range []string{"carol@example.org", "1", strings.Repeat("x", 256)} {
			if l.Order(id) != k.Order(id) || l.Handle(id) != k.Handle(id) {
				t.Errorf("%s is found elsewhere", id)
			}
		}
	}
	b := l.Bytes()
	if bytes.Contains(b[:], k.nonce.key) || bytes.Contains(b[:], secret[:]) || !bytes.Equal(b[:32], k.order.key) || !bytes.Equal(b[32:], k.lookup.key) {
		t.Error("it is not the order key and the look-up key")
	}
	if s := fmt.Sprintf("%v %+v %s", l, l, l); strings.Count(s, "secret") != 3 || strings.Contains(s, "[") {
		t.Errorf("it prints as %q", s)
	}
}

// The key for blindings is a purpose of its own (SPEC part 5), another in each snapshot, and in no log.
func TestKeys_Blind(t *testing.T) {
	secret := [32]byte{1}
	k, err := DeriveKeys(secret, Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	want, err := hkdf.Key(sha256.New, secret[:], append([]byte{1}, make([]byte, 31)...), "assay/v1/key/blind", 32)
	if b := k.Blind(); err != nil || !bytes.Equal(b[:], want) || k.Clone().Blind() != b || b == keysOf(t, 1, Hash{2}).Blind() {
		t.Errorf("it is not HKDF's of the secret and the snapshot (%v)", err)
	}
	if s := fmt.Sprintf("%v %s", k.Blind(), struct{ K BlindKey }{k.Blind()}); strings.Count(s, "secret") != 2 || strings.Contains(s, "[") {
		t.Errorf("it prints as %q", s)
	}
}

// I10: a secret that nobody made is refused.
func TestI10_ZeroSecret(t *testing.T) {
	if _, err := DeriveKeys([32]byte{}, Hash{1}); err == nil {
		t.Error("an all-zero secret: want an error")
	}
}

// I1, I3: customers with one balance have different leaves; one byte of id, nonce or snapshot makes another identity.
func TestI01_NoSharedLeaf(t *testing.T) {
	sum := Plain{{0, Amount{Lo: 100}}}
	k := keysOf(t, 1, Hash{1})
	seen := map[Hash]string{}
	for _, id := range []string{"carol@example.org", "carol@example.orh", "dave@example.org"} {
		h := Leaf(Shard, Identity(Hash{1}, k.Nonce(id), id), sum).Hash
		if other, twice := seen[h]; twice {
			t.Errorf("%s and %s share a leaf", id, other)
		}
		seen[h] = id
	}
	base := Identity(Hash{1}, [32]byte{2}, "carol")
	for name, other := range map[string]Hash{
		"snapshot": Identity(Hash{2}, [32]byte{2}, "carol"),
		"nonce":    Identity(Hash{1}, [32]byte{3}, "carol"),
		"id":       Identity(Hash{1}, [32]byte{2}, "carom"),
		"length":   Identity(Hash{1}, [32]byte{2}, "carol\x00"),
	} {
		if other == base {
			t.Errorf("the %s is not in the identity", name)
		}
	}
	want := oracleH([]byte("assay/v1/identity\x00"), bytes.Repeat([]byte{1}, 1), make([]byte, 31), []byte{2}, make([]byte, 31), []byte{0, 5}, []byte("carol"))
	if !bytes.Equal(base[:], want) {
		t.Errorf("identity %v, want %x", base, want)
	}
}

// I6: without the secret a leaf cannot be guessed from id and balance: another secret gives another nonce and leaf.
func TestI06_NonceFromSecret(t *testing.T) {
	a, b := keysOf(t, 1, Hash{1}), keysOf(t, 2, Hash{1})
	if a.Nonce("carol") == b.Nonce("carol") || a.Order("carol") == b.Order("carol") || a.Handle("carol") == b.Handle("carol") {
		t.Error("two secrets give one value")
	}
	if a.Nonce("carol") == a.Order("carol") || a.Nonce("carol") == a.Handle("carol") {
		t.Error("two purposes give one value")
	}
}

// I7: the same secret under another snapshot gives nothing that links.
func TestI07_FreshPerSnapshot(t *testing.T) {
	a, b := keysOf(t, 1, Hash{1}), keysOf(t, 1, Hash{2})
	if a.Nonce("carol") == b.Nonce("carol") || a.Order("carol") == b.Order("carol") || a.Handle("carol") == b.Handle("carol") {
		t.Error("two snapshots share a value")
	}
}

// E2: every spelling of an id comes to one form, or is refused.
func TestE02_CustomerSpellings(t *testing.T) {
	for raw, want := range map[string]string{
		"carol":                        "carol",
		"  carol\t":                    "carol",
		"\u00a0carol\u3000":            "carol",
		"Jose\u0301":                   "Jos\u00e9",
		"Jos\u00e9":                    "Jos\u00e9",
		"\u212bngstrom":                "\u00c5ngstrom",
		"a b":                          "a b",
		strings.Repeat("x", 256):       strings.Repeat("x", 256),
		" " + strings.Repeat("é", 128): strings.Repeat("é", 128),
	} {
		if got, err := NormalizeCustomer(raw); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{"", " ", "\n", strings.Repeat("x", 257), strings.Repeat("e\u0301", 129), "a\x00b", "a\nb", "a\x7fb",
		"a\u0085b", "a\u061cb", "a\u200eb", "a\u200fb", "a\u2028b", "a\u202eb", "a\u2066b", "a\u2069b", "\ufeffa", "\xff", "a\xed\xa0\x80"} {
		got, err := NormalizeCustomer(raw)
		if err == nil {
			t.Errorf("%q was read as %q, want an error", raw, got)
		} else if len(raw) > 2 && strings.Contains(err.Error(), raw) {
			t.Errorf("the error quotes the id: %v", err)
		}
	}
	for _, raw := range []string{"a\u200bb", "a\u200db", "a\u202fb", "a\u2065b", "a\u206ab"} {
		if _, err := NormalizeCustomer(raw); err != nil {
			t.Errorf("%q stands next to the barred code points: %v", raw, err)
		}
	}
}

// E1: identity binds its parts one by one: what moves from one part into the next is another identity.
func TestE01_IdentityInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) (Hash, [32]byte, string) {
			return drawHash.Draw(t, label), drawHash.Draw(t, label), rapid.StringMatching(`[a-c]{1,4}`).Draw(t, label)
		}
		s1, n1, c1 := draw("one")
		s2, n2, c2 := draw("two")
		if (Identity(s1, n1, c1) == Identity(s2, n2, c2)) != (s1 == s2 && n1 == n2 && c1 == c2) {
			t.Fatalf("%v %x %s and %v %x %s", s1, n1, c1, s2, n2, c2)
		}
	})
}

func FuzzNormalizeCustomer(f *testing.F) {
	for _, s := range []string{"carol@example.org", " Jose\u0301 ", "\u1100\u1161\u11a8", "\u0301x", " \u0301", "\ufeff", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		id, err := NormalizeCustomer(raw)
		if err != nil {
			return
		}
		if again, err := NormalizeCustomer(id); err != nil || again != id {
			t.Errorf("%q gives %q, which gives %q, %v", raw, id, again, err)
		}
		if id == "" || len(id) > MaxCustomerID || !utf8.ValidString(id) || !norm.NFC.IsNormalString(id) || strings.TrimSpace(id) != id || BarredText(id) {
			t.Errorf("%q gives %q, which is not in the one form", raw, id)
		}
	})
}
