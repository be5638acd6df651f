package claim

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"strings"
)

// Types of SPEC part 9.
const (
	statementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://github.com/assay-por/assay/solvency/v1"
)

const (
	maxStatement = 16 << 20 // SPEC part 18
	maxTreeLeafs = 1 << 51  // 2^20 shards of 2^31 leaves
	maxShards    = 1 << 20  // SPEC part 18
)

// Scope says what the statement speaks of (SPEC part 9).
type Scope struct {
	Encumbrances       string
	Excluded, Included []string
}

// Tree is the statement's commitment to the liabilities (SPEC part 9).
type Tree struct {
	Leaves, Shards uint64
	Root           Hash
}

// Statement is the signed claim (SPEC part 9). Lists by asset follow the registry.
type Statement struct {
	Digest      Hash // H(payload)
	Manifest    Hash // H(manifest.json), the subject
	Coverage    []Coverage
	Ledger      Ledger
	Liabilities []*big.Int
	Reserves    Reserves
	Scope       Scope
	Snapshot    Snapshot
	Tool        string
	Tree        Tree
	index       map[string]int
}

// ParseStatement is the check `statement.format` (SPEC part 9). Errors are *FormatError or *VersionError.
func ParseStatement(payload []byte) (*Statement, error) {
	if len(payload) > maxStatement {
		return nil, &FormatError{"", fmt.Sprintf("%d bytes, the limit is %d", len(payload), maxStatement)}
	}
	s := &Statement{Digest: sha256.Sum256(payload)}
	var liabilities []Named
	err := decode(payload, "predicateType", PredicateType, func(r *reader) {
		r.object(
			must("_type", func() { r.fixed(statementType) }),
			must("predicate", func() { liabilities = r.predicate(s) }),
			must("predicateType", func() { r.fixed(PredicateType) }),
			must("subject", func() {
				subjects := 0
				r.array(1, func(int) {
					subjects++
					r.object(
						must("digest", func() { r.object(must("sha256", func() { s.Manifest = parsed(r, parseHash) })) }),
						must("name", func() { r.fixed(ManifestPath) }),
					)
				})
				if subjects != 1 {
					r.fail("want one subject")
				}
			}),
		)
	})
	if err != nil {
		return nil, err
	}
	if err := s.resolve(liabilities); err != nil {
		return nil, err
	}
	return s, nil
}

func (r *reader) predicate(s *Statement) (liabilities []Named) {
	r.object(
		must("coverage", func() { s.Coverage = r.coverage() }),
		must("ledger", func() { s.Ledger = r.ledger() }),
		must("liabilities", func() {
			r.array(maxAssets, func(int) { liabilities = append(liabilities, r.named()) })
		}),
		must("reserves", func() { s.Reserves = r.reserves() }),
		must("scope", func() { s.Scope = r.scope() }),
		must("snapshot", func() { s.Snapshot = r.snapshot() }),
		must("tool", func() { s.Tool = parsed(r, parsePrintable) }),
		must("tree", func() {
			r.object(
				must("kind", func() { r.fixed(KindPlain) }),
				must("leaves", func() { s.Tree.Leaves = r.number(maxTreeLeafs) }),
				must("root", func() { s.Tree.Root = parsed(r, parseHash) }),
				must("shards", func() { s.Tree.Shards = r.number(maxShards) }),
			)
			if s.Tree.Shards == 0 || s.Tree.Leaves < s.Tree.Shards {
				r.fail("%d leaves in %d shards: no shard is empty", s.Tree.Leaves, s.Tree.Shards)
			}
		}),
	)
	return liabilities
}

func (r *reader) scope() (s Scope) {
	texts := func(to *[]string) func() {
		return func() { r.array(1<<10, func(int) { *to = append(*to, parsed(r, sized(4096))) }) }
	}
	r.object(
		must("encumbrances", func() { s.Encumbrances = parsed(r, sized(4096)) }),
		must("excluded", texts(&s.Excluded)),
		must("included", texts(&s.Included)),
	)
	if len(s.Included) == 0 {
		r.fail("included: empty")
	}
	return s
}

// resolve checks that every list by asset names the registry: all of it, or in its order.
func (s *Statement) resolve(liabilities []Named) error {
	s.index = make(map[string]int)
	for i, a := range s.Snapshot.Assets {
		if _, twice := s.index[a.ID]; !twice {
			s.index[a.ID] = i
		}
	}
	names := make([][]string, 3)
	for _, n := range liabilities {
		names[0] = append(names[0], n.Asset)
		s.Liabilities = append(s.Liabilities, n.Amount)
	}
	for _, c := range s.Coverage {
		names[1] = append(names[1], c.Asset)
	}
	for _, a := range s.Reserves.Assets {
		names[2] = append(names[2], a.Asset)
	}
	want := strings.Join(s.Snapshot.IDs(), " ")
	for i, field := range []string{"predicate.liabilities", "predicate.coverage", "predicate.reserves.assets"} {
		if got := strings.Join(names[i], " "); got != want {
			return &FormatError{field, "does not name exactly the registry's assets, in its order"}
		}
	}
	for _, c := range s.Ledger.Classes {
		if err := places("predicate.ledger.classes.sum", s.index, c.Sum, nil); err != nil {
			return err
		}
	}
	return places("predicate.ledger.negatives.sum", s.index, s.Ledger.Negatives.Sum, nil)
}

func (s *Statement) zeros() []*big.Int {
	list := make([]*big.Int, len(s.Snapshot.Assets))
	for i := range list {
		list[i] = new(big.Int)
	}
	return list
}

// CheckExchange is the check `statement.exchange` (SPEC part 9).
func (s *Statement) CheckExchange(p *Policy) error {
	if s.Snapshot.Exchange.Name != p.Exchange {
		return fmt.Errorf("the statement is by %q, the policy is about %q", s.Snapshot.Exchange.Name, p.Exchange)
	}
	return nil
}
