package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/runs"
)

// An asker asks a workshop's server, signs each request, and believes no answer that is not signed.
type asker struct {
	*client.Client
	url     string
	id      string
	private ed25519.PrivateKey
	n       int
}

// answers lets the workshop's server answer; its database is the one of the workshop.
func (w *workshop) answers(t *testing.T) (url, stderr string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(w.dir, "reports"), 0o755); err != nil {
		t.Fatal(err)
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, w.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, "keys", "response", "--recipient", id.Recipient().String())
	return serving(t, w.dir, w.assay, opened("serve", "--listen", "127.0.0.1:0")...)
}

// asker makes an API key with permissions, and somebody who has it.
func (w *workshop) asker(t *testing.T, url string, permissions ...string) *asker {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"admin", "key", "create", "--json", "--name", strings.Join(permissions, " ")[:8], "--cidr", "127.0.0.1", "--public-key", "ed25519:" + hex.EncodeToString(public)}
	for _, p := range permissions {
		args = append(args, "--permission", p)
	}
	var k keyRecord
	unmarshal(t, w.must(t, args...), &k)
	c := &asker{url: url, id: k.ID, private: private}
	c.Client, err = client.New(client.Config{URL: url, Keys: []string{strings.TrimSpace(read(t, w.dir, "keys", "statement.pub"))},
		Signer: &client.Signer{ID: k.ID, Key: private, Random: rand.Reader}})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "let in", func() bool { _, err := c.Me(t.Context()); return err == nil }) // what was signed in the server's first seconds is not taken
	return c
}

// wish is a name for something that is asked for.
func (c *asker) wish() string {
	c.n++
	return fmt.Sprintf("wish-of-%s-%04d", c.id, c.n)
}

// refused sends what the client does not, and wants it refused.
func (c *asker) refused(t *testing.T, status int, method, path, content string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if content != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		r.Header.Set("Idempotency-Key", c.wish())
	}
	if err := httpsig.SignRequest(r, []byte(content), c.private, c.id, c.wish(), time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if raw, err := io.ReadAll(response.Body); err != nil || response.StatusCode != status {
		t.Errorf("%s %s: %d, want %d: %s", method, path, response.StatusCode, status, raw)
	}
}

