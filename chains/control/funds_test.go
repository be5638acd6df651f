package control

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// A keyed wallet signs for itself.
type keyed struct {
	wallet
	key *btcec.PrivateKey
}

// fundedWallets are wallets of the three kinds of script that are signed
// differently, ascending by account.
func fundedWallets(t *testing.T) []keyed {
	t.Helper()
	params := &chaincfg.MainNetParams
	hash := func(n byte) []byte { return address.Hash160(numberedKey(n).PubKey().SerializeCompressed()) }
	legacy, err := address.NewAddressPubKeyHash(hash(1), params)
	all := []keyed{{walletOf(t, legacy, err), numberedKey(1)}}
	segwit, err := address.NewAddressWitnessPubKeyHash(hash(2), params)
	all = append(all, keyed{walletOf(t, segwit, err), numberedKey(2)})
	taproot, err := address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(numberedKey(3).PubKey())), params)
	all = append(all, keyed{walletOf(t, taproot, err), numberedKey(3)})
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(string(a.account), string(b.account)) })
	return all
}

func accountsOf(all []keyed) []chains.Account {
	accounts := make([]chains.Account, len(all))
	for i, w := range all {
		accounts[i] = w.account
	}
	return accounts
}

// A draft is a proof of funds before it is signed; the wallet of an input that
// nobody signs is nil.
type fundsDraft struct {
	tx      *wire.MsgTx
	outputs []*wire.TxOut
	by      []*keyed
}

// proofDraft is BIP-322's for the first wallet, with an output of 1000 for
// each further one.
func proofDraft(text string, all []keyed) *fundsDraft {
	d := &fundsDraft{tx: virtualSpend(all[0].script, text), outputs: []*wire.TxOut{wire.NewTxOut(0, all[0].script)}, by: []*keyed{&all[0]}}
	d.add(all[1:])
	return d
}

// reservesDraft is BIP-127's.
func reservesDraft(text string, all []keyed) *fundsDraft {
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: commitment(text)}, Sequence: wire.MaxTxInSequenceNum})
	tx.AddTxOut(wire.NewTxOut(3000, []byte{txscript.OP_TRUE}))
	d := &fundsDraft{tx: tx, outputs: []*wire.TxOut{wire.NewTxOut(0, []byte{txscript.OP_TRUE})}, by: []*keyed{nil}}
	d.add(all)
	return d
}

func (d *fundsDraft) add(all []keyed) {
	for i := range all {
		d.tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: chainhash.HashH([]byte{byte(len(d.by))}), Index: 3}})
		d.outputs = append(d.outputs, wire.NewTxOut(1000, all[i].script))
		d.by = append(d.by, &all[i])
	}
}

// sign makes the PSBT, finalised.
func (d *fundsDraft) sign(t *testing.T) *psbt.Packet {
	t.Helper()
	packet, err := psbt.NewFromUnsignedTx(d.tx)
	if err != nil {
		t.Fatal(err)
	}
	s := spend{tx: d.tx, spent: d.outputs}
	_, hashes := s.hashes()
	for i, w := range d.by {
		in := &packet.Inputs[i]
		in.WitnessUtxo = d.outputs[i]
		if w == nil {
			in.FinalScriptSig = []byte{}
			continue
		}
		var witness wire.TxWitness
		switch {
		case txscript.IsPayToTaproot(w.script):
			witness, err = txscript.TaprootWitnessSignature(d.tx, hashes, i, d.outputs[i].Value, w.script, txscript.SigHashDefault, w.key)
		case txscript.IsPayToWitnessPubKeyHash(w.script):
			witness, err = txscript.WitnessSignature(d.tx, hashes, i, d.outputs[i].Value, w.script, txscript.SigHashAll, w.key, true)
		default:
			in.FinalScriptSig, err = txscript.SignatureScript(d.tx, i, w.script, txscript.SigHashAll, w.key, true)
		}
		if err != nil {
			t.Fatal(err)
		}
		if witness != nil {
			var b bytes.Buffer
			if err := encodeWitness(&b, witness); err != nil {
				t.Fatal(err)
			}
			in.FinalScriptWitness = b.Bytes()
		}
	}
	return packet
}

