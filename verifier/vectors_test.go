package verifier

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
	"github.com/assay-por/assay/verifier/tree"
)

var update = flag.Bool("update", false, "write the vectors and the example of SPEC.md anew")

const vectorsDir = "vectors"

// vector is a file of vectors/; README.md there says which keys each folder has.
type vector struct {
	Attack  string `json:"attack,omitempty"`
	Comment string `json:"comment"`
	Expect  string `json:"expect"` // "pass", or the check that refuses; in folders without checks "refused"
	Reason  string `json:"reason,omitempty"`

	// sum
	Assets int    `json:"assets,omitempty"`
	Hex    string `json:"hex,omitempty"`

	// identity
	Customer string `json:"customer,omitempty"`
	Identity string `json:"identity,omitempty"`
	Nonce    string `json:"nonce,omitempty"`
	Snapshot string `json:"snapshot,omitempty"`

	// tree
	Leaves []vectorLeaf `json:"leaves,omitempty"`
	Level  string       `json:"level,omitempty"`
	Paths  [][]string   `json:"paths,omitempty"`
	Root   string       `json:"root,omitempty"`
	Sum    string       `json:"sum,omitempty"`

	// control
	Accounts  []string              `json:"accounts,omitempty"`
	Blocks    map[string]string     `json:"blocks,omitempty"` // by chain
	Exchange  string                `json:"exchange,omitempty"`
	Grade     string                `json:"grade,omitempty"`
	Message   string                `json:"message,omitempty"`
	Method    string                `json:"method,omitempty"`
	Nodes     []string              `json:"nodes,omitempty"`
	Safes     map[string]vectorSafe `json:"safes,omitempty"` // by account
	Signature string                `json:"signature,omitempty"`
	Text      string                `json:"text,omitempty"`

	// beacon
	Base    string      `json:"base,omitempty"`
	Block   string      `json:"block,omitempty"`
	Chain   string      `json:"chain,omitempty"`
	Replace [][2]string `json:"replace,omitempty"`

	// entries, history
	Breaches      []uint64          `json:"breaches,omitempty"` // indexes of entries
	Entries       []string          `json:"entries,omitempty"`
	Equivocations [][2]uint64       `json:"equivocations,omitempty"` // pairs of indexes
	Statements    []string          `json:"statements,omitempty"`    // envelopes
	States        map[string]string `json:"states,omitempty"`        // by digest of the statement
	Told          []uint64          `json:"told,omitempty"`          // indexes of servers' entries that count

	// log
	Evidence string `json:"evidence,omitempty"`

	// response
	Fresh   bool   `json:"fresh,omitempty"` // the answer must not have expired
	Keys    string `json:"keys,omitempty"`
	Now     string `json:"now,omitempty"` // the reader's clock
	Receipt string `json:"receipt,omitempty"`

	// proof, bundle
	Exit    int                   `json:"exit,omitempty"`
	Files   map[string]vectorFile `json:"files,omitempty"`
	Policy  string                `json:"policy,omitempty"`
	Proof   string                `json:"proof,omitempty"`
	Skipped bool                  `json:"skipped,omitempty"` // the check in expect is not made, and is asked for
}

// vectorSafe is what the evidence of a chain proved of an account.
type vectorSafe struct {
	Owners    []string `json:"owners"`
	Threshold uint64   `json:"threshold"`
}

type vectorLeaf struct {
	Identity string `json:"identity"`
	Sum      string `json:"sum"`
}

// vectorFile is a file's bytes: as text where they are UTF-8.
type vectorFile struct {
	Base64 string `json:"base64,omitempty"`
	Text   string `json:"text,omitempty"`
}

func (f vectorFile) bytes(t testing.TB) []byte {
	t.Helper()
	if f.Base64 == "" {
		return []byte(f.Text)
	}
	b, err := base64.StdEncoding.DecodeString(f.Base64)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors holds the verifier to the files; TestVectorsAreCurrent holds the files to what makes them.
func TestVectors(t *testing.T) {
	seen := map[string]int{}
	paths, err := filepath.Glob(filepath.Join(vectorsDir, "*", "*.json"))
	if err != nil || len(paths) < 80 {
		t.Fatalf("found %d vectors, %v", len(paths), err)
	}
	for _, path := range paths {
		kind := filepath.Base(filepath.Dir(path))
		seen[kind]++
		t.Run(kind+"/"+strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			if kind == "sum" || kind == "confidential" {
				return // packages tree and confidential check these
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&v); err != nil {
				t.Fatal(err)
			}
			run, ok := map[string]func(testing.TB, vector){
				"identity": checkIdentity, "tree": checkTree, "control": checkControl, "proof": checkProof, "bundle": checkBundle, "beacon": checkBeacon,
				"entries": checkEntries, "history": checkHistory, "log": checkEvidence, "response": checkResponse,
			}[kind]
			if !ok {
				t.Fatalf("no check for the folder %s", kind)
			}
			run(t, v)
		})
	}
	if len(seen) != 12 {
		t.Errorf("folders: %v", seen)
	}
}

