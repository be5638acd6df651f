package confidential

import (
	"fmt"
	"math/bits"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"golang.org/x/sync/errgroup"
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
	p := &Parameters{assets: assets, columns: make([]grumpkin.G1Affine, width*len(assets))}
	var err error
	if p.h, err = hashToCurve(nil, tagBlinding); err != nil {
		return nil, err
	}
	if p.u, err = hashToCurve(nil, tagScalar); err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for j, id := range assets {
		group.Go(func() error {
			for b := range width {
				point, err := generator(id, b)
				if err != nil {
					return err
				}
				p.columns[j*width+b] = point
			}
			return nil
		})
	}
	return p, group.Wait()
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

func generator(id string, bit int) (grumpkin.G1Affine, error) {
	message := append([]byte{byte(len(id))}, id...)
	return hashToCurve(append(message, byte(bit)), tagGenerator)
}

func hashToCurve(message []byte, tag string) (grumpkin.G1Affine, error) {
	point, err := grumpkin.HashToG1(message, []byte(tag))
	if err != nil {
		return point, fmt.Errorf("hash to curve: %w", err)
	}
	return point, nil
}

// columnVars is the number of variables that count columns: bits, then assets up to a power of two.
func (p *Parameters) columnVars() int { return bitVars + bits.Len(uint(len(p.assets)-1)) } //nolint:gosec // at least one asset
