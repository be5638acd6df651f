package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

// An exchange is a folder with an exchange, its log, and a witness in a folder elsewhere; its keys open with id.txt. Each program of it is a
// process: assay, assay-verify, the witness, and the servers that show what was published.
type exchange struct {
	assay, verify string
	dir, home     string   // of the exchange, of the witness
	seen          string   // the file that the witness's stderr goes to
	servers       []string // those of the servers
	policy        string   // as assay init and assay log init print it
	said          string   // what assay printed, and assay-verify to stderr
	run           string   // lines of [run] that its statements are made under
}

// newExchange is one whose first statement is still to be made; lines are added to its assay.toml.
func newExchange(t *testing.T, lines string) *exchange {
	t.Helper()
	e := &exchange{dir: t.TempDir(), home: t.TempDir()}
	e.assay, e.verify = programs(t)
	recipient, err := identityFile(e.dir)
	if err != nil {
		t.Fatal(err)
	}
	e.write(t, "assay.toml", offlineConfig+lines+"[log]\norigin = \"exchange.example/log\"\n")
	e.must(t, "init", "--recipient", recipient)
	e.must(t, "ledger", "synth", "--customers", "12", "--held", "2", "--out", "ledger.csv")
	printed := e.must(t, "log", "init", "--recipient", recipient)
	var witness string
	e.home, witness, e.seen = witnessOf(t, e.assay, after(t, printed, "verifier key: "))
	add(t, e.dir, witness)
	_, policy, _ := strings.Cut(printed, "for a policy:\n")
	key := regexp.MustCompile(`key = ("[^"]+")`).FindStringSubmatch(witness)[1]
	e.policy = read(t, e.dir, "policy.toml") + strings.NewReplacer("witnesses = []", "witnesses = ["+key+"]", "quorum = 0", "quorum = 1").Replace(policy)
	e.write(t, "trust.toml", e.policy)
	return e
}

func (e *exchange) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// must runs assay in the exchange's folder.
func (e *exchange) must(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	stdout, stderr := mustCall(t, e.dir, e.assay, opened(args...)...)
	e.said += stdout + stderr
	return stdout
}

// refuses runs assay and wants it refused in such words.
func (e *exchange) refuses(t *testing.T, words string, args ...string) {
	t.Helper()
	code, stdout, stderr := call(t, e.dir, e.assay, opened(args...)...)
	if e.said += stdout + stderr; code != exitRefused || !strings.Contains(stderr, words) {
		t.Errorf("assay %s: exit %d, want %d and %q: %s", strings.Join(args, " "), code, exitRefused, words, stderr)
	}
}

// statement makes a statement of a period as far as it is signed, in a run and a bundle of that name; further pairs of texts alter the
// configuration. name.toml is its configuration, name.zip its bundle.
func (e *exchange) statement(t *testing.T, name, period, instant string, altered ...string) {
	t.Helper()
	e.write(t, name+".toml", strings.NewReplacer(altered...).Replace(read(t, e.dir, "assay.toml"))+
		strings.ReplaceAll("[run]\ndir = \"NAME-run\"\n"+e.run+"[bundle]\ndir = \"NAME\"\nzip = \"NAME.zip\"\nreport = \"NAME-page\"\n", "NAME", name))
	e.must(t, "snapshot", "--period", period, "--at", instant, "--config", name+".toml")
	for _, stage := range []string{"build", "reserves", "sign"} {
		e.must(t, stage, "--config", name+".toml")
	}
}

// published makes a statement and enters it.
func (e *exchange) published(t *testing.T, name, period, instant string, altered ...string) {
	t.Helper()
	e.statement(t, name, period, instant, altered...)
	e.must(t, "publish", "--config", name+".toml")
}

