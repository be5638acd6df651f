package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/ethereum/go-ethereum/crypto"
)

// accountsOfKey are the accounts of a signer's key, in the order of compactForms.
func (s signer) accountsOfKey(t testing.TB) (accounts []string) {
	t.Helper()
	pkh := func(hash []byte) []byte { return append(append([]byte{0x76, 0xa9, 0x14}, hash...), 0x88, 0xac) }
	segwit := append([]byte{0x00, 0x14}, address.Hash160(s.pub())...)
	for _, script := range [][]byte{pkh(address.Hash160(s.key.PubKey().SerializeUncompressed())), pkh(address.Hash160(s.pub())), p2shScript(segwit), segwit} {
		accounts = append(accounts, mainnetAccount(t, script))
	}
	return accounts
}

// compact signs with btcec; its digest is written down apart from the one that is tested.
func (s signer) compact(t testing.TB, form int) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, text := range []string{"Bitcoin Signed Message:\n", s.message} {
		if err := wire.WriteVarString(&b, 0, text); err != nil {
			t.Fatal(err)
		}
	}
	sig := ecdsa.SignCompact(s.key, chainhash.DoubleHashB(b.Bytes()), false)
	sig[0] += byte(4 * form)
	return sig
}

func TestB12_CompactForms(t *testing.T) {
	s := newSigner(testChallenge)
	forms := compactForms()
	for have, account := range s.accountsOfKey(t) {
		for said := range forms {
			want := "the account's key, and a header for another kind of address: got " + forms[said].name + ", want " + forms[have].name
			if said == have {
				want = ""
			}
			wantGrade(t, MethodCompact, account, base64.StdEncoding.EncodeToString(s.compact(t, said)), want, GradeBound)
		}
	}
}

func TestB12_CompactRefused(t *testing.T) {
	s := newSigner(testChallenge)
	accounts := s.accountsOfKey(t)
	account, good := accounts[1], s.compact(t, 1)
	text := func(change func(b []byte)) string {
		b := bytes.Clone(good)
		change(b)
		return base64.StdEncoding.EncodeToString(b)
	}
	order := crypto.S256().Params().N
	fine := text(func([]byte) {})
	for _, tt := range []struct{ name, account, signature, field, problem string }{
		{"high s", account, text(func(b []byte) {
			new(big.Int).Sub(order, new(big.Int).SetBytes(b[33:])).FillBytes(b[33:])
			b[0] = 27 + ((b[0] - 27) ^ 1)
		}), "signature", "upper half"},
		{"r 0", account, text(func(b []byte) { clear(b[1:33]) }), "signature", "r is 0"},
		{"r is the order", account, text(func(b []byte) { order.FillBytes(b[1:33]) }), "signature", "r is 0 or not below"},
		{"s 0", account, text(func(b []byte) { clear(b[33:]) }), "signature", "s is 0"},
		{"s is the order", account, text(func(b []byte) { order.FillBytes(b[33:]) }), "signature", "s is 0 or not below"},
		{"header 26", account, text(func(b []byte) { b[0] = 26 }), "signature", "header 26, want 27 to 42"},
		{"header 43", account, text(func(b []byte) { b[0] = 43 }), "signature", "header 43, want 27 to 42"},
		{"64 bytes", account, base64.StdEncoding.EncodeToString(good[:64]), "signature", "want 65 bytes, got 64"},
		{"66 bytes", account, base64.StdEncoding.EncodeToString(append(bytes.Clone(good), 0)), "signature", "want 65 bytes, got 66"},
		{"63 bytes", account, base64.StdEncoding.EncodeToString(good[:63]), "signature", "want 88 characters"},
		{"no padding", account, fine[:87], "signature", "want 88 characters"},
		{"line feed", account, fine + "\n", "signature", "want 88 characters"},
		{"line feed for padding", account, fine[:87] + "\n", "signature", "not base64"},
		{"url alphabet", account, strings.Repeat("_", 87) + "=", "signature", "not base64"},
		{"trailing bits", account, fine[:86] + string(fine[86]+1) + "=", "signature", "not base64"},
		{"prefix", account, "smp" + fine[3:], "signature", "want 27 to 42"},
		{"P2WSH", mainnetAccount(t, wshScript([]byte{0x51})), fine, "account", "is P2WSH"},
		{"P2TR", mainnetAccount(t, append([]byte{0x51, 0x20}, s.xOnly()...)), fine, "account", "is P2TR"},
		{"Ethereum", "eip155:1:0x00", fine, "account", "is not a network"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyOne(MethodCompact, tt.account, testChallenge, tt.signature)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
	other := newSigner(testChallenge + "\n")
	for what, signature := range map[string]string{
		"another text": base64.StdEncoding.EncodeToString(other.compact(t, 1)),
		"another s":    text(func(b []byte) { b[64] ^= 1 }),
		"another key":  text(func(b []byte) { b[0] = 31 + ((b[0] - 31) ^ 1) }),
	} {
		t.Run(what, func(t *testing.T) {
			wantGrade(t, MethodCompact, account, signature, "not this account's signature of this text", "")
		})
	}
	stranger := mainnetAccount(t, p2shScript([]byte{0x51}))
	wantGrade(t, MethodCompact, stranger, fine, "not this account's signature of this text", "")
	wantGrade(t, MethodCompact, account, text(func(b []byte) { b[0] += 2 }), "no key is recovered", "")
}

// The length of the message has one, three, five or nine bytes.
func TestCompactText(t *testing.T) {
	for _, n := range []int{0, 252, 253, 65535, 65536} {
		message := strings.Repeat("x", n)
		var b bytes.Buffer
		for _, text := range []string{"Bitcoin Signed Message:\n", message} {
			if err := wire.WriteVarString(&b, 0, text); err != nil {
				t.Fatal(err)
			}
		}
		if got := compactText("Bitcoin Signed Message:\n", message); !bytes.Equal(got, b.Bytes()) {
			t.Errorf("%d bytes: got %x…, want %x…", n, got[:20], b.Bytes()[:20])
		}
	}
}

// Electrum writes 31 to 34 for segwit too: the header that a report must have is the form's own.
func TestElectrumRecorded(t *testing.T) {
	raw, err := os.ReadFile("testdata/electrum-4.3.4.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Account   string `json:"account"`
		Challenge string `json:"challenge"`
		Signature string `json:"signature"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 {
		t.Fatalf("got %d signatures, want 4", len(all))
	}
	for form, v := range all {
		sig, err := base64.StdEncoding.DecodeString(v.Signature)
		if err != nil {
			t.Fatal(err)
		}
		if form > 1 {
			_, err := verifyOne(MethodCompact, v.Account, v.Challenge, v.Signature)
			wantCheck(t, err, "signature", "the account's key, and a header for another kind of address")
			sig[0] += byte(4 * (form - 1))
		}
		if grade, err := verifyOne(MethodCompact, v.Account, v.Challenge, base64.StdEncoding.EncodeToString(sig)); err != nil || grade != GradeBound {
			t.Errorf("%s: got %q, %v; want %q", v.Account, grade, err, GradeBound)
		}
	}
}
