package control

import (
	"bytes"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// A lockedWallet spends one script, as P2WSH or as the one leaf of P2TR.
type lockedWallet struct {
	keyed
	inner   []byte
	taproot bool
}

func newLockedWallet(t *testing.T, inner []byte, taproot bool) lockedWallet {
	t.Helper()
	key, params := numberedKey(8), &chaincfg.MainNetParams
	if !taproot {
		a, err := address.NewAddressWitnessScriptHash(chainhash.HashB(inner), params)
		return lockedWallet{keyed{walletOf(t, a, err), key}, inner, false}
	}
	root := txscript.NewBaseTapLeaf(inner).TapHash()
	a, err := address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootOutputKey(key.PubKey(), root[:])), params)
	return lockedWallet{keyed{walletOf(t, a, err), key}, inner, true}
}

// witness signs the input, with the items that the script takes beside.
func (w lockedWallet) witness(t *testing.T, d *fundsDraft, at int, items wire.TxWitness) []byte {
	t.Helper()
	s := spend{tx: d.tx, spent: d.outputs}
	_, hashes := s.hashes()
	out := d.outputs[at]
	var signed wire.TxWitness
	if w.taproot {
		leaf := txscript.NewBaseTapLeaf(w.inner)
		sig, err := txscript.RawTxInTapscriptSignature(d.tx, hashes, at, out.Value, out.PkScript, leaf, txscript.SigHashDefault, w.key)
		if err != nil {
			t.Fatal(err)
		}
		control := txscript.AssembleTaprootScriptTree(leaf).LeafMerkleProofs[0].ToControlBlock(w.key.PubKey())
		block, err := control.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		signed = append(append(wire.TxWitness{sig}, items...), w.inner, block)
	} else {
		sig, err := txscript.RawTxInWitnessSignature(d.tx, hashes, at, out.Value, w.inner, txscript.SigHashAll, w.key)
		if err != nil {
			t.Fatal(err)
		}
		signed = append(append(wire.TxWitness{sig}, items...), w.inner)
	}
	var b bytes.Buffer
	if err := encodeWitness(&b, signed); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestB13_LocksOfFurtherInputs: a further input that a lock was waited for
// shows who may move the coins then, and fails; what locks nothing does not.
func TestB13_LocksOfFurtherInputs(t *testing.T) {
	const cltv, csv, drop = txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_CHECKSEQUENCEVERIFY, txscript.OP_DROP
	later := func(name string) string {
		return "becomes valid only later, which does not show control now: its script runs OP_CHECK" + name
	}
	num := func(n int64, ops ...byte) func(b *txscript.ScriptBuilder) {
		return func(b *txscript.ScriptBuilder) { b.AddInt64(n).AddOps(ops) }
	}
	branch := func(b *txscript.ScriptBuilder) {
		b.AddOp(txscript.OP_IF)
		num(500, cltv, drop)(b)
		b.AddOp(txscript.OP_ENDIF)
	}
	one, none := wire.TxWitness{{1}}, wire.TxWitness{nil}
	for name, c := range map[string]struct {
		build    func(b *txscript.ScriptBuilder)
		items    wire.TxWitness
		sequence uint32
		says     string // of BIP-127
		bip322   string
	}{
		"a time":             {num(500, cltv, drop), nil, 7, later("LOCKTIMEVERIFY over 500"), "waits for a lock to end"},
		"a time in a branch": {branch, one, 7, later("LOCKTIMEVERIFY over 500"), "waits for a lock to end"},
		"a branch not taken": {branch, none, 7, "", ""},
		"time 0":             {num(0, cltv, drop), nil, 7, "", ""},
		"an age":             {num(7, csv, drop), nil, 7, later("SEQUENCEVERIFY over 7"), later("SEQUENCEVERIFY over 7")},
		"an age less":        {num(1, csv, drop), nil, 7, later("SEQUENCEVERIFY over 1"), later("SEQUENCEVERIFY over 1")},
		"an age too young":   {num(8, csv, drop), nil, 7, "waits for a lock to end", "waits for a lock to end"},
		"age 0":              {num(0, csv, drop), nil, 7, "", ""},
		"no age":             {num(1<<31, csv, drop), nil, 7, "", ""},
		"no age, and more":   {num(1<<31|7, csv, drop), nil, 7, "", ""},
		"bits of no age":     {num(1<<16, csv, drop), nil, 0, later("SEQUENCEVERIFY over 65536"), later("SEQUENCEVERIFY over 65536")},
		"after one over 0": {func(b *txscript.ScriptBuilder) { num(0, cltv, csv, drop)(b); num(7, csv, drop)(b) }, nil, 7,
			later("SEQUENCEVERIFY over 7"), later("SEQUENCEVERIFY over 7")},
		"looked at in a branch not taken": {func(b *txscript.ScriptBuilder) {
			b.AddInt64(500).AddInt64(0).AddOps([]byte{txscript.OP_IF, cltv, csv, txscript.OP_ENDIF})
			num(500, txscript.OP_EQUALVERIFY)(b)
		}, nil, 7, "", ""},
	} {
		for _, taproot := range []bool{false, true} {
			w := newLockedWallet(t, script(t, func(b *txscript.ScriptBuilder) {
				c.build(b)
				b.AddData(pushedKey(numberedKey(8), taproot)).AddOp(txscript.OP_CHECKSIG)
			}), taproot)
			first := fundedWallets(t)[0]
			for prefix, all := range map[string][]keyed{fundsPrefix: {first, w.keyed}, "": {w.keyed}} {
				accounts := accountsOf(all)
				text := demoChallenge(accounts...).Text()
				d, says := reservesDraft(text, all), c.says
				if prefix == fundsPrefix {
					d, says = proofDraft(text, all), c.bip322
				} else {
					d.tx.LockTime = 600
				}
				d.tx.Version, d.tx.TxIn[1].Sequence, d.by[1] = 2, c.sequence, nil
				packet := d.sign(t)
				packet.Inputs[1].FinalScriptSig, packet.Inputs[1].FinalScriptWitness = nil, w.witness(t, d, 1, c.items)
				got, err := Verify(accounts, text, packed(t, prefix, packet), Facts{})
				if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("%s, prefix %q, taproot %t: got %+v, %v, want %q", name, prefix, taproot, got, err, says)
				}
			}
		}
	}
}

func pushedKey(key *btcec.PrivateKey, taproot bool) []byte {
	if taproot {
		return schnorr.SerializePubKey(key.PubKey())
	}
	return key.PubKey().SerializeCompressed()
}
