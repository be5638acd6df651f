package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/beacon"
	"github.com/assay-por/assay/report"
)

const (
	stakedChain = chains.Chain("eip155:1")
	stakedCoin  = chains.Token("eip155:1/staked:60")
)

// stakedConfig is a configuration with a beacon node and these tables.
func stakedConfig(tables string) string {
	return `[[asset]]
id = "ETH"
decimals = 18
tokens = [{ id = "eip155:1/slip44:60", decimals = 18, class = "native" }, { id = "eip155:1/staked:60", decimals = 18, class = "staked" }]
[[chain]]
id = "eip155:1"
nodes = ["http://127.0.0.1:1"]
beacon = ["http://127.0.0.1:1"]
` + tables
}

func TestParseConfig_Validators(t *testing.T) {
	table := "[[validators]]\nchain = \"eip155:1\"\ncustody = \"own-cold\"\n"
	good := stakedConfig(table + "indexes = [1]\n")
	for name, c := range map[string][2]string{
		"as it should":             {good, ""},
		"a checkpoint too":         {strings.Replace(good, "beacon =", "checkpoint = \"0x11\"\nbeacon =", 1), ""},
		"a file":                   {stakedConfig(table + "file = \"v.txt\"\n"), ""},
		"no list":                  {stakedConfig(table), "validators #1: give either file, or indexes and pubkeys"},
		"file and indexes":         {stakedConfig(table + "indexes = [1]\nfile = \"v.txt\"\n"), "validators #1: give either"},
		"a negative index":         {stakedConfig(table + "indexes = [-1]\n"), "12:"},
		"a key as index":           {stakedConfig(table + "indexes = [\"0xaa\"]\n"), "12:"},
		"of Bitcoin":               {strings.Replace(strings.Replace(good, "beacon =", "checkpoint = \"0x11\"\nbeacon =", 1), "[[validators]]\nchain = \"eip155:1\"", "[[validators]]\nchain = \"bip122:000000000019d6689c085ae165831e93\"", 1), "want an eip155 chain"},
		"another chain":            {strings.Replace(good, "[[validators]]\nchain = \"eip155:1\"", "[[validators]]\nchain = \"eip155:10\"", 1), "give beacon and checkpoint both"},
		"no beacon node":           {strings.Replace(good, "beacon = [\"http://127.0.0.1:1\"]\n", "", 1), "validators #1: what they hold is read from a beacon node: name one under beacon in the [[chain]] of eip155:1"},
		"beacon for nothing":       {stakedConfig(""), "give beacon and checkpoint both"},
		"checkpoint alone":         {strings.Replace(good, "beacon = [", "checkpoint = \"0x11\"\n#", 1), "give beacon and checkpoint both"},
		"no token":                 {strings.Replace(good, `, { id = "eip155:1/staked:60", decimals = 18, class = "staked" }`, "", 1), `add { id = "eip155:1/staked:60", decimals = 18, class = "staked" }`},
		"a token of another class": {strings.Replace(good, `class = "staked"`, `class = "native"`, 1), `has class "native" and 18 decimals, want "staked" and 18`},
		"a token of 9 decimals":    {strings.Replace(good, `staked:60", decimals = 18`, `staked:60", decimals = 9`, 1), "and 9 decimals"},
		"two tokens for one coin":  {strings.Replace(good, `class = "staked" }`, `class = "staked" }, { id = "eip155:1/staked:61", decimals = 18, class = "staked" }`, 1), "is the same coin as eip155:1/staked:60"},
		"an unknown key":           {good + "index = 1\n", `unknown key "validators.index"`},
	} {
		_, err := parseConfig([]byte(c[0]))
		if (err == nil) != (c[1] == "") || err != nil && !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: got %v, want %q", name, err, c[1])
		}
	}
}

