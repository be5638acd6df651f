package beacon

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
)

// The stage of the command, from its configuration to the file in the bundle.
func TestAssayRun(t *testing.T) {
	dir := t.TempDir()
	program, _ := programs(t)
	instant := devnet.Instant(time.Now())
	node, err := devnet.StartEthereum(devnet.EthereumOptions{Seed: "beacon", Instant: instant})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	h := func(which string) *types.Header { return realHeader(t, node, which) }
	s := act(t, "1337", [4]*types.Header{h("0x1"), h("0x2"), h("0x3"), h("0x3f")}) // one before the pinned block
	configure(t, dir, s, node)
	assay := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		err := cmd.Run()
		return errs.String(), err
	}
	for _, args := range [][]string{{"init"}, {"ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv"},
		{"snapshot", "--at", instant.Format(time.RFC3339)}} {
		if said, err := assay(args...); err != nil {
			t.Fatalf("assay %v: %v: %s", args, err, said)
		}
	}
	// The pinned block is final for the execution node, but not for the light client yet.
	if said, err := assay("run", "--unsigned", "--quiet"); err == nil || !strings.Contains(said, "is not finalised by the beacon chain yet") ||
		!strings.Contains(said, "run the same command again") || strings.Contains(said, "error") {
		t.Fatalf("got %v: %s", err, said)
	}
	s.finalise(lastPeriod*8192+384, h("finalized"))
	if said, err := assay("run", "--unsigned"); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	asked := s.node.questions()
	raw, err := os.ReadFile(filepath.Join(dir, "bundle", "reserves", "beacon", "eip155-1337.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e Evidence
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	if len(e.Headers) != 6 || len(e.Updates) != 3 {
		t.Errorf("%d headers and %d updates, want 6 and 3", len(e.Headers), len(e.Updates))
	}
	e.Snapshot = testSnapshot // what checkFile looks for
	checkFile(t, &e, h("0x40").Hash())
	if want := h("finalized").Hash(); common.HexToHash(e.Finality.Execution.Hash) != want {
		t.Errorf("finalised %s, want %s", e.Finality.Execution.Hash, want)
	}
	// Once gathered, nobody is asked again.
	if said, err := assay("report"); err != nil || s.node.questions() != asked {
		t.Errorf("%v: %s; %d questions more", err, said, s.node.questions()-asked)
	}
	if said, err := assay("doctor"); err != nil {
		t.Errorf("doctor: %v: %s", err, said)
	}

	// A verifier follows the light client from the policy's checkpoint; without one the block is the exchange's word.
	checkpoint := checkpointOf(s.checkpoint, s.net.network())
	said := judged(t, dir, 0, strings.NewReplacer("anchored = false", "anchored = true", "\"inclusion-proved\"", "\"header-trusted\""), checkpoint)
	for _, want := range []string{"header-trusted", "confirmed by the policy's checkpoint " + s.checkpoint} {
		if !strings.Contains(said, want) {
			t.Errorf("the verdict lacks %q:\n%s", want, said)
		}
	}
	if said := judged(t, dir, 0, nil, ""); strings.Contains(said, "header-trusted") || !strings.Contains(said, "state-proved") {
		t.Errorf("without a checkpoint:\n%s", said)
	}
	other := strings.Replace(checkpoint, s.checkpoint, "0x"+strings.Repeat("22", 32), 1)
	if said := judged(t, dir, 1, nil, other); !strings.Contains(said, "checkpoint") {
		t.Errorf("another checkpoint:\n%s", said)
	}
}

// built are both commands, built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "assay-beacon-*")
	if err != nil {
		return "", err
	}
	builtIn = dir
	if out, err := exec.Command("go", "build", "-o", dir, "../../cmd/assay", "../../cmd/assay-verify").CombinedOutput(); err != nil {
		return dir, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

// builtIn is the folder of what built made, if it was asked to.
var builtIn string

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" && os.RemoveAll(builtIn) != nil && code == 0 {
		code = 1
	}
	os.Exit(code)
}

// programs are the paths of both commands.
func programs(t *testing.T) (assay, verify string) {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "assay"), filepath.Join(dir, "assay-verify")
}

// judged has assay-verify check the bundle of a folder with its policy, altered and with more at its end; it wants this exit code.
func judged(t *testing.T, dir string, code int, altered *strings.Replacer, more string) string {
	t.Helper()
	_, verify := programs(t)
	policy, err := os.ReadFile(filepath.Join(dir, "policy.toml"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(policy)
	if altered != nil {
		text = altered.Replace(text)
	}
	if err := os.WriteFile(filepath.Join(dir, "own.toml"), []byte(text+more), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), verify, "bundle", "bundle", "--policy", "own.toml")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Fatalf("assay-verify: %v, want exit %d:\n%s", err, code, out)
	}
	return string(out)
}

