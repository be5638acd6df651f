package confidential

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"slices"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle"
)

// width is W, the bits of a balance; bytesWide and digitsWide are its bytes and its digits of 16 bits; logWidth is log2 W.
const (
	width      = 128
	bytesWide  = width / 8
	digitsWide = width / 16
	logWidth   = 7
)

// maxName is how long the name of a column is at most: that of a debit column, an asset id with its prefix (SPEC part 30).
const maxName = 38

// Tags of the generators (SPEC part 29, Generators).
const (
	generatorTag = "assay/v1/confidential/generator"
	blindingTag  = "assay/v1/confidential/blinding"
	scalarTag    = "assay/v1/confidential/scalar"
)

// Parameters are the generators of a list of assets, and tables of their sums (SPEC part 29, Generators). They take 262 kB an asset
// and 34 MB, and some 5 ms an asset to make; whoever builds many shards makes them once. They are immutable and safe for
// concurrent use.
type Parameters struct {
	assets     []string
	logAssets  int                 // log2 of A
	generators []grumpkin.G1Affine // G_c
	blinding   grumpkin.G1Affine   // H
	scalar     grumpkin.G1Affine   // U
	bytes      []grumpkin.G1Affine // by tableIndex: the sum of the generators of a byte's bits
	windows    []grumpkin.G1Affine // [window << 15 | d − 1]: d · 2^(16 window) · H, 1 ≤ d ≤ 2^15
	wide       wide
}

// NewParameters makes the parameters of the registry's asset ids, in order (SPEC part 29, Generators). It refuses two that are
// equal: with them totals could be forged.
func NewParameters(assets []string) (*Parameters, error) {
	if len(assets) == 0 || len(assets) > merkle.MaxAssets {
		return nil, fmt.Errorf("registry has %d assets, want 1 to %d", len(assets), merkle.MaxAssets)
	}
	if sorted := slices.Sorted(slices.Values(assets)); len(slices.Compact(sorted)) != len(assets) {
		return nil, errors.New("registry names an asset twice: their commitments could be exchanged")
	}
	p := &Parameters{
		assets:     slices.Clone(assets),
		logAssets:  bits.Len(uint(len(assets) - 1)), //nolint:gosec // at least 0
		generators: make([]grumpkin.G1Affine, len(assets)*width),
		bytes:      make([]grumpkin.G1Affine, len(assets)*bytesWide<<8),
		windows:    make([]grumpkin.G1Affine, windowCount<<(windowBits-1)),
		wide:       newWide(),
	}
	h, err1 := grumpkin.HashToG1(nil, []byte(blindingTag))
	u, err2 := grumpkin.HashToG1(nil, []byte(scalarTag))
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	p.blinding, p.scalar = h, u
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	g.Go(func() error { p.fillWindows(); return nil })
	for j := range assets {
		g.Go(func() error { return p.fillAsset(j) })
	}
	return p, g.Wait()
}

// columns is M.
func (p *Parameters) columns() int { return len(p.generators) }

// fillAsset hashes one asset's generators and adds them up for every value of every byte.
func (p *Parameters) fillAsset(j int) error {
	id := p.assets[j]
	if len(id) == 0 || len(id) > maxName {
		return fmt.Errorf("the name of column #%d has %d bytes, want 1 to %d (SPEC parts 2 and 30)", j, len(id), maxName)
	}
	message := append(append([]byte{byte(len(id))}, id...), 0)
	for b := range width {
		message[len(message)-1] = byte(b)
		g, err := grumpkin.HashToG1(message, []byte(generatorTag))
		if err != nil {
			return err
		}
		p.generators[j*width+b] = g
	}
	a := newAdder()
	for bit := range 8 {
		for at := range bytesWide {
			table := p.bytes[tableIndex(j, at, 0):tableIndex(j, at+1, 0)]
			for v := range 1 << bit {
				table[v|1<<bit] = table[v]
				a.add(&table[v|1<<bit], &p.generators[j*width+at*8+bit])
			}
		}
		a.flush()
	}
	return nil
}

// tableIndex is where the table of an asset's byte has its value; byte 0 is the least significant.
func tableIndex(asset, at int, value byte) int { return (asset*bytesWide+at)<<8 | int(value) }

// Blindings are taken apart into signed digits of 16 bits.
const (
	windowBits  = 16
	windowCount = 16
	windowHalf  = 1 << (windowBits - 1)
)

// fillWindows makes the multiples of H, doubling how many there are at each step.
func (p *Parameters) fillWindows() {
	base := p.blinding
	for w := range windowCount {
		p.windows[w*windowHalf] = base
		for range windowBits {
			base.Double(&base)
		}
	}
	a := newAdder()
	for have := 1; have < windowHalf; have *= 2 {
		for w := range windowCount {
			table := p.windows[w*windowHalf : (w+1)*windowHalf]
			for i := range have {
				table[have+i] = table[i]
				a.add(&table[have+i], &table[have-1])
			}
		}
		a.flush()
	}
}
