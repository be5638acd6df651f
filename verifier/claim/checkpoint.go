package claim

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Checkpoint is a finalised beacon block that the policy's owner trusts (SPEC part 16). Network is nil if the policy leaves it to the
// table of SPEC part 22.
type Checkpoint struct {
	Chain   string
	Root    Hash
	Network *BeaconNetwork
}

// BeaconNetwork is a beacon chain's genesis validators root and forks, of a network that SPEC part 22 does not list.
type BeaconNetwork struct {
	Genesis Hash
	Forks   []BeaconFork
}

// BeaconFork is a fork of a beacon chain: the epoch at which it begins and the version that its signatures bind (SPEC part 22).
type BeaconFork struct {
	Epoch   uint64
	Name    string
	Version [4]byte
}

type checkpointTOML struct {
	Chain   *string `toml:"chain"`
	Root    *string `toml:"root"`
	Genesis *string `toml:"genesis"`
	Forks   *[]struct {
		Epoch   *uint64 `toml:"epoch"`
		Name    *string `toml:"name"`
		Version *string `toml:"version"`
	} `toml:"forks"`
}

// Checkpoint gives the policy's checkpoint for a chain, if it has one (SPEC part 16).
func (p *Policy) Checkpoint(chain string) (Checkpoint, bool) {
	for _, c := range p.Checkpoints {
		if c.Chain == chain {
			return c, true
		}
	}
	return Checkpoint{}, false
}

func (w *walker) checkpoints(f *policyFile) {
	for i, c := range f.Checkpoint {
		field := fmt.Sprintf("checkpoint[%d]", i)
		out := Checkpoint{
			Chain: need(w, field+".chain", c.Chain, parseChain),
			Root:  need(w, field+".root", c.Root, parseRoot),
		}
		if !strings.HasPrefix(out.Chain, "eip155:") {
			w.fail(field+".chain", errors.New("only chains eip155:<number> have a light client"))
		}
		if _, twice := w.policy.Checkpoint(out.Chain); twice {
			w.fail(field, errors.New("a second checkpoint of one chain"))
		}
		if (c.Genesis == nil) != (c.Forks == nil) {
			w.fail(field, errors.New("genesis and forks stand together or not at all"))
		}
		if c.Genesis != nil && c.Forks != nil {
			out.Network = w.network(field, c)
		}
		w.policy.Checkpoints = append(w.policy.Checkpoints, out)
	}
}

// network reads a network of the policy's own. Its forks ascend, by epoch and in the order in which they came.
func (w *walker) network(field string, c checkpointTOML) *BeaconNetwork {
	network := &BeaconNetwork{Genesis: need(w, field+".genesis", c.Genesis, func(s string) (Hash, error) {
		h, err := canon.ParseHash(s)
		return h, err
	})}
	order := []string{"deneb", "electra", "fulu", "gloas"}
	last, lastEpoch := -1, uint64(0)
	for i, f := range *c.Forks {
		field := fmt.Sprintf("%s.forks[%d]", field, i)
		out := BeaconFork{
			Epoch:   need(w, field+".epoch", f.Epoch, as),
			Name:    need(w, field+".name", f.Name, parseOne("fork", order...)),
			Version: need(w, field+".version", f.Version, parseVersion),
		}
		place := last
		for p, name := range order {
			if name == out.Name {
				place = p
			}
		}
		if i > 0 && (place <= last || out.Epoch <= lastEpoch) {
			w.fail(field, errors.New("forks ascend; leave out one that another follows in the same epoch"))
		}
		last, lastEpoch = place, out.Epoch
		network.Forks = append(network.Forks, out)
	}
	if len(network.Forks) == 0 {
		w.fail(field+".forks", errors.New("empty"))
	}
	return network
}

func parseRoot(s string) (h Hash, err error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if h, err = canon.ParseHash(digits); !ok || err != nil {
		return h, errors.New("want 0x and 64 lower-case hex digits")
	}
	return h, nil
}

func parseVersion(s string) (v [4]byte, err error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != 2*len(v) || !only(digits, lowerHex) {
		return v, errors.New("want 0x and 8 lower-case hex digits")
	}
	_, err = hex.Decode(v[:], []byte(digits))
	return v, err
}
