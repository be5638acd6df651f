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
}

// byVerifier asks [Proof]. A policy that cannot be read is a check by that name that failed.
func byVerifier(a asked) judged {
	policy, err := ReadPolicy(a.Policy)
	if err != nil {
		return judged{Exit: ExitCode(err), Checks: []Check{{Name: "policy", Result: Fail, Required: true}}}
	}
	v := Proof(ProofInput{Proof: a.Proof, Policy: policy, Statement: a.Statement, Customer: a.Customer, Findings: a.Findings})
	return judged{v.Proven, v.Exit, v.Checks}
}

// byOpinion asks package opinion.
func byOpinion(a asked) judged {
	o := opinion.Proof(opinion.Input(a))
	out := judged{Proven: o.Proven, Exit: o.Exit}
	for _, c := range o.Checks {
		out.Checks = append(out.Checks, Check{Name: c.Name, Result: Result(c.Result), Required: c.Required})
	}
	return out
}

// proofQuestions are those of vectors/proof that need no more than a customer's page has. Those with files of a shard or of the top are counted
// apart: an opinion reads none.
func proofQuestions(t *testing.T) (questions map[string]asked, withFiles []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(vectorsDir, "proof", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	questions = map[string]asked{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		questions[name] = asked{Proof: []byte(v.Proof), Policy: []byte(v.Policy), Customer: v.Customer}
		if v.Files != nil {
			withFiles = append(withFiles, name)
		}
	}
	return questions, withFiles
}

// TestOpinion_Vectors: the second opinion says of every vector of a customer's proof what the verifier says without files of a shard.
func TestOpinion_Vectors(t *testing.T) {
	questions, withFiles := proofQuestions(t)
	if len(questions) < 120 || len(withFiles) == 0 {
		t.Fatalf("%d vectors, %d with files", len(questions), len(withFiles))
	}
	for name, a := range questions {
		if got, want := byOpinion(a), byVerifier(a); got.String() != want.String() {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	t.Logf("%d vectors; of %d the shard's or the top's files were left out", len(questions), len(withFiles))
}
