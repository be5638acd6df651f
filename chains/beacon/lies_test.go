package beacon

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// put sets a value inside decoded JSON; a path is keys and places in lists.
func put(v any, path string, value any) any {
	step, rest, deeper := strings.Cut(path, ".")
	set := func(old any) any {
		if deeper {
			return put(old, rest, value)
		}
		if change, ok := value.(func(string) any); ok {
			text, _ := old.(string)
			return change(text)
		}
		return value
	}
	switch at := v.(type) {
	case map[string]any:
		at[step] = set(at[step])
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil {
			panic(err)
		}
		at[i] = set(at[i])
	default:
		panic("nothing at " + path)
	}
	return v
}

// flip changes one digit in the middle of hex.
func flip(s string) any {
	b := []byte(s)
	i := len(b) / 2
	b[i] = "1032547698badcfe"[strings.IndexByte("0123456789abcdef", b[i])]
	return string(b)
}

func longer(s string) any { return s + "00" }

func plus(n uint64) func(string) any {
	return func(s string) any {
		old, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			panic(err)
		}
		return strconv.FormatUint(old+n, 10)
	}
}

// kindOf names an error by its type.
func kindOf(err error) string {
	var lie *chains.ProofError
	var refused *chains.RefusedError
	var unreachable *chains.UnreachableError
	var reorged *chains.ReorgedError
	var unusable *UnusableError
	var fork *ForkError
	var network *WrongNetworkError
	var none *NoLightClientError
	var checkpoint *CheckpointError
	var early *NotFinalisedError
	var far *TooFarError
	var lost *chains.HistoryLostError
	var stateless *NoStateError
	var validator *ValidatorError
	switch {
	case err == nil:
		return "nothing"
	case errors.As(err, &lie):
		return "lie"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &unreachable):
		return "unreachable"
	case errors.As(err, &reorged):
		return "reorged"
	case errors.As(err, &unusable):
		return "unusable"
	case errors.As(err, &fork):
		return "fork"
	case errors.As(err, &network):
		return "network"
	case errors.As(err, &none):
		return "no light client"
	case errors.As(err, &checkpoint):
		return "checkpoint"
	case errors.As(err, &early):
		return "early"
	case errors.As(err, &far):
		return "far"
	case errors.As(err, &lost):
		return "lost"
	case errors.As(err, &stateless):
		return "no state"
	case errors.As(err, &validator):
		return "validator"
	}
	return "other"
}

// expect proves block 20 and wants an error of a kind, with words.
func expect(t *testing.T, s *scene, all []*types.Header, kind, words string) {
	t.Helper()
	file, err := s.source(t, synthetic).Prove(t.Context(), testSnapshot, refOf(all[20]), between(all))
	if got := kindOf(err); got != kind || err != nil && !strings.Contains(err.Error(), words) {
		t.Errorf("got %s: %v; want %s with %q", got, err, kind, words)
	}
	if err != nil && file != nil {
		t.Error("a file was given all the same")
	}
}

