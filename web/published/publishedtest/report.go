// Package publishedtest publishes small reports, for tests.
package publishedtest

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
)

// Signer is a key of Ed25519 that stands for the exchange's statement key.
type Signer struct{ Key ed25519.PrivateKey }

// PublicKey is its public half.
func (s Signer) PublicKey() attest.PublicKey {
	return attest.Ed25519Key([32]byte(s.Key.Public().(ed25519.PublicKey)))
}

// Sign signs.
func (s Signer) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.Key, message), nil }

// Key is the statement key of all reports here.
var Key = Signer{ed25519.NewKeyFromSeed([]byte("the statement key of small tests"))}

// Exchange is the name of whose reports they are.
const Exchange = "Demo Exchange"

// Day is the instant of number 0; each number is a day later.
var Day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// A Made report is what was written, and what it says.
type Made struct {
	Envelope []byte
	Files    []report.File // all of the bundle
	report.Signed
}

// Draft is a report of that number in its series: one asset that nobody holds, three customers in two shards.
func Draft(t testing.TB, number uint64, former *Made) Made {
	t.Helper()
	instant := Day.AddDate(0, 0, int(number)) //nolint:gosec // small
	snap, err := report.NewSnapshot(report.Exchange{Entity: "Demo Ltd.", Name: Exchange}, instant.Format("2006-01-02"), instant, []report.Asset{{ID: "BTC", Decimals: 8, Tokens: []report.Token{}}})
	must(t, err)
	owed, err := report.ParseUnits("140000000")
	must(t, err)
	sum := []report.AssetAmount{{Asset: "BTC", Amount: owed}}
	in := report.Inputs{
		Snapshot: snap, Tool: "assay test", Scope: report.Scope{Included: []string{"Spot accounts"}}, Series: report.Series{Name: "main", Number: number},
		Issued:      report.Time{Time: instant.Add(time.Hour)},
		Rule:        report.Rule{Classes: []report.Class{report.Native}, Control: nil, Evidence: "inclusion-proved"},
		Tree:        report.Tree{Kind: report.KindPlain, Leaves: 3, Shards: 2, Root: report.Digest{1}},
		Liabilities: merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 140_000_000}}},
		Ledger: report.Ledger{
			Classes: []report.LedgerClass{{Class: "customer", Customers: 3, Entries: 3, Sum: sum}}, Customers: 3, Entries: 3,
			Duplicates: report.Duplicates{Rule: report.RuleError}, Negatives: report.Negatives{Rule: report.RuleError}, UnknownAssets: report.UnknownAssets{Rule: report.RuleError},
		},
	}
	if former != nil {
		in.Series.Previous = &former.Digest
	}
	in.Files = files(t, in)
	payload, manifest, err := report.Draft(in)
	must(t, err)
	e, err := attest.Sign(attest.PayloadType, payload, Key)
	must(t, err)
	made := Made{}
	made.Envelope, err = e.JSON()
	must(t, err)
	made.Signed, err = report.Read(made.Envelope)
	must(t, err)
	made.Files = append(in.Files, report.NewBytesFile(report.PathManifest, manifest), report.NewBytesFile(report.PathEnvelope, made.Envelope))
	return made
}

// Publish writes a report's bundle, zip and page into a folder.
func (m Made) Publish(t testing.TB, dir string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "report"), 0o755))
	must(t, report.WriteDir(filepath.Join(dir, "bundle"), m.Files))
	must(t, report.WriteFile(filepath.Join(dir, "bundle.zip"), func(w io.Writer) error { return report.WriteZip(w, m.Files) }))
	must(t, report.WriteFile(filepath.Join(dir, "report", "index.html"), func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "<!DOCTYPE html><title>report %s</title>", m.Digest)
		return err
	}))
}

func files(t testing.TB, in report.Inputs) []report.File {
	t.Helper()
	lines, err := report.LinesJSON(in.Snapshot, in.Lines)
	must(t, err)
	control, err := report.ControlJSON(in.Snapshot, in.Lines, nil)
	must(t, err)
	claims, err := report.ClaimsJSON(in.Snapshot, in.Claims)
	must(t, err)
	shards, err := attest.Canonical(report.ShardsFile{Kind: in.Snapshot.Kind, Snapshot: in.Snapshot.ID, Type: report.TypeShards, Shards: []report.Shard{
		{Leaves: 1, Root: report.Digest{2}, Sum: []report.AssetAmount{}}, {Leaves: 2, Root: report.Digest{3}, Sum: []report.AssetAmount{}}}})
	must(t, err)
	all := []report.File{
		report.NewBytesFile(report.PathLines, lines), report.NewBytesFile(report.PathControl, control), report.NewBytesFile(report.PathClaims, claims),
		report.NewBytesFile(report.PathShards, shards),
	}
	for shard := range in.Tree.Shards {
		all = append(all, report.NewBytesFile(report.PathLeaves(shard), fmt.Appendf(nil, "assay/v1/leaves\nof shard %d", shard)))
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
