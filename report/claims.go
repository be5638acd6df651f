package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assay-por/assay/attest"
)

// Claim is what somebody says of coins that no evidence here shows: a custodian of
// what it holds for the exchange, with its signed statement, or the exchange itself
// (SPEC part 20). It is in no total of the reserves.
type Claim struct {
	Amount Units            `json:"amount"`
	Asset  string           `json:"asset"`
	DSSE   *attest.Envelope `json:"dsse,omitempty"`
	Holder string           `json:"holder"`
	JWS    string           `json:"jws,omitempty"`
	Kind   ClaimKind        `json:"kind"`
}

// ClaimTotal is a claim as the statement lists it (SPEC part 20).
type ClaimTotal struct {
	Amount Units     `json:"amount"`
	Asset  string    `json:"asset"`
	Holder string    `json:"holder"`
	Kind   ClaimKind `json:"kind"`
}

// ClaimKind says whose word a claim is (SPEC part 20).
type ClaimKind string

// The kinds of claim of SPEC part 20.
const (
	Custodian  ClaimKind = "custodian"
	Unprovable ClaimKind = "unprovable"
)

// ClaimsFile is reserves/claims.json (SPEC part 20).
type ClaimsFile struct {
	Claims   []Claim `json:"claims"`
	Snapshot Digest  `json:"snapshot"`
	Type     string  `json:"type"`
}

// SignedCustody is a custodian's statement as it came in: an envelope's file or a JWS.
// Its signature must have been checked (SPEC part 20).
type SignedCustody struct {
	Holder string
	DSSE   []byte
	JWS    string
}

// OwnClaim is what the exchange says itself of coins that no evidence can show; the
// amount is a decimal (SPEC part 20).
type OwnClaim struct{ Asset, Amount, Holder string }

// NewClaims makes the claims of a snapshot: one for each balance that a custodian
// names of an asset of the registry, and the exchange's own (SPEC part 20).
func NewClaims(s Snapshot, signed []SignedCustody, own []OwnClaim) ([]Claim, error) {
	claims := []Claim{}
	for _, c := range signed {
		form := Claim{Holder: c.Holder, JWS: c.JWS, Kind: Custodian}
		if c.DSSE != nil {
			e, err := attest.ParseEnvelopeOf(attest.PayloadCustody, c.DSSE)
			if err != nil {
				return nil, fmt.Errorf("claims: %s: %w", c.Holder, err)
			}
			form.DSSE = &e
		}
		statement, err := form.custody()
		if err != nil {
			return nil, fmt.Errorf("claims: %s: %w", c.Holder, err)
		}
		held, err := statement.claimed(s)
		if err != nil {
			return nil, fmt.Errorf("claims: %w", err)
		}
		for _, h := range held {
			form.Asset, form.Amount = h.Asset, h.Amount
			claims = append(claims, form)
		}
	}
	for _, o := range own {
		i := slices.Index(s.AssetIDs(), o.Asset)
		if i < 0 {
			return nil, fmt.Errorf("claims: the asset %q is not of the registry", clip(o.Asset))
		}
		amount, err := decimalUnits(o.Amount, s.Assets[i].Decimals)
		if err != nil {
			return nil, fmt.Errorf("claims: %s: %w", o.Asset, err)
		}
		claims = append(claims, Claim{Amount: amount, Asset: o.Asset, Holder: o.Holder, Kind: Unprovable})
	}
	slices.SortFunc(claims, compareClaims)
	return claims, CheckClaims(s, claims)
}

func compareClaims(a, b Claim) int {
	return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Holder, b.Holder))
}

// CheckClaims holds claims to their format and each custodian's to its statement:
// amounts exactly, none left out (SPEC part 20). Signatures are not looked at.
func CheckClaims(s Snapshot, claims []Claim) error {
	byHolder := map[string][]Claim{}
	for i, c := range claims {
		if i > 0 && compareClaims(claims[i-1], c) >= 0 {
			return fmt.Errorf("claims: %s of %q stands twice or out of order", clip(c.Asset), clip(c.Holder))
		}
		if !slices.Contains(s.AssetIDs(), c.Asset) {
			return fmt.Errorf("claims: the asset %q is not of the registry", clip(c.Asset))
		}
		if !isPrintable(c.Holder) {
			return fmt.Errorf("claims: holder %q is not 1 to 64 printable ASCII characters without a blank at either end", clip(c.Holder))
		}
		switch c.Kind {
		case Custodian:
			byHolder[c.Holder] = append(byHolder[c.Holder], c)
		case Unprovable:
			if c.DSSE != nil || c.JWS != "" {
				return fmt.Errorf("claims: %s of %s is of kind %s and has a signature", c.Asset, c.Holder, c.Kind)
			}
		default:
			return fmt.Errorf("claims: kind %q, want %s or %s", clip(string(c.Kind)), Custodian, Unprovable)
		}
	}
	for holder, list := range byHolder {
		if err := checkHolder(s, holder, list); err != nil {
			return fmt.Errorf("claims: %w", err)
		}
	}
	return nil
}

