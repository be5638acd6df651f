package confidential

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

var update = flag.Bool("update", false, "write the vectors again")

// vector is a whole small proof with all that it is made of.
type vector struct {
	Comment       string        `json:"comment"`
	Assets        []string      `json:"assets"`
	Snapshot      string        `json:"snapshot"`
	Shard         uint32        `json:"shard"`
	Key           string        `json:"kBlind"`
	Fresh         string        `json:"fresh"`
	Rows          []vectorRow   `json:"rows"`
	Digest        string        `json:"d"`
	Root          string        `json:"root"`
	Sum           string        `json:"sum"`
	Total         string        `json:"total,omitempty"`
	TotalBlinding string        `json:"totalBlinding,omitempty"`
	Totals        []vectorEntry `json:"totals"`
	Columns       []string      `json:"columns"` // what Q opens to
	Remainder     string        `json:"columnsBlinding"`
	Trace         trace         `json:"trace"`
	Proof         string        `json:"proof"`
}

type vectorRow struct {
	Identity string        `json:"identity"`
	Blinding string        `json:"blinding"`
	Point    string        `json:"point"`
	Balances []vectorEntry `json:"balances"`
}

type vectorEntry struct {
	Asset  uint16        `json:"asset"`
	Amount merkle.Amount `json:"amount"`
}

func entries(p merkle.Plain) []vectorEntry {
	out := []vectorEntry{}
	for _, e := range p {
		out = append(out, vectorEntry(e))
	}
	return out
}

// fill sets what both levels have, and the proof.
func (v *vector) fill(t *testing.T, x *instance, points []Point) {
	t.Helper()
	v.Assets, v.Shard, v.Snapshot, v.Key, v.Fresh = x.params.assets, x.index, x.snapshot.String(), hex.EncodeToString(x.key[:]), hex.EncodeToString(someRandom)
	v.Digest, v.Root, v.Sum = x.digest.String(), x.root.Hash.String(), x.root.Sum.String()
	v.Columns, v.Remainder = hexes(x.columns), hexes([]fr.Element{x.remainder})[0]
	i := 0
	for r, err := range x.table.rows {
		if err != nil {
			t.Fatal(err)
		}
		v.Rows = append(v.Rows, vectorRow{r.Identity.String(), hexes(x.blindings[i : i+1])[0], points[i].String(), entries(r.Balances)})
		i++
	}
	proof, err := x.traced(bytes.NewReader(someRandom), &v.Trace)
	if err != nil {
		t.Fatal(err)
	}
	v.Proof = hex.EncodeToString(proof)
}

// Everything that a small shard's proof and the top's come from is what it was.
func TestVectors(t *testing.T) {
	p := parameters(t, 2)
	s := Shard{Snapshot: merkle.Hash{1}, Key: merkle.BlindKey{2}, Count: 3, Rows: each([]Row{
		{merkle.Hash{0x11}, merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 1}}, {Asset: 1, Amount: merkle.Amount{Hi: 1 << 63}}}},
		{Identity: merkle.Hash{0x22}},
		{merkle.Hash{0x33}, merkle.Plain{{Asset: 1, Amount: merkle.Amount{Hi: 1<<63 - 1, Lo: 1<<64 - 1}}}},
	})}
	empty := s
	empty.Index, empty.Count, empty.Rows = 1, 0, each(nil)
	first, points := commit(t, p, s)
	second, _ := commit(t, p, empty)
	shard := vector{Comment: "a shard of three rows, one without balances; the total of the second asset is 2^128 - 1", Total: first.Top.Total.String(), TotalBlinding: hex.EncodeToString(first.Top.Blinding[:]), Totals: entries(first.Top.Totals)}
	shard.fill(t, first.instance(), points)
	same(t, "shard.json", shard)
	proof, err := first.Prove(bytes.NewReader(someRandom))
	if err != nil || hex.EncodeToString(proof) != shard.Proof {
		t.Errorf("the shard's proof is another (%v)", err)
	}
	if err := check(public{assets: p.assets, snapshot: s.Snapshot, rows: points, root: first.Root.Hash, total: &first.Top.Total}, proof); err != nil {
		t.Error(err)
	}

	w, err := p.closeTop(Top{Snapshot: s.Snapshot, Key: s.Key, Rows: []TopRow{first.Top, second.Top}})
	if err != nil {
		t.Fatal(err)
	}
	totals, err := w.totals()
	if err != nil {
		t.Fatal(err)
	}
	x := &instance{work: w, columns: w.columns, remainder: w.sum}
	x.begin(levelTop)
	x.script.absorb("totals", p.encodeTotals(totals))
	top := vector{Comment: "the top over that shard and one that has a decoy only; totals are open", Totals: entries(totals)}
	top.fill(t, x, []Point{first.Top.Total, second.Top.Total})
	same(t, "top.json", top)
}

func same(t *testing.T, name string, v vector) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is another (%v)", name, err)
	}
}
