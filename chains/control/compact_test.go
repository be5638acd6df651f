package control

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/assay-por/assay/chains"
)

// formWallets are the accounts of the test key, in the order of their
// headers.
func formWallets(t *testing.T) []wallet {
	t.Helper()
	key := bitcoinKey(t).PubKey()
	hash := address.Hash160(key.SerializeCompressed())
	uncompressed, err := address.NewAddressPubKeyHash(address.Hash160(key.SerializeUncompressed()), &chaincfg.MainNetParams)
	all := []wallet{walletOf(t, uncompressed, err), legacyWallet(t, bitcoinKey(t))}
	nested, err := address.NewAddressScriptHash(append([]byte{0x00, 0x14}, hash...), &chaincfg.MainNetParams)
	all = append(all, walletOf(t, nested, err))
	segwit, err := address.NewAddressWitnessPubKeyHash(hash, &chaincfg.MainNetParams)
	return append(all, walletOf(t, segwit, err))
}

// signCompact signs with the header of a form.
func signCompact(key *btcec.PrivateKey, text string, form byte) []byte {
	sig := ecdsa.SignCompact(key, messageHash("Bitcoin Signed Message:\n", text), false)
	sig[0] += 4 * form
	return sig
}

// TestB12_CompactForms: every form's header against every form's address.
func TestB12_CompactForms(t *testing.T) {
	key := bitcoinKey(t)
	for i, w := range formWallets(t) {
		text := demoChallenge(w.account).Text()
		want := base64.StdEncoding.EncodeToString(signCompact(key, text, byte(i)))
		for said := range byte(4) {
			signature := base64.StdEncoding.EncodeToString(signCompact(key, text, said))
			method, normalized, grade, err := verified(w.account, text, signature)
			if int(said) == i || said == compressedForm && i > compressedForm {
				if err != nil || method != Compact || grade != chains.Bound || normalized != want {
					t.Errorf("%s, header of %s: got %s %s %s %v, want %s", formNames[i], formNames[said], method, grade, normalized, err, want)
				}
				continue
			}
			if err == nil || grade != chains.NoControl || !strings.Contains(err.Error(), "by the account's key, but its header") || !strings.Contains(err.Error(), "the account is "+formNames[i]) {
				t.Errorf("%s, header of %s: got %s, %v", formNames[i], formNames[said], grade, err)
			}
		}
	}
}

func TestB12_CompactRefused(t *testing.T) {
	key := bitcoinKey(t)
	w := formWallets(t)[compressedForm]
	text := demoChallenge(w.account).Text()
	good := signCompact(key, text, compressedForm)
	edit := func(change func(b []byte)) string {
		b := append([]byte{}, good...)
		change(b)
		return base64.StdEncoding.EncodeToString(b)
	}
	highS := func(b []byte) {
		var s btcec.ModNScalar
		s.SetByteSlice(b[33:])
		raw := s.Negate().Bytes()
		copy(b[33:], raw[:])
		b[0] = firstHeader + (b[0] - firstHeader) ^ 1 // the other of two keys
	}
	stranger, _ := btcec.PrivKeyFromBytes([]byte("another key for tests, 32 bytes."))
	for name, c := range map[string]struct{ signature, says string }{
		"high s":            {edit(highS), "lower half"},
		"zero r":            {edit(func(b []byte) { clear(b[1:33]) }), "out of range"},
		"zero s":            {edit(func(b []byte) { clear(b[33:]) }), "out of range"},
		"r above the order": {edit(func(b []byte) { copy(b[1:33], strings.Repeat("\xff", 32)) }), "out of range"},
		"another s":         {edit(func(b []byte) { b[64] ^= 1 }), "in none of its forms"},
		"another key":       {base64.StdEncoding.EncodeToString(signCompact(stranger, text, compressedForm)), "in none of its forms"},
		"another text":      {base64.StdEncoding.EncodeToString(signCompact(key, text+"\n", compressedForm)), "in none of its forms"},
		"header 26":         {edit(func(b []byte) { b[0] = 26 }), "only P2WPKH, P2WSH and P2TR"},
		"header 43":         {edit(func(b []byte) { b[0] = 43 }), "only P2WPKH, P2WSH and P2TR"},
		"a byte more":       {base64.StdEncoding.EncodeToString(append(good[:65:65], 0)), "only P2WPKH, P2WSH and P2TR"},
		"loose base64":      {strings.TrimRight(edit(func([]byte) {}), "="), "only P2WPKH, P2WSH and P2TR"},
	} {
		_, _, grade, err := verified(w.account, text, c.signature)
		if err == nil || grade != chains.NoControl || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %s, %v, want an error about %q", name, grade, err, c.says)
		}
	}
	for _, account := range []chains.Account{mainnet + ":bc1pss0zhytly75awhm6x2hhvd5lnzv3vssgrf9axfheq8ldyzn88ges79fler", mainnet + ":bc1qp0ahvfh83088w49k405szqgg4f3pptr7p2g06tdxfjcd40z4lh4q95lsz9"} {
		_, _, _, err := verified(account, text, edit(func([]byte) {}))
		if err == nil || !strings.Contains(err.Error(), "have no compact signatures") {
			t.Errorf("%s: got %v", account, err)
		}
	}
}

