package confidential

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
)

// vectorBuilder is what only a builder knows.
type vectorBuilder struct {
	Secret, Key, Random, Digest                                                  string
	Balances                                                                     [][]string
	Reserves, Blindings, TotalBalances                                           []string
	TotalBlinding, SurplusBlinding, MaskKey                                      string
	Rounds                                                                       []traceRound
	Opened, OpenedBlinding, B, Y, Claim, ClaimBlinding, Columns, ColumnsBlinding string
}

// vectorChecked is what a verifier computes.
type vectorChecked struct {
	Transcript          []vectorStep
	Claim, Opened, Q, S string
	Equations           map[string][2]string
	Totals, Relations   [][2]string
}

type vectorStep struct{ Absorbed, Data, Drawn, Value, State string }

// checkProof checks as a verifier does; what a builder can make it makes, and compares.
func (v *vector) checkProof(t *testing.T) error {
	proof := unhex(t, v.Proof)
	for _, e := range v.Edits {
		proof = slices.Concat(proof[:e.At], unhex(t, e.Hex), proof[e.At+e.Cut:])
	}
	if v.Builder != nil {
		if err := v.checkTree(t); err != nil {
			t.Error(err)
		}
		if v.Level == "top" {
			v.buildTop(t, proof)
		} else {
			v.buildShard(t, proof)
		}
	}
	told, err := v.public(t)
	if err != nil {
		return err
	}
	var sides sides
	err = evaluate(told, proof, &sides)
	if v.Checked != nil {
		v.compare(t, &sides)
		v.replay(t, proof)
	}
	return err
}

// public is what the vector says that a verifier knows.
func (v *vector) public(t *testing.T) (told public, err error) {
	t.Helper()
	point := func(s string) *Point {
		p, e := ParsePoint(unhex(t, s))
		if e == nil && p.IsIdentity() {
			e = errors.New("identity")
		}
		if e != nil && err == nil {
			err = e
		}
		return &p
	}
	told = public{assets: v.Assets, snapshot: merkle.Hash(unhex(t, v.Snapshot)), index: v.Shard, root: merkle.Hash(unhex(t, v.Root)), relations: v.relations(t)}
	for _, row := range v.Rows {
		told.rows = append(told.rows, *point(row))
	}
	sum, e := ParsePoint(unhex(t, v.Sum))
	if e != nil {
		return told, e
	}
	told.sum = &sum
	if v.Level == "top" {
		told.totals = integers(t, v.Totals)
	} else {
		told.total = point(v.Total)
	}
	if v.Surplus != nil && *v.Surplus != "" {
		told.surplus = point(*v.Surplus)
	}
	return told, err
}

