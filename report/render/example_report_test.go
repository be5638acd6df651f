package render_test

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
	"github.com/assay-por/assay/web/words"
)

const (
	bitcoin  = "bip122:000000000019d6689c085ae165831e93"
	ethereum = "eip155:1"
	base     = "eip155:8453"
	usdt     = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
	usdcBase = "eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"
)

func english(t *testing.T) render.Words {
	t.Helper()
	w, err := words.Load(words.English, "site")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// signer is a key made of one byte; the page must be the same each time.
type signer struct{ key ed25519.PrivateKey }

func newSigner(b byte) signer {
	return signer{ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(b)), 32)))}
}

func (s signer) PublicKey() attest.PublicKey {
	return attest.Ed25519Key([32]byte(s.key.Public().(ed25519.PublicKey)))
}
func (s signer) Sign(m []byte) ([]byte, error) { return ed25519.Sign(s.key, m), nil }

// inputs is a report with a surplus, a shortfall, an asset that nothing is owed in, and lines that do not count. Its tree is of the default kind.
func inputs(t *testing.T) report.Inputs {
	t.Helper()
	return inputsOf(t, report.KindConfidential)
}

// inputsOf is that report with a tree of this kind.
func inputsOf(t *testing.T, kind string) report.Inputs {
	t.Helper()
	instant := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	snap, err := report.NewSnapshot(
		report.Exchange{Entity: "Demo Exchange (Lisbon) Lda.", LEI: "5493001KJTIIGC8Y1R12", Name: "Demo Exchange", URL: "https://demo.example"},
		"2026-11", instant, []report.Asset{
			{ID: "BTC", Decimals: 8, Tokens: []report.Token{{ID: bitcoin + "/slip44:0", Decimals: 8, Class: report.Native}}},
			{ID: "ETH", Decimals: 18, Tokens: []report.Token{{ID: ethereum + "/slip44:60", Decimals: 18, Class: report.Native}, {ID: base + "/slip44:60", Decimals: 18, Class: report.Native}}},
			{ID: "USDT", Decimals: 6, Tokens: []report.Token{{ID: usdt, Decimals: 6, Class: report.Issued}}},
			{ID: "USDC", Decimals: 6, Tokens: []report.Token{{ID: usdcBase, Decimals: 6, Class: report.Issued}}},
			{ID: "EUR", Decimals: 2},
		})
	if err != nil {
		t.Fatal(err)
	}
	if snap, err = snap.WithKind(kind); err != nil {
		t.Fatal(err)
	}
	hash := func(b string) string { return strings.Repeat(b, 32) }
	snap, err = snap.WithBlocks(
		chains.BlockRef{Chain: bitcoin, Hash: "0000000000000000000" + hash("a7")[:45], Number: 921_604, Time: instant.Add(-7 * time.Minute)},
		chains.BlockRef{Chain: ethereum, Hash: "0x" + hash("5c"), Number: 23_701_112, Time: instant.Add(-time.Second)},
		chains.BlockRef{Chain: base, Hash: "0x" + hash("e1"), Number: 37_554_019, Time: instant.Add(-time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	lines := exampleLines(t, snap)
	totals := merkle.Plain{{Asset: 0, Amount: amount(t, "1243449000231")}, {Asset: 1, Amount: amount(t, "181204500000000000000001")},
		{Asset: 2, Amount: amount(t, "41200500120000")}, {Asset: 3, Amount: amount(t, "1000000")}}
	in := report.Inputs{
		Snapshot: snap, Tool: "assay 0.1.0", Lines: lines, Liabilities: totals,
		Scope: report.Scope{
			Included:     []string{"Spot accounts of Demo Exchange (Lisbon) Lda.", "Earn accounts, flexible and fixed", "Balances in open orders"},
			Excluded:     []string{"Demo Exchange US Inc., which reports apart", "Custody for institutions, held in segregated accounts"},
			Encumbrances: "None of the accounts listed is pledged or lent. 120 BTC of own-cold are borrowed from a shareholder until March 2027.",
		},
		Series: report.Series{Name: "main", Number: 11, Previous: &report.Digest{7, 7}}, Issued: report.Time{Time: instant.Add(26 * time.Hour)},
		Rule: report.Rule{Evidence: chains.InclusionProved, Control: []chains.ControlGrade{chains.Bound, chains.Script, chains.OwnerProved, chains.Spend},
			Classes: []report.Class{report.Native, report.Issued}},
		Tree: report.Tree{Kind: kind, Leaves: 10_000, Root: report.Digest{1, 2, 3}, Shards: 2},
	}
	sum, err := report.SumJSON(snap, totals)
	if err != nil {
		t.Fatal(err)
	}
	in.Ledger = report.Ledger{
		Classes:   []report.LedgerClass{{Class: "customer", Customers: 9_988, Entries: 80_004, Sum: sum}, {Class: "internal", Customers: 3, Entries: 12, Sum: []report.AssetAmount{}}},
		Customers: 10_000, Entries: 80_021,
		Duplicates:    report.Duplicates{Rule: report.RuleError},
		Negatives:     report.Negatives{Rule: report.RuleExclude, Entries: 3, Sum: []report.AssetAmount{{Asset: "USDT", Amount: units(t, "1250000000")}}},
		UnknownAssets: report.UnknownAssets{Rule: report.RuleExclude, Entries: 2, Sums: []report.UnknownSum{{Asset: "LUNA", Amount: "120044.5"}}},
	}
	if in.Approvals, err = report.NewApprovals(2, newSigner('d').PublicKey(), newSigner('e').PublicKey(), newSigner('f').PublicKey()); err != nil {
		t.Fatal(err)
	}
	in.Moment.Blocks = []report.Block{{Chain: ethereum, Hash: "0x" + hash("9d"), Number: 23_708_801, Time: report.Time{Time: instant.Add(26*time.Hour - 5*time.Second)}}}
	beside(t, &in)
	in.Files = exampleFiles(t, in)
	return in
}

// exampleFinding is an auditor's, about the statement of an envelope.
func exampleFinding(t *testing.T, envelope []byte) []byte {
	t.Helper()
	s, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := report.Finding{
		Auditor: "Example Accountants", Checks: []report.CheckResult{{Name: "snapshot", Result: report.ResultPass}, {Name: "liabilities.full", Result: report.ResultSkipped}},
		Findings: []string{"Two of 200 customers drawn by lot were not found in the ledger."}, Issued: report.Time{Time: s.Statement.Predicate.Issued.Add(72 * time.Hour)},
		Key: newSigner('g').PublicKey(), Policy: report.Digest{4}, Procedures: []string{"Ran assay-verify over the whole bundle.", "Drew 200 customers by lot from the CRM and looked for each."},
		Scope: "The solvency statement of November 2026, spot and earn accounts.", Tool: "assay-verify 0.1.0",
	}.Payload(s.Digest)
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadType, payload, newSigner('g'))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// exampleLogged is a place in a log that two witnesses saw.
func exampleLogged() *render.Logged {
	at := time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)
	return &render.Logged{Origin: "demo.example/log", Index: 1_042, Size: 1_043, Witnesses: []render.Witnessed{{Name: "witness.example", Time: at}, {Name: "watch.example", Time: at.Add(2 * time.Second)}}}
}

// beside adds two bands, between which coins came and went, and claims of a custodian and of the exchange itself.
func beside(t *testing.T, in *report.Inputs) {
	t.Helper()
	for _, offset := range []time.Duration{-24 * time.Hour, time.Hour} {
		var refs []chains.BlockRef
		for _, b := range in.Snapshot.Blocks {
			ref := b.Ref()
			ref.Time = ref.Time.Add(offset)
			refs = append(refs, ref)
		}
		var balances []chains.Balance
		for _, l := range in.Lines {
			b := chains.Balance{Account: l.Account, Token: l.Token, Amount: l.Amount.Int(), Grade: l.Evidence}
			if l.Token == bitcoin+"/slip44:0" && l.Custody == report.OwnCold {
				b.Amount.Sub(b.Amount, uint256.NewInt(12_000_000_000))
			}
			balances = append(balances, b)
		}
		band, err := report.NewBand(in.Snapshot, in.Snapshot.Instant.Add(offset), refs, balances)
		if err != nil {
			t.Fatal(err)
		}
		in.Bands = append(in.Bands, band)
	}
	held, err := report.NewCustodyRequest(in.Snapshot).Answer("Example Trust", []report.CustodyBalance{{Amount: "310.5", Asset: "BTC"}, {Amount: "25000", Asset: "USDC"}},
		in.Snapshot.Instant.Add(720*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := held.JSON()
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadCustody, payload, newSigner('c'))
	if err != nil {
		t.Fatal(err)
	}
	dsse, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	in.Claims, err = report.NewClaims(in.Snapshot, []report.SignedCustody{{Holder: "Example Trust", DSSE: dsse}},
		[]report.OwnClaim{{Asset: "EUR", Amount: "1250000.75", Holder: "accounts at Banco Exemplo, Lisbon"}})
	if err != nil {
		t.Fatal(err)
	}
}

func exampleLines(t *testing.T, snap report.Snapshot) []report.Line {
	t.Helper()
	var wallets []report.Wallet
	var balances []chains.Balance
	add := func(account chains.Account, custody report.Custody, control chains.ControlGrade, token chains.Token, amount string, grade chains.EvidenceGrade) {
		known := false
		for _, w := range wallets {
			known = known || w.Account == account
		}
		if !known {
			wallets = append(wallets, report.Wallet{Account: account, Custody: custody, Control: control})
		}
		balances = append(balances, chains.Balance{Account: account, Token: token, Amount: units(t, amount).Int(), Grade: grade})
	}
	evm := func(chain string, n byte) chains.Account {
		return chains.Account(chain + ":0x" + fmt.Sprintf("%040x", uint64(n)*0x9e3779b97f4a7c15))
	}
	add(bitcoin+":bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", report.OwnCold, chains.Script, bitcoin+"/slip44:0", "1190000000000", chains.InclusionProved)
	add(bitcoin+":bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297", report.OwnHot, chains.Script, bitcoin+"/slip44:0", "60000000500", chains.InclusionProved)
	add(bitcoin+":1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", report.OwnOther, chains.NoControl, bitcoin+"/slip44:0", "5000000000", chains.InclusionProved)
	add(evm(ethereum, 1), report.OwnCold, chains.Bound, ethereum+"/slip44:60", "150000000000000000000000", chains.StateProved)
	add(evm(ethereum, 2), report.OwnHot, chains.Bound, ethereum+"/slip44:60", "31300000000000000000000", chains.StateProved)
	add(evm(base, 2), report.OwnHot, chains.Bound, base+"/slip44:60", "8800000000000000000000", chains.StateProved)
	add(evm(ethereum, 1), report.OwnCold, chains.Bound, usdt, "30000000000000", chains.StateProved)
	add(evm(ethereum, 2), report.OwnHot, chains.Bound, usdt, "10090500000000", chains.StateProved)
	add(evm(base, 2), report.OwnHot, chains.Bound, usdcBase, "19000000", chains.StateProved)
	lines, err := report.NewLines(snap, wallets, balances)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// exampleFiles are stand-ins of the bundle's files; the page reads the lines only.
func exampleFiles(t *testing.T, in report.Inputs) []report.File {
	t.Helper()
	lines, err := report.LinesJSON(in.Snapshot, in.Lines)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := report.ClaimsJSON(in.Snapshot, in.Claims)
	if err != nil {
		t.Fatal(err)
	}
	files := []report.File{report.NewBytesFile(report.PathLines, lines), report.NewBytesFile(report.PathClaims, claims), report.NewBytesFile(report.PathShards, []byte("{}")), report.NewBytesFile(report.PathControl, []byte("{}"))}
	for _, c := range in.Snapshot.Chains() {
		files = append(files, report.NewBytesFile(report.PathEvidence(c), []byte("{}")))
	}
	for n, b := range in.Bands {
		files = append(files, report.NewBytesFile(report.PathBandLines(n), bandLines(t, in)[n]))
		for _, block := range b.Blocks {
			files = append(files, report.NewBytesFile(report.PathBandEvidence(n, block.Chain), []byte("{}")))
		}
	}
	for shard := range in.Tree.Shards {
		files = append(files, report.NewBytesFile(report.PathLeaves(shard), []byte("leaves")))
		if in.Tree.Kind == report.KindConfidential {
			files = append(files, report.NewBytesFile(report.PathProof(shard), []byte("proof")))
		}
	}
	if in.Tree.Kind == report.KindConfidential {
		files = append(files, report.NewBytesFile(report.PathTopProof, []byte("proof")))
	}
	return files
}

// bandLines are the files of the bands' lines.
func bandLines(t *testing.T, in report.Inputs) [][]byte {
	t.Helper()
	var all [][]byte
	for _, b := range in.Bands {
		lines, err := report.BandLinesJSON(in.Snapshot, b.Lines)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, lines)
	}
	return all
}

// signed drafts and signs, and returns what the page is drawn from.
func signed(t *testing.T, in report.Inputs) (envelope, lines []byte) {
	t.Helper()
	payload, _, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	signers := []attest.Signer{newSigner('a'), newSigner('b')}
	if in.Approvals.Required > 0 {
		signers = append(signers, newSigner('d'), newSigner('e'))
	}
	e, err := attest.Sign(attest.PayloadType, payload, signers...)
	if err != nil {
		t.Fatal(err)
	}
	if envelope, err = e.JSON(); err != nil {
		t.Fatal(err)
	}
	if lines, err = report.LinesJSON(in.Snapshot, in.Lines); err != nil {
		t.Fatal(err)
	}
	return envelope, lines
}

func units(t *testing.T, s string) report.Units {
	t.Helper()
	return report.NewUnits(uint256.MustFromDecimal(s))
}

func amount(t *testing.T, s string) merkle.Amount {
	t.Helper()
	a, err := merkle.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