// done is what a run is once something was asked of it.
func done(t *testing.T) func(client.Run, error) client.Run {
	return func(r client.Run, err error) client.Run {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// follows polls a run until it is in a state, and one of its events said such words.
func (c *asker) follows(t *testing.T, id, state, words string) (r client.Run) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var after int64
	var all []string
	for ctx.Err() == nil && (after == 0 || !r.Ended()) {
		r = done(t)(c.Run(ctx, id, after, 5*time.Second))
		for _, e := range r.Events {
			if e.Seq <= after {
				t.Errorf("event %d was asked for after %d", e.Seq, after)
			}
			after = e.Seq
			all = append(all, e.Kind+" "+e.Text)
		}
		if r.State == state && strings.Contains(strings.Join(all, "\n"), words) {
			return r
		}
	}
	t.Fatalf("it is %s, want %s and %q:\n%s", r.State, state, words, strings.Join(all, "\n"))
	return r
}

func envelope(t *testing.T, kind, payload string, by ...attest.Signer) string {
	t.Helper()
	e, err := attest.Sign(kind, []byte(payload), by...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// onEthereum gives a workshop a real node, on which its wallets hold something.
func (w *workshop) onEthereum(t *testing.T) (at string) {
	t.Helper()
	moment := devnet.Instant(time.Now())
	node, err := devnet.StartEthereum(devnet.EthereumOptions{Seed: "test", Instant: moment})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	wallets, err := devnet.Wallets("test")
	if err != nil {
		t.Fatal(err)
	}
	var accounts []string
	for _, one := range wallets {
		if one.Account.Chain() == devnet.EthereumChain {
			accounts = append(accounts, one.Account.Address())
		}
	}
	chain := string(devnet.EthereumChain)
	text := strings.Replace(read(t, w.dir, "assay.toml"), "id = \"ETH\"\ndecimals = 18\n",
		fmt.Sprintf("id = \"ETH\"\ndecimals = 18\ntokens = [{ id = \"%s/slip44:60\", decimals = 18, class = \"native\" }]\n", chain), 1)
	w.write(t, "assay.toml", text+fmt.Sprintf("[[chain]]\nid = %q\nnodes = [%q]\n[[wallet]]\nchain = %[1]q\ncustody = \"own-cold\"\naccounts = [\"%[3]s\"]\n", chain, node.URL(), strings.Join(accounts, `", "`)))
	return moment.Format(time.RFC3339)
}

// TestRunOverTheAPI: two clients have a real exchange's report made, approved by two people, published and withdrawn; an auditor adds a finding. The server
// has neither ledger nor statement key open, and every answer is signed.
func TestRunOverTheAPI(t *testing.T) {
	w := newWorkshop(t, "key = \"file:keys/response.age\"\ndatabase = \"sqlite:assay.db\"\n[server.limits]\nruns = \"100/s burst 100\"\n")
	at := w.onEthereum(t)
	hook := w.tells(t)
	url, said := w.answers(t)
	w.works(t)
	ctx := t.Context()
	operator := w.asker(t, url, "run:start", "run:read", "approval:submit")
	publisher := w.asker(t, url, "report:publish", "report:withdraw", "run:read", "approval:submit")
	auditor := w.asker(t, url, "finding:submit", "run:read")
	hook.client = auditor.Client
	close(hook.ready)

	operator.refused(t, 422, "POST", "/v1/runs", `{"instant":"2026-13-01T00:00:00Z"}`)
	publisher.refused(t, 403, "POST", "/v1/runs", `{}`)
	run := done(t)(operator.AskRun(ctx, operator.wish(), client.RunWish{Period: "2026-11", Instant: at}))
	if r := operator.follows(t, run.ID, runs.Waiting, "waiting for the signatures of "); r.Draft != "" || r.Approvals != nil {
		t.Errorf("a draft before its time: %+v", r)
	}
	operator.refused(t, 404, "GET", "/v1/runs/"+run.ID+"/draft", "")
	done(t)(operator.CancelRun(ctx, run.ID))
	operator.follows(t, run.ID, runs.Cancelled, "")

	run = w.publishesOver(t, operator, publisher, client.RunWish{Period: "2026-11", Instant: at, Unsigned: true})
	w.judges(t, 0, "bundle", "reports/"+run.ID+"/bundle.zip", "--log", "log")
	w.addsFinding(t, auditor, run)
	w.takesBack(t, publisher, operator, run.Statement)
	hook.hears(t, "run.waiting "+run.ID, "run.published "+run.ID, "report.withdrawn "+run.Statement)
	has(t, w.judges(t, 1, "bundle", "reports/"+run.ID+"/bundle.zip", "--log", "log"), "A wallet was counted twice.")
	var kinds []string
	for r, err := range operator.Runs(ctx, runs.Published) {
		kinds = append(kinds, done(t)(r, err).Kind)
	}
	if diff := cmp.Diff([]string{runs.Withdrawal, runs.Finding, runs.Report}, kinds); diff != "" {
		t.Error(diff)
	}
	if log := read(t, said); strings.Contains(log, "panic") {
		t.Error(log)
	}
}

// publishesOver has a report made and published, by two clients and two people; on the way, what is not enough is refused.
func (w *workshop) publishesOver(t *testing.T, operator, publisher *asker, wish client.RunWish) client.Run {
	t.Helper()
	ctx, id := t.Context(), done(t)(operator.AskRun(t.Context(), operator.wish(), wish)).ID
	waits := operator.follows(t, id, runs.Waiting, "waiting for approvals of the draft: 0 of 2 are there")
	raw, err := operator.Draft(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	draft := string(raw)
	if runs.Digest(raw) != waits.Draft || waits.Approvals.Required != 2 || len(waits.Approvals.Keys) != 3 || len(waits.Approvals.Approved) != 0 {
		t.Errorf("%+v %+v", waits, waits.Approvals)
	}
	approvals, publish := "/v1/runs/"+id+"/approvals", fmt.Sprintf(`{"draft":%q}`, waits.Draft)
	done(t)(operator.ApproveRun(ctx, id, []byte(envelope(t, attest.PayloadType, draft, w.people[0]))))
	publisher.refused(t, 409, "POST", "/v1/runs/"+id+":publish", publish)
	publisher.refused(t, 422, "POST", approvals, envelope(t, attest.PayloadType, draft, openedKey(t, w.dir, "keys/statement.age")))
	publisher.refused(t, 409, "POST", approvals, envelope(t, attest.PayloadType, draft+" ", w.people[1]))
	done(t)(publisher.ApproveRun(ctx, id, []byte(envelope(t, attest.PayloadType, draft, w.people[1]))))
	operator.follows(t, id, runs.Waiting, "waiting for somebody to ask that the draft be published")
	operator.refused(t, 403, "POST", "/v1/runs/"+id+":publish", publish)
	done(t)(publisher.PublishRun(ctx, id, waits.Draft))
	run := operator.follows(t, id, runs.Published, "")
	publisher.refused(t, 409, "POST", "/v1/runs/"+id+":publish", publish)
	return run
}

// countersigned is what an auditor found of a run's bundle and signed, on a machine of their own.
func (w *workshop) countersigned(t *testing.T, run string) (finding string) {
	t.Helper()
	w.write(t, "trust.toml", w.policy)
	office := onAnotherMachine(t, w.assay, "auditor", attest.Ed25519, w.dir, "trust.toml")
	take(t, w.dir, office, "reports/"+run+"/bundle.zip")
	_, verdict, _ := call(t, office, w.verify, "bundle", "bundle.zip", "--policy", "trust.toml", "--json")
	if err := os.WriteFile(filepath.Join(office, "verdict.json"), []byte(verdict), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, office, w.assay, opened("countersign", "bundle.zip", "--verdict", "verdict.json", "--key", "file:auditor.age", "--name", "Example Accountants", "--scope", "All shards.",
		"--procedure", "Recomputed every leaf.", "--finding", "Every leaf was there.", "--out", "finding.dsse.json")...)
	return read(t, office, "finding.dsse.json")
}

// addsFinding has an auditor hand in what they found, which then stands beside the statement.
func (w *workshop) addsFinding(t *testing.T, auditor *asker, run client.Run) {
	t.Helper()
	finding := w.countersigned(t, run.ID)
	var added client.Run
	waitFor(t, "shown", func() (is bool) { // the server looks at its reports once a second
		var err error
		added, err = auditor.SubmitFinding(t.Context(), auditor.wish(), run.Statement, []byte(finding))
		return err == nil
	})
	auditor.refused(t, 404, "POST", "/v1/reports/"+strings.Repeat("0", 64)+"/findings", finding)
	auditor.refused(t, 422, "POST", "/v1/reports/"+run.Statement+"/findings", strings.Replace(finding, `"sig":"`, `"sig":"AAAA`, 1))
	auditor.follows(t, added.ID, runs.Published, "")
	if got := read(t, w.dir, "reports", run.ID, "bundle", filepath.FromSlash(report.PathFinding(0))); got != finding {
		t.Errorf("the bundle holds %s", got)
	}
}

// takesBack withdraws a statement, with the word of two people.
func (w *workshop) takesBack(t *testing.T, publisher, operator *asker, statement string) {
	t.Helper()
	ctx := t.Context()
	publisher.refused(t, 422, "POST", "/v1/reports/"+statement+":withdraw", `{"reason":""}`)
	operator.refused(t, 403, "POST", "/v1/reports/"+statement+":withdraw", `{"reason":"x"}`)
	run := done(t)(publisher.Withdraw(ctx, publisher.wish(), statement, "A wallet was counted twice."))
	publisher.follows(t, run.ID, runs.Waiting, "waiting for approvals of the withdrawal")
	draft, err := publisher.Draft(ctx, run.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "withdrawal.json", string(draft))
	out := w.must(t, "approve", "withdrawal.json", "--key", "file:p2.age", "--yes")
	has(t, out, statement, "A wallet was counted twice.")
	done(t)(operator.ApproveRun(ctx, run.ID, []byte(read(t, onlyFile(t, w.dir, "approval-*.dsse.json")))))
	done(t)(operator.ApproveRun(ctx, run.ID, []byte(envelope(t, attest.PayloadEntry, string(draft), w.people[1]))))
	publisher.follows(t, run.ID, runs.Published, "")
}
