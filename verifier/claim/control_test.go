package claim

import (
	"fmt"
	"strings"
	"testing"
)

func controlFile(entries string) string {
	return `{"signatures":[` + entries + `],"snapshot":"` + hash0 + `","type":"assay/v1/control"}`
}

func evmAccount(n int) string { return fmt.Sprintf("eip155:1:0x%040x", n) }

// controlEntry writes an entry; more stands where its optional keys do not fall into another's place.
func controlEntry(method, message, nodes string, accounts ...string) string {
	s := `{"accounts":["` + strings.Join(accounts, `","`) + `"],`
	if message != "" {
		s += `"message":"` + message + `",`
	}
	s += `"method":"` + method + `",`
	if nodes != "" {
		s += `"nodes":[` + nodes + `],`
	}
	return s + `"signature":"0x00"}`
}

const tronAccount = "tron:0x2b6653dc:TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"

// goodControl are the entries of files that are of the format, by what they show.
func goodControl() map[string]string {
	a, b, c := evmAccount(1), evmAccount(2), evmAccount(3)
	thousand := make([]string, 1000)
	for i := range thousand {
		thousand[i] = evmAccount(i)
	}
	return map[string]string{
		"nobody":                     "",
		"one":                        controlEntry("eip191", "", "", a),
		"two in one":                 controlEntry("eip712", "", "", a, b),
		"a thousand in one":          controlEntry("eip191", "", "", thousand...),
		"two entries":                controlEntry("eip191", "", "", a) + "," + controlEntry("eip191-hash", "", "", b),
		"entries that interlock":     controlEntry("eip191", "", "", a, c) + "," + controlEntry("safe", "", "", b),
		"message":                    controlEntry("tron-v1", "I am an OKX address", "", tronAccount),
		"message of 1024":            controlEntry("tron", strings.Repeat("~", 1024), "", tronAccount),
		"contract":                   controlEntry("eip1271", "", `"a b","c"`, a),
		"contract, message":          controlEntry("eip1271", "Assay", `"c"`, a),
		"funds":                      controlEntry("bip322-pof", "", "", b, a, c),
		"funds, first is the lowest": controlEntry("bip322-pof", "", "", a, b, c),
		"bip127":                     controlEntry("bip127", "", "", a, b),
	}
}

func TestParseControl(t *testing.T) {
	for name, entries := range goodControl() {
		c, err := ParseControl([]byte(controlFile(entries)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "funds" {
			if got := c.Signatures[0].Accounts; got[0] != evmAccount(2) || got[2] != evmAccount(3) {
				t.Errorf("accounts %v", got)
			}
		}
		if name == "contract, message" {
			if s := c.Signatures[0]; s.Message != "Assay" || len(s.Nodes) != 1 || s.Nodes[0] != "c" || s.Method != "eip1271" || s.Signature != "0x00" {
				t.Errorf("got %+v", s)
			}
		}
	}
}

func TestParseControl_Refused(t *testing.T) {
	a, b, c := evmAccount(1), evmAccount(2), evmAccount(3)
	many := make([]string, 1001)
	for i := range many {
		many[i] = evmAccount(i)
	}
	labels := make([]string, 17)
	for i := range labels {
		labels[i] = fmt.Sprintf(`"%02d"`, i)
	}
	const order, nodes = "twice or out of order", "nodes: 1 to 16"
	for _, tt := range []struct{ name, entries, want string }{
		{"no accounts", `{"accounts":[],"method":"eip191","signature":"0x"}`, "accounts: none is named"},
		{"account of old", `{"account":"` + a + `","method":"eip191","signature":"0x00"}`, `unknown key "account"`},
		{"a thousand and one", controlEntry("eip191", "", "", many...), "more than 1000 entries"},
		{"accounts descend", controlEntry("eip191", "", "", b, a), "accounts[1]: " + order},
		{"account twice", controlEntry("eip191", "", "", a, a), "accounts[1]: " + order},
		{"funds, the others descend", controlEntry("bip322-pof", "", "", a, c, b), "accounts[2]: " + order},
		{"funds, the first again next", controlEntry("bip322-pof", "", "", b, b), "accounts[1]: " + order},
		{"funds, the first again later", controlEntry("bip322-pof", "", "", b, a, b), "accounts[2]: " + order},
		{"bip127, only the first apart", controlEntry("bip127", "", "", b, a, c), "accounts[1]: " + order},
		{"entries descend", controlEntry("eip191", "", "", b) + "," + controlEntry("eip191", "", "", a), order},
		{"entry twice", controlEntry("eip191", "", "", a) + "," + controlEntry("safe", "", "", a), order},
		{"account in two entries", controlEntry("eip191", "", "", a, c) + "," + controlEntry("eip191", "", "", b, c), "account " + c + " is in two entries"},
		{"account heads a later entry", controlEntry("eip191", "", "", a, b) + "," + controlEntry("safe", "", "", b), "account " + b + " is in two entries"},
		{"unknown method", controlEntry("eip1911", "", "", a), "not a known method"},
		{"nodes without a contract", controlEntry("eip191", "", `"c"`, a), nodes},
		{"contract without nodes", controlEntry("eip1271", "", "", a), nodes},
		{"contract with no node", strings.Replace(controlEntry("eip1271", "", `"c"`, a), `["c"]`, "[]", 1), nodes},
		{"no nodes, but the key", strings.Replace(controlEntry("eip191", "", `"c"`, a), `["c"]`, "[]", 1), nodes},
		{"17 nodes", controlEntry("eip1271", "", strings.Join(labels, ","), a), "more than 16 entries"},
		{"nodes descend", controlEntry("eip1271", "", `"b","a"`, a), order},
		{"node twice", controlEntry("eip1271", "", `"a","a"`, a), order},
		{"node of 65", controlEntry("eip1271", "", `"`+strings.Repeat("a", 65)+`"`, a), "label of 1-64"},
		{"node without a name", controlEntry("eip1271", "", `""`, a), "label of 1-64"},
		{"node beyond ASCII", controlEntry("eip1271", "", `"ä"`, a), "label of 1-64"},
		{"message like a challenge", controlEntry("eip191", "Assay proof of control v1 exchange", "", a), "begins as a challenge does"},
		{"message of 1025", controlEntry("eip191", strings.Repeat("a", 1025), "", a), "1-1024 printable"},
		{"message that is empty", strings.Replace(controlEntry("eip191", "x", "", a), `"x"`, `""`, 1), "1-1024 printable"},
		{"message beyond ASCII", controlEntry("eip191", "ä", "", a), "1-1024 printable"},
		{"message of two lines", controlEntry("eip191", `a\nb`, "", a), "escape"},
		{"no signature", strings.Replace(controlEntry("eip191", "", "", a), `"0x00"`, `""`, 1), "empty or too long"},
	} {
		_, err := ParseControl([]byte(controlFile(tt.entries)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