// signedElsewhere is a signature that Electrum made.
type signedElsewhere struct {
	Account   chains.Account `json:"account"`
	Challenge string         `json:"challenge"`
	Form      string         `json:"form"`
	Signature string         `json:"signature"`
}

// checkElectrum: Electrum writes 31 to 34 for segwit; the normalized signature
// has the form's own header.
func checkElectrum(t *testing.T, s signedElsewhere, form byte) {
	t.Helper()
	method, normalized, grade, err := verified(s.Account, s.Challenge, s.Signature)
	if err != nil || method != Compact || grade != chains.Bound {
		t.Errorf("%s: got %s %s %v", s.Form, method, grade, err)
		return
	}
	raw, err := base64.StdEncoding.DecodeString(normalized)
	if err != nil || (raw[0]-firstHeader)/4 != form {
		t.Errorf("%s: normalized header is %d, %v", s.Form, raw[0], err)
	}
	if _, again, _, err := verified(s.Account, s.Challenge, normalized); err != nil || again != normalized {
		t.Errorf("%s: %s became %s, %v", s.Form, normalized, again, err)
	}
}

func TestElectrumRecorded(t *testing.T) {
	b, err := os.ReadFile("testdata/electrum-4.3.4.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []signedElsewhere
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != len(formNames) {
		t.Fatalf("got %d signatures, want one for each of %d forms", len(all), len(formNames))
	}
	for form, s := range all {
		checkElectrum(t, s, byte(form))
	}
}

// TestElectrum has Electrum sign, offline, where it is installed.
func TestElectrum(t *testing.T) {
	program, err := exec.LookPath("electrum")
	if err != nil {
		t.Skip("electrum is not installed: apt-get install --no-install-recommends electrum")
	}
	all := formWallets(t)
	for form, prefix := range map[byte]string{1: "p2pkh:", 3: "p2wpkh:"} { // a call takes seconds; the record has all four forms
		w := all[form]
		raw := append(bitcoinKey(t).Serialize(), 1) // 1 says that the public key is compressed
		wif := base58.CheckEncode(raw, chaincfg.MainNetParams.PrivateKeyID)
		home := t.TempDir()
		run := func(args ...string) string {
			t.Helper()
			cmd := exec.CommandContext(t.Context(), program, append(args, "--offline", "-w", filepath.Join(home, "wallet"))...)
			cmd.Env = append(os.Environ(), "HOME="+home)
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("electrum %s: %v: %s", args[0], err, out)
			}
			return strings.TrimSpace(string(out))
		}
		run("restore", prefix+wif)
		text := demoChallenge(w.account).Text()
		s := signedElsewhere{Account: w.account, Challenge: text, Form: formNames[form], Signature: run("signmessage", w.account.Address(), text)}
		checkElectrum(t, s, form)
	}
}
