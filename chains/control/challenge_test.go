package control

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
)

func demoChallenge(accounts ...chains.Account) Challenge {
	c := Challenge{Exchange: "Demo Exchange", Snapshot: strings.Repeat("5f", 32), Root: strings.Repeat("91", 32)}
	for _, a := range accounts {
		c.Accounts = append(c.Accounts, Pinned{Account: a, Block: "0x" + strings.Repeat("8d", 32)})
	}
	return c
}

func TestChallengeText(t *testing.T) {
	c := demoChallenge("eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052")
	want := `Assay proof of control v1
exchange: Demo Exchange
snapshot: 5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
chain: eip155:1
account: eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052
block: 0x8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d
root: 9191919191919191919191919191919191919191919191919191919191919191`
	if d := cmp.Diff(want, c.Text()); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	if got, err := ParseChallenge(c.Text()); err != nil || !cmp.Equal(got, c) {
		t.Errorf("ParseChallenge of Text: %+v, %v", got, err)
	}
}

func TestChallengeOfSeveral(t *testing.T) {
	c := demoChallenge("eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052", "eip155:10:0x8e23ee67d1332ad560396262c48ffbb01f93d052")
	c.Accounts[1].Block = "0x" + strings.Repeat("7c", 32)
	want := `Assay proof of control v1
exchange: Demo Exchange
snapshot: 5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
chain: eip155:1
account: eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052
block: 0x8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d8d
chain: eip155:10
account: eip155:10:0x8e23ee67d1332ad560396262c48ffbb01f93d052
block: 0x7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c7c
root: 9191919191919191919191919191919191919191919191919191919191919191`
	if d := cmp.Diff(want, c.Text()); d != "" {
		t.Errorf("text (-want +got):\n%s", d)
	}
	if got, err := ParseChallenge(want); err != nil || !cmp.Equal(got, c) {
		t.Errorf("ParseChallenge of Text: %+v, %v", got, err)
	}
	most := Challenge{Exchange: "e", Snapshot: "s", Root: "r"}
	for i := range maxAccounts {
		most.Accounts = append(most.Accounts, Pinned{Account: chains.Account(fmt.Sprintf("eip155:1:0x%040x", i)), Block: "b"})
	}
	if got, err := ParseChallenge(most.Text()); err != nil || len(got.Names()) != maxAccounts {
		t.Errorf("%d accounts: %v", maxAccounts, err)
	}
	most.Accounts = append(most.Accounts, Pinned{Account: "eip155:2:0x8e23ee67d1332ad560396262c48ffbb01f93d052", Block: "b"})
	for name, bad := range map[string]string{
		"an account twice":       strings.ReplaceAll(want, "eip155:10", "eip155:1"),
		"two blocks of a chain":  strings.ReplaceAll(strings.ReplaceAll(want, "eip155:10", "eip155:1"), "account: eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052\nblock: 0x7c", "account: eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d053\nblock: 0x7c"),
		"a chain's line missing": strings.Replace(want, "chain: eip155:10\n", "", 1),
		"too many accounts":      most.Text(),
	} {
		if c, err := ParseChallenge(bad); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		}
	}
}

func TestParseChallengeRefuses(t *testing.T) {
	text := demoChallenge("eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052").Text()
	for name, bad := range map[string]string{
		"empty":                 "",
		"line feed at the end":  text + "\n",
		"carriage returns":      strings.ReplaceAll(text, "\n", "\r\n"),
		"another version":       strings.Replace(text, "v1", "v2", 1),
		"a line more":           text + "\nnote: x",
		"a line less":           text[:strings.LastIndex(text, "\n")],
		"lines swapped":         strings.Replace(strings.Replace(text, "chain: ", "x: ", 1), "exchange: ", "chain: ", 1),
		"no value":              strings.Replace(text, "Demo Exchange", "", 1),
		"blank at the end":      text + " ",
		"a static text":         "I am the owner of this address",
		"account of no chain":   strings.Replace(text, "account: eip155:1:", "account: ", 1),
		"account of another":    strings.Replace(text, "account: eip155:1:", "account: eip155:10:", 1),
		"chain that is none":    strings.Replace(text, "chain: eip155:1\n", "chain: ethereum\n", 1),
		"longer than the limit": strings.Replace(text, "Demo Exchange", strings.Repeat("x", maxChallenge), 1),
	} {
		if c, err := ParseChallenge(bad); err == nil {
			t.Errorf("%s: accepted as %+v", name, c)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(demoChallenge("eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052").Text())
	f.Add(demoChallenge("eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052", "xrpl:0:rhvHcZKmNnYSBDVgtBLpgoTbNsMfFh3Ex5").Text())
	f.Add(demoChallenge(mainnet + ":bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4").Text())
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseChallenge(text); err == nil && c.Text() != text {
			t.Errorf("%q reads as %q", text, c.Text())
		}
	})
}
