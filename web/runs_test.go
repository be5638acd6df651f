package web_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
)

// change changes the office's runs as a worker, or another client, would.
func (o *office) change(t testing.TB, do func(context.Context, *store.Tx) (store.Run, error)) (r store.Run) {
	t.Helper()
	err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) { r, err = do(ctx, tx); return err })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run is the withdrawal of a statement, asked for by a client; it has a draft from the first.
func (o *office) run(t testing.TB, who *asker, of report.Digest, required uint64, approvers ...attest.PublicKey) store.Run {
	t.Helper()
	o.asked++
	approvals, err := report.NewApprovals(required, approvers...)
	if err != nil {
		t.Fatal(err)
	}
	var s report.Signed
	s.Digest, s.Statement.Predicate.Snapshot.Exchange.Name, s.Statement.Predicate.Approvals = of, "Demo Exchange", approvals
	by := runs.Asker{Client: who.client, Credential: who.key, ID: strings.NewReplacer("0", "a", "1", "b", "8", "c", "9", "d").Replace(fmt.Sprintf("%016d", o.asked)), At: o.clock}
	return o.change(t, func(ctx context.Context, tx *store.Tx) (store.Run, error) {
		return runs.Withdraw(ctx, tx, by, s, "A test.")
	})
}

// TestRunsOfANarrowKey: a key that is for some reports of its client's sees no run about another one, though its client asked for it.
func TestRunsOfANarrowKey(t *testing.T) {
	o := newOffice(t)
	client := o.client(t, authz.Scope{}, authz.Publisher)
	wide := o.keyOf(t, client)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := o.issue(t, authn.Wish{Client: client.ID, Permissions: authz.Of(authz.Publisher), Public: public, Reports: []string{o.first.Digest.String()}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	narrow := &asker{o, client.ID, id, private}
	seen, other, own := o.run(t, wide, o.first.Digest, 0), o.run(t, wide, o.last.Digest, 0), o.run(t, narrow, o.last.Digest, 0)
	for id, want := range map[string]int{seen.ID: 200, other.ID: 404, own.ID: 200} {
		if got := narrow.ask(t, "GET", "/v1/runs/"+id, ""); got.Code != want {
			t.Errorf("it sees one: %d, want %d", got.Code, want)
		}
	}
	if got := narrow.ask(t, "POST", "/v1/runs/"+other.ID+":publish", fmt.Sprintf(`{"draft":%q}`, other.Digest)); got.Code != 404 {
		t.Errorf("it publishes another one: %d %s", got.Code, got.Body)
	}
}

// TestManyRunsOfOthers: whoever sees some runs alone is not looked all others through for in one answer, and gets to the end all the same.
func TestManyRunsOfOthers(t *testing.T) {
	o := newOffice(t)
	narrow := o.keyOf(t, o.client(t, authz.Scope{Reports: []string{o.first.Digest.String()}}, authz.Operator))
	own := o.run(t, narrow, o.last.Digest, 0)
	other := o.asker(t, authz.Operator)
	err := o.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i := range 1000 {
			id := strings.Repeat("z", 14) + string('a'+rune(i/26%26)) + string('a'+rune(i%26))
			if i >= 26*26 {
				id = "y" + id[1:]
			}
			if _, err := runs.Ask(ctx, tx, runs.Asker{Client: other.client, Credential: other.key, ID: id, At: o.clock.Add(time.Second)}, runs.Wish{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var pages int
	var got []string
	for path := "/v1/runs"; path != ""; pages++ {
		w := narrow.ask(t, "GET", path, "")
		var page api.Runs
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%d %v %s", w.Code, err, w.Body)
		}
		for _, r := range page.Runs {
			got = append(got, r.ID)
		}
		if path = ""; page.Next != "" {
			path = "/v1/runs?cursor=" + page.Next
		}
	}
	if pages < 2 || !slices.Equal(got, []string{own.ID}) {
		t.Errorf("%d pages with %v", pages, got)
	}
}

// strangerEnvelope is an envelope that nobody of any matter signed.
var strangerEnvelope = fmt.Sprintf(`{"payload":"e30=","payloadType":%q,"signatures":[{"keyid":%q,"sig":"AAAA"}]}`, attest.PayloadType, strings.Repeat("0", 64))

// TestRunsOfOthers: who is for some statements alone sees their own runs and those about these; of any other one nothing is told, whatever is asked of it.
func TestRunsOfOthers(t *testing.T) {
	o := newOffice(t)
	all := []authz.Role{authz.Operator, authz.Publisher}
	narrow := o.keyOf(t, o.client(t, authz.Scope{Reports: []string{o.first.Digest.String()}}, all...))
	other := o.asker(t, all...)
	own, seen, foreign := o.run(t, narrow, o.last.Digest, 0), o.run(t, other, o.first.Digest, 0), o.run(t, other, o.last.Digest, 0)
	asked := o.change(t, func(ctx context.Context, tx *store.Tx) (store.Run, error) {
		return runs.Ask(ctx, tx, runs.Asker{Client: other.client, Credential: other.key, ID: strings.Repeat("z", 16), At: o.clock}, runs.Wish{})
	})
	for _, tt := range []struct{ method, path, content string }{
		{"GET", "", ""}, {"GET", "/draft", ""}, {"POST", "/approvals", strangerEnvelope}, {"POST", ":publish", fmt.Sprintf(`{"draft":%q}`, foreign.Digest)}, {"POST", ":cancel", ""}, {"POST", ":resume", ""},
	} {
		unknown := narrow.ask(t, tt.method, "/v1/runs/"+strings.Repeat("y", 16)+tt.path, tt.content)
		for _, id := range []string{foreign.ID, asked.ID} {
			got := narrow.ask(t, tt.method, "/v1/runs/"+id+tt.path, tt.content)
			if got.Code != 404 || got.Body.String() != unknown.Body.String() {
				t.Errorf("%s %s: %d %s", tt.method, tt.path, got.Code, got.Body)
			}
		}
		for _, id := range []string{own.ID, seen.ID} {
			if got := narrow.ask(t, tt.method, "/v1/runs/"+id+tt.path, tt.content); got.Code == 404 {
				t.Errorf("%s %s: %s", tt.method, tt.path, got.Body)
			}
		}
	}
	for _, tt := range []struct {
		who  *asker
		want []string
	}{{narrow, []string{own.ID, seen.ID}}, {other, []string{own.ID, seen.ID, foreign.ID, asked.ID}}} {
		var got []string
		for path := "/v1/runs?limit=1"; path != ""; {
			w := tt.who.ask(t, "GET", path, "")
			var page api.Runs
			if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page.Runs) != 1 {
				t.Fatalf("%s: %v %s", path, err, w.Body)
			}
			got = append(got, page.Runs[0].ID)
			if path = ""; page.Next != "" {
				path = "/v1/runs?limit=1&cursor=" + page.Next
			}
		}
		slices.Sort(got)
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("it sees %v, want %v", got, tt.want)
		}
	}
	if got := narrow.ask(t, "POST", "/v1/reports/"+o.last.Digest.String()+":withdraw", `{"reason":"x"}`); got.Code != 404 {
		t.Errorf("a foreign statement: %d %s", got.Code, got.Body)
	}
}

// TestApprovalIsNotOnesOwn: no key of the client that asked for a run approves it for anybody, whoever hands that in.
func TestApprovalIsNotOnesOwn(t *testing.T) {
	o := newOffice(t)
	client := o.client(t, authz.Scope{}, authz.Operator)
	asking, second, handing := o.keyOf(t, client), o.keyOf(t, client), o.asker(t, authz.Publisher)
	key, err := attest.ParsePublicKey("ed25519:" + hex.EncodeToString(asking.private[32:]))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		asked *asker
		want  int
	}{"one's own": {asking, 403}, "another one of one's own": {second, 403}, "another's": {handing, 200}} {
		r := o.run(t, tt.asked, o.first.Digest, 1, key)
		e, err := attest.Sign(attest.PayloadEntry, r.Draft, edKey{asking.private, key})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		got := handing.ask(t, "POST", "/v1/runs/"+r.ID+"/approvals", string(raw))
		if got.Code != tt.want || got.Code == 403 && !strings.Contains(got.Body.String(), "/problems/approval-self") {
			t.Errorf("%s: %d %s", name, got.Code, got.Body)
		}
	}
}

// edKey signs as an approver does.
type edKey struct {
	ed25519.PrivateKey
	public attest.PublicKey
}

func (k edKey) PublicKey() attest.PublicKey { return k.public }

func (k edKey) Sign(message []byte) ([]byte, error) { return ed25519.Sign(k.PrivateKey, message), nil }

// TestLongPoll: whoever waits for a run is answered once something happens to it, and at once where it did or nothing more will.
func TestLongPoll(t *testing.T) {
	o := newOffice(t)
	who := o.asker(t, authz.Operator)
	r := o.run(t, who, o.first.Digest, 0)
	poll := func(after int64, wait int) (d api.RunDetail) {
		w := who.ask(t, "GET", fmt.Sprintf("/v1/runs/%s?after=%d&wait=%d", r.ID, after, wait), "")
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
		}
		return d
	}
	first := poll(0, 20)
	if len(first.Events) != 1 || first.Events[0].Kind != runs.EventAsked || first.Seq != 1 {
		t.Fatalf("%+v", first)
	}
	if none := poll(1, 1); len(none.Events) != 0 {
		t.Errorf("%+v", none)
	}
	go func() {
		time.Sleep(300 * time.Millisecond)
		_ = o.maker.write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			_, err := runs.Cancel(ctx, tx, r.ID, o.clock)
			return err
		})
	}()
	if next := poll(1, 20); len(next.Events) != 1 || next.Events[0].Kind != runs.EventCancelled || next.State != runs.Cancelled {
		t.Errorf("%+v", next)
	}
	if last := poll(2, 20); len(last.Events) != 0 { // a test's time would be over before
		t.Errorf("%+v", last)
	}
}

