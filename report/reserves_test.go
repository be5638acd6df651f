package report_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// TestB10_DoubleCounting: no account, holding or descriptor counts twice; nothing is left without an answer.
func TestB10_DoubleCounting(t *testing.T) {
	s := snapshot(t)
	for name, spoil := range map[string]func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance){
		"wallet twice": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			return append(w, w[0]), b
		},
		"balance twice": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			return w, append(b, b[1])
		},
		"balance of a stranger": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) { return w[:3], b },
		"wallet without any":    func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) { return w, b[:3] },
		"no amount": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			b[0].Amount = nil
			return w, b
		},
		"token of no asset": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			b[1].Token = "eip155:1/slip44:60"
			return w, b
		},
		"token of another chain": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			b[1].Token = usdtBsc
			return w, b
		},
		"custody": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			w[0].Custody = "bank"
			return w, b
		},
		"control": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			w[0].Control = "sure"
			return w, b
		},
		"evidence": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			b[0].Grade = "seen"
			return w, b
		},
		"B20 grade of a verifier": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			b[0].Grade = chains.HeaderTrusted
			return w, b
		},
		"account in capitals": func(w []report.Wallet, b []chains.Balance) ([]report.Wallet, []chains.Balance) {
			w[3].Account = chains.Account("eip155:1:0x47AC0FB4F2D84898E4D9E7B4DAB3C24507A6D503")
			b[3].Account = w[3].Account
			return w, b
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, b := spoil(wallets(), balances())
			if _, err := report.NewLines(s, w, b); err == nil {
				t.Error("it was taken")
			}
		})
	}
	// One address on two chains is two accounts, counted once each and shown.
	want := []report.SharedAddress{{Address: "0x8e23ee67d1332ad560396262c48ffbb01f93d052", Chains: []chains.Chain{ethChain, bscChain}}}
	if diff := cmp.Diff(want, report.SharedAddresses(lines(t, s))); diff != "" {
		t.Error(diff)
	}
}

func TestLinesFile(t *testing.T) {
	s := snapshot(t)
	all := lines(t, s)
	b, err := report.LinesJSON(s, all)
	if err != nil {
		t.Fatal(err)
	}
	back, err := report.ParseLines(s, b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, back); diff != "" {
		t.Error(diff)
	}
	empty, err := report.LinesJSON(s, nil)
	if err != nil || !strings.Contains(string(empty), `"lines":[]`) {
		t.Errorf("%s, %v", empty, err)
	}
	if _, err := report.LinesJSON(s, append(slices.Clone(all), all[0])); err == nil {
		t.Error("lines out of order were written")
	}
	for name, swap := range map[string][2]string{
		"type": {report.TypeLines, "assay/v2/lines"}, "snapshot": {s.ID.String(), strings.Repeat("0", 64)}, "amount": {`"150000000"`, `"0150000000"`},
		"number": {`"150000000"`, `150000000`}, "unknown key": {`"custody"`, `"custodian"`}, "line dropped": {`{"account":"` + rich, `{"account":"x` + rich},
	} {
		bad := strings.Replace(string(b), swap[0], swap[1], 1)
		if _, err := report.ParseLines(s, []byte(bad)); err == nil || bad == string(b) {
			t.Errorf("%s was read", name)
		}
	}
}

func TestControlFile(t *testing.T) {
	s := snapshot(t)
	all := lines(t, s)
	sig := func(a chains.Account) report.ControlSignature {
		return report.ControlSignature{Accounts: []chains.Account{a}, Method: "eip191", Signature: "0x00"}
	}
	b, err := report.ControlJSON(s, all, []report.ControlSignature{sig(wallet3), sig(wallet2)})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Index(string(b), wallet2) > strings.Index(string(b), wallet3) {
		t.Error("the signatures are not sorted")
	}
	if _, err := report.ControlJSON(s, all, []report.ControlSignature{sig(wallet2), sig(wallet2)}); err == nil {
		t.Error("an account signed twice")
	}
	if _, err := report.ControlJSON(s, all, []report.ControlSignature{sig("eip155:1:0x0000000000000000000000000000000000000001")}); err == nil {
		t.Error("an account without a line signed")
	}
}

// TestB23_RichStranger: a balance that nobody signed for counts for nothing, however well it is shown.
func TestB23_RichStranger(t *testing.T) {
	s := snapshot(t)
	r, err := report.NewReserves(s, lines(t, s), rule())
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Assets[1].Counted.String(); got != "9000000000000000000" {
		t.Errorf("counted %s: the stranger's 900,000 are in it, or the exchange's 9 are not", got)
	}
	found := false
	for _, g := range r.Assets[1].Groups {
		found = found || g.Control == chains.NoControl && g.Amount.String() == "900000000000000000000000"
	}
	if !found {
		t.Error("the stranger's balance is not shown either")
	}
}

