// Package devnet starts real chains on this machine, with an exchange's wallets
// on them, for tests and for the demo.
//
// [StartEthereum] runs go-ethereum in this process, as an archive node with an
// HTTP port, and [StartBitcoin] runs btcd in a process of its own, on simnet
// with its transaction and address index. Both listen on free loopback ports,
// keep what they store in memory or in a folder that is removed, and never meet
// another node.
//
// The chains are made in the past: their blocks bear times that lead up to an
// instant and a little beyond, so that the block of that instant is final or
// buried as soon as the nodes are up, and nobody waits for block times.
// Everything on them follows from a seed, and so do the wallets' keys, which
// anyone can derive: they hold play money.
package devnet

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/assay-por/assay/chains"
)

// lead is how long before now the instant of a new devnet lies: room for the
// blocks that make its block final.
const lead = 150 * time.Second

// Instant returns the instant that a devnet started now is made for.
func Instant(now time.Time) time.Time {
	return now.UTC().Truncate(time.Second).Add(-lead)
}

// A Wallet is one account of the demo exchange.
type Wallet struct {
	Name    string // as `evm-cold-1`
	Account chains.Account
	Custody string // own-hot or own-cold
	key     *btcec.PrivateKey
	script  []byte // that pays to it, on Bitcoin
}

// deriveKey returns the key of a name under a seed.
func deriveKey(seed, name string) *btcec.PrivateKey {
	digest := sha256.Sum256([]byte("assay devnet key\x00" + seed + "\x00" + name))
	key, _ := btcec.PrivKeyFromBytes(digest[:])
	return key
}

// Wallets returns the demo exchange's wallets under a seed.
func Wallets(seed string) ([]Wallet, error) {
	bitcoin, err := bitcoinWallets(seed)
	if err != nil {
		return nil, err
	}
	return append(ethereumWallets(seed), bitcoin...), nil
}

// A Net is both chains.
type Net struct {
	Ethereum *Ethereum
	Bitcoin  *Bitcoin
	Instant  time.Time
	Wallets  []Wallet
}

// Options say how to start a Net.
type Options struct {
	Seed string // of keys and chains
	Btcd string // path of the btcd binary
	Dir  string // where btcd keeps its data while it runs; empty for the system's temporary folder
	Now  time.Time
}

// Start starts both chains; Close stops them.
func Start(ctx context.Context, opts Options) (*Net, error) {
	wallets, err := Wallets(opts.Seed)
	if err != nil {
		return nil, err
	}
	n := &Net{Instant: Instant(opts.Now), Wallets: wallets}
	// btcd takes most of its time waiting for its own disk: side by side.
	bitcoin := make(chan error, 1)
	go func() {
		var err error
		n.Bitcoin, err = StartBitcoin(ctx, BitcoinOptions{Seed: opts.Seed, Btcd: opts.Btcd, Dir: opts.Dir, Instant: n.Instant})
		bitcoin <- err
	}()
	n.Ethereum, err = StartEthereum(EthereumOptions{Seed: opts.Seed, Instant: n.Instant})
	if err := errors.Join(err, <-bitcoin); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Close stops both chains and removes what they stored.
func (n *Net) Close() error {
	var errs []error
	if n.Ethereum != nil {
		errs = append(errs, n.Ethereum.Close())
	}
	if n.Bitcoin != nil {
		errs = append(errs, n.Bitcoin.Close())
	}
	return errors.Join(errs...)
}

// find returns the wallet of an account.
func find(wallets []Wallet, account chains.Account) (Wallet, error) {
	for _, w := range wallets {
		if w.Account == account {
			return w, nil
		}
	}
	names := make([]string, len(wallets))
	for i, w := range wallets {
		names[i] = string(w.Account)
	}
	return Wallet{}, fmt.Errorf("account %s is none of this devnet's: %s", account, strings.Join(names, ", "))
}