// TestGone: whoever is gone, or has said that no more will come, is answered as ever; but nothing waits for who is gone.
func TestGone(t *testing.T) {
	o := newOffice(t)
	who := o.asker(t, authz.Operator)
	r := o.run(t, who, o.first.Digest, 0)
	left, leave := context.WithCancel(t.Context())
	leave()
	h := o.h
	o.h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r.WithContext(left)) })
	for range 20 { // of waits that are not ended, 400 s
		if w := who.ask(t, "GET", "/v1/runs/"+r.ID+"?after=1&wait=20", ""); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if w := who.ask(t, "POST", "/v1/runs/"+r.ID+":cancel", ""); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestLetInNoMore: whoever waits for a run when their key is revoked, or their client disabled, is told nothing more of it; and what they had
// begun to ask for before that is not done after it.
func TestLetInNoMore(t *testing.T) {
	for name, ends := range map[string]func(*office, context.Context, *store.Tx, *asker) error{
		"revoked": func(o *office, ctx context.Context, tx *store.Tx, who *asker) error {
			return o.maker.Maker.Revoke(ctx, tx, who.key)
		},
		"disabled": func(o *office, ctx context.Context, tx *store.Tx, who *asker) error {
			_, err := o.maker.Disable(ctx, tx, who.client)
			return err
		},
		"without the role": func(o *office, ctx context.Context, tx *store.Tx, who *asker) error {
			_, err := o.maker.ChangeClient(ctx, tx, who.client, authn.Enrolment{Name: "x", Roles: []authz.Role{authz.Service}, Tier: authn.Standard})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			who := o.asker(t, authz.Operator)
			r := o.run(t, who, o.first.Digest, 0)
			failed := make(chan error, 1)
			go func() {
				time.Sleep(300 * time.Millisecond)
				failed <- o.maker.write(context.Background(), func(ctx context.Context, tx *store.Tx) error { return ends(o, ctx, tx, who) })
			}()
			got := who.ask(t, "GET", "/v1/runs/"+r.ID+"?after=1&wait=20", "")
			if err := <-failed; err != nil {
				t.Fatal(err)
			}
			if got.Code != 401 || !strings.Contains(got.Body.String(), "/problems/credential-invalid") || strings.Contains(got.Body.String(), r.ID) {
				t.Errorf("who waited is told %d %s", got.Code, got.Body)
			}

			o = newOffice(t)
			who = o.asker(t, authz.Operator)
			writing, ended := make(chan struct{}), make(chan error, 1)
			go func() { // whoever writes keeps others who would waiting
				ended <- o.maker.write(context.Background(), func(ctx context.Context, tx *store.Tx) error {
					close(writing)
					time.Sleep(500 * time.Millisecond)
					return ends(o, ctx, tx, who)
				})
			}()
			<-writing
			got = who.ask(t, "POST", "/v1/runs", `{}`)
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			all, err := o.maker.Keys.Runs(t.Context(), "", "", 10)
			if err != nil || got.Code != 401 || len(all) != 0 {
				t.Errorf("after that %d %s; %d runs, %v", got.Code, got.Body, len(all), err)
			}
		})
	}
}
