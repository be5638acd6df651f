package main

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
)

// provenReserves is a finalised PSBT of BIP-127 over a text, as its bytes, and the account of its one further input.
func provenReserves(t *testing.T, text string) ([]byte, chains.Account) {
	t.Helper()
	key, public := btcec.PrivKeyFromBytes([]byte("another key for tests, 32 bytes."))
	a, err := address.NewAddressPubKeyHash(address.Hash160(public.SerializeCompressed()), &chaincfg.MainNetParams)
	if err != nil {
		t.Fatal(err)
	}
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		t.Fatal(err)
	}
	tx := wire.NewMsgTx(1)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: sha256.Sum256([]byte("Proof-of-Reserves: " + text))}})
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 5}})
	tx.AddTxOut(wire.NewTxOut(1000, script))
	packet, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	packet.Inputs[0].WitnessUtxo, packet.Inputs[0].FinalScriptSig = wire.NewTxOut(0, []byte{txscript.OP_TRUE}), []byte{}
	packet.Inputs[1].WitnessUtxo = wire.NewTxOut(1000, script)
	if packet.Inputs[1].FinalScriptSig, err = txscript.SignatureScript(tx, 1, script, txscript.SigHashAll, key, true); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := packet.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), chains.Account(bip127Chain + ":" + a.EncodeAddress())
}

// TestB01_ReservesOverAnotherText: a proof of reserves over a text of its own is static, and kept for our own accounts only.
func TestB01_ReservesOverAnotherText(t *testing.T) {
	const text = "reserves of 2026"
	raw, account := provenReserves(t, text)
	file := filepath.Join(t.TempDir(), "reserves.psbt")
	save(t, string(raw), file)
	one, err := readBIP127(file, bip127Chain, text)
	if err != nil || one.Grade != chains.Static || one.Method != control.BIP127 || len(one.Accounts) != 1 || one.Accounts[0] != account {
		t.Fatalf("got %+v, %v", one, err)
	}
	for name, c := range map[string]struct {
		chain, text string
		code        int
	}{
		"no text": {bip127Chain, "", exitUsage}, "another text": {bip127Chain, text + ".", exitRefused}, "no chain": {"bitcoin", text, exitUsage},
		"another chain": {"eip155:1", text, exitUnreadable}, "a challenge": {bip127Chain, "Assay proof of control v1", exitRefused},
	} {
		if got, err := readBIP127(file, c.chain, c.text); err == nil || exitCode(err) != c.code {
			t.Errorf("%s: got %+v, %v, exit %d, want %d", name, got, err, exitCode(err), c.code)
		}
	}
	if _, err := readBIP127(file+"x", bip127Chain, text); exitCode(err) != exitUnreadable {
		t.Errorf("no file: %v", err)
	}
	keep := func(s *stages) error {
		_, err := printed(func(cmd *cobra.Command) error { return s.keepBIP127(cmd, one) })
		return err
	}
	if err := keep(pinnedRun(t, genesisAccount)); err == nil || !strings.Contains(err.Error(), "is in no [[wallet]]") {
		t.Errorf("of a stranger: %v", err)
	}
	s := pinnedRun(t, genesisAccount, account)
	if err := keep(s); err != nil {
		t.Fatal(err)
	}
	if have := keptNow(t, s); len(have) != 1 || have[account].Message != text || have[account].Signature != one.Signature {
		t.Errorf("kept %+v", have)
	}
	if err := keep(s); err == nil || !strings.Contains(err.Error(), "signed already, by bip127 of control grade static") {
		t.Errorf("a second time: %v", err)
	}
	// Over the run's own challenge it is what any signature is, and takes the static one's place.
	dir := t.TempDir()
	name := filepath.Join(dir, strings.ReplaceAll(string(account), ":", "-"))
	bound, _ := provenReserves(t, texts(t, s, handing{out: dir})[name+".txt"])
	save(t, string(bound), name+".sig")
	if signed, missing, err := s.importSignatures(dir); err != nil || signed != 1 || missing != 1 {
		t.Fatalf("%d signed, %d missing, %v", signed, missing, err)
	}
	if have := keptNow(t, s); have[account].Grade != chains.Script || have[account].Message != "" {
		t.Errorf("kept %+v", have[account])
	}
	if _, err := os.Stat(name + ".sig"); err != nil {
		t.Error(err)
	}
}
