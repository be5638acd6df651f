package claim

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

const goodCheckpoints = goodPolicy + `
[[checkpoint]]
chain = "eip155:1"
root = "0x1111111111111111111111111111111111111111111111111111111111111111"

[[checkpoint]]
chain = "eip155:1337"
root = "0x2222222222222222222222222222222222222222222222222222222222222222"
genesis = "3333333333333333333333333333333333333333333333333333333333333333"
forks = [{ epoch = 0, name = "deneb", version = "0x04000001" }, { epoch = 9, name = "fulu", version = "0x06000001" }]
`

func TestPolicy_Checkpoint(t *testing.T) {
	p, err := ParsePolicy([]byte(goodCheckpoints))
	if err != nil {
		t.Fatal(err)
	}
	first, ok := p.Checkpoint("eip155:1")
	if !ok || first.Network != nil || first.Root.String() != strings.Repeat("1", 64) {
		t.Errorf("got %+v, %v", first, ok)
	}
	own, ok := p.Checkpoint("eip155:1337")
	if !ok || own.Network == nil || own.Network.Genesis.String() != strings.Repeat("3", 64) || len(own.Network.Forks) != 2 ||
		own.Network.Forks[1] != (BeaconFork{9, "fulu", [4]byte{6, 0, 0, 1}}) {
		t.Errorf("got %+v, %v", own, ok)
	}
	if _, ok := p.Checkpoint("eip155:10"); ok {
		t.Error("a checkpoint from nowhere")
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown key":        {"genesis =", "genesys =", `unknown key "checkpoint.genesys"`},
		"unknown fork key":   {"{ epoch = 0,", "{ epoch = 0, slot = 1,", "unknown key"},
		"other case":         {"genesis =", "Genesis =", "keys are lower case"},
		"no chain":           {"chain = \"eip155:1337\"\n", "", "checkpoint[1].chain: missing"},
		"no root":            {"root = \"0x1", "# root = \"0x1", "checkpoint[0].root: missing"},
		"root without 0x":    {"root = \"0x1", "root = \"1", "checkpoint[0].root: want 0x and 64"},
		"root too short":     {"root = \"0x11", "root = \"0x1", "checkpoint[0].root: want 0x and 64"},
		"root in upper case": {"root = \"0x1", "root = \"0xA", "checkpoint[0].root: want 0x and 64"},
		"bitcoin":            {`chain = "eip155:1337"`, `chain = "bip122:000000000019d6689c085ae165831e93"`, "checkpoint[1].chain: only chains eip155"},
		"no chain's name":    {`chain = "eip155:1337"`, `chain = "mainnet"`, "checkpoint[1].chain: not a chain"},
		"twice":              {"eip155:1337", "eip155:1", "checkpoint[1]: a second checkpoint of one chain"},
		"genesis alone":      {"forks = ", "# forks = ", "checkpoint[1]: genesis and forks stand together"},
		"forks alone":        {"genesis = ", "# genesis = ", "checkpoint[1]: genesis and forks stand together"},
		"genesis with 0x":    {`genesis = "`, `genesis = "0x`, "checkpoint[1].genesis: not a hash"},
		"no forks":           {"[{ epoch = 0, name = \"deneb\", version = \"0x04000001\" }, { epoch = 9, name = \"fulu\", version = \"0x06000001\" }]", "[]", "checkpoint[1].forks: empty"},
		"unknown fork":       {`"deneb"`, `"capella"`, "checkpoint[1].forks[0].name: not a known fork"},
		"fork twice":         {`"fulu"`, `"deneb"`, "checkpoint[1].forks[1]: forks ascend"},
		"forks swapped":      {`"deneb"`, `"gloas"`, "checkpoint[1].forks[1]: forks ascend"},
		"one epoch":          {"epoch = 9", "epoch = 0", "checkpoint[1].forks[1]: forks ascend; leave out one"},
		"epoch descends":     {"epoch = 0", "epoch = 10", "checkpoint[1].forks[1]: forks ascend"},
		"epoch negative":     {"epoch = 0", "epoch = -1", "line"},
		"no epoch":           {"epoch = 0, ", "", "checkpoint[1].forks[0].epoch: missing"},
		"no version":         {", version = \"0x04000001\"", "", "checkpoint[1].forks[0].version: missing"},
		"version too long":   {"0x04000001", "0x0400000001", "checkpoint[1].forks[0].version: want 0x and 8"},
		"version without 0x": {"0x04000001", "04000001", "checkpoint[1].forks[0].version: want 0x and 8"},
		"version as number":  {`"0x04000001"`, "4", "line"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := strings.Replace(goodCheckpoints, c.from, c.to, 1)
			_, err := ParsePolicy([]byte(raw))
			var format *canon.FormatError
			if raw == goodCheckpoints || !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
