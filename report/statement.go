package report

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/merkle"
)

const (
	maxShards = 1_048_576 // SPEC part 18
	maxText   = 4096      // SPEC part 9
)

// NotDeclared is the encumbrances text of an exchange that says nothing (SPEC part 9).
const NotDeclared = "not declared"

// Inputs is everything a statement is drawn from (SPEC part 9). Files are those of
// the bundle but for the manifest and the envelope; the leaves of every shard are
// among them, published or not, so that the manifest names them.
type Inputs struct {
	Snapshot    Snapshot
	Scope       Scope
	Series      Series
	Approvals   Approvals
	Issued      Time // when it was drawn up
	Moment      Moment
	Tool        string
	Ledger      Ledger
	Tree        Tree
	Liabilities merkle.Plain // where totals are hidden, what is owed at most of each asset: the counted reserves, or what is owed where that is more
	Lines       []Line
	Claims      []Claim
	Bands       []BandReserves // sorted by instant
	Rule        Rule
	Files       []File
}

// Draft draws up the statement to be signed and the manifest that it names (SPEC
// parts 9 and 11). It makes every check that needs no signature and no chain, so
// that nothing false about the run's own files is ever put before a signer.
func Draft(in Inputs) (payload, manifest []byte, err error) {
	reserves, err := NewReserves(in.Snapshot, in.Lines, in.Rule)
	if err != nil {
		return nil, nil, err
	}
	if err := CheckClaims(in.Snapshot, in.Claims); err != nil {
		return nil, nil, err
	}
	reserves.Claims = claimTotals(in.Claims)
	bands, err := draftBands(in)
	if err != nil {
		return nil, nil, err
	}
	liabilities, err := Liabilities(in.Snapshot, in.Tree, in.Liabilities)
	if err == nil && in.Tree.Hides() {
		err = hide(liabilities, reserves)
	}
	if err != nil {
		return nil, nil, err
	}
	coverage, err := NewCoverage(reserves, liabilities[:len(in.Snapshot.Assets)])
	if err != nil {
		return nil, nil, err
	}
	if in.Scope.Encumbrances == "" {
		in.Scope.Encumbrances = NotDeclared
	}
	in.Scope.Excluded, in.Scope.Included = notNil(in.Scope.Excluded), notNil(in.Scope.Included)
	in.Approvals.Keys, in.Moment.Blocks = notNil(in.Approvals.Keys), notNil(in.Moment.Blocks)
	p := Predicate{
		Approvals: in.Approvals, Bands: bands, Coverage: coverage, Issued: in.Issued, Ledger: in.Ledger.notNil(in.Tree), Liabilities: liabilities,
		Moment: in.Moment, Reserves: reserves, Scope: in.Scope, Series: in.Series, Snapshot: in.Snapshot, Tool: in.Tool, Tree: in.Tree,
	}
	if err := p.Check(); err != nil {
		return nil, nil, err
	}
	manifest, err = newManifest(in)
	if err != nil {
		return nil, nil, err
	}
	payload, err = attest.Canonical(attest.NewStatement(PredicateType, p, PathManifest, sha256.Sum256(manifest)))
	if err != nil {
		return nil, nil, err
	}
	if len(payload) > attest.MaxPayload {
		return nil, nil, fmt.Errorf("statement: %d bytes, at most %d", len(payload), attest.MaxPayload)
	}
	return payload, manifest, nil
}

// notNil keeps the ledger's empty lists from being written as null, or from being left out.
func (l Ledger) notNil(tree Tree) Ledger {
	l.Classes = append([]LedgerClass{}, l.Classes...)
	for i := 0; i < len(l.Classes) && !tree.Hides(); i++ {
		l.Classes[i].Sum = notNil(l.Classes[i].Sum)
	}
	if !tree.Hides() || !l.hidesNegatives() {
		l.Negatives.Sum = notNil(l.Negatives.Sum)
	}
	l.UnknownAssets.Sums = notNil(l.UnknownAssets.Sums)
	if l.Underwater != nil {
		u := *l.Underwater
		u.Sum, l.Underwater = notNil(u.Sum), &u
	}
	return l
}

// Check holds the predicate to its format and to its own arithmetic: all that can be
// known without the other files (SPEC parts 3, 7, 9, 15, 23, 24, 26).
func (p Predicate) Check() error {
	if err := p.Snapshot.Check(); err != nil {
		return err
	}
	if err := p.Scope.check(); err != nil {
		return err
	}
	if err := p.checkOrigin(); err != nil {
		return err
	}
	if !isPrintable(p.Tool) {
		return fmt.Errorf("tool: %q is not 1 to 64 printable ASCII characters", clip(p.Tool))
	}
	if p.Tree.Kind != p.Snapshot.Kind {
		return fmt.Errorf("tree: kind %q, the snapshot's is %q", clip(p.Tree.Kind), p.Snapshot.Kind)
	}
	if p.Tree.Shards == 0 || p.Tree.Shards > maxShards || p.Tree.Leaves < p.Tree.Shards {
		return fmt.Errorf("tree: %d leaves in %d shards, want 1 to %d shards and a leaf in each", p.Tree.Leaves, p.Tree.Shards, maxShards)
	}
	if err := p.Tree.checkSurplus(); err != nil {
		return err
	}
	if err := checkLiabilities(p.Snapshot, p.Tree, p.Liabilities); err != nil {
		return err
	}
	if err := p.checkMargin(); err != nil {
		return err
	}
	if err := p.Ledger.Check(p.Snapshot, p.Tree, p.Liabilities); err != nil {
		return err
	}
	if err := p.Reserves.check(p.Snapshot); err != nil {
		return err
	}
	if err := p.checkHidden(); err != nil {
		return err
	}
	if err := checkBands(p.Snapshot, p.Bands); err != nil {
		return err
	}
	coverage, err := NewCoverage(p.Reserves, p.Liabilities[:len(p.Snapshot.Assets)])
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(coverage, p.Coverage) {
		return errors.New("coverage: it is not what counted reserves and liabilities give")
	}
	return nil
}