func checkIdentity(t testing.TB, v vector) {
	id, err := tree.NormalizeCustomer(v.Customer)
	expectError(t, v, err)
	if err != nil {
		return
	}
	if got := tree.Identity(hash32(t, v.Snapshot), hash32(t, v.Nonce), id); hex.EncodeToString(got[:]) != v.Identity {
		t.Errorf("got identity %x, want %s", got, v.Identity)
	}
}

func checkTree(t testing.TB, v vector) {
	level := map[string]byte{"shard": 0x00, "top": 0x10}[v.Level]
	var leaves []node
	for _, l := range v.Leaves {
		sum := decoded(t, l.Sum)
		leaves = append(leaves, node{h([]byte{level}, unhex(t, l.Identity), sum.encoding()), sum})
	}
	w := newWorld()
	root := w.close(level, leaves)
	if hex.EncodeToString(root.hash) != v.Root || hex.EncodeToString(root.sum.encoding()) != v.Sum {
		t.Errorf("got root %x and sum %x, want %s and %s", root.hash, root.sum.encoding(), v.Root, v.Sum)
	}
	for i, path := range v.Paths {
		var got []string
		for _, sibling := range w.path(level, leaves, i) {
			got = append(got, sibling["hash"].(string))
		}
		if !slices.Equal(got, path) {
			t.Errorf("path of leaf %d: got %v, want %v", i, got, path)
		}
	}
}

// challenge is what the accounts of a vector sign, unless it has a message.
func (v vector) challenge() string {
	var pinned []evidence.Pinned
	for _, account := range v.Accounts {
		chain := claim.ChainOf(account)
		pinned = append(pinned, evidence.Pinned{Chain: chain, Account: account, Block: v.Blocks[chain]})
	}
	return evidence.Challenge(v.Exchange, v.Snapshot, v.Root, pinned...)
}

// checkControl reads the vector's entry as one of control.json, and verifies it.
func checkControl(t testing.TB, v vector) {
	text := v.challenge()
	if text != v.Text && v.Expect == "pass" {
		t.Errorf("got the challenge %q, want %q", text, v.Text)
	}
	entry := obj{"accounts": v.Accounts, "method": v.Method, "signature": v.Signature}
	if v.Message != "" {
		entry["message"] = v.Message
	}
	if v.Nodes != nil {
		entry["nodes"] = v.Nodes
	}
	control, err := claim.ParseControl(encode(obj{"signatures": []obj{entry}, "snapshot": v.Snapshot, "type": "assay/v1/control"}))
	grade := ""
	if err == nil {
		x, safes := control.Signatures[0], map[string]evidence.Safe{}
		for account, safe := range v.Safes {
			safes[account] = evidence.Safe(safe)
		}
		grade, err = (&evidence.Control{Accounts: x.Accounts, Method: x.Method, Challenge: text, Message: x.Message, Signature: x.Signature, Safes: safes}).Verify()
	}
	expectError(t, v, err)
	if grade != v.Grade {
		t.Errorf("got the grade %q, want %q", grade, v.Grade)
	}
}

func checkProof(t testing.TB, v vector) {
	policy, err := ReadPolicy([]byte(v.Policy))
	if err != nil {
		t.Fatal(err)
	}
	input := ProofInput{Proof: []byte(v.Proof), Policy: policy, Customer: v.Customer}
	for path, f := range v.Files {
		if name, ok := strings.CutSuffix(path, ".leaves"); ok {
			input.Shard = &ShardFiles{opened(f.bytes(t)), v.Files[name+".proof"].bytes(t)}
		}
	}
	if proof, ok := v.Files[topProofPath]; ok {
		input.Top = &TopFiles{v.Files[shardsPath].bytes(t), proof.bytes(t)}
	}
	got := Proof(input)
	if v.Skipped {
		if c := find(got, v.Expect); c.Result != Skipped || !c.Required || got.Proven || got.Exit != v.Exit {
			t.Errorf("got %+v, proven %v, exit %d", c, got.Proven, got.Exit)
		}
		return
	}
	expectVerdict(t, v, got)
}