// buildShard makes the shard again.
func (v *vector) buildShard(t *testing.T, proof []byte) {
	t.Helper()
	p, err := parametersOf(v.Assets)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := merkle.DeriveKeys([32]byte(unhex(t, v.Builder.Secret)), merkle.Hash(unhex(t, v.Snapshot)))
	if err != nil {
		t.Fatal(err)
	}
	if k := keys.Blind(); hex.EncodeToString(k[:]) != v.Builder.Key {
		t.Error("the key for blindings is another")
	}
	s := v.source(t)
	if decoyed := decoy(s.Key, s.Snapshot, s.Index); decoyed.String() == v.Identities[0] {
		s.Count, s.Rows = 0, each(nil)
	}
	var rows, blindings []string
	c, err := p.Commit(s, func(leaves []Leaf) error {
		for _, l := range leaves {
			rows, blindings = append(rows, l.Sum.String()), append(blindings, hex.EncodeToString(l.Blinding[:]))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Rows, rows) + cmp.Diff(v.Builder.Blindings, blindings); diff != "" {
		t.Error(diff)
	}
	if c.Root.Hash.String() != v.Root || c.Root.Sum.String() != v.Sum || c.Top.Total.String() != v.Total || hex.EncodeToString(c.Top.Blinding[:]) != v.Builder.TotalBlinding ||
		!slices.Equal(c.Top.Totals, plain(t, v.Builder.TotalBalances)) || c.work.digest.String() != v.Builder.Digest {
		t.Error("root, sum, total row or digest are others")
	}
	again, err := c.Prove(bytes.NewReader(unhex(t, v.Builder.Random)))
	if err != nil || !bytes.Equal(again, proof) {
		t.Errorf("the proof is another (%v)", err)
	}
	x := c.instance()
	if got := hex.EncodeToString(appendScalars(nil, x.columns...)) + hexes([]fr.Element{x.remainder})[0]; got != v.Builder.Columns+v.Builder.ColumnsBlinding {
		t.Error("Q opens to others")
	}
	if seed := mac256(x.key[:], x.script.state[:], unhex(t, v.Builder.Random)); hex.EncodeToString(seed[:]) != v.Builder.MaskKey {
		t.Error("the key for masks is another")
	}
	var seen trace
	if _, err := x.traced(bytes.NewReader(unhex(t, v.Builder.Random)), &seen); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Builder.Rounds, seen.Rounds); diff != "" {
		t.Error(diff)
	}
	if got := hexes([]fr.Element{x.masks.scalar("y"), x.claim}); got[0] != v.Builder.Y || got[1] != v.Builder.Claim {
		t.Errorf("got y and the last claim %v", got)
	}
	if seen.Values != v.Builder.Opened || seen.Blinding != v.Builder.OpenedBlinding || seen.B != v.Builder.B || seen.Claim != v.Builder.ClaimBlinding {
		t.Error("rows open to others")
	}
}

// buildTop makes the top again.
func (v *vector) buildTop(t *testing.T, proof []byte) {
	t.Helper()
	p, err := parametersOf(v.Assets)
	if err != nil {
		t.Fatal(err)
	}
	top := Top{Snapshot: merkle.Hash(unhex(t, v.Snapshot)), Key: merkle.BlindKey(unhex(t, v.Builder.Key)), Hidden: v.Surplus != nil}
	if top.Hidden {
		top.Reserves = plain(t, v.Builder.Reserves)
	}
	for i, id := range v.Identities {
		row, err := ParsePoint(unhex(t, v.Rows[i]))
		if err != nil {
			t.Fatal(err)
		}
		top.Rows = append(top.Rows, TopRow{Root: merkle.Hash(unhex(t, id)), Total: row, Totals: plain(t, v.Builder.Balances[i]), Blinding: [32]byte(unhex(t, v.Builder.Blindings[i]))})
	}
	proved, err := p.ProveTop(top, bytes.NewReader(unhex(t, v.Builder.Random)))
	if err != nil {
		t.Fatal(err)
	}
	if proved.Root.Hash.String() != v.Root || proved.Root.Sum.String() != v.Sum || !slices.Equal(proved.Totals, plain(t, v.Totals)) || top.Hidden && proved.Surplus.String() != *v.Surplus {
		t.Errorf("got %+v", proved)
	}
	if !bytes.Equal(proved.Proof, proof) {
		t.Error("the proof is another")
	}
}

// compare holds what was computed against what the vector has.
func (v *vector) compare(t *testing.T, s *sides) {
	t.Helper()
	c := v.Checked
	drawn := map[string][]string{}
	for _, step := range c.Transcript {
		if step.Drawn != "" {
			drawn[step.Drawn] = append(drawn[step.Drawn], step.Value)
		}
	}
	if diff := cmp.Diff(append(slices.Concat(drawn["tau"], drawn["round"]), drawn["e"]...), hexes(s.challenges)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{c.Claim, c.Opened, c.Q}, []string{s.claim.String(), s.opened.String(), s.q.String()}); diff != "" {
		t.Error(diff)
	}
	if c.S != hexes([]fr.Element{s.s})[0] {
		t.Error("S is another")
	}
	if diff := cmp.Diff(c.Equations, s.points); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(append(slices.Clone(c.Totals), c.Relations...), s.numbers); diff != "" {
		t.Error(diff)
	}
}

// replay runs the transcript: what is in the proof comes from there.
func (v *vector) replay(t *testing.T, proof []byte) {
	t.Helper()
	w := newWide()
	script, rest := newTranscript(&w), proof[len(proofMagic):]
	for i, step := range v.Checked.Transcript {
		if step.Drawn != "" {
			if got := hexes([]fr.Element{script.challenge(step.Drawn)})[0]; got != step.Value {
				t.Errorf("step #%d: got %s", i, got)
			}
		} else {
			data := unhex(t, step.Data)
			if size, ok := map[string]int{"round": 2 * PointSize, "masks": 5*PointSize + (len(v.Assets)+len(v.Relations))*fr.Bytes, "answers": len(rest)}[step.Absorbed]; ok {
				data, rest = rest[:size], rest[size:]
			}
			script.absorb(step.Absorbed, data)
		}
		if hex.EncodeToString(script.state[:]) != step.State {
			t.Fatalf("step #%d leaves the state %x", i, script.state)
		}
	}
	if len(rest) != 0 {
		t.Error("not all of the proof was absorbed")
	}
}
