package beacon

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/chains/egress"
)

// widths is how many bytes each field has in the fixed part of a state.
var widths = sync.OnceValue(func() map[string][]int {
	all := map[string][]int{}
	for fork, slot := range testSlots {
		for _, f := range (testState{fork: fork, slot: slot}).fields() {
			if f.variable {
				all[fork] = append(all[fork], 4)
			} else {
				all[fork] = append(all[fork], len(f.raw))
			}
		}
	}
	return all
})

// offsetOf is where a field stands in the fixed part; the number after the last one is the part's end.
func offsetOf(s testState, fieldNumber int) int {
	at := 0
	for _, width := range widths()[s.fork][:fieldNumber] {
		at += width
	}
	return at
}

// startOf is where a list of the state begins.
func startOf(s testState, raw []byte, fieldNumber int) int {
	return int(binary.LittleEndian.Uint32(raw[offsetOf(s, fieldNumber):]))
}

// TestB09_StateThatIsAltered: no byte of a state is believed that the root in the pinned block's header does not reach, and nothing
// that stands beside it.
func TestB09_StateThatIsAltered(t *testing.T) {
	for fork, slot := range testSlots {
		s := testState{fork: fork, slot: slot, validators: validatorsOf(61)}
		n := stateServer(t, s)
		source := stateSource(t, Options{}, n.URL)
		other := testState{fork: fork, slot: slot + 1, validators: s.validators}
		changes := map[string]func([]byte) []byte{
			"a balance asked for":   func(b []byte) []byte { b[startOf(s, b, 12)+8*7+3]++; return b },
			"another one's balance": func(b []byte) []byte { b[startOf(s, b, 12)+8*30]++; return b },
			"an account":            func(b []byte) []byte { b[startOf(s, b, 11)+121*7+79]++; return b },
			"a public key":          func(b []byte) []byte { b[startOf(s, b, 11)+121*7]++; return b },
			"a mix":                 func(b []byte) []byte { b[offsetOf(s, 13)+65536*32-1]++; return b },
			"the payload":           func(b []byte) []byte { b[startOf(s, b, 24)+5]++; return b },
			"the payload's extra":   func(b []byte) []byte { b[startOf(s, b, 24)+584]++; return b },
			"the last byte":         func(b []byte) []byte { b[len(b)-1]++; return b },
			"the first byte":        func(b []byte) []byte { b[0]++; return b },
			"another state":         func([]byte) []byte { return other.value().raw },
		}
		for name, change := range changes {
			t.Run(fork+" "+name, func(t *testing.T) {
				raw := change(bytes.Clone(n.raw))
				n.change = func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasPrefix(r.URL.Path, pathStates) {
						return false
					}
					n.give(w, raw, fork)
					return true
				}
				wantError(t, source, n.root, "lie", "the state of the beacon block before it at block 64: its root is", "7")
			})
		}
	}
}

// A header that is not the one asked for, and one of a block that comes before another execution block.
func TestB09_HeaderThatIsAltered(t *testing.T) {
	s := testState{fork: Electra, slot: testSlots[Electra], validators: validatorsOf(10)}
	for key, value := range map[string]string{"slot": "4832", "proposer_index": "6", "parent_root": x(make([]byte, 32)), "body_root": x(make([]byte, 32)), "state_root": x(make([]byte, 32))} {
		n := stateServer(t, s)
		n.header[key] = value
		wantError(t, stateSource(t, Options{}, n.URL), n.root, "lie", "the header of the beacon block before it", "1")
	}
	n := stateServer(t, s)
	wantError(t, stateSource(t, Options{}, n.URL), seeded("another", 0), "lost", "does not have beacon block", "1")
}

