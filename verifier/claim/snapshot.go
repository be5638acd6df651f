package claim

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

// Kinds of trees: sums in the open (SPEC part 4), or commitments (SPEC part 29).
const (
	KindPlain        = "plain"
	KindConfidential = "confidential"
)

// Limits of SPEC part 18.
const (
	maxAssets = 1024
	maxTokens = 64
	maxChains = maxAssets * maxTokens
)

var parseClass = parseOne("token class", "native", "issued", "wrapped", "staked", "own")

// Asset is something that is owed, with the tokens that back it (SPEC part 3).
type Asset struct {
	ID       string
	Decimals int
	Tokens   []Token
}

// Token is something that a chain holds (SPEC part 3).
type Token struct {
	ID       string
	Class    string
	Decimals int
}

// Block is the pinned block of a chain (SPEC part 3).
type Block struct {
	Chain, Hash string
	Number      uint64
	Time        time.Time
}

// Exchange is who speaks (SPEC part 3).
type Exchange struct{ Entity, LEI, Name, URL string }

// Snapshot is the instant that a report speaks of (SPEC part 3).
type Snapshot struct {
	Assets   []Asset
	Blocks   []Block
	Draw     *Draw // nil: the exchange chose the instant
	Exchange Exchange
	ID       Hash
	Instant  time.Time
	Kind     string  // of the tree
	Margin   *Margin // nil: customers owe nothing
	Period   string
	hashed   []byte // the canonical JSON without id and blocks
}

// snapshot reads the object and keeps the bytes that its id covers: the object as it stands, but for two keys.
func readSnapshot(r *canon.Reader) (s Snapshot) {
	start := r.Offset()
	var cutBlocks, cutID [2]int // from the key's first byte to just after the comma that follows the value
	r.Object(
		canon.Key("assets", func() { s.Assets = readAssets(r) }),
		canon.Key("blocks", func() {
			cutBlocks[0] = r.Offset() - len(`"blocks":`)
			s.Blocks = readBlocks(r)
			cutBlocks[1] = r.Offset() + 1
		}),
		canon.Optional("draw", func() { s.Draw = readDraw(r) }),
		canon.Key("exchange", func() { s.Exchange = readExchange(r) }),
		canon.Key("id", func() {
			cutID[0] = r.Offset() - len(`"id":`)
			s.ID = r.Hash()
			cutID[1] = r.Offset() + 1
		}),
		canon.Key("instant", func() { s.Instant = canon.Parse(r, parseTime) }),
		canon.Key("kind", func() { s.Kind = canon.Parse(r, parseTreeKind) }),
		canon.Optional("margin", func() { s.Margin = readMargin(r) }),
		canon.Key("period", func() { s.Period = canon.Parse(r, parsePeriod) }),
	)
	if !r.Failed() {
		if s.Margin != nil {
			s.Margin.settle(&s)
		}
		s.hashed = append(s.hashed, r.Bytes(start, cutBlocks[0])...)
		s.hashed = append(s.hashed, r.Bytes(cutBlocks[1], cutID[0])...)
		s.hashed = append(s.hashed, r.Bytes(cutID[1], r.Offset())...)
	}
	return s
}

var parseTreeKind = parseOne("kind of tree", KindPlain, KindConfidential)

func parsePeriod(s string) (string, error) {
	if len(s) > 32 || !only(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"+digits+".-") {
		return "", errors.New("want 1-32 of A-Z a-z 0-9 . -")
	}
	return s, nil
}

func readAssets(r *canon.Reader) (list []Asset) {
	r.Array(maxAssets, func(int) {
		var a Asset
		r.Object(
			canon.Key("decimals", func() { a.Decimals = int(r.Number(36)) }), //nolint:gosec // at most 36
			canon.Key("id", func() { a.ID = canon.Parse(r, parseAsset) }),
			canon.Key("tokens", func() {
				var last string
				r.Array(maxTokens, func(i int) {
					t := readToken(r)
					if ascending(r, i, &last, t.ID); t.Decimals > a.Decimals {
						r.Fail("decimals: %d, more than the asset's %d", t.Decimals, a.Decimals)
					}
					a.Tokens = append(a.Tokens, t)
				})
			}),
		)
		list = append(list, a)
	})
	if len(list) == 0 {
		r.Fail("no assets")
	}
	return list
}

func readToken(r *canon.Reader) (t Token) {
	r.Object(
		canon.Key("class", func() { t.Class = canon.Parse(r, parseClass) }),
		canon.Key("decimals", func() { t.Decimals = int(r.Number(36)) }), //nolint:gosec // at most 36
		canon.Key("id", func() { t.ID = canon.Parse(r, parseToken) }),
	)
	return t
}

