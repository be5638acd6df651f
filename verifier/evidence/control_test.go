package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
)

const testChallenge = "Assay proof of control v1\nexchange: Demo Exchange\nsnapshot: 01\nchain: eip155:1\naccount: eip155:1:0x02\nblock: 0x03\nroot: 04"

func TestChallenge_Text(t *testing.T) {
	if got := Challenge("Demo Exchange", "01", "04", Pinned{"eip155:1", "eip155:1:0x02", "0x03"}); got != testChallenge {
		t.Errorf("got\n%s\nwant\n%s", got, testChallenge)
	}
	two := Challenge("Demo Exchange", "01", "04", Pinned{"eip155:1", "eip155:1:0x02", "0x03"}, Pinned{"eip155:10", "eip155:10:0x02", "0x05"})
	want := strings.Replace(testChallenge, "\nroot", "\nchain: eip155:10\naccount: eip155:10:0x02\nblock: 0x05\nroot", 1)
	if two != want {
		t.Errorf("got\n%s\nwant\n%s", two, want)
	}
}

// verifyOne checks a signature for one account.
func verifyOne(method, account, text, signature string) (string, error) {
	return (&Control{Accounts: []string{account}, Method: method, Challenge: text, Signature: signature}).Verify()
}

// signEIP191 signs with go-ethereum, an independent signer.
func signEIP191(t testing.TB, seed byte, challenge string) (account, signature string) {
	t.Helper()
	key, err := crypto.ToECDSA(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := crypto.Sign(accounts.TextHash([]byte(challenge)), key)
	if err != nil {
		t.Fatal(err)
	}
	sig[64] += 27
	return "eip155:1:" + strings.ToLower(crypto.PubkeyToAddress(key.PublicKey).Hex()), "0x" + hex.EncodeToString(sig)
}

func TestEIP191_GoodSignatures(t *testing.T) {
	for seed := byte(1); seed < 40; seed++ {
		account, signature := signEIP191(t, seed, testChallenge)
		if grade, err := verifyOne(MethodEIP191, account, testChallenge, signature); err != nil || grade != GradeBound {
			t.Errorf("key %d: got %q, %v; want %q", seed, grade, err, GradeBound)
		}
	}
}

func TestB01_ReplayedControlSignature(t *testing.T) {
	static, other := "I am an exchange address", Challenge("Demo Exchange", "99", "04", Pinned{"eip155:1", "eip155:1:0x02", "0x03"})
	for _, signed := range []string{static, other, testChallenge + "\n", strings.ToUpper(testChallenge)} {
		account, signature := signEIP191(t, 7, signed)
		_, err := verifyOne(MethodEIP191, account, testChallenge, signature)
		wantCheck(t, err, "signature", "not this account's signature of this text")
		account, signature = signP2WPKH(t, signed)
		_, err = verifyOne(MethodBIP322, account, testChallenge, signature)
		wantCheck(t, err, "signature", "not this account's signature of this text")
	}
}

func TestB24_ChallengeForAnotherRootOrBlock(t *testing.T) {
	account, _ := signEIP191(t, 7, "")
	parts := [6]string{"Demo Exchange", testSnapshot, "eip155:1", account, "0x03", "04"}
	text := func(p [6]string) string { return Challenge(p[0], p[1], p[5], Pinned{p[2], p[3], p[4]}) }
	_, signature := signEIP191(t, 7, text(parts))
	if _, err := verifyOne(MethodEIP191, account, text(parts), signature); err != nil {
		t.Fatal(err)
	}
	for i, what := range []string{"exchange", "snapshot", "chain", "account", "block", "root"} {
		t.Run(what, func(t *testing.T) {
			changed := parts
			changed[i] += "0"
			_, err := verifyOne(MethodEIP191, account, text(changed), signature)
			wantCheck(t, err, "signature", "not this account's signature of this text")
		})
	}
}

func TestEIP191_Refused(t *testing.T) {
	account, good := signEIP191(t, 7, testChallenge)
	raw, _ := hex.DecodeString(good[2:])
	with := func(change func(b []byte)) string {
		b := bytes.Clone(raw)
		change(b)
		return "0x" + hex.EncodeToString(b)
	}
	order := crypto.S256().Params().N
	highS := with(func(b []byte) {
		new(big.Int).Sub(order, new(big.Int).SetBytes(b[32:64])).FillBytes(b[32:64])
		b[64] = 55 - b[64]
	})
	if key, err := crypto.SigToPub(accounts.TextHash([]byte(testChallenge)), func() []byte { b, _ := hex.DecodeString(highS[2:]); b[64] -= 27; return b }()); err != nil ||
		"eip155:1:"+strings.ToLower(crypto.PubkeyToAddress(*key).Hex()) != account {
		t.Fatalf("the upper s must recover the same key, or this test shows nothing: %v", err)
	}
	for _, tt := range []struct{ name, account, signature, field, problem string }{
		{"no prefix", account, good[2:], "signature", "want 0x and 130 hex digits"},
		{"short", account, good[:130], "signature", "want 0x and 130 hex digits"},
		{"long", account, good + "00", "signature", "want 0x and 130 hex digits"},
		{"upper case", account, "0x" + strings.ToUpper(good[2:]), "signature", "not lower-case hex"},
		{"not hex", account, good[:130] + "zz", "signature", "not lower-case hex"},
		{"v 0", account, with(func(b []byte) { b[64] -= 27 }), "signature", "want 27 or 28"},
		{"v 31", account, with(func(b []byte) { b[64] = 31 }), "signature", "want 27 or 28"},
		{"r 0", account, with(func(b []byte) { clear(b[:32]) }), "signature", "r is 0"},
		{"r is the order", account, with(func(b []byte) { order.FillBytes(b[:32]) }), "signature", "r is 0 or not below"},
		{"s 0", account, with(func(b []byte) { clear(b[32:64]) }), "signature", "s is 0"},
		{"s is the order", account, with(func(b []byte) { order.FillBytes(b[32:64]) }), "signature", "s is 0 or not below"},
		{"s high", account, highS, "signature", "upper half"},
		{"bitcoin account", mainnet + ":bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l", good, "account", "which this method is for"},
		{"checksummed account", "eip155:1:" + strings.ToUpper(account[9:]), good, "account", "which this method is for"},
		{"chain with leading zero", "eip155:01" + account[8:], good, "account", "which this method is for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyOne(MethodEIP191, tt.account, testChallenge, tt.signature)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
	stranger, _ := signEIP191(t, 8, "")
	_, err := verifyOne(MethodEIP191, stranger, testChallenge, good)
	wantCheck(t, err, "signature", "not this account's signature")
	_, err = verifyOne(MethodEIP191, account, testChallenge, with(func(b []byte) { b[64] = 55 - b[64] }))
	wantCheck(t, err, "signature", "not this account's signature")
	_, err = verifyOne("eip1911", account, testChallenge, good)
	wantFormat(t, err, "method", "is no method of control")
}

// Every r of a curve point verifies with some key; an r beside the curve recovers none.
func TestEIP191_NoKeyRecovered(t *testing.T) {
	account, good := signEIP191(t, 7, testChallenge)
	for r := byte(1); r < 40; r++ {
		_, err := verifyOne(MethodEIP191, account, testChallenge, "0x"+fmt.Sprintf("%064x", r)+good[66:])
		if err != nil && strings.Contains(err.Error(), "no key is recovered") {
			wantCheck(t, err, "signature", "no key is recovered")
			return
		}
	}
	t.Error("no r of 1 to 39 was refused, about half are beside the curve")
}

func mainnetAccount(t testing.TB, pkScript []byte) string {
	t.Helper()
	_, addrs, _, err := txscript.ExtractPkScriptAddrs(pkScript, &chaincfg.MainNetParams)
	if err != nil || len(addrs) != 1 {
		t.Fatalf("script %x: %d addresses, %v", pkScript, len(addrs), err)
	}
	return mainnet + ":" + addrs[0].EncodeAddress()
}

func signP2WPKH(t testing.TB, message string) (account, signature string) {
	t.Helper()
	s := newSigner(message)
	pkScript := append([]byte{0x00, 0x14}, address.Hash160(s.pub())...)
	return mainnetAccount(t, pkScript), smp(s.ecdsa(t, pkScript, pkScript, txscript.SigHashAll), s.pub())
}

func wshScript(script []byte) []byte {
	h := sha256.Sum256(script)
	return append([]byte{0x00, 0x20}, h[:]...)
}

// bip322Rule is one signature that keeps or breaks one rule. want is empty when it must verify.
type bip322Rule struct {
	name     string
	pkScript []byte
	witness  [][]byte
	want     string
}

func witnessV0Rules(t testing.TB, s signer) []bip322Rule {
	pkh := append([]byte{0x00, 0x14}, address.Hash160(s.pub())...)
	good := s.ecdsa(t, pkh, pkh, txscript.SigHashAll)
	rules := []bip322Rule{
		{"p2wpkh", pkh, [][]byte{good, s.pub()}, ""},
		{"p2wpkh with an item too many", pkh, [][]byte{{1}, good, s.pub()}, "exactly two"},
		{"p2wpkh with another key", pkh, [][]byte{good, bytes.Repeat([]byte{2}, 33)}, "OP_EQUALVERIFY failed"},
		{"p2wpkh high s", pkh, [][]byte{highDER(t, good), s.pub()}, "not canonical due to unnecessarily high S value"},
		{"p2wpkh nothing", pkh, nil, "empty witness"},
	}
	for _, hashType := range []txscript.SigHashType{txscript.SigHashNone, txscript.SigHashSingle, txscript.SigHashAll | txscript.SigHashAnyOneCanPay, 0} {
		rules = append(rules, bip322Rule{fmt.Sprintf("p2wpkh hash type %d", hashType), pkh, [][]byte{s.ecdsa(t, pkh, pkh, hashType), s.pub()}, fmt.Sprintf("hash type 0x%02x, not ALL", uint8(hashType))})
	}
	add := func(name, want string, hashType txscript.SigHashType, build func(b *txscript.ScriptBuilder), witness func(sig []byte) [][]byte) {
		script := scriptOf(t, build)
		pk := wshScript(script)
		rules = append(rules, bip322Rule{name, pk, append(witness(s.ecdsa(t, pk, script, hashType)), script), want})
	}
	one := func(sig []byte) [][]byte { return [][]byte{sig} }
	checkSig := func(b *txscript.ScriptBuilder) { b.AddData(s.pub()).AddOp(txscript.OP_CHECKSIG) }
	multisig := func(b *txscript.ScriptBuilder) {
		b.AddInt64(1).AddData(s.pub()).AddData(bytes.Repeat([]byte{2}, 33)).AddInt64(2).AddOp(txscript.OP_CHECKMULTISIG)
	}
	either := func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_IF).AddData(s.pub()).AddOp(txscript.OP_CHECKSIG)
		b.AddOp(txscript.OP_ELSE).AddOp(txscript.OP_IF).AddOp(txscript.OP_0).AddOp(txscript.OP_ELSE).AddData(s.pub()).AddOp(txscript.OP_CHECKSIG).AddOp(txscript.OP_ENDIF).AddOp(txscript.OP_ENDIF)
	}
	add("p2wsh", "", txscript.SigHashAll, checkSig, one)
	add("p2wsh hash type none", "hash type 0x02", txscript.SigHashNone, checkSig, one)
	add("p2wsh multisig", "", txscript.SigHashAll, multisig, func(sig []byte) [][]byte { return [][]byte{nil, sig} })
	add("p2wsh multisig hash type single", "hash type 0x03", txscript.SigHashSingle, multisig, func(sig []byte) [][]byte { return [][]byte{nil, sig} })
	add("p2wsh multisig with a dummy", "instead of 0", txscript.SigHashAll, multisig, func(sig []byte) [][]byte { return [][]byte{{1}, sig} })
	add("p2wsh first branch", "", txscript.SigHashAll, either, func(sig []byte) [][]byte { return [][]byte{sig, {1}} })
	add("p2wsh nested branch", "", txscript.SigHashAll, either, func(sig []byte) [][]byte { return [][]byte{sig, nil, nil} })
	add("p2wsh nested branch hash type none", "hash type 0x02", txscript.SigHashNone, either, func(sig []byte) [][]byte { return [][]byte{sig, nil, nil} })
	add("p2wsh first branch not minimal", "minimal if is active", txscript.SigHashAll, either, func(sig []byte) [][]byte { return [][]byte{sig, {2}} })
	add("p2wsh unclean stack", "must have clean stack", txscript.SigHashAll, checkSig, func(sig []byte) [][]byte { return [][]byte{{1}, sig} })
	add("p2wsh codeseparator", "OP_CODESEPARATOR", txscript.SigHashAll, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_CODESEPARATOR); checkSig(b) }, one)
	add("p2wsh codeseparator in a branch not taken", "OP_CODESEPARATOR", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_0).AddOp(txscript.OP_IF).AddOp(txscript.OP_CODESEPARATOR).AddOp(txscript.OP_ENDIF)
		checkSig(b)
	}, one)
	add("p2wsh anyone", "no signature is checked", txscript.SigHashAll, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_1) }, func([]byte) [][]byte { return nil })
	add("p2wsh hash lock", "no signature is checked", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_HASH160).AddData(address.Hash160([]byte("secret"))).AddOp(txscript.OP_EQUAL)
	}, func([]byte) [][]byte { return [][]byte{[]byte("secret")} })
	add("p2wsh signature not taken", "no signature is checked", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
		checkSig(b)
		b.AddOp(txscript.OP_NOT)
	}, func([]byte) [][]byte { return [][]byte{nil} })
	add("p2wsh failed signature", "signature not empty on failed checksig", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_NOP).AddData(s.pub()).AddOp(txscript.OP_CHECKSIG).AddOp(txscript.OP_NOT)
	}, func([]byte) [][]byte { return [][]byte{good} })
	add("p2wsh upgradable nop", "reserved for soft-fork upgrades", txscript.SigHashAll, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_NOP10); checkSig(b) }, one)
	add("p2wsh lock time", "locktime requirement not satisfied", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
		b.AddInt64(2016).AddOp(txscript.OP_CHECKLOCKTIMEVERIFY).AddOp(txscript.OP_DROP)
		checkSig(b)
	}, one)
	return append(rules, bip322Rule{"p2wsh empty script", wshScript(nil), [][]byte{{1}, nil}, "does nothing"})
}

