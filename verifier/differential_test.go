package verifier

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The customer's page has two implementations of SPEC.md: web/app/src/verifier in TypeScript, and package opinion in WebAssembly. Here both are
// asked what the verifier is asked.

// page is a program of both implementations under node.
type page struct{ dir string }

// buildPage skips the test where the page cannot be built.
func buildPage(t *testing.T) page {
	t.Helper()
	app, err := filepath.Abs(filepath.Join("..", "web", "app"))
	if err != nil {
		t.Fatal(err)
	}
	esbuild := filepath.Join(app, "node_modules", ".bin", "esbuild")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(esbuild); missing != nil || err != nil {
		t.Skip("no node, or none of what the page is built with: install npm and type: make page")
	}
	p := page{t.TempDir()}
	for _, args := range [][]string{
		{node, "pack.mjs", filepath.Join(p.dir, "opinion.b85")},
		{esbuild, "src/answers.ts", "--bundle", "--platform=node", "--format=esm", "--log-level=warning", "--outfile=" + filepath.Join(p.dir, "answers.mjs")},
	} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = app
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	packed, err := os.ReadFile(filepath.Join(p.dir, "opinion.b85"))
	if err != nil {
		t.Fatal(err)
	}
	if len(packed) > 1_800_000 { // the whole page is to be below 2 MB, and 200 KB of it are the rest
		t.Errorf("the packed second opinion has %d bytes, 1,800,000 are allowed", len(packed))
	}
	return p
}

// answered is what the page's implementations say to a question.
type answered struct {
	Go         *judged `json:"go"` // nil: WebAssembly was not asked
	TypeScript judged  `json:"typescript"`
}

// ask puts questions to both; to the module in WebAssembly, which is slower and has been asked natively, only each nth.
func (p page) ask(t *testing.T, questions []asked, nth int) []answered {
	t.Helper()
	var in bytes.Buffer
	for i, q := range questions {
		line := map[string]any{"proof": q.Proof, "policy": q.Policy, "customer": q.Customer, "findings": q.Findings, "files": q.Files, "go": i%nth == 0}
		if q.Statement != nil {
			line["statement"] = q.Statement
		}
		if err := json.NewEncoder(&in).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(p.dir, "answers.mjs"))
	cmd.Env = append(os.Environ(), "OPINION="+filepath.Join(p.dir, "opinion.b85"))
	var problems bytes.Buffer
	cmd.Stdin, cmd.Stderr = &in, &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("answers.mjs: %v\n%s", err, problems.Bytes())
	}
	var list []answered
	for line := range bytes.Lines(out) {
		var a answered
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, a)
	}
	if len(list) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(list), len(questions))
	}
	return list
}

// agree compares what the implementations say: of what is written in Go every check with its result, of TypeScript the verdict, its exit code and
// the checks that failed.
func agree(t *testing.T, name string, q asked, page answered) {
	t.Helper()
	want := byVerifier(q)
	opinion := want.asOpinion(q)
	if got := byOpinion(q); got.String() != opinion.String() {
		t.Errorf("%s: the second opinion says\n     %s\nwant %s", name, got, opinion)
	}
	if page.Go != nil && page.Go.String() != opinion.String() {
		t.Errorf("%s: the second opinion in WebAssembly says\n     %s\nwant %s", name, page.Go, opinion)
	}
	if got := page.TypeScript; got.Proven != want.Proven || got.Exit != want.Exit || !slices.Equal(got.failed(), want.failed()) {
		t.Errorf("%s: TypeScript says\n     %s\nwant %s", name, got, want)
	}
}

// failed are the names of the checks that did.
func (j judged) failed() (names []string) {
	for _, c := range j.Checks {
		if c.Result == Fail {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// TestImplementationsAgree asks the verifier, the second opinion in both its forms and the verifier in TypeScript about every vector of a proof, and
// about random proofs of all kinds that were changed at random. DIFFERENTIAL is how many of those, if not 2,000, all of them put to WebAssembly too.
func TestImplementationsAgree(t *testing.T) {
	p := buildPage(t)
	t.Run("vectors", func(t *testing.T) {
		vectors := proofQuestions(t)
		var names []string
		var questions []asked
		for name, q := range vectors {
			names, questions = append(names, name), append(questions, q)
		}
		for i, a := range p.ask(t, questions, 1) {
			agree(t, names[i], questions[i], a)
		}
	})
	t.Run("random", func(t *testing.T) {
		const atOnce = 2000
		cases, nth := atOnce, 8
		if text := os.Getenv("DIFFERENTIAL"); text != "" {
			var err error
			if cases, err = strconv.Atoi(text); err != nil {
				t.Fatalf("DIFFERENTIAL: want a number: %v", err)
			}
			nth = 1
		}
		bases, proven, exits := basesOf(t), 0, map[int]int{}
		for from := 0; from < cases; from += atOnce {
			var questions []asked
			var names []string
			for n := from; n < min(from+atOnce, cases); n++ {
				m := &mutator{rand.New(rand.NewPCG(1, uint64(n))), nil}
				b := bases[n%len(bases)]
				questions = append(questions, m.change(b))
				names = append(names, fmt.Sprintf("case %d, %s: %s", n, b.name, strings.Join(m.did, "; ")))
			}
			for i, a := range p.ask(t, questions, nth) {
				agree(t, names[i], questions[i], a)
				if exits[a.TypeScript.Exit]++; a.TypeScript.Proven {
					proven++
				}
			}
			if t.Failed() {
				break
			}
		}
		t.Logf("%d cases of %d kinds: %d proven; by exit code %v", cases, len(bases), proven, exits)
		if proven == 0 || exits[ExitFalse] == 0 || exits[ExitUnreadable] == 0 || exits[ExitUnsupported] == 0 {
			t.Error("the cases are not of all outcomes")
		}
	})
}