func packed(t *testing.T, prefix string, packet *psbt.Packet) string {
	t.Helper()
	text, err := packet.B64Encode()
	if err != nil {
		t.Fatal(err)
	}
	return prefix + text
}

// TestB13_ProofsOfFunds breaks one thing at a time, in both methods.
func TestB13_ProofsOfFunds(t *testing.T) {
	all := fundedWallets(t)
	accounts := accountsOf(all)
	text := demoChallenge(accounts...).Text()
	stranger := keyed{all[0].wallet, numberedKey(9)}
	cases := map[string]struct {
		draft  func(d *fundsDraft)
		packet func(p *psbt.Packet)
		says   string // empty: accepted
	}{
		"as it is":          {nil, nil, ""},
		"an account twice":  {func(d *fundsDraft) { d.add(all[1:2]) }, nil, ""},
		"one account less":  {func(d *fundsDraft) { d.cut(len(d.by) - 1) }, nil, "no input of its PSBT spends the script of"},
		"a stranger's":      {func(d *fundsDraft) { d.add([]keyed{{legacyWallet(t, numberedKey(9)), numberedKey(9)}}) }, nil, "which is of none of the accounts"},
		"signed by another": {func(d *fundsDraft) { d.by[len(d.by)-1] = &keyed{d.by[len(d.by)-1].wallet, stranger.key} }, nil, "not this account's"},
		"an outpoint twice": {func(d *fundsDraft) {
			d.add(all[2:])
			d.tx.TxIn[len(d.by)-1].PreviousOutPoint = d.tx.TxIn[1].PreviousOutPoint
		}, nil, "spend one output"},
		"another text":       {func(d *fundsDraft) { d.tx.TxIn[0].PreviousOutPoint.Hash[5] ^= 1 }, nil, "text"},
		"another index":      {func(d *fundsDraft) { d.tx.TxIn[0].PreviousOutPoint.Index = 1 }, nil, "text"},
		"another output":     {func(d *fundsDraft) { d.tx.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN})) }, nil, "output"},
		"not finalised":      {nil, func(p *psbt.Packet) { p.Inputs[2].FinalScriptSig, p.Inputs[2].FinalScriptWitness = nil, nil }, "is not finalised"},
		"no UTXO":            {nil, func(p *psbt.Packet) { p.Inputs[1].WitnessUtxo = nil }, "does not bring the output"},
		"another UTXO":       {nil, func(p *psbt.Packet) { p.Inputs[1].WitnessUtxo = wire.NewTxOut(7, []byte{txscript.OP_TRUE}) }, "which is of none of the accounts"},
		"a false whole UTXO": {nil, func(p *psbt.Packet) { p.Inputs[1].NonWitnessUtxo = virtualSpend(nil, "") }, "brings the transaction"},
		"a witness cut off":  {nil, func(p *psbt.Packet) { p.Inputs[2].FinalScriptWitness = []byte{2, 1, 1} }, "cut off"},
		"unknown global":     {nil, func(p *psbt.Packet) { p.Unknowns = []*psbt.Unknown{{Key: []byte{0x0a}, Value: []byte{1}}} }, "the global map has a field 0x0a"},
		"unknown in input":   {nil, func(p *psbt.Packet) { p.Inputs[0].Unknowns = []*psbt.Unknown{{Key: []byte{0x1f}, Value: []byte{1}}} }, "field 0x1f"},
		"unknown in output":  {nil, func(p *psbt.Packet) { p.Outputs[0].Unknowns = []*psbt.Unknown{{Key: []byte{0x1f}, Value: []byte{1}}} }, "field 0x1f"},
		"version 2":          {nil, func(p *psbt.Packet) { p.Unknowns = []*psbt.Unknown{{Key: []byte{0xfb}, Value: []byte{2, 0, 0, 0}}} }, "another version"},
		"what is known": {nil, func(p *psbt.Packet) {
			p.Unknowns = []*psbt.Unknown{{Key: []byte{0xfb}, Value: make([]byte, 4)}, {Key: []byte{0xfc, 1}, Value: []byte{1}}}
			p.Inputs[1].RedeemScript = []byte{1}
		}, ""},
	}
	for _, m := range []struct {
		method, prefix string
		draft          func(string, []keyed) *fundsDraft
	}{{BIP322Proof, fundsPrefix, proofDraft}, {BIP127, "", reservesDraft}} {
		good := packed(t, m.prefix, m.draft(text, all).sign(t))
		for name, c := range cases {
			d := m.draft(text, all)
			if c.draft != nil {
				c.draft(d)
			}
			packet := d.sign(t)
			if c.packet != nil {
				c.packet(packet)
			}
			given := packed(t, m.prefix, packet)
			got, err := Verify(accounts, text, given, Facts{})
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s, %s: got %+v, %v, want an error about %q", m.method, name, got, err, c.says)
				}
				continue
			}
			if err != nil || got.Method != m.method || got.Grade != chains.Script || name != "an account twice" && got.Signature != good {
				t.Errorf("%s, %s: got %+v, %v", m.method, name, got, err)
			}
			if again, err := Verify(accounts, text, got.Signature, Facts{}); err != nil || again.Signature != got.Signature {
				t.Errorf("%s, %s: became %+v, %v", m.method, name, again, err)
			}
		}
		raw, err := base64.StdEncoding.DecodeString(good[len(m.prefix):])
		if err != nil {
			t.Fatal(err)
		}
		for name, bad := range map[string][]byte{"a byte more": append(bytes.Clone(raw), 0), "a byte less": raw[:len(raw)-1], "the magic alone": raw[:5], "too long": append(bytes.Clone(raw), make([]byte, maxPSBT)...)} {
			if got, err := Verify(accounts, text, m.prefix+base64.StdEncoding.EncodeToString(bad), Facts{}); err == nil {
				t.Errorf("%s, %s: taken as %+v", m.method, name, got)
			}
		}
		for name, other := range map[string][]chains.Account{"one more": append(slices.Clone(accounts), safeAccount), "one less": accounts[:2]} {
			slices.Sort(other)
			if got, err := Verify(other, demoChallenge(other...).Text(), good, Facts{}); err == nil {
				t.Errorf("%s, %s: taken as %+v", m.method, name, got)
			}
		}
	}
}

