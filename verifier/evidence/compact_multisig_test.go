package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func keyOf(seed byte) *btcec.PrivateKey {
	key, _ := btcec.PrivKeyFromBytes(bytes.Repeat([]byte{seed}, 32))
	return key
}

// compactBy signs a message with a key, whose compressed or uncompressed form the header names.
func compactBy(t testing.TB, words, text string, seed byte, compressed bool) string {
	t.Helper()
	var b bytes.Buffer
	for _, part := range []string{words, text} {
		if err := wire.WriteVarString(&b, 0, part); err != nil {
			t.Fatal(err)
		}
	}
	return base64.StdEncoding.EncodeToString(ecdsa.SignCompact(keyOf(seed), chainhash.DoubleHashB(b.Bytes()), compressed))
}

// multisigScript is k of the keys, those of negative seeds uncompressed.
func multisigScript(t testing.TB, k int64, seeds ...int) []byte {
	t.Helper()
	return scriptOf(t, func(b *txscript.ScriptBuilder) {
		b.AddInt64(k)
		for _, seed := range seeds {
			if seed < 0 {
				b.AddData(keyOf(byte(-seed)).PubKey().SerializeUncompressed())
			} else {
				b.AddData(keyOf(byte(seed)).PubKey().SerializeCompressed())
			}
		}
		b.AddInt64(int64(len(seeds))).AddOp(txscript.OP_CHECKMULTISIG)
	})
}

// multisigBy is the signature of seeds over the test's challenge.
func multisigBy(t testing.TB, script []byte, seeds ...int) string {
	t.Helper()
	var list []string
	for _, seed := range seeds {
		list = append(list, compactBy(t, "Bitcoin Signed Message:\n", testChallenge, byte(max(seed, -seed)), seed > 0))
	}
	return hex.EncodeToString(script) + ":" + strings.Join(list, ",")
}

// multisigAccounts are the accounts that may stand for a script.
func multisigAccounts(t testing.TB, script []byte) map[string]string {
	t.Helper()
	return map[string]string{
		"P2SH":       mainnetAccount(t, p2shScript(script)),
		"P2WSH":      mainnetAccount(t, wshScript(script)),
		"P2SH-P2WSH": mainnetAccount(t, p2shScript(wshScript(script))),
	}
}

func TestCompactMultisig(t *testing.T) {
	sixteen := make([]int, 16)
	for i := range sixteen {
		sixteen[i] = i + 1
	}
	for _, tt := range []struct {
		name   string
		k      int64
		keys   []int
		signed []int
		want   string
	}{
		{"two of three, first and last", 2, []int{1, 2, 3}, []int{1, 3}, ""},
		{"two of three, all", 2, []int{3, 1, 2}, []int{3, 1, 2}, ""},
		{"one of one", 1, []int{1}, []int{1}, ""},
		{"fifteen of fifteen", 15, sixteen[:15], sixteen[:15], ""},
		{"one of two", 1, []int{1, 2}, []int{2}, ""},
		{"one where two are asked", 2, []int{1, 2, 3}, []int{2}, "fewer keys than the script asks for: got 1, want 2 of 3"},
		{"one key twice", 2, []int{1, 2, 3}, []int{2, 2}, "one key signed twice"},
		{"one key, twice in the script", 2, []int{1, 1}, []int{1, 1}, "one key signed twice"},
		{"out of order", 2, []int{1, 2, 3}, []int{3, 1}, "not in the order of the script's keys"},
		{"a stranger", 2, []int{1, 2, 3}, []int{1, 9}, "not made over this text by a key of the script"},
		{"enough, and a stranger", 1, []int{1, 2, 3}, []int{1, 9}, "not made over this text by a key of the script"},
		{"a header of an uncompressed key", 1, []int{1, 2}, []int{-1}, "in the form that the header says"},
	} {
		script := multisigScript(t, tt.k, tt.keys...)
		for kind, account := range multisigAccounts(t, script) {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				wantGrade(t, MethodCompactMultisig, account, multisigBy(t, script, tt.signed...), tt.want, GradeScript)
			})
		}
	}
	script := multisigScript(t, 16, sixteen...)
	accounts := multisigAccounts(t, script)
	wantGrade(t, MethodCompactMultisig, accounts["P2WSH"], multisigBy(t, script, sixteen...), "", GradeScript)
	wantGrade(t, MethodCompactMultisig, accounts["P2SH"], multisigBy(t, script, sixteen...), "547 bytes, more than the 520", "")
	// uncompressed keys stand in P2SH alone, and only their own header names them
	script = multisigScript(t, 2, -1, 2, -3)
	accounts = multisigAccounts(t, script)
	wantGrade(t, MethodCompactMultisig, accounts["P2SH"], multisigBy(t, script, -1, 2), "", GradeScript)
	wantGrade(t, MethodCompactMultisig, accounts["P2SH"], multisigBy(t, script, -1, -3), "", GradeScript)
	wantGrade(t, MethodCompactMultisig, accounts["P2SH"], multisigBy(t, script, 1, 2), "in the form that the header says", "")
	wantGrade(t, MethodCompactMultisig, accounts["P2WSH"], multisigBy(t, script, -1, 2), "an uncompressed key, which no witness may hold", "")
	wantGrade(t, MethodCompactMultisig, accounts["P2SH-P2WSH"], multisigBy(t, script, -1, 2), "an uncompressed key, which no witness may hold", "")
	script = multisigScript(t, 2, 1, -1)
	wantGrade(t, MethodCompactMultisig, multisigAccounts(t, script)["P2SH"], multisigBy(t, script, 1, -1), "one key signed twice", "")
}

