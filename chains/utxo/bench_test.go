package utxo

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil/v2/gcs"
	"github.com/btcsuite/btcd/btcutil/v2/gcs/builder"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
)

const (
	benchAccounts = 100
	benchCoins    = 100 // of each of them
)

// numbered is one of many P2WPKH accounts of simnet.
func numbered(tb testing.TB, i int) (chains.Account, []byte) {
	tb.Helper()
	hash := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	a, err := address.NewAddressWitnessPubKeyHash(hash[:20], &chaincfg.SimNetParams)
	if err != nil {
		tb.Fatal(err)
	}
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		tb.Fatal(err)
	}
	return chains.Account(string(devnet.BitcoinChain) + ":" + a.EncodeAddress()), script
}

// manyPayments are transactions of the devnet's miner, one to each account.
func manyPayments(b *testing.B, s *Source) []*wire.MsgTx {
	b.Helper()
	secret := sha256.Sum256([]byte("assay devnet key\x00" + testSeed + "\x00miner"))
	key, _ := btcec.PrivKeyFromBytes(secret[:])
	var txs []*wire.MsgTx
	for i := range benchAccounts {
		hash, err := s.nodes[0].blockHash(b.Context(), uint64(150+i))
		if err != nil {
			b.Fatal(err)
		}
		block, err := s.nodes[0].block(b.Context(), hash)
		if err != nil {
			b.Fatal(err)
		}
		spent := block.Transactions[0].TxOut[0]
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: block.Transactions[0].TxHash()}, nil, nil))
		_, script := numbered(b, i)
		for range benchCoins {
			tx.AddTxOut(wire.NewTxOut(10_000, script))
		}
		hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(spent.PkScript, spent.Value))
		if tx.TxIn[0].Witness, err = txscript.WitnessSignature(tx, hashes, 0, spent.Value, spent.PkScript, txscript.SigHashAll, key, true); err != nil {
			b.Fatal(err)
		}
		txs = append(txs, tx)
	}
	return txs
}

// BenchmarkGather gathers 10,000 coins of 100 accounts, made in 10 blocks, from
// two real nodes.
func BenchmarkGather(b *testing.B) {
	instant := devnet.Instant(time.Now())
	nodes := []*devnet.Bitcoin{startNodeAt(b, instant), startNodeAt(b, instant)}
	urls := []string{nodes[0].URL(), nodes[1].URL()}
	source := func(filters bool) *Source {
		s, err := New(b.Context(), devnet.BitcoinChain, urls, Options{Filters: filters})
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	txs := manyPayments(b, source(false))
	for _, n := range nodes {
		for i := range 10 {
			if err := n.Mine(b.Context(), instant.Add(time.Duration(121+i)*time.Second), 0, txs[10*i:10*i+10]...); err != nil {
				b.Fatal(err)
			}
		}
		if err := n.Mine(b.Context(), instant.Add(131*time.Second), 12); err != nil {
			b.Fatal(err)
		}
	}
	var holdings []chains.Holding
	for j := range benchAccounts {
		account, _ := numbered(b, j)
		holdings = append(holdings, chains.Holding{Account: account, Token: devnet.BitcoinNative})
	}
	for name, filters := range map[string]bool{"plain": false, "filters": true} {
		b.Run(name, func(b *testing.B) {
			s := source(filters)
			block, err := s.Pin(b.Context(), instant.Add(131*time.Second))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				evidence, err := s.Gather(b.Context(), testSnapshot, block, holdings)
				if err != nil {
					b.Fatal(err)
				}
				file := evidence.File.(Evidence)
				raw, err := json.Marshal(file)
				if err != nil || len(file.Outputs) != benchAccounts*benchCoins {
					b.Fatal(len(file.Outputs), err)
				}
				b.ReportMetric(float64(len(raw)), "bytes/file")
			}
		})
	}
	b.Run("funded", func(b *testing.B) {
		s := source(false)
		block, err := s.Pin(b.Context(), instant.Add(131*time.Second))
		if err != nil {
			b.Fatal(err)
		}
		var accounts []chains.Account
		for j := range 2000 {
			account, _ := numbered(b, benchAccounts-10+j)
			accounts = append(accounts, account)
		}
		for b.Loop() {
			if got, err := s.Funded(b.Context(), block, accounts); err != nil || len(got) != 10 {
				b.Fatal(len(got), err)
			}
		}
	})
}

// BenchmarkMatch matches the filter of a full block of Bitcoin's main network
// against the scripts of many accounts.
func BenchmarkMatch(b *testing.B) {
	const items = 8000
	block := chainhash.Hash{1}
	set := make([][]byte, items)
	for i := range set {
		_, set[i] = numbered(b, i)
	}
	filter, err := gcs.BuildGCSFilter(builder.DefaultP, builder.DefaultM, builder.DeriveKey(&block), set)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := filter.NBytes()
	if err != nil {
		b.Fatal(err)
	}
	for name, accounts := range map[string]int{"100 accounts": 100, "10000 accounts": 10_000} {
		scripts := make([][]byte, accounts)
		for i := range scripts {
			_, scripts[i] = numbered(b, items+i)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if _, err := match(block, raw, scripts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseBlock reads a block of 2,000 transactions.
func BenchmarkParseBlock(b *testing.B) {
	var raw bytes.Buffer
	if err := blockOf(2000).Serialize(&raw); err != nil {
		b.Fatal(err)
	}
	text := hex.EncodeToString(raw.Bytes())
	for b.Loop() {
		block, err := parseBlock(text, false)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := newMerkleTree(block); err != nil {
			b.Fatal(err)
		}
	}
}
