package claim

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/assay-por/assay/verifier/canon"
)

// Names and types of SPEC part 20.
const (
	ClaimsPath = "reserves/claims.json"
	ClaimsType = "assay/v1/claims"

	Custodian  = "custodian"  // a third party says what it holds
	Unprovable = "unprovable" // the exchange says what no evidence here can show
)

var parseClaimKind = parseOne("kind of claim", Custodian, Unprovable)

// ThirdParty is what somebody is said to hold for the exchange, of one asset in its base units (SPEC part 20). It is in no total.
type ThirdParty struct {
	Asset, Holder, Kind string
	Amount              *big.Int
	signed              *signedCustody // kind custodian
}

func (t ThirdParty) key() string { return t.Asset + "\x00" + t.Kind + "\x00" + t.Holder }

// Claims is `reserves/claims.json` (SPEC part 20).
type Claims struct {
	Claims   []ThirdParty
	Snapshot Hash
}

// ParseClaims reads claims with their custody statements. Errors are *canon.FormatError or *canon.VersionError.
func ParseClaims(raw []byte) (*Claims, error) {
	if len(raw) > maxLines {
		return nil, &canon.FormatError{Problem: "over 256 MiB"}
	}
	c := new(Claims)
	err := canon.DecodeTyped(raw, "type", ClaimsType, func(r *canon.Reader) {
		r.Object(
			canon.Key("claims", func() {
				var last string
				r.Array(maxEntries, func(i int) {
					t := readClaim(r)
					ascending(r, i, &last, t.key())
					c.Claims = append(c.Claims, t)
				})
			}),
			canon.Key("snapshot", func() { c.Snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(ClaimsType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func readClaim(r *canon.Reader) (t ThirdParty) {
	r.Object(
		canon.Key("amount", func() { t.Amount = canon.Parse(r, parseWide) }),
		canon.Key("asset", func() { t.Asset = canon.Parse(r, parseAsset) }),
		canon.Optional("dsse", func() { t.signed = readSigned(r, r.Skip(), parseDSSE) }),
		canon.Key("holder", func() { t.Holder = canon.Parse(r, parsePrintable) }),
		canon.Optional("jws", func() {
			if t.signed != nil {
				r.Fail("a custody statement has one envelope, not two")
			}
			t.signed = readSigned(r, []byte(r.Text()), parseJWS)
		}),
		canon.Key("kind", func() { t.Kind = canon.Parse(r, parseClaimKind) }),
	)
	if !r.Failed() && (t.Kind == Custodian) != (t.signed != nil) {
		r.Fail("a claim of kind custodian has a custody statement, others have none")
	}
	return t
}

// StatedClaim is a claim as the statement lists it (SPEC part 20).
type StatedClaim struct {
	Asset, Holder, Kind string
	Amount              *big.Int
}

func readStatedClaims(r *canon.Reader) (list []StatedClaim) {
	var last string
	r.Array(maxEntries, func(i int) {
		var c StatedClaim
		r.Object(
			canon.Key("amount", func() { c.Amount = canon.Parse(r, parseWide) }),
			canon.Key("asset", func() { c.Asset = canon.Parse(r, parseAsset) }),
			canon.Key("holder", func() { c.Holder = canon.Parse(r, parsePrintable) }),
			canon.Key("kind", func() { c.Kind = canon.Parse(r, parseClaimKind) }),
		)
		ascending(r, i, &last, c.Asset+"\x00"+c.Kind+"\x00"+c.Holder)
		list = append(list, c)
	})
	return list
}

// CheckClaims is the check `reserves.claims` (SPEC part 20): the statement lists these claims, and each custodian's is in a custody
// statement for this snapshot, signed by the key that the policy has for it. It returns whose key the policy does not have.
func (s *Statement) CheckClaims(c *Claims, p *Policy) (unknown []string, err error) {
	if len(c.Claims) != len(s.Reserves.Claims) {
		return nil, fmt.Errorf("the statement lists %d claims, the file has %d", len(s.Reserves.Claims), len(c.Claims))
	}
	byHolder := map[string]*signedCustody{}
	of := map[string]map[string]*big.Int{} // amounts claimed, by custodian and asset
	for i, t := range c.Claims {
		stated := s.Reserves.Claims[i]
		if _, known := s.index[t.Asset]; !known {
			return nil, fmt.Errorf("claim %d: asset %s is not in the registry", i, t.Asset)
		}
		if stated.Asset != t.Asset || stated.Holder != t.Holder || stated.Kind != t.Kind || stated.Amount.Cmp(t.Amount) != 0 {
			return nil, fmt.Errorf("claim %d: the statement lists %s of %s with %s (%s), the file %s of %s with %s (%s)",
				i, stated.Amount, stated.Asset, stated.Holder, stated.Kind, t.Amount, t.Asset, t.Holder, t.Kind)
		}
		if t.Kind != Custodian {
			continue
		}
		if one := byHolder[t.Holder]; one == nil {
			byHolder[t.Holder], of[t.Holder] = t.signed, map[string]*big.Int{}
			known, err := s.checkCustody(t, p)
			if err != nil {
				return nil, fmt.Errorf("claim %d: %w", i, err)
			}
			if !known {
				unknown = append(unknown, t.Holder)
			}
		} else if one.text != t.signed.text {
			return nil, fmt.Errorf("claim %d: %s has another custody statement than in its claims before", i, t.Holder)
		}
		of[t.Holder][t.Asset] = t.Amount
	}
	for holder, signed := range byHolder {
		if err := s.compareCustody(holder, signed.statement, of[holder]); err != nil {
			return nil, err
		}
	}
	return unknown, nil
}

// checkCustody checks one custody statement but for its amounts; known reports whether the policy has the custodian's key.
func (s *Statement) checkCustody(t ThirdParty, p *Policy) (known bool, err error) {
	c := t.signed.statement
	switch {
	case c.Custodian != t.Holder:
		return false, fmt.Errorf("the custody statement is by %q, the claim is about %q", c.Custodian, t.Holder)
	case c.Exchange != s.Snapshot.Exchange.Name:
		return false, fmt.Errorf("the custody statement of %s is for %q, the exchange is %q", t.Holder, c.Exchange, s.Snapshot.Exchange.Name)
	case c.Snapshot != s.Snapshot.ID:
		return false, fmt.Errorf("the custody statement of %s is for the snapshot %s, the statement's is %s", t.Holder, c.Snapshot, s.Snapshot.ID)
	case !c.Instant.Equal(s.Snapshot.Instant):
		return false, fmt.Errorf("the custody statement of %s speaks of %s, the snapshot's instant is %s", t.Holder, c.Instant.Format(timeForm), s.Snapshot.Instant.Format(timeForm))
	case !c.Expires.After(c.Instant):
		return false, fmt.Errorf("the custody statement of %s expired on %s, before the snapshot's instant", t.Holder, c.Expires.Format(timeForm))
	}
	key, known := p.Custodians[t.Holder]
	if known && !t.signed.verify(key) {
		return false, fmt.Errorf("the custody statement of %s is not signed by the key that the policy has for it", t.Holder)
	}
	return known, nil
}

// compareCustody makes sure that claims and custody statement name the same balances.
func (s *Statement) compareCustody(holder string, c *custody, claimed map[string]*big.Int) error {
	found := 0
	for _, b := range c.Balances {
		place, known := s.index[b.asset]
		if !known {
			continue
		}
		want, err := scaled(b.amount, s.Snapshot.Assets[place].Decimals)
		if err != nil {
			return fmt.Errorf("the custody statement of %s: %s: %w", holder, b.asset, err)
		}
		got := claimed[b.asset]
		if got == nil {
			return fmt.Errorf("the custody statement of %s has a balance of %s, which no claim has", holder, b.asset)
		}
		if got.Cmp(want) != 0 {
			return fmt.Errorf("%s with %s: the claim is %s base units, the custody statement says %s", b.asset, holder, got, want)
		}
		found++
	}
	if found != len(claimed) {
		return fmt.Errorf("%d claims of %s are not in its custody statement", len(claimed)-found, holder)
	}
	return nil
}

// scaled turns a decimal into base units, exactly (SPEC part 20).
func scaled(decimal string, decimals int) (*big.Int, error) {
	v, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return nil, errors.New("not a decimal amount")
	}
	v.Mul(v, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)))
	if !v.IsInt() {
		return nil, fmt.Errorf("more than the asset's %d decimals", decimals)
	}
	return v.Num(), nil
}
