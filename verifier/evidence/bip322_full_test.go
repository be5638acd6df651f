package evidence

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

func ful(t testing.TB, tx *wire.MsgTx) string {
	t.Helper()
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return "ful" + base64.StdEncoding.EncodeToString(b.Bytes())
}

// The official vectors are all of lock time 2016 and sequence 2016: good signatures that show control at another time.
func TestBIP322_FullVectors(t *testing.T) {
	for _, v := range readBIP322(t).Full {
		account := mainnet + ":" + v.Address
		script, kind, err := accountScript(account)
		if err != nil {
			t.Fatal(err)
		}
		for _, signature := range v.Signatures {
			raw, err := unwrap(signature, prefixFull, "full", maxWitness)
			if err != nil {
				t.Fatal(err)
			}
			toSign, err := parseToSign(raw)
			if err != nil {
				t.Fatal(err)
			}
			if j := judge(v.Message, toSign, coin{script: script, kind: kind}); j.state != valid || j.lockTime != v.LockTime || j.sequence != v.Sequence {
				t.Errorf("%s: got %s (%v) at time %d and age %d, want %s at %d and %d", v.Type, j.state, j.reason, j.lockTime, j.sequence, valid, v.LockTime, v.Sequence)
			}
			_, err = verifyOne(MethodFull, account, v.Message, signature)
			wantCheck(t, err, "signature", fmt.Sprintf("becomes valid only later and does not show control now: got valid at time %d and age %d", v.LockTime, v.Sequence))
		}
	}
}

func TestBIP322_FullErrorVectors(t *testing.T) {
	ran := 0
	for _, v := range readBIP322(t).Errors {
		_, err := verifyOne(MethodFull, mainnet+":"+v.Address, v.Message, v.Signature)
		switch {
		case !strings.HasPrefix(v.Signature, "ful"):
			wantFormat(t, err, "signature", "not a full signature")
		case v.Description == "incorrect prefix type": // a witness behind the wrong prefix
			wantFormat(t, err, "signature", "ends inside")
			ran++
		default:
			wantCheck(t, err, "signature", "not this account's signature of this text")
			ran++
		}
	}
	if ran != 21 {
		t.Errorf("%d error vectors are full signatures, want 21", ran)
	}
}

// fullLegacy signs a P2PKH to_sign after an edit.
func (s signer) fullLegacy(t testing.TB, hashType txscript.SigHashType, edit func(tx *wire.MsgTx)) (account string, tx *wire.MsgTx) {
	t.Helper()
	pk := append(append([]byte{0x76, 0xa9, 0x14}, address.Hash160(s.pub())...), 0x88, 0xac)
	tx, _ = s.transactions(pk)
	edit(tx)
	sig, err := txscript.SignatureScript(tx, 0, pk, hashType, s.key, true)
	if err != nil {
		t.Fatal(err)
	}
	tx.TxIn[0].SignatureScript = sig
	return mainnetAccount(t, pk), tx
}

