package beacon

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// Constants of the mainnet preset (SPEC part 22).
const (
	slotsPerEpoch  = 32
	slotsPerPeriod = 8192
	committeeSize  = 512
	leastSigners   = 342 // two thirds of a committee
)

// The forks that SPEC part 22 names, in their order. Headers of Gloas are refused.
const (
	Deneb   = "deneb"
	Electra = "electra"
	Fulu    = "fulu"
	Gloas   = "gloas"
)

var forkNames = []string{Deneb, Electra, Fulu, Gloas}

// A Fork is a change of a network's rules, from an epoch on (SPEC part 22).
type Fork struct {
	Epoch   uint64
	Name    string
	Version string // `0x` and 8 hex digits
}

// A Network is what tells one beacon chain from another (SPEC part 22).
type Network struct {
	Genesis string // the genesis validators root, 64 hex digits, `0x` before them or not
	Forks   []Fork // ascending by epoch and in their order, at least one
}

// KnownNetwork returns a network of the table of SPEC part 22.
func KnownNetwork(chain chains.Chain) (Network, bool) {
	switch chain {
	case "eip155:1":
		return Network{"4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95",
			[]Fork{{269568, Deneb, "0x04000000"}, {364032, Electra, "0x05000000"}, {411392, Fulu, "0x06000000"}}}, true
	case "eip155:11155111":
		return Network{"d8ea171f3c94aea21ebc42a1ed61052acf3f9209c00e4efbaaddac09ed9b8078",
			[]Fork{{132608, Deneb, "0x90000073"}, {222464, Electra, "0x90000074"}, {272640, Fulu, "0x90000075"}, {353024, Gloas, "0x90000076"}}}, true
	case "eip155:560048":
		return Network{"212f13fc4df078b6cb7db228f1c8307566dcecf900867401a92023d7ba99cb5f",
			[]Fork{{0, Deneb, "0x50000910"}, {2048, Electra, "0x60000910"}, {50688, Fulu, "0x70000910"}}}, true
	}
	return Network{}, false
}

// network is a Network in the form that is computed with.
type network struct {
	genesis root
	forks   []fork
}

type fork struct {
	epoch   uint64
	name    string
	version [4]byte
	refused bool // Gloas, or a later one that a node told of: nothing of it can be checked here
}

func (n Network) parse() (network, error) {
	genesis, err := parseRoot(n.Genesis)
	if err != nil {
		return network{}, fmt.Errorf("genesis validators root: %w", err)
	}
	out := network{genesis: genesis}
	last := -1
	for _, f := range n.Forks {
		place := slices.Index(forkNames, f.Name)
		if place < 0 {
			return network{}, fmt.Errorf("fork %q: want one of %s", egress.Quote(f.Name), strings.Join(forkNames, ", "))
		}
		if place <= last || len(out.forks) > 0 && f.Epoch <= out.forks[len(out.forks)-1].epoch {
			return network{}, fmt.Errorf("fork %s is out of order: want them ascending, each once", f.Name)
		}
		last = place
		digits, ok := strings.CutPrefix(f.Version, "0x")
		version, err := hex.DecodeString(digits)
		if !ok || err != nil || len(version) != 4 {
			return network{}, fmt.Errorf("fork %s: version %q: want 0x and 8 hex digits", f.Name, egress.Quote(f.Version))
		}
		out.forks = append(out.forks, fork{epoch: f.Epoch, name: f.Name, version: [4]byte(version), refused: f.Name == Gloas})
	}
	if len(out.forks) == 0 {
		return network{}, fmt.Errorf("no forks: name at least one of %s with its epoch and version", strings.Join(forkNames, ", "))
	}
	return out, nil
}

// at returns the fork of an epoch.
func (n network) at(epoch uint64) (fork, error) {
	var found *fork
	for i := range n.forks {
		if n.forks[i].epoch <= epoch {
			found = &n.forks[i]
		}
	}
	switch {
	case found == nil:
		return fork{}, &ForkError{Epoch: epoch, Name: "before " + n.forks[0].name}
	case found.refused:
		return fork{}, &ForkError{Epoch: epoch, Name: found.name}
	}
	return *found, nil
}

// ofSlot returns the fork of a header (SPEC part 22).
func (n network) ofSlot(slot uint64) (fork, error) { return n.at(slot / slotsPerEpoch) }

// with adds the forks that a node knows and this network does not, so that what
// comes after them is refused by name. It refuses a node whose forks are others.
func (n network) with(told []fork) (network, error) {
	out := network{genesis: n.genesis, forks: slices.Clone(n.forks)}
	for _, t := range told {
		if t.epoch == math.MaxUint64 {
			continue // not set yet
		}
		i := slices.IndexFunc(n.forks, func(f fork) bool { return f.name == t.name })
		switch {
		case i >= 0 && (n.forks[i].epoch != t.epoch || n.forks[i].version != t.version):
			return network{}, fmt.Errorf("its fork %s is of epoch %d, version 0x%x; want epoch %d, version 0x%x",
				t.name, t.epoch, t.version, n.forks[i].epoch, n.forks[i].version)
		case i < 0 && t.epoch >= n.forks[0].epoch && !slices.Contains(earlierForks, t.name):
			t.refused = true
			out.forks = append(out.forks, t)
		}
	}
	slices.SortStableFunc(out.forks, func(a, b fork) int {
		if a.epoch < b.epoch {
			return -1
		}
		if a.epoch > b.epoch {
			return 1
		}
		return 0
	})
	return out, nil
}

// earlierForks came before Deneb: where all began at once they are no news.
var earlierForks = []string{"genesis", "altair", "bellatrix", "capella"}

func period(slot uint64) uint64 { return slot / slotsPerPeriod }