// Each check of SPEC part 22, made false in the node's answer.
func TestB20_LyingBeaconNode(t *testing.T) {
	s, all := play(t)
	expect(t, s, all, "nothing", "")
	const (
		boot      = "data.header.beacon."
		committee = "data.current_sync_committee."
		first     = "0.data."
		fin       = "data."
	)
	atBootstrap := pathBootstrap + s.checkpoint
	for _, tt := range []struct {
		name, path, at string
		to             any
		kind, words    string
	}{
		{"1 another header", atBootstrap, boot + "proposer_index", "8", "lie", "want " + s.checkpoint},
		{"1 another state", atBootstrap, boot + "state_root", flip, "lie", "want " + s.checkpoint},
		{"1 another key", atBootstrap, committee + "pubkeys.3", flip, "lie", "index 54"},
		{"1 another aggregate", atBootstrap, committee + "aggregate_pubkey", flip, "lie", "index 54"},
		{"1 another sibling", atBootstrap, "data.current_sync_committee_branch.4", flip, "lie", "index 54"},
		{"1 a shorter branch", atBootstrap, "data.current_sync_committee_branch", []any{}, "lie", "index 54"},
		{"2 signed before attested", pathUpdates, first + "signature_slot", strconv.Itoa(firstPeriod*8192 + 140), "lie", "do not follow"},
		{"2 attested before finalized", pathUpdates, first + "finalized_header.beacon.slot", strconv.Itoa(firstPeriod*8192 + 141), "lie", "do not follow"},
		{"2 signed in the next period", pathUpdates, first + "signature_slot", plus(8192), "unusable", "is not of period 40"},
		{"2 attested in the next period", pathUpdates, first + "attested_header.beacon.slot", plus(8192), "unusable", "is not of period 40"},
		{"2 finalized in the period before", pathUpdates, first + "finalized_header.beacon.slot", strconv.Itoa(firstPeriod*8192 - 1), "unusable", "is not of period 40"},
		{"2 no update", pathUpdates, "0", nil, "refused", "update #1"},
		{"2 one more signer", pathUpdates, first + "sync_aggregate.sync_committee_bits", func(s string) any { return s[:129] + "1" }, "lie", "signature is not that"},
		{"2 other signature", pathUpdates, first + "sync_aggregate.sync_committee_signature", flip, "lie", "signature is no"},
		{"2 other finalized block", pathUpdates, first + "finalized_header.beacon.body_root", flip, "lie", "index 105"},
		{"2 finality branch", pathUpdates, first + "finality_branch.2", flip, "lie", "index 105"},
		{"2 finality branch from Electra on", pathUpdates, "1.data.finality_branch.2", flip, "lie", "index 169"},
		{"2 next committee", pathUpdates, first + "next_sync_committee.pubkeys.511", flip, "lie", "index 55"},
		{"2 next committee from Electra on", pathUpdates, "1.data.next_sync_committee.pubkeys.0", flip, "lie", "index 87"},
		{"2 next committee's branch", pathUpdates, first + "next_sync_committee_branch.0", flip, "lie", "index 55"},
		{"2 attested state", pathUpdates, first + "attested_header.beacon.state_root", flip, "lie", "index 105"},
		{"2 attested parent", pathUpdates, first + "attested_header.beacon.parent_root", flip, "lie", "signature is not that"},
		{"3 attested proposer", pathFinality, fin + "attested_header.beacon.proposer_index", "9", "lie", "signature is not that"},
		{"3 finality branch", pathFinality, fin + "finality_branch.0", flip, "lie", "index 169"},
		{"3 signature", pathFinality, fin + "sync_aggregate.sync_committee_signature", flip, "lie", "the finality update"},
		{"3 the next period, which nobody vouches for", pathFinality, fin + "signature_slot", plus(2 * 8192), "unusable", "there is none"},
		{"3 before the checkpoint", pathFinality, fin + "signature_slot", "32", "unusable", "later period 40"},
		{"3 too long after the checkpoint", pathFinality, fin + "signature_slot", plus(600 * 8192), "other", "at most 512"},
		{"4 execution hash", pathFinality, fin + "finalized_header.execution.block_hash", flip, "lie", "not the one in its finalized block's body"},
		{"4 execution number", pathFinality, fin + "finalized_header.execution.block_number", "20", "lie", "not the one in"},
		{"4 another field", pathFinality, fin + "finalized_header.execution.excess_blob_gas", "1", "lie", "not the one in"},
		{"4 extra data", pathFinality, fin + "finalized_header.execution.extra_data", longer, "lie", "not the one in"},
		{"4 base fee", pathFinality, fin + "finalized_header.execution.base_fee_per_gas", "256", "lie", "not the one in"},
		{"4 branch", pathFinality, fin + "finalized_header.execution_branch.3", flip, "lie", "not the one in"},
		{"genesis", pathGenesis, "data.genesis_validators_root", flip, "network", "genesis validators root"},
		{"chain", pathSpec, "data.DEPOSIT_CHAIN_ID", "1", "network", "eip155:1"},
		{"preset", pathSpec, "data.SYNC_COMMITTEE_SIZE", "32", "network", "mainnet preset"},
		{"fork's epoch", pathSpec, "data.ELECTRA_FORK_EPOCH", "9", "network", "fork electra is of epoch 9"},
		{"fork's version", pathSpec, "data.FULU_FORK_VERSION", "0x06000002", "network", "version 0x06000002"},
		{"a later fork", pathSpec, "data.GLOAS_FORK_EPOCH", strconv.Itoa(lastPeriod * 256), "fork", "of fork gloas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.node.change = func(path string, status int, answer any) (int, any) {
				if path == tt.path {
					answer = put(answer, tt.at, tt.to)
				}
				return status, answer
			}
			defer func() { s.node.change = nil }()
			expect(t, s, all, tt.kind, tt.words)
		})
	}
}