// stakedStages has a run directory in which it stands what four validators hold for two accounts.
func stakedStages(t *testing.T, tables string) *stages {
	t.Helper()
	c, err := parseConfig([]byte(stakedConfig(tables)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c.path = filepath.Join(dir, "assay.toml")
	s := &stages{ctx: t.Context(), config: c, run: &runDir{path: dir}, progress: newProgress(os.Stderr, true)}
	of := func(id, account string, amount uint64) stake {
		return stake{ID: id, Account: chains.Account("eip155:1:0x" + strings.Repeat(account, 40)), Amount: report.NewUnits(uint256.NewInt(amount))}
	}
	if err := s.run.writeJSON(fileStaked(stakedChain), staked{Block: report.Block{Chain: stakedChain}, Proof: beacon.Validators{Indexes: []uint64{}, Nodes: []string{}}, Stakes: []stake{of("5", "a", 1), of("6", "b", 2), of("7", "a", 4), of("8", "b", 8)}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestB10_ValidatorsAndWallets: staked coins are a line of the account that validators pay out to, once, and no other account has one.
func TestB10_ValidatorsAndWallets(t *testing.T) {
	a, b, c := chains.Account("eip155:1:0x"+strings.Repeat("a", 40)), chains.Account("eip155:1:0x"+strings.Repeat("b", 40)), chains.Account("eip155:1:0x"+strings.Repeat("c", 40))
	wallets := "[[wallet]]\nchain = \"eip155:1\"\ncustody = \"own-cold\"\naccounts = [\"" + a.Address() + "\", \"" + c.Address() + "\"]\n"
	table := func(custody, keys string) string {
		return "[[validators]]\nchain = \"eip155:1\"\ncustody = \"" + custody + "\"\n" + keys + "\n"
	}
	s := stakedStages(t, wallets+table("own-cold", "indexes = [5, 6]")+table("own-cold", "indexes = [7, 8]"))
	got, err := s.wallets()
	if err != nil {
		t.Fatal(err)
	}
	want := []wallet{{account: a, custody: "own-cold", staked: true}, {account: c, custody: "own-cold"}, {account: b, custody: "own-cold", staked: true, only: true}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(wallet{})); d != "" {
		t.Errorf("wallets (-want +got):\n%s", d)
	}
	coin := chains.Token("eip155:1/slip44:60")
	lines := []chains.Holding{{Account: a, Token: coin}, {Account: a, Token: stakedCoin}, {Account: b, Token: stakedCoin}, {Account: c, Token: coin}}
	less := func(x, y chains.Holding) bool {
		return x.Account+chains.Account(x.Token) < y.Account+chains.Account(y.Token)
	}
	if d := cmp.Diff(lines, holdings(stakedChain, got, []chains.Token{coin, stakedCoin}), cmpopts.SortSlices(less)); d != "" {
		t.Errorf("holdings (-want +got):\n%s", d)
	}
	shown, err := s.shownStaked(fileStaked(stakedChain), stakedChain)
	if err != nil || len(shown.Balances) != 2 || shown.Balances[a].Uint64() != 5 || shown.Balances[b].Uint64() != 10 {
		t.Errorf("shown %+v, %v", shown, err)
	}
	if got, err := s.walletsBut(map[chains.Chain]bool{stakedChain: true}); err != nil || len(got) != 2 {
		t.Errorf("without the chain's validators: %v, %v", got, err)
	}
	if shown, err := s.shownStaked(fileStaked("eip155:10"), "eip155:10"); err != nil || shown != nil {
		t.Errorf("a chain without validators: %v, %v", shown, err)
	}

	for name, c := range map[string]struct {
		tables string
		want   []string
	}{
		"a wallet of another custody":     {wallets + table("own-hot", "indexes = [5, 6, 7, 8]"), []string{"validators #1, index #1: the withdrawals of validator 5, custody \"own-hot\"", string(a), "custody \"own-cold\" at", "wallet #1, account #1"}},
		"a validator of another custody":  {table("own-hot", "indexes = [5, 6]") + table("own-cold", "indexes = [7, 8]"), []string{"validators #2, index #1: the withdrawals of validator 7, custody \"own-cold\"", string(a), "custody \"own-hot\" at", "validators #1, index #1"}},
		"other validators than were read": {table("own-hot", "indexes = [5, 6, 7, 9]"), []string{"the validators of eip155:1 changed since it was read"}},
		"fewer":                           {table("own-hot", "indexes = [5, 6, 7]"), []string{"the validators of eip155:1 changed"}},
		"one twice":                       {table("own-hot", "indexes = [5, 6]") + table("own-hot", "indexes = [7, 6]"), []string{"validators #2, index #2: validator 6 is listed before, at", "validators #1, index #2"}},
		"a key twice":                     {table("own-hot", "pubkeys = [\"0x"+strings.Repeat("ab", 48)+"\", \"0x"+strings.Repeat("AB", 48)+"\"]"), []string{"validators #1, pubkey #2: validator 0xab", "listed before"}},
		"a short key":                     {table("own-hot", "indexes = [5]\npubkeys = [\"0x"+strings.Repeat("ab", 47)+"\"]"), []string{"validators #1, pubkey #1: validator", "want a public key of 0x and 96 hex digits"}},
		"a file that is not there":        {table("own-hot", "file = \"gone.txt\""), []string{"gone.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := stakedStages(t, c.tables).wallets()
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}

// A list in a file names its lines; one of comments alone is empty.
func TestValidators_File(t *testing.T) {
	s := stakedStages(t, "[[validators]]\nchain = \"eip155:1\"\ncustody = \"own-cold\"\nfile = \"v.txt\"\n")
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config.path), "v.txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# ours\n5\n\n 6\n0x" + strings.Repeat("0b", 48) + "\n")
	list, err := s.validators(stakedChain)
	if err != nil || len(list) != 3 || list[1].id.String() != "6" || !strings.HasSuffix(list[1].where, "v.txt:4") {
		t.Errorf("got %v, %v", list, err)
	}
	write("5\n6\n6\n")
	if _, err := s.validators(stakedChain); err == nil || !strings.Contains(err.Error(), "v.txt:3: validator 6 is listed before, at "+filepath.Join(filepath.Dir(s.config.path), "v.txt:2")) {
		t.Errorf("got %v", err)
	}
	write("x\n")
	if _, err := s.validators(stakedChain); err == nil || !strings.Contains(err.Error(), "v.txt:1: validator \"x\": want an index") {
		t.Errorf("got %v", err)
	}
	write("# none\n")
	if _, err := s.validators(stakedChain); err == nil || !strings.Contains(err.Error(), "are empty") {
		t.Errorf("got %v", err)
	}
}
