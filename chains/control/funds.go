package control

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

const bip127Prefix = "Proof-of-Reserves: "

// isProofOfFunds tells the methods whose one signature is of several scripts.
func isProofOfFunds(signature string) bool {
	return strings.HasPrefix(signature, fundsPrefix) || strings.HasPrefix(signature, psbtPrefix)
}

// verifyProofOfFunds checks a finalised PSBT for the accounts together: of
// BIP-322 by its prefix, of BIP-127 without. It is read for control only, and
// returned with nothing in it but what is checked.
func verifyProofOfFunds(accounts []chains.Account, text, signature string) (Signature, error) {
	scripts := make([][]byte, len(accounts))
	for i, account := range accounts {
		if account.Chain().Namespace() != chains.BIP122 {
			return Signature{}, fmt.Errorf("signature is a PSBT, and %s is no Bitcoin account", account)
		}
		a, _, err := bitcoinAddress(account)
		if err != nil {
			return Signature{}, fmt.Errorf("%s: %w", account, err)
		}
		if scripts[i], err = txscript.PayToAddrScript(a); err != nil {
			return Signature{}, fmt.Errorf("%s: %w", account, err)
		}
	}
	method, prefix, ordered := BIP127, "", accounts
	if strings.HasPrefix(signature, fundsPrefix) {
		method, prefix, ordered = BIP322Proof, fundsPrefix, accounts[1:]
	}
	if !slices.IsSorted(ordered) {
		return Signature{}, errors.New("accounts must ascend, with a proof of funds of BIP-322 those after the first")
	}
	packet, err := parsePSBT(signature, prefix, text)
	if err != nil {
		return Signature{}, err
	}
	s, err := finalSpend(packet, method)
	if err != nil {
		return Signature{}, err
	}
	further, check := accounts, checkBIP127
	var too []byte // a script that further inputs may spend, and need not
	if method == BIP322Proof {
		if !bytes.Equal(s.spent[0].PkScript, scripts[0]) {
			return Signature{}, fmt.Errorf("signature: its first input does not spend the script of %s", accounts[0])
		}
		further, check, scripts, too = accounts[1:], checkToSign, scripts[1:], scripts[0]
	}
	if err := checkScripts(s.spent[1:], scripts, too, further); err != nil {
		return Signature{}, err
	}
	if err := check(s, text); err != nil {
		return Signature{}, err
	}
	spelt, err := bare(packet)
	if err != nil {
		return Signature{}, err
	}
	return Signature{Method: method, Signature: prefix + spelt, Grade: chains.Script}, nil
}

// finalSpend puts the final scripts and witnesses into the transaction, and
// finds the output that each input spends.
func finalSpend(packet *psbt.Packet, method string) (spend, error) {
	s := spend{tx: packet.UnsignedTx.Copy()}
	earlier, taken := map[chainhash.Hash]*wire.MsgTx{}, map[wire.OutPoint]int{}
	for i, in := range packet.Inputs {
		at := s.tx.TxIn[i].PreviousOutPoint
		if j, ok := taken[at]; ok {
			return s, fmt.Errorf("signature: inputs %d and %d of its PSBT spend one output", j, i)
		}
		taken[at] = i
		if in.NonWitnessUtxo != nil {
			if id := in.NonWitnessUtxo.TxHash(); id != at.Hash {
				return s, fmt.Errorf("signature: input %d of its PSBT brings the transaction %s, and spends one of %s", i, id, at.Hash)
			}
			earlier[at.Hash] = in.NonWitnessUtxo
		}
		out, err := spentOutput(in, at, earlier[at.Hash])
		// What BIP-127's first input spends is no output of any transaction.
		if err != nil && (method != BIP127 || i > 0) {
			return s, fmt.Errorf("signature: input %d of its PSBT: %w", i, err)
		}
		s.spent = append(s.spent, out)
		if in.FinalScriptSig == nil && in.FinalScriptWitness == nil && (method != BIP127 || i > 0) {
			return s, fmt.Errorf("signature: input %d of its PSBT is not finalised: have the PSBT finalised", i)
		}
		s.tx.TxIn[i].SignatureScript = in.FinalScriptSig
		if in.FinalScriptWitness != nil {
			if s.tx.TxIn[i].Witness, err = decodeWitness(in.FinalScriptWitness); err != nil {
				return s, fmt.Errorf("input %d: %w", i, err)
			}
		}
	}
	return s, nil
}