func TestB13_FullTransaction(t *testing.T) {
	s := newSigner(testChallenge)
	const later, open = "becomes valid only later", "inconclusive: today's rules do not decide it"
	for _, tt := range []struct {
		name string
		edit func(tx *wire.MsgTx)
		want string
	}{
		{"as it is", func(*wire.MsgTx) {}, ""},
		{"version 2", func(tx *wire.MsgTx) { tx.Version = 2 }, ""},
		{"version 1", func(tx *wire.MsgTx) { tx.Version = 1 }, open},
		{"version 3", func(tx *wire.MsgTx) { tx.Version = 3 }, open},
		{"version below 0", func(tx *wire.MsgTx) { tx.Version = -1 }, open},
		{"lock time", func(tx *wire.MsgTx) { tx.LockTime = 900_000 }, later},
		{"lock time in the past", func(tx *wire.MsgTx) { tx.LockTime = 1 }, later},
		{"sequence", func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = 144 }, later},
		{"sequence final", func(tx *wire.MsgTx) { tx.TxIn[0].Sequence = wire.MaxTxInSequenceNum }, later},
		{"input added", func(tx *wire.MsgTx) { tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 7}}) }, "2 inputs, want 1"},
		{"output added", func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN})) }, "2 outputs, want 1"},
		{"no output", func(tx *wire.MsgTx) { tx.TxOut = nil }, "0 outputs, want 1"},
		{"value", func(tx *wire.MsgTx) { tx.TxOut[0].Value = 1 }, "not of value 0"},
		{"value in the upper half", func(tx *wire.MsgTx) { tx.TxOut[0].Value = 1 << 32 }, "not of value 0"},
		{"output script", func(tx *wire.MsgTx) { tx.TxOut[0].PkScript = []byte{txscript.OP_RETURN, txscript.OP_0} }, "not of value 0 and script"},
		{"outpoint", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Hash[0] ^= 1 }, "and to_spend of this text is"},
		{"outpoint index", func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Index = 1 }, "and to_spend of this text is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			account, tx := s.fullLegacy(t, txscript.SigHashAll, tt.edit)
			wantGrade(t, MethodFull, account, ful(t, tx), tt.want, GradeScript)
		})
	}
	for _, hashType := range []txscript.SigHashType{txscript.SigHashNone, txscript.SigHashSingle, txscript.SigHashAll | txscript.SigHashAnyOneCanPay} {
		account, tx := s.fullLegacy(t, hashType, func(*wire.MsgTx) {})
		wantGrade(t, MethodFull, account, ful(t, tx), fmt.Sprintf("hash type 0x%02x, not ALL", uint8(hashType)), "")
	}
	account, tx := s.fullLegacy(t, txscript.SigHashAll, func(*wire.MsgTx) {})
	good := tx.TxIn[0].SignatureScript
	for what, script := range map[string][]byte{
		"must contain exactly one item": append([]byte{txscript.OP_1}, good...),
		"not push only":                 append([]byte{txscript.OP_NOP}, good...),
		"index 0 is invalid":            nil,
	} {
		tx.TxIn[0].SignatureScript = script
		wantGrade(t, MethodFull, account, ful(t, tx), what, "")
	}
	tx.TxIn[0].SignatureScript, tx.TxIn[0].Witness = good, wire.TxWitness{{1}}
	wantGrade(t, MethodFull, account, ful(t, tx), "cannot have a witness", "")
}

// wantGrade: want is empty when the signature must verify over testChallenge.
func wantGrade(t testing.TB, method, account, signature, want, grade string) {
	t.Helper()
	got, err := verifyOne(method, account, testChallenge, signature)
	if want != "" {
		wantCheck(t, err, "signature", want)
	} else if err != nil || got != grade {
		t.Errorf("got %q, %v; want %q", got, err, grade)
	}
}

// Every rule of a witness holds for a full signature as for a simple one, bare or inside P2SH.
func TestB13_FullWitness(t *testing.T) {
	s := newSigner(testChallenge)
	for _, rule := range append(witnessV0Rules(t, s), taprootRules(t, s)...) {
		t.Run(rule.name, func(t *testing.T) {
			_, tx := simpleTransactions(rule.pkScript, testChallenge, rule.witness)
			wantGrade(t, MethodFull, mainnetAccount(t, rule.pkScript), ful(t, tx), rule.want, GradeScript)
		})
	}
}

func p2shScript(redeem []byte) []byte {
	return append(append([]byte{0xa9, 0x14}, address.Hash160(redeem)...), 0x87)
}

