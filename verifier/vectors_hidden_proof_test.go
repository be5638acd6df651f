package verifier

import (
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// vectorBuilder is what only the builder knows, and what the proof is made of on the way (SPEC part 29, "Who builds").
type vectorBuilder struct {
	Secret          string        `json:"secret,omitempty"` // the snapshot's (part 5)
	Key             string        `json:"key"`              // K_blind
	Random          string        `json:"random,omitempty"`
	Balances        [][]string    `json:"balances"` // by row, by asset
	Reserves        []string      `json:"reserves,omitempty"`
	Digest          string        `json:"digest,omitempty"`  // D
	RowsKey         string        `json:"rowsKey,omitempty"` // of a shard
	Blindings       []string      `json:"blindings,omitempty"`
	TotalBalances   []string      `json:"totalBalances,omitempty"` // of a shard
	TotalBlinding   string        `json:"totalBlinding,omitempty"`
	SurplusBalances []string      `json:"surplusBalances,omitempty"`
	SurplusBlinding string        `json:"surplusBlinding,omitempty"`
	MaskKey         string        `json:"maskKey,omitempty"` // K
	Rounds          []vectorRound `json:"rounds,omitempty"`
	Opened          string        `json:"opened,omitempty"` // what Σ R_i C_i opens to: M scalars, and its blinding
	OpenedBlinding  string        `json:"openedBlinding,omitempty"`
	B               string        `json:"b,omitempty"`     // Σ L_c opened_c, what Y holds
	Y               string        `json:"y,omitempty"`     // and its blinding
	Claim           string        `json:"claim,omitempty"` // what [c] opens to
	ClaimBlinding   string        `json:"claimBlinding,omitempty"`
	Columns         string        `json:"columns,omitempty"` // what Q opens to: M scalars, and its blinding
	ColumnsBlinding string        `json:"columnsBlinding,omitempty"`
}

type vectorRound struct {
	Q1        string `json:"q1"`
	Q2        string `json:"q2"`
	Blinding1 string `json:"blinding1"`
	Blinding2 string `json:"blinding2"`
}

// vectorEvaluated is all that a verifier computes.
type vectorEvaluated struct {
	Transcript []vectorStep         `json:"transcript"`
	Claim      string               `json:"claim"`  // [c]
	Opened     string               `json:"opened"` // Σ R_i C_i
	Q          string               `json:"q"`
	S          string               `json:"s"`
	Weights    []string             `json:"weights"`   // of (a) to (d)
	Equations  map[string][2]string `json:"equations"` // (a) to (d): left, right
	Totals     [][2]string          `json:"totals"`    // (e), by asset
	Relations  [][2]string          `json:"relations,omitempty"`
}

type vectorStep struct {
	Absorbed string `json:"absorbed,omitempty"`
	Data     string `json:"data,omitempty"` // but for what is in the proof
	Drawn    string `json:"drawn,omitempty"`
	Value    string `json:"value,omitempty"`
	State    string `json:"state"`
}

var (
	hiddenSecret   = h([]byte("secret of the vectors"))
	hiddenSnapshot = h([]byte("snapshot of the vectors"))
	hiddenKey      = confidentialtest.BlindKey(hiddenSecret, hiddenSnapshot)
	hiddenRandom   = h([]byte("32 bytes that are used once"))
)

// hiddenTree is a prover with what its vector needs beside it.
type hiddenTree struct {
	*confidentialtest.Prover
	identities [][]byte
	balances   [][]*big.Int // of the rows
	totals     []*big.Int   // what they add up to
	reserves   []*big.Int
	digest     []byte
}

func numbers(list ...int64) (row []*big.Int) {
	for _, n := range list {
		row = append(row, big.NewInt(n))
	}
	return row
}

func totalsOf(assets int, rows [][]*big.Int) []*big.Int {
	totals := numbers(make([]int64, assets)...)
	for _, row := range rows {
		for j, a := range row {
			totals[j].Add(totals[j], a)
		}
	}
	return totals
}

// hiddenShard is a shard as an honest builder makes it.
func hiddenShard(index uint32, assets []string, balances ...[]*big.Int) *hiddenTree {
	s := &hiddenTree{balances: balances}
	for i := range balances {
		s.identities = append(s.identities, h([]byte("customer"), u64(int(index)), u64(i)))
	}
	if len(balances) == 0 {
		s.identities = [][]byte{confidentialtest.Decoy(hiddenKey, hiddenSnapshot, index)}
		s.balances = [][]*big.Int{totalsOf(len(assets), nil)}
	}
	s.totals, s.digest = totalsOf(len(assets), s.balances), confidentialtest.RowsDigest(s.identities, s.balances)
	key := confidentialtest.RowsKey(hiddenKey, hiddenSnapshot, index, s.digest)
	s.Prover = confidentialtest.New(generatorsFor(assets...), "shard", 0, s.balances)
	for i := range s.Blindings {
		s.Blindings[i] = confidentialtest.Keyed(key, "row", i)
	}
	s.TotalBlinding = confidentialtest.Keyed(key, "total")
	s.Statement.Index = index
	s.settle()
	return s
}

// settle makes tree and statement follow from what the prover knows.
func (s *hiddenTree) settle() {
	s.Settle()
	s.Statement.Snapshot, s.Fresh = [32]byte(hiddenSnapshot), &confidentialtest.Fresh{Key: hiddenKey, Random: hiddenRandom}
	level, leaves := 0x10*s.Statement.Level, []pointNode(nil)
	for i, row := range s.Rows() {
		leaves = append(leaves, pointNode{h([]byte{level}, s.identities[i], encodedSum(row)), row})
	}
	s.Statement.Root = [32]byte(pointRoot(level, leaves).hash)
}

// hiddenTop is the top over shards; with reserves its totals are hidden.
func hiddenTop(reserves []*big.Int, shards ...*hiddenTree) *hiddenTree {
	assets := shards[0].Assets
	s := &hiddenTree{Prover: confidentialtest.New(generatorsFor(assets...), "top", 1, nil), reserves: reserves}
	for _, shard := range shards {
		s.identities, s.balances = append(s.identities, shard.Statement.Root[:]), append(s.balances, shard.totals)
		s.Entries, s.Blindings = append(s.Entries, shard.TotalEntries), append(s.Blindings, shard.TotalBlinding)
	}
	s.totals, s.digest = totalsOf(len(assets), s.balances), confidentialtest.RowsDigest(s.identities, s.balances)
	s.Statement.Totals = s.totals
	if reserves != nil {
		shown, surplus := make([]*big.Int, len(assets)), make([]*big.Int, len(assets))
		for j, total := range s.totals {
			if shown[j] = total; reserves[j].Cmp(total) > 0 {
				shown[j] = reserves[j]
			}
			surplus[j] = new(big.Int).Sub(shown[j], total)
		}
		s.Statement.Totals, s.Surplus = shown, confidentialtest.Bits(surplus...)
		s.SurplusBlinding = confidentialtest.SurplusBlinding(hiddenKey, hiddenSnapshot, s.digest, shown)
	}
	s.settle()
	return s
}

// claimed is the vector of a statement and a proof, without what is on the way.
func (s *hiddenTree) claimed(proof []byte) hiddenVector {
	v := hiddenVector{About: "proof", Level: "shard", Assets: s.Assets, Snapshot: hex.EncodeToString(s.Statement.Snapshot[:]), Root: hex.EncodeToString(s.Statement.Root[:]),
		Sum: pointHex(s.Statement.Sum), Relations: decimalRows(s.Statement.Relations), Proof: hex.EncodeToString(proof)}
	for i, row := range s.Rows() {
		v.Identities, v.Rows = append(v.Identities, hex.EncodeToString(s.identities[i])), append(v.Rows, pointHex(row))
	}
	if s.Statement.Level == 0 {
		v.Shard, v.Total = &s.Statement.Index, pointHex(s.Statement.Total)
		return v
	}
	v.Level, v.Totals = "top", decimals(s.Statement.Totals)
	if s.Statement.Surplus != nil {
		surplus := pointHex(*s.Statement.Surplus)
		v.Surplus = &surplus
	}
	return v
}

func decimals(list []*big.Int) (out []string) {
	for _, n := range list {
		out = append(out, n.String())
	}
	return out
}

func decimalRows(rows [][]*big.Int) (out [][]string) {
	for _, row := range rows {
		out = append(out, decimals(row))
	}
	return out
}

func scalarsHex(list []confidentialtest.Scalar) (out string) {
	for _, s := range list {
		out += scalarHex(s)
	}
	return out
}

// whole is the vector of an honest proof with all that there is to see.
func (s *hiddenTree) whole(t testing.TB, comment string) hiddenVector {
	t.Helper()
	proof := s.Prove()
	e, err := s.Evaluate(&s.Statement, s.Rows(), proof)
	if err != nil || len(e.Fails()) != 0 {
		t.Fatalf("%s: %v, %v", comment, err, e.Fails())
	}
	v := s.claimed(proof)
	v.Comment, v.Expect, v.Builder, v.Checked = comment, "pass", s.builder(), evaluated(e)
	return v
}

func (s *hiddenTree) builder() *vectorBuilder {
	o := s.Trace.Opening
	b := &vectorBuilder{
		Secret: hex.EncodeToString(hiddenSecret), Key: hex.EncodeToString(hiddenKey), Random: hex.EncodeToString(hiddenRandom), Balances: decimalRows(s.balances),
		Reserves: decimals(s.reserves), Digest: hex.EncodeToString(s.digest), MaskKey: hex.EncodeToString(s.Trace.MaskKey),
		Opened: scalarsHex(o.V), OpenedBlinding: scalarHex(o.Blinding), B: scalarHex(o.B), Y: scalarHex(o.Y), Claim: scalarHex(o.Claim), ClaimBlinding: scalarHex(o.ClaimsBlinding),
		Columns: scalarsHex(o.Columns), ColumnsBlinding: scalarHex(o.ColumnsBlinding),
	}
	for _, r := range s.Blindings {
		b.Blindings = append(b.Blindings, scalarHex(r))
	}
	for i, q := range s.Trace.Q {
		r := s.Trace.RoundBlindings[i]
		b.Rounds = append(b.Rounds, vectorRound{scalarHex(q[0]), scalarHex(q[1]), scalarHex(r[0]), scalarHex(r[1])})
	}
	if s.Statement.Level == 0 {
		b.RowsKey = hex.EncodeToString(confidentialtest.RowsKey(hiddenKey, hiddenSnapshot, s.Statement.Index, s.digest))
		b.TotalBalances, b.TotalBlinding = decimals(s.totals), scalarHex(s.TotalBlinding)
	}
	if s.Surplus != nil {
		for j, total := range s.totals {
			b.SurplusBalances = append(b.SurplusBalances, new(big.Int).Sub(s.Statement.Totals[j], total).String())
		}
		b.SurplusBlinding = scalarHex(s.SurplusBlinding)
	}
	return b
}

func evaluated(e *confidentialtest.Evaluation) *vectorEvaluated {
	v := &vectorEvaluated{Claim: pointHex(e.Claim), Opened: pointHex(e.Opened), Q: pointHex(e.Q), S: scalarHex(e.S), Equations: map[string][2]string{}}
	inProof := map[string]bool{"round": true, "masks": true, "answers": true}
	for _, step := range e.Steps {
		s := vectorStep{Absorbed: step.Absorbed, Drawn: step.Drawn, State: hex.EncodeToString(step.State)}
		if step.Drawn != "" {
			s.Value = scalarHex(step.Value)
		} else if !inProof[step.Absorbed] {
			s.Data = hex.EncodeToString(step.Data)
		}
		v.Transcript = append(v.Transcript, s)
	}
	for i, x := range e.Points {
		v.Weights = append(v.Weights, scalarHex(e.Weights[i]))
		v.Equations[string(rune('a'+i))] = [2]string{pointHex(x.Left), pointHex(x.Right)}
	}
	for _, x := range e.Totals {
		v.Totals = append(v.Totals, [2]string{scalarHex(x.Left), scalarHex(x.Right)})
	}
	for _, x := range e.Relations {
		v.Relations = append(v.Relations, [2]string{scalarHex(x.Left), scalarHex(x.Right)})
	}
	return v
}

func hiddenProofVectors(t testing.TB, put hiddenPutter) {
	one, two, margin := []string{"BTC"}, []string{"BTC", "USDT"}, []string{"USDT", "USDT-DEBT", "USDT-NET"}
	three := hiddenShard(0, one, numbers(1), numbers(0), []*big.Int{power(64, 0)})
	limit := hiddenShard(0, two, []*big.Int{big.NewInt(1), power(127, 0)}, numbers(0, 0), []*big.Int{new(big.Int), power(127, 1)})
	decoy := hiddenShard(1, one)
	account := hiddenShard(3, margin, numbers(20, 3, 14), numbers(2, 0, 2))
	account.Statement.Relations = [][]*big.Int{numbers(1, -2, -1), {power(95, 1), new(big.Int).Neg(power(96, 2)), new(big.Int).Neg(power(95, 1))}}
	account.settle()
	shards := map[string]*hiddenTree{
		"shard-1-row": hiddenShard(0, one, []*big.Int{power(128, 1)}), "shard-2-rows": hiddenShard(1_000_000, one, numbers(5), numbers(7)), "shard-3-rows": three,
		"shard-5-rows": hiddenShard(2, one, numbers(3), []*big.Int{power(127, 0)}, numbers(0), []*big.Int{power(126, 0)}, numbers(9)), "shard-3-rows-2-assets": limit,
		"shard-decoy": decoy, "shard-relations": account,
	}
	for name, comment := range map[string]string{
		"shard-1-row": "one row, of the greatest balance", "shard-2-rows": "", "shard-3-rows": "a number of rows that is no power of two", "shard-5-rows": "",
		"shard-3-rows-2-assets": "the total of the second asset is 2^128 − 1", "shard-decoy": "a shard without customers has one decoy",
		"shard-relations": "margin accounts: what is had, at half of it owed twice, and what is left; three assets, so that columns are filled up to four; the second relation is the first times 2^95 − 1",
	} {
		put("happy-"+name, shards[name].whole(t, comment))
	}
	other, last := hiddenShard(1, two), hiddenShard(2, two, numbers(6, 8), numbers(10, 0))
	tops := map[string]*hiddenTree{
		"top-1-shard": hiddenTop(nil, three), "top-2-shards": hiddenTop(nil, three, decoy), "top-3-shards-2-assets": hiddenTop(nil, hiddenShard(0, two, numbers(1, 2)), other, last),
		"top-hidden-1-shard":           hiddenTop([]*big.Int{power(127, 0)}, three),
		"top-hidden-2-shards":          hiddenTop([]*big.Int{power(65, 0)}, three, decoy),
		"top-hidden-3-shards-2-assets": hiddenTop(numbers(1000, 9), hiddenShard(0, two, numbers(1, 2)), other, last),
	}
	for name, comment := range map[string]string{
		"top-1-shard": "totals are open", "top-2-shards": "totals are open; the second shard has a decoy only", "top-3-shards-2-assets": "totals are open",
		"top-hidden-1-shard": "hidden totals: the surplus is the second of two rows, and the first is the tree's", "top-hidden-2-shards": "hidden totals: three rows, two of them the tree's",
		"top-hidden-3-shards-2-assets": "hidden totals; of USDT more is owed than held, so that its total is opened and its surplus is zero",
	} {
		put("happy-"+name, tops[name].whole(t, comment))
	}
	hiddenFaults(t, put, shards, tops)
	hiddenCheats(t, put)
	refusedBuilds(put)
}

// refusedBuilds are rows that no builder commits to.
func refusedBuilds(put hiddenPutter) {
	add := func(name, comment string, assets []string, relations [][]*big.Int, balances ...[]*big.Int) {
		v := hiddenVector{About: "build", Comment: comment, Expect: "refused", Assets: assets, Relations: decimalRows(relations), Snapshot: hex.EncodeToString(hiddenSnapshot)}
		v.Builder = &vectorBuilder{Key: hex.EncodeToString(hiddenKey), Balances: decimalRows(balances)}
		put("build-"+name, v)
	}
	add("total-2-to-the-128", "two rows of 2^127: the shard's total is no balance, and more shards are needed", []string{"BTC"}, nil, []*big.Int{power(127, 0)}, []*big.Int{power(127, 0)})
	add("relation-violated", "what is had is to be twice what is owed, and is one less", []string{"USDT", "USDT-DEBT"}, [][]*big.Int{numbers(1, -2)}, numbers(8, 4), numbers(9, 5))
	add("relation-factor-2-to-the-96", "a factor beyond its range", []string{"BTC"}, [][]*big.Int{{power(96, 0)}}, numbers(0))
	add("asset-twice", "a registry that names an asset twice", []string{"BTC", "BTC"}, nil, numbers(1, 1))
}
