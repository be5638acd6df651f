// Package descriptor turns what wallets export, output descriptors and extended
// public keys, into the addresses that they stand for.
//
// A descriptor (BIP-380 to BIP-386, BIP-389) says which script, and which keys
// in it:
//
//	wpkh([d34db33f/84h/0h/0h]xpub6C…/<0;1>/*)#cjjspncu
//
// Here the addresses are those of two branches, 0 for receiving and 1 for
// change, each with one address for every index. The checksum behind # is
// required: a descriptor is copied by hand, and a wrong one finds other
// people's coins or none.
//
// Taken are the scripts whose output is an address that a report can hold:
// addr, pkh, wpkh, sh(wpkh), tr with a key alone, and multi or sortedmulti in
// sh, wsh or sh(wsh). Private keys are refused wherever they stand, and no
// error repeats any part of a key.
//
// What a wallet derives is the exchange's word. That it can move the coins of
// an address is shown by that address's own signature, never by this.
package descriptor

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/assay-por/assay/chains"
)

// The scripts that an extended public key given alone may stand for.
const (
	ScriptLegacy  = "pkh"
	ScriptNested  = "sh-wpkh"
	ScriptWitness = "wpkh"
	ScriptTaproot = "tr"
)

// A Descriptor describes the addresses of one wallet on one chain.
type Descriptor struct {
	chain   chains.Chain
	network *network
	text    string // with its checksum

	wrapping  string // names of the functions around what follows, as `sh(wsh`
	fixed     address.Address
	keys      []key
	threshold int  // 0 where there is one key alone
	sorted    bool // keys go into the script in the order of their bytes
}

// Parse reads a descriptor of a chain's network, checksum included.
func Parse(chain chains.Chain, text string) (*Descriptor, error) {
	n := networkOf(chain)
	if n == nil {
		return nil, fmt.Errorf("chain %s has no descriptors here: want a network of Bitcoin or Litecoin", chain)
	}
	// Told first, whatever else is wrong: it is the worse fault.
	if holdsPrivate(text) {
		return nil, errPrivate
	}
	expression, err := cutChecksum(text)
	if err != nil {
		return nil, err
	}
	d := &Descriptor{chain: chain, network: n, text: text}
	if err := d.parse(expression); err != nil {
		return nil, err
	}
	return d, nil
}

// ParseKey reads an extended public key given alone: of an account, whose
// branches 0 and 1 are for receiving and for change. Its kind says the script
// (SLIP-132: ypub, zpub and theirs), or else script does.
func ParseKey(chain chains.Chain, text, script string) (*Descriptor, error) {
	n := networkOf(chain)
	if n == nil {
		return nil, fmt.Errorf("chain %s has no extended keys here: want a network of Bitcoin or Litecoin", chain)
	}
	if isPrivate(text) {
		return nil, errPrivate
	}
	extended, v, err := extendedKey(text)
	if err != nil {
		return nil, err
	}
	switch {
	case v.many:
		return nil, fmt.Errorf("it is a %s, one key of several: give the descriptor of them all, as wsh(sortedmulti(2,xpub…/<0;1>/*,xpub…/<0;1>/*))#…", v.prefix)
	case v.script == "" && script == "":
		return nil, fmt.Errorf("it is a %s, which does not say for which script: say script = %q, %q, %q or %q beside it, or give a descriptor",
			v.prefix, ScriptLegacy, ScriptNested, ScriptWitness, ScriptTaproot)
	case v.script != "" && script != "" && v.script != script:
		return nil, fmt.Errorf("it is a %s, for the script %q, and script is %q", v.prefix, v.script, script)
	case v.script != "":
		script = v.script
	}
	if err := n.takes(v); err != nil {
		return nil, err
	}
	plain, err := extended.CloneWithVersion(n.usual())
	if err != nil {
		return nil, err
	}
	form, ok := map[string]string{ScriptLegacy: "pkh(%s)", ScriptNested: "sh(wpkh(%s))", ScriptWitness: "wpkh(%s)", ScriptTaproot: "tr(%s)"}[script]
	if !ok {
		return nil, fmt.Errorf("script is %q: want %q, %q, %q or %q", script, ScriptLegacy, ScriptNested, ScriptWitness, ScriptTaproot)
	}
	expression := fmt.Sprintf(form, plain.String()+"/<0;1>/*")
	sum, err := Checksum(expression)
	if err != nil {
		return nil, err
	}
	return Parse(chain, expression+"#"+sum)
}