// checkHolder ties one custodian's claims out against its one statement.
func checkHolder(s Snapshot, holder string, claims []Claim) error {
	for _, c := range claims[1:] {
		if !c.sameSigned(claims[0]) {
			return fmt.Errorf("%s: its claims name two statements", holder)
		}
	}
	statement, err := claims[0].custody()
	if err != nil {
		return fmt.Errorf("%s: %w", holder, err)
	}
	if err := statement.Check(s, holder); err != nil {
		return err
	}
	held, err := statement.claimed(s)
	if err != nil {
		return err
	}
	if len(held) != len(claims) {
		return fmt.Errorf("%s: it names %d assets of the registry, %d are claimed", holder, len(held), len(claims))
	}
	for i, h := range held { // both are sorted by asset
		if c := claims[i]; c.Asset != h.Asset || !c.Amount.Equal(h.Amount) {
			return fmt.Errorf("%s: %s of %s is claimed, its statement says %s of %s", holder, c.Amount, c.Asset, h.Amount, h.Asset)
		}
	}
	return nil
}

// custody reads what was signed.
func (c Claim) custody() (CustodyStatement, error) {
	if (c.DSSE == nil) == (c.JWS == "") {
		return CustodyStatement{}, errors.New("it needs a custodian's statement, as dsse or as jws")
	}
	if c.DSSE == nil {
		payload, err := jwsPayload(c.JWS)
		if err != nil {
			return CustodyStatement{}, err
		}
		return ParseCustodyStatement(payload)
	}
	if c.DSSE.PayloadType != attest.PayloadCustody || len(c.DSSE.Signatures) != 1 {
		return CustodyStatement{}, fmt.Errorf("its envelope is of type %q with %d signatures, want %q and one", clip(c.DSSE.PayloadType), len(c.DSSE.Signatures), attest.PayloadCustody)
	}
	return ParseCustodyStatement(c.DSSE.Payload)
}

// ClaimWarnings says what is odd about custodians' claims at a time: statements that
// have expired, or soon will (SPEC part 20). Requires that the claims were checked.
func ClaimWarnings(claims []Claim, now time.Time) []string {
	var out []string
	for _, c := range claims {
		if c.Kind != Custodian {
			continue
		}
		statement, err := c.custody()
		if err != nil {
			continue // CheckClaims refuses it
		}
		if text := statement.Warning(now); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

func (c Claim) sameSigned(d Claim) bool {
	if c.JWS != d.JWS || (c.DSSE == nil) != (d.DSSE == nil) {
		return false
	}
	if c.DSSE == nil {
		return true
	}
	x, err := c.DSSE.JSON()
	y, other := d.DSSE.JSON()
	return errors.Join(err, other) == nil && bytes.Equal(x, y)
}

// claimTotals lists the claims as the statement has them.
func claimTotals(claims []Claim) []ClaimTotal {
	totals := []ClaimTotal{}
	for _, c := range claims {
		totals = append(totals, ClaimTotal{Amount: c.Amount, Asset: c.Asset, Holder: c.Holder, Kind: c.Kind})
	}
	return totals
}

// checkTotals holds what a statement lists of claims to its format.
func checkTotals(s Snapshot, totals []ClaimTotal) error {
	for i, t := range totals {
		if t.Kind != Custodian && t.Kind != Unprovable || !isPrintable(t.Holder) || !slices.Contains(s.AssetIDs(), t.Asset) {
			return fmt.Errorf("reserves.claims: claim #%d: kind %q, holder %q or asset %q is not of its form, or not of the registry",
				i, clip(string(t.Kind)), clip(t.Holder), clip(t.Asset))
		}
		if i == 0 {
			continue
		}
		last := totals[i-1]
		if cmp.Or(cmp.Compare(last.Asset, t.Asset), cmp.Compare(last.Kind, t.Kind), cmp.Compare(last.Holder, t.Holder)) >= 0 {
			return fmt.Errorf("reserves.claims: claim #%d stands twice or out of order", i)
		}
	}
	return nil
}

// ClaimsJSON returns reserves/claims.json (SPEC part 20).
func ClaimsJSON(s Snapshot, claims []Claim) ([]byte, error) {
	if err := CheckClaims(s, claims); err != nil {
		return nil, err
	}
	return attest.Canonical(ClaimsFile{Claims: notNil(claims), Snapshot: s.ID, Type: TypeClaims})
}

// ParseClaims reads reserves/claims.json of a snapshot (SPEC part 20).
func ParseClaims(s Snapshot, b []byte) ([]Claim, error) {
	var f ClaimsFile
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", PathClaims, maxFile)
	}
	if err := attest.Decode(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", PathClaims, err)
	}
	if f.Type != TypeClaims || f.Snapshot != s.ID {
		return nil, fmt.Errorf("%s: it is of type %q and snapshot %s, want %q and %s", PathClaims, clip(f.Type), f.Snapshot, TypeClaims, s.ID)
	}
	return f.Claims, CheckClaims(s, f.Claims)
}

// Claims reads reserves/claims.json and checks that the statement lists just these
// (SPEC part 20).
func (s Signed) Claims(b []byte) ([]Claim, error) {
	p := s.Statement.Predicate
	claims, err := ParseClaims(p.Snapshot, b)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(claimTotals(claims), p.Reserves.Claims) {
		return nil, fmt.Errorf("%s: the statement lists other claims", PathClaims)
	}
	return claims, nil
}
