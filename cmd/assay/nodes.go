package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/chains/utxo"
)

// source connects to the nodes of a chain.
func (s *stages) source(ctx context.Context, chain chains.Chain) (chains.Source, error) {
	i := slices.IndexFunc(s.config.Chains, func(c ChainConfig) bool { return c.ID == string(chain) })
	if i < 0 {
		return nil, hinted(unreadable("%s: no [[chain]] with id %q", s.config.path, chain), "a token of the registry lies on that chain; say which node to ask")
	}
	c := s.config.Chains[i]
	switch chain.Namespace() {
	case chains.EIP155:
		return evm.New(ctx, chain, c.Nodes, evm.Options{Confirmations: c.Confirmations})
	case chains.BIP122:
		return utxo.New(ctx, chain, c.Nodes, utxo.Options{Confirmations: c.Confirmations})
	}
	return nil, unreadable("%s: chain %q: this version reads eip155 and bip122 chains", s.config.path, chain)
}

func (s *stages) pin(chain chains.Chain, at time.Time) (chains.BlockRef, error) {
	source, err := s.source(s.ctx, chain)
	if err != nil {
		return chains.BlockRef{}, err
	}
	return source.Pin(s.ctx, at)
}

// wallet is an account of the exchange and who keeps it, by its word.
type wallet struct {
	account chains.Account
	custody string
}

// wallets reads the accounts of every list. One named twice is refused: its coins would count twice.
func (s *stages) wallets() ([]wallet, error) {
	var all []wallet
	seen := map[chains.Account]string{}
	for i, w := range s.config.Wallets {
		addresses, where, err := s.addresses(i, w)
		if err != nil {
			return nil, err
		}
		for j, address := range addresses {
			if address == "" {
				continue
			}
			account, err := canonicalAccount(w.Chain, address)
			if err != nil {
				return nil, unreadable("%s: %v", where(j), err)
			}
			if first, ok := seen[account]; ok {
				return nil, hinted(unreadable("%s: account %s is listed before, at %s", where(j), account, first), "list each account once")
			}
			seen[account] = where(j)
			all = append(all, wallet{account: account, custody: w.Custody})
		}
	}
	return all, nil
}

// addresses are those of one list, and a function that says where the j-th stands. In a file, blank lines and lines that
// begin with # are empty addresses.
func (s *stages) addresses(i int, w WalletConfig) ([]string, func(int) string, error) {
	if w.File == "" {
		return w.Accounts, func(j int) string { return fmt.Sprintf("%s: wallet #%d, account #%d", s.config.path, i+1, j+1) }, nil
	}
	f, err := os.Open(s.config.resolve(w.File))
	if err != nil {
		return nil, nil, unreadable("wallet #%d: %v", i+1, err)
	}
	defer f.Close()
	var lines []string
	for scan := bufio.NewScanner(f); ; {
		if !scan.Scan() {
			if err := scan.Err(); err != nil {
				return nil, nil, unreadable("%s: %v", f.Name(), err)
			}
			break
		}
		line := strings.TrimSpace(scan.Text())
		if strings.HasPrefix(line, "#") {
			line = ""
		}
		lines = append(lines, line)
	}
	return lines, func(j int) string { return fmt.Sprintf("%s:%d", f.Name(), j+1) }, nil
}

// canonicalAccount names an address in CAIP-10, in its one spelling (SPEC part 2): an EVM address may come with its checksum in
// mixed case, a bech32 address in upper case.
func canonicalAccount(chain, address string) (chains.Account, error) {
	address = strings.TrimPrefix(address, chain+":")
	if strings.HasPrefix(chain, chains.EIP155+":") {
		lower, err := evm.ParseAddress(address)
		if err != nil {
			return "", err
		}
		address = lower
	} else if address == strings.ToUpper(address) {
		address = strings.ToLower(address)
	}
	return chains.ParseAccount(chain + ":" + address)
}

// holdings pairs every account with every token of the registry on its chain.
func holdings(chain chains.Chain, wallets []wallet, tokens []chains.Token) []chains.Holding {
	var all []chains.Holding
	for _, w := range wallets {
		if w.account.Chain() != chain {
			continue
		}
		for _, t := range tokens {
			if t.Chain() == chain {
				all = append(all, chains.Holding{Account: w.account, Token: t})
			}
		}
	}
	return all
}