func taprootRules(t testing.TB, s signer) []bip322Rule {
	key := txscript.ComputeTaprootKeyNoScript(s.key.PubKey())
	pk, err := txscript.PayToTaprootScript(key)
	if err != nil {
		t.Fatal(err)
	}
	spend := s.keySpend(t, pk, txscript.SigHashDefault)
	rules := []bip322Rule{
		{"taproot default", pk, [][]byte{spend}, ""},
		{"taproot all", pk, [][]byte{s.keySpend(t, pk, txscript.SigHashAll)}, ""},
		{"taproot none", pk, [][]byte{s.keySpend(t, pk, txscript.SigHashNone)}, "hash type 0x02, not ALL or DEFAULT"},
		{"taproot anyone can pay", pk, [][]byte{s.keySpend(t, pk, txscript.SigHashAll|txscript.SigHashAnyOneCanPay)}, "hash type 0x81, not ALL or DEFAULT"},
		{"taproot default written out", pk, [][]byte{append(bytes.Clone(spend), 0)}, "hash type 0x00, not ALL or DEFAULT"},
		{"taproot short", pk, [][]byte{spend[:63]}, "63 bytes"},
		{"taproot annex", pk, [][]byte{spend, {0x50}}, "annex"},
		{"taproot item too many", pk, [][]byte{spend, spend}, "control block"},
	}
	add := func(name, want string, hashType txscript.SigHashType, build func(b *txscript.ScriptBuilder), witness func(sig []byte) [][]byte) {
		script := scriptOf(t, build)
		pk, control := s.taproot(t, script)
		rules = append(rules, bip322Rule{name, pk, append(witness(s.tapscript(t, pk, script, hashType)), script, control), want})
	}
	one := func(sig []byte) [][]byte { return [][]byte{sig} }
	checkSig := func(b *txscript.ScriptBuilder) { b.AddData(s.xOnly()).AddOp(txscript.OP_CHECKSIG) }
	add("tapscript", "", txscript.SigHashDefault, checkSig, one)
	add("tapscript all", "", txscript.SigHashAll, checkSig, one)
	add("tapscript single", "hash type 0x03", txscript.SigHashSingle, checkSig, one)
	add("tapscript checksigadd", "", txscript.SigHashDefault, func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_0).AddData(s.xOnly()).AddOp(txscript.OP_CHECKSIGADD).AddInt64(1).AddOp(txscript.OP_EQUAL)
	}, one)
	add("tapscript checksigadd none", "hash type 0x02", txscript.SigHashNone, func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_0).AddData(s.xOnly()).AddOp(txscript.OP_CHECKSIGADD).AddInt64(1).AddOp(txscript.OP_EQUAL)
	}, one)
	add("tapscript codeseparator", "OP_CODESEPARATOR", txscript.SigHashDefault, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_CODESEPARATOR); checkSig(b) }, one)
	add("tapscript success", "OP_SUCCESS", txscript.SigHashDefault, func(b *txscript.ScriptBuilder) { b.AddOp(0x50); checkSig(b) }, one)
	add("tapscript anyone", "no signature is checked", txscript.SigHashDefault, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_1) }, func([]byte) [][]byte { return nil })
	add("tapscript key of an unknown kind", "pubkey", txscript.SigHashDefault, func(b *txscript.ScriptBuilder) { b.AddData(s.pub()).AddOp(txscript.OP_CHECKSIG) }, one)
	add("tapscript unclean stack", "must contain exactly one item", txscript.SigHashDefault, checkSig, func(sig []byte) [][]byte { return [][]byte{{1}, sig} })
	return rules
}

