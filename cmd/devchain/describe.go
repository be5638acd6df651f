package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/chains/utxo"
)

// descriptionFile lies in the folder of `devchain up` while the chains are up.
const descriptionFile = "devchain.json"

// A description is what devchain.json holds.
type description struct {
	Instant string        `json:"instant"`
	Seed    string        `json:"seed"`
	Chains  []chainInfo   `json:"chains"`
	Assets  []assetInfo   `json:"assets"`
	Wallets []walletsInfo `json:"wallets"`
}

type chainInfo struct {
	ID    chains.Chain `json:"id"`
	Node  string       `json:"node"`
	Block blockInfo    `json:"block"`
}

type blockInfo struct {
	Hash   string `json:"hash"`
	Number uint64 `json:"number"`
	Time   string `json:"time"`
}

type assetInfo struct {
	ID       string       `json:"id"`
	Token    chains.Token `json:"token"`
	Class    string       `json:"class"`
	Decimals int          `json:"decimals"`
	Total    string       `json:"total"` // base units at the pinned block
}

type walletsInfo struct {
	Chain    chains.Chain `json:"chain"`
	Custody  string       `json:"custody"`
	File     string       `json:"file"`
	Accounts []string     `json:"accounts"`
}

// describe pins the instant's blocks and adds up the wallets, asking the nodes
// as anybody would.
func describe(ctx context.Context, n *devnet.Net, seed string) (description, error) {
	d := description{Instant: n.Instant.Format(time.RFC3339), Seed: seed, Assets: []assetInfo{
		{ID: "BTC", Token: devnet.BitcoinNative, Class: "native", Decimals: 8},
		{ID: "ETH", Token: devnet.EthereumNative, Class: "native", Decimals: 18},
		{ID: "USDT", Token: n.Ethereum.Token(), Class: "issued", Decimals: 6},
	}}
	ethereum, err := evm.New(ctx, devnet.EthereumChain, []string{n.Ethereum.URL()}, evm.Options{})
	if err != nil {
		return d, err
	}
	defer ethereum.Close()
	bitcoin, err := utxo.New(ctx, devnet.BitcoinChain, []string{n.Bitcoin.URL()}, utxo.Options{})
	if err != nil {
		return d, err
	}
	for _, c := range []struct {
		id     chains.Chain
		node   string
		source chains.Source
	}{{devnet.EthereumChain, n.Ethereum.URL(), ethereum}, {devnet.BitcoinChain, n.Bitcoin.URL(), bitcoin}} {
		block, err := c.source.Pin(ctx, n.Instant)
		if err != nil {
			return d, err
		}
		d.Chains = append(d.Chains, chainInfo{c.id, c.node, blockInfo{block.Hash, block.Number, block.Time.Format(time.RFC3339)}})
		if err := d.addTotals(ctx, c.source, block, n.Wallets); err != nil {
			return d, err
		}
	}
	d.addWallets(n.Wallets)
	return d, nil
}

// addTotals fills in what the wallets hold at the block, of every asset there.
func (d *description) addTotals(ctx context.Context, source chains.Source, block chains.BlockRef, wallets []devnet.Wallet) error {
	totals := map[chains.Token]*uint256.Int{}
	var wanted []chains.Holding
	for _, a := range d.Assets {
		if a.Token.Chain() != block.Chain {
			continue
		}
		totals[a.Token] = new(uint256.Int)
		for _, w := range wallets {
			if w.Account.Chain() == block.Chain {
				wanted = append(wanted, chains.Holding{Account: w.Account, Token: a.Token})
			}
		}
	}
	evidence, err := source.Gather(ctx, strings.Repeat("0", 64), block, wanted)
	if err != nil {
		return err
	}
	for _, b := range evidence.Balances {
		totals[b.Token].Add(totals[b.Token], b.Amount)
	}
	for i, a := range d.Assets {
		if total, ok := totals[a.Token]; ok {
			d.Assets[i].Total = total.Dec()
		}
	}
	return nil
}

// addWallets groups the wallets by chain and custody, a file for each group.
func (d *description) addWallets(wallets []devnet.Wallet) {
	short := map[string]string{chains.EIP155: "evm", chains.BIP122: "btc"}
	at := map[string]int{}
	for _, w := range wallets {
		chain := w.Account.Chain()
		file := "wallets/" + short[chain.Namespace()] + strings.TrimPrefix(w.Custody, "own") + ".txt"
		i, ok := at[file]
		if !ok {
			i = len(d.Wallets)
			at[file] = i
			d.Wallets = append(d.Wallets, walletsInfo{Chain: chain, Custody: w.Custody, File: file})
		}
		d.Wallets[i].Accounts = append(d.Wallets[i].Accounts, string(w.Account))
	}
}

// write writes the lists, and the description last: whoever waits for it finds
// everything there.
func (d *description) write(dir string) error {
	for _, w := range d.Wallets {
		if err := renameio.WriteFile(filepath.Join(dir, filepath.FromSlash(w.File)), []byte(strings.Join(w.Accounts, "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	// It holds the Bitcoin node's password.
	return renameio.WriteFile(filepath.Join(dir, descriptionFile), append(text, '\n'), 0o600)
}

// readDescription reads what `devchain up` wrote.
func readDescription(dir string) (description, error) {
	var d description
	path := filepath.Join(dir, descriptionFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return d, fmt.Errorf("%w (is `devchain up` running there?)", err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}
