package report_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// TestSnapshotID: the id is what SPEC part 3 says, written out by hand.
func TestSnapshotID(t *testing.T) {
	s := snapshot(t)
	written := `{"assets":[{"decimals":8,"id":"BTC","tokens":[{"class":"native","decimals":8,"id":"` + btcCoin + `"}]},` +
		`{"decimals":18,"id":"USDT","tokens":[{"class":"issued","decimals":6,"id":"` + usdtEth + `"},{"class":"issued","decimals":18,"id":"` + usdtBsc + `"}]}],` +
		`"exchange":{"entity":"Demo Exchange Ltd.","name":"Demo Exchange"},"instant":"2026-11-01T00:00:00Z","kind":"plain","period":"2026-11"}`
	if want := report.Digest(sha256.Sum256([]byte("assay/v1/snapshot\x00" + written))); s.ID != want {
		t.Errorf("id %s, want %s", s.ID, want)
	}
	without, err := report.NewSnapshot(exchange(), "2026-11", instant, registry())
	if err != nil {
		t.Fatal(err)
	}
	if without.ID != s.ID {
		t.Error("the blocks change the id")
	}
	if without.Check() == nil {
		t.Error("a snapshot without blocks is whole")
	}
}

// TestSnapshotReadsBack: the file is canonical and strict.
func TestSnapshotReadsBack(t *testing.T) {
	s := snapshot(t)
	b := canonical(t, s)
	var back report.Snapshot
	if err := attest.Decode(b, &back); err != nil {
		t.Fatal(err)
	}
	if err := back.Check(); err != nil {
		t.Error(err)
	}
	for name, swap := range map[string][2]string{
		"zone":          {`00:00:00Z"`, `00:00:00+00:00"`},
		"other zone":    {`"2026-11-01T00:00:00Z"`, `"2026-11-01T01:00:00+01:00"`},
		"fraction":      {`"2026-11-01T00:00:00Z"`, `"2026-11-01T00:00:00.0Z"`},
		"not a day":     {`"2026-11-01T00:00:00Z"`, `"2026-11-31T00:00:00Z"`},
		"hex case":      {s.ID.String(), strings.ToUpper(s.ID.String())},
		"decimals":      {`"decimals":18`, `"decimals":256`},
		"unknown field": {`"kind":"plain"`, `"kind":"plain","kinds":1`},
		"lei empty":     {`"name":"Demo Exchange"`, `"lei":"","name":"Demo Exchange"`},
	} {
		bad := strings.Replace(string(b), swap[0], swap[1], 1)
		if bad == string(b) {
			t.Fatalf("%s changes nothing", name)
		}
		if err := attest.Decode([]byte(bad), &back); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// TestNewSnapshotRefuses: each fault is one sentence that names the field.
func TestNewSnapshotRefuses(t *testing.T) {
	long := strings.Repeat("x", 257)
	for name, c := range map[string]struct {
		spoil func(e *report.Exchange, period *string, at *time.Time, assets *[]report.Asset)
		names string
	}{
		"no name":         {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Name = "" }, "exchange.name"},
		"blank name":      {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Name = " Demo" }, "exchange.name"},
		"name not ASCII":  {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Name = "Démo" }, "exchange.name"},
		"name with LF":    {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Name = "a\nroot: 0" }, "exchange.name"},
		"no entity":       {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Entity = "" }, "exchange.entity"},
		"long entity":     {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Entity = long }, "exchange.entity"},
		"E10 entity bidi": {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Entity = "a\u202eb" }, "exchange.entity"},
		"E10 entity esc":  {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Entity = "a\x1b[2J" }, "exchange.entity"},
		"entity UTF-8":    {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.Entity = "a\xff" }, "exchange.entity"},
		"lei":             {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.LEI = "5493001kjtiigc8y1r12" }, "exchange.lei"},
		"E10 url":         {func(e *report.Exchange, _ *string, _ *time.Time, _ *[]report.Asset) { e.URL = "javascript:alert(1)" }, "exchange.url"},
		"period":          {func(_ *report.Exchange, p *string, _ *time.Time, _ *[]report.Asset) { *p = "2026/11" }, "period"},
		"no period":       {func(_ *report.Exchange, p *string, _ *time.Time, _ *[]report.Asset) { *p = "" }, "period"},
		"fraction":        {func(_ *report.Exchange, _ *string, at *time.Time, _ *[]report.Asset) { *at = at.Add(time.Millisecond) }, "instant"},
		"no assets":       {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) { *a = nil }, "assets"},
		"too many":        {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) { *a = make([]report.Asset, 1025) }, "assets"},
		"asset id case": {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) {
			*a = append(*a, report.Asset{ID: "btc"})
		}, "btc"},
		"asset twice": {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) {
			*a = append(*a, report.Asset{ID: "BTC"})
		}, "stands twice"},
		"asset decimals": {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) { (*a)[0].Decimals = 37 }, "37 decimals"},
		"token class":    {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) { (*a)[0].Tokens[0].Class = "gold" }, "gold"},
		"staked twice": {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) {
			*a = append(*a, report.Asset{ID: "STETH", Decimals: 18, Tokens: []report.Token{
				{ID: "eip155:1/staked:60", Class: report.Staked, Decimals: 18}, {ID: "eip155:1/staked:61", Class: report.Staked, Decimals: 18},
			}})
		}, "two names for the coin"},
		"staked as native": {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) {
			*a = append(*a, report.Asset{ID: "STETH", Decimals: 18, Tokens: []report.Token{{ID: "eip155:1/staked:60", Class: report.Native, Decimals: 18}}})
		}, "class staked and 18"},
		"token id": {func(_ *report.Exchange, _ *string, _ *time.Time, a *[]report.Asset) { (*a)[0].Tokens[0].ID = "btc" }, "BTC"},
	} {
		t.Run(name, func(t *testing.T) {
			e, period, at, assets := exchange(), "2026-11", instant, registry()
			c.spoil(&e, &period, &at, &assets)
			_, err := report.NewSnapshot(e, period, at, assets)
			if err == nil {
				t.Fatal("it was taken")
			}
			if !strings.Contains(err.Error(), c.names) {
				t.Errorf("%q does not name %q", err, c.names)
			}
		})
	}
}

