package report

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

// maxBands bounds the other instants that a report shows (SPEC part 21).
const maxBands = 16

// Band is the same wallets at another instant (SPEC part 21).
type Band struct {
	Blocks  []Block       `json:"blocks"`
	Instant Time          `json:"instant"`
	Totals  []AssetAmount `json:"totals"`
}

// BandLine is one account's balance of one token at a band's instant, in the token's
// base units (SPEC part 21).
type BandLine struct {
	Account  chains.Account       `json:"account"`
	Amount   Units                `json:"amount"`
	Evidence chains.EvidenceGrade `json:"evidence"`
	Token    chains.Token         `json:"token"`
}

// BandFile is reserves/bands/N/lines.json (SPEC part 21).
type BandFile struct {
	Lines    []BandLine `json:"lines"`
	Snapshot Digest     `json:"snapshot"`
	Type     string     `json:"type"`
}

// BandReserves is a band and the lines that its totals are summed from.
type BandReserves struct {
	Band
	Lines []BandLine
}

// NewBand makes the band of an instant out of its pinned blocks and the balances
// there (SPEC part 21).
func NewBand(s Snapshot, instant time.Time, refs []chains.BlockRef, balances []chains.Balance) (BandReserves, error) {
	at, err := NewTime(instant)
	if err != nil {
		return BandReserves{}, fmt.Errorf("band: %w", err)
	}
	b := BandReserves{Band: Band{Blocks: []Block{}, Instant: at}, Lines: []BandLine{}}
	for _, r := range refs {
		t, err := NewTime(r.Time)
		if err != nil {
			return BandReserves{}, fmt.Errorf("band of %s: block of %s: %w", at, r.Chain, err)
		}
		b.Blocks = append(b.Blocks, Block{Chain: r.Chain, Hash: r.Hash, Number: r.Number, Time: t})
	}
	slices.SortFunc(b.Blocks, func(x, y Block) int { return cmp.Compare(x.Chain, y.Chain) })
	for _, l := range balances {
		if l.Amount == nil {
			return BandReserves{}, fmt.Errorf("band of %s: the balance of %s in %s has no amount", at, l.Account, l.Token)
		}
		b.Lines = append(b.Lines, BandLine{Account: l.Account, Amount: NewUnits(l.Amount), Evidence: l.Grade, Token: l.Token})
	}
	slices.SortFunc(b.Lines, compareBandLines)
	if b.Totals, err = bandTotals(s, b.Lines); err != nil {
		return BandReserves{}, err
	}
	return b, checkBands(s, []Band{b.Band})
}

func compareBandLines(a, b BandLine) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Token, b.Token))
}

// bandTotals sums up all lines per asset, whatever a rule would count: nothing of a
// band covers anything.
func bandTotals(s Snapshot, lines []BandLine) ([]AssetAmount, error) {
	if err := CheckBandLines(s, lines); err != nil {
		return nil, err
	}
	totals := make([]AssetAmount, len(s.Assets))
	for i, a := range s.Assets {
		totals[i].Asset = a.ID
	}
	tokens := s.tokens()
	for _, l := range lines {
		at := tokens[l.Token]
		amount, err := s.scaled(at, l.Amount)
		if err != nil {
			return nil, fmt.Errorf("band: %s in %s: %w", l.Account, l.Token, err)
		}
		if totals[at.asset].Amount, err = totals[at.asset].Amount.Add(amount); err != nil {
			return nil, fmt.Errorf("band: adding up %s: %w", s.Assets[at.asset].ID, err)
		}
	}
	return totals, nil
}

// scaled is an amount of a token in its asset's base units.
func (s Snapshot) scaled(at place, amount Units) (Units, error) {
	return amount.Scale(s.Assets[at.asset].Decimals - at.token.Decimals)
}

// CheckBandLines holds a band's lines to their format and to the registry (SPEC part 21).
func CheckBandLines(s Snapshot, lines []BandLine) error {
	full := make([]Line, len(lines))
	for i, l := range lines {
		full[i] = Line{Account: l.Account, Amount: l.Amount, Control: chains.NoControl, Custody: OwnOther, Evidence: l.Evidence, Token: l.Token}
	}
	if err := CheckLines(s, full); err != nil {
		return fmt.Errorf("band: %w", err)
	}
	return nil
}

// checkBands holds what a statement says of bands to its format (SPEC part 21).
func checkBands(s Snapshot, bands []Band) error {
	if len(bands) > maxBands {
		return fmt.Errorf("bands: there are %d, want at most %d", len(bands), maxBands)
	}
	for i, b := range bands {
		if b.Instant.Equal(s.Instant.Time) {
			return fmt.Errorf("bands: the instant %s is the snapshot's own", b.Instant)
		}
		if i > 0 && !bands[i-1].Instant.Before(b.Instant.Time) {
			return fmt.Errorf("bands: the instant %s stands twice or out of order", b.Instant)
		}
		there := s
		there.Instant, there.Blocks = b.Instant, b.Blocks
		if err := there.checkBlocks(); err != nil {
			return fmt.Errorf("band of %s: %w", b.Instant, err)
		}
		if len(b.Totals) != len(s.Assets) {
			return fmt.Errorf("band of %s: totals of %d assets, the registry has %d", b.Instant, len(b.Totals), len(s.Assets))
		}
		for j, t := range b.Totals {
			if t.Asset != s.Assets[j].ID {
				return fmt.Errorf("band of %s: total #%d is of %q, the registry has %s", b.Instant, j, clip(t.Asset), s.Assets[j].ID)
			}
		}
	}
	return nil
}

