package main

import (
	"bytes"
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

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/runs"
)

// A caller asks a workshop's server, signs each request, and believes no answer that is not signed.
type caller struct {
	url     string
	id      string
	private ed25519.PrivateKey
	client  *client.Client
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

// caller makes an API key with permissions, and somebody who has it.
func (w *workshop) caller(t *testing.T, url string, permissions ...string) *caller {
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
	c := &caller{url: url, id: k.ID, private: private}
	c.client, err = client.New(client.Config{URL: url, Keys: []string{strings.TrimSpace(read(t, w.dir, "keys", "statement.pub"))}})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "let in", func() bool { status, _ := c.sends(t, http.MethodGet, "/v1/me", ""); return status == http.StatusOK }) // what was signed in the server's first seconds is not taken
	return c
}

// asks sends a request; what is answered must have the status, and is decoded into v unless that is nil.
func (c *caller) asks(t *testing.T, status int, method, path, content string, v any) string {
	t.Helper()
	got, raw := c.sends(t, method, path, content)
	if got != status {
		t.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, raw)
	}
	if v != nil {
		unmarshal(t, raw, v)
	}
	return raw
}

func (c *caller) sends(t *testing.T, method, path, content string) (status int, said string) {
	t.Helper()
	c.n++
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if content != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		r.Header.Set("Idempotency-Key", fmt.Sprintf("wish-of-%s-%04d", c.id, c.n))
	}
	if err := httpsig.SignRequest(r, []byte(content), c.private, c.id, fmt.Sprintf("nonce-%016d", c.n), time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := c.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// follows polls a run until it is in a state and its last event is of that kind.
func (c *caller) follows(t *testing.T, id, state, words string) (r api.RunDetail) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var after int64
	var all []string
	for ctx.Err() == nil {
		c.asks(t, 200, http.MethodGet, fmt.Sprintf("/v1/runs/%s?after=%d&wait=5", id, after), "", &r)
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
		if runs.Ended(r.State) {
			break
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
	w := newWorkshop(t, "key = \"file:keys/response.age\"\ndatabase = \"sqlite:assay.db\"\n")
	at := w.onEthereum(t)
	url, said := w.answers(t)
	w.works(t)
	operator := w.caller(t, url, "run:start", "run:read", "approval:submit")
	publisher := w.caller(t, url, "report:publish", "report:withdraw", "run:read", "approval:submit")
	auditor := w.caller(t, url, "finding:submit", "run:read")

	operator.asks(t, 422, "POST", "/v1/runs", `{"instant":"2026-13-01T00:00:00Z"}`, nil)
	publisher.asks(t, 403, "POST", "/v1/runs", `{}`, nil)
	var run api.RunDetail
	operator.asks(t, 201, "POST", "/v1/runs", fmt.Sprintf(`{"period":"2026-11","instant":%q}`, at), &run)
	waits := operator.follows(t, run.ID, runs.Waiting, "waiting for the signatures of ")
	if waits.Draft != "" || waits.Approvals != nil {
		t.Errorf("a draft before its time: %+v", waits)
	}
	operator.asks(t, 404, "GET", "/v1/runs/"+run.ID+"/draft", "", nil)
	operator.asks(t, 200, "POST", "/v1/runs/"+run.ID+":cancel", "", nil)
	operator.follows(t, run.ID, runs.Cancelled, "")

	operator.asks(t, 201, "POST", "/v1/runs", fmt.Sprintf(`{"period":"2026-11","instant":%q,"unsigned":true}`, at), &run)
	waits = operator.follows(t, run.ID, runs.Waiting, "waiting for approvals of the draft: 0 of 2 are there")
	draft := operator.asks(t, 200, "GET", "/v1/runs/"+run.ID+"/draft", "", nil)
	if runs.Digest([]byte(draft)) != waits.Draft || waits.Approvals.Required != 2 || len(waits.Approvals.Keys) != 3 || len(waits.Approvals.Approved) != 0 {
		t.Errorf("%+v %+v", waits, waits.Approvals)
	}
	approvals, publish := "/v1/runs/"+run.ID+"/approvals", fmt.Sprintf(`{"draft":%q}`, waits.Draft)
	operator.asks(t, 200, "POST", approvals, envelope(t, attest.PayloadType, draft, w.people[0]), nil)
	publisher.asks(t, 409, "POST", "/v1/runs/"+run.ID+":publish", publish, nil)
	publisher.asks(t, 422, "POST", approvals, envelope(t, attest.PayloadType, draft, openedKey(t, w.dir, "keys/statement.age")), nil)
	publisher.asks(t, 409, "POST", approvals, envelope(t, attest.PayloadType, draft+" ", w.people[1]), nil)
	publisher.asks(t, 200, "POST", approvals, envelope(t, attest.PayloadType, draft, w.people[1]), nil)
	operator.follows(t, run.ID, runs.Waiting, "waiting for somebody to ask that the draft be published")
	operator.asks(t, 403, "POST", "/v1/runs/"+run.ID+":publish", publish, nil)
	publisher.asks(t, 200, "POST", "/v1/runs/"+run.ID+":publish", publish, nil)
	done := operator.follows(t, run.ID, runs.Published, "")
	publisher.asks(t, 409, "POST", "/v1/runs/"+run.ID+":publish", publish, nil)
	w.judges(t, 0, "bundle", "reports/"+run.ID+"/bundle.zip", "--log", "log")
	statement := "/v1/reports/" + done.Statement
	waitFor(t, "shown", func() bool {
		return strings.Contains(auditor.asks(t, 200, "GET", "/v1/reports", "", nil), done.Statement)
	})

	w.addsFinding(t, auditor, run.ID, statement)
	w.takesBack(t, publisher, operator, statement)
	has(t, w.judges(t, 1, "bundle", "reports/"+run.ID+"/bundle.zip", "--log", "log"), "A wallet was counted twice.")
	var list api.Runs
	operator.asks(t, 200, "GET", "/v1/runs?state=published", "", &list)
	if len(list.Runs) != 3 || list.Runs[0].Kind != runs.Withdrawal || list.Runs[2].ID != run.ID {
		t.Errorf("%+v", list)
	}
	if log := read(t, said); strings.Contains(log, "panic") {
		t.Error(log)
	}
}

// addsFinding has an auditor hand in what they found, which then stands beside the statement.
func (w *workshop) addsFinding(t *testing.T, auditor *caller, run, statement string) {
	t.Helper()
	office := onAnotherMachine(t, w.assay, "auditor", attest.Ed25519, w.dir, "trust.toml")
	take(t, w.dir, office, "reports/"+run+"/bundle.zip")
	_, verdict, _ := call(t, office, w.verify, "bundle", "bundle.zip", "--policy", "trust.toml", "--json")
	if err := os.WriteFile(filepath.Join(office, "verdict.json"), []byte(verdict), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, office, w.assay, opened("countersign", "bundle.zip", "--verdict", "verdict.json", "--key", "file:auditor.age", "--name", "Example Accountants", "--scope", "All shards.",
		"--procedure", "Recomputed every leaf.", "--finding", "Every leaf was there.", "--out", "finding.dsse.json")...)
	finding := read(t, office, "finding.dsse.json")
	auditor.asks(t, 404, "POST", "/v1/reports/"+strings.Repeat("0", 64)+"/findings", finding, nil)
	auditor.asks(t, 422, "POST", statement+"/findings", string(bytes.Replace([]byte(finding), []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1)), nil)
	var run2 api.RunDetail
	auditor.asks(t, 201, "POST", statement+"/findings", finding, &run2)
	auditor.follows(t, run2.ID, runs.Published, "")
	if got := read(t, w.dir, "reports", run, "bundle", filepath.FromSlash(report.PathFinding(0))); got != finding {
		t.Errorf("the bundle holds %s", got)
	}
}

// takesBack withdraws a statement, with the word of two people.
func (w *workshop) takesBack(t *testing.T, publisher, operator *caller, statement string) {
	t.Helper()
	var run api.RunDetail
	publisher.asks(t, 422, "POST", statement+":withdraw", `{"reason":""}`, nil)
	operator.asks(t, 403, "POST", statement+":withdraw", `{"reason":"x"}`, nil)
	publisher.asks(t, 201, "POST", statement+":withdraw", `{"reason":"A wallet was counted twice."}`, &run)
	publisher.follows(t, run.ID, runs.Waiting, "waiting for approvals of the withdrawal")
	draft := publisher.asks(t, 200, "GET", "/v1/runs/"+run.ID+"/draft", "", nil)
	w.write(t, "withdrawal.json", draft)
	out := w.must(t, "approve", "withdrawal.json", "--key", "file:p2.age", "--yes")
	has(t, out, strings.TrimPrefix(statement, "/v1/reports/"), "A wallet was counted twice.")
	operator.asks(t, 200, "POST", "/v1/runs/"+run.ID+"/approvals", read(t, onlyFile(t, w.dir, "approval-*.dsse.json")), nil)
	operator.asks(t, 200, "POST", "/v1/runs/"+run.ID+"/approvals", envelope(t, attest.PayloadEntry, draft, w.people[1]), nil)
	publisher.follows(t, run.ID, runs.Published, "")
}