// digest names a signed statement.
func (e *exchange) digest(t *testing.T, name string) string {
	t.Helper()
	signed, err := report.Read([]byte(read(t, e.dir, name, report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	return signed.Digest.String()
}

// copied is the exchange as it is now, in a folder that goes a way of its own; the witness is the same.
func (e *exchange) copied(t *testing.T) *exchange {
	t.Helper()
	other := *e
	other.dir = t.TempDir()
	if err := os.CopyFS(other.dir, os.DirFS(e.dir)); err != nil {
		t.Fatal(err)
	}
	return &other
}

// serves shows a bundle, and the log as this folder has it; it returns the log's URL.
func (e *exchange) serves(t *testing.T, name string) (log string) {
	t.Helper()
	url, stderr := serving(t, e.dir, e.assay, "serve", "--config", name+".toml", "--listen", "127.0.0.1:0")
	e.servers = append(e.servers, stderr)
	return url + "/log"
}

// judges runs assay-verify with the policy trust.toml, wants an exit code, and returns what it prints.
func (e *exchange) judges(t *testing.T, code int, args ...string) (stdout string) {
	t.Helper()
	got, stdout, stderr := call(t, e.dir, e.verify, append(args, "--policy", "trust.toml")...)
	e.said += stderr
	if got != code {
		t.Errorf("assay-verify %s: exit %d, want %d: %s%s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	return stdout
}

// verdictOf is judges, as JSON.
func (e *exchange) verdictOf(t *testing.T, code int, args ...string) (v verdict) {
	t.Helper()
	unmarshal(t, e.judges(t, code, append(args, "--json")...), &v)
	return v
}

// failure is the sentence of a check that failed.
func (v verdict) failure(t *testing.T, name string) string {
	t.Helper()
	for _, c := range v.Checks {
		if c.Name == name && c.Result == "fail" {
			return c.Detail
		}
	}
	t.Errorf("%s did not fail: %+v", name, v.Checks)
	return ""
}

// has wants words in a text.
func has(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q:\n%s", w, text)
		}
	}
}

// onlyFile is the one file that a pattern matches.
func onlyFile(t *testing.T, elem ...string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(elem...))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v, want one file", filepath.Join(elem...), found, err)
	}
	return found[0]
}

// serving starts a program that serves until the test ends, and returns the URL that it prints and the file that its stderr goes to.
func serving(t *testing.T, dir, program string, args ...string) (url, stderr string) {
	t.Helper()
	url, stderr, _ = servingProcess(t, dir, program, args...)
	return url, stderr
}

func servingProcess(t *testing.T, dir, program string, args ...string) (url, stderr string, process *os.Process) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse"), said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
		_ = said.Close()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, read(t, said.Name()))
	}
	url, _, _ = strings.Cut(after(t, line, "serving "), " ")
	return url, said.Name(), cmd.Process
}

// background starts a program that runs until the test ends, or is killed.
func background(t *testing.T, dir, program string, args ...string) (stderr string, process *os.Process) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse"), said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		_ = said.Close()
	})
	return said.Name(), cmd.Process
}

// customer is the id of the ledger's first customer.
func (e *exchange) customer(t *testing.T) string {
	t.Helper()
	id, _, _ := strings.Cut(strings.Split(read(t, e.dir, "ledger.csv"), "\n")[1], ",")
	return id
}

// proof makes the first customer's proof for a statement, and returns its file.
func (e *exchange) proof(t *testing.T, name string) (file string) {
	t.Helper()
	file = name + "-proof.json"
	e.must(t, "prove", "--config", name+".toml", "--customer", e.customer(t), "--out", file)
	return file
}

// asks is judges for a customer, who types the id, and has what the bundle has of the customer's shard. Requires a proof by [exchange.proof].
func (e *exchange) asks(t *testing.T, code int, proof string, args ...string) (stdout string) {
	t.Helper()
	shard := strings.TrimSuffix(proof, "-proof.json") + "/liabilities"
	return e.judges(t, code, append([]string{"proof", proof, "--customer", e.customer(t), "--shard", shard}, args...)...)
}
