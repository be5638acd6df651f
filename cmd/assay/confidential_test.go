package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

const inFourHidden = "[run]\nkind = \"confidential\"\nshards = 4\n"

// TestConfidential: from the ledger to the bundle and every customer's proof. What is published holds no sum of any shard, and a customer's
// file nothing of another but hashes and points.
func TestConfidential(t *testing.T) {
	assay, verify := programs(t)
	dir, customers := signedRunOf(t, assay, 300, inFourHidden)
	if v := judged(t, dir, verify, 0); !v.Proven {
		t.Error(v.Summary)
	} else if full := v.detail(t, "liabilities.full"); !strings.Contains(full, "300 leaves") {
		t.Error(full)
	}
	signed, err := report.Read([]byte(read(t, dir, "bundle", report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	p := signed.Statement.Predicate
	if p.Tree.Kind != "confidential" || p.Tree.Leaves != 300 || p.Ledger.Customers != 300 || p.Liabilities[0].Amount.String() == "0" {
		t.Errorf("the statement says %+v, %+v, %+v", p.Tree, p.Ledger, p.Liabilities)
	}
	list := read(t, dir, "bundle", report.PathShards)
	if n := len(regexp.MustCompile(`\{"leaves":[0-9]+,"root":"[0-9a-f]{64}","total":"[0-9a-f]{128}"\}`).FindAllString(list, -1)); n != 4 || strings.Contains(list, "sum") {
		t.Errorf("the shard list: %s", list)
	}
	for _, name := range []string{report.PathTopProof, report.PathProof(0), report.PathProof(3), report.PathLeaves(3)} {
		if !strings.Contains(read(t, dir, "bundle", report.PathManifest), `"path":"`+name+`"`) || read(t, dir, "bundle", name) == "" {
			t.Errorf("%s is not in the bundle", name)
		}
	}
	if page := read(t, dir, "report", "index.html"); !strings.Contains(page, "This tree is of kind confidential.") || !strings.Contains(page, "decoys may be among them") {
		t.Error("the page speaks of a plain tree")
	}
	if err := os.WriteFile(filepath.Join(dir, "customers.txt"), []byte(strings.Join(customers, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sender := newAgeIdentity(t)
	if stdout := must(t, dir, assay, opened("prove", "--all", "--out", "proofs", "--to", sender.Recipient().String())...); !strings.Contains(stdout, "300 proofs in 4 archives in proofs, 4 of them made now") {
		t.Error(stdout)
	}
	must(t, dir, assay, opened("prove", "--customers", "customers.txt", "--out", "single")...)
	files := map[string]string{}
	for name := range archivesIn(t, filepath.Join(dir, "proofs")) {
		for file, raw := range unpacked(t, filepath.Join(dir, "proofs", name), sender) {
			if raw != read(t, dir, "single", file) {
				t.Errorf("%s is not what prove --customers writes", file)
			}
			files[file] = raw
		}
	}
	if len(files) != len(customers) {
		t.Errorf("%d files, want %d", len(files), len(customers))
	}
	showOnlyTheirOwn(t, files)
	countsEach(t, dir, verify, customers[:20])
}

// countsEach: assay-verify says of each customer's file that the row is counted if the shard's own files are given, and does not with another's.
func countsEach(t *testing.T, dir, verify string, customers []string) {
	t.Helper()
	handles := strings.Fields(must(t, dir, filepath.Join(filepath.Dir(verify), "assay"), opened("prove", "--handles", "customers.txt")...))
	for i, customer := range customers {
		file := filepath.Join("single", handles[i]+".json")
		var p struct{ Shard struct{ Index uint64 } }
		if err := json.Unmarshal([]byte(read(t, dir, file)), &p); err != nil {
			t.Fatal(err)
		}
		for _, shard := range []uint64{p.Shard.Index, (p.Shard.Index + 1) % 4} {
			code, stdout, stderr := call(t, dir, verify, "proof", file, "--customer", customer, "--policy", "policy.toml", "--shard", filepath.Join("bundle", report.PathLeaves(shard)))
			if own := shard == p.Shard.Index; (code == 0) != own || own && !strings.Contains(stdout, "\nPROVEN") {
				t.Fatalf("customer #%d with shard #%d: exit %d: %s%s", i, shard, code, stdout, stderr)
			}
		}
	}
}

// TestConfidentialAltered: a proof of which an answer was changed is refused even where the manifest that is signed lists it: by the tree's
// own checks.
func TestConfidentialAltered(t *testing.T) {
	assay, verify := programs(t)
	for name, file := range map[string]string{
		"a shard's": "shard-00001.proof",
		"the top's": "top.proof",
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := signedRunOf(t, assay, 30, inFourHidden)
			built, err := filepath.Glob(filepath.Join(dir, "run", "tree", "*", "proofs"))
			if err != nil || len(built) != 1 {
				t.Fatalf("%v (%v)", built, err)
			}
			if err := flipLast(filepath.Join(built[0], file)); err != nil {
				t.Fatal(err)
			}
			for _, gone := range []string{"bundle", filepath.Join("run", fileEnvelope), filepath.Join("run", fileDraft)} {
				if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
					t.Fatal(err)
				}
			}
			must(t, dir, assay, opened("run")...)
			v := judged(t, dir, verify, 1)
			if v.Proven || !strings.Contains(v.Summary, "liabilities.") {
				t.Error(v.Summary)
			}
		})
	}
}

// flipLast changes the last bit of a file: of a proof, that of an answer.
func flipLast(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[len(b)-1] ^= 1
	return os.WriteFile(path, b, 0o600)
}

// showOnlyTheirOwn: no blinding or nonce of a file stands in another, and no balance stands on a path.
func showOnlyTheirOwn(t *testing.T, files map[string]string) {
	t.Helper()
	type proof struct {
		Blinding, Nonce string
		Path, Top       []struct{ Sum string }
	}
	var all []string
	for _, raw := range files {
		all = append(all, raw)
	}
	text := strings.Join(all, "\n")
	for name, raw := range files {
		var p proof
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			t.Fatal(err)
		}
		if strings.Count(text, p.Blinding) != 1 || strings.Count(text, p.Nonce) != 1 {
			t.Errorf("%s: its blinding or nonce stands in another file", name)
		}
		for _, node := range slices.Concat(p.Path, p.Top) {
			if b, err := hex.DecodeString(node.Sum); err != nil || len(b) != 64 {
				t.Errorf("%s: a sum of its path is %q", name, node.Sum)
			}
		}
	}
}

// TestConfidentialDecoys: shards without customers have a decoy each, which nobody gets a proof of.
func TestConfidentialDecoys(t *testing.T) {
	assay, verify := programs(t)
	dir, customers := signedRunOf(t, assay, 3, strings.Replace(inFourHidden, "4", "16", 1))
	signed, err := report.Read([]byte(read(t, dir, "bundle", report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	if p := signed.Statement.Predicate; p.Tree.Leaves < 16 || p.Ledger.Customers != 3 {
		t.Errorf("%d leaves, %d customers", p.Tree.Leaves, p.Ledger.Customers)
	}
	if v := judged(t, dir, verify, 0); !v.Proven {
		t.Error(v.Summary)
	}
	sender := newAgeIdentity(t)
	must(t, dir, assay, opened("prove", "--all", "--out", "proofs", "--to", sender.Recipient().String())...)
	n := 0
	for name := range archivesIn(t, filepath.Join(dir, "proofs")) {
		n += len(unpacked(t, filepath.Join(dir, "proofs", name), sender))
	}
	if n != len(customers) {
		t.Errorf("%d files, want %d", n, len(customers))
	}
	code, _, stderr := call(t, dir, assay, opened("prove", "--customer", "nobody", "--out", "p.json")...)
	if code != exitRefused || !strings.Contains(stderr, "no such customer") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestConfidentialRunAgain: a run that is begun again publishes the same bytes, proofs too; build --again gives the same root and other
// proofs; and the kind of a snapshot that was taken stays.
func TestConfidentialRunAgain(t *testing.T) {
	assay, _ := programs(t)
	dir, _ := signedRunOf(t, assay, 40, inFourHidden)
	root := func() string {
		var b buildRecord
		if err := json.Unmarshal([]byte(read(t, dir, "run", fileBuild)), &b); err != nil {
			t.Fatal(err)
		}
		return b.Tree.Root.String()
	}
	envelope, proof, first := read(t, dir, "bundle", report.PathEnvelope), read(t, dir, "bundle", report.PathProof(0)), root()
	must(t, dir, assay, opened("run")...)
	if read(t, dir, "bundle", report.PathEnvelope) != envelope || read(t, dir, "bundle", report.PathProof(0)) != proof {
		t.Error("another run publishes other bytes")
	}
	must(t, dir, assay, opened("build", "--again")...)
	built, err := filepath.Glob(filepath.Join(dir, "run", "tree", "*", "proofs", "shard-00000.proof"))
	if err != nil || len(built) != 1 {
		t.Fatalf("%v (%v)", built, err)
	}
	if again, err := os.ReadFile(built[0]); err != nil || root() != first || bytes.Equal(again, []byte(proof)) {
		t.Errorf("built again: root %s, want %s and another proof (%v)", root(), first, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(offlineConfig+inFourShards), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, dir, assay, opened("run")...)
	if code != exitRefused || !strings.Contains(stderr, "exchange, assets, run.kind or [margin] in assay.toml are not those of the snapshot") {
		t.Errorf("another kind: exit %d: %s", code, stderr)
	}
}

// TestPlainServed: a server with a handover of a plain tree gives the file that assay prove writes, and a stranger none.
func TestPlainServed(t *testing.T) {
	s := newProofServerOf(t, "kind = \"plain\"\n", 15)
	c, _, _, process := s.start(t, s.apiKey(t))
	first := s.exchange.digest(t, "first")
	for _, customer := range s.customers[:5] {
		proof, _, err := c.Proof(t.Context(), first, customer)
		s.exchange.must(t, "prove", "--config", "first.toml", "--customer", customer, "--out", "want.json")
		if err != nil || string(proof) != read(t, s.exchange.dir, "want.json") || !strings.Contains(string(proof), `"kind":"plain"`) {
			t.Errorf("got %s (%v)", proof, err)
		}
	}
	if _, _, err := c.Proof(t.Context(), first, "canary-99@customers.example"); refusal(err) != 404 {
		t.Errorf("a stranger: %v", err)
	}
	stopped(t, process)
	s.holdsNoSecret(t, "first")
}