// check ties a band out: its totals follow from its lines, and those are of the same
// holdings as the reserves' lines (SPEC part 21).
func (b BandReserves) check(s Snapshot, lines []Line) error {
	totals, err := bandTotals(s, b.Lines)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(totals, b.Totals) {
		return fmt.Errorf("band of %s: its totals do not follow from its lines", b.Instant)
	}
	if len(b.Lines) != len(lines) {
		return fmt.Errorf("band of %s: it has %d lines, the reserves have %d", b.Instant, len(b.Lines), len(lines))
	}
	for i, l := range b.Lines {
		if l.Account != lines[i].Account || l.Token != lines[i].Token {
			return fmt.Errorf("band of %s: it has no line of %s in %s", b.Instant, lines[i].Account, lines[i].Token)
		}
	}
	return nil
}

// draftBands ties the bands out and lists them as the statement has them.
func draftBands(in Inputs) ([]Band, error) {
	bands := []Band{}
	for _, b := range in.Bands {
		if err := b.check(in.Snapshot, in.Lines); err != nil {
			return nil, err
		}
		bands = append(bands, b.Band)
	}
	return bands, nil
}

// BandLinesJSON returns reserves/bands/N/lines.json (SPEC part 21).
func BandLinesJSON(s Snapshot, lines []BandLine) ([]byte, error) {
	if err := CheckBandLines(s, lines); err != nil {
		return nil, err
	}
	return attest.Canonical(BandFile{Lines: notNil(lines), Snapshot: s.ID, Type: TypeBand})
}

// ParseBandLines reads reserves/bands/N/lines.json of a snapshot (SPEC part 21).
func ParseBandLines(s Snapshot, b []byte) ([]BandLine, error) {
	var f BandFile
	if len(b) > maxFile {
		return nil, fmt.Errorf("lines of a band: larger than %d bytes", maxFile)
	}
	if err := attest.Decode(b, &f); err != nil {
		return nil, fmt.Errorf("lines of a band: %w", err)
	}
	if f.Type != TypeBand || f.Snapshot != s.ID {
		return nil, fmt.Errorf("lines of a band: type %q and snapshot %s, want %q and %s", clip(f.Type), f.Snapshot, TypeBand, s.ID)
	}
	return f.Lines, CheckBandLines(s, f.Lines)
}

// Bands reads the lines of every band, in order, and checks that the statement's
// totals follow from them and that they are of the same holdings as the reserves'
// lines (SPEC part 21).
func (s Signed) Bands(lines []Line, files [][]byte) ([]BandReserves, error) {
	p := s.Statement.Predicate
	if len(files) != len(p.Bands) {
		return nil, fmt.Errorf("bands: there are lines of %d, the statement has %d", len(files), len(p.Bands))
	}
	var bands []BandReserves
	for i, file := range files {
		b := BandReserves{Band: p.Bands[i]}
		var err error
		if b.Lines, err = ParseBandLines(p.Snapshot, file); err != nil {
			return nil, err
		}
		if err := b.check(p.Snapshot, lines); err != nil {
			return nil, err
		}
		bands = append(bands, b)
	}
	return bands, nil
}

const (
	bandPrefix = "reserves/bands/"
	bandLines  = "lines.json"
)

// PathBandLines returns the path of the lines of band n (SPEC part 11).
func PathBandLines(n int) string { return bandPrefix + strconv.Itoa(n) + "/" + bandLines }

// PathBandEvidence returns the path of a chain's evidence at band n (SPEC part 11).
func PathBandEvidence(n int, c chains.Chain) string {
	return bandPrefix + strconv.Itoa(n) + "/" + strings.TrimPrefix(PathEvidence(c), evidencePrefix)
}

// bandFile returns which band a path is of, and its name there.
func bandFile(path string) (n int, name string, ok bool) {
	rest, ok := strings.CutPrefix(path, bandPrefix)
	number, name, cut := strings.Cut(rest, "/")
	n, err := strconv.Atoi(number)
	if !ok || !cut || err != nil || n < 0 || n >= maxBands || strconv.Itoa(n) != number {
		return 0, "", false
	}
	if name == bandLines {
		return n, name, true
	}
	_, ok = evidenceChain(evidencePrefix + name)
	return n, name, ok
}

// evidenceOf returns the chain whose evidence lies at path, be it the snapshot's or a band's.
func evidenceOf(path string) (chains.Chain, bool) {
	if _, name, ok := bandFile(path); ok {
		path = evidencePrefix + name
	}
	return evidenceChain(path)
}
