package house

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// cryptography are the packages that hash, sign, seal or draw: a room that imports one stands in docs/cryptography.md.
var cryptography = regexp.MustCompile(`^(crypto(/.*)?|golang\.org/x/crypto/(argon2|blake2|chacha20|hkdf|nacl|pbkdf2|ripemd160|scrypt|sha3).*|golang\.org/x/oauth2.*|filippo\.io/age.*|` +
	`github\.com/(alexedwards/argon2id|btcsuite/btcd/btcec|consensys/gnark-crypto|coreos/go-oidc|decred/dcrd/dcrec|digitorus|ethereum/go-ethereum/crypto|go-jose|` +
	`go-webauthn/webauthn|miekg/pkcs11|openbao|ory/fosite|pquerna/otp|secure-systems-lab|tink-crypto)(/.*)?)$`)

// cryptographyFaults is how the inventory differs from what rooms import.
func cryptographyFaults(rooms map[string]*room, inventory string) []string {
	listed := map[string]bool{}
	_, table, _ := strings.Cut(inventory, "## Rooms")
	for _, line := range strings.Split(table, "\n") {
		if first, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | "); ok && strings.HasPrefix(line, "| ") {
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
				listed[m[1]] = true
			}
		}
	}
	var out []string
	for name, r := range rooms {
		if does := slices.ContainsFunc(r.imports, cryptography.MatchString); does && !listed[name] {
			out = append(out, name+" does cryptography, and stands not in the inventory")
		} else if !does && listed[name] {
			out = append(out, name+" stands in the inventory, and does no cryptography")
		}
	}
	for name := range listed {
		if rooms[name] == nil {
			out = append(out, name+" stands in the inventory, and is no room")
		}
	}
	slices.Sort(out)
	return out
}

// Whoever asks where cryptography is done finds every room of it in docs/cryptography.md.
func TestCryptography_EachRoomIsListed(t *testing.T) {
	raw, err := os.ReadFile("docs/cryptography.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range cryptographyFaults(readRooms(t, os.DirFS(".")), string(raw)) {
		t.Error(fault)
	}
	const src = "// Package x is here.\npackage x\nimport _ %\n"
	rooms := readRooms(t, fstest.MapFS{
		"a/a.go": {Data: []byte(strings.Replace(src, "%", `"crypto/sha256"`, 1))}, "b/b.go": {Data: []byte(strings.Replace(src, "%", `"strings"`, 1))},
		"c/c.go": {Data: []byte(strings.Replace(src, "%", `"filippo.io/age/armor"`, 1))},
	})
	want := []string{"a does cryptography, and stands not in the inventory", "b stands in the inventory, and does no cryptography", "d stands in the inventory, and is no room"}
	if got := cryptographyFaults(rooms, "| `a` | keys |\n## Rooms\n| rooms | what |\n|---|---|\n| `b`, `c`, `d` | x |\n"); !slices.Equal(got, want) {
		t.Errorf("got %q of %v", got, slices.Sorted(maps.Keys(rooms)))
	}
}
