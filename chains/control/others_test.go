package control

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/assay-por/assay/chains"
)

// of returns the recorded signature of a file.
func of(t testing.TB, name string, at int) recorded {
	t.Helper()
	return readRecorded(t, name)[at]
}

func TestTron(t *testing.T) {
	r := of(t, "tronweb-6.5.1.json", 0)
	address := r.Accounts[0].Address()
	key, err := crypto.HexToECDSA(testKey)
	if err != nil {
		t.Fatal(err)
	}
	ethereum := owner{key: key}.sign(t, eip191Digest(ethereumWords, r.Challenge))
	if got, err := verifyTron(address, r.Challenge, ethereum); err == nil || !strings.Contains(err.Error(), "it recovers to T") {
		t.Errorf("signed as on Ethereum: got %+v, %v", got, err)
	}
	raw, _, err := base58.CheckDecode(address)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"another version": base58.CheckEncode(raw, 0x42), "a byte less": base58.CheckEncode(raw[1:], tronVersion), "wrong checksum": address[:len(address)-1] + "1", "empty": "", "of Ethereum": testAccount.Address(),
	} {
		if got, err := verifyTron(bad, r.Challenge, r.Signature); err == nil || !strings.Contains(err.Error(), "is none of Tron") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestSolana(t *testing.T) {
	r := of(t, "tweetnacl-1.0.3.json", 0)
	address := r.Accounts[0].Address()
	key := ed25519.NewKeyFromSeed([]byte("assay test seed for ed25519 keys"))
	okx := hex.EncodeToString(ed25519.Sign(key, okxMessage(r.Challenge)))
	if got, err := verifySolana(address, r.Challenge, "0x"+okx); err != nil || got.Method != Ed25519OKX || got.Signature != okx {
		t.Errorf("as OKX signs: got %+v, %v", got, err)
	}
	raw, err := hex.DecodeString(r.Signature)
	if err != nil {
		t.Fatal(err)
	}
	// s + the group's order signs the same, and is another spelling.
	order := []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	large := bytes.Clone(raw)
	carry := 0
	for i, b := range order {
		sum := int(large[32+i]) + int(b) + carry
		large[32+i], carry = byte(sum), sum>>8
	}
	for name, bad := range map[string]string{
		"s not below the order": hex.EncodeToString(large), "another text": hex.EncodeToString(ed25519.Sign(key, []byte(r.Challenge+" "))), "a byte less": r.Signature[2:], "a byte more": r.Signature + "00",
		"empty": "", "not hex": strings.Repeat("z", 128), "long": strings.Repeat("1", 1000),
	} {
		if got, err := verifySolana(address, r.Challenge, bad); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
	for name, bad := range map[string]string{"a byte more": base58.Encode(make([]byte, 33)), "a byte less": base58.Encode(make([]byte, 31)), "empty": ""} {
		if got, err := verifySolana(bad, r.Challenge, r.Signature); err == nil || !strings.Contains(err.Error(), "is none of Solana") {
			t.Errorf("address with %s: got %+v, %v", name, got, err)
		}
	}
}

func TestXRPL(t *testing.T) {
	key, _ := btcec.PrivKeyFromBytes([]byte("another key for tests, 32 bytes."))
	public := key.PubKey().SerializeCompressed()
	account := chains.Account("xrpl:0:" + xrplAddress(public))
	text := demoChallenge(account).Text()
	digest := sha512.Sum512([]byte(text))
	der := ecdsa.Sign(key, digest[:32]).Serialize()
	spell := func(public, sig []byte) string { return hex.EncodeToString(public) + ":" + hex.EncodeToString(sig) }
	good := spell(public, der)
	for name, given := range map[string]string{"as it is": good, "upper case": strings.ToUpper(good), "two lines": strings.Replace(good, ":", ":\n", 1)} {
		if got, err := Verify([]chains.Account{account}, text, given, Facts{}); err != nil || got.Method != XRPL || got.Signature != good {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	var r, s btcec.ModNScalar
	r.SetByteSlice(der[4 : 4+der[3]])
	s.SetByteSlice(der[6+der[3]:])
	high := s
	high.Negate()
	longKey := key.PubKey().SerializeUncompressed()
	shorter := sha512.Sum512_256([]byte(text))
	for name, c := range map[string]struct{ given, says string }{
		"high s":            {spell(public, highDER(&r, &high)), "lower half"},
		"no key":            {hex.EncodeToString(der), "want the public key"},
		"an uncompressed":   {spell(longKey, der), "want the public key"},
		"another's key":     {spell(numberedKey(1).PubKey().SerializeCompressed(), der), "is that of r"},
		"another text":      {spell(public, ecdsa.Sign(key, shorter[:]).Serialize()), "not this account's"},
		"bytes after":       {spell(public, append(bytes.Clone(der), 0)), "signature"},
		"no signature":      {spell(public, nil), "signature"},
		"of Ethereum":       {"0x" + strings.Repeat("11", 65), "want the public key"},
		"not hex":           {strings.Repeat("z", 66) + ":00", "want the public key"},
		"compact signature": {spell(public, make([]byte, 64)), "signature"},
	} {
		if got, err := Verify([]chains.Account{account}, text, c.given, Facts{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %+v, %v, want an error about %q", name, got, err, c.says)
		}
	}
	// A key of neither kind has an address, too.
	odd := append([]byte{0x05}, public[1:]...)
	if got, err := verifyXRPL(xrplAddress(odd), text, spell(odd, der)); err == nil || !strings.Contains(err.Error(), "begins 05") {
		t.Errorf("a key of neither kind: got %+v, %v", got, err)
	}
	notPoint := append([]byte{0x02}, bytes.Repeat([]byte{0xff}, 32)...)
	if got, err := verifyXRPL(xrplAddress(notPoint), text, spell(notPoint, der)); err == nil {
		t.Errorf("a key that is no point: taken as %+v", got)
	}
}

// highDER writes r and s as they are.
func highDER(r, s *btcec.ModNScalar) []byte {
	number := func(n *btcec.ModNScalar) []byte {
		b := n.Bytes()
		raw := bytes.TrimLeft(b[:], "\x00")
		if raw[0] >= 0x80 {
			raw = append([]byte{0}, raw...)
		}
		return append([]byte{0x02, byte(len(raw))}, raw...)
	}
	body := append(number(r), number(s)...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

// FuzzVerifyOthers: a signature that is taken has one spelling, on the chains
// whose signatures are no Bitcoin scripts.
func FuzzVerifyOthers(f *testing.F) {
	accounts := map[chains.Account]string{}
	for name := range recordings {
		for _, r := range readRecorded(f, name) {
			f.Add(r.Signature)
			accounts[r.Accounts[0]] = r.Challenge
		}
	}
	f.Add(base64.StdEncoding.EncodeToString(make([]byte, 64)))
	f.Add("0x" + strings.Repeat("00", 130))
	f.Fuzz(func(t *testing.T, signature string) {
		for account, text := range accounts {
			for _, facts := range []Facts{{}, {Owners: map[chains.Account]chains.Owners{account: {Addresses: []string{account.Address()}, Threshold: 1}}}, {Nodes: []string{"a"}}} {
				got, err := verify([]chains.Account{account}, text, signature, facts)
				if err != nil {
					continue
				}
				if again, err := verify([]chains.Account{account}, text, got.Signature, facts); err != nil || again.Signature != got.Signature || again.Method != got.Method {
					t.Errorf("%s: %q became %+v, which became %+v, %v", account, signature, got, again, err)
				}
			}
		}
	})
}
