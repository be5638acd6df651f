package evidence

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/verifier/canon"
)

const commitmentWords = "Proof-of-Reserves: "

// verifyFunds checks a proof of funds of BIP-322 as what it shows: that the scripts of its inputs were satisfied. Whether the outputs that
// it names exist, or are unspent, is not looked at.
func (c *Control) verifyFunds(text string) error {
	raw, err := unwrap(c.Signature, prefixFunds, "proof of funds", maxPSBT)
	if err != nil {
		return notASignature("%s", err)
	}
	p, err := parsePSBT(raw, false)
	if err != nil {
		return notASignature("%s", err)
	}
	script, kind, err := accountScript(c.Accounts[0])
	if err != nil {
		return &canon.FormatError{Field: "account", Problem: err.Error()}
	}
	if p.message != nil && string(p.message) != text {
		return &CheckError{Field: "signature", Problem: "the PSBT names another message", Got: fmt.Sprintf("%.80q", p.message), Want: "the text"}
	}
	if out := p.spent[0]; out.Value != 0 || !bytes.Equal(out.PkScript, script) {
		return &CheckError{Field: "signature", Problem: "what input 0 spends is not to_spend's output", Got: fmt.Sprintf("%d to the script %x", out.Value, out.PkScript), Want: fmt.Sprintf("0 to %x", script)}
	}
	further, err := p.further(c.Accounts[1:], c.Accounts[:1])
	if err != nil {
		return err
	}
	return judge(text, p.tx, append([]coin{{script: script, kind: kind}}, further...)...).check(c.Accounts...)
}

// verifyBIP127 checks the older form, whose first input spends an output of no transaction: its id is a hash of the text.
func (c *Control) verifyBIP127(text string) error {
	raw, err := unwrap(c.Signature, "", "BIP-127", maxPSBT)
	if err != nil {
		return notASignature("%s", err)
	}
	p, err := parsePSBT(raw, true)
	if err != nil {
		return notASignature("%s", err)
	}
	want := wire.OutPoint{Hash: sha256.Sum256([]byte(commitmentWords + text))}
	if got := p.tx.TxIn[0].PreviousOutPoint; got != want {
		return &CheckError{Field: "signature", Problem: "the first input is the commitment of another text", Got: got.String(), Want: want.String()}
	}
	if n := len(p.tx.TxOut); n != 1 {
		return &CheckError{Field: "signature", Problem: "not one output", Got: fmt.Sprint(n), Want: "1"}
	}
	further, err := p.further(c.Accounts, nil)
	if err != nil {
		return err
	}
	var first coin
	if out := p.spent[0]; out != nil { // signatures of taproot cover it
		first = coin{script: out.PkScript, value: out.Value}
	}
	locked, err := satisfied(p.tx, append([]coin{first}, further...), 1)
	if err != nil {
		return unsatisfied(err).check(c.Accounts...)
	}
	return judgement{state: valid, locked: locked}.check()
}

// further are the outputs that the inputs after the first spend. Their scripts are those of the accounts, each of them, or such as may
// be there too.
func (p *finalPSBT) further(accounts, too []string) ([]coin, error) {
	kinds := make(map[string]scriptKind, len(accounts))
	missing := make(map[string]string, len(accounts))
	for i, account := range slices.Concat(accounts, too) {
		script, kind, err := accountScript(account)
		if err != nil {
			return nil, &canon.FormatError{Field: "account", Problem: err.Error()}
		}
		if kinds[string(script)] = kind; i < len(accounts) {
			missing[string(script)] = account
		}
	}
	coins := make([]coin, 0, len(p.spent))
	for i, out := range p.spent[1:] {
		kind, named := kinds[string(out.PkScript)]
		if !named {
			return nil, &CheckError{Field: "signature", Problem: fmt.Sprintf("input %d spends from a script of no account that is named", i+1), Got: fmt.Sprintf("%x", out.PkScript), Want: "a script of the accounts"}
		}
		delete(missing, string(out.PkScript))
		coins = append(coins, coin{script: out.PkScript, kind: kind, value: out.Value})
	}
	if len(missing) > 0 {
		return nil, &CheckError{Field: "signature", Problem: "an account is named, and no input spends from its script", Got: slices.Min(slices.Collect(maps.Values(missing))), Want: "an input for each account"}
	}
	return coins, nil
}