func (s Scope) check() error {
	if err := checkText(s.Encumbrances, maxText); err != nil {
		return fmt.Errorf("scope.encumbrances: %w", err)
	}
	if len(s.Included) == 0 {
		return errors.New("scope.included: it is empty; say which products, entities and regions the report speaks of")
	}
	for i, t := range s.Included {
		if err := checkText(t, maxText); err != nil {
			return fmt.Errorf("scope.included: text #%d: %w", i, err)
		}
	}
	for i, t := range s.Excluded {
		if err := checkText(t, maxText); err != nil {
			return fmt.Errorf("scope.excluded: text #%d: %w", i, err)
		}
	}
	return nil
}

// check holds stated reserves to the registry and to their own sums (SPEC part 15).
func (r Reserves) check(s Snapshot) error {
	if err := r.Rule.Check(); err != nil {
		return err
	}
	if err := checkTotals(s, r.Claims); err != nil {
		return err
	}
	if len(r.Assets) != len(s.Assets) {
		return fmt.Errorf("reserves: %d assets, the registry has %d", len(r.Assets), len(s.Assets))
	}
	tokens := s.tokens()
	for i, a := range r.Assets {
		if a.Asset != s.Assets[i].ID {
			return fmt.Errorf("reserves: asset #%d is %q, the registry has %s", i, clip(a.Asset), s.Assets[i].ID)
		}
		var counted Units
		var err error
		for j, g := range a.Groups {
			if at, ok := tokens[g.Token]; !ok || at.asset != i || at.token.Class != g.Class {
				return fmt.Errorf("reserves: %s: group #%d: token %s with class %q is not this asset's", a.Asset, j, clip(string(g.Token)), clip(string(g.Class)))
			}
			if err := checkGrades(g.Custody, g.Control, g.Evidence); err != nil {
				return fmt.Errorf("reserves: %s: group #%d: %w", a.Asset, j, err)
			}
			if !r.Rule.Counts(g.Class, g.Control, g.Evidence) {
				continue
			}
			if counted, err = counted.Add(g.Amount); err != nil {
				return fmt.Errorf("reserves: counting %s: %w", a.Asset, err)
			}
		}
		if !counted.Equal(a.Counted) {
			return fmt.Errorf("reserves: %s: %s is stated as counted, the groups give %s", a.Asset, a.Counted, counted)
		}
	}
	return nil
}

// Signed is a signed report taken apart (SPEC parts 9 and 10). All in it comes from
// the exact bytes that were signed.
type Signed struct {
	Payload   []byte
	Digest    Digest // of Payload
	Statement Statement
	KeyIDs    []string
}

// Read takes an envelope apart and holds its statement to format and arithmetic
// (SPEC parts 9 and 10). It does not verify signatures: whose keys are to be believed
// is not the report's to say.
func Read(envelope []byte) (Signed, error) {
	e, err := attest.ParseEnvelope(envelope)
	if err != nil {
		return Signed{}, err
	}
	s := Signed{Payload: e.Payload, Digest: sha256.Sum256(e.Payload)}
	for _, sig := range e.Signatures {
		s.KeyIDs = append(s.KeyIDs, sig.KeyID)
	}
	s.Statement, err = ParseStatement(e.Payload)
	return s, err
}

// ParseStatement reads the exact bytes of a statement, signed or yet to be signed, and
// holds them to format and arithmetic (SPEC part 9).
func ParseStatement(payload []byte) (Statement, error) {
	s, err := attest.DecodeStatement[Predicate](payload, PredicateType, PathManifest)
	if err != nil {
		return Statement{}, err
	}
	if err := s.Predicate.Check(); err != nil {
		return Statement{}, fmt.Errorf("statement: %w", err)
	}
	return s, nil
}

// Lines reads reserves/lines.json and checks that the statement's reserves follow
// from it (SPEC part 15).
func (s Signed) Lines(b []byte) ([]Line, error) {
	p := s.Statement.Predicate
	lines, err := ParseLines(p.Snapshot, b)
	if err != nil {
		return nil, err
	}
	again, err := NewReserves(p.Snapshot, lines, p.Reserves.Rule)
	if err != nil {
		return nil, err
	}
	again.Claims = p.Reserves.Claims // those are in no line
	if !reflect.DeepEqual(again, p.Reserves) {
		return nil, fmt.Errorf("%s: the statement's reserves do not follow from these lines", PathLines)
	}
	return lines, nil
}
