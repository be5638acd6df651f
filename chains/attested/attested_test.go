package attested

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

const (
	chain    = chains.Chain("tron:0xcd8690dc")
	past     = chains.Token("tron:0xcd8690dc/slip44:195")
	present  = chains.Token("tron:0xcd8690dc/trc20:TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf")
	first    = chains.Account("tron:0xcd8690dc:TS42R1n377ZvjCERGYDMjk3sgtCNpPPPPP")
	second   = chains.Account("tron:0xcd8690dc:TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHp")
	snapshot = "00000000000000000000000000000000000000000000000000000000000000aa"
)

var pinned = chains.BlockRef{Chain: chain, Hash: strings.Repeat("ab", 32), Number: 100, Time: time.Unix(1777445121, 0).UTC()}

// A fake is a node that says what it is told to.
type fake struct {
	chain  chains.Chain
	block  chains.BlockRef
	have   bool
	past   uint64
	now    []uint64 // balances of the present, one for each round; the last stays
	number uint64
	drops  bool // loses the block while it answers
	down   error
	round  atomic.Int64
}

func honest() *fake {
	return &fake{chain: chain, block: pinned, have: true, past: 7, now: []uint64{9}, number: 103}
}

func (f *fake) Chain(context.Context) (chains.Chain, error) { return f.chain, f.down }

func (f *fake) Pin(context.Context, time.Time) (chains.BlockRef, error) { return f.block, nil }

func (f *fake) Last(context.Context) (chains.BlockRef, error) { return f.block, nil }

func (f *fake) Block(context.Context, uint64) (chains.BlockRef, bool, error) {
	return f.block, f.have, nil
}

func (f *fake) Balances(_ context.Context, _ chains.BlockRef, holdings []chains.Holding) ([]Told, error) {
	f.have = f.have && !f.drops
	round := min(int(f.round.Add(1)), len(f.now)) - 1
	told := make([]Told, len(holdings))
	for i, h := range holdings {
		told[i] = Told{Amount: uint256.NewInt(f.past), Number: pinned.Number}
		if h.Token == present {
			told[i] = Told{Amount: uint256.NewInt(f.now[round]), Number: f.number}
		}
	}
	return told, nil
}

