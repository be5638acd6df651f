package report

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

const (
	maxAssets   = 1024      // SPEC part 3
	maxTokens   = 64        // SPEC part 3, an asset
	maxDecimals = 36        // SPEC part 3
	maxNumber   = 1<<53 - 1 // SPEC part 2

	assetAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.#-" // SPEC part 2
)

// NewSnapshot fixes the instant and the registry and computes the snapshot's id
// (SPEC part 3). Its kind is [KindPlain], see [Snapshot.WithKind]. Assets keep their order, which is registry order; their tokens are
// sorted. The pinned blocks come later: [Snapshot.WithBlocks].
func NewSnapshot(exchange Exchange, period string, instant time.Time, assets []Asset) (Snapshot, error) {
	at, err := NewTime(instant)
	if err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: instant: %w", err)
	}
	s := Snapshot{Blocks: []Block{}, Exchange: exchange, Instant: at, Kind: KindPlain, Period: period, Assets: []Asset{}}
	for _, a := range assets {
		a.Tokens = append([]Token{}, a.Tokens...)
		slices.SortFunc(a.Tokens, func(x, y Token) int { return strings.Compare(string(x.ID), string(y.ID)) })
		s.Assets = append(s.Assets, a)
	}
	if err := s.checkTaken(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	if s.ID, err = s.computeID(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	return s, nil
}

// WithKind returns the snapshot of a tree with another kind of sums: its id is another
// (SPEC part 3).
func (s Snapshot) WithKind(kind string) (Snapshot, error) {
	s.Kind = kind
	if err := s.checkTaken(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	var err error
	if s.ID, err = s.computeID(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	return s, nil
}

// WithBlocks returns the snapshot with its pinned blocks, one for each chain that
// the registry names (SPEC part 3).
func (s Snapshot) WithBlocks(refs ...chains.BlockRef) (Snapshot, error) {
	s.Blocks = []Block{}
	for _, r := range refs {
		at, err := NewTime(r.Time)
		if err != nil {
			return Snapshot{}, fmt.Errorf("snapshot: block of %s: %w", r.Chain, err)
		}
		s.Blocks = append(s.Blocks, Block{Chain: r.Chain, Hash: r.Hash, Number: r.Number, Time: at})
	}
	slices.SortFunc(s.Blocks, func(x, y Block) int { return strings.Compare(string(x.Chain), string(y.Chain)) })
	return s, s.Check()
}

// computeID hashes all but the id and the blocks (SPEC part 3).
func (s Snapshot) computeID() (Digest, error) {
	b, err := attest.Canonical(struct {
		Assets   []Asset  `json:"assets"`
		Draw     *Draw    `json:"draw,omitempty"`
		Exchange Exchange `json:"exchange"`
		Instant  Time     `json:"instant"`
		Kind     string   `json:"kind"`
		Margin   *Margin  `json:"margin,omitempty"`
		Period   string   `json:"period"`
	}{s.Assets, s.Draw, s.Exchange, s.Instant, s.Kind, s.Margin, s.Period})
	if err != nil {
		return Digest{}, err
	}
	return sha256.Sum256(append([]byte("assay/v1/snapshot\x00"), b...)), nil
}

// Check holds the whole snapshot to its format, its id, and its blocks (SPEC part 3).
func (s Snapshot) Check() error {
	if err := s.checkTaken(); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if err := s.checkBlocks(); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	id, err := s.computeID()
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if id != s.ID {
		return fmt.Errorf("snapshot: id is %s, its content gives %s", s.ID, id)
	}
	return nil
}

// checkTaken checks what the id covers.
func (s Snapshot) checkTaken() error {
	if s.Kind != KindPlain && s.Kind != KindConfidential {
		return fmt.Errorf("kind: %q is unknown, want %q or %q", clip(s.Kind), KindPlain, KindConfidential)
	}
	if !isPeriod(s.Period) {
		return fmt.Errorf("period: %q is not 1 to 32 of A-Z a-z 0-9 . -", clip(s.Period))
	}
	if err := s.Exchange.check(); err != nil {
		return err
	}
	if s.Draw != nil {
		if err := s.Draw.check(s.Instant); err != nil {
			return err
		}
	}
	if err := checkRegistry(s.Assets); err != nil {
		return err
	}
	return s.checkMargin()
}

func (e Exchange) check() error {
	if !isPrintable(e.Name) {
		return fmt.Errorf("exchange.name: %q is not 1 to 64 printable ASCII characters without a blank at either end", clip(e.Name))
	}
	if err := checkText(e.Entity, 256); err != nil {
		return fmt.Errorf("exchange.entity: %w", err)
	}
	if e.LEI != "" && !isOf(e.LEI, 20, 20, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") {
		return fmt.Errorf("exchange.lei: %q is not 20 of A-Z 0-9", clip(e.LEI))
	}
	if e.URL == "" {
		return nil
	}
	if err := checkText(e.URL, 256); err != nil {
		return fmt.Errorf("exchange.url: %w", err)
	}
	if !strings.HasPrefix(e.URL, "https://") && !strings.HasPrefix(e.URL, "http://") {
		return fmt.Errorf("exchange.url: %q does not begin with https://", clip(e.URL))
	}
	return nil
}

func checkRegistry(assets []Asset) error {
	if len(assets) == 0 || len(assets) > maxAssets {
		return fmt.Errorf("assets: there are %d, want 1 to %d", len(assets), maxAssets)
	}
	seen := map[string]bool{}
	backs := map[chains.Token]string{}
	type coinOf struct {
		chain  chains.Chain
		staked bool
	}
	coins := map[coinOf]chains.Token{}
	for i, a := range assets {
		if !isOf(a.ID, 1, 32, assetAlphabet) {
			return fmt.Errorf("assets: id %q (asset #%d) is not 1 to 32 of A-Z 0-9 . # -", clip(a.ID), i)
		}
		if seen[a.ID] {
			return fmt.Errorf("assets: id %s stands twice", a.ID)
		}
		seen[a.ID] = true
		if a.Decimals > maxDecimals {
			return fmt.Errorf("assets: %s has %d decimals, want 0 to %d", a.ID, a.Decimals, maxDecimals)
		}
		if len(a.Tokens) > maxTokens {
			return fmt.Errorf("assets: %s has %d tokens, want at most %d", a.ID, len(a.Tokens), maxTokens)
		}
		for j, t := range a.Tokens {
			if err := t.check(a); err != nil {
				return err
			}
			if other, taken := backs[t.ID]; taken {
				return fmt.Errorf("assets: token %s backs both %s and %s; a token backs one asset, once", t.ID, other, a.ID)
			}
			backs[t.ID] = a.ID
			if j > 0 && a.Tokens[j-1].ID > t.ID {
				return fmt.Errorf("assets: the tokens of %s are not sorted by id", a.ID)
			}
			if !t.ID.Native() && !t.ID.Staked() {
				continue
			}
			coin := coinOf{t.ID.Chain(), t.ID.Staked()}
			if other, taken := coins[coin]; taken {
				return fmt.Errorf("assets: %s and %s are two names for the coin of one chain, which would count twice", other, t.ID)
			}
			coins[coin] = t.ID
		}
	}
	return nil
}

func (t Token) check(a Asset) error {
	if _, err := chains.ParseToken(string(t.ID)); err != nil {
		return fmt.Errorf("assets: %s: %w", a.ID, err)
	}
	if t.ID.Staked() && (t.Class != Staked || t.Decimals != 18) {
		return fmt.Errorf("assets: %s: token %s has class %q and %d decimals, staked coins have class staked and 18", a.ID, t.ID, clip(string(t.Class)), t.Decimals)
	}
	if !slices.Contains(Classes(), t.Class) {
		return fmt.Errorf("assets: %s: token %s has the class %q, want one of %v", a.ID, t.ID, clip(string(t.Class)), Classes())
	}
	if t.Decimals > a.Decimals {
		return fmt.Errorf("assets: %s has %d decimals but its token %s has %d; give the asset as many, so that nothing is rounded",
			a.ID, a.Decimals, t.ID, t.Decimals)
	}
	return nil
}

// isBlockHash tells whether a hash has its chain's spelling (SPEC part 2).
func isBlockHash(chain chains.Chain, hash string) bool {
	const lower, base58 = "0123456789abcdef", "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	switch chain.Namespace() {
	case chains.EIP155:
		digits, prefixed := strings.CutPrefix(hash, "0x")
		return prefixed && isOf(digits, 64, 64, lower)
	case chains.Solana:
		return isOf(hash, 32, 44, base58)
	case chains.XRPL:
		return isOf(hash, 64, 64, "0123456789ABCDEF")
	default:
		return isOf(hash, 64, 64, lower)
	}
}

func (s Snapshot) checkBlocks() error {
	named := map[chains.Chain]bool{}
	for _, c := range s.Chains() {
		named[c] = true
	}
	for i, b := range s.Blocks {
		if _, err := chains.ParseChain(string(b.Chain)); err != nil {
			return fmt.Errorf("blocks: %w", err)
		}
		if i > 0 && s.Blocks[i-1].Chain >= b.Chain {
			return fmt.Errorf("blocks: %s stands twice or out of order", b.Chain)
		}
		if !named[b.Chain] {
			return fmt.Errorf("blocks: no token of the registry is on %s", b.Chain)
		}
		delete(named, b.Chain)
		if !isBlockHash(b.Chain, b.Hash) {
			return fmt.Errorf("blocks: the hash of %s is not spelt as its chain's tools do", b.Chain)
		}
		if b.Number > maxNumber {
			return fmt.Errorf("blocks: the number of %s is above 2^53-1", b.Chain)
		}
		if b.Time.After(s.Instant.Time) {
			return fmt.Errorf("blocks: the block of %s is of %s, after the instant %s", b.Chain, b.Time, s.Instant)
		}
	}
	for _, c := range s.Chains() {
		if named[c] {
			return fmt.Errorf("blocks: there is none for %s, which a token of the registry is on", c)
		}
	}
	return nil
}

// Chains lists the chains that the registry's tokens are on, sorted (SPEC part 3).
func (s Snapshot) Chains() []chains.Chain {
	var all []chains.Chain
	for _, a := range s.Assets {
		for _, t := range a.Tokens {
			all = append(all, t.ID.Chain())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// AssetIDs lists the assets' ids in registry order (SPEC part 3).
func (s Snapshot) AssetIDs() []string {
	ids := make([]string, len(s.Assets))
	for i, a := range s.Assets {
		ids[i] = a.ID
	}
	return ids
}

// Block returns the pinned block of a chain (SPEC part 3).
func (s Snapshot) Block(c chains.Chain) (Block, bool) {
	for _, b := range s.Blocks {
		if b.Chain == c {
			return b, true
		}
	}
	return Block{}, false
}

// Ref returns the block as the chains' adapters name it (SPEC part 3).
func (b Block) Ref() chains.BlockRef {
	return chains.BlockRef{Chain: b.Chain, Hash: b.Hash, Number: b.Number, Time: b.Time.Time}
}

func isPeriod(s string) bool {
	return isOf(s, 1, 32, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-")
}

func isOf(s string, least, most int, alphabet string) bool {
	return len(s) >= least && len(s) <= most && strings.Trim(s, alphabet) == ""
}

const maxName = 64 // SPEC parts 3, 9, 20

func isPrintable(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return s != "" && len(s) <= maxName && strings.TrimSpace(s) == s
}

// checkText checks a text of 1 to most bytes that a report shows (SPEC part 2).
func checkText(s string, most int) error {
	if s == "" || len(s) > most {
		return fmt.Errorf("it has %d bytes, want 1 to %d", len(s), most)
	}
	return attest.CheckText(s)
}