// String returns the descriptor's text with its checksum. It tells every
// address of the wallet: it is not for the public.
func (d *Descriptor) String() string { return d.text }

// Sum returns the checksum, which names the descriptor and tells nothing of it.
func (d *Descriptor) Sum() string { return d.text[len(d.text)-sumLength:] }

// Keys returns the extended keys in it, which are not for the public.
func (d *Descriptor) Keys() []string {
	var texts []string
	for _, k := range d.keys {
		if k.text != "" {
			texts = append(texts, k.text)
		}
	}
	return texts
}

// Branches returns how many descriptors it stands for: more than one where a
// path has a step as <0;1> (BIP-389).
func (d *Descriptor) Branches() int {
	branches := 1
	for _, k := range d.keys {
		branches = max(branches, len(k.from))
	}
	return branches
}

// Ranged reports whether each branch has an address for every index, and not
// one alone.
func (d *Descriptor) Ranged() bool {
	return slices.ContainsFunc(d.keys, func(k key) bool { return k.ranged })
}

// Account returns the account of a branch and index, its address in the one
// spelling of SPEC part 2. Requires 0 <= branch < Branches and index < 2^31.
func (d *Descriptor) Account(branch int, index uint32) (chains.Account, error) {
	a, err := d.address(branch, index)
	if err != nil {
		return "", err
	}
	return chains.Account(string(d.chain) + ":" + a.EncodeAddress()), nil
}

func (d *Descriptor) address(branch int, index uint32) (address.Address, error) {
	if d.fixed != nil {
		return d.fixed, nil
	}
	keys := make([][]byte, len(d.keys))
	for i := range d.keys {
		var err error
		if keys[i], err = d.keys[i].at(branch, index); err != nil {
			return nil, fmt.Errorf("key #%d at index %d: %w", i+1, index, err)
		}
	}
	if d.threshold > 0 {
		return d.ofMany(keys)
	}
	return d.ofOne(keys[0])
}

func (d *Descriptor) ofOne(public []byte) (address.Address, error) {
	params := d.network.params
	hash := address.Hash160(public)
	switch d.wrapping {
	case "pkh":
		return address.NewAddressPubKeyHash(hash, params)
	case "tr":
		internal, err := btcec.ParsePubKey(public)
		if err != nil {
			return nil, err
		}
		return address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(internal)), params)
	}
	witness, err := address.NewAddressWitnessPubKeyHash(hash, params)
	if err != nil || d.wrapping == "wpkh" {
		return witness, err
	}
	return d.network.nested(witness)
}

func (d *Descriptor) ofMany(keys [][]byte) (address.Address, error) {
	script, err := d.multisig(keys)
	if err != nil {
		return nil, err
	}
	if d.wrapping == "sh" {
		return address.NewAddressScriptHash(script, d.network.params)
	}
	hash := sha256.Sum256(script)
	witness, err := address.NewAddressWitnessScriptHash(hash[:], d.network.params)
	if err != nil || d.wrapping == "wsh" {
		return witness, err
	}
	return d.network.nested(witness)
}

// nested returns the address of a witness program's own script (BIP-141).
func (n *network) nested(witness address.Address) (address.Address, error) {
	script, err := txscript.PayToAddrScript(witness)
	if err != nil {
		return nil, err
	}
	return address.NewAddressScriptHash(script, n.params)
}

// multisig returns the script that k of the keys can spend from (BIP-383).
func (d *Descriptor) multisig(keys [][]byte) ([]byte, error) {
	if d.sorted {
		slices.SortFunc(keys, bytes.Compare)
	}
	b := txscript.NewScriptBuilder().AddInt64(int64(d.threshold))
	for _, k := range keys {
		b.AddData(k)
	}
	script, err := b.AddInt64(int64(len(keys))).AddOp(txscript.OP_CHECKMULTISIG).Script()
	if err == nil && d.wrapping == "sh" && len(script) > txscript.MaxScriptElementSize {
		err = errors.New("so many keys make a script of more than 520 bytes, which nobody could spend from in sh: use wsh")
	}
	return script, err
}
