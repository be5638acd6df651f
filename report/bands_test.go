package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// band is the same wallets some time from the instant, with these balances in the order of those of the snapshot.
func band(t testing.TB, offset time.Duration, amounts ...uint64) report.BandReserves {
	t.Helper()
	at := refs()
	for i := range at {
		at[i].Time = at[i].Time.Add(offset)
	}
	held := balances()
	for i, n := range amounts {
		held[i].Amount = uint256.NewInt(n)
	}
	b, err := report.NewBand(snapshot(t), instant.Add(offset), at, held)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// banded is a run with two bands: a day before there was nearly nothing, an hour after some is gone.
func banded(t testing.TB) report.Inputs {
	t.Helper()
	in := inputs(t)
	in.Bands = []report.BandReserves{
		band(t, -24*time.Hour, 100, 7_000_000, 1, 900_000_000_000),
		band(t, time.Hour, 150_000_000, 1_000_000, 3_000_000_000_000_000_000, 900_000_000_001),
	}
	in.Files = files(t, in)
	return in
}

// TestBands: statement, lines and manifest of bands, written out by hand.
func TestBands(t *testing.T) {
	in := banded(t)
	payload, manifest, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Repeat("5c", 32)
	want := `"bands":[{"blocks":[{"chain":"` + btcChain + `","hash":"` + hash + `","number":921604,"time":"2026-10-30T23:00:00Z"},` +
		`{"chain":"eip155:1","hash":"0x` + hash + `","number":23701112,"time":"2026-10-30T23:59:59Z"},{"chain":"eip155:56","hash":"0x` + hash + `","number":5,"time":"2026-10-31T00:00:00Z"}],` +
		`"instant":"2026-10-31T00:00:00Z","totals":[{"amount":"100","asset":"BTC"},{"amount":"900007000000000000000001","asset":"USDT"}]},{"blocks":`
	if !strings.Contains(string(payload), `"predicate":{"approvals":{"keys":[],"required":0},`+want) {
		t.Errorf("the statement is %s", payload)
	}
	if want := `"instant":"2026-11-01T01:00:00Z","totals":[{"amount":"150000000","asset":"BTC"},{"amount":"900004000001000000000000","asset":"USDT"}]}],"coverage":`; !strings.Contains(string(payload), want) {
		t.Errorf("the statement is %s", payload)
	}
	for _, path := range []string{"reserves/bands/0/bip122-000000000019d6689c085ae165831e93.json", "reserves/bands/0/eip155-1.json", "reserves/bands/0/lines.json", "reserves/bands/1/lines.json"} {
		if !strings.Contains(string(manifest), `{"part":"core","path":"`+path+`"`) {
			t.Errorf("the manifest lacks %s", path)
		}
	}
	lines, err := report.BandLinesJSON(in.Snapshot, in.Bands[0].Lines)
	if want := `{"lines":[{"account":"` + wallet1 + `","amount":"100","evidence":"inclusion-proved","token":"` + btcCoin + `"},{"account":"` + rich +
		`","amount":"900000000000","evidence":"state-proved","token":"` + usdtEth + `"},{"account":"` + wallet2 +
		`","amount":"7000000","evidence":"state-proved","token":"` + usdtEth + `"},{"account":"` + wallet3 + `","amount":"1","evidence":"state-proved","token":"` + usdtBsc +
		`"}],"snapshot":"` + in.Snapshot.ID.String() + `","type":"assay/v1/band"}`; err != nil || string(lines) != want {
		t.Errorf("the lines are %s, %v", lines, err)
	}
	all, envelope := bundle(t, in)
	if err := report.Lint(all, nil); err != nil {
		t.Error(err)
	}
	signed, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	second, err := report.BandLinesJSON(in.Snapshot, in.Bands[1].Lines)
	if err != nil {
		t.Fatal(err)
	}
	back, err := signed.Bands(in.Lines, [][]byte{lines, second})
	if err != nil || len(back) != 2 || !slices.Equal(back[1].Lines, in.Bands[1].Lines) {
		t.Errorf("read back as %+v, %v", back, err)
	}
	for name, files := range map[string][][]byte{"swapped": {second, lines}, "one": {lines}, "none": nil, "other": {lines, []byte("{}")}} {
		if _, err := signed.Bands(in.Lines, files); err == nil {
			t.Errorf("%s: they were taken for the statement's", name)
		}
	}
}

// TestC06_BandsShowTheLoan: what came for the instant and went is seen in both directions, per asset, whether it counts or not.
func TestC06_BandsShowTheLoan(t *testing.T) {
	in := banded(t)
	steps, err := report.Flows(in.Snapshot, in.Lines, in.Bands)
	if err != nil {
		t.Fatal(err)
	}
	at := func(d time.Duration) report.Time { return report.Time{Time: instant.Add(d)} }
	want := []report.Step{
		{From: at(-24 * time.Hour), To: at(0), Flows: []report.Flow{
			{Asset: "BTC", In: units(t, "149999900")}, {Asset: "USDT", In: units(t, "1999999999999999999")}}},
		{From: at(0), To: at(time.Hour), Flows: []report.Flow{
			{Asset: "BTC"}, {Asset: "USDT", In: units(t, "1000001000000000000"), Out: units(t, "6000000000000000000")}}},
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Error(diff)
	}
	if steps, err := report.Flows(in.Snapshot, in.Lines, nil); err != nil || len(steps) != 0 {
		t.Errorf("without bands: %+v, %v", steps, err)
	}
	// One account that holds two tokens of an asset is one account: what it swaps is no flow.
	s := in.Snapshot
	s.Assets = slices.Clone(s.Assets)
	s.Assets[1].Tokens = append(slices.Clone(s.Assets[1].Tokens), report.Token{ID: usdcEth, Decimals: 6, Class: report.Issued})
	line := func(token chains.Token, amount string) report.Line {
		return report.Line{Account: wallet2, Token: token, Amount: units(t, amount)}
	}
	swapped := report.BandReserves{Band: report.Band{Instant: at(time.Hour)}, Lines: []report.BandLine{
		{Account: wallet2, Token: usdtEth, Amount: units(t, "1")}, {Account: wallet2, Token: usdcEth, Amount: units(t, "9")}}}
	steps, err = report.Flows(s, []report.Line{line(usdtEth, "8"), line(usdcEth, "2")}, []report.BandReserves{swapped})
	if err != nil || !steps[0].Flows[1].In.IsZero() || !steps[0].Flows[1].Out.IsZero() {
		t.Errorf("a swap: %+v, %v", steps, err)
	}
}

const usdcEth = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"

// TestC06_BandsRefused: a band that is not of the same wallets, of its own blocks, or does not add up.
func TestC06_BandsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(in *report.Inputs)
		want  string
	}{
		"line left out": {func(in *report.Inputs) { drop(t, in, 0) }, "it has 3 lines, the reserves have 4"},
		"line exchanged": {func(in *report.Inputs) {
			in.Bands[0].Lines[1].Account = "eip155:1:0x47ac0fb4f2d84898e4d9e7b4dab3c24507a6d504"
		}, "it has no line of"},
		"total raised":  {func(in *report.Inputs) { in.Bands[1].Totals[0].Amount = units(t, "1") }, "do not follow"},
		"amount raised": {func(in *report.Inputs) { in.Bands[1].Lines[0].Amount = units(t, "1") }, "do not follow"},
		"own instant":   {func(in *report.Inputs) { in.Bands[0].Instant = in.Snapshot.Instant }, "is the snapshot's own"},
		"unsorted":      {func(in *report.Inputs) { in.Bands[0], in.Bands[1] = in.Bands[1], in.Bands[0] }, "out of order"},
		"twice":         {func(in *report.Inputs) { in.Bands[1].Instant = in.Bands[0].Instant }, "stands twice"},
		"C13 block after the band's instant": {func(in *report.Inputs) {
			in.Bands[0].Blocks[0].Time = in.Snapshot.Instant
		}, "after the instant"},
		"chain left out":          {func(in *report.Inputs) { in.Bands[0].Blocks = in.Bands[0].Blocks[1:] }, "there is none for"},
		"17 bands":                {func(in *report.Inputs) { in.Bands = many(t) }, "there are 17"},
		"total of another asset":  {func(in *report.Inputs) { in.Bands[0].Totals[0].Asset = "ETH" }, "do not follow"},
		"B20 grade of a verifier": {func(in *report.Inputs) { in.Bands[0].Lines[1].Evidence = chains.HeaderTrusted }, "a verifier's to give"},
		"file of another band": {func(in *report.Inputs) {
			in.Files = append(in.Files, report.NewBytesFile(report.PathBandLines(2), nil))
		}, "not a file that this snapshot's manifest lists"},
		"file left out": {func(in *report.Inputs) {
			in.Files = slices.DeleteFunc(in.Files, func(f report.File) bool { return f.Path == report.PathBandEvidence(1, ethChain) })
		}, "reserves/bands/1/eip155-1.json is missing"},
		"other lines than the file's": {func(in *report.Inputs) {
			in.Bands[1] = band(t, time.Hour, 1, 2, 3, 4)
		}, "does not hold what the statement is drawn from"},
	} {
		in := banded(t)
		c.spoil(&in)
		if _, _, err := report.Draft(in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// What is wrong with bands or claims of a statement is seen without their files too.
func TestParseStatementRefusesBandsAndClaims(t *testing.T) {
	in := banded(t)
	in.Claims = claims(t, in.Snapshot)
	in.Files = files(t, in)
	payload, _, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	for name, swap := range map[string][2]string{
		"no bands":            {`,"bands":[`, `,"band":[`},
		"own instant":         {`"instant":"2026-10-31T00:00:00Z"`, `"instant":"2026-11-01T00:00:00Z"`},
		"out of order":        {`"instant":"2026-10-31T00:00:00Z"`, `"instant":"2026-11-02T00:00:00Z"`},
		"block too late":      {`"time":"2026-10-31T00:00:00Z"`, `"time":"2026-10-31T00:00:01Z"`},
		"block hash":          {`"hash":"0x5c`, `"hash":"0X5c`},
		"block of no chain":   {`{"chain":"eip155:56"`, `{"chain":"eip155:57"`},
		"total of two assets": {`"totals":[{"amount":"100","asset":"BTC"}`, `"totals":[{"amount":"100","asset":"USDT"}`},
		"total left out":      {`"totals":[{"amount":"100","asset":"BTC"},`, `"totals":[`},
		"negative total":      {`"totals":[{"amount":"100"`, `"totals":[{"amount":"-1"`},
		"claim's asset":       {`"asset":"BTC","holder"`, `"asset":"BTD","holder"`},
		"claim's kind":        {`"kind":"unprovable"`, `"kind":"proved"`},
		"claim twice":         {`"holder":"vault <of> \"the\" bank","kind":"unprovable"`, `"holder":"Example Trust","kind":"custodian"`},
		"claim's holder":      {`"holder":"Example Trust"`, `"holder":""`},
		"claim with its word": {`"kind":"unprovable"`, `"jws":"a.b.c","kind":"unprovable"`},
		"no claims":           {`"claims":[`, `"claim":[`},
	} {
		bad := strings.Replace(string(payload), swap[0], swap[1], 1)
		if bad == string(payload) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, err := report.ParseStatement([]byte(bad)); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
}

// drop leaves the last line out, and its sum.
func drop(t *testing.T, in *report.Inputs, n int) {
	t.Helper()
	b := &in.Bands[n]
	b.Lines = b.Lines[:3]
	b.Totals[1].Amount = units(t, "900007000000000000000000")
}

func many(t *testing.T) []report.BandReserves {
	t.Helper()
	var all []report.BandReserves
	for i := range 17 {
		all = append(all, band(t, time.Duration(i+1)*time.Hour))
	}
	return all
}

func TestNewBandRefuses(t *testing.T) {
	s := snapshot(t)
	for name, c := range map[string]struct {
		at    time.Time
		spoil func(r []chains.BlockRef, b []chains.Balance) ([]chains.BlockRef, []chains.Balance)
	}{
		"own instant": {instant, nil},
		"fraction":    {instant.Add(time.Hour + 1), nil},
		"block fraction": {instant.Add(time.Hour), func(r []chains.BlockRef, b []chains.Balance) ([]chains.BlockRef, []chains.Balance) {
			r[0].Time = r[0].Time.Add(1)
			return r, b
		}},
		"no amount": {instant.Add(time.Hour), func(r []chains.BlockRef, b []chains.Balance) ([]chains.BlockRef, []chains.Balance) {
			b[0].Amount = nil
			return r, b
		}},
		"balance twice": {instant.Add(time.Hour), func(r []chains.BlockRef, b []chains.Balance) ([]chains.BlockRef, []chains.Balance) {
			return r, append(b, b[0])
		}},
		"token of no asset": {instant.Add(time.Hour), func(r []chains.BlockRef, b []chains.Balance) ([]chains.BlockRef, []chains.Balance) {
			b[1].Token = usdcEth
			return r, b
		}},
		"chain missing": {instant.Add(time.Hour), func(r []chains.BlockRef, b []chains.Balance) ([]chains.BlockRef, []chains.Balance) { return r[1:], b }},
	} {
		r, b := refs(), balances()
		if c.spoil != nil {
			r, b = c.spoil(r, b)
		}
		if got, err := report.NewBand(s, c.at, r, b); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestBandPaths(t *testing.T) {
	for path, ok := range map[string]bool{
		"reserves/bands/0/lines.json": true, "reserves/bands/15/eip155-1.json": true, "reserves/bands/3/bip122-000000000019d6689c085ae165831e93.json": true,
		"reserves/bands/16/lines.json": false, "reserves/bands/00/lines.json": false, "reserves/bands/-1/lines.json": false, "reserves/bands/lines.json": false,
		"reserves/bands/0/control.json": false, "reserves/bands/0/evidence/eip155-1.json": false, "reserves/bands/0/": false, "reserves/bands/+1/lines.json": false,
		"reserves/claims.json": true, "reserves/claims/x.json": false,
	} {
		if part, got := report.PartOf(path); got != ok || ok && part != report.PartCore {
			t.Errorf("%s: %q, %v", path, part, got)
		}
	}
}

func FuzzParseBandLines(f *testing.F) {
	s := snapshot(f)
	file, err := report.BandLinesJSON(s, band(f, time.Hour).Lines)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := report.ParseBandLines(s, b)
		if err != nil {
			return
		}
		if again, err := report.BandLinesJSON(s, all); err != nil || string(again) != string(b) {
			t.Fatalf("%q became %q, %v", b, again, err)
		}
	})
}
