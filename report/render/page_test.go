package render_test

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
)

func page(t *testing.T, in report.Inputs) string {
	t.Helper()
	envelope, lines := signed(t, in)
	var b bytes.Buffer
	if err := render.HTML(&b, render.Files{Envelope: envelope, Lines: lines, Bands: bandLines(t, in)}, english(t)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEveryTextIsThere: no key without its text, and no {name} that nothing fills in.
func TestEveryTextIsThere(t *testing.T) {
	seen := text(page(t, inputs(t)) + page(t, inputsOf(t, report.KindPlain)))
	if left := regexp.MustCompile(`\[[a-z.]+\]|\{[a-z]+\}`).FindString(seen); left != "" {
		t.Errorf("the page shows %s", left)
	}
}

// TestShortfallInWords: the page's words for a shortfall are those that a report has for it.
func TestShortfallInWords(t *testing.T) {
	one := units(t, "1")
	if got, want := english(t).Text("report.shortfall", nil), (report.Coverage{Liabilities: &one, Shortfall: &one}).Finding(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

var (
	styleBlock = regexp.MustCompile(`(?s)<style>.*?</style>`)
	tag        = regexp.MustCompile(`<[^>]*>`)
	blanks     = regexp.MustCompile(`\s+`)
)

// text is what a reader sees.
func text(page string) string {
	page = styleBlock.ReplaceAllString(page, "")
	return blanks.ReplaceAllString(html.UnescapeString(tag.ReplaceAllString(page, "")), " ")
}

// cells is text with a blank where a cell or another element ends.
func cells(page string) string { return text(strings.ReplaceAll(page, "</", " </")) }

// TestX05_Wording: the page claims no more than it shows, and says what it must.
func TestX05_Wording(t *testing.T) {
	if err := report.CheckWording(text(page(t, inputs(t)))); err != nil {
		t.Error(err)
	}
	covered := inputs(t)
	covered.Liabilities = covered.Liabilities[:1]
	covered.Ledger.Classes[0].Sum = covered.Ledger.Classes[0].Sum[:1]
	if err := report.CheckWording(text(page(t, covered))); err != nil {
		t.Error(err)
	}
}

// TestKindsAreTold: what each kind shows to whom stands in every report; how a customer checks, as it is for this one's kind.
func TestKindsAreTold(t *testing.T) {
	const beside, alone = "assay-verify proof proof.json --policy policy.toml --shard liabilities", "assay-verify proof proof.json --policy policy.toml The answer"
	for kind, tt := range map[string]struct {
		want   []string
		absent string
	}{
		report.KindConfidential: {[]string{"This tree is of kind confidential.", "decoys may be among them", beside, "if they check their own proof and that of their shard", "or nobody checked, and it is the exchange’s word"}, alone},
		report.KindPlain:        {[]string{"This tree is of kind plain.", alone, "if they check their own proof: that", "the program, as your proof shows it"}, "--shard"},
	} {
		t.Run(kind, func(t *testing.T) {
			seen := cells(page(t, inputsOf(t, kind)))
			for _, want := range append(tt.want, "What each kind of tree shows, and to whom", "Confidential, hidden totals", "Your row, with your balances in it, is under the signed root", "What is not shown: above all") {
				if !strings.Contains(seen, want) {
					t.Errorf("it does not say %q", want)
				}
			}
			if strings.Contains(seen, tt.absent) {
				t.Errorf("it says %q", tt.absent)
			}
			if err := report.CheckWording(seen); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestShortfallIsSaid: in words, with its amount, before the chart, and again in the table and the chart.
func TestShortfallIsSaid(t *testing.T) {
	p := page(t, inputs(t))
	seen := text(p)
	for _, want := range []string{"Shortfall in 1 of 5 assets", "USDT is short by 1,110,000.12 USDT.",
		"Customers are owed 41,200,500.12 USDT; the reserves counted are 40,090,500.00 USDT, which is 97.30 %.", "97.30 % · shortfall", "1,110,000.12 shortfall",
		"Shortfall: at this instant the reserves counted are less than what customers are owed."} {
		if !strings.Contains(seen, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Index(p, "verdict short") > strings.Index(p, "<figure") {
		t.Error("the shortfall comes after the chart")
	}
	covered := inputs(t)
	covered.Liabilities = covered.Liabilities[:1]
	covered.Ledger.Classes[0].Sum = covered.Ledger.Classes[0].Sum[:1]
	if seen := text(page(t, covered)); strings.Contains(seen, "Shortfall in") || strings.Contains(seen, "is short by") || !strings.Contains(seen, "reach what is owed, in each of 5 assets") {
		t.Error("a report without shortfall speaks of one, or does not say that there is none")
	}
}

// TestE10_RendererInjection: hostile texts are escaped; those that no string may hold never come this far.
func TestE10_RendererInjection(t *testing.T) {
	const hostile = `</title></style></svg><script>alert(1)</script><img src=x onerror=alert(1)>"'` + "`" + `{{.}}`
	in := inputsOf(t, report.KindPlain)
	s, err := report.NewSnapshot(report.Exchange{Entity: hostile, Name: `<b>"'&`, URL: `https://x/"><script>alert(1)</script>`}, "1", in.Snapshot.Instant.Time, in.Snapshot.Assets)
	if err != nil {
		t.Fatal(err)
	}
	var refs []chains.BlockRef
	for _, b := range in.Snapshot.Blocks {
		refs = append(refs, b.Ref())
	}
	if in.Snapshot, err = s.WithBlocks(refs...); err != nil {
		t.Fatal(err)
	}
	in.Scope = report.Scope{Included: []string{hostile}, Excluded: []string{hostile}, Encumbrances: hostile}
	in.Tool = `<script>`
	in.Ledger.UnknownAssets.Sums[0].Asset = `<script>alert(1)</script>`
	in.Bands = nil
	beside(t, &in)
	if in.Claims, err = report.NewClaims(in.Snapshot, nil, []report.OwnClaim{{Asset: "BTC", Amount: "1", Holder: `"><script>alert(1)</script>`}}); err != nil {
		t.Fatal(err)
	}
	in.Files = exampleFiles(t, in)
	p := page(t, in)
	if strings.Count(p, "<title>") != 1 || strings.Count(p, "<style>") != 1 {
		t.Error("a text closed the title or the style")
	}
	for _, bad := range []string{"<script", "<img", "<b>", "onerror=alert(1)>"} {
		if strings.Contains(p, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	if strings.Count(text(p), hostile) != 4 {
		t.Errorf("the hostile text is shown %d times, want 4", strings.Count(text(p), hostile))
	}
	for _, bad := range []string{"a\u202eb", "a\x1b[31mb", "a\u2066b", "a\x00b"} {
		in.Scope.Included = []string{bad}
		if _, _, err := report.Draft(in); err == nil {
			t.Errorf("%q was drafted", bad)
		}
	}
}

// TestSelfContained: the page asks for nothing, runs nothing, and says so in its own policy.
func TestSelfContained(t *testing.T) {
	p := page(t, inputs(t))
	if !strings.Contains(p, `content="default-src 'none'; style-src 'sha256-`) {
		t.Error("the page has no policy of its own")
	}
	for _, bad := range []string{"<script", "javascript:", "<link", "<iframe", "<img", "@import", "url(http", "src=", " style=", " onload", "<form", "<base", `href="http`} {
		if strings.Contains(p, bad) {
			t.Errorf("the page holds %s", bad)
		}
	}
	for _, url := range regexp.MustCompile(`url\([^)]*\)`).FindAllString(p, -1) {
		if url != "url(#hatch)" {
			t.Errorf("the page names %s", url)
		}
	}
}

// TestAccessible: landmarks, headings in order, tables with caption and scopes, names for what can be reached by key.
func TestAccessible(t *testing.T) {
	p := page(t, inputs(t))
	if strings.Count(p, "<h1") != 1 || strings.Count(p, "<main") != 1 || !strings.Contains(p, `<html lang="en">`) || !strings.Contains(p, `href="#main"`) {
		t.Error("one h1, one main, a language and a skip link are due")
	}
	last := 1
	for _, h := range regexp.MustCompile(`<h([1-6])`).FindAllStringSubmatch(p, -1) {
		if level := int(h[1][0] - '0'); level > last+1 {
			t.Errorf("a heading of level %d comes after one of level %d", level, last)
		} else {
			last = level
		}
	}
	for _, table := range regexp.MustCompile(`(?s)<table.*?</table>`).FindAllString(p, -1) {
		if !strings.Contains(table, "<caption") || strings.Contains(table, "<th>") || !strings.Contains(table, `scope="col"`) || !strings.Contains(table, `scope="row"`) {
			t.Errorf("a table without caption or scopes: %.80s", table)
		}
	}
	for _, box := range regexp.MustCompile(`<div class="scroll[^>]*>`).FindAllString(p, -1) {
		if !strings.Contains(box, "tabindex") || !strings.Contains(box, "aria-label") {
			t.Errorf("a box that cannot be scrolled by key, or has no name: %s", box)
		}
	}
	seen := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(p, -1) {
		if seen[id[1]] {
			t.Errorf("the id %s stands twice", id[1])
		}
		seen[id[1]] = true
	}
	for _, ref := range regexp.MustCompile(`(?:href="#|aria-labelledby=")([^"]*)"`).FindAllStringSubmatch(p, -1) {
		for _, id := range strings.Fields(ref[1]) {
			if !seen[id] {
				t.Errorf("%s points to nothing", ref[0])
			}
		}
	}
}

// TestExactAmounts: what is cut off for reading can be copied whole.
func TestExactAmounts(t *testing.T) {
	p := page(t, inputs(t))
	want := `<data value="181204500000000000000001" title="181204.500000000000000001 ETH = 181204500000000000000001 base units">181,204.50000000…</data>`
	if !strings.Contains(p, want) {
		t.Errorf("the page lacks %s", want)
	}
}

// TestE11_DrawnFromSignedBytes: the page carries the digest of the payload, and is not drawn where anything differs.
func TestE11_DrawnFromSignedBytes(t *testing.T) {
	in := inputs(t)
	envelope, lines := signed(t, in)
	s, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	if p := page(t, in); strings.Count(p, s.Digest.String()) < 3 || !strings.Contains(p, s.KeyIDs[0]) || !strings.Contains(p, s.KeyIDs[1]) {
		t.Error("the page lacks the statement's digest or a key id")
	}
	other := inputs(t)
	other.Lines[0].Amount = units(t, "1")
	othersLines, err := report.LinesJSON(other.Snapshot, other.Lines)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2][]byte{
		"other lines":    {envelope, othersLines},
		"no lines":       {envelope, nil},
		"no envelope":    {nil, lines},
		"envelope + LF":  {append(bytes.Clone(envelope), '\n'), lines},
		"other payload":  {bytes.Replace(envelope, []byte(`"payload":"e`), []byte(`"payload":"f`), 1), lines},
		"lines as JSON ": {envelope, append([]byte(" "), lines...)},
	} {
		var b bytes.Buffer
		if err := render.HTML(&b, render.Files{Envelope: c[0], Lines: c[1], Bands: bandLines(t, in)}, english(t)); err == nil || b.Len() > 0 {
			t.Errorf("%s: a page was drawn (%d bytes, %v)", name, b.Len(), err)
		}
	}
	bands := bandLines(t, in)
	for name, c := range map[string][][]byte{
		"no bands": nil, "one band": bands[:1], "bands as JSON": {bands[0], append([]byte(" "), bands[1]...)}, "another band": {bands[0], othersLines},
	} {
		var b bytes.Buffer
		if err := render.HTML(&b, render.Files{Envelope: envelope, Lines: lines, Bands: c}, english(t)); err == nil || b.Len() > 0 {
			t.Errorf("%s: a page was drawn (%d bytes, %v)", name, b.Len(), err)
		}
	}
}

// TestManyAccounts: the page stays readable when there are many; it says how many more there are.
func TestManyAccounts(t *testing.T) {
	in := inputs(t)
	var many []report.Line
	for i := range 1500 {
		l := in.Lines[len(in.Lines)-1]
		l.Account = chains.Account("eip155:8453:0x" + strings.Repeat("0", 36) + string([]byte{"0123456789abcdef"[i>>12&15], "0123456789abcdef"[i>>8&15], "0123456789abcdef"[i>>4&15], "0123456789abcdef"[i&15]}))
		many = append(many, l)
	}
	in.Lines, in.Bands = many, nil
	in.Liabilities = merkle.Plain{}
	in.Ledger.Classes[0].Sum = nil
	in.Files = exampleFiles(t, in)
	p := text(page(t, in))
	if !strings.Contains(p, "500 more balances") {
		t.Error("the page does not say how many accounts it leaves to the bundle")
	}
}

// TestB16_ClaimsStandApart: what is only claimed is said to be no more, and is in no total.
func TestB16_ClaimsStandApart(t *testing.T) {
	in := inputs(t)
	p := cells(page(t, in))
	for _, want := range []string{"Third-party claims, not proved", "None of it is in any total above.", "BTC Example Trust a custodian, signed 310.50",
		"EUR accounts at Banco Exemplo, Lisbon the exchange alone 1,250,000.75"} {
		if !strings.Contains(p, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	in.Claims = nil
	in.Files = exampleFiles(t, in)
	without := cells(page(t, in))
	if strings.Contains(without, "Third-party claims") {
		t.Error("a report without claims speaks of them")
	}
	result := func(p string) string {
		_, p, _ = strings.Cut(p, "Owed and held, per asset")
		p, _, _ = strings.Cut(p, "Coverage is floored")
		return p
	}
	if result(p) != result(without) || result(p) == "" {
		t.Errorf("claims changed the result: %s, without %s", result(p), result(without))
	}
}

// TestC06_FlowsAreShown: coins that came for the instant and went are seen, from one instant to the next.
func TestC06_FlowsAreShown(t *testing.T) {
	in := inputs(t)
	p := cells(page(t, in))
	for _, want := range []string{
		"BTC 2026-10-31 00:00:00 UTC 2026-11-01 00:00:00 UTC (this report) 120.00 0.00",
		"BTC 2026-11-01 00:00:00 UTC (this report) 2026-11-01 01:00:00 UTC 0.00 120.00",
		"ETH 2026-10-31 00:00:00 UTC 2026-11-01 00:00:00 UTC (this report) 0.00 0.00",
	} {
		if !strings.Contains(p, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	in.Bands = nil
	in.Files = exampleFiles(t, in)
	if strings.Contains(cells(page(t, in)), "Before and after") {
		t.Error("a report without bands speaks of them")
	}
}

// TestDrawIsShown: how the instant was drawn, and what is not shown of it.
func TestDrawIsShown(t *testing.T) {
	in := inputsOf(t, report.KindPlain)
	if strings.Contains(page(t, in), "<dt>Drawn</dt>") {
		t.Error("an instant that was not drawn is said to be")
	}
	at := in.Snapshot.Instant.Time
	seed := [32]byte{1}
	c, err := report.NewDrawCommitment("Demo Exchange", bitcoin, 930_000, at.Add(-time.Hour), at, seed)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Reveal(seed, strings.Repeat("ab", 32))
	if err != nil {
		t.Fatal(err)
	}
	s, err := report.NewSnapshot(in.Snapshot.Exchange, in.Snapshot.Period, d.Instant().Time, in.Snapshot.Assets)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.WithDraw(d); err != nil {
		t.Fatal(err)
	}
	var refs []chains.BlockRef
	for _, b := range in.Snapshot.Blocks {
		ref := b.Ref()
		ref.Time = d.Instant().Add(-time.Minute)
		refs = append(refs, ref)
	}
	if in.Snapshot, err = s.WithBlocks(refs...); err != nil {
		t.Fatal(err)
	}
	in.Bands, in.Claims = nil, nil
	in.Files = exampleFiles(t, in)
	if p := cells(page(t, in)); !strings.Contains(p, "by block 930000 of "+bitcoin+" and the commitment "+c.Commitment.String()) || !strings.Contains(p, "When that was published is not shown here") {
		t.Error("the page does not say how the instant was drawn")
	}
}

// TestHiddenTotalsAreShown: as no more than they are; and a shortfall is said all the same.
func TestHiddenTotalsAreShown(t *testing.T) {
	in := inputs(t)
	in.Bands, in.Claims = nil, nil
	s, err := report.NewSnapshot(in.Snapshot.Exchange, in.Snapshot.Period, in.Snapshot.Instant.Time, in.Snapshot.Assets)
	if err == nil {
		s, err = s.WithKind(report.KindConfidential)
	}
	var refs []chains.BlockRef
	for _, b := range in.Snapshot.Blocks {
		refs = append(refs, b.Ref())
	}
	if err == nil {
		s, err = s.WithBlocks(refs...)
	}
	if err != nil {
		t.Fatal(err)
	}
	owed := in.Liabilities
	in.Snapshot, in.Tree.Kind, in.Tree.Surplus, in.Ledger = s, report.KindConfidential, strings.Repeat("ab", 64), in.Ledger.Hidden()
	if in.Liabilities, err = report.Counted(s, in.Lines, in.Rule); err != nil {
		t.Fatal(err)
	}
	for i, e := range in.Liabilities {
		if total := owed.Amount(int(e.Asset)); total.Cmp(e.Amount) > 0 {
			in.Liabilities[i].Amount = total
		}
	}
	in.Files = exampleFiles(t, in)
	p := page(t, in)
	seen := cells(p)
	for _, want := range []string{
		"Shortfall in 1 of 5 assets", "USDT is short by 1,110,000.12 USDT", "BTC reached; by how much is not shown", "reached not shown",
		"Totals are hidden: of an asset whose reserves reach it", "customer 9,988 80,004 not shown", "how much is owed of an asset whose reserves reach it",
		"for each asset, how much it owes at most",
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, total := range []string{"1243449000231", "12,434", "181204500000000000000001", "181,204", "1000000 base"} {
		if strings.Contains(p, total) || !strings.Contains(page(t, inputs(t)), total) {
			t.Errorf("the page tells %s", total)
		}
	}
	if err := report.CheckWording(text(p)); err != nil {
		t.Error(err)
	}
}
