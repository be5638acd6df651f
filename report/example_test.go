package report_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"testing"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
)

// A small report: two assets, two chains. BTC is covered, USDT is short; its second token has more decimals than the first.
const (
	btcChain = "bip122:000000000019d6689c085ae165831e93"
	ethChain = "eip155:1"
	bscChain = "eip155:56"
	btcCoin  = btcChain + "/slip44:0"
	usdtEth  = "eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
	usdtBsc  = "eip155:56/erc20:0x55d398326f99059ff775485246999027b3197955"
	wallet1  = "bip122:000000000019d6689c085ae165831e93:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
	wallet2  = "eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052"
	wallet3  = "eip155:56:0x8e23ee67d1332ad560396262c48ffbb01f93d052"
	rich     = "eip155:1:0x47ac0fb4f2d84898e4d9e7b4dab3c24507a6d503"
)

var instant = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func exchange() report.Exchange {
	return report.Exchange{Entity: "Demo Exchange Ltd.", Name: "Demo Exchange"}
}

func registry() []report.Asset {
	return []report.Asset{
		{ID: "BTC", Decimals: 8, Tokens: []report.Token{{ID: btcCoin, Decimals: 8, Class: report.Native}}},
		{ID: "USDT", Decimals: 18, Tokens: []report.Token{{ID: usdtBsc, Decimals: 18, Class: report.Issued}, {ID: usdtEth, Decimals: 6, Class: report.Issued}}},
	}
}

func refs() []chains.BlockRef {
	hash := "5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c"
	return []chains.BlockRef{
		{Chain: ethChain, Hash: "0x" + hash, Number: 23_701_112, Time: instant.Add(-time.Second)},
		{Chain: btcChain, Hash: hash, Number: 921_604, Time: instant.Add(-time.Hour)},
		{Chain: bscChain, Hash: "0x" + hash, Number: 5, Time: instant},
	}
}

func snapshot(t testing.TB) report.Snapshot {
	t.Helper()
	s, err := report.NewSnapshot(exchange(), "2026-11", instant, registry())
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.WithBlocks(refs()...); err != nil {
		t.Fatal(err)
	}
	return s
}

func wallets() []report.Wallet {
	return []report.Wallet{
		{Account: wallet1, Custody: report.OwnCold, Control: chains.Script},
		{Account: wallet2, Custody: report.OwnHot, Control: chains.Bound},
		{Account: wallet3, Custody: report.OwnHot, Control: chains.Bound},
		{Account: rich, Custody: report.OwnOther, Control: chains.NoControl},
	}
}

func balances() []chains.Balance {
	return []chains.Balance{
		{Account: wallet1, Token: btcCoin, Amount: uint256.NewInt(150_000_000), Grade: chains.InclusionProved},
		{Account: wallet2, Token: usdtEth, Amount: uint256.NewInt(7_000_000), Grade: chains.StateProved},
		{Account: wallet3, Token: usdtBsc, Amount: uint256.NewInt(2_000_000_000_000_000_000), Grade: chains.StateProved},
		{Account: rich, Token: usdtEth, Amount: uint256.NewInt(900_000_000_000), Grade: chains.StateProved},
	}
}

func rule() report.Rule {
	return report.Rule{Classes: []report.Class{report.Native, report.Issued}, Control: []chains.ControlGrade{chains.Script, chains.Bound}, Evidence: chains.InclusionProved}
}

func lines(t testing.TB, s report.Snapshot) []report.Line {
	t.Helper()
	l, err := report.NewLines(s, wallets(), balances())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func units(t testing.TB, s string) report.Units {
	t.Helper()
	u, err := report.ParseUnits(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// inputs is a whole run: owed are 1.4 BTC and 10 USDT, held and counted 1.5 BTC and 9 USDT.
func inputs(t testing.TB) report.Inputs {
	t.Helper()
	s := snapshot(t)
	in := report.Inputs{
		Snapshot: s, Tool: "assay test", Rule: rule(), Lines: lines(t, s),
		Scope:  report.Scope{Included: []string{"Spot accounts"}},
		Series: report.Series{Name: "main"}, Issued: report.Time{Time: instant.Add(time.Hour)},
		Tree:        report.Tree{Kind: report.KindPlain, Leaves: 3, Shards: 2, Root: report.Digest{1}},
		Liabilities: merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 140_000_000}}, {Asset: 1, Amount: merkle.Amount{Lo: 10_000_000_000_000_000_000}}},
	}
	in.Ledger = report.Ledger{
		Classes:   []report.LedgerClass{{Class: "customer", Customers: 3, Entries: 5, Sum: []report.AssetAmount{{Asset: "BTC", Amount: units(t, "140000000")}, {Asset: "USDT", Amount: units(t, "10000000000000000000")}}}},
		Customers: 3, Entries: 5,
		Duplicates: report.Duplicates{Rule: report.RuleError}, Negatives: report.Negatives{Rule: report.RuleError}, UnknownAssets: report.UnknownAssets{Rule: report.RuleError},
	}
	in.Files = files(t, in)
	return in
}

