package report_test

import (
	"strings"
	"testing"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// TestControlSignatures breaks one rule of the list at a time.
func TestControlSignatures(t *testing.T) {
	s := snapshot(t)
	both := []chains.Account{wallet2, wallet3}
	good := report.ControlSignature{Accounts: both, Method: "eip191", Signature: "0x00"}
	if b, err := report.ControlJSON(s, lines(t, s), []report.ControlSignature{good}); err != nil ||
		!strings.Contains(string(b), `{"accounts":["`+wallet2+`","`+wallet3+`"],"method":"eip191","signature":"0x00"}`) {
		t.Fatalf("got %s, %v", b, err)
	}
	contract := func(nodes ...string) func(c *report.ControlSignature) {
		return func(c *report.ControlSignature) { c.Method, c.Nodes = "eip1271", nodes }
	}
	for name, c := range map[string]struct {
		edit func(c *report.ControlSignature)
		says string
	}{
		"no account":          {func(c *report.ControlSignature) { c.Accounts = nil }, "for 0 accounts"},
		"too many":            {func(c *report.ControlSignature) { c.Accounts = make([]chains.Account, 1001) }, "for 1001 accounts"},
		"malformed":           {func(c *report.ControlSignature) { c.Accounts = []chains.Account{"eip155:1:0x00"} }, "account"},
		"descending":          {func(c *report.ControlSignature) { c.Accounts = []chains.Account{wallet3, wallet2} }, "do not ascend"},
		"an account twice":    {func(c *report.ControlSignature) { c.Accounts = []chains.Account{wallet2, wallet2} }, "signed twice"},
		"unknown method":      {func(c *report.ControlSignature) { c.Method = "eip192" }, "is none of SPEC part 14"},
		"empty":               {func(c *report.ControlSignature) { c.Signature = "" }, "it is empty"},
		"some challenge":      {func(c *report.ControlSignature) { c.Message = "Assay proof of control v0" }, "is some challenge"},
		"a long message":      {func(c *report.ControlSignature) { c.Message = strings.Repeat("a", 1025) }, "1 to 1024 bytes"},
		"a tab in it":         {func(c *report.ControlSignature) { c.Message = "a\tb" }, "printable ASCII"},
		"another grade":       {func(c *report.ControlSignature) { c.Message = "I am the owner" }, "say bound, its signature gives static"},
		"nodes without need":  {func(c *report.ControlSignature) { c.Nodes = []string{"a"} }, "names 1 nodes"},
		"no nodes":            {contract(), "names 0 nodes"},
		"too many nodes":      {contract(strings.Split(strings.Repeat("n ", 17), " ")...), "nodes, want 1 to 16"},
		"nodes that descend":  {contract("b", "a"), `"a" is no label`},
		"a node twice":        {contract("a", "a"), `"a" is no label`},
		"a node without name": {contract(""), `"" is no label`},
		"a long name":         {contract(strings.Repeat("a", 65)), "is no label"},
	} {
		bad := good
		c.edit(&bad)
		if _, err := report.ControlJSON(s, lines(t, s), []report.ControlSignature{bad}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	// A proof of funds has its first account where the signer put it.
	proof := report.ControlSignature{Accounts: []chains.Account{wallet3, wallet1, wallet2}, Method: "bip322-pof", Signature: "pof"}
	if _, err := report.ControlJSON(s, lines(t, s), []report.ControlSignature{proof}); err == nil || strings.Contains(err.Error(), "ascend") {
		t.Errorf("a proof of funds: %v, want only its grade refused", err)
	}
	if _, err := report.ControlJSON(s, lines(t, s), []report.ControlSignature{good, {Accounts: []chains.Account{wallet3}, Method: "eip712", Signature: "0x00"}}); err == nil || !strings.Contains(err.Error(), "signed twice") {
		t.Errorf("an account in two signatures: %v", err)
	}
}