// highDER replaces s of a DER signature by the other value that verifies.
func highDER(t testing.TB, sig []byte) []byte {
	t.Helper()
	r := sig[4 : 4+sig[3]]
	s := sig[6+sig[3] : len(sig)-1]
	high := new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(s)).Bytes()
	if high[0]&0x80 != 0 {
		high = append([]byte{0}, high...)
	}
	body := append([]byte{0x02, byte(len(r))}, r...)
	body = append(append(body, 0x02, byte(len(high))), high...)
	return append(append([]byte{0x30, byte(len(body))}, body...), sig[len(sig)-1])
}

func TestB13_BIP322Laxness(t *testing.T) {
	s := newSigner(testChallenge)
	for _, rule := range append(witnessV0Rules(t, s), taprootRules(t, s)...) {
		t.Run(rule.name, func(t *testing.T) {
			grade, err := verifyOne(MethodBIP322, mainnetAccount(t, rule.pkScript), testChallenge, smp(rule.witness...))
			if rule.want == "" {
				if err != nil || grade != GradeScript {
					t.Errorf("got %q, %v; want %q", grade, err, GradeScript)
				}
				return
			}
			wantCheck(t, err, "signature", rule.want)
		})
	}
}

func TestB12_WrongAddressType(t *testing.T) {
	account, good := signP2WPKH(t, testChallenge)
	s := newSigner(testChallenge)
	hash := address.Hash160(s.pub())
	legacy := mainnetAccount(t, append(append([]byte{0x76, 0xa9, 0x14}, hash...), 0x88, 0xac))
	nested := mainnetAccount(t, append(append([]byte{0xa9, 0x14}, address.Hash160(append([]byte{0x00, 0x14}, hash...))...), 0x87))
	_, err := verifyOne(MethodBIP322, legacy, testChallenge, good)
	wantFormat(t, err, "account", "is P2PKH")
	_, err = verifyOne(MethodBIP322, nested, testChallenge, good)
	wantFormat(t, err, "account", "is P2SH")
	key := txscript.ComputeTaprootKeyNoScript(s.key.PubKey())
	pk, err := txscript.PayToTaprootScript(key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = verifyOne(MethodBIP322, mainnetAccount(t, pk), testChallenge, good)
	wantCheck(t, err, "signature", "derived witness program")
	_, err = verifyOne(MethodBIP322, strings.Replace(account, mainnet, testnet, 1), testChallenge, good)
	wantFormat(t, err, "account", "neither bech32 with \"tb\" nor base58check")
	_, err = verifyOne(MethodBIP322, "eip155:1:0x00", testChallenge, good)
	wantFormat(t, err, "account", "is not a network")
	_, err = verifyOne(MethodBIP322, "bc1", testChallenge, good)
	wantFormat(t, err, "account", "is not an account")
}

func TestE07_SignatureEncoding(t *testing.T) {
	account, good := signP2WPKH(t, testChallenge)
	raw, err := base64.StdEncoding.DecodeString(good[3:])
	if err != nil {
		t.Fatal(err)
	}
	again := func(b []byte) string { return "smp" + base64.StdEncoding.EncodeToString(b) }
	for _, tt := range []struct{ name, signature, problem string }{
		{"empty", "", "not a simple signature"},
		{"no prefix", good[3:], "not a simple signature"},
		{"prefix in capitals", "SMP" + good[3:], "not a simple signature"},
		{"trailing byte", again(append(bytes.Clone(raw), 0)), "1 bytes follow the witness"},
		{"cut short", again(raw[:len(raw)-1]), "ends inside a witness item"},
		{"long count", again(append([]byte{0xfd, 2, 0}, raw[1:]...)), "not in its shortest form"},
		{"line break", good[:20] + "\n" + good[20:], "line breaks"},
		{"no padding", strings.TrimRight(again([]byte{0}), "="), "not base64"},
		{"url alphabet", "smp_-__", "not base64"},
		{"trailing bits", "smpAB==", "not base64"},
		{"prefix twice", "smp" + good, "not base64"},
		{"nothing", "smp", "ends inside the number of witness items"},
		{"too large", "smp" + strings.Repeat("A", 4*maxWitness/3+8), "more than 400000 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyOne(MethodBIP322, account, testChallenge, tt.signature)
			wantFormat(t, err, "signature", tt.problem)
		})
	}
}