// checkpointOf writes a policy's checkpoint of the test's chain, on a network that no table knows.
func checkpointOf(root string, n Network) string {
	return fmt.Sprintf("\n[[checkpoint]]\nchain = \"eip155:1337\"\nroot = %q\ngenesis = %q\nforks = [%s]\n", root, strings.TrimPrefix(n.Genesis, "0x"), forksOf(n))
}

// forksOf writes the forks of a network as they stand in assay.toml and in a policy.
func forksOf(n Network) string {
	var forks []string
	for _, f := range n.Forks {
		forks = append(forks, fmt.Sprintf("{ epoch = %d, name = %q, version = %q }", f.Epoch, f.Name, f.Version))
	}
	return strings.Join(forks, ", ")
}

func configure(t *testing.T, dir string, s *scene, node *devnet.Ethereum) {
	t.Helper()
	wallets, err := devnet.Wallets("beacon")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[[asset]]
id = "ETH"
decimals = 18
tokens = [{ id = "eip155:1337/slip44:60", decimals = 18, class = "native" }]
[[chain]]
id = "eip155:1337"
nodes = [%q]
beacon = [%q]
checkpoint = %q
genesis = %q
forks = [%s]
[[wallet]]
chain = "eip155:1337"
custody = "own-cold"
accounts = [%q]
`, node.URL(), s.node.URL, s.checkpoint, s.net.network().Genesis, forksOf(s.net.network()), wallets[0].Account.Address())
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// validatorsRun is a folder with the built program, a devnet whose blocks name a beacon block, and the node that gives its state.
type validatorsRun struct {
	t            *testing.T
	dir, program string
	execution    *devnet.Ethereum
	beacon       *stateNode
	wallet       chains.Account
}

func newValidatorsRun(t *testing.T) *validatorsRun {
	t.Helper()
	r := &validatorsRun{t: t, dir: t.TempDir()}
	r.program, _ = programs(t)
	wallets, err := devnet.Wallets("beacon")
	if err != nil {
		t.Fatal(err)
	}
	r.wallet = wallets[0].Account
	validators := validatorsOf(400)
	own := common.HexToAddress(r.wallet.Address())
	copy(validators[9].credentials[12:], own[:]) // a wallet that validators pay out to as well
	r.beacon = stateServer(t, testState{fork: Fulu, slot: testSlots[Fulu], validators: validators})
	instant := devnet.Instant(time.Now())
	if r.execution, err = devnet.StartEthereum(devnet.EthereumOptions{Seed: "beacon", Instant: instant, BeaconRoot: r.beacon.root}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.execution.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(r.dir, "validators.txt"), []byte("# hot ones\n1\n\n"+r.key(4)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.configure(r.lists())
	for _, args := range [][]string{{"init"}, {"ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv"}, {"doctor"},
		{"snapshot", "--at", instant.Format(time.RFC3339)}} {
		r.must(args...)
	}
	return r
}

func (r *validatorsRun) key(i int) string { return x(r.beacon.state.validators[i].key[:]) }

// lists are the validators 9, 0, 3, 6 and 1, 4.
func (r *validatorsRun) lists() string {
	return "[[validators]]\nchain = \"eip155:1337\"\ncustody = \"own-cold\"\nindexes = [9, 0, 3]\npubkeys = [\"" + r.key(6) + "\"]\n" +
		"[[validators]]\nchain = \"eip155:1337\"\ncustody = \"own-hot\"\nfile = \"validators.txt\"\n"
}

func (r *validatorsRun) configure(lists string) {
	r.t.Helper()
	text := runConfig(r.execution.URL(), r.beacon.URL, r.wallet.Address()) + lists
	if err := os.WriteFile(filepath.Join(r.dir, "assay.toml"), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *validatorsRun) assay(args ...string) (string, error) {
	cmd := exec.CommandContext(r.t.Context(), r.program, args...)
	cmd.Dir, cmd.Env = r.dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r *validatorsRun) must(args ...string) {
	r.t.Helper()
	if said, err := r.assay(args...); err != nil {
		r.t.Fatalf("assay %v: %v: %s", args, err, said)
	}
}

// refused gathers with other lists, and wants words in the error.
func (r *validatorsRun) refused(lists string, want ...string) {
	r.t.Helper()
	r.configure(lists)
	said, err := r.assay("reserves", "--quiet")
	for _, words := range want {
		if err == nil || !strings.Contains(said, words) {
			r.t.Errorf("got %v: %s; want %q", err, said, words)
		}
	}
}

// staked is what the bundle's evidence says of staked coins, after its proof was read as a verifier does.
func (r *validatorsRun) staked() map[string]string {
	r.t.Helper()
	raw, err := os.ReadFile(filepath.Join(r.dir, "bundle", "reserves", "evidence", "eip155-1337.json"))
	if err != nil {
		r.t.Fatal(err)
	}
	var e struct{ Validators json.RawMessage }
	if err := json.Unmarshal(raw, &e); err != nil {
		r.t.Fatal(err)
	}
	read, err := readAsVerifier(e.Validators, r.beacon.root, 6)
	if err != nil || len(read) != 6 {
		r.t.Errorf("%d validators, %v", len(read), err)
	}
	if raw, err = os.ReadFile(filepath.Join(r.dir, "bundle", "reserves", "lines.json")); err != nil {
		r.t.Fatal(err)
	}
	var file struct {
		Lines []struct{ Account, Amount, Token string }
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		r.t.Fatal(err)
	}
	staked := map[string]string{}
	for _, b := range file.Lines {
		if strings.HasSuffix(b.Token, "/staked:60") {
			staked[b.Account] = b.Amount
		}
	}
	if len(file.Lines) != len(staked)+1 {
		r.t.Errorf("%d lines, want %d staked and one of the wallet", len(file.Lines), len(staked))
	}
	return staked
}

// A run with validators: their balances stand in the evidence of the chain, and the state is asked for once.
func TestAssayRun_Validators(t *testing.T) {
	r := newValidatorsRun(t)
	table := "[[validators]]\nchain = \"eip155:1337\"\ncustody = \"own-cold\"\n"
	r.refused(table+"indexes = [1, 1]\n", "validators #1, index #2: validator 1 is listed before, at", "validators #1, index #1")
	r.refused(table+"indexes = [399]\n", "validators #1, index #1: validator 399: its withdrawal credentials 0x00")
	r.refused(table+"indexes = [400]\n", "no such validator among its 400")
	r.refused(table+"indexes = [5]\npubkeys = [\""+r.key(5)+"\"]\n", "validators #1, pubkey #1", "is the same validator as 5")
	if found, _ := filepath.Glob(filepath.Join(r.dir, "run", "gathered", "*")); len(found) > 0 {
		t.Errorf("it was kept: %v", found)
	}

	// An account has one custody. The state is not asked for again once that is put right.
	r.refused(strings.Replace(r.lists(), "own-cold", "own-hot", 1), "validators #1, index #1: the withdrawals of validator 9, custody \"own-hot\", go to account "+string(r.wallet)+
		", which has custody \"own-cold\" at", "wallet #1, account #1", "an account has one custody")
	asked := r.beacon.questions()
	r.refused(strings.Replace(r.lists(), r.key(6), r.key(7), 1), "the validators of eip155:1337 changed")
	r.configure(r.lists())
	r.must("run", "--unsigned")

	account := func(i int) string {
		return "eip155:1337:0x" + hex.EncodeToString(r.beacon.state.validators[i].credentials[12:])
	}
	wei := func(of ...int) string {
		sum := uint64(0)
		for _, i := range of {
			sum += r.beacon.state.validators[i].gwei
		}
		return fmt.Sprint(sum, "000000000")
	}
	if d := cmp.Diff(map[string]string{account(9): wei(9), account(0): wei(0, 3, 6), account(1): wei(1, 4)}, r.staked()); d != "" {
		t.Errorf("staked (-want +got):\n%s", d)
	}
	r.must("report")
	if more := r.beacon.questions() - asked; more != 0 {
		t.Errorf("%d questions more", more)
	}

	r.configure(r.lists() + "[bands]\nbefore = [\"500s\"]\n")
	r.must("run", "--unsigned", "--quiet")
	// No table says the forks of this network: the policy must, or the verifier does not know what its states look like.
	classes := strings.NewReplacer(`"issued", "native"`, `"issued", "native", "staked"`)
	if said := judged(t, r.dir, 1, classes, ""); !strings.Contains(said, "the beacon chain of this network is not known") {
		t.Errorf("without the network:\n%s", said)
	}
	said := judged(t, r.dir, 0, classes, checkpointOf("0x"+strings.Repeat("22", 32), stateNet.network()))
	for _, want := range []string{"eip155:1337/staked:60", "state-proved", "1 other instants, 4 lines each"} {
		if !strings.Contains(said, want) {
			t.Errorf("the verdict lacks %q:\n%s", want, said)
		}
	}
	r.refused(table+"indexes = [1]\n", "the validators of eip155:1337 changed")
}

func runConfig(node, beacon, account string) string {
	return fmt.Sprintf(`[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[coverage]
classes = ["issued", "native", "staked"]
[[asset]]
id = "ETH"
decimals = 18
tokens = [{ id = "eip155:1337/slip44:60", decimals = 18, class = "native" }, { id = "eip155:1337/staked:60", decimals = 18, class = "staked" }]
[[chain]]
id = "eip155:1337"
nodes = [%q]
beacon = [%q]
genesis = %q
forks = [%s]
[[wallet]]
chain = "eip155:1337"
custody = "own-cold"
accounts = [%q]
`, node, beacon, stateNet.network().Genesis, forksOf(stateNet.network()), account)
}
