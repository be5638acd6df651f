package claim

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/assay-por/assay/verifier/canon"
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
	Surplus        *[SurplusSize]byte // where totals are hidden, x ‖ y of the surplus's row (SPEC part 29)
}

// Statement is the signed claim (SPEC part 9). Lists by asset follow the registry, liabilities the columns.
type Statement struct {
	Digest      Hash // H(payload)
	Manifest    Hash // H(manifest.json), the subject
	Approvals   Approvals
	Bands       []Band
	Coverage    []Coverage
	Issued      time.Time
	Ledger      Ledger
	Liabilities []*big.Int // base units by column; where totals are hidden, by asset, and at least what is owed
	AtMost      []bool     // these liabilities are what counts of the reserves, of which what is owed is a part
	Moment      Moment
	Reserves    Reserves
	Scope       Scope
	Series      Series
	Snapshot    Snapshot
	Tool        string
	Tree        Tree
	index       map[string]int
}

// ParseStatement is the check `statement.format` (SPEC part 9). Errors are *canon.FormatError or *canon.VersionError.
func ParseStatement(payload []byte) (*Statement, error) {
	if len(payload) > maxStatement {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(payload), maxStatement)}
	}
	s := &Statement{Digest: sha256.Sum256(payload)}
	var liabilities []owed
	err := canon.DecodeTyped(payload, "predicateType", PredicateType, func(r *canon.Reader) {
		r.Object(
			canon.Key("_type", func() { r.Fixed(statementType) }),
			canon.Key("predicate", func() { liabilities = readPredicate(r, s) }),
			canon.Key("predicateType", func() { r.Fixed(PredicateType) }),
			canon.Key("subject", func() { s.Manifest = readSubject(r, ManifestPath) }),
		)
	})
	if err != nil {
		return nil, err
	}
	if s.Issued.Before(s.Snapshot.Instant) {
		return nil, &canon.FormatError{Field: "predicate.issued", Problem: "before the snapshot's instant"}
	}
	if err := s.resolve(liabilities); err != nil {
		return nil, err
	}
	return s, nil
}

// readSubject reads the one subject of an in-toto statement.
func readSubject(r *canon.Reader, name string) (digest Hash) {
	subjects := 0
	r.Array(1, func(int) {
		subjects++
		r.Object(
			canon.Key("digest", func() { r.Object(canon.Key("sha256", func() { digest = r.Hash() })) }),
			canon.Key("name", func() { r.Fixed(name) }),
		)
	})
	if subjects != 1 {
		r.Fail("want one subject")
	}
	return digest
}

func readPredicate(r *canon.Reader, s *Statement) (liabilities []owed) {
	r.Object(
		canon.Key("approvals", func() { s.Approvals = readApprovals(r) }),
		canon.Key("bands", func() { s.Bands = readBands(r) }),
		canon.Key("coverage", func() { s.Coverage = readCoverage(r) }),
		canon.Key("issued", func() { s.Issued = canon.Parse(r, parseTime) }),
		canon.Key("ledger", func() { s.Ledger = readLedger(r) }),
		canon.Key("liabilities", func() {
			r.Array(maxColumns, func(int) { liabilities = append(liabilities, readOwed(r)) })
		}),
		canon.Key("moment", func() { s.Moment = readMoment(r) }),
		canon.Key("reserves", func() { s.Reserves = readReserves(r) }),
		canon.Key("scope", func() { s.Scope = readScope(r) }),
		canon.Key("series", func() { s.Series = readSeries(r) }),
		canon.Key("snapshot", func() { s.Snapshot = readSnapshot(r) }),
		canon.Key("tool", func() { s.Tool = canon.Parse(r, parsePrintable) }),
		canon.Key("tree", func() {
			r.Object(
				canon.Key("kind", func() { r.Fixed(s.Snapshot.Kind) }),
				canon.Key("leaves", func() { s.Tree.Leaves = r.Number(maxTreeLeafs) }),
				canon.Key("root", func() { s.Tree.Root = r.Hash() }),
				canon.Key("shards", func() { s.Tree.Shards = r.Number(maxShards) }),
				canon.Optional("surplus", func() { s.Tree.Surplus = canon.Parse(r, parseSurplus) }),
			)
			if s.Tree.Shards == 0 || s.Tree.Leaves < s.Tree.Shards {
				r.Fail("%d leaves in %d shards: no shard is empty", s.Tree.Leaves, s.Tree.Shards)
			}
		}),
	)
	return liabilities
}

func readScope(r *canon.Reader) (s Scope) {
	texts := func(to *[]string) func() {
		return func() { r.Array(1<<10, func(int) { *to = append(*to, canon.Parse(r, sized(4096))) }) }
	}
	r.Object(
		canon.Key("encumbrances", func() { s.Encumbrances = canon.Parse(r, sized(4096)) }),
		canon.Key("excluded", texts(&s.Excluded)),
		canon.Key("included", texts(&s.Included)),
	)
	if len(s.Included) == 0 {
		r.Fail("included: empty")
	}
	return s
}

// resolve checks that every list by asset names the registry: all of it, or in its order.
func (s *Statement) resolve(liabilities []owed) error {
	s.index = make(map[string]int)
	for i, a := range s.Snapshot.Assets {
		if _, twice := s.index[a.ID]; !twice {
			s.index[a.ID] = i
		}
	}
	names := make([][]string, 3)
	for _, n := range liabilities {
		names[0] = append(names[0], n.asset)
		s.Liabilities, s.AtMost = append(s.Liabilities, cmp.Or(n.amount, n.atMost)), append(s.AtMost, n.atMost != nil)
	}
	for _, c := range s.Coverage {
		names[1] = append(names[1], c.Asset)
	}
	for _, a := range s.Reserves.Assets {
		names[2] = append(names[2], a.Asset)
	}
	assets, owed := s.Snapshot.IDs(), s.Snapshot.Columns()
	if s.Hidden() {
		owed = assets
	}
	for i, list := range []struct {
		field string
		want  []string
	}{{"predicate.liabilities", owed}, {"predicate.coverage", assets}, {"predicate.reserves.assets", assets}} {
		if !slices.Equal(names[i], list.want) {
			problem := "does not name exactly the registry's assets, in its order"
			if len(list.want) > len(assets) {
				problem += ", and after them the margin's columns"
			}
			return &canon.FormatError{Field: list.field, Problem: problem}
		}
	}
	if err := s.checkHidden(); err != nil {
		return err
	}
	for _, c := range s.Ledger.Classes {
		if err := places("predicate.ledger.classes.sum", s.index, c.Sum, nil); err != nil {
			return err
		}
	}
	if err := s.Ledger.fits(s.Snapshot.Margin != nil, s.index); err != nil {
		return err
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
