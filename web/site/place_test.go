package site_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/published/publishedtest"
	"github.com/assay-por/assay/web/site"
)

const (
	bitcoin  = "bip122:000000000019d6689c085ae165831e93"
	ethereum = "eip155:1"
	btc      = bitcoin + "/slip44:0"
	eth      = ethereum + "/slip44:60"
	usdt     = ethereum + "/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
)

// month is what a report of these tests says: what is owed and held of BTC, ETH and USDT, in whole coins.
type month struct {
	period     string
	owed, held [3]uint64
	hidden     bool
	accounts   int // of Ethereum more than the two, each with nothing
	supersedes string
}

// series is half a year: the second month was withdrawn, the third replaced and its successor's words corrected, the fifth has a
// shortfall and many accounts, and of the last the totals are hidden.
func series() []month {
	return []month{
		{period: "2026-06", owed: [3]uint64{12_000, 181_000, 41_000_000}, held: [3]uint64{12_240, 184_000, 41_500_000}},
		{period: "2026-07", owed: [3]uint64{12_100, 180_400, 41_200_000}, held: [3]uint64{30_000, 184_000, 41_900_000}},
		{period: "2026-08", owed: [3]uint64{12_150, 180_900, 41_300_000}, held: [3]uint64{12_400, 184_100, 41_800_000}},
		{period: "2026-08", owed: [3]uint64{12_190, 180_900, 41_300_000}, held: [3]uint64{12_400, 184_100, 41_800_000}, supersedes: "The savings accounts were left out."},
		{period: "2026-09", owed: [3]uint64{12_300, 181_700, 41_900_000}, held: [3]uint64{12_480, 186_000, 41_930_000}},
		{period: "2026-10", owed: [3]uint64{12_434, 181_204, 41_200_500}, held: [3]uint64{12_500, 190_100, 40_090_500}, accounts: 1_100},
		{period: "2026-11", owed: [3]uint64{12_410, 181_900, 41_000_000}, held: [3]uint64{12_520, 189_000, 41_700_000}, hidden: true},
	}
}

// a place is a shelf of that series and what its log says.
type place struct {
	dir      string
	made     []publishedtest.Made
	register *report.Register
	entries  uint64
}

func newPlace(t testing.TB) place {
	t.Helper()
	p := place{dir: t.TempDir(), register: report.NewRegister(publishedtest.Exchange, publishedtest.Key.PublicKey())}
	for n, m := range series() {
		made := draft(t, m, n, p.made)
		made.Publish(t, filepath.Join(p.dir, fmt.Sprintf("%02d", n)))
		p.made = append(p.made, made)
		at := report.Time{Time: made.Statement.Predicate.Issued.Add(time.Hour)}
		p.enter(t)(report.NewEntry(made.Envelope, at))
	}
	late := report.Time{Time: time.Date(2026, 12, 3, 9, 0, 0, 0, time.UTC)}
	p.enter(t)(report.NewWithdrawal(publishedtest.Exchange, p.made[1].Digest, "A cold wallet <b>was counted twice</b>.", late))
	p.enter(t)(report.NewErratum(publishedtest.Exchange, p.made[3].Digest, "Scope: “spot” should read “spot and savings”.", late))
	return p
}

// enter adds an entry to the log.
func (p *place) enter(t testing.TB) func(report.Entry, error) {
	return func(e report.Entry, err error) {
		t.Helper()
		must(t, err)
		payload, err := e.JSON()
		must(t, err)
		envelope, err := attest.Sign(attest.PayloadEntry, payload, publishedtest.Key)
		must(t, err)
		raw, err := envelope.JSON()
		must(t, err)
		must(t, p.register.Add(p.entries, raw))
		p.entries++
	}
}

func (p place) source(t testing.TB) site.Source {
	t.Helper()
	shelf := published.Folder(p.dir, time.Now)
	for _, fault := range shelf.Faults() {
		t.Fatal(fault)
	}
	all, err := shelf.Reports()
	must(t, err)
	return site.Source{Reports: all, Register: p.register, Log: "demo.example/log", Size: p.entries}
}