// What is signed rightly, but under other rules or by too few.
func TestB20_BeaconSignatures(t *testing.T) {
	s, all := play(t)
	const slot = lastPeriod*8192 + 320
	sign := func(net testNet, members int, attested uint64) {
		finalized := s.net.block(slot, all[30])
		u, _ := net.finality(finalized, attested, attested+1, members, all[30])
		s.node.answers[pathFinality] = map[string]any{"data": u}
	}
	sign(s.net, 342, slot+76)
	expect(t, s, all, "nothing", "")
	sign(s.net, 341, slot+76)
	expect(t, s, all, "unusable", "341 of 512")

	other := s.net
	other.genesis = seeded("genesis", 2)
	sign(other, 480, slot+76)
	expect(t, s, all, "lie", "signature is not that")

	older := s.net
	older.fulu++ // an epoch later, so that this is signed under Electra's version
	sign(older, 480, lastPeriod*8192+1)
	finalized := s.net.block(lastPeriod*8192-64, all[30])
	u, _ := older.finality(finalized, lastPeriod*8192+1, lastPeriod*8192+2, 480, all[30])
	s.node.answers[pathFinality] = map[string]any{"data": u}
	expect(t, s, all, "lie", "signature is not that")
}

// At a period's begin finality still speaks of the period before, and the first
// signature of a fork is under the version before it.
func TestProve_Boundaries(t *testing.T) {
	s, all := play(t)
	const begin = lastPeriod * 8192
	for _, tt := range []struct{ finalized, attested, slot uint64 }{
		{begin - 64, begin + 12, begin + 13},
		{begin - 64, begin - 1, begin},     // signed in the new period, by the version of Electra
		{begin - 64, begin - 1, begin + 1}, // by that of Fulu
		{begin - 64, begin - 64, begin},
	} {
		u, _ := s.net.finality(s.net.block(tt.finalized, all[30]), tt.attested, tt.slot, 400, all[30])
		s.node.answers[pathFinality] = map[string]any{"data": u}
		expect(t, s, all, "nothing", "")
	}
}

func TestProve_FewerUpdatesThanAskedFor(t *testing.T) {
	s, all := play(t)
	s.node.atOnce = 1
	expect(t, s, all, "nothing", "")
	s.node.change = func(path string, status int, answer any) (int, any) {
		if list, ok := answer.([]any); ok && path == pathUpdates {
			answer = list[1:]
		}
		return status, answer
	}
	s.node.atOnce = 0
	expect(t, s, all, "unusable", "is not of period 40") // a period left out
	s.node.change = func(path string, status int, answer any) (int, any) {
		if list, ok := answer.([]any); ok && path == pathUpdates {
			answer = append(list, list...)
		}
		return status, answer
	}
	expect(t, s, all, "refused", "6 updates when asked for 3")
}

func TestProve_NotFinalised(t *testing.T) {
	s, _ := play(t)
	longer := execChain(31)
	_, err := s.source(t, synthetic).Prove(t.Context(), testSnapshot, refOf(longer[31]), between(longer))
	var early *NotFinalisedError
	if !errors.As(err, &early) || early.Finalised != 30 || early.Block.Number != 31 {
		t.Fatalf("got %v", err)
	}
	// Some minutes later.
	s.finalise(lastPeriod*8192+384, longer[31])
	if _, err := s.source(t, synthetic).Prove(t.Context(), testSnapshot, refOf(longer[31]), between(longer)); err != nil {
		t.Error(err)
	}
}

