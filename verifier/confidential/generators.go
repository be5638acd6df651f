package confidential

import (
	"fmt"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
)

// Tags of SPEC part 29.
const (
	tagGenerator = "assay/v1/confidential/generator"
	tagBlinding  = "assay/v1/confidential/blinding"
	tagScalar    = "assay/v1/confidential/scalar"
)

// Parameters are the generators of a registry's columns. They are made once, and any number of proofs may be checked with them at a time.
type Parameters struct {
	assets  []string
	columns []grumpkin.G1Affine // by column: 128 an asset
	h, u    grumpkin.G1Affine
}

// New hashes the generators of a registry, on all cores: 128 an asset. It refuses a registry that names an asset twice, whose totals could
// be forged.
func New(assets []string) (*Parameters, error) {
	if err := checkAssets(assets); err != nil {
		return nil, err
	}
	p := &Parameters{assets: assets}
	var messages [][]byte
	for _, id := range assets {
		for b := range width {
			messages = append(messages, message(id, b))
		}
	}
	var err error
	if p.columns, err = hashToCurve(tagGenerator, messages...); err != nil {
		return nil, err
	}
	if p.h, err = onePoint(tagBlinding); err != nil {
		return nil, err
	}
	p.u, err = onePoint(tagScalar)
	return p, err
}

func checkAssets(assets []string) error {
	if len(assets) == 0 || len(assets) > maxAssets {
		return fmt.Errorf("%d assets, want 1 to %d", len(assets), maxAssets)
	}
	seen := make(map[string]bool, len(assets))
	for _, id := range assets {
		if id == "" || len(id) > maxName {
			return fmt.Errorf("a column's name that is not 1 to %d bytes long", maxName)
		}
		if seen[id] {
			return fmt.Errorf("asset %q is twice in the registry", id)
		}
		seen[id] = true
	}
	return nil
}

// message is hashed to the generator of one asset's bit.
func message(id string, bit int) []byte {
	return append(append([]byte{byte(len(id))}, id...), byte(bit))
}

// onePoint is the generator that stands alone under its tag.
func onePoint(tag string) (grumpkin.G1Affine, error) {
	points, err := hashToCurve(tag, nil)
	return points[0], err
}

// columnVars is the number of variables that count columns: bits, then assets up to a power of two.
func (p *Parameters) columnVars() int { return bitVars + bits.Len(uint(len(p.assets)-1)) } //nolint:gosec // at least one asset