// TestB10_ValidatorTwice: a validator named by index and by public key is one, and would count twice.
func TestB10_ValidatorTwice(t *testing.T) {
	s := testState{fork: Electra, slot: testSlots[Electra], validators: validatorsOf(40)}
	n := stateServer(t, s)
	source := stateSource(t, Options{}, n.URL)
	key := x(s.validators[5].key[:])
	wantError(t, source, n.root, "validator", "validator "+key+": it is the same validator as 5,", "5", "6", key)
	wantError(t, source, n.root, "validator", "validator 5: it is the same validator as "+key, key, "5")
	wantError(t, source, n.root, "validator", "validator 5: it is listed twice", "5", "4", "5")
	wantError(t, source, n.root, "validator", "is listed twice", key, key)
	wantError(t, source, n.root, "nothing", "", key, "6")
}

func TestValidators_ThatCannotBeCounted(t *testing.T) {
	s := testState{fork: Fulu, slot: testSlots[Fulu], validators: validatorsOf(40)}
	s.validators[3].credentials[5] = 1
	s.validators[4].credentials[0] = 3
	n := stateServer(t, s)
	source := stateSource(t, Options{}, n.URL)
	wantError(t, source, n.root, "validator", "validator 39: its withdrawal credentials 0x00", "39")
	wantError(t, source, n.root, "validator", "validator 3: its withdrawal credentials 0x02", "1", "3")
	wantError(t, source, n.root, "validator", "validator 4: its withdrawal credentials 0x03", "4")
	wantError(t, source, n.root, "validator", "validator 40: the state has no such validator among its 40", "40")
	wantError(t, source, n.root, "validator", "has no such validator", x(make([]byte, 48)))
	wantError(t, source, n.root, "other", "no validators are named")
	block := pinned
	block.Chain = "eip155:1"
	if _, _, err := source.Validators(t.Context(), block, n.root, idsOf(t, "1")); err == nil || !strings.Contains(err.Error(), "pinned block is of chain eip155:1, want eip155:1337") {
		t.Errorf("another chain: %v", err)
	}
	for _, name := range []string{"", "-1", "+1", "01", "1.0", "0x", "0x" + strings.Repeat("a", 95), "0x" + strings.Repeat("g", 96), "1099511627776", strings.Repeat("9", 30)} {
		if id, err := ParseValidatorID(name); err == nil {
			t.Errorf("%q is taken for %s", name, id)
		}
	}
	for _, name := range []string{"0", "1099511627775", "0x" + strings.Repeat("0a", 48)} {
		if id := idsOf(t, name)[0]; id.String() != name {
			t.Errorf("%q became %q", name, id)
		}
	}
}

// A hostileAnswer is what a node gives for a state, and the error that it must come to.
type hostileAnswer struct {
	answer      func(w http.ResponseWriter)
	kind, words string
}

