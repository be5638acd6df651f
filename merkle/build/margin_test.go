package build

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	verifier "github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/tree"
)

// testPrices are of BTC, ETH and USDT; the other three assets have none.
var testPrices = []merkle.Price{{Asset: 0, Price: "61234.5", Weight: 90}, {Asset: 1, Price: "3000.25", Weight: 80}, {Asset: 2, Price: "1", Weight: 100}}

var testColumns = append(slices.Clone(ids), "debit:BTC", "debit:ETH", "debit:USDT", "equity:low", "equity:high")

// marginText is a ledger of customers who hold bitcoins and owe dollars, each in two rows; every seventh owes ether too, every ninth too much.
func marginText(customers int) string {
	var b strings.Builder
	b.WriteString("customer,class,asset,balance\n")
	for i := range customers {
		fmt.Fprintf(&b, "c%d,margin,BTC,%d.00000001\nc%d,spot,SYN004,%d\n", i, i+1, i, i%3)
		if i%2 == 0 {
			fmt.Fprintf(&b, "c%d,margin,USDT,-%d.5\nc%d,margin,USDT,-1\n", i, 40000*(i+1), i)
		}
		if i%7 == 0 {
			fmt.Fprintf(&b, "c%d,loan,ETH,-0.5\n", i)
		}
		if i%9 == 0 {
			fmt.Fprintf(&b, "c%d,loan,ETH,-%d\n", i, 100*(i+1))
		}
	}
	return b.String()
}

var writeOff = ledger.Rules{Negatives: ledger.RuleDebit, Duplicates: ledger.RuleSum, Underwater: ledger.RuleWriteOff}

// marginLedger reads a ledger with margin accounts, and closes its rows in big integers, by SPEC part 30 and with no part of this package
// nor of merkle.Margin. It returns what was written off, by asset, and of how many.
func marginLedger(t *testing.T, text string, rules ledger.Rules) (l *testLedger, writtenOff []*big.Int, customers uint64) {
	t.Helper()
	l = &testLedger{text: text, rules: rules, prices: testPrices, sums: map[string]merkle.Plain{}}
	registry := slices.Clone(assets)
	for i, p := range testPrices {
		registry[p.Asset].Debit = uint16(len(assets) + i)
	}
	if _, err := ledger.Scan(context.Background(), l.sources(), registry, rules, []ledger.Sink{l}, nil); err != nil {
		t.Fatal(err)
	}
	// In units of 10^-20 of a dollar, which 3000.25 · 10^-18 needs; with a weight of 80 it is 2400.2.
	lambda := func(price, decimals int64) *big.Int {
		n := new(big.Int).Exp(big.NewInt(10), big.NewInt(20-2-decimals), nil)
		return n.Mul(n, big.NewInt(price))
	}
	factors := map[uint16]*big.Int{
		0: lambda(5511105, 8), 1: lambda(240020, 18), 2: lambda(100, 6), // 61234.5 · 0.9 = 55111.05
		6: lambda(-6123450, 8), 7: lambda(-300025, 18), 8: lambda(-100, 6),
	}
	writtenOff = []*big.Int{new(big.Int), new(big.Int), new(big.Int)}
	for id, row := range l.sums {
		equity := equityOf(row, factors)
		if equity.Sign() < 0 {
			customers++
			for i := len(row) - 1; i >= 0 && row[i].Asset >= 6; i-- {
				writtenOff[row[i].Asset-6].Add(writtenOff[row[i].Asset-6], bigOf(row[i].Amount))
				row = row[:i]
			}
			equity = equityOf(row, factors)
		}
		low := new(big.Int).And(equity, new(big.Int).SetUint64(1<<64-1)).Uint64()
		high := new(big.Int).Rsh(equity, 64).Uint64()
		for i, half := range []uint64{low, high} {
			if half > 0 {
				row = append(row, merkle.Entry{Asset: uint16(9 + i), Amount: merkle.Amount{Lo: half}})
			}
		}
		l.sums[id] = row
	}
	return l, writtenOff, customers
}

func bigOf(a merkle.Amount) *big.Int {
	b := a.Bytes16()
	return new(big.Int).SetBytes(b[:])
}

func equityOf(row merkle.Plain, factors map[uint16]*big.Int) *big.Int {
	sum := new(big.Int)
	for _, e := range row {
		if f := factors[e.Asset]; f != nil {
			sum.Add(sum, new(big.Int).Mul(bigOf(e.Amount), f))
		}
	}
	return sum
}