func (d *fundsDraft) cut(n int) {
	d.tx.TxIn, d.outputs, d.by = d.tx.TxIn[:n], d.outputs[:n], d.by[:n]
}

// TestB13_NoSignatureInProof: an account that anyone can move is controlled by
// nobody, beside others too.
func TestB13_NoSignatureInProof(t *testing.T) {
	open := []byte{txscript.OP_TRUE}
	a, err := address.NewAddressWitnessScriptHash(chainhash.HashB(open), &chaincfg.MainNetParams)
	all := append(fundedWallets(t), keyed{walletOf(t, a, err), nil})
	slices.SortFunc(all, func(a, b keyed) int { return strings.Compare(string(a.account), string(b.account)) })
	accounts := accountsOf(all)
	text := demoChallenge(accounts...).Text()
	for prefix, d := range map[string]*fundsDraft{fundsPrefix: proofDraft(text, all), "": reservesDraft(text, all)} {
		at := slices.IndexFunc(d.by, func(w *keyed) bool { return w != nil && w.key == nil })
		d.by[at] = nil
		packet := d.sign(t)
		packet.Inputs[at].FinalScriptSig, packet.Inputs[at].FinalScriptWitness = nil, []byte{1, 1, txscript.OP_TRUE}
		if got, err := Verify(accounts, text, packed(t, prefix, packet), Facts{}); err == nil || !strings.Contains(err.Error(), "no signature is checked") {
			t.Errorf("prefix %q: got %+v, %v", prefix, got, err)
		}
	}
}

