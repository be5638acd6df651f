package beacon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/assay-por/assay/chains"
)

// Forks of the networks here by slot.
var testSlots = map[string]uint64{Deneb: 99*32 + 7, Electra: 150*32 + 31, Fulu: 200 * 32}

var stateNet = testNet{genesis: seeded("genesis", 2), electra: 100, fulu: 200}

// A stateNode is a beacon node that gives one block and its state.
type stateNode struct {
	*httptest.Server
	state  testState
	raw    []byte
	header map[string]any
	root   chunk // of the header

	// change answers in the node's place, if it is set and returns true.
	change func(w http.ResponseWriter, r *http.Request) bool
	mutex  sync.Mutex
	asked  []string
}

func stateServer(t testing.TB, s testState) *stateNode {
	t.Helper()
	v := s.value()
	body, parent := seeded("body", s.slot), seeded("parent", s.slot)
	n := &stateNode{state: s, raw: v.raw, header: map[string]any{
		"slot": strconv.FormatUint(s.slot, 10), "proposer_index": "5", "parent_root": x(parent[:]), "state_root": x(v.root[:]), "body_root": x(body[:]),
	}, root: tree([]chunk{u64Chunk(s.slot), u64Chunk(5), parent, v.root, body}, 3)}
	n.Server = httptest.NewServer(n)
	t.Cleanup(n.Close)
	return n
}

func (n *stateNode) questions() int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return len(n.asked)
}

func (n *stateNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mutex.Lock()
	n.asked = append(n.asked, r.URL.Path)
	n.mutex.Unlock()
	if n.change != nil && n.change(w, r) {
		return
	}
	answer := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"data": v}) }
	switch r.URL.Path {
	case pathGenesis:
		answer(map[string]any{"genesis_validators_root": x(stateNet.genesis[:])})
	case pathSpec:
		answer(map[string]any{"SLOTS_PER_EPOCH": "32", "DEPOSIT_CHAIN_ID": "1337"})
	case pathHeaders + x(n.root[:]):
		answer(map[string]any{"root": x(n.root[:]), "canonical": true, "header": map[string]any{"message": n.header, "signature": "0x"}})
	case pathStates + n.header["state_root"].(string), pathStates + n.header["slot"].(string), pathStates + "finalized":
		n.give(w, n.raw, n.state.fork)
	default:
		w.WriteHeader(404)
		_, _ = w.Write([]byte(`{"code":404,"message":"nothing here"}`))
	}
}

// give answers with a state.
func (n *stateNode) give(w http.ResponseWriter, raw []byte, fork string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Eth-Consensus-Version", fork)
	_, _ = w.Write(raw)
}

func stateSource(t testing.TB, opts Options, urls ...string) *Source {
	t.Helper()
	opts.Network = stateNet.network()
	s, err := New("eip155:1337", urls, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func idsOf(t testing.TB, names ...string) []ValidatorID {
	t.Helper()
	var ids []ValidatorID
	for _, name := range names {
		id, err := ParseValidatorID(name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

var pinned = chains.BlockRef{Chain: "eip155:1337", Hash: "0x" + strings.Repeat("ab", 32), Number: 64}

// readAsVerifier reads evidence from its JSON as SPEC part 22 says, and shares nothing with the code under test.
func readAsVerifier(raw []byte, parent chunk, depth int) (map[uint64]string, error) {
	var f struct {
		Header struct {
			Body, Parent, State string
			Proposer, Slot      uint64
		}
		Indexes []uint64
		Nodes   []string
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	c := func(s string) (out chunk) { b, _ := hex.DecodeString(s); copy(out[:], b); return }
	if tree([]chunk{u64Chunk(f.Header.Slot), u64Chunk(f.Header.Proposer), c(f.Header.Parent), c(f.Header.State), c(f.Header.Body)}, 3) != parent {
		return nil, fmt.Errorf("header")
	}
	nodes, used, last := map[chunk][]byte{}, map[chunk]bool{}, ""
	for _, n := range f.Nodes {
		b, err := hex.DecodeString(n)
		hash := sha256.Sum256(b)
		if err != nil || len(b) != 64 || string(hash[:]) <= last {
			return nil, fmt.Errorf("node")
		}
		nodes[hash], last = b, string(hash[:])
	}
	// A path is a binary number as text.
	var missing error
	walk := func(path string) chunk {
		at := c(f.Header.State)
		for _, bit := range path {
			b := nodes[at]
			if b == nil {
				missing = fmt.Errorf("missing")
				return chunk{}
			}
			used[at] = true
			at = chunk(b[32*(bit-'0'):][:32])
		}
		return at
	}
	out := map[uint64]string{}
	before := int64(-1)
	for _, i := range f.Indexes {
		if int64(i) <= before {
			return nil, fmt.Errorf("order")
		}
		before = int64(i)
		credentials := walk(fmt.Sprintf("%0*b0%040b001", depth, 11, i))
		balance := walk(fmt.Sprintf("%0*b0%038b", depth, 12, i/4))
		if missing != nil {
			return nil, missing
		}
		var gwei uint64
		for j := range 8 {
			gwei |= uint64(balance[i%4*8+uint64(j)]) << (8 * j)
		}
		out[i] = fmt.Sprintf("%x %d", credentials, gwei)
	}
	if len(used) != len(nodes) {
		return nil, fmt.Errorf("%d of %d used", len(used), len(nodes))
	}
	return out, nil
}

func TestValidators(t *testing.T) {
	for fork, slot := range testSlots {
		t.Run(fork, func(t *testing.T) {
			s := testState{fork: fork, slot: slot, validators: validatorsOf(400)}
			n := stateServer(t, s)
			key := x(s.validators[256].key[:])
			file, stakes, err := stateSource(t, Options{}, n.URL).Validators(t.Context(), pinned, n.root, idsOf(t, "398", key, "0", "3", "2"))
			if err != nil {
				t.Fatal(err)
			}
			want := []uint64{398, 256, 0, 3, 2}
			for i, stake := range stakes {
				v := s.validators[want[i]]
				if stake.Index != want[i] || stake.Gwei != v.gwei || string(stake.Account) != "eip155:1337:0x"+hex.EncodeToString(v.credentials[12:]) {
					t.Errorf("stake %d is %+v, want validator %d", i, stake, want[i])
				}
			}
			raw, err := json.Marshal(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := readAsVerifier(raw, n.root, map[string]int{Deneb: 5, Electra: 6, Fulu: 6}[fork])
			if err != nil || len(got) != len(want) {
				t.Fatalf("%d validators, %v", len(got), err)
			}
			for _, i := range want {
				if v := s.validators[i]; got[i] != fmt.Sprintf("%x %d", v.credentials, v.gwei) {
					t.Errorf("validator %d: %s", i, got[i])
				}
			}
			if want := strconv.FormatUint(s.validators[398].gwei, 10) + "000000000"; stakes[0].Wei().Dec() != want {
				t.Errorf("%s wei, want %s", stakes[0].Wei().Dec(), want)
			}
		})
	}
}

// wantError proves validators and wants an error of a kind, with words.
func wantError(t *testing.T, s *Source, parent chunk, kind, words string, ids ...string) {
	t.Helper()
	file, _, err := s.Validators(context.WithoutCancel(t.Context()), pinned, parent, idsOf(t, ids...))
	if got := kindOf(err); got != kind || !strings.Contains(fmt.Sprint(err), words) {
		t.Errorf("got %s: %v; want %s with %q", got, err, kind, words)
	}
	if err != nil && file.Nodes != nil {
		t.Error("evidence was returned with the error")
	}
}