// Both kinds of tree are what a plain reading of the specification gives, and the summary says what was written off.
func TestMargin(t *testing.T) {
	l, writtenOff, under := marginLedger(t, marginText(200), writeOff)
	if under == 0 || under > 100 {
		t.Fatalf("%d customers are under water", under)
	}
	for _, kind := range []merkle.Kind{merkle.KindPlain, merkle.KindConfidential} {
		t.Run(kind.String(), func(t *testing.T) {
			in := inputOf(t, l, 1, 2, 3, newIdentity(t))
			in.Kind, in.Parts, in.Cores = kind, 2, 2
			w := in.worker()
			r, read, err := Run(context.Background(), w, InProcess{Do: w.Do, Cores: in.Cores})
			if err != nil {
				t.Fatal(err)
			}
			var total merkle.Plain
			for _, row := range l.sums {
				if total, err = total.Add(row); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(total, r.Totals); diff != "" {
				t.Errorf("totals: %s", diff)
			}
			if kind == merkle.KindPlain {
				if want := naive(t, in); want.Root != r.Root {
					t.Errorf("the root is %v, want %v", r.Root, want.Root)
				}
			} else {
				shards, _ := naiveHiding(t, in)
				for i, s := range r.Shards {
					if s.Root != shards[i].Root.Hash || *s.Total != shards[i].Top.Total {
						t.Errorf("shard #%d is %+v, want %+v", i, s, shards[i].Top)
					}
				}
			}
			checkMarginSummary(t, read.Summary, r.Totals, writtenOff, under)
			list, err := ShardsJSON(r, testColumns)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := ParseShards(list, testColumns); err != nil || back.Root != r.Root {
				t.Errorf("the shard list gives %v, %v", back.Root, err)
			}
			maker, err := builtOf(in, r, testColumns, in.Identity).Maker(in.Keys.Lookup())
			if err != nil {
				t.Fatal(err)
			}
			defer maker.Close()
			if file, err := maker.Prove(t.Context(), "c2"); err != nil || !strings.Contains(string(file), `"120001500000","asset":"debit:USDT"`) {
				t.Errorf("c2's proof: %v, %s", err, file)
			}
		})
	}
}

func checkMarginSummary(t *testing.T, s ledger.Summary, totals merkle.Plain, writtenOff []*big.Int, under uint64) {
	t.Helper()
	if s.Underwater.Rule != ledger.RuleWriteOff || s.Underwater.Customers != under || s.Negatives.Rule != ledger.RuleDebit {
		t.Errorf("%d customers are under water, want %d: %+v", s.Underwater.Customers, under, s)
	}
	for i, want := range writtenOff {
		off, owed := bigOf(s.Underwater.Sum.Amount(i)), bigOf(totals.Amount(6+i))
		if off.Cmp(want) != 0 || owed.Add(owed, off).Cmp(bigOf(s.Negatives.Sum.Amount(i))) != 0 {
			t.Errorf("%v of asset #%d were written off, want %v; with %v that are owed, negatives are %v", off, i, want, totals.Amount(6+i), s.Negatives.Sum.Amount(i))
		}
	}
	entries := s.Negatives.Entries
	for _, c := range s.Classes {
		if entries += c.Entries; c.Class == "loan" {
			t.Errorf("a class of debits alone has %d entries", c.Entries)
		}
	}
	if entries != s.Entries {
		t.Errorf("%d entries of %d are accounted for", entries, s.Entries)
	}
}

// The proofs of a shard hold before the verifier with the relation, and without it, or with that of another price, they do not.
func TestMarginProved(t *testing.T) {
	l, _, _ := marginLedger(t, marginText(40), writeOff)
	in := hidingInput(t, l, 2)
	r := mustRun(t, in)
	v, err := verifier.New(testColumns)
	if err != nil {
		t.Fatal(err)
	}
	m, err := in.worker().Plan.margin()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range r.Shards {
		raw := readFile(t, filepath.Join(in.Dir, LeavesFile(i)))[len("assay/v1/leaves\n")+32+4:]
		n := binary.BigEndian.Uint64(raw)
		points := make([]grumpkin.G1Affine, n)
		var sum grumpkin.G1Affine
		for row := range points {
			at := raw[8+96*row+32:]
			points[row].X.SetBytes(at[:32])
			points[row].Y.SetBytes(at[32:64])
			sum.Add(&sum, &points[row])
		}
		total, err := tree.ParsePoint(s.Total.AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		claim := verifier.Claim{Level: verifier.Shard, Snapshot: tree.Hash(in.Snapshot), Index: uint32(i), Rows: n, Root: tree.Hash(s.Root), Sum: tree.PointOf(sum), Total: total,
			Relations: [][]*big.Int{m.Factors()}}
		proof := readFile(t, filepath.Join(in.Dir, ProofFile(i)))
		rows := func(take func([]grumpkin.G1Affine) error) error { return take(points) }
		if err := v.Check(claim, proof, rows, 1); err != nil {
			t.Errorf("shard #%d: %v", i, err)
		}
		other := slices.Clone(m.Factors())
		other[0] = new(big.Int).Add(other[0], big.NewInt(1))
		for name, relations := range map[string][][]*big.Int{"none": nil, "another price": {other}} {
			if claim.Relations = relations; v.Check(claim, proof, rows, 1) == nil {
				t.Errorf("shard #%d: it holds with the relation: %s", i, name)
			}
		}
	}
}

// Of hidden totals nothing is shown of debts and net equity: their columns are proved below 2^128, and what is returned has none of them.
func TestHiddenMargin(t *testing.T) {
	l, _, _ := marginLedger(t, marginText(40), writeOff)
	in := hidingInput(t, l, 2)
	in.Hidden = true
	r := mustRun(t, in)
	h := hiddenTop(in, r)
	h.Columns = testColumns
	owed, debits := r.Totals[:2], r.Totals[2:]
	if owed[1].Asset >= 6 || len(debits) < 4 || debits[0].Asset < 6 {
		t.Fatalf("the totals are %v", r.Totals)
	}
	reserves := merkle.Plain{{Asset: owed[0].Asset, Amount: merkle.Amount{Hi: 1}}}
	want := merkle.Plain{reserves[0], owed[1]} // the other one is in shortfall
	c, err := h.Cover(t.Context(), reserves)
	if err != nil || !slices.Equal(c.Totals, want) {
		t.Fatalf("%v, want %v (%v)", c.Totals, want, err)
	}
	for column := len(ids); column < len(testColumns); column++ {
		want = append(want, merkle.Entry{Asset: uint16(column), Amount: merkle.Amount{Hi: math.MaxUint64, Lo: math.MaxUint64}})
	}
	if err := judge(t, r, testColumns, c, want); err != nil {
		t.Error(err)
	}
	for i := range debits {
		other := slices.Clone(want)
		other[len(other)-1-i].Amount = debits[len(debits)-1-i].Amount
		if judge(t, r, testColumns, c, other) == nil {
			t.Errorf("it holds for what is owed in column %d", other[len(other)-1-i].Asset)
		}
	}
	if again, err := h.Cover(t.Context(), reserves); err != nil || !slices.Equal(again.Totals, c.Totals) || again.Surplus != c.Surplus {
		t.Errorf("asked again: %v (%v)", again.Totals, err)
	}
}

// Customers under water stop a build, which says how many there are and not who; whoever looks at the ledger alone is told all of them.
func TestUnderwater(t *testing.T) {
	_, _, under := marginLedger(t, marginText(60), writeOff)
	for _, kind := range []merkle.Kind{merkle.KindPlain, merkle.KindConfidential} {
		l := &testLedger{text: marginText(60), rules: writeOff, prices: testPrices}
		l.rules.Underwater = ledger.RuleError
		in := inputOf(t, l, 1, 2, 2, newIdentity(t))
		in.Kind, in.Cores = kind, 1
		_, err := run(in)
		var shard *UnderwaterError
		if !errors.As(err, &shard) || shard.Customers == 0 || shard.Customers > under || !strings.Contains(err.Error(), "shard #0 of 2: ") || strings.Contains(err.Error(), "c9") {
			t.Errorf("%v: got %v", kind, err)
		}
		w := in.worker()
		var who []string
		w.Underwater = func(c []byte) error { who = append(who, string(c)); return nil }
		w.Store = in.worker().Store
		_, err = Summarize(t.Context(), w)
		if !errors.As(err, &shard) || shard.Customers != under || uint64(len(who)) != under || !slices.Contains(who, "c9") {
			t.Errorf("%v: got %v, told %v, want %d", kind, err, who, under)
		}
	}
	l, writtenOff, _ := marginLedger(t, marginText(60), writeOff)
	in := inputOf(t, l, 1, 2, 2, newIdentity(t))
	s, err := Summarize(t.Context(), in.worker())
	if err != nil {
		t.Fatal(err)
	}
	var totals merkle.Plain
	for _, row := range l.sums {
		if totals, err = totals.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	checkMarginSummary(t, s, totals, writtenOff, under)
}

// Where the net equity of a shard, or of all, has no room in its columns, it is said what to do.
func TestMarginOverflow(t *testing.T) {
	var text strings.Builder
	text.WriteString("customer,class,asset,balance\n")
	for i := range 40 { // twenty of them have 2^192 units
		fmt.Fprintf(&text, "c%d,margin,BTC,39614081257132168796.77197517\n", i)
	}
	for _, kind := range []merkle.Kind{merkle.KindPlain, merkle.KindConfidential} {
		for _, shards := range []int{1, 8} {
			l := &testLedger{text: text.String(), rules: writeOff, prices: []merkle.Price{{Asset: 0, Price: "79228162514264337593543950335", Weight: 100}}}
			in := inputOf(t, l, 1, 2, shards, newIdentity(t))
			in.Kind, in.Cores = kind, 1
			if _, err := run(in); err == nil || !strings.HasPrefix(err.Error(), "the net equity of all customers is 2^192 or more in units of 10^-8") {
				t.Errorf("%v, %d shards: got %v", kind, shards, err)
			}
		}
	}
}

// A tree whose totals do not follow from ledger and prices is refused.
func TestMarginTiesOut(t *testing.T) {
	l, _, _ := marginLedger(t, marginText(60), writeOff)
	in := inputOf(t, l, 1, 2, 1, newIdentity(t))
	r := mustRun(t, in)
	w := in.worker()
	scans, err := w.scanned(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	folded := ledger.Folded{Underwater: 1}
	if err := w.tieOut(r.Totals, scans.counts, &folded); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(totals merkle.Plain, f *ledger.Folded){
		"a credit":        func(totals merkle.Plain, _ *ledger.Folded) { totals[0].Amount.Lo++ },
		"net equity":      func(totals merkle.Plain, _ *ledger.Folded) { totals[len(totals)-1].Amount.Lo++ },
		"no one under it": func(_ merkle.Plain, f *ledger.Folded) { f.Underwater = 0 },
		"more is owed": func(totals merkle.Plain, _ *ledger.Folded) {
			totals[slices.IndexFunc(totals, func(e merkle.Entry) bool { return e.Asset == 8 })].Amount.Hi = 1
		},
	} {
		totals, f := slices.Clone(r.Totals), folded
		if change(totals, &f); w.tieOut(totals, scans.counts, &f) == nil {
			t.Errorf("%s: it ties out", name)
		}
	}
}

// A plan carries the prices to workers on other machines, and prices go with a rule for who is under water.
func TestMarginPlan(t *testing.T) {
	in := inputOf(t, &testLedger{text: marginText(2), rules: writeOff, prices: testPrices}, 1, 2, 1, newIdentity(t))
	plan := in.worker().Plan
	back, err := ParsePlan(plan.Encode())
	if diff := cmp.Diff(plan, back); err != nil || diff != "" || back.ID() != plan.ID() {
		t.Errorf("%v\n%s", err, diff)
	}
	for name, change := range map[string]func(*Plan){
		"no prices":     func(p *Plan) { p.Margin = nil },
		"no rule":       func(p *Plan) { p.Rules.Underwater = "" },
		"another price": func(p *Plan) { p.Margin = []merkle.Price{{Asset: 9, Price: "1"}} },
	} {
		other := plan
		change(&other)
		if _, err := ParsePlan(other.Encode()); err == nil || other.ID() == plan.ID() {
			t.Errorf("%s: the plan is taken, or has the same name", name)
		}
	}
	plan.Kind, plan.Shards = merkle.KindConfidential, 0
	if with := plan.shards(1 << 20); with != 2 {
		t.Errorf("a confidential shard with margin accounts has as many entries as one without: %d shards", with)
	}
}