func FuzzVerifyControl(f *testing.F) {
	account, signature := signP2WPKH(f, testChallenge)
	f.Add(MethodBIP322, account, signature)
	account, signature = signEIP191(f, 7, testChallenge)
	f.Add(MethodEIP191, account, signature)
	s := newSigner(testChallenge)
	for _, rule := range append(witnessV0Rules(f, s), taprootRules(f, s)...) {
		f.Add(MethodBIP322, mainnetAccount(f, rule.pkScript), smp(rule.witness...))
		_, tx := simpleTransactions(rule.pkScript, testChallenge, rule.witness)
		f.Add(MethodFull, mainnetAccount(f, rule.pkScript), ful(f, tx))
	}
	legacy, tx := s.fullLegacy(f, txscript.SigHashAll, func(*wire.MsgTx) {})
	f.Add(MethodFull, legacy, ful(f, tx))
	for form, account := range s.accountsOfKey(f) {
		f.Add(MethodCompact, account, base64.StdEncoding.EncodeToString(s.compact(f, form)))
	}
	f.Fuzz(func(t *testing.T, method, account, signature string) {
		grade, err := verifyOne(method, account, "another challenge, which nobody signed", signature)
		if err == nil {
			t.Errorf("%s %s %s: verified as %q", method, account, signature, grade)
		}
	})
}

func BenchmarkEIP191(b *testing.B) {
	account, signature := signEIP191(b, 7, testChallenge)
	for b.Loop() {
		if _, err := verifyOne(MethodEIP191, account, testChallenge, signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBIP322(b *testing.B) {
	account, signature := signP2WPKH(b, testChallenge)
	for b.Loop() {
		if _, err := verifyOne(MethodBIP322, account, testChallenge, signature); err != nil {
			b.Fatal(err)
		}
	}
}