func sourceOf(t *testing.T, zero string, nodes ...*fake) *Source {
	t.Helper()
	var urls []string
	for i := range nodes {
		urls = append(urls, fmt.Sprintf("http://host%d.example:8090", i+1))
	}
	opened := 0
	s, err := New(chain, urls, egress.Limits{}, Rules{
		Namespace: chains.Tron, Zero: zero,
		Check:   func(chains.Holding) error { return nil },
		Present: func(t chains.Token) bool { return !t.Native() },
	}, func(*Asker) Node { opened++; return nodes[opened-1] })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func gather(t *testing.T, s *Source) (chains.Evidence, error) {
	t.Helper()
	return s.Gather(t.Context(), snapshot, pinned, []chains.Holding{{Account: second, Token: present}, {Account: second, Token: past}, {Account: first, Token: past}})
}

func TestEvidenceFile(t *testing.T) {
	late := honest()
	late.number = 105
	evidence, err := gather(t, sourceOf(t, "", honest(), late))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(evidence.File)
	if err != nil {
		t.Fatal(err)
	}
	block := `"block":{"hash":"` + pinned.Hash + `","number":100,"time":"2026-04-29T06:45:21Z"}`
	answers := func(number string) string {
		return `{"answers":[` +
			`{"account":"` + string(first) + `","amount":"7","number":100,"token":"` + string(past) + `"},` +
			`{"account":"` + string(second) + `","amount":"7","number":100,"token":"` + string(past) + `"},` +
			`{"account":"` + string(second) + `","amount":"9","number":` + number + `,"token":"` + string(present) + `"}],` + block
	}
	want := `{"attested":[` + answers("103") + `,"node":"node 1"},` + answers("105") + `,"node":"node 2"}],"balances":[` +
		`{"account":"` + string(first) + `","amount":"7","token":"` + string(past) + `"},` +
		`{"account":"` + string(second) + `","amount":"7","token":"` + string(past) + `"},` +
		`{"account":"` + string(second) + `","amount":"9","token":"` + string(present) + `"}],` +
		`"chain":"tron:0xcd8690dc","snapshot":"` + snapshot + `","type":"assay/v1/evidence/attested"}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, b := range evidence.Balances {
		if b.Grade != chains.NodeAttested {
			t.Errorf("%s: grade %s", b.Account, b.Grade)
		}
	}
}

// Nodes are named by their place in the configuration, also when one is passed
// over, and sorted as texts.
func TestNodeNames(t *testing.T) {
	nodes := make([]*fake, 11)
	for i := range nodes {
		nodes[i] = honest()
	}
	nodes[1].down = &chains.UnreachableError{Node: "host2.example:8090", Err: errors.New("down")}
	evidence, err := gather(t, sourceOf(t, "", nodes...))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range evidence.File.(Evidence).Attested {
		names = append(names, a.Node)
	}
	want := []string{"node 1", "node 10", "node 11", "node 3", "node 4", "node 5", "node 6", "node 7", "node 8", "node 9"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestB04_NodesThatDisagree(t *testing.T) {
	lie := func(change func(*fake)) *fake {
		f := honest()
		change(f)
		return f
	}
	for name, c := range map[string]struct {
		other  *fake
		target any
		says   []string
	}{
		"a past balance":       {lie(func(f *fake) { f.past = 8 }), new(*chains.DisagreementError), []string{"node 1 (host1.example:8090) says 7", "node 2 (host2.example:8090) says 8"}},
		"a present balance":    {lie(func(f *fake) { f.now = []uint64{10} }), new(*chains.DisagreementError), []string{"says 9 at block 103", "says 10", "asked twice", "moved"}},
		"the block":            {lie(func(f *fake) { f.block.Hash = strings.Repeat("cd", 32) }), new(*chains.ReorgedError), []string{"host2.example:8090"}},
		"the block's time":     {lie(func(f *fake) { f.block.Time = f.block.Time.Add(time.Second) }), new(*chains.RefusedError), []string{"06:45:22Z"}},
		"a block that is lost": {lie(func(f *fake) { f.drops = true }), new(*chains.HistoryLostError), []string{"host2.example:8090"}},
		"no such block":        {lie(func(f *fake) { f.have = false }), new(*chains.HistoryLostError), []string{"lags behind"}},
		"an older block":       {lie(func(f *fake) { f.number = 99 }), new(*chains.RefusedError), []string{"at block 99, pinned is 100"}},
		"a number too large":   {lie(func(f *fake) { f.number = 1 << 53 }), new(*chains.RefusedError), []string{"pinned is 100"}},
		"another chain":        {lie(func(f *fake) { f.chain = "tron:0x2b6653dc" }), new(*chains.WrongChainError), []string{"tron:0x2b6653dc"}},
	} {
		evidence, err := gather(t, sourceOf(t, "", honest(), c.other))
		if err == nil || !errors.As(err, c.target) {
			t.Errorf("%s: got %v, %v, want a %T", name, evidence.File, err, c.target)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: the error does not say %q: %v", name, s, err)
			}
		}
	}
	other := lie(func(f *fake) { f.block.Number = 101 })
	_, err := sourceOf(t, "", honest(), other).Pin(t.Context(), pinned.Time)
	var disagree *chains.DisagreementError
	if !errors.As(err, &disagree) || len(disagree.Answers) != 2 || !strings.Contains(err.Error(), "says block 101") {
		t.Errorf("Pin: got %v, want a DisagreementError with both blocks", err)
	}
}

// A past balance is asked for once: nodes that differ on it never come to agree
// by being asked again.
func TestB04_OnlyThePresentIsAskedAgain(t *testing.T) {
	moving, still := honest(), honest()
	moving.now = []uint64{8, 9}
	evidence, err := gather(t, sourceOf(t, "", still, moving))
	if err != nil || moving.round.Load() != 2 || still.round.Load() != 2 {
		t.Errorf("a balance that came to rest: got %v after %d rounds", err, moving.round.Load())
	}
	if got := evidence.File.(Evidence).Balances[2].Amount; got != "9" {
		t.Errorf("got %s, want the second round's 9", got)
	}
	liar := honest()
	liar.past = 8
	if _, err := gather(t, sourceOf(t, "", honest(), liar)); err == nil || liar.round.Load() != 1 {
		t.Errorf("got %v after %d rounds, want an error after one", err, liar.round.Load())
	}
}

func TestB03_ZeroOfOneNode(t *testing.T) {
	const why = "it may know nothing"
	nothing := func() *fake {
		f := honest()
		f.past = 0
		return f
	}
	var zero *ZeroError
	if _, err := gather(t, sourceOf(t, why, nothing())); !errors.As(err, &zero) || zero.Holding.Token != past || !strings.Contains(err.Error(), why) {
		t.Errorf("one node: got %v, want a ZeroError", err)
	}
	if _, err := gather(t, sourceOf(t, why, nothing(), nothing())); err != nil {
		t.Errorf("two nodes: %v", err)
	}
	down := nothing()
	down.down = &chains.UnreachableError{Node: "host2.example:8090", Err: errors.New("down")}
	if _, err := gather(t, sourceOf(t, why, nothing(), down)); !errors.As(err, &zero) {
		t.Errorf("the second node is down: got %v, want a ZeroError", err)
	}
	var disagree *chains.DisagreementError
	if _, err := gather(t, sourceOf(t, why, nothing(), honest())); !errors.As(err, &disagree) {
		t.Errorf("the second node says otherwise: got %v, want a DisagreementError", err)
	}
	present := honest()
	present.now = []uint64{0}
	if _, err := gather(t, sourceOf(t, why, present)); err != nil {
		t.Errorf("a 0 of the present: %v", err)
	}
	if _, err := gather(t, sourceOf(t, "", nothing())); err != nil {
		t.Errorf("a chain whose nodes know what they do not know: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	many := make([]string, MaxNodes+1)
	for i := range many {
		many[i] = fmt.Sprintf("http://host%d.example", i)
	}
	for _, c := range []struct {
		chain chains.Chain
		urls  []string
		want  string
	}{
		{"eip155:1", many[:1], "is no tron chain"},
		{"tron:1", many[:1], "want tron:0x"},
		{chain, nil, "has 0 nodes"},
		{chain, many, "has 17 nodes"},
		{chain, []string{"http://a.example/1", "http://a.example/2"}, "listed twice"},
		{chain, []string{"ws://a.example"}, "scheme"},
	} {
		_, err := New(c.chain, c.urls, egress.Limits{}, Rules{Namespace: chains.Tron}, func(*Asker) Node { return honest() })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%s, %d URLs): got %v, want %q", c.chain, len(c.urls), err, c.want)
		}
	}
}

// FirstAfter finds what going through all blocks finds, whatever slots are
// skipped and whatever old ones are gone.
func TestFirstAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var blocks []chains.BlockRef
		number, second := rapid.Uint64Range(0, 3).Draw(t, "start"), int64(1000)
		for range rapid.IntRange(1, 60).Draw(t, "count") {
			blocks = append(blocks, chains.BlockRef{Number: number, Time: time.Unix(second, 0)})
			number += rapid.Uint64Range(1, 9).Draw(t, "gap")
			second += rapid.Int64Range(0, 3).Draw(t, "seconds")
		}
		head := blocks[len(blocks)-1]
		instant := time.Unix(rapid.Int64Range(990, head.Time.Unix()-1).Draw(t, "instant"), 0)
		kept := rapid.Uint64Range(0, head.Number).Draw(t, "kept")
		want, lost := head, false
		for i := len(blocks) - 1; i >= 0 && blocks[i].Time.After(instant); i-- {
			want, lost = blocks[i], blocks[i].Number < kept
		}
		got, err := FirstAfter(t.Context(), instant, head, func(_ context.Context, from uint64) (chains.BlockRef, bool, error) {
			for _, b := range blocks {
				if b.Number >= from {
					return b, b.Number >= kept, nil
				}
			}
			t.Fatalf("asked for a block from %d on, past the head", from)
			return chains.BlockRef{}, false, nil
		})
		if err != nil || !lost && got != want {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
		if lost && (got.Number < kept || !got.Time.After(instant)) {
			t.Fatalf("got %v, which the node does not have", got)
		}
	})
}

func askerAt(t *testing.T, url string, limit int64) *Asker {
	t.Helper()
	endpoint, err := egress.New(url, egress.Limits{Bytes: limit, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return &Asker{endpoint}
}

func TestAskerKeepsTheURL(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		got = append(got, r.Method+" "+r.URL.String()+" "+user+" "+password)
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	a := askerAt(t, strings.Replace(server.URL, "http://", "http://u:p@", 1)+"/k3y/?api-key=1", 1000)
	for _, path := range []string{"", "wallet/getnowblock"} {
		if _, err := a.Post(t.Context(), path, map[string]any{}); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff([]string{"POST /k3y/?api-key=1 u p", "POST /k3y/wallet/getnowblock?api-key=1 u p"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestB22_AnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"too many questions": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "429"},
		"a wrong key":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "403: it refused"},
		"a broken node":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502"},
		"too much":           {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 2000)) }, "longer than 1000 bytes"},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			_, _ = w.Write([]byte(`{"result":`))
		}, "unexpected EOF"},
		"dropped": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		server := httptest.NewServer(c.answer)
		_, err := askerAt(t, server.URL+"/k3y", 1000).Call(t.Context(), "m", nil)
		server.Close()
		var unreachable *chains.UnreachableError
		if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "k3y") {
			t.Errorf("%s: got %v, want an UnreachableError that says %q", name, err, c.says)
		}
	}
}

func FuzzParseResponse(f *testing.F) {
	for _, seed := range []string{`{"jsonrpc":"2.0","result":1,"id":1}`, `{"result":null}`, `{"error":{"code":-32007,"message":"skipped"}}`, `{"error":{},"result":1}`, `[]`, ``, `{"error":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		result, _, reason := parseResponse(body)
		if (result == nil) == (reason == "") {
			t.Errorf("%q: got result %q and reason %q, want one of them", body, result, reason)
		}
		if strings.ContainsFunc(reason, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			t.Errorf("%q: the reason %q is not fit for a terminal", body, reason)
		}
	})
}
