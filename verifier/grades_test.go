package verifier

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/google/go-cmp/cmp"
)

const anchoredEVM = "eip155:1"

// onChain is a fixture of the same blocks under the name of another chain.
func onChain(f chainFixture, from, to string) (out chainFixture) {
	parts := obj{"block": f.block, "evidence": f.evidence, "lines": f.lines}
	var read struct {
		Block, Evidence obj
		Lines           []obj
	}
	if err := json.Unmarshal(bytes.ReplaceAll(encode(parts), []byte(from+"/"), []byte(to+"/")), &read); err != nil {
		panic(err)
	}
	raw := bytes.ReplaceAll(encode(obj{"block": read.Block, "evidence": read.Evidence, "lines": read.Lines}), []byte(from+":"), []byte(to+":"))
	if err := json.Unmarshal(bytes.ReplaceAll(raw, []byte(`"`+from+`"`), []byte(`"`+to+`"`)), &read); err != nil {
		panic(err)
	}
	return chainFixture{block: read.Block, evidence: read.Evidence, lines: read.Lines}
}

// newGradedWorld has reserves of four grades: BTC inclusion-proved and filter-checked, ETH and USDT on a chain that the policy anchors and
// on one that it does not. Nobody signed; the policy takes that.
func newGradedWorld() *world {
	w := newWorld()
	key, _ := btcec.PrivKeyFromBytes(h([]byte("wallet")))
	inclusion, filtered, evm := utxoFixture(), newFilterChain(litecoinChain).fixture(), evmFixture(key)
	anchored := onChain(evmFixture(key), evmChain, anchoredEVM)
	token := func(class string, decimals int, f chainFixture, line int) obj {
		return obj{"class": class, "decimals": decimals, "id": f.lines[line]["token"]}
	}
	w.assets[0]["tokens"] = []obj{token("native", 8, inclusion, 0), token("native", 8, filtered, 0)}
	w.assets[1]["tokens"] = []obj{token("native", 18, anchored, 1), token("native", 18, evm, 1)}
	w.assets[2]["tokens"] = []obj{token("issued", 6, anchored, 0), token("issued", 6, evm, 0)}
	for _, f := range []chainFixture{inclusion, filtered, anchored, evm} {
		w.blocks = append(w.blocks, f.block)
		w.lines = append(w.lines, f.lines...)
		w.evidence[f.block["chain"].(string)] = f.evidence
	}
	for _, l := range w.lines {
		l["control"] = "none"
	}
	slices.SortFunc(w.lines, func(a, b obj) int {
		return strings.Compare(a["account"].(string)+"\x00"+a["token"].(string), b["account"].(string)+"\x00"+b["token"].(string))
	})
	w.full = "[[anchor]]\nchain = \"" + anchoredEVM + "\"\nnumber = 100\nhash = \"" + anchored.block["hash"].(string) + "\"\n"
	return w
}

// The same bundle, by policies that ask for more and more: it is as true as before, and counts for less and less.
func TestGradesOfReserves(t *testing.T) {
	for _, c := range []struct {
		least           string
		counted, shares [3]string // BTC, ETH, USDT
		groups          string    // which of the groups below count
	}{
		{"claimed", [3]string{"4", "7", "2,000"}, [3]string{"266.66", "93.33", "2020202020.20"}, "yyyyyy"},
		{"node-attested", [3]string{"4", "7", "2,000"}, [3]string{"266.66", "93.33", "2020202020.20"}, "yyyyyy"},
		{"inclusion-proved", [3]string{"4", "7", "2,000"}, [3]string{"266.66", "93.33", "2020202020.20"}, "yyyyyy"},
		{"filter-checked", [3]string{"2", "7", "2,000"}, [3]string{"133.33", "93.33", "2020202020.20"}, "nyyyyy"},
		{"state-proved", [3]string{"0", "7", "2,000"}, [3]string{"0.00", "93.33", "2020202020.20"}, "nnyyyy"},
		{"header-trusted", [3]string{"0", "3.5", "1,000"}, [3]string{"0.00", "46.66", "1010101010.10"}, "nnynyn"},
	} {
		t.Run(c.least, func(t *testing.T) {
			w := newGradedWorld()
			w.policy = strings.Replace(w.policy, "inclusion-proved", c.least, 1)
			v := verify(t, w.make(t))
			proven(t, v)
			for i, got := range v.Coverage {
				if got.Counted != c.counted[i] || got.Coverage != c.shares[i] || got.StatedCounted != "0" {
					t.Errorf("%s: counted %s, %s %%, stated %s; want %s, %s %%, stated 0", got.Asset, got.Counted, got.Coverage, got.StatedCounted, c.counted[i], c.shares[i])
				}
			}
			counts := func(i int) bool { return c.groups[i] == 'y' }
			group := func(i int, amount, class, custody, grade string, token any) Group {
				return Group{Accounts: 1, Amount: amount, Class: class, Control: "none", Counted: counts(i), Custody: custody, Evidence: grade, Token: token.(string)}
			}
			tokens := func(asset, n int) any { return w.assets[asset]["tokens"].([]obj)[n]["id"] }
			want := []Reserves{
				{"BTC", []Group{
					group(0, "2", "native", "own-cold", "inclusion-proved", tokens(0, 0)),
					group(1, "2", "native", "own-cold", "filter-checked", tokens(0, 1)),
				}},
				{"ETH", []Group{
					group(2, "3.5", "native", "own-hot", "header-trusted", tokens(1, 0)),
					group(3, "3.5", "native", "own-hot", "state-proved", tokens(1, 1)),
				}},
				{"USDT", []Group{
					group(4, "1,000", "issued", "own-hot", "header-trusted", tokens(2, 0)),
					group(5, "1,000", "issued", "own-hot", "state-proved", tokens(2, 1)),
				}},
			}
			if diff := cmp.Diff(want, v.Reserves); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a verdict shows as reserves is what was checked: nothing, where a line is not what its evidence reaches.
func TestGradesOfReserves_NotShownUnchecked(t *testing.T) {
	w := newGradedWorld()
	w.lines[0]["evidence"] = "filter-checked"
	v := verify(t, w.make(t))
	refused(t, v, "reserves.lines", "it claims the evidence grade filter-checked, the evidence reaches inclusion-proved")
	if len(v.Reserves) != 0 || len(v.Coverage) != 0 {
		t.Errorf("got %+v and %+v", v.Reserves, v.Coverage)
	}
}