func TestB13_FullP2SH(t *testing.T) {
	s := newSigner(testChallenge)
	checkSig := func(b *txscript.ScriptBuilder) { b.AddData(s.pub()).AddOp(txscript.OP_CHECKSIG) }
	for _, tt := range []struct {
		name     string
		hashType txscript.SigHashType
		build    func(b *txscript.ScriptBuilder)
		items    func(sig []byte) [][]byte
		want     string // empty when it must verify
		nested   string // where the engine says it in other words inside a witness
	}{
		{"one key", txscript.SigHashAll, checkSig, func(sig []byte) [][]byte { return [][]byte{sig} }, "", ""},
		{"hash type none", txscript.SigHashNone, checkSig, func(sig []byte) [][]byte { return [][]byte{sig} }, "hash type 0x02", ""},
		{"high s", txscript.SigHashAll, checkSig, func(sig []byte) [][]byte { return [][]byte{highDER(t, sig)} }, "unnecessarily high S", ""},
		{"multisig", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
			b.AddInt64(1).AddData(s.pub()).AddData(bytes.Repeat([]byte{2}, 33)).AddInt64(2).AddOp(txscript.OP_CHECKMULTISIG)
		}, func(sig []byte) [][]byte { return [][]byte{nil, sig} }, "", ""},
		{"multisig with a dummy", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
			b.AddInt64(1).AddData(s.pub()).AddInt64(1).AddOp(txscript.OP_CHECKMULTISIG)
		}, func(sig []byte) [][]byte { return [][]byte{{1}, sig} }, "instead of 0", ""},
		{"unclean stack", txscript.SigHashAll, checkSig, func(sig []byte) [][]byte { return [][]byte{{7}, sig} }, "exactly one item", "clean stack"},
		{"codeseparator", txscript.SigHashAll, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_CODESEPARATOR); checkSig(b) }, func(sig []byte) [][]byte { return [][]byte{sig} }, "OP_CODESEPARATOR", ""},
		{"codeseparator not reached", txscript.SigHashAll, func(b *txscript.ScriptBuilder) {
			b.AddOp(txscript.OP_0).AddOp(txscript.OP_IF).AddOp(txscript.OP_CODESEPARATOR).AddOp(txscript.OP_ENDIF)
			checkSig(b)
		}, func(sig []byte) [][]byte { return [][]byte{sig} }, "OP_CODESEPARATOR", ""},
		{"upgradable nop", txscript.SigHashAll, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_NOP10); checkSig(b) }, func(sig []byte) [][]byte { return [][]byte{sig} }, "inconclusive", ""},
		{"anyone", txscript.SigHashAll, func(b *txscript.ScriptBuilder) { b.AddOp(txscript.OP_1) }, func([]byte) [][]byte { return nil }, "no signature is checked", ""},
		{"signature not taken", txscript.SigHashAll, func(b *txscript.ScriptBuilder) { checkSig(b); b.AddOp(txscript.OP_NOT) }, func([]byte) [][]byte { return [][]byte{nil} }, "no signature is checked", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner := scriptOf(t, tt.build)
			pk := p2shScript(inner)
			tx, _ := s.transactions(pk)
			sig, err := txscript.RawTxInSignature(tx, 0, inner, tt.hashType, s.key)
			if err != nil {
				t.Fatal(err)
			}
			tx.TxIn[0].SignatureScript = scriptOf(t, func(b *txscript.ScriptBuilder) {
				for _, item := range append(tt.items(sig), inner) {
					b.AddData(item)
				}
			})
			wantGrade(t, MethodFull, mainnetAccount(t, pk), ful(t, tx), tt.want, GradeScript)

			program := wshScript(inner)
			pk = p2shScript(program)
			account := mainnetAccount(t, pk)
			sig = s.ecdsa(t, pk, inner, tt.hashType)
			_, tx = simpleTransactions(pk, testChallenge, append(tt.items(sig), inner))
			tx.TxIn[0].SignatureScript = append([]byte{byte(len(program))}, program...)
			wantGrade(t, MethodFull, account, ful(t, tx), cmp.Or(tt.nested, tt.want), GradeScript)
		})
	}
	for _, tt := range []struct {
		name   string
		redeem []byte
		want   string
	}{
		{"taproot inside", append([]byte{txscript.OP_1, txscript.OP_DATA_32}, s.xOnly()...), "inconclusive"},
		{"a later witness version", append([]byte{txscript.OP_2, txscript.OP_DATA_32}, s.xOnly()...), "inconclusive"},
		{"no witness for P2WPKH", append([]byte{0x00, 0x14}, address.Hash160(s.pub())...), "empty witness"},
		{"no witness for P2WSH", wshScript([]byte{txscript.OP_1}), "empty witness"},
	} {
		pk := p2shScript(tt.redeem)
		tx, _ := s.transactions(pk)
		tx.TxIn[0].SignatureScript = append([]byte{byte(len(tt.redeem))}, tt.redeem...)
		wantGrade(t, MethodFull, mainnetAccount(t, pk), ful(t, tx), tt.want, "")
	}
}

