package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/runs"
)

const inTwoHidden = "[run]\nkind = \"confidential\"\ntotals = \"hidden\"\nshards = 2\n"

// countXRP is a rule by which the reserves of coveredConfig count; without it none do.
const countXRP = "[coverage]\nevidence = \"node-attested\"\ncontrol = [\"none\"]\n"

// What is owed in coveredWorkplace; of EUR it is shown, since there are no reserves.
const (
	owedXRP, owedXRPText = "1234567891", "1234.567891"
	owedEUR              = "123456"
)

// coveredWorkplace is an exchange with more XRP than it owes, if they count, EUR in shortfall, and nothing owed or held of NIL.
func coveredWorkplace(t *testing.T, assay, lines string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[[asset]]
id = "XRP"
decimals = 6
tokens = [{ id = "xrpl:0/slip44:144", decimals = 6, class = "native" }]
[[asset]]
id = "EUR"
decimals = 2
[[asset]]
id = "NIL"
decimals = 8
[[chain]]
id = "xrpl:0"
nodes = ["%s"]
[[wallet]]
chain = "xrpl:0"
custody = "own-cold"
accounts = ["rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn"]
[server]
key = "file:keys/response.age"
`, rippled(t, "9876543210"))
	ledger := "customer,asset,balance,class\nalice,XRP,1000.25,spot\nbob,XRP,200,spot\nbob,XRP,34.317891,earn\ncarol,EUR,1234.56,spot\n"
	for name, text := range map[string]string{"assay.toml": config + lines, "ledger.csv": ledger, "customers.txt": "alice\nbob\ncarol\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, dir, assay, "init", "--recipient", recipient)
	return dir
}

// configured replaces texts of the configuration.
func configured(t *testing.T, dir string, altered ...string) {
	t.Helper()
	text := strings.NewReplacer(altered...).Replace(read(t, dir, "assay.toml"))
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func signedBundle(t *testing.T, dir string) report.Signed {
	t.Helper()
	signed, err := report.Read([]byte(read(t, dir, "bundle", report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func predicateOf(t *testing.T, dir string) report.Predicate {
	t.Helper()
	return signedBundle(t, dir).Statement.Predicate
}

// jsonOf writes a value as statements do.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	raw, err := attest.Canonical(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// tellers lists the files of a folder that hold one of the texts, but for the ledger itself.
func tellers(t *testing.T, dir string, texts ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "ledger.csv" {
			return err
		}
		raw, err := os.ReadFile(path)
		if e, parseErr := report.Read(raw); parseErr == nil {
			raw = append(raw, e.Payload...) // it stands there as base64
		}
		for _, text := range texts {
			if strings.Contains(string(raw), text) {
				found = append(found, path+": "+text)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestHiddenTotals: whoever hides what is owed in all publishes, of an asset whose reserves reach it, these and a proof; of one in shortfall
// what is owed. What is hidden stands in no file but the ledger, and is said by no command.
func TestHiddenTotals(t *testing.T) {
	assay, _ := programs(t)
	dir := coveredWorkplace(t, assay, countXRP+inTwoHidden)
	var said strings.Builder
	do := func(args ...string) string {
		t.Helper()
		stdout, stderr := mustCall(t, dir, assay, opened(args...)...)
		said.WriteString(stdout + stderr)
		return stdout
	}
	stdout := do("run", "--unsigned", "--period", "2023-11", "--at", "2023-11-01T21:20:05Z")
	has(t, stdout, "XRP: counted 9876.54321, and no more is owed\n", "EUR: owed 1234.56, counted 0, coverage 0.00 %, SHORTFALL 1234.56 EUR\n", "NIL: counted 0, and no more is owed\n")
	p := predicateOf(t, dir)
	for _, c := range []struct{ got, want string }{
		{jsonOf(t, p.Liabilities), `[{"asset":"XRP","at_most":"9876543210"},{"amount":"123456","asset":"EUR"},{"asset":"NIL","at_most":"0"}]`},
		{jsonOf(t, p.Coverage), `[{"asset":"XRP","counted":"9876543210"},{"asset":"EUR","counted":"0","coverage":"0.00","liabilities":"123456","shortfall":"123456"},{"asset":"NIL","counted":"0"}]`},
		{jsonOf(t, p.Ledger.Classes), `[{"class":"earn","customers":1,"entries":1},{"class":"spot","customers":3,"entries":3}]`},
	} {
		if c.got != c.want {
			t.Errorf("the statement says %s, want %s", c.got, c.want)
		}
	}
	do("status")
	do("status", "--json")
	has(t, do("report"), "EUR: SHORTFALL of 1234.56 EUR; so what is owed of it is shown")
	do("report", "--json")
	do("approve", "run/draft.json")
	do("approve", "run/draft.json", "--json")
	do("prove", "--customers", "customers.txt", "--out", "single")
	if page := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(read(t, dir, "report", "index.html"), ""); !strings.Contains(page, "at most 9,876.54321") {
		t.Error("the page does not say what is owed at most")
	}
	writeKEK(t, dir)
	do("keys", "response", "--recipient", recipientOf(t, dir))
	url, served := serving(t, dir, assay, opened("serve", "--listen", "127.0.0.1:0")...)
	for _, path := range []string{"/v1/reports/latest", "/v1/reports", "/v1/reports/latest/report"} {
		status, _, content := sendsTo(t, "GET", url+path, "")
		if status != 200 {
			t.Fatalf("%s: %d %s", path, status, content)
		}
		said.WriteString(content)
	}
	said.WriteString(read(t, served))
	has(t, said.String(), `{"asset":"XRP","decimals":6,"liabilities":"","counted":"9876543210"}`)
	for _, text := range []string{owedXRP, owedXRPText, "1,234.567891", "8641975319", "8641.975319"} { // the last: what is left
		if strings.Contains(said.String(), text) {
			t.Errorf("it was said: %s", text)
		}
		if found := tellers(t, dir, text); len(found) > 0 {
			t.Errorf("it is told: %s", found)
		}
	}
	if found := tellers(t, dir, owedEUR); len(found) == 0 {
		t.Error("what is shown is not found where it is shown: nothing that is hidden would be")
	}
}

// TestHiddenTotals_OtherReserves: a report of other reserves is proved of these, and what was proved of the first ones is there again when they
// count again: the same draft, byte by byte. In between, what was in shortfall is told by no file but the draft.
func TestHiddenTotals_OtherReserves(t *testing.T) {
	assay, _ := programs(t)
	dir := coveredWorkplace(t, assay, countXRP+inTwoHidden)
	must(t, dir, assay, opened("snapshot", "--period", "2023-11", "--at", "2023-11-01T21:20:05Z")...)
	must(t, dir, assay, opened("reserves")...)
	must(t, dir, assay, opened("build")...)
	must(t, dir, assay, opened("report")...)
	first := read(t, dir, "run", fileDraft)
	must(t, dir, assay, "report") // without the snapshot's key
	if read(t, dir, "run", fileDraft) != first {
		t.Error("drawn up again: another draft")
	}
	configured(t, dir, "node-attested", "state-proved")
	must(t, dir, assay, opened("report")...)
	short := read(t, dir, "run", fileDraft)
	has(t, short, `"liabilities":[{"amount":"`+owedXRP+`","asset":"XRP"}`)
	if strings.Contains(first, owedXRP) || len(tellers(t, filepath.Join(dir, "run", "tree"), owedXRP)) > 0 {
		t.Error("a total is told where reserves cover it, or among the files of the tree")
	}
	configured(t, dir, "state-proved", "node-attested")
	must(t, dir, assay, opened("report")...)
	if read(t, dir, "run", fileDraft) != first {
		t.Error("the first reserves count again: another draft")
	}
	must(t, dir, assay, opened("sign")...)
	if got := string(signedBundle(t, dir).Payload); got != first {
		t.Error("what was signed is another statement")
	}
	if found := tellers(t, dir, owedXRP); len(found) > 0 {
		t.Errorf("the draft that was not signed is still told: %s", found)
	}
}

// TestHiddenTotals_Opened: a run that was built to hide totals does not show them, nor the other way round, until it is built for that; the root
// stays, so control does.
func TestHiddenTotals_Opened(t *testing.T) {
	assay, _ := programs(t)
	dir := coveredWorkplace(t, assay, countXRP+inTwoHidden)
	run := opened("run", "--unsigned", "--period", "2023-11", "--at", "2023-11-01T21:20:05Z")
	must(t, dir, assay, run...)
	root := predicateOf(t, dir).Tree.Root
	configured(t, dir, `totals = "hidden"`, `totals = "open"`)
	for _, args := range [][]string{opened("sign"), opened("report"), opened("confirm", "0")} {
		expect(t, dir, assay, exitRefused, "run.totals in assay.toml is open, which the tree was not built for", args...)
	}
	if code, _, stderr := call(t, dir, assay, run...); code != exitRefused || !strings.Contains(stderr, "assay build --again builds it") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	must(t, dir, assay, opened("build", "--again")...)
	must(t, dir, assay, run...)
	if p := predicateOf(t, dir); p.Tree.Root != root || p.Tree.Hides() || p.Coverage[0].Liabilities.String() != owedXRP || len(tellers(t, filepath.Join(dir, "run"), owedXRP)) < 3 {
		t.Errorf("opened: %+v, %+v", p.Tree, p.Coverage)
	}
	for lines, want := range map[string]string{
		"[run]\nkind = \"plain\"\ntotals = \"hidden\"\n": `run.totals: a tree of kind "plain" shows what is owed in all; to hide it, set run.kind to "confidential"`,
		"[run]\ntotals = \"secret\"\n":                   `run.totals: got "secret", want "open" or "hidden"`,
	} {
		if _, err := parseConfig([]byte(offlineConfig + lines)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", lines, err, want)
		}
	}
}

// TestHiddenTotals_Served: proofs of a tree whose totals are hidden are handed over and served as any other's.
func TestHiddenTotals_Served(t *testing.T) {
	s := newProofServerOf(t, "kind = \"confidential\"\ntotals = \"hidden\"\n", 5)
	c, _, _, process := s.start(t, s.apiKey(t))
	for _, customer := range s.customers {
		proof, _, err := c.Proof(t.Context(), s.exchange.digest(t, "first"), customer)
		s.exchange.must(t, "prove", "--config", "first.toml", "--customer", customer, "--out", "want.json")
		if err != nil || string(proof) != read(t, s.exchange.dir, "want.json") {
			t.Errorf("got %s (%v)", proof, err)
		}
	}
	stopped(t, process)
	s.holdsNoSecret(t, "first")
}

// TestHiddenTotals_Asked: a worker draws up what is asked for over the API, and publishes what was approved.
func TestHiddenTotals_Asked(t *testing.T) {
	w := newWorkshop(t, inTwoHidden)
	id := w.asks(t, "2026-10", "2026-10-31T00:00:00Z")
	w.works(t)
	r := w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
	w.approve(t, r, attest.PayloadType, w.people[0], w.people[1])
	w.publish(t, r)
	w.works(t) // it is drawn up again
	if done := w.reaches(t, id, runs.Published, ""); done.Statement != r.Digest {
		t.Errorf("published %s, approved %s", done.Statement, r.Digest)
	}
	if p := predicateOf(t, filepath.Join(w.dir, "reports", id)); !p.Tree.Hides() {
		t.Errorf("the statement shows what is owed: %+v", p.Tree)
	}
}