func checkBundle(t testing.TB, v vector) {
	policy, err := ReadPolicy([]byte(v.Policy))
	if v.Expect == "policy" {
		expectError(t, v, err)
		if got := ExitCode(err); got != v.Exit {
			t.Errorf("exit %d, want %d", got, v.Exit)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for path, f := range v.Files {
		files[path] = f.bytes(t)
	}
	listed, err := Folder(folder(files))
	if err != nil {
		t.Fatal(err)
	}
	expectVerdict(t, v, Bundle(listed, policy, Options{}))
}

func expectError(t testing.TB, v vector, err error) {
	t.Helper()
	switch {
	case v.Expect == "pass" && err != nil:
		t.Errorf("refused: %v", err)
	case v.Expect != "pass" && (err == nil || !strings.Contains(err.Error(), v.Reason)):
		t.Errorf("got %v, want a refusal with %q", err, v.Reason)
	}
}

func expectVerdict(t testing.TB, v vector, got Verdict) {
	t.Helper()
	if got.Exit != v.Exit {
		t.Errorf("exit %d, want %d: %s", got.Exit, v.Exit, got.Summary)
	}
	if v.Expect == "pass" {
		proven(t, got)
		return
	}
	refused(t, got, v.Expect, v.Reason)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func hash32(t testing.TB, s string) [32]byte {
	t.Helper()
	return [32]byte(unhex(t, s))
}

// decoded reads a sum by the letter of SPEC part 4.
func decoded(t testing.TB, s string) amounts {
	t.Helper()
	b, sum := unhex(t, s), amounts{}
	for b = b[2:]; len(b) > 0; b = b[18:] {
		sum[int(b[0])<<8|int(b[1])] = new(big.Int).SetBytes(b[2:18])
	}
	return sum
}

// TestVectorsAreCurrent makes every vector again and compares; with -update it writes them.
func TestVectorsAreCurrent(t *testing.T) {
	made := makeVectors(t)
	if *update {
		for _, kind := range []string{"sum", "identity", "tree", "control", "proof", "bundle", "beacon", "entries", "history", "response", "confidential"} {
			if err := os.RemoveAll(filepath.Join(vectorsDir, kind)); err != nil {
				t.Fatal(err)
			}
		}
		for path, raw := range made {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	on, err := filepath.Glob(filepath.Join(vectorsDir, "*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(on) != len(made) {
		t.Errorf("%d vectors are on disk, %d are made", len(on), len(made))
	}
	for _, path := range slices.Sorted(maps.Keys(made)) {
		if raw, err := os.ReadFile(path); err != nil || !bytes.Equal(raw, made[path]) {
			t.Errorf("%s is not what is made now (%v); look at the change, then make vectors", path, err)
		}
	}
}

const (
	exampleBegin = "<!-- example:begin -->\n"
	exampleEnd   = "<!-- example:end -->"
)

// TestSpecExample keeps the example of SPEC.md true: it is a vector, broken into lines.
func TestSpecExample(t *testing.T) {
	spec, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(spec), exampleBegin)
	_, after, closed := strings.Cut(rest, exampleEnd)
	if !ok || !closed {
		t.Fatal("SPEC.md has no marks around its example")
	}
	var v vector
	raw, err := os.ReadFile(filepath.Join(vectorsDir, "proof", "happy-three-customers.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var proof obj
	if err := json.Unmarshal([]byte(v.Proof), &proof); err != nil {
		t.Fatal(err)
	}
	delete(proof, "envelope")
	shown, err := json.MarshalIndent(proof, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := before + exampleBegin + "```json\n" + string(shown) + "\n```\n" + exampleEnd + after
	if *update {
		if err := os.WriteFile("SPEC.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(spec) != want {
		t.Error("the example of SPEC.md is not the vector: make vectors")
	}
}

func vectorJSON(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func vectorFiles(files map[string][]byte) map[string]vectorFile {
	out := map[string]vectorFile{}
	for path, data := range files {
		if utf8.Valid(data) && len(data) > 0 && !bytes.Contains(data, []byte{0}) {
			out[path] = vectorFile{Text: string(data)}
		} else {
			out[path] = vectorFile{Base64: base64.StdEncoding.EncodeToString(data)}
		}
	}
	return out
}
