package evm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
)

// inline writes a value that came from JSON as TOML.
func inline(v any) string {
	var parts []string
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, key+" = "+inline(v[key]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case []any:
		for _, one := range v {
			parts = append(parts, inline(one))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}

// wished is a recipe as it stands in assay.toml.
func wished(t *testing.T, r *Recipe) string {
	t.Helper()
	if r == nil {
		return ""
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	unmarshal(t, raw, &v)
	for key, value := range v {
		if key == "token" || value == "" || value == float64(0) {
			delete(v, key)
		}
	}
	return ", recipe = " + inline(v)
}

// TestTokensInTheVerdict takes every token of the town through both commands: each recipe is followed by the verifier, whatever the
// place of the balance; a policy that pins what the token is must agree.
func TestTokensInTheVerdict(t *testing.T) {
	w, cases := tokenTown(t, devnet.Deployer(testSeed))
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "../../cmd/assay", "../../cmd/assay-verify").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	last := map[chains.Token]tokenCase{}
	for _, c := range cases {
		last[c.id(devnet.EthereumChain)] = c
	}
	var tokens, accounts []string
	for _, id := range slices.Sorted(maps.Keys(last)) {
		tokens = append(tokens, fmt.Sprintf("{ id = %q, decimals = 18, class = \"issued\"%s }", id, wished(t, last[id].wish)))
	}
	for _, h := range holders {
		accounts = append(accounts, fmt.Sprintf("%q", strings.ToLower(h.Hex())))
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("assay.toml", fmt.Sprintf(`[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[bands]
before = ["500s"]
[[asset]]
id = "ETH"
decimals = 18
tokens = [%s]
[[chain]]
id = %q
nodes = [%q]
[[wallet]]
chain = %[2]q
custody = "own-cold"
accounts = [%[4]s]
`, strings.Join(tokens, ", "), devnet.EthereumChain, node.URL(), strings.Join(accounts, ", ")))
	run := func(code int, program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), filepath.Join(dir, program), args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
			t.Fatalf("%s %v: %v, want exit %d:\n%s", program, args, err, code, out)
		}
		return string(out)
	}
	run(0, "assay", "init")
	run(0, "assay", "ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv")
	run(0, "assay", "run", "--at", instant.Format(time.RFC3339), "--unsigned", "--quiet")
	said := run(0, "assay-verify", "bundle", "bundle", "--policy", "policy.toml")
	attested := 0
	for id, c := range last {
		grade := "state-proved"
		if c.want == nil {
			grade = "node-attested"
			attested++
		}
		if found := groupOf(said, string(id)); !strings.Contains(found, grade) {
			t.Errorf("%s: %q, want it %s", c.name, found, grade)
		}
	}
	if attested != 1 {
		t.Errorf("%d tokens attested, want the one of no known place", attested)
	}
	if got := strings.Count(said, "the policy has no entry for this token"); got != len(last)-1 {
		t.Errorf("%d recipes are said to be the exchange's word, want %d:\n%s", got, len(last)-1, said)
	}

	policy, err := os.ReadFile(filepath.Join(dir, "policy.toml"))
	if err != nil {
		t.Fatal(err)
	}
	pins := pinned(t, dir, node.URL())
	write("own.toml", string(policy)+pins)
	if said := run(0, "assay-verify", "bundle", "bundle", "--policy", "own.toml"); strings.Contains(said, "the policy has no entry for this token") {
		t.Errorf("with every recipe pinned:\n%s", said)
	}
	for _, key := range []string{"slot", "code", "implementation", "formula"} {
		at := strings.Index(pins, "\n"+key+" = ")
		end := at + 1 + strings.IndexByte(pins[at+1:], '\n') - 2 // the last digit
		digit := "0"
		if pins[end] == '0' {
			digit = "1"
		}
		write("own.toml", string(policy)+pins[:end]+digit+pins[end+1:])
		if said := run(1, "assay-verify", "bundle", "bundle", "--policy", "own.toml"); !strings.Contains(said, key) {
			t.Errorf("another %s:\n%s", key, said)
		}
	}
}

// groupOf is the line of a verdict's table that speaks of a token.
func groupOf(said, token string) string {
	for line := range strings.Lines(said) {
		if strings.HasSuffix(strings.TrimSpace(line), "  "+token) {
			return line
		}
	}
	return ""
}

// pinned are the recipes of a bundle as a policy pins them, with the hashes of the code that the node has.
func pinned(t *testing.T, dir, url string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "bundle", "reserves", "evidence", "eip155-1337.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tokens []struct {
			Token, Layout, Slot, Proxy string
			Bits                       int
			Share, Aave                json.RawMessage
		}
	}
	unmarshal(t, raw, &file)
	client, err := rpc.DialContext(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	code := func(of common.Address) string {
		var b hexutil.Bytes
		if err := client.CallContext(t.Context(), &b, "eth_getCode", of, "latest"); err != nil || len(b) == 0 {
			t.Fatalf("code of %s: %v", of, err)
		}
		return crypto.Keccak256Hash(b).Hex()
	}
	var text strings.Builder
	for _, r := range file.Tokens {
		at := common.HexToAddress(r.Token[strings.LastIndexByte(r.Token, ':')+1:])
		fmt.Fprintf(&text, "[[token]]\nid = %q\nlayout = %q\nslot = %q\ncode = %q\n", r.Token, r.Layout, r.Slot, code(at))
		if r.Bits > 0 {
			fmt.Fprintf(&text, "bits = %d\n", r.Bits)
		}
		if r.Proxy != "" {
			var word common.Hash
			slot := proxies[slices.IndexFunc(proxies, func(p proxy) bool { return p.name == r.Proxy })].slot
			if err := client.CallContext(t.Context(), &word, "eth_getStorageAt", at, slot, "latest"); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "proxy = %q\nimplementation = %q\n", r.Proxy, code(common.BytesToAddress(word[:])))
		}
		if formula := append(r.Share, r.Aave...); len(formula) > 0 {
			sum := sha256.Sum256(formula)
			fmt.Fprintf(&text, "formula = %q\n", hex.EncodeToString(sum[:]))
		}
	}
	return text.String()
}