// A lock that the script wants can only be met by a signature for later.
func TestB13_FullLock(t *testing.T) {
	s := newSigner(testChallenge)
	for _, op := range []byte{txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_CHECKSEQUENCEVERIFY} {
		script := scriptOf(t, func(b *txscript.ScriptBuilder) {
			b.AddInt64(500).AddOp(op).AddOp(txscript.OP_DROP).AddData(s.pub()).AddOp(txscript.OP_CHECKSIG)
		})
		pk := wshScript(script)
		for _, tt := range []struct {
			lock uint32
			want string
		}{
			{0, "requirement not satisfied"}, {499, "requirement not satisfied"}, {500, "becomes valid only later"}, {600, "becomes valid only later"},
		} {
			tx, _ := s.transactions(pk)
			tx.Version = 2
			if op == txscript.OP_CHECKLOCKTIMEVERIFY {
				tx.LockTime = tt.lock
			} else {
				tx.TxIn[0].Sequence = tt.lock
			}
			hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(pk, 0))
			sig, err := txscript.RawTxInWitnessSignature(tx, hashes, 0, 0, script, txscript.SigHashAll, s.key)
			if err != nil {
				t.Fatal(err)
			}
			tx.TxIn[0].Witness = wire.TxWitness{sig, script}
			wantGrade(t, MethodFull, mainnetAccount(t, pk), ful(t, tx), tt.want, "")
		}
	}
}

func TestE07_FullEncoding(t *testing.T) {
	s := newSigner(testChallenge)
	account, tx := s.fullLegacy(t, txscript.SigHashAll, func(*wire.MsgTx) {})
	good := ful(t, tx)
	raw, err := base64.StdEncoding.DecodeString(good[3:])
	if err != nil {
		t.Fatal(err)
	}
	again := func(parts ...[]byte) string {
		return "ful" + base64.StdEncoding.EncodeToString(bytes.Join(parts, nil))
	}
	version, middle, lock := raw[:4], raw[4:len(raw)-4], raw[len(raw)-4:]
	for _, tt := range []struct{ name, signature, problem string }{
		{"empty", "", "not a full signature"},
		{"no prefix", good[3:], "not a full signature"},
		{"simple", "smp" + good[3:], "not a full signature"},
		{"proof of funds", "pof" + good[3:], `not a full signature: begins "pof"`},
		{"nothing", "ful", "ends inside the version"},
		{"trailing byte", again(raw, []byte{0}), "1 bytes follow the transaction"},
		{"cut short", again(raw[:len(raw)-1]), "ends inside the lock time"},
		{"no inputs", again(version, []byte{0, 2}, middle, lock), "without inputs"},
		{"marker without a witness", again(version, []byte{0, 1}, middle, []byte{0}, lock), "a witness marker, and no witness"},
		{"long count", again(version, []byte{0xfd, 1, 0}, middle[1:], lock), "not in its shortest form"},
		{"inputs that are not there", again(version, []byte{0xfe, 0xff, 0xff, 0xff, 0xff}, middle[1:], lock), "ends inside"},
		{"line break", good[:20] + "\n" + good[20:], "line breaks"},
		{"trailing bits", "fulAB==", "not base64"},
		{"too large", "ful" + strings.Repeat("A", 4*maxWitness/3+8), "more than 400000 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyOne(MethodFull, account, testChallenge, tt.signature)
			wantFormat(t, err, "signature", tt.problem)
		})
	}
	_, err = verifyOne(MethodFull, "eip155:1:0x00", testChallenge, good)
	wantFormat(t, err, "account", "is not a network")
}
