package control

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/assay-por/assay/chains"
)

func numberedKey(n byte) *btcec.PrivateKey {
	key, _ := btcec.PrivKeyFromBytes(append(bytes.Repeat([]byte{7}, 31), n))
	return key
}

// multisigWallets are the accounts of one script: P2SH, P2WSH, P2SH of P2WSH.
func multisigWallets(t *testing.T, script []byte) []wallet {
	t.Helper()
	hash := chainhash.HashB(script)
	plain, err := address.NewAddressScriptHash(script, &chaincfg.MainNetParams)
	all := []wallet{walletOf(t, plain, err)}
	witness, err := address.NewAddressWitnessScriptHash(hash, &chaincfg.MainNetParams)
	all = append(all, walletOf(t, witness, err))
	nested, err := address.NewAddressScriptHash(append([]byte{txscript.OP_0, txscript.OP_DATA_32}, hash...), &chaincfg.MainNetParams)
	return append(all, walletOf(t, nested, err))
}

// kOfN is a script of the keys numbered from 1.
func kOfN(t *testing.T, k int64, n byte) []byte {
	t.Helper()
	return script(t, func(b *txscript.ScriptBuilder) {
		b.AddInt64(k)
		for i := range n {
			b.AddData(numberedKey(i + 1).PubKey().SerializeCompressed())
		}
		b.AddInt64(int64(n)).AddOp(txscript.OP_CHECKMULTISIG)
	})
}

func compactText(key *btcec.PrivateKey, text string, form byte) string {
	return base64.StdEncoding.EncodeToString(signCompact(key, text, form))
}

// TestB12_CompactMultisig: as many keys of the script as it asks for, in its
// order, whatever order they came in; and the script must be the account's.
func TestB12_CompactMultisig(t *testing.T) {
	inner := kOfN(t, 2, 3)
	prefix := hex.EncodeToString(inner) + ":"
	for _, w := range multisigWallets(t, inner) {
		text := demoChallenge(w.account).Text()
		sig := func(n, form byte) string { return compactText(numberedKey(n), text, form) }
		want := prefix + sig(1, 1) + "," + sig(3, 1)
		for name, given := range map[string]string{
			"in order": want, "in another": prefix + sig(3, 1) + "," + sig(1, 1), "one a line": prefix + "\n" + sig(3, 1) + "\n" + sig(1, 1),
			"headers of segwit": prefix + sig(1, 3) + "," + sig(3, 2), "script in upper case": strings.ToUpper(prefix) + sig(1, 1) + ", " + sig(3, 1),
		} {
			got, err := Verify([]chains.Account{w.account}, text, given, Facts{})
			if err != nil || got.Method != CompactMultisig || got.Grade != chains.Script || got.Signature != want {
				t.Errorf("%s, %s: got %+v, %v", w.account, name, got, err)
			}
		}
		for name, c := range map[string]struct{ given, says string }{
			"one of two":      {prefix + sig(1, 1), "1 compact signatures, the script asks for 2 of 3"},
			"four of three":   {prefix + strings.Join([]string{sig(1, 1), sig(2, 1), sig(3, 1), sig(1, 1)}, ","), "4 compact signatures"},
			"one key twice":   {prefix + sig(2, 1) + "," + sig(2, 3), "key 2 of the script signed twice"},
			"a stranger":      {prefix + sig(1, 1) + "," + sig(4, 1), "which is none of the script's"},
			"another text":    {prefix + sig(1, 1) + "," + compactText(numberedKey(2), text+" ", 1), "which is none of the script's"},
			"no signature":    {prefix, "0 compact signatures"},
			"not hex":         {"zz:" + sig(1, 1) + "," + sig(2, 1), "want the script in hex"},
			"another script":  {hex.EncodeToString(kOfN(t, 1, 3)) + ":" + sig(1, 1), "not of this account"},
			"short signature": {prefix + sig(1, 1) + "," + sig(2, 1)[:40], "want 65 bytes"},
		} {
			if got, err := Verify([]chains.Account{w.account}, text, c.given, Facts{}); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s, %s: got %+v, %v, want an error about %q", w.account, name, got, err, c.says)
			}
		}
		other := multisigWallets(t, kOfN(t, 2, 4))[1]
		text = demoChallenge(other.account).Text()
		if got, err := Verify([]chains.Account{other.account}, text, prefix+compactText(numberedKey(1), text, 1)+","+compactText(numberedKey(2), text, 1), Facts{}); err == nil {
			t.Errorf("another account: taken as %+v", got)
		}
	}
}

