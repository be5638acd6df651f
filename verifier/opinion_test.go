package verifier

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/opinion"
)

// judged is what two verifiers must agree on: whether all is proven, the exit code, and of each check its name, result and whether it had to be
// made. Sentences are each one's own.
type judged struct {
	Proven bool    `json:"proven"`
	Exit   int     `json:"exit"`
	Checks []Check `json:"checks"`
}

// String tells all that is compared, what passed and had to least of all.
func (j judged) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "proven %v, exit %d:", j.Proven, j.Exit)
	for _, c := range j.Checks {
		fmt.Fprintf(&b, " %s", c.Name)
		if c.Result != Pass {
			fmt.Fprintf(&b, " %s", strings.ToUpper(string(c.Result)))
		}
		if !c.Required {
			b.WriteString(" (not required)")
		}
	}
	return b.String()
}

// asked is a customer's question, as it is put to all verifiers.
type asked struct {
	Proof, Policy []byte
	Customer      string
	Statement     []byte
	Findings      [][]byte
	Files         map[string][]byte
}

// byVerifier asks [Proof]. A policy that cannot be read is a check by that name that failed.
func byVerifier(a asked) judged {
	policy, err := ReadPolicy(a.Policy)
	if err != nil {
		return judged{Exit: ExitCode(err), Checks: []Check{{Name: "policy", Result: Fail, Required: true}}}
	}
	input := ProofInput{Proof: a.Proof, Policy: policy, Statement: a.Statement, Customer: a.Customer, Findings: a.Findings}
	for path, leaves := range a.Files {
		if name, ok := strings.CutSuffix(path, ".leaves"); ok {
			input.Shard = &ShardFiles{opened(leaves), a.Files[name+".proof"]}
		}
	}
	if proof, ok := a.Files[topProofPath]; ok {
		input.Top = &TopFiles{a.Files[shardsPath], proof}
	}
	v := Proof(input)
	return judged{v.Proven, v.Exit, v.Checks}
}

// byOpinion asks package opinion.
func byOpinion(a asked) judged {
	o := opinion.Proof(opinion.Input{Proof: a.Proof, Policy: a.Policy, Customer: a.Customer, Statement: a.Statement, Findings: a.Findings, Elsewhere: a.Files != nil})
	out := judged{Proven: o.Proven, Exit: o.Exit}
	for _, c := range o.Checks {
		out.Checks = append(out.Checks, Check{Name: c.Name, Result: Result(c.Result), Required: c.Required})
	}
	return out
}

// proofQuestions are the vectors of vectors/proof.
func proofQuestions(t *testing.T) map[string]asked {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(vectorsDir, "proof", "*.json"))
	if err != nil || len(paths) < 140 {
		t.Fatalf("found %d vectors, %v", len(paths), err)
	}
	questions := map[string]asked{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		q := asked{Proof: []byte(v.Proof), Policy: []byte(v.Policy), Customer: v.Customer}
		for path, f := range v.Files {
			if q.Files == nil {
				q.Files = map[string][]byte{}
			}
			q.Files[path] = f.bytes(t)
		}
		questions[strings.TrimSuffix(filepath.Base(path), ".json")] = q
	}
	return questions
}

// asOpinion is what an opinion is to say where the verifier says this: the same, but nothing of files that it does not read.
func (j judged) asOpinion(q asked) judged {
	if q.Files == nil {
		return j
	}
	out := judged{Proven: true}
	for _, c := range j.Checks {
		switch {
		case strings.HasPrefix(c.Name, "liabilities."):
			continue
		case c.Name == "proof.counted":
			c.Result, c.Required = Skipped, false
		case c.Result == Fail || c.Result == Skipped && c.Required:
			out.Proven, out.Exit = false, j.Exit
		}
		out.Checks = append(out.Checks, c)
	}
	return out
}

// TestOpinion_Vectors: the second opinion says of every vector of a customer's proof what the verifier says, and of files nothing.
func TestOpinion_Vectors(t *testing.T) {
	withFiles := 0
	for name, q := range proofQuestions(t) {
		if got, want := byOpinion(q), byVerifier(q).asOpinion(q); got.String() != want.String() {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		if q.Files != nil {
			withFiles++
		}
	}
	t.Logf("of %d vectors files of a shard or of the top were not read", withFiles)
}