func spentOutput(in psbt.PInput, at wire.OutPoint, whole *wire.MsgTx) (*wire.TxOut, error) {
	out := in.WitnessUtxo
	if whole != nil {
		if uint64(at.Index) >= uint64(len(whole.TxOut)) {
			return wire.NewTxOut(0, nil), fmt.Errorf("it spends output %d of a transaction with %d", at.Index, len(whole.TxOut))
		}
		held := whole.TxOut[at.Index]
		if out != nil && (out.Value != held.Value || !bytes.Equal(out.PkScript, held.PkScript)) {
			return wire.NewTxOut(0, nil), errors.New("its witness UTXO is not the output of the transaction that it brings")
		}
		out = held
	}
	if out == nil {
		return wire.NewTxOut(0, nil), errors.New("it does not bring the output that it spends")
	}
	return out, nil
}

// checkScripts: the outputs are of the accounts, of each at least one, and of
// nobody else but, where there is one, the script too.
func checkScripts(spent []*wire.TxOut, scripts [][]byte, too []byte, accounts []chains.Account) error {
	want := map[string]bool{}
	for _, script := range scripts {
		want[string(script)] = false
	}
	for i, out := range spent {
		if _, ok := want[string(out.PkScript)]; !ok && (too == nil || !bytes.Equal(out.PkScript, too)) {
			return fmt.Errorf("signature: input %d of its PSBT spends the script %x, which is of none of the accounts", i+1, out.PkScript)
		}
		want[string(out.PkScript)] = true
	}
	for i, script := range scripts {
		if !want[string(script)] {
			return fmt.Errorf("signature: no input of its PSBT spends the script of %s", accounts[i])
		}
	}
	return nil
}

// commitment is the transaction id that stands for a text in BIP-127.
func commitment(text string) chainhash.Hash {
	return chainhash.Hash(sha256.Sum256([]byte(bip127Prefix + text)))
}

func checkBIP127(s spend, text string) error {
	if want := (wire.OutPoint{Hash: commitment(text)}); s.tx.TxIn[0].PreviousOutPoint != want {
		return errors.New("signature is not over this text: the first input of its PSBT stands for another")
	}
	if len(s.tx.TxOut) != 1 {
		return fmt.Errorf("signature: its transaction has %d outputs, want 1", len(s.tx.TxOut))
	}
	return s.check(1)
}

// bare writes a PSBT with the transaction, and for each input what it spends
// and its final script and witness.
func bare(packet *psbt.Packet) (string, error) {
	out := &psbt.Packet{UnsignedTx: packet.UnsignedTx, Outputs: make([]psbt.POutput, len(packet.Outputs))}
	for _, in := range packet.Inputs {
		out.Inputs = append(out.Inputs, psbt.PInput{
			NonWitnessUtxo: in.NonWitnessUtxo, WitnessUtxo: in.WitnessUtxo,
			FinalScriptSig: in.FinalScriptSig, FinalScriptWitness: in.FinalScriptWitness,
		})
	}
	var b bytes.Buffer
	if err := out.Serialize(&b); err != nil {
		return "", fmt.Errorf("signature: its PSBT: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// PSBTText returns a PSBT's content as the text that signatures are read from:
// files of PSBTs hold either that or the bytes.
func PSBTText(content []byte) string {
	if bytes.HasPrefix(content, []byte("psbt\xff")) {
		return base64.StdEncoding.EncodeToString(content)
	}
	return strings.TrimSpace(string(content))
}

// ProofAccounts returns the accounts of a chain that a PSBT of BIP-127 speaks
// of, ascending, and no account twice: those whose scripts its inputs after
// the first spend. It checks nothing else (SPEC part 14).
func ProofAccounts(chain chains.Chain, signature string) ([]chains.Account, error) {
	params := network(chain)
	if params == nil {
		return nil, fmt.Errorf("chain %s is no Bitcoin network that is known here, nor one of Litecoin", chain)
	}
	packet, err := parsePSBT(strings.TrimSpace(signature), "", "")
	if err != nil {
		return nil, err
	}
	s, err := finalSpend(packet, BIP127)
	if err != nil {
		return nil, err
	}
	var accounts []chains.Account
	for i, out := range s.spent[1:] {
		_, addresses, _, err := txscript.ExtractPkScriptAddrs(out.PkScript, params)
		if err != nil || len(addresses) != 1 {
			return nil, fmt.Errorf("signature: input %d of its PSBT spends the script %x, which has no address", i+1, out.PkScript)
		}
		accounts = append(accounts, chains.Account(string(chain)+":"+addresses[0].EncodeAddress()))
	}
	slices.Sort(accounts)
	return slices.Compact(accounts), nil
}