// TestB12_MultisigScript: only the shortest form of k of n is read.
func TestB12_MultisigScript(t *testing.T) {
	good := kOfN(t, 2, 3)
	if need, keys, err := parseMultisig(good); err != nil || need != 2 || len(keys) != 3 {
		t.Errorf("got %d of %d, %v", need, len(keys), err)
	}
	if _, keys, err := parseMultisig(kOfN(t, 16, 16)); err != nil || len(keys) != 16 {
		t.Errorf("16 of 16: %d keys, %v", len(keys), err)
	}
	key := numberedKey(1).PubKey()
	raw := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	push := append([]byte{txscript.OP_DATA_33}, key.SerializeCompressed()...)
	for name, bad := range map[string][]byte{
		"empty": nil, "no keys": {txscript.OP_1, txscript.OP_0, txscript.OP_CHECKMULTISIG}, "none of one": raw([]byte{txscript.OP_0}, push, []byte{txscript.OP_1, txscript.OP_CHECKMULTISIG}),
		"two of one": raw([]byte{txscript.OP_2}, push, []byte{txscript.OP_1, txscript.OP_CHECKMULTISIG}), "a wrong count": raw([]byte{txscript.OP_1}, push, []byte{txscript.OP_2, txscript.OP_CHECKMULTISIG}),
		"a longer push":        raw([]byte{txscript.OP_1, txscript.OP_PUSHDATA1}, push, []byte{txscript.OP_1, txscript.OP_CHECKMULTISIG}),
		"a longer number":      raw([]byte{txscript.OP_DATA_1, 1}, push, []byte{txscript.OP_1, txscript.OP_CHECKMULTISIG}),
		"VERIFY":               raw([]byte{txscript.OP_1}, push, []byte{txscript.OP_1, txscript.OP_CHECKMULTISIGVERIFY}),
		"an operation more":    append(bytes.Clone(good), txscript.OP_NOP),
		"an operation before":  append([]byte{txscript.OP_NOP}, good...),
		"cut off":              good[:len(good)-1],
		"cut off in a key":     good[:20],
		"not a point":          raw([]byte{txscript.OP_1, txscript.OP_DATA_33}, bytes.Repeat([]byte{2}, 32), []byte{5, txscript.OP_1, txscript.OP_CHECKMULTISIG}),
		"seventeen":            raw([]byte{txscript.OP_1}, bytes.Repeat(push, 17), []byte{txscript.OP_16 + 1, txscript.OP_CHECKMULTISIG}),
		"a hash in the middle": raw([]byte{txscript.OP_1}, push, []byte{txscript.OP_DATA_20}, make([]byte, 20), []byte{txscript.OP_2, txscript.OP_CHECKMULTISIG}),
	} {
		if need, keys, err := parseMultisig(bad); err == nil {
			t.Errorf("%s: read as %d of %d", name, need, len(keys))
		}
	}
}

// TestB12_MultisigForms: keys that are not compressed cannot be spent in a
// witness, and sixteen keys not in P2SH.
func TestB12_MultisigForms(t *testing.T) {
	key := numberedKey(1)
	loose := script(t, func(b *txscript.ScriptBuilder) {
		b.AddInt64(1).AddData(key.PubKey().SerializeUncompressed()).AddInt64(1).AddOp(txscript.OP_CHECKMULTISIG)
	})
	for i, w := range multisigWallets(t, loose) {
		text := demoChallenge(w.account).Text()
		want := hex.EncodeToString(loose) + ":" + compactText(key, text, 0)
		for said := range byte(2) {
			got, err := Verify([]chains.Account{w.account}, text, hex.EncodeToString(loose)+":"+compactText(key, text, said), Facts{})
			if i == 0 && (err != nil || got.Signature != want) || i > 0 && (err == nil || !strings.Contains(err.Error(), "not compressed")) {
				t.Errorf("%s: got %+v, %v", w.account, got, err)
			}
		}
	}
	for n := byte(15); n <= 16; n++ {
		inner := kOfN(t, 1, n)
		for i, w := range multisigWallets(t, inner) {
			text := demoChallenge(w.account).Text()
			_, err := Verify([]chains.Account{w.account}, text, hex.EncodeToString(inner)+":"+compactText(numberedKey(n), text, 1), Facts{})
			if (err == nil) != (n == 15 || i > 0) {
				t.Errorf("%s, %d keys: %v", w.account, n, err)
			}
		}
	}
}

func FuzzParseMultisig(f *testing.F) {
	f.Add([]byte{txscript.OP_1, txscript.OP_1, txscript.OP_CHECKMULTISIG})
	f.Add(append(append([]byte{txscript.OP_1, txscript.OP_DATA_33}, numberedKey(1).PubKey().SerializeCompressed()...), txscript.OP_1, txscript.OP_CHECKMULTISIG))
	f.Fuzz(func(t *testing.T, raw []byte) {
		need, keys, err := parseMultisig(raw)
		if err != nil {
			return
		}
		b := txscript.NewScriptBuilder().AddInt64(int64(need))
		for _, k := range keys {
			b.AddData(k)
		}
		again, err := b.AddInt64(int64(len(keys))).AddOp(txscript.OP_CHECKMULTISIG).Script()
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%x was read, its shortest form is %x, %v", raw, again, err)
		}
	})
}