func readBlocks(r *canon.Reader) (list []Block) {
	var last string
	r.Array(maxChains, func(i int) {
		var b Block
		r.Object(
			canon.Key("chain", func() { b.Chain = canon.Parse(r, parseChain) }),
			canon.Key("hash", func() {
				b.Hash = r.Text()
				if err := checkBlockHash(b.Chain, b.Hash); err != nil {
					r.Fail("%v", err)
				}
			}),
			canon.Key("number", func() { b.Number = r.Number(canon.MaxInteger) }),
			canon.Key("time", func() { b.Time = canon.Parse(r, parseTime) }),
		)
		ascending(r, i, &last, b.Chain)
		list = append(list, b)
	})
	return list
}

func readExchange(r *canon.Reader) (e Exchange) {
	r.Object(
		canon.Key("entity", func() { e.Entity = canon.Parse(r, sized(256)) }),
		canon.Optional("lei", func() {
			if e.LEI = r.Text(); len(e.LEI) != 20 || strings.Trim(e.LEI, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"+digits) != "" {
				r.Fail("want 20 of A-Z 0-9")
			}
		}),
		canon.Key("name", func() { e.Name = canon.Parse(r, parsePrintable) }),
		canon.Optional("url", func() { e.URL = canon.Parse(r, sized(2048)) }),
	)
	return e
}

// Check is the check `snapshot` (SPEC part 3): ids are unique, the snapshot's own id is that of its content, pinned blocks fit the
// registry, and no block is after the instant or more than window before it. A chain's own coin stands in the registry once. The margin's
// prices give factors of their range (SPEC part 30).
func (s *Snapshot) Check(window time.Duration) error {
	if err := s.checkRegistry(); err != nil {
		return err
	}
	if got := Hash(sha256.Sum256(append([]byte("assay/v1/snapshot\x00"), s.hashed...))); got != s.ID {
		return fmt.Errorf("the snapshot's id comes out as %s, it says %s", got, s.ID)
	}
	chains := make(map[string]bool)
	for _, a := range s.Assets {
		for _, t := range a.Tokens {
			chains[ChainOf(t.ID)] = true
		}
	}
	for _, b := range s.Blocks {
		if !chains[b.Chain] {
			return fmt.Errorf("a block of %s is pinned, but no token of the registry is of that chain", b.Chain)
		}
		if b.Time.After(s.Instant) {
			return fmt.Errorf("the pinned block of %s is after the instant", b.Chain)
		}
		if age := s.Instant.Sub(b.Time); age > window {
			return fmt.Errorf("the pinned block of %s is %s before the instant, the policy allows %s", b.Chain, age, window)
		}
	}
	if len(chains) != len(s.Blocks) {
		return fmt.Errorf("the registry's tokens are of %d chains, %d blocks are pinned", len(chains), len(s.Blocks))
	}
	if s.Margin != nil {
		return s.Margin.fault
	}
	return nil
}

func (s *Snapshot) checkRegistry() error {
	if len(s.Assets) == 0 {
		return errors.New("the registry has no assets")
	}
	assets, tokens, coins := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range s.Assets {
		if assets[a.ID] {
			return fmt.Errorf("asset %s is twice in the registry", a.ID)
		}
		assets[a.ID] = true
		for _, t := range a.Tokens {
			if tokens[t.ID] {
				return fmt.Errorf("token %s is twice in the registry", t.ID)
			}
			tokens[t.ID] = true
			chain := ChainOf(t.ID)
			if staked := strings.Contains(t.ID, "/staked:"); staked || Native(t.ID) {
				coin := "native"
				if staked {
					coin = "staked"
				}
				if coins[coin+chain] {
					return fmt.Errorf("the registry names the %s coin of %s twice, so the same coins would count twice", coin, chain)
				}
				coins[coin+chain] = true
				if staked && (t.Class != coin || t.Decimals != 18) {
					return fmt.Errorf("token %s has class %s and %d decimals, staked coins have class staked and 18", t.ID, t.Class, t.Decimals)
				}
			}
		}
	}
	return nil
}

// IDs gives the asset ids in registry order.
func (s *Snapshot) IDs() []string {
	ids := make([]string, len(s.Assets))
	for i, a := range s.Assets {
		ids[i] = a.ID
	}
	return ids
}

// Find gives a token and the place of the asset it backs.
func (s *Snapshot) Find(token string) (asset int, t Token, ok bool) {
	for i, a := range s.Assets {
		for _, t := range a.Tokens {
			if t.ID == token {
				return i, t, true
			}
		}
	}
	return 0, Token{}, false
}

// Coin gives the token that is a chain's own coin; empty if the registry has none.
func (s *Snapshot) Coin(chain string) string {
	for _, a := range s.Assets {
		for _, t := range a.Tokens {
			if ChainOf(t.ID) == chain && Native(t.ID) {
				return t.ID
			}
		}
	}
	return ""
}

// Asset gives an asset of the registry by its id.
func (s *Snapshot) Asset(id string) (Asset, bool) {
	for _, a := range s.Assets {
		if a.ID == id {
			return a, true
		}
	}
	return Asset{}, false
}