func TestB02_FinalisedChainIsAnother(t *testing.T) {
	s, all := play(t)
	block := refOf(all[30])
	block.Hash = all[29].Hash().Hex()
	_, err := s.source(t, synthetic).Prove(t.Context(), testSnapshot, block, between(all))
	if kindOf(err) != "reorged" || !strings.Contains(err.Error(), all[30].Hash().Hex()) {
		t.Errorf("got %v", err)
	}
}

// Long after the snapshot, an update's finalised block stands in for the last one.
func TestProve_LongAfterTheSnapshot(t *testing.T) {
	all := execChain(30)
	far := *all[30]
	far.Number = far.Number.SetUint64(9_000)
	s := act(t, "7777", [4]*types.Header{all[5], all[18], all[25], &far})
	file, err := s.source(t, synthetic).Prove(t.Context(), testSnapshot, refOf(all[20]), between(all[:26]))
	if err != nil {
		t.Fatal(err)
	}
	e := file.(*Evidence)
	if len(e.Updates) != 2 || len(e.Headers) != 5 || e.Finality.Slot/8192 != firstPeriod+2 {
		t.Errorf("%d updates, %d headers, finality of period %d; want 2, 5, %d", len(e.Updates), len(e.Headers), e.Finality.Slot/8192, firstPeriod+2)
	}
	checkFile(t, e, all[20].Hash())

	_, err = s.source(t, synthetic).Prove(t.Context(), testSnapshot, refOf(all[26]), between(all))
	var tooFar *TooFarError
	if !errors.As(err, &tooFar) || tooFar.Finalised != 9_000 {
		t.Errorf("got %v", err)
	}
}

func TestProve_HeadersThatDoNotLeadThere(t *testing.T) {
	s, all := play(t)
	for name, f := range map[string]HeadersFunc{
		"none": func(context.Context, string, chains.BlockRef) ([][]byte, error) { return nil, nil },
		"too short": func(ctx context.Context, from string, to chains.BlockRef) ([][]byte, error) {
			to.Number++
			return between(all)(ctx, from, to)
		},
		"too long": func(ctx context.Context, from string, to chains.BlockRef) ([][]byte, error) {
			to.Number--
			return between(all)(ctx, from, to)
		},
		"no RLP": func(context.Context, string, chains.BlockRef) ([][]byte, error) { return [][]byte{{1, 2, 3}}, nil },
		"too many": func(context.Context, string, chains.BlockRef) ([][]byte, error) {
			return make([][]byte, MaxHeaders+1), nil
		},
		"an error": func(context.Context, string, chains.BlockRef) ([][]byte, error) {
			return nil, errors.New("no headers today")
		},
	} {
		if file, err := s.source(t, synthetic).Prove(t.Context(), testSnapshot, refOf(all[20]), f); err == nil || file != nil {
			t.Errorf("%s: got %v, %v", name, file, err)
		}
	}
}

