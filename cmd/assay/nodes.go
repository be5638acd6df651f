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
	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/chains/solana"
	"github.com/assay-por/assay/chains/tron"
	"github.com/assay-por/assay/chains/utxo"
	"github.com/assay-por/assay/chains/xrpl"
)

// source connects to the nodes of a chain.
func (s *stages) source(ctx context.Context, chain chains.Chain) (chains.Source, error) {
	return s.sourceWith(ctx, chain, evm.Options{})
}

// sourceWith is a source with further options, if its chain is one of Ethereum's kind.
func (s *stages) sourceWith(ctx context.Context, chain chains.Chain, more evm.Options) (chains.Source, error) {
	i := slices.IndexFunc(s.config.Chains, func(c ChainConfig) bool { return c.ID == string(chain) })
	if i < 0 {
		return nil, hinted(unreadable("%s: no [[chain]] with id %q", s.config.path, chain), "a token of the registry lies on that chain; say which node to ask")
	}
	c := s.config.Chains[i]
	switch chain.Namespace() {
	case chains.EIP155:
		more.Confirmations, more.Recipes = c.Confirmations, s.config.recipes(chain)
		return evm.New(ctx, chain, c.Nodes, more)
	case chains.BIP122:
		return utxo.New(ctx, chain, c.Nodes, utxo.Options{Confirmations: c.Confirmations, Filters: c.Filters, Progress: s.progress.step})
	}
	if c.Confirmations != 0 {
		return nil, hinted(unreadable("%s: chain %q: confirmations has no meaning there", s.config.path, chain), "its nodes say which blocks are final; remove the key")
	}
	switch chain.Namespace() {
	case chains.Tron:
		return tron.New(ctx, chain, c.Nodes, egress.Limits{})
	case chains.Solana:
		return solana.New(ctx, chain, c.Nodes, egress.Limits{})
	case chains.XRPL:
		return xrpl.New(ctx, chain, c.Nodes, egress.Limits{})
	}
	return nil, unreadable("%s: chain %q: this version reads eip155, bip122, tron, solana and xrpl chains", s.config.path, chain)
}

// hasNodes reports whether the configuration names nodes of a chain.
func (s *stages) hasNodes(chain chains.Chain) bool {
	return slices.ContainsFunc(s.config.Chains, func(c ChainConfig) bool { return c.ID == string(chain) })
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
	staked  bool // withdrawals of validators go to it
	only    bool // and it is named for that alone
}

// wallets are the accounts of every list, those that derived wallets were found to hold coins in, and those that validators'
// withdrawals go to.
func (s *stages) wallets() ([]wallet, error) { return s.walletsBut(nil) }

// walletsBut leaves out the validators of some chains.
func (s *stages) walletsBut(out map[chains.Chain]bool) ([]wallet, error) {
	all, where, err := s.listed()
	if err != nil {
		return nil, err
	}
	found, err := s.found(where)
	if err != nil {
		return nil, err
	}
	return s.withStaked(append(all, found...), where, out)
}

// listed reads the accounts of every list, and says where each stands. One named twice is refused: its coins would count twice.
func (s *stages) listed() ([]wallet, map[chains.Account]string, error) {
	var all []wallet
	seen := map[chains.Account]string{}
	for i, w := range s.config.Wallets {
		if w.derives() {
			continue
		}
		addresses, where, err := s.addresses(i, w)
		if err != nil {
			return nil, nil, err
		}
		for j, address := range addresses {
			if address == "" {
				continue
			}
			account, err := canonicalAccount(w.Chain, address)
			if err != nil {
				return nil, nil, unreadable("%s: %v", where(j), err)
			}
			if first, ok := seen[account]; ok {
				return nil, nil, hinted(unreadable("%s: account %s is listed before, at %s", where(j), account, first), "list each account once")
			}
			seen[account] = where(j)
			all = append(all, wallet{account: account, custody: w.Custody})
		}
	}
	return all, seen, nil
}

// addresses are those of one list, and a function that says where the j-th stands. In a file, blank lines and lines that
// begin with # are empty addresses.
func (s *stages) addresses(i int, w WalletConfig) ([]string, func(int) string, error) {
	if w.File == "" {
		return w.Accounts, func(j int) string { return fmt.Sprintf("%s: wallet #%d, account #%d", s.config.path, i+1, j+1) }, nil
	}
	file := s.config.resolve(w.File)
	lines, err := readLines(file)
	if err != nil {
		return nil, nil, hinted(err, "wallet #%d names this file", i+1)
	}
	return lines, func(j int) string { return fmt.Sprintf("%s:%d", file, j+1) }, nil
}

// readLines reads a list, one entry a line, without blanks around it. A line that begins with # is an empty one.
func readLines(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	defer f.Close()
	var lines []string
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		if strings.HasPrefix(line, "#") {
			line = ""
		}
		lines = append(lines, line)
	}
	if err := scan.Err(); err != nil {
		return nil, unreadable("%s: %v", file, err)
	}
	return lines, nil
}

// canonicalAccount names an address in CAIP-10, in its one spelling (SPEC part 2): an EVM address may come with its checksum in
// mixed case, a bech32 address in upper case.
func canonicalAccount(chain, address string) (chains.Account, error) {
	address = strings.TrimPrefix(address, chain+":")
	parse := map[string]func(string) (string, error){
		chains.EIP155: evm.ParseAddress, chains.Tron: tron.ParseAddress, chains.Solana: solana.ParseAddress, chains.XRPL: xrpl.ParseAddress,
	}[chains.Chain(chain).Namespace()]
	if parse != nil {
		canonical, err := parse(address)
		if err != nil {
			return "", err
		}
		address = canonical
	} else if address == strings.ToUpper(address) {
		address = strings.ToLower(address)
	}
	return chains.ParseAccount(chain + ":" + address)
}

// holdings pairs every account with every token of the registry on its chain: with staked coins those that validators' withdrawals
// go to, and with others those of wallets.
func holdings(chain chains.Chain, wallets []wallet, tokens []chains.Token) []chains.Holding {
	var all []chains.Holding
	for _, w := range wallets {
		if w.account.Chain() != chain {
			continue
		}
		for _, t := range tokens {
			if t.Chain() == chain && (t.Staked() && w.staked || !t.Staked() && !w.only) {
				all = append(all, chains.Holding{Account: w.account, Token: t})
			}
		}
	}
	return all
}
