package devnet

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
)

// Sign signs a challenge's text as the owner of its accounts would, offline:
// EIP-191 on Ethereum, BIP-322 "simple" on Bitcoin (SPEC part 14).
func Sign(seed, text string) (string, error) {
	challenge, err := control.ParseChallenge(text)
	if err != nil {
		return "", err
	}
	wallets, err := Wallets(seed)
	if err != nil {
		return "", err
	}
	w, err := find(wallets, challenge.Accounts[0].Account)
	if err != nil {
		return "", err
	}
	for _, a := range challenge.Accounts[1:] {
		other, err := find(wallets, a.Account)
		if err != nil {
			return "", err
		}
		if !other.key.Key.Equals(&w.key.Key) {
			return "", fmt.Errorf("devnet: %s and %s have different keys: have them sign apart", w.Account, other.Account)
		}
	}
	if w.Account.Chain().Namespace() == chains.EIP155 {
		return signEIP191(w.key, text)
	}
	return signBIP322(w, text)
}

func signEIP191(key *btcec.PrivateKey, text string) (string, error) {
	digest := crypto.Keccak256([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(text)) + text))
	signature, err := crypto.Sign(digest, ethereumKey(key))
	if err != nil {
		return "", err
	}
	signature[64] += 27
	return "0x" + hex.EncodeToString(signature), nil
}

func signBIP322(w Wallet, text string) (string, error) {
	digest := chainhash.TaggedHash([]byte("BIP0322-signed-message"), []byte(text))
	toSpend := wire.NewMsgTx(0)
	toSpend.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 0xffffffff}, SignatureScript: append([]byte{txscript.OP_0, txscript.OP_DATA_32}, digest[:]...)})
	toSpend.AddTxOut(wire.NewTxOut(0, w.script))
	toSign := wire.NewMsgTx(0)
	toSign.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: toSpend.TxHash()}})
	toSign.AddTxOut(wire.NewTxOut(0, []byte{txscript.OP_RETURN}))
	hashes := txscript.NewTxSigHashes(toSign, txscript.NewCannedPrevOutputFetcher(w.script, 0))
	var witness wire.TxWitness
	var err error
	if txscript.IsPayToTaproot(w.script) {
		witness, err = txscript.TaprootWitnessSignature(toSign, hashes, 0, 0, w.script, txscript.SigHashDefault, w.key)
	} else {
		witness, err = txscript.WitnessSignature(toSign, hashes, 0, 0, w.script, txscript.SigHashAll, w.key, true)
	}
	if err != nil {
		return "", fmt.Errorf("devnet: %s: %w", w.Account, err)
	}
	var b bytes.Buffer
	if err := wire.WriteVarInt(&b, 0, uint64(len(witness))); err != nil {
		return "", err
	}
	for _, item := range witness {
		if err := wire.WriteVarBytes(&b, 0, item); err != nil {
			return "", err
		}
	}
	return "smp" + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}