// What a node may answer instead of JSON of its shape.
func TestB22_AnswersOfAHostileBeaconNode(t *testing.T) {
	s, all := play(t)
	atBootstrap := pathBootstrap + s.checkpoint
	for _, tt := range []struct {
		name, path  string
		status      int
		answer      any
		kind, words string
	}{
		{"no light client", pathFinality, 404, map[string]any{"message": "no such route"}, "no light client", "--light-client-data-import-mode"},
		{"not implemented", pathFinality, 501, "", "no light client", "status 501"},
		{"no updates", pathUpdates, 404, "nothing", "no light client", "beacon"},
		{"empty updates", pathUpdates, 200, []any{}, "unusable", "there is none"},
		{"unknown checkpoint", atBootstrap, 404, map[string]any{"message": "LC bootstrap unavailable"}, "checkpoint", "says: LC bootstrap unavailable"},
		{"syncing", pathFinality, 503, map[string]any{"message": "Beacon node is currently syncing"}, "refused", "currently syncing"},
		{"words of another's terminal", pathFinality, 500, map[string]any{"message": "\x1b[2Jgone"}, "refused", "says: [2Jgone"},
		{"bad gateway", pathGenesis, 502, "<html>", "unreachable", "502"},
		{"a page", pathGenesis, 200, "<html>not a node</html>", "refused", "malformed"},
		{"null", pathFinality, 200, "null", "refused", "signature_slot"},
		{"null data", atBootstrap, 200, `{"data":null}`, "refused", "no data"},
		{"an empty object", atBootstrap, 200, `{"data":{}}`, "refused", "lacks slot"},
		{"a list", pathGenesis, 200, "[]", "refused", "malformed"},
		{"something after", pathGenesis, 200, `{"data":{"genesis_validators_root":"0x` + strings.Repeat("0", 64) + `"}} {}`, "refused", "follows"},
		{"a number", pathSpec, 200, `{"data":{"DENEB_FORK_EPOCH":0}}`, "refused", "DENEB_FORK_EPOCH"},
		{"huge", pathFinality, 200, `{"data":"` + strings.Repeat("0", answerLimit) + `"}`, "refused", "longer than"},
		{"deep", pathFinality, 200, strings.Repeat("[", 100_000), "refused", "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.node.change = func(path string, status int, answer any) (int, any) {
				if path == tt.path {
					return tt.status, tt.answer
				}
				return status, answer
			}
			defer func() { s.node.change = nil }()
			expect(t, s, all, tt.kind, tt.words)
		})
	}
}

