package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/control"
)

// printed runs a command's function and returns what it printed.
func printed(do func(cmd *cobra.Command) error) (string, error) {
	var out bytes.Buffer
	cmd := new(cobra.Command)
	cmd.SetOut(&out)
	err := do(cmd)
	return out.String(), err
}

// TestB01_StaticLists: signatures over texts of others are kept as static, for our own accounts that have none, all or none.
func TestB01_StaticLists(t *testing.T) {
	mine := chains.Account("eip155:1:0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e")
	s := pinnedRun(t, mine, genesisAccount)
	list := filepath.Join("..", "..", "chains", "control", "lists", "testdata", "por.csv")
	var all []*signed
	out, err := printed(func(cmd *cobra.Command) (err error) { all, err = s.app.okx(cmd, list); return err })
	if err != nil || len(all) != 2 || !strings.Contains(out, "line 16: "+mine.Address()+": verified: signed by eip191-hash over") ||
		!strings.Contains(out, "5 rows: 2 signed by the account's own keys, 1 whose ownership is not shown, 2 not supported, 0 false; nothing is shown of amounts") {
		t.Fatalf("%d verified, %v, printed %s", len(all), err, out)
	}
	for range 2 {
		out, err = printed(func(cmd *cobra.Command) error { return s.keepOKX(cmd, all) })
		if err != nil {
			t.Fatal(err)
		}
	}
	if have := keptNow(t, s); len(have) != 1 || have[mine].Grade != chains.Static || have[mine].Method != control.EIP191Hash || have[mine].Message != "I am an OKX address" {
		t.Errorf("kept %+v", have)
	}
	if !strings.HasPrefix(out, "0 signatures kept") {
		t.Errorf("the second time: %s", out)
	}
	bad := filepath.Join(t.TempDir(), "bad.csv")
	save(t, strings.Replace(read(t, list), "0x07f19879", "0x17f19879", 1), bad)
	out, err = printed(func(cmd *cobra.Command) (err error) { all, err = s.app.okx(cmd, bad); return err })
	if err == nil || all != nil || exitCode(err) != exitRefused || !strings.Contains(err.Error(), "1 of 5 rows are false") || !strings.Contains(out, "line 16: "+mine.Address()+": false: column signature1: ") {
		t.Errorf("a false row: %v, printed %s", err, out)
	}
	save(t, "hello", bad)
	if _, err = printed(func(cmd *cobra.Command) (err error) { _, err = s.app.okx(cmd, bad); return err }); exitCode(err) != exitUnreadable {
		t.Errorf("no list: %v", err)
	}
}

// TestB01_StaticInTheVerdict: a kept signature over another's text goes into the bundle, and counts for a verifier only where its policy
// says so. The devnet plays chain 1, which the list speaks of.
func TestB01_StaticInTheVerdict(t *testing.T) {
	assay, verify := programs(t)
	node, at, dir := ethereum(t, assay)
	main := chainstest.NewProxy(t, node.URL())
	main.Alter = func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
		if c.Method == "eth_chainId" {
			return json.RawMessage(`"0x1"`)
		}
		return nil
	}
	const mine = "0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e"
	configure(t, dir, "eip155:1", main.URL, []string{mine})
	list, err := filepath.Abs(filepath.Join("..", "..", "chains", "control", "lists", "testdata", "por.csv"))
	if err != nil {
		t.Fatal(err)
	}
	must(t, dir, assay, "snapshot", "--at", at, "--quiet")
	must(t, dir, assay, "reserves", "--quiet")
	must(t, dir, assay, "build", "--quiet")
	if out := must(t, dir, assay, "control", "okx", list, "--keep"); !strings.Contains(out, "1 signatures kept, of control grade static") {
		t.Errorf("okx --keep says %s", out)
	}
	must(t, dir, assay, "run", "--unsigned", "--quiet")
	for _, c := range []struct {
		grades  string
		counted bool
	}{{"control = [", false}, {`control = ["static", `, true}} {
		v := judged(t, dir, verify, exitDone, "control = [", c.grades)
		if g := v.Reserves[0].Groups; len(g) != 1 || g[0].Control != "static" || g[0].Counted != c.counted {
			t.Errorf("%s: %+v", c.grades, g)
		}
	}
}