// TestB11_OneOfTwoForTwoOfThree: a script that asks for less is not the account's.
func TestB11_OneOfTwoForTwoOfThree(t *testing.T) {
	ours := multisigScript(t, 2, 1, 2, 3)
	for kind, account := range multisigAccounts(t, ours) {
		for name, script := range map[string][]byte{"one of two": multisigScript(t, 1, 1, 2), "one of three": multisigScript(t, 1, 1, 2, 3), "other keys": multisigScript(t, 2, 1, 4, 3)} {
			t.Run(name+", "+kind, func(t *testing.T) {
				wantGrade(t, MethodCompactMultisig, account, multisigBy(t, script, 1), "the script is not this account's", "")
			})
		}
	}
}

func TestCompactMultisig_Refused(t *testing.T) {
	script := multisigScript(t, 2, 1, 2, 3)
	good := multisigBy(t, script, 1, 2)
	account := mainnetAccount(t, wshScript(script))
	own := func(s []byte) string { return mainnetAccount(t, wshScript(s)) }
	one := strings.Split(good, ":")[1]
	for _, tt := range []struct{ name, account, signature, field, problem string }{
		{"P2PKH", mainnet + ":1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", good, "account", "is P2PKH"},
		{"Ethereum", safeAccount, good, "account", "is not a network"},
		{"malformed address", mainnet + ":1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", good, "account", "nor base58check"},
		{"no colon", account, hex.EncodeToString(script), "signature", "the script, a colon and"},
		{"upper case", account, strings.ToUpper(hex.EncodeToString(script)) + ":" + one, "signature", "the script, a colon and"},
		{"no signature", account, hex.EncodeToString(script) + ":", "signature", "want 88 characters"},
		{"a comma at the end", account, good + ",", "signature", "want 88 characters"},
		{"a blank after the comma", account, strings.Replace(good, ",", ", ", 1), "signature", "want 88 characters"},
		{"four signatures for three keys", account, good + "," + one, "signature", "4 signatures for 3 keys"},
		{"header of P2WPKH", account, hex.EncodeToString(script) + ":" + headed(t, one[:88], 39), "signature", "header 39, want 27 to 30"},
		{"empty script", own(nil), ":" + one, "signature", "does not end with OP_CHECKMULTISIG"},
		{"no keys", own([]byte{0x51, 0x51, 0xae}), "5151ae:" + one, "signature", "it says 1 of 1, and holds 0 keys"},
		{"checkmultisigverify", own([]byte{0x51, 0x51, 0xaf}), "5151af:" + one, "signature", "does not end with OP_CHECKMULTISIG"},
		{"k above n", account, multisigBy(t, multisigScript(t, 4, 1, 2, 3), 1), "signature", "it says 4 of 3, and holds 3 keys"},
		{"none of two", account, multisigBy(t, multisigScript(t, 0, 1, 2), 1), "signature", "it says 0 of 2, and holds 2 keys"},
		{"a count that is wrong", account, multisigBy(t, append(script[:len(script)-2:len(script)-2], 0x52, 0xae), 1), "signature", "it says 2 of 2, and holds 3 keys"},
		{"k pushed as data", account, multisigBy(t, append([]byte{0x01}, script...), 1), "signature", "want keys of 33 or 65"},
		{"a key of 32 bytes", account, "5120" + strings.Repeat("02", 32) + "51ae:" + one, "signature", "want keys of 33 or 65"},
		{"a key cut short", account, "5121" + strings.Repeat("02", 10) + "51ae:" + one, "signature", "want keys of 33 or 65"},
		{"a hybrid key", account, "5141" + "06" + strings.Repeat("02", 64) + "51ae:" + one, "signature", "a key of 65 bytes begins 0x06"},
		{"a key of no kind", account, "5121" + "05" + strings.Repeat("02", 32) + "51ae:" + one, "signature", "a key of 33 bytes begins 0x05"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyOne(MethodCompactMultisig, tt.account, testChallenge, tt.signature)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
	for r := byte(1); r < 40; r++ {
		raw := mustBase64(t, one[:88])
		clear(raw[1:33])
		raw[32] = r
		_, err := verifyOne(MethodCompactMultisig, account, testChallenge, hex.EncodeToString(script)+":"+base64.StdEncoding.EncodeToString(raw))
		if err != nil && strings.Contains(err.Error(), "no key is recovered") {
			wantCheck(t, err, "signature", "no key is recovered")
			return
		}
	}
	t.Error("every r recovers a key")
}

// headed gives a compact signature another header.
func headed(t testing.TB, signature string, header byte) string {
	t.Helper()
	raw := mustBase64(t, signature)
	raw[0] = header
	return base64.StdEncoding.EncodeToString(raw)
}

func FuzzParseMultisig(f *testing.F) {
	f.Add(multisigScript(f, 2, 1, 2, 3))
	f.Add(multisigScript(f, 1, -1, 2))
	f.Fuzz(func(t *testing.T, script []byte) {
		m, err := parseMultisig(script)
		if err != nil {
			return
		}
		again := scriptOf(t, func(b *txscript.ScriptBuilder) {
			b.AddInt64(int64(m.required))
			for _, key := range m.keys {
				b.AddData(key)
			}
			b.AddInt64(int64(len(m.keys))).AddOp(txscript.OP_CHECKMULTISIG)
		})
		if len(script) <= txscript.MaxScriptSize && !bytes.Equal(again, script) {
			t.Fatalf("accepted %x, its shortest form is %x", script, again)
		}
	})
}