// TestB13_ProofOfFundsOnly: what BIP-322 asks of its own transaction and
// BIP-127 does not.
func TestB13_ProofOfFundsOnly(t *testing.T) {
	all := fundedWallets(t)
	accounts := accountsOf(all)
	text := demoChallenge(accounts...).Text()
	for name, c := range map[string]struct {
		draft  func(d *fundsDraft)
		packet func(p *psbt.Packet)
		says   string
	}{
		"version 1":          {func(d *fundsDraft) { d.tx.Version = 1 }, nil, "inconclusive: its transaction has version 1"},
		"a lock time":        {func(d *fundsDraft) { d.tx.LockTime = 9 }, nil, "valid only at time 9 and age 0"},
		"an age":             {func(d *fundsDraft) { d.tx.TxIn[0].Sequence = 4 }, nil, "valid only at time 0 and age 4"},
		"an age of others":   {func(d *fundsDraft) { d.tx.TxIn[1].Sequence = 4 }, nil, ""},
		"a value":            {func(d *fundsDraft) { d.tx.TxOut[0].Value = 1 }, nil, "one output, of value 0"},
		"the text":           {nil, func(p *psbt.Packet) { p.Unknowns = []*psbt.Unknown{{Key: []byte{0x09}, Value: []byte(text)}} }, ""},
		"another text in it": {nil, func(p *psbt.Packet) { p.Unknowns = []*psbt.Unknown{{Key: []byte{0x09}, Value: []byte(text + " ")}} }, "another text"},
		"another first":      {func(d *fundsDraft) { d.outputs[0] = wire.NewTxOut(0, all[1].script) }, nil, "first input does not spend the script of"},
	} {
		d := proofDraft(text, all)
		if c.draft != nil {
			c.draft(d)
		}
		packet := d.sign(t)
		if c.packet != nil {
			c.packet(packet)
		}
		got, err := Verify(accounts, text, packed(t, fundsPrefix, packet), Facts{})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %+v, %v, want %q", name, got, err, c.says)
		}
	}
	// BIP-127's transaction may be of any version and locked; its text is in
	// no field.
	d := reservesDraft(text, all)
	d.tx.Version, d.tx.LockTime, d.tx.TxIn[1].Sequence = 2, 500, 7
	if _, err := Verify(accounts, text, packed(t, "", d.sign(t)), Facts{}); err != nil {
		t.Errorf("BIP-127 of another version: %v", err)
	}
	packet := reservesDraft(text, all).sign(t)
	packet.Unknowns = []*psbt.Unknown{{Key: []byte{0x09}, Value: []byte(text)}}
	if got, err := Verify(accounts, text, packed(t, "", packet), Facts{}); err == nil {
		t.Errorf("BIP-127 with BIP-322's field: taken as %+v", got)
	}
	// One account alone: no further input.
	one := demoChallenge(accounts[0]).Text()
	if got, err := Verify(accounts[:1], one, packed(t, fundsPrefix, proofDraft(one, all[:1]).sign(t)), Facts{}); err != nil || got.Method != BIP322Proof {
		t.Errorf("one account: got %+v, %v", got, err)
	}
	// The first account may be any, the others ascend.
	turned := []keyed{all[2], all[0], all[1]}
	of := demoChallenge(accountsOf(turned)...).Text()
	if got, err := Verify(accountsOf(turned), of, packed(t, fundsPrefix, proofDraft(of, turned).sign(t)), Facts{}); err != nil || got.Method != BIP322Proof {
		t.Errorf("another first account: got %+v, %v", got, err)
	}
	turned = []keyed{all[0], all[2], all[1]}
	of = demoChallenge(accountsOf(turned)...).Text()
	if got, err := Verify(accountsOf(turned), of, packed(t, fundsPrefix, proofDraft(of, turned).sign(t)), Facts{}); err == nil {
		t.Errorf("accounts that do not ascend: taken as %+v", got)
	}
}

