package verifier

import (
	"fmt"

	"github.com/assay-por/assay/verifier/claim"
)

// ThirdParty is what somebody is said to hold for the exchange, in decimals (SPEC part 20). No coverage counts it.
type ThirdParty struct {
	Asset  string `json:"asset"`
	Amount string `json:"amount"`
	Holder string `json:"holder"`
	Kind   string `json:"kind"`
	Signed bool   `json:"signed"` // by a custodian's key that the policy has
}

// checkClaims is the check `reserves.claims` (SPEC part 20).
func (b *bundleRun) checkClaims() (string, error) {
	raw, err := b.load(claim.ClaimsPath)
	if err != nil {
		return "", err
	}
	claims, err := claim.ParseClaims(raw)
	if err != nil {
		return "", in(claim.ClaimsPath, err)
	}
	s := b.statement
	if claims.Snapshot != s.Snapshot.ID {
		return "", fmt.Errorf("%s: snapshot %s, the statement's is %s", claim.ClaimsPath, claims.Snapshot, s.Snapshot.ID)
	}
	unknown, err := s.CheckClaims(claims, b.policy)
	if err != nil {
		return "", in(claim.ClaimsPath, err)
	}
	untold := map[string]bool{}
	for _, holder := range unknown {
		untold[holder] = true
		b.note("the policy has no key of %s: what that custodian is said to hold is the exchange's word", holder)
	}
	for _, c := range s.Reserves.Claims {
		asset, _ := s.Snapshot.Asset(c.Asset)
		b.verdict.Claims = append(b.verdict.Claims, ThirdParty{
			Asset: c.Asset, Amount: decimal(c.Amount, asset.Decimals), Holder: c.Holder, Kind: c.Kind, Signed: c.Kind == claim.Custodian && !untold[c.Holder],
		})
	}
	if len(claims.Claims) == 0 {
		return "there are none", nil
	}
	return fmt.Sprintf("%d claims, in no total of the reserves", len(claims.Claims)), nil
}