func (p place) site(t testing.TB) *site.Site {
	t.Helper()
	s, err := site.New(p.source(t))
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// draft makes a report, signed by the key of these tests.
func draft(t testing.TB, m month, number int, former []publishedtest.Made) publishedtest.Made {
	t.Helper()
	first, err := time.Parse("2006-01", m.period)
	must(t, err)
	instant := first.AddDate(0, 1, 0)
	snap, err := report.NewSnapshot(report.Exchange{Entity: "Demo Exchange (Lisbon) Lda.", LEI: "5493001KJTIIGC8Y1R12", Name: publishedtest.Exchange, URL: "https://demo.example"}, m.period, instant, []report.Asset{
		{ID: "BTC", Decimals: 8, Tokens: []report.Token{{ID: btc, Decimals: 8, Class: report.Native}}},
		{ID: "ETH", Decimals: 18, Tokens: []report.Token{{ID: eth, Decimals: 18, Class: report.Native}}},
		{ID: "USDT", Decimals: 6, Tokens: []report.Token{{ID: usdt, Decimals: 6, Class: report.Issued}}},
		{ID: "EUR", Decimals: 2, Tokens: []report.Token{}},
	})
	must(t, err)
	kind := report.KindPlain
	if m.hidden {
		kind = report.KindConfidential
	}
	snap, err = snap.WithKind(kind)
	must(t, err)
	n := uint64(number)
	snap, err = snap.WithBlocks(
		chains.BlockRef{Chain: bitcoin, Hash: "0000000000000000000" + strings.Repeat("a7", 32)[:45], Number: 921_604 + 4_300*n, Time: instant.Add(-7 * time.Minute)},
		chains.BlockRef{Chain: ethereum, Hash: "0x" + strings.Repeat("5c", 32), Number: 23_701_112 + 216_000*n, Time: instant.Add(-time.Second)})
	must(t, err)
	lines := linesOf(t, snap, m)
	owed := merkle.Plain{{Asset: 0, Amount: amount(m.owed[0], 8)}, {Asset: 1, Amount: amount(m.owed[1], 18)}, {Asset: 2, Amount: amount(m.owed[2], 6)}}
	sum, err := report.SumJSON(snap, owed)
	must(t, err)
	in := report.Inputs{
		Snapshot: snap, Tool: "assay test", Lines: lines, Liabilities: owed,
		Scope:  report.Scope{Included: []string{"Spot accounts", "Savings accounts"}, Excluded: []string{"Demo Exchange US Inc., which reports apart"}, Encumbrances: "None of the accounts listed is pledged or lent."},
		Series: report.Series{Name: "main", Number: n}, Issued: report.Time{Time: instant.Add(26 * time.Hour)},
		Rule: report.Rule{Evidence: chains.InclusionProved, Control: []chains.ControlGrade{chains.Bound, chains.Script}, Classes: []report.Class{report.Native, report.Issued}},
		Tree: report.Tree{Kind: kind, Leaves: 9_988, Root: report.Digest{1, 2, byte(number)}, Shards: 2},
		Ledger: report.Ledger{Classes: []report.LedgerClass{{Class: "customer", Customers: 9_988, Entries: 80_004, Sum: sum}}, Customers: 9_988, Entries: 80_004,
			Duplicates: report.Duplicates{Rule: report.RuleError}, Negatives: report.Negatives{Rule: report.RuleError}, UnknownAssets: report.UnknownAssets{Rule: report.RuleError}},
	}
	if number > 0 {
		before := former[number-1].Digest
		in.Series.Previous = &before
		if m.supersedes != "" {
			in.Series.Supersedes = &report.Supersedes{Reason: m.supersedes, Statement: before}
		}
	}
	in.Claims, err = report.NewClaims(snap, nil, []report.OwnClaim{{Asset: "EUR", Amount: "1250000.75", Holder: "accounts at Banco Exemplo, Lisbon"}})
	must(t, err)
	if m.hidden {
		in.Tree.Surplus, in.Ledger = strings.Repeat("ab", 64), in.Ledger.Hidden()
		in.Liabilities, err = report.Counted(snap, lines, in.Rule)
		must(t, err)
	}
	in.Files = filesOf(t, in)
	payload, manifest, err := report.Draft(in)
	must(t, err)
	e, err := attest.Sign(attest.PayloadType, payload, publishedtest.Key)
	must(t, err)
	var made publishedtest.Made
	made.Envelope, err = e.JSON()
	must(t, err)
	made.Signed, err = report.Read(made.Envelope)
	must(t, err)
	made.Files = append(in.Files, report.NewBytesFile(report.PathManifest, manifest), report.NewBytesFile(report.PathEnvelope, made.Envelope))
	return made
}

func linesOf(t testing.TB, snap report.Snapshot, m month) []report.Line {
	t.Helper()
	var wallets []report.Wallet
	var balances []chains.Balance
	add := func(account chains.Account, custody report.Custody, control chains.ControlGrade, token chains.Token, units *uint256.Int, grade chains.EvidenceGrade) {
		if len(wallets) == 0 || wallets[len(wallets)-1].Account != account {
			wallets = append(wallets, report.Wallet{Account: account, Custody: custody, Control: control})
		}
		balances = append(balances, chains.Balance{Account: account, Token: token, Amount: units, Grade: grade})
	}
	part := func(coins uint64, share, of uint64, decimals uint64) *uint256.Int {
		all := new(uint256.Int).Mul(uint256.NewInt(coins), new(uint256.Int).Exp(uint256.NewInt(10), uint256.NewInt(decimals)))
		return all.Div(all.Mul(all, uint256.NewInt(share)), uint256.NewInt(of))
	}
	add(bitcoin+":bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", report.OwnCold, chains.Script, btc, part(m.held[0], 4, 5, 8), chains.InclusionProved)
	add(bitcoin+":bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297", report.OwnHot, chains.Script, btc, part(m.held[0], 1, 5, 8), chains.InclusionProved)
	add(bitcoin+":1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", report.OwnOther, chains.NoControl, btc, uint256.NewInt(5_000_000_000), chains.InclusionProved)
	add(ethereum+":0x9e3779b97f4a7c159e3779b97f4a7c159e3779b9", report.OwnCold, chains.Bound, eth, part(m.held[1], 3, 4, 18), chains.StateProved)
	add(ethereum+":0x9e3779b97f4a7c159e3779b97f4a7c159e3779b9", report.OwnCold, chains.Bound, usdt, part(m.held[2], 3, 4, 6), chains.StateProved)
	add(ethereum+":0x3c6ef372fe94f82a3c6ef372fe94f82a3c6ef372", report.OwnHot, chains.Bound, eth, part(m.held[1], 1, 4, 18), chains.StateProved)
	add(ethereum+":0x3c6ef372fe94f82a3c6ef372fe94f82a3c6ef372", report.OwnHot, chains.Bound, usdt, part(m.held[2], 1, 4, 6), chains.StateProved)
	for i := range m.accounts {
		add(chains.Account(fmt.Sprintf("%s:0x%040x", ethereum, 0x100000+i)), report.OwnHot, chains.Bound, eth, new(uint256.Int), chains.StateProved)
	}
	lines, err := report.NewLines(snap, wallets, balances)
	must(t, err)
	return lines
}

func amount(coins uint64, decimals uint64) merkle.Amount {
	n := new(uint256.Int).Mul(uint256.NewInt(coins), new(uint256.Int).Exp(uint256.NewInt(10), uint256.NewInt(decimals)))
	return merkle.Amount{Hi: n[1], Lo: n[0]}
}

// filesOf are the bundle's files: what the pages read is as it is, the rest stands in for it.
func filesOf(t testing.TB, in report.Inputs) []report.File {
	t.Helper()
	lines, err := report.LinesJSON(in.Snapshot, in.Lines)
	must(t, err)
	claims, err := report.ClaimsJSON(in.Snapshot, in.Claims)
	must(t, err)
	text := func(path, content string) report.File { return report.NewBytesFile(path, []byte(content)) }
	files := []report.File{report.NewBytesFile(report.PathLines, lines), report.NewBytesFile(report.PathClaims, claims), text(report.PathShards, "{}"), text(report.PathControl, "{}")}
	for _, c := range in.Snapshot.Chains() {
		files = append(files, text(report.PathEvidence(c), "{}"))
	}
	for shard := range in.Tree.Shards {
		files = append(files, text(report.PathLeaves(shard), "leaves"))
		if in.Tree.Kind == report.KindConfidential {
			files = append(files, text(report.PathProof(shard), "proof"))
		}
	}
	if in.Tree.Kind == report.KindConfidential {
		files = append(files, text(report.PathTopProof, "proof"))
	}
	return files
}