// TestB13_WholeUTXO: an input may bring the whole transaction that it spends
// from, and a later input of the same one may leave it out.
func TestB13_WholeUTXO(t *testing.T) {
	all := fundedWallets(t)
	i := slices.IndexFunc(all, func(w keyed) bool { return txscript.IsPayToPubKeyHash(w.script) })
	w := all[i : i+1]
	text := demoChallenge(w[0].account).Text()
	from := wire.NewMsgTx(1)
	from.AddTxIn(&wire.TxIn{})
	from.AddTxOut(wire.NewTxOut(5, w[0].script))
	from.AddTxOut(wire.NewTxOut(6, w[0].script))
	d := reservesDraft(text, []keyed{w[0], w[0]})
	for n := range uint32(2) {
		d.tx.TxIn[n+1].PreviousOutPoint = wire.OutPoint{Hash: from.TxHash(), Index: n}
		d.outputs[n+1] = from.TxOut[n]
	}
	packet := d.sign(t)
	packet.Inputs[1].NonWitnessUtxo, packet.Inputs[1].WitnessUtxo, packet.Inputs[2].WitnessUtxo = from, nil, nil
	if got, err := Verify(accountsOf(w), text, packed(t, "", packet), Facts{}); err != nil || got.Method != BIP127 {
		t.Errorf("got %+v, %v", got, err)
	}
	packet.Inputs[2].WitnessUtxo = wire.NewTxOut(7, w[0].script)
	if got, err := Verify(accountsOf(w), text, packed(t, "", packet), Facts{}); err == nil {
		t.Errorf("two outputs for one: taken as %+v", got)
	}
	packet.Inputs[2].WitnessUtxo = nil
	packet.Inputs[1].NonWitnessUtxo, packet.Inputs[2].NonWitnessUtxo = nil, from
	packet.Inputs[1].WitnessUtxo = from.TxOut[0]
	if _, err := Verify(accountsOf(w), text, packed(t, "", packet), Facts{}); err != nil {
		t.Errorf("with a later one: %v", err)
	}
	d.tx.TxIn[2].PreviousOutPoint.Index = 2
	packet.UnsignedTx = d.tx
	if got, err := Verify(accountsOf(w), text, packed(t, "", packet), Facts{}); err == nil || !strings.Contains(err.Error(), "spends output 2 of a transaction with 2") {
		t.Errorf("an output that is not there: got %+v, %v", got, err)
	}
}

func TestProofAccounts(t *testing.T) {
	all := fundedWallets(t)
	given := packed(t, "", reservesDraft("any text", append(slices.Clone(all), all[0])).sign(t))
	raw, err := base64.StdEncoding.DecodeString(given)
	if err != nil {
		t.Fatal(err)
	}
	if got := PSBTText(raw); got != given || PSBTText([]byte(given+"\n")) != given {
		t.Errorf("the bytes are read as %s", got)
	}
	got, err := ProofAccounts(mainnet, given)
	if err != nil || !slices.Equal(got, accountsOf(all)) {
		t.Errorf("got %v, %v, want %v", got, err, accountsOf(all))
	}
	if s, err := Verify(got, "any text", given, Facts{}); err != nil || s.Method != BIP127 || s.Grade != chains.Static {
		t.Errorf("got %+v, %v", s, err)
	}
	anyone := reservesDraft("any text", all)
	anyone.add([]keyed{{wallet: wallet{script: []byte{txscript.OP_TRUE}}}})
	anyone.by[len(anyone.by)-1] = nil
	for name, c := range map[string]struct {
		chain chains.Chain
		given string
	}{
		"another chain": {"eip155:1", given}, "no PSBT": {mainnet, "cHNidP8="}, "a script without address": {mainnet, packed(t, "", anyone.sign(t))},
	} {
		if got, err := ProofAccounts(c.chain, c.given); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

func FuzzParsePSBT(f *testing.F) {
	v := readVectors(f, "generated-test-vectors.json")
	for _, p := range v.Proofs {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Signatures[0], fundsPrefix))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		packet, err := parsePSBT(base64.StdEncoding.EncodeToString(raw), "", "")
		if err != nil {
			return
		}
		s, err := finalSpend(packet, BIP127)
		if err != nil {
			return
		}
		spelt, err := bare(packet)
		if err != nil {
			return
		}
		again, err := parsePSBT(spelt, "", "")
		if err != nil {
			t.Fatalf("%s is not read again: %v", spelt, err)
		}
		if s2, err := finalSpend(again, BIP127); err != nil || s2.tx.TxHash() != s.tx.TxHash() || len(s2.spent) != len(s.spent) {
			t.Errorf("%s is read as another transaction, %v", spelt, err)
		}
	})
}
