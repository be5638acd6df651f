package beacon

import (
	"fmt"
	"math"
)

// Fork is the epoch from which a network follows other rules, and signs with another version (SPEC part 22).
type Fork struct {
	Epoch   uint64
	Name    string // deneb, electra, fulu or gloas
	Version [4]byte
}

// Network is what a signature of a beacon chain binds besides the block (SPEC part 22). Forks ascend by epoch.
type Network struct {
	Genesis [32]byte // the genesis validators root
	Forks   []Fork
}

// Known gives a network of the table in SPEC part 22.
func Known(chain string) (Network, bool) {
	switch chain {
	case "eip155:1":
		return Network{
			Genesis: [32]byte{0x4b, 0x36, 0x3d, 0xb9, 0x4e, 0x28, 0x61, 0x20, 0xd7, 0x6e, 0xb9, 0x05, 0x34, 0x0f, 0xdd, 0x4e, 0x54, 0xbf, 0xe9, 0xf0, 0x6b, 0xf3, 0x3f, 0xf6, 0xcf, 0x5a, 0xd2, 0x7f, 0x51, 0x1b, 0xfe, 0x95},
			Forks: []Fork{
				{269568, "deneb", [4]byte{0x04, 0, 0, 0}},
				{364032, "electra", [4]byte{0x05, 0, 0, 0}},
				{411392, "fulu", [4]byte{0x06, 0, 0, 0}},
			},
		}, true
	case "eip155:11155111":
		return Network{
			Genesis: [32]byte{0xd8, 0xea, 0x17, 0x1f, 0x3c, 0x94, 0xae, 0xa2, 0x1e, 0xbc, 0x42, 0xa1, 0xed, 0x61, 0x05, 0x2a, 0xcf, 0x3f, 0x92, 0x09, 0xc0, 0x0e, 0x4e, 0xfb, 0xaa, 0xdd, 0xac, 0x09, 0xed, 0x9b, 0x80, 0x78},
			Forks: []Fork{
				{132608, "deneb", [4]byte{0x90, 0, 0, 0x73}},
				{222464, "electra", [4]byte{0x90, 0, 0, 0x74}},
				{272640, "fulu", [4]byte{0x90, 0, 0, 0x75}},
				{353024, "gloas", [4]byte{0x90, 0, 0, 0x76}},
			},
		}, true
	case "eip155:560048":
		return Network{
			Genesis: [32]byte{0x21, 0x2f, 0x13, 0xfc, 0x4d, 0xf0, 0x78, 0xb6, 0xcb, 0x7d, 0xb2, 0x28, 0xf1, 0xc8, 0x30, 0x75, 0x66, 0xdc, 0xec, 0xf9, 0x00, 0x86, 0x74, 0x01, 0xa9, 0x20, 0x23, 0xd7, 0xba, 0x99, 0xcb, 0x5f},
			Forks: []Fork{
				{0, "deneb", [4]byte{0x50, 0, 0x09, 0x10}},
				{2048, "electra", [4]byte{0x60, 0, 0x09, 0x10}},
				{50688, "fulu", [4]byte{0x70, 0, 0x09, 0x10}},
			},
		}, true
	}
	return Network{}, false
}

const (
	slotsPerEpoch  = 32
	slotsPerPeriod = 8192
)

func period(slot uint64) uint64 { return slot / slotsPerPeriod }

// forkAt is the fork of a slot's epoch, if there is one from Deneb on.
func (n Network) forkAt(slot uint64) (Fork, bool) {
	var found Fork
	ok := false
	for _, f := range n.Forks {
		if f.Epoch <= slot/slotsPerEpoch {
			found, ok = f, true
		}
	}
	return found, ok
}

// layout is where a state of some forks keeps things: generalised indices (SPEC part 22, steps 1 and 2).
type layout struct{ current, next, finalized uint64 }

// layoutOf gives the layout of a header's fork: those before Deneb and after Fulu are refused.
func (n Network) layoutOf(field string, h header) (layout, error) {
	fork, ok := n.forkAt(h.slot)
	switch {
	case ok && fork.Name == "deneb":
		return layout{current: 54, next: 55, finalized: 105}, nil
	case ok && (fork.Name == "electra" || fork.Name == "fulu"):
		return layout{current: 86, next: 87, finalized: 169}, nil
	}
	got := "a fork before"
	if ok {
		got = fork.Name
	}
	return layout{}, &CheckError{Field: field + ".slot", Problem: fmt.Sprintf("slot %d is of no fork that this verifier knows", h.slot), Got: got, Want: "deneb, electra or fulu"}
}

// signedWith is the fork whose version a signature of a slot binds: that of the slot before.
func (n Network) signedWith(slot uint64) (Fork, bool) {
	if slot == 0 || slot == math.MaxUint64 {
		return Fork{}, false
	}
	return n.forkAt(slot - 1)
}