func TestB22_BeaconRedirect(t *testing.T) {
	s, all := play(t)
	elsewhere := httptest.NewServer(http.RedirectHandler(s.node.URL+pathGenesis, http.StatusFound))
	defer elsewhere.Close()
	source, err := New(synthetic, []string{elsewhere.URL}, Options{Checkpoint: s.checkpoint, Network: s.net.network()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = source.Prove(t.Context(), testSnapshot, refOf(all[20]), between(all))
	if kindOf(err) != "refused" || !strings.Contains(err.Error(), "redirect") {
		t.Errorf("got %v", err)
	}
}

// A node that cannot help is passed over; one that lies is not.
func TestProve_SeveralNodes(t *testing.T) {
	s, all := play(t)
	bare := serve(t) // 404 everywhere
	prove := func(urls ...string) error {
		_, err := s.source(t, synthetic, urls...).Prove(t.Context(), testSnapshot, refOf(all[20]), between(all))
		return err
	}
	if err := prove("http://127.0.0.1:1", bare.URL); err != nil {
		t.Errorf("got %v", err)
	}
	liar, _ := play(t)
	liar.node.change = func(path string, status int, answer any) (int, any) {
		if path == pathFinality {
			answer = put(answer, "data.finality_branch.0", flip)
		}
		return status, answer
	}
	if err := prove(liar.node.URL); kindOf(err) != "lie" || !strings.Contains(err.Error(), label(liar.node)) {
		t.Errorf("got %v", err)
	}
	alone, err := New(synthetic, []string{"http://127.0.0.1:1", bare.URL}, Options{Checkpoint: s.checkpoint, Network: s.net.network()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = alone.Prove(t.Context(), testSnapshot, refOf(all[20]), between(all))
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1 ") || !strings.Contains(err.Error(), label(bare)) {
		t.Errorf("got %v, want both nodes named", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.source(t, synthetic).Prove(ctx, testSnapshot, refOf(all[20]), between(all)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFinalised(t *testing.T) {
	s, _ := play(t)
	if got, err := s.source(t, synthetic).Finalised(t.Context()); err != nil || got != 30 {
		t.Errorf("got %d, %v", got, err)
	}
	s.node.change = func(path string, status int, answer any) (int, any) {
		if path == pathFinality {
			answer = put(answer, "data.finalized_header.execution.block_number", "1000")
		}
		return status, answer
	}
	if _, err := s.source(t, synthetic).Finalised(t.Context()); kindOf(err) != "lie" {
		t.Errorf("got %v", err)
	}
}

// The path and the query of a node's URL stay, its password is in no error.
func TestNode_URL(t *testing.T) {
	s, all := play(t)
	var asked []string
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		if user, password, _ := r.BasicAuth(); user != "me" || password != "hunter2" || r.URL.Query().Get("key") != "abc" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.StripPrefix("/v9", s.node).ServeHTTP(w, r)
	}))
	defer gate.Close()
	base := strings.Replace(gate.URL, "http://", "http://me:hunter2@", 1) + "/v9/?key=abc"
	source, err := New(synthetic, []string{base}, Options{Checkpoint: s.checkpoint, Network: s.net.network()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Prove(t.Context(), testSnapshot, refOf(all[20]), between(all)); err != nil {
		t.Errorf("%v; asked %v", err, asked)
	}
	gate.Close()
	if _, err := source.Prove(t.Context(), testSnapshot, refOf(all[20]), between(all)); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "abc") {
		t.Errorf("got %v", err)
	}
}

func TestNew_Refuses(t *testing.T) {
	s := testNet{genesis: seeded("genesis", 1), electra: 10, fulu: 20}
	good := Options{Checkpoint: "0x" + strings.Repeat("ab", 32), Network: s.network()}
	urls := []string{"http://127.0.0.1:5052"}
	if _, err := New(synthetic, urls, good); err != nil {
		t.Fatal(err)
	}
	if _, err := New("eip155:1", urls, Options{Checkpoint: good.Checkpoint}); err != nil {
		t.Fatal(err)
	}
	with := func(change func(*Options)) Options {
		o := Options{Checkpoint: good.Checkpoint, Network: s.network(), Limits: egress.Limits{}}
		change(&o)
		return o
	}
	// Without a checkpoint there is a source, for validators; nothing is proved final by it.
	bare, err := New(synthetic, urls, with(func(o *Options) { o.Checkpoint = "" }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Finalised(t.Context()); err == nil || !strings.Contains(err.Error(), "no checkpoint to go from") {
		t.Errorf("no checkpoint: got %v", err)
	}
	for name, tt := range map[string]struct {
		chain chains.Chain
		urls  []string
		opts  Options
		words string
	}{
		"no chain":           {"ethereum", urls, good, "ethereum"},
		"a bitcoin chain":    {"bip122:000000000019d6689c085ae165831e93", urls, good, "has no beacon chain"},
		"no URL":             {synthetic, nil, good, "no beacon node"},
		"a bad URL":          {synthetic, []string{"ftp://x"}, good, "scheme"},
		"a short checkpoint": {synthetic, urls, with(func(o *Options) { o.Checkpoint = "0xabcd" }), "want 64 hex digits"},
		"unknown network":    {synthetic, urls, with(func(o *Options) { o.Network = Network{} }), "configure genesis and forks"},
		"known network":      {"eip155:1", urls, good, "leave out genesis and forks"},
		"no forks":           {synthetic, urls, with(func(o *Options) { o.Network.Forks = nil }), "no forks"},
		"no genesis":         {synthetic, urls, with(func(o *Options) { o.Network.Genesis = "" }), "genesis"},
		"unknown fork":       {synthetic, urls, with(func(o *Options) { o.Network.Forks[2].Name = "heze" }), `fork "heze"`},
		"forks turned":       {synthetic, urls, with(func(o *Options) { f := o.Network.Forks; f[0], f[1] = f[1], f[0] }), "out of order"},
		"epochs turned":      {synthetic, urls, with(func(o *Options) { o.Network.Forks[2].Epoch = 9 }), "out of order"},
		"an epoch twice":     {synthetic, urls, with(func(o *Options) { o.Network.Forks[2].Epoch = 10 }), "out of order"},
		"fork twice":         {synthetic, urls, with(func(o *Options) { o.Network.Forks[2].Name = Electra }), "out of order"},
		"bad version":        {synthetic, urls, with(func(o *Options) { o.Network.Forks[1].Version = "0x0500" }), "8 hex digits"},
	} {
		if _, err := New(tt.chain, tt.urls, tt.opts); err == nil || !strings.Contains(err.Error(), tt.words) {
			t.Errorf("%s: got %v, want %q", name, err, tt.words)
		}
	}
	if _, err := (&Source{chain: synthetic}).Prove(t.Context(), "", chains.BlockRef{Chain: "eip155:1"}, nil); err == nil {
		t.Error("a block of another chain was proved")
	}
}
