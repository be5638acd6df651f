package devnet

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// bitcoinWallets are the demo exchange's accounts on Bitcoin: two P2WPKH, one
// P2TR.
func bitcoinWallets(seed string) ([]Wallet, error) {
	var wallets []Wallet
	for _, w := range []struct{ name, custody string }{
		{"btc-hot-1", "own-hot"}, {"btc-cold-1", "own-cold"}, {"btc-cold-taproot", "own-cold"},
	} {
		key := deriveKey(seed, w.name)
		script := witnessScript(key)
		if w.name == "btc-cold-taproot" {
			script = taprootScript(key)
		}
		account, err := accountOf(script)
		if err != nil {
			return nil, err
		}
		wallets = append(wallets, Wallet{Name: w.name, Account: account, Custody: w.custody, key: key, script: script})
	}
	return wallets, nil
}

// witnessScript pays to a key by its hash (P2WPKH).
func witnessScript(key *btcec.PrivateKey) []byte {
	return append([]byte{txscript.OP_0, txscript.OP_DATA_20}, address.Hash160(key.PubKey().SerializeCompressed())...)
}

// taprootScript pays to a key alone (P2TR, BIP-86).
func taprootScript(key *btcec.PrivateKey) []byte {
	return append([]byte{txscript.OP_1, txscript.OP_DATA_32}, schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(key.PubKey()))...)
}

func accountOf(script []byte) (chains.Account, error) {
	_, addresses, _, err := txscript.ExtractPkScriptAddrs(script, simnet())
	if err != nil || len(addresses) != 1 {
		return "", fmt.Errorf("devnet: script %x has no address: %w", script, err)
	}
	return chains.Account(string(BitcoinChain) + ":" + addresses[0].EncodeAddress()), nil
}

// A source is an output that a transaction may spend.
type source struct {
	at     wire.OutPoint
	amount int64
	key    *btcec.PrivateKey // of a P2WPKH script
}

// spend returns a signed transaction; what the outputs leave is its fee.
func spend(from []source, to ...*wire.TxOut) (*wire.MsgTx, error) {
	tx := wire.NewMsgTx(2)
	tx.TxOut = to
	outputs := map[wire.OutPoint]*wire.TxOut{}
	for _, s := range from {
		tx.AddTxIn(wire.NewTxIn(&s.at, nil, nil))
		outputs[s.at] = wire.NewTxOut(s.amount, witnessScript(s.key))
	}
	hashes := txscript.NewTxSigHashes(tx, txscript.NewMultiPrevOutFetcher(outputs))
	for i, s := range from {
		witness, err := txscript.WitnessSignature(tx, hashes, i, s.amount, outputs[s.at].PkScript, txscript.SigHashAll, s.key, true)
		if err != nil {
			return nil, err
		}
		tx.TxIn[i].Witness = witness
	}
	return tx, nil
}

// coinbases takes n of the miner's oldest coins.
func (m *miner) coinbases(n int) []source {
	var from []source
	for _, at := range m.own[:n] {
		from = append(from, source{at, coinbaseValue, m.key})
	}
	m.own = m.own[n:]
	return from
}

// Carry returns a transaction of the miner's that carries data in an OP_RETURN output.
func (b *Bitcoin) Carry(data []byte) (*wire.MsgTx, error) {
	script, err := txscript.NullDataScript(data)
	if err != nil {
		return nil, err
	}
	const fee = 10_000
	return spend(b.miner.coinbases(1), wire.NewTxOut(0, script), wire.NewTxOut(coinbaseValue-fee, b.miner.script))
}

// Send hands the node a transaction that waits for a block.
func (b *Bitcoin) Send(ctx context.Context, tx *wire.MsgTx) error {
	var raw bytes.Buffer
	if err := tx.Serialize(&raw); err != nil {
		return err
	}
	return b.call(ctx, "sendrawtransaction", []any{hex.EncodeToString(raw.Bytes())}, nil)
}

// The demo's chain, by height: the soft forks bind from 300 on; the wallets are
// paid in 321 and 322; in 323 a cold coin is spent; 330 is the pinned block;
// above it coins move once more, so that those of the wrong block show.
const (
	paidBlock       = 321
	pinnedBitcoin   = 330
	bitcoinsAfter   = 12
	minutesPerBlock = 10
)

// build makes the demo's chain and hands it to the node.
func (b *Bitcoin) build(ctx context.Context, opts BitcoinOptions) error {
	var blocks []*wire.MsgBlock
	var payments map[int32][]*wire.MsgTx
	pinned := opts.Instant.Add(-4 * time.Minute)
	for height := int32(1); height <= pinnedBitcoin+bitcoinsAfter; height++ {
		at := pinned.Add(-minutesPerBlock * time.Minute * time.Duration(pinnedBitcoin-height))
		if height > pinnedBitcoin {
			at = opts.Instant.Add(10 * time.Second * time.Duration(height-pinnedBitcoin))
		}
		if height == paidBlock {
			var err error
			if payments, err = b.miner.payments(opts.Seed); err != nil {
				return err
			}
		}
		block, err := b.miner.mine(at, payments[height]...)
		if err != nil {
			return err
		}
		blocks = append(blocks, block)
	}
	return b.submit(ctx, blocks)
}

// payments returns the demo's transactions by height.
func (m *miner) payments(seed string) (map[int32][]*wire.MsgTx, error) {
	hot, cold := deriveKey(seed, "btc-hot-1"), deriveKey(seed, "btc-cold-1")
	toHot, toCold := witnessScript(hot), witnessScript(cold)
	toTaproot := taprootScript(deriveKey(seed, "btc-cold-taproot"))
	toCustomer := witnessScript(deriveKey(seed, "customer"))
	var failed error
	pay := func(from []source, to ...*wire.TxOut) *wire.MsgTx {
		tx, err := spend(from, to...)
		if err != nil {
			failed = err
		}
		return tx
	}
	out := wire.NewTxOut
	toWallets := pay(m.coinbases(80), out(2_200*btc, toCold), out(800*btc+12_345_678, toCold), out(999*btc, toTaproot))
	more := []*wire.MsgTx{
		pay(m.coinbases(50), out(1_900*btc, toTaproot), out(599*btc, toCold)),
		pay(m.coinbases(12), out(420*btc, toHot), out(150*btc+1, toHot)),
		pay(m.coinbases(6), out(299*btc, toCold)),
	}
	at := func(tx *wire.MsgTx, i uint32) wire.OutPoint { return wire.OutPoint{Hash: tx.TxHash(), Index: i} }
	coldToHot := pay([]source{{at(more[2], 0), 299 * btc, cold}}, out(120*btc, toHot), out(178*btc, toCold))
	after := pay([]source{{at(more[1], 0), 420 * btc, hot}}, out(419*btc, toCustomer))
	return map[int32][]*wire.MsgTx{
		paidBlock:         {toWallets},
		paidBlock + 1:     more,
		paidBlock + 2:     {coldToHot},
		pinnedBitcoin + 1: {after},
	}, failed
}