// TestA10_ScaleMixUp: no token backs two assets, none is rounded, and no coin has two names.
func TestA10_ScaleMixUp(t *testing.T) {
	for name, assets := range map[string][]report.Asset{
		"token of two assets":          append(registry(), report.Asset{ID: "USDX", Decimals: 18, Tokens: []report.Token{{ID: usdtEth, Decimals: 6, Class: report.Issued}}}),
		"token twice in one":           {{ID: "BTC", Decimals: 8, Tokens: []report.Token{{ID: btcCoin, Decimals: 8, Class: report.Native}, {ID: btcCoin, Decimals: 8, Class: report.Native}}}},
		"token with more decimals":     {{ID: "USDT", Decimals: 6, Tokens: []report.Token{{ID: usdtBsc, Decimals: 18, Class: report.Issued}}}},
		"coin of a chain by two names": {{ID: "ETH", Decimals: 18, Tokens: []report.Token{{ID: "eip155:1/slip44:60", Decimals: 18, Class: report.Native}, {ID: "eip155:1/slip44:61", Decimals: 18, Class: report.Native}}}},
	} {
		if _, err := report.NewSnapshot(exchange(), "1", instant, assets); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	s := snapshot(t)
	r, err := report.NewReserves(s, lines(t, s), rule())
	if err != nil {
		t.Fatal(err)
	}
	// 7 tokens of 6 decimals and 2 tokens of 18 decimals are 9 of the asset.
	if got := r.Assets[1].Counted.String(); got != "9000000000000000000" {
		t.Errorf("counted %s", got)
	}
}

func TestWithBlocksRefuses(t *testing.T) {
	s := snapshot(t)
	for name, spoil := range map[string]func(r []chains.BlockRef) []chains.BlockRef{
		"one missing":        func(r []chains.BlockRef) []chains.BlockRef { return r[:2] },
		"one twice":          func(r []chains.BlockRef) []chains.BlockRef { return append(r, r[0]) },
		"another chain":      func(r []chains.BlockRef) []chains.BlockRef { r[2].Chain = "eip155:10"; return r },
		"C13 after instant":  func(r []chains.BlockRef) []chains.BlockRef { r[0].Time = instant.Add(time.Second); return r },
		"fraction":           func(r []chains.BlockRef) []chains.BlockRef { r[0].Time = r[0].Time.Add(-1); return r },
		"hash without 0x":    func(r []chains.BlockRef) []chains.BlockRef { r[0].Hash = r[0].Hash[2:]; return r },
		"bitcoin hash of 0x": func(r []chains.BlockRef) []chains.BlockRef { r[1].Hash = "0x" + r[1].Hash; return r },
		"hash in capitals":   func(r []chains.BlockRef) []chains.BlockRef { r[1].Hash = strings.ToUpper(r[1].Hash); return r },
		"number":             func(r []chains.BlockRef) []chains.BlockRef { r[0].Number = 1 << 53; return r },
	} {
		if _, err := s.WithBlocks(spoil(refs())...); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	s.Period = "2026-12"
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "id is") {
		t.Errorf("C10: another period under the same id: %v", err)
	}
}