// TestB16_GroupsNeverMerged: token, custody, evidence and control are kept apart; each part of the rule keeps a line out.
func TestB16_GroupsNeverMerged(t *testing.T) {
	s, err := report.NewSnapshot(exchange(), "1", instant, []report.Asset{{ID: "ETH", Decimals: 18, Tokens: []report.Token{
		{ID: "eip155:1/slip44:60", Decimals: 18, Class: report.Native}, {ID: usdtEth, Decimals: 18, Class: report.Staked}}}})
	if err != nil {
		t.Fatal(err)
	}
	var all []report.Line
	one := report.NewUnits(uint256.NewInt(1))
	add := func(n byte, token chains.Token, custody report.Custody, evidence chains.EvidenceGrade, control chains.ControlGrade) {
		all = append(all, report.Line{Account: chains.Account("eip155:1:0x00000000000000000000000000000000000000" + string([]byte{'0' + n/10, '0' + n%10})),
			Token: token, Amount: one, Custody: custody, Evidence: evidence, Control: control})
	}
	const eth = "eip155:1/slip44:60"
	add(1, eth, report.OwnHot, chains.StateProved, chains.Bound)
	add(2, eth, report.OwnHot, chains.StateProved, chains.Bound) // with the one before
	add(3, usdtEth, report.OwnHot, chains.StateProved, chains.Bound)
	add(4, eth, report.OwnCold, chains.StateProved, chains.Bound)
	add(5, eth, report.OwnHot, chains.NodeAttested, chains.Bound)
	add(6, eth, report.OwnHot, chains.StateProved, chains.Static)
	r, err := report.NewReserves(s, all, report.Rule{Classes: []report.Class{report.Native}, Control: []chains.ControlGrade{chains.Bound}, Evidence: chains.InclusionProved})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range r.Assets[0].Groups {
		got = append(got, strings.Join([]string{string(g.Class), string(g.Custody), string(g.Evidence), string(g.Control), g.Amount.String(), string(rune('0' + g.Accounts))}, " "))
	}
	want := []string{"staked own-hot state-proved bound 1 1", "native own-cold state-proved bound 1 1", "native own-hot node-attested bound 1 1",
		"native own-hot state-proved bound 2 2", "native own-hot state-proved static 1 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c := r.Assets[0].Counted.String(); c != "3" {
		t.Errorf("counted %s, want 3", c)
	}
}

func TestReservesOverflow(t *testing.T) {
	s, err := report.NewSnapshot(exchange(), "1", instant, []report.Asset{{ID: "X", Decimals: 1, Tokens: []report.Token{{ID: usdtEth, Decimals: 0, Class: report.Issued}}}})
	if err != nil {
		t.Fatal(err)
	}
	line := report.Line{Account: wallet2, Token: usdtEth, Amount: units(t, maxUnits), Custody: report.OwnHot, Evidence: chains.StateProved, Control: chains.Bound}
	if _, err := report.NewReserves(s, []report.Line{line}, rule()); err == nil {
		t.Error("A02: an amount that its scale takes to 2^256 was taken")
	}
	s.Assets[0].Decimals = 0
	second := line
	second.Account = rich
	if _, err := report.NewReserves(s, []report.Line{second, line}, rule()); err == nil {
		t.Error("A02: a group that reaches 2^256 was taken")
	}
	second.Custody = report.OwnCold
	if _, err := report.NewReserves(s, []report.Line{second, line}, rule()); err == nil {
		t.Error("A02: a count that reaches 2^256 was taken")
	}
}

func TestRuleRefuses(t *testing.T) {
	for name, r := range map[string]report.Rule{
		"class":            {Classes: []report.Class{"gold"}, Evidence: chains.Claimed},
		"class twice":      {Classes: []report.Class{report.Native, report.Native}, Evidence: chains.Claimed},
		"control":          {Control: []chains.ControlGrade{"sure"}, Evidence: chains.Claimed},
		"control order":    {Control: []chains.ControlGrade{chains.Script, chains.Bound}, Evidence: chains.Claimed},
		"no evidence":      {},
		"header-trusted":   {Evidence: chains.HeaderTrusted},
		"evidence unknown": {Evidence: "seen"},
	} {
		if err := r.Check(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestA08_NoNetting: each asset stands alone; a surplus of one never helps another.
func TestA08_NoNetting(t *testing.T) {
	payload, _, err := report.Draft(inputs(t))
	if err != nil {
		t.Fatal(err)
	}
	s, err := report.ParseStatement(payload)
	if err != nil {
		t.Fatal(err)
	}
	got := string(canonical(t, s.Predicate.Coverage))
	want := `[{"asset":"BTC","counted":"150000000","coverage":"107.14","liabilities":"140000000","surplus":"10000000"},` +
		`{"asset":"USDT","counted":"9000000000000000000","coverage":"90.00","liabilities":"10000000000000000000","shortfall":"1000000000000000000"}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCoverageEdges(t *testing.T) {
	reserves := report.Reserves{Assets: []report.AssetReserves{{Asset: "A", Counted: units(t, "5")}, {Asset: "B"}, {Asset: "C", Counted: units(t, "7")}}}
	nothing, seven := units(t, "0"), units(t, "7")
	owed := []report.Liability{{Asset: "A", Amount: &nothing}, {Asset: "B", Amount: &nothing}, {Asset: "C", Amount: &seven}}
	c, err := report.NewCoverage(reserves, owed)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"asset":"A","counted":"5","liabilities":"0","surplus":"5"},{"asset":"B","counted":"0","liabilities":"0","surplus":"0"},` +
		`{"asset":"C","counted":"7","coverage":"100.00","liabilities":"7","surplus":"0"}]`
	if got := string(canonical(t, c)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	owed[0], owed[1] = owed[1], owed[0]
	if _, err := report.NewCoverage(reserves, owed); err == nil {
		t.Error("A06: assets in another order were taken")
	}
	if _, err := report.NewCoverage(reserves, owed[:1]); err == nil {
		t.Error("fewer liabilities than reserves were taken")
	}
}
