package evidence

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOKX_Published: signatures of a real exchange verify, over their own text: so they are static.
func TestOKX_Published(t *testing.T) {
	raw, err := os.ReadFile("testdata/okx.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct{ Account, Method, Message, Signature string }
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	methods := map[string]int{}
	for _, row := range rows {
		c := Control{Accounts: []string{row.Account}, Method: row.Method, Challenge: testChallenge, Message: row.Message, Signature: row.Signature}
		if grade, err := c.Verify(); err != nil || grade != GradeStatic {
			t.Errorf("%s: got %q, %v; want %q", row.Account, grade, err, GradeStatic)
		}
		c.Message += "."
		if grade, err := c.Verify(); err == nil {
			t.Errorf("%s, another text: got %q", row.Account, grade)
		}
		methods[row.Method]++
	}
	want := map[string]int{"compact": 2, "compact-multisig": 3, "eip191-hash": 1, "tron": 1, "tron-v1": 1, "ed25519-okx": 1}
	if diff := cmp.Diff(want, methods); diff != "" {
		t.Error(diff)
	}
}

// okxRow is a row of the exchange's lists, in whichever of their three layouts.
type okxRow struct{ network, address, message, first, second, script string }

// readOKX reads the second part of a list, whose header names the column of addresses.
func readOKX(t testing.TB, path string) (rows []okxRow) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string]int{}
	for _, record := range records {
		if len(columns) > 0 {
			at := func(names ...string) string {
				for _, name := range names {
					if i, ok := columns[name]; ok && i < len(record) {
						return strings.TrimSuffix(strings.TrimSpace(record[i]), "null")
					}
				}
				return ""
			}
			rows = append(rows, okxRow{
				network: at("network"), address: at("address"), message: at("message"), first: at("signature1", "signedmessage"), second: at("signature2", "signedmessage2"),
				script: at("redeem script/ public key", "redeem script/public key", "publickey"),
			})
			continue
		}
		for i, name := range record {
			if name = strings.ToLower(strings.TrimSpace(name)); name == "address" || len(record) > 6 {
				columns[name] = i
			}
		}
	}
	return rows
}

// control puts a row into the form of SPEC part 14. why is filled where there is no method for it.
func (row okxRow) control() (c Control, why string) {
	c = Control{Message: row.message, Signature: row.first}
	switch row.network {
	case "ETH", "OKC":
		c.Method, c.Accounts = MethodEIP191Hash, []string{map[string]string{"ETH": "eip155:1:", "OKC": "eip155:66:"}[row.network] + row.address}
	case "TRON":
		c.Method, c.Accounts = MethodTron, []string{tronChain + ":" + row.address}
	case "SOL":
		c.Method, c.Accounts, c.Signature = MethodEd25519OKX, []string{solanaChain + ":" + row.address}, strings.TrimPrefix(row.first, "0x")
	case "BTC":
		c.Method, c.Accounts = MethodCompact, []string{mainnet + ":" + row.address}
		if row.second != "" {
			c.Method, c.Signature = MethodCompactMultisig, row.script+":"+row.first+","+row.second
		}
	default:
		return c, "no chain of ours: " + row.network
	}
	return c, ""
}

// TestOKX_Lists also reads the exchange's own example lists, where they are. Every row verifies, or is refused for its own reason.
func TestOKX_Lists(t *testing.T) {
	const folder = "../../../shared/peer-samples/okx"
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no lists in ../shared/peer-samples/okx")
	}
	verified := map[string]int{}
	const static, contract, noAccount = "static", "signature: not this account's signature of this text", "account: "
	for file, want := range map[string][][2]string{
		"addresses_okx_por_example.csv": {
			{"0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e", static},
			{"0x16f01cfc16b0b8c3400fb8e5099b0974fcc9fc12", static},
			{"0x57e2dcd253527a0f70c6a3de3556f6e6e163f19c", contract}, // its two owners signed, and nothing shows that they are
			{"UQB1CKrUWm7qf41Z1GeEE6AgVVj5cH6y6x1aRmWe6q4mj1fn", "no chain of ours: TON"},
			{"0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef", "no chain of ours: APTOS"},
		},
		"addresses_okx_por_staking_example.csv": {
			{"0x0cdcdb19a857c2ac24818ca4fdfe38cce071483e", static},
			{"0x" + strings.Repeat("ab", 48), noAccount}, // keys of validators
			{"0x" + strings.Repeat("cd", 48), noAccount},
		},
		"addresses_test.csv": {
			{"0x6a32bea6b4050763a6673202efde42ad87bec0b5", static},
			{"0x03b7f0b02b63683eca1639fb2d5dfa1021628d4ee728b03bc0ac2be66edc32f1", "no chain of ours: STARKNET"},
			{"bc1q82aks5ft2at48wp0sa6rr5vtzutvgzr8azts6w8nlu0dqc2dx24qvzwspk", static},
			{"12Z1EpgUskkbinZ47CdiUSdBMSvh4FVhgr6iDKfiyvEFndEa", "no chain of ours: DOT"},
			{"addr1v9500j9f8sgnw9uftxmuc429kyy2mduuaj3649rw779v8ks4nyrxz", "no chain of ours: ADA"},
			{"AB98NMrZQ48RAj7jRS7L7AcT6d8SCvu2Uq", "no chain of ours: DOGE"},
			{"0x5f504cd119640d5167c003ce9e4250895374b24f", contract}, // over words of the exchange's own, which no method here has
			{"TSBg5SM1TXVXneSivmzpZa9hpccLNeYcWq", static},
			{"okbwallet1tr", "no chain of ours: Vaulta"},
		},
	} {
		var got [][2]string
		for _, row := range readOKX(t, filepath.Join(folder, file)) {
			c, why := row.control()
			if why == "" {
				grade, err := c.Verify()
				if why = grade; err != nil {
					why = err.Error()
				} else {
					verified[row.network+" "+c.Method]++
				}
			}
			got = append(got, [2]string{row.address, why})
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d rows, want %d", file, len(got), len(want))
			continue
		}
		for i, w := range want {
			if got[i][0] != w[0] || !strings.HasPrefix(got[i][1], w[1]) || w[1] == static && got[i][1] != static {
				t.Errorf("%s: got %s: %s, want %s: %s", file, got[i][0], got[i][1], w[0], w[1])
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"ETH eip191-hash": 4, "BTC compact-multisig": 1, "TRON tron": 1}, verified); diff != "" {
		t.Error(diff)
	}
}