// files are the bundle's files but for manifest and envelope, as far as this room looks at them.
func files(t testing.TB, in report.Inputs) []report.File {
	t.Helper()
	s := in.Snapshot
	list, err := report.LinesJSON(s, in.Lines)
	if err != nil {
		t.Fatal(err)
	}
	control, err := report.ControlJSON(s, in.Lines, []report.ControlSignature{{Accounts: []chains.Account{wallet2}, Method: "eip191", Signature: "0x00"}})
	if err != nil {
		t.Fatal(err)
	}
	claims, err := report.ClaimsJSON(s, in.Claims)
	if err != nil {
		t.Fatal(err)
	}
	out := []report.File{
		report.NewBytesFile(report.PathLines, list),
		report.NewBytesFile(report.PathClaims, claims),
		report.NewBytesFile(report.PathControl, control),
		report.NewBytesFile(report.PathShards, canonical(t, report.ShardsFile{Kind: s.Kind, Snapshot: s.ID, Type: report.TypeShards, Shards: []report.Shard{
			{Leaves: 1, Root: report.Digest{2}, Sum: []report.AssetAmount{}}, {Leaves: 2, Root: report.Digest{3}, Sum: []report.AssetAmount{}}}})),
	}
	evidence := func(path string, c chains.Chain) {
		kind := report.TypeEvidenceEVM
		if c.Namespace() == chains.BIP122 {
			kind = report.TypeEvidenceUTXO
		}
		out = append(out, report.NewBytesFile(path, canonical(t, map[string]string{"chain": string(c), "snapshot": s.ID.String(), "type": kind})))
	}
	for _, c := range s.Chains() {
		evidence(report.PathEvidence(c), c)
	}
	for n, b := range in.Bands {
		list, err := report.BandLinesJSON(s, b.Lines)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, report.NewBytesFile(report.PathBandLines(n), list))
		for _, block := range b.Blocks {
			evidence(report.PathBandEvidence(n, block.Chain), block.Chain)
		}
	}
	for shard := range in.Tree.Shards {
		b := append([]byte("assay/v1/leaves\n"), s.ID[:]...)
		b = binary.BigEndian.AppendUint32(b, uint32(shard))
		b = binary.BigEndian.AppendUint64(b, shard+1)
		out = append(out, report.NewBytesFile(report.PathLeaves(shard), append(b, bytes.Repeat([]byte{9}, 34)...)))
	}
	return out
}

func canonical(t testing.TB, v any) []byte {
	t.Helper()
	b, err := attest.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type signer struct{ key ed25519.PrivateKey }

func newSigner() signer { return signerOf(1) }

func signerOf(b byte) signer { return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32))} }

func (s signer) PublicKey() attest.PublicKey {
	return attest.Ed25519Key([32]byte(s.key.Public().(ed25519.PublicKey)))
}
func (s signer) Sign(m []byte) ([]byte, error) { return ed25519.Sign(s.key, m), nil }

// bundle drafts and signs, and returns all files of the bundle.
func bundle(t testing.TB, in report.Inputs) (all []report.File, envelope []byte) {
	t.Helper()
	payload, manifest, err := report.Draft(in)
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadType, payload, newSigner())
	if err != nil {
		t.Fatal(err)
	}
	if envelope, err = e.JSON(); err != nil {
		t.Fatal(err)
	}
	all = append(append(all, in.Files...), report.NewBytesFile(report.PathManifest, manifest), report.NewBytesFile(report.PathEnvelope, envelope))
	return all, envelope
}