// hostileAnswers are of a node that has a state, and of good, which it may send others to.
func hostileAnswers(n, good *stateNode) map[string]hostileAnswer {
	s, fork := n.state, n.state.fork
	after := map[string]string{Deneb: Electra, Electra: Fulu, Fulu: Deneb}[fork]
	cut := func(to int) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { n.give(w, n.raw[:to], fork) }
	}
	edit := func(change func(b []byte) []byte) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) { n.give(w, change(bytes.Clone(n.raw)), fork) }
	}
	offset := func(fieldNumber, by int) func(w http.ResponseWriter) {
		return edit(func(b []byte) []byte {
			at := b[offsetOf(s, fieldNumber):]
			binary.LittleEndian.PutUint32(at, uint32(int(binary.LittleEndian.Uint32(at))+by))
			return b
		})
	}
	status := func(code int) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(code)
			_, _ = fmt.Fprintf(w, `{"code":%d,"message":"so it is"}`, code)
		}
	}
	return map[string]hostileAnswer{
		"nothing":               {cut(0), "refused", "the state ends within its first"},
		"a part of the fixed":   {cut(1000), "refused", "the state ends within its first"},
		"no list":               {cut(offsetOf(s, len(widths()[fork]))), "refused", "ends within its list historical_roots"},
		"half the validators":   {cut(startOf(s, n.raw, 11) + 121*30), "refused", "ends within its list validators"},
		"a part of a validator": {cut(startOf(s, n.raw, 11) + 121*30 + 5), "refused", "ends within its list validators"},
		"half the balances":     {cut(startOf(s, n.raw, 12) + 80), "refused", "ends within its list balances"},
		"no payload":            {cut(startOf(s, n.raw, 24)), "refused", "ends within its list latest_execution_payload_header"},
		"one byte less":         {cut(len(n.raw) - 1), "refused", "ends within an item"},
		"one byte more":         {edit(func(b []byte) []byte { return append(b, 0) }), "refused", "ends within an item"},
		"first list later":      {offset(7, 32), "refused", "first list begins at byte"},
		"validators end early":  {offset(12, -1), "refused", "the state's list validators ends within an item"},
		"one validator fewer":   {offset(12, -121), "refused", "ends within an item"},
		"a balance more":        {offset(15, 8), "refused", "the state has 61 validators and 62 balances"},
		"lists that run back":   {offset(12, -121*62), "refused", "the state's list validators ends before it begins"},
		"payload too long":      {offset(27, 40), "refused", "latest_execution_payload_header has more than 616 bytes"},
		"payload too short":     {offset(27, -30), "refused", "latest_execution_payload_header is malformed"},
		"payload's offset":      {edit(func(b []byte) []byte { b[startOf(s, b, 24)+436]++; return b }), "refused", "latest_execution_payload_header is malformed"},
		"another fork": {func(w http.ResponseWriter) {
			n.give(w, n.raw, after)
		}, "refused", "it says that the state is of fork"},
		"another fork, unsaid": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/octet-stream")
			_, _ = w.Write(testState{fork: after, slot: s.slot, validators: s.validators}.value().raw)
		}, "refused", "want"},
		"JSON": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
		}, "refused", "want application/octet-stream"},
		"no type":     {func(w http.ResponseWriter) { w.Header().Set("Content-Type", ""); _, _ = w.Write(n.raw) }, "refused", "want application/octet-stream"},
		"gone":        {status(404), "no state", "HTTP status 404, it says: so it is"},
		"not there":   {status(501), "no state", "it must serve /eth/v2/debug/beacon/states/ and have that state still"},
		"a huge body": {func(w http.ResponseWriter) { n.give(w, n.raw, fork); flood(w) }, "refused", "the answer is longer than 3000000 bytes"},
		"cut off": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", strconv.Itoa(len(n.raw)))
			n.give(w, n.raw[:1<<20], fork)
		}, "unreachable", ""},
		"never an end": {func(w http.ResponseWriter) {
			n.give(w, n.raw[:2000], fork)
			for err := error(nil); err == nil; _, err = w.Write([]byte{0}) { // until nobody listens
				w.(http.Flusher).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}, "unreachable", ""},
		"a redirection": {func(w http.ResponseWriter) { w.Header().Set("Location", good.URL); w.WriteHeader(302) }, "refused", "redirect"},
	}
}

// TestB22_StateOfAHostileNode: what is no state, or too much of one, is refused by name; a node after it is asked.
func TestB22_StateOfAHostileNode(t *testing.T) {
	for fork, slot := range testSlots {
		s := testState{fork: fork, slot: slot, validators: validatorsOf(61)}
		n, good := stateServer(t, s), stateServer(t, s)
		for name, c := range hostileAnswers(n, good) {
			t.Run(fork+" "+name, func(t *testing.T) {
				n.change = func(w http.ResponseWriter, r *http.Request) bool {
					if strings.HasPrefix(r.URL.Path, pathStates) {
						c.answer(w)
						return true
					}
					return false
				}
				limits := Options{States: egress.Limits{Bytes: 3_000_000, Timeout: time.Minute}}
				if name == "never an end" {
					limits.States.Timeout = 2 * time.Second
				}
				wantError(t, stateSource(t, limits, n.URL), n.root, c.kind, c.words, "7")
				wantError(t, stateSource(t, limits, n.URL, good.URL), n.root, "nothing", "", "7")
			})
		}
	}
}

// flood writes more than anybody takes.
func flood(w io.Writer) {
	item := make([]byte, 1<<16)
	for range 64 {
		if _, err := w.Write(item); err != nil {
			return
		}
	}
}

// Nodes that keep states by slot only, and nodes that say less than others.
func TestValidators_Nodes(t *testing.T) {
	s := testState{fork: Electra, slot: testSlots[Electra], validators: validatorsOf(10)}
	n := stateServer(t, s)
	source := stateSource(t, Options{}, n.URL)
	n.change = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == pathStates+n.header["state_root"].(string) {
			w.WriteHeader(404)
			return true
		}
		return false
	}
	wantError(t, source, n.root, "nothing", "", "1")
	n.change = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, pathStates) {
			w.Header().Set("Content-Type", "application/octet-stream; charset=binary") // and no word of the fork
			_, _ = w.Write(n.raw)
			return true
		}
		return false
	}
	wantError(t, source, n.root, "nothing", "", "1")
	for answer, words := range map[string]string{`{}`: "it has no data", `{"data":{}}`: "a header lacks slot", `[`: "malformed", `{"data":{"header":{"message":{}}}} x`: "something follows"} {
		n.change = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, pathHeaders) {
				_, _ = w.Write([]byte(answer))
				return true
			}
			return false
		}
		wantError(t, source, n.root, "refused", words, "1")
	}
	n.change = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, pathHeaders) {
			w.WriteHeader(500)
			return true
		}
		return false
	}
	wantError(t, source, n.root, "refused", "HTTP status 500", "1")
	n.change = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == pathSpec {
			_, _ = w.Write([]byte(`{"data":{"DEPOSIT_CHAIN_ID":"1337","GLOAS_FORK_EPOCH":"140","GLOAS_FORK_VERSION":"0x07000000"}}`))
			return true
		}
		return false
	}
	wantError(t, source, n.root, "fork", "is of fork gloas", "1")
	if err := source.GivesStates(t.Context()); err != nil {
		t.Error(err)
	}
	n.change = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, pathStates) {
			w.WriteHeader(404)
			return true
		}
		return false
	}
	if err := source.GivesStates(t.Context()); kindOf(err) != "no state" || !strings.Contains(err.Error(), "does not give the finalized state (HTTP status 404)") {
		t.Errorf("a node without states: %v", err)
	}
	n.change = nil
	wantError(t, stateSource(t, Options{}, "http://127.0.0.1:1"), n.root, "unreachable", "", "1")
}

// What was surveyed is read again from the evidence alone: nothing may lack, and nothing be too much.
func TestValidators_Again(t *testing.T) {
	s := testState{fork: Fulu, slot: testSlots[Fulu], validators: validatorsOf(30)}
	n := stateServer(t, s)
	source := stateSource(t, Options{}, n.URL)
	file, stakes, err := source.Validators(t.Context(), pinned, n.root, idsOf(t, "1", "17"))
	if err != nil {
		t.Fatal(err)
	}
	if err := source.again(file, n.root, stakes); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*Validators)) Validators {
		var v Validators
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		change(&v)
		return v
	}
	for i := range file.Nodes {
		if source.again(changed(func(v *Validators) { v.Nodes = append(v.Nodes[:i], v.Nodes[i+1:]...) }), n.root, stakes) == nil {
			t.Errorf("node %d is not needed", i)
		}
	}
	for name, change := range map[string]func(*Validators){
		"a node more":      func(v *Validators) { v.Nodes = append(v.Nodes, strings.Repeat("00", 64)) },
		"a node twice":     func(v *Validators) { v.Nodes = append(v.Nodes, v.Nodes[0]) },
		"a node of text":   func(v *Validators) { v.Nodes[0] = "x" },
		"an index fewer":   func(v *Validators) { v.Indexes = v.Indexes[1:] },
		"another index":    func(v *Validators) { v.Indexes[0] = 2 },
		"an index more":    func(v *Validators) { v.Indexes = append(v.Indexes, 18) },
		"another slot":     func(v *Validators) { v.Header.Slot++ },
		"a root of text":   func(v *Validators) { v.Header.State = "x" },
		"an account's sum": func(*Validators) { stakes[0].Gwei++ },
	} {
		before := stakes[0]
		if v := changed(change); source.again(v, n.root, stakes) == nil {
			t.Errorf("%s: taken", name)
		}
		stakes[0] = before
	}
}
