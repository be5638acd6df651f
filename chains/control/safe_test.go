package control

import (
	"crypto/ecdsa"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
)

const safeAccount = chains.Account("eip155:1:0x5afe000000000000000000000000000000005afe")

// An owner of the tests' Safe.
type owner struct {
	key     *ecdsa.PrivateKey
	address string
}

// someOwners are n keys, ascending by address.
func someOwners(t *testing.T, n int) []owner {
	t.Helper()
	var all []owner
	for i := range n {
		key, err := crypto.ToECDSA(crypto.Keccak256([]byte(fmt.Sprintf("owner %d", i))))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, owner{key, ethereumAddress(crypto.PubkeyToAddress(key.PublicKey))})
	}
	slices.SortFunc(all, func(a, b owner) int { return strings.Compare(a.address, b.address) })
	return all
}

func (o owner) sign(t *testing.T, digest []byte) string {
	t.Helper()
	sig, err := crypto.Sign(digest, o.key)
	if err != nil {
		t.Fatal(err)
	}
	return rsv(sig).String()
}

// safeOf has the first n of the owners, and asks for some of them.
func safeOf(owners []owner, threshold uint64) chains.Owners {
	o := chains.Owners{Threshold: threshold}
	for _, one := range owners {
		o.Addresses = append(o.Addresses, one.address)
	}
	return o
}

// TestB11_OneOfNPresentedAsKOfN: a Safe is controlled by as many of its proven
// owners as it asks for, and by no owner twice, no stranger, and no owner of
// which nothing is proven.
func TestB11_OneOfNPresentedAsKOfN(t *testing.T) {
	all := someOwners(t, 4)
	owners, stranger := all[:3], all[3]
	text := demoChallenge(safeAccount).Text()
	digest := eip191Digest(ethereumWords, text)
	sig := func(o owner) string { return o.sign(t, digest) }
	joined := sig(owners[0]) + sig(owners[2])[2:]
	facts := Facts{Owners: map[chains.Account]chains.Owners{safeAccount: safeOf(owners, 2)}}
	for name, given := range map[string]string{
		"one a line": sig(owners[0]) + "\n" + sig(owners[2]) + "\n", "in another order": sig(owners[2]) + "\r\n" + sig(owners[0]),
		"joined": joined, "joined in another order": sig(owners[2]) + sig(owners[0])[2:], "by commas": sig(owners[0])[2:] + ", " + sig(owners[2]),
	} {
		got, err := Verify([]chains.Account{safeAccount}, text, given, facts)
		if want := (Signature{Method: Safe, Signature: joined, Grade: chains.OwnerProved}); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if got, err := Verify([]chains.Account{safeAccount}, text, joined+sig(owners[1])[2:], facts); err != nil || got.Signature != sig(owners[0])+sig(owners[1])[2:]+sig(owners[2])[2:] {
		t.Errorf("one more than asked for: got %+v, %v", got, err)
	}
	sevenTwelve := owners[0].sign(t, eip712Digest(text))
	for name, c := range map[string]struct{ given, says string }{
		"one of three":        {sig(owners[1]), "signatures of 1 owners, the Safe asks for 2 of its 3"},
		"one owner twice":     {sig(owners[1]) + "\n" + sig(owners[1]), "signed twice"},
		"a stranger":          {sig(owners[1]) + "\n" + sig(stranger), "who is no owner of the Safe"},
		"over another text":   {sig(owners[1]) + "\n" + owners[0].sign(t, eip191Digest(ethereumWords, text+" ")), "who is no owner of the Safe"},
		"of another method":   {sig(owners[1]) + "\n" + sevenTwelve, "who is no owner of the Safe"},
		"nothing":             {"", "1 to 64 owners, got 0"},
		"half a signature":    {joined[:len(joined)-2], "130 hex digits"},
		"more than any takes": {strings.Repeat(sig(owners[0])+"\n", 65), "1 to 64 owners, got 65"},
	} {
		got, err := Verify([]chains.Account{safeAccount}, text, c.given, facts)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %+v, %v, want an error about %q", name, got, err, c.says)
		}
	}
	// Owners who sign for a contract of which nothing is proven show nothing.
	for name, facts := range map[string]Facts{"no owners proven": {}, "another's owners": {Owners: map[chains.Account]chains.Owners{safeAccount: safeOf(all[2:], 2)}}} {
		for _, given := range []string{joined, sig(owners[0])} {
			if got, err := Verify([]chains.Account{safeAccount}, text, given, facts); err == nil {
				t.Errorf("%s: taken as %+v", name, got)
			}
		}
	}
}

// TestB11_SeveralSafes: one text for two Safes is answered by enough owners of
// each, or not at all.
func TestB11_SeveralSafes(t *testing.T) {
	owners := someOwners(t, 3)
	second := chains.Account("eip155:1:0x5afe000000000000000000000000000000005aff")
	accounts := []chains.Account{safeAccount, second}
	text := demoChallenge(accounts...).Text()
	digest := eip191Digest(ethereumWords, text)
	given := owners[1].sign(t, digest) + "\n" + owners[0].sign(t, digest)
	for threshold, says := range map[uint64]string{1: "", 2: "", 3: "the Safe asks for 3 of its 3"} {
		facts := Facts{Owners: map[chains.Account]chains.Owners{safeAccount: safeOf(owners, 2), second: safeOf(owners, threshold)}}
		got, err := Verify(accounts, text, given, facts)
		if (err == nil) != (says == "") || says != "" && !strings.Contains(err.Error(), says) {
			t.Errorf("threshold %d: got %+v, %v", threshold, got, err)
		}
	}
	facts := Facts{Owners: map[chains.Account]chains.Owners{safeAccount: safeOf(owners, 2)}}
	if got, err := Verify(accounts, text, given, facts); err == nil || !strings.Contains(err.Error(), string(second)) {
		t.Errorf("a Safe and a contract of which nothing is proven: got %+v, %v", got, err)
	}
}

// TestContract: what nodes answered is taken as their word, in its form.
func TestContract(t *testing.T) {
	text := demoChallenge(safeAccount).Text()
	accounts := []chains.Account{safeAccount}
	got, err := Verify(accounts, text, "0xABcd", Facts{Nodes: []string{"b:8545", "a:8545", "b:8545"}})
	if want := (Signature{Method: EIP1271, Nodes: []string{"a:8545", "b:8545"}, Signature: "0xabcd", Grade: chains.ContractAttested}); err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := Verify(accounts, text, "", Facts{Nodes: []string{"a"}}); err != nil || got.Signature != "0x" {
		t.Errorf("empty: got %+v, %v", got, err)
	}
	long := "0x" + strings.Repeat("00", maxContract)
	if _, err := Verify(accounts, text, long, Facts{Nodes: []string{"a"}}); err != nil {
		t.Errorf("the longest: %v", err)
	}
	var many []string
	for i := range 17 {
		many = append(many, fmt.Sprint("node", i))
	}
	for name, c := range map[string]struct {
		given string
		nodes []string
	}{
		"too long": {long + "00", []string{"a"}}, "not hex": {"0xzz", []string{"a"}}, "half a byte": {"0xabc", []string{"a"}},
		"too many nodes": {"0x", many}, "no label": {"0x", []string{""}}, "a label not of ASCII": {"0x", []string{"é"}}, "a long label": {"0x", []string{strings.Repeat("a", 65)}},
	} {
		if got, err := Verify(accounts, text, c.given, Facts{Nodes: c.nodes}); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
	if got := ContractDigest(text); string(got[:]) != string(eip191Digest(ethereumWords, text)) {
		t.Errorf("contracts are asked about %x", got)
	}
}

// TestB01_StaticText: whatever signs a text of others, its grade is static;
// and no text that looks like a challenge passes as one of others.
func TestB01_StaticText(t *testing.T) {
	const text = "I am an OKX address"
	accounts := []chains.Account{testAccount}
	key, err := crypto.HexToECDSA(testKey)
	if err != nil {
		t.Fatal(err)
	}
	me := owner{key: key}
	for method, digest := range map[string][]byte{EIP191: eip191Digest(ethereumWords, text), EIP191Hash: hashedDigest(ethereumWords, text), EIP712: eip712Digest(text)} {
		got, err := Verify(accounts, text, me.sign(t, digest), Facts{})
		if err != nil || got.Method != method || got.Grade != chains.Static {
			t.Errorf("%s: got %+v, %v", method, got, err)
		}
	}
	safe := Facts{Owners: map[chains.Account]chains.Owners{testAccount: {Addresses: []string{testAccount.Address()}, Threshold: 1}}}
	if got, err := Verify(accounts, text, me.sign(t, eip191Digest(ethereumWords, text)), safe); err != nil || got.Method != Safe || got.Grade != chains.Static {
		t.Errorf("a Safe: got %+v, %v", got, err)
	}
	challenge := demoChallenge(testAccount).Text()
	for name, text := range map[string]string{
		"empty": "", "too long": strings.Repeat("a", 1025), "a tab": "a\tb", "not ASCII": "é", "del": "\x7f",
		"another version": strings.Replace(challenge, "v1", "v2", 1), "another's challenge": demoChallenge(safeAccount).Text(),
		"two accounts": demoChallenge(testAccount, safeAccount).Text(), "a challenge and more": challenge + "\nnote: x",
	} {
		if got, err := Verify(accounts, text, me.sign(t, eip191Digest(ethereumWords, text)), Facts{}); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
	if got, err := Verify(accounts, strings.Repeat("a", 1024), me.sign(t, eip191Digest(ethereumWords, strings.Repeat("a", 1024))), Facts{}); err != nil || got.Grade != chains.Static {
		t.Errorf("the longest text: %+v, %v", got, err)
	}
}

// TestOneKeyOnSeveralChains: one signature over one text serves the accounts of
// one address, and no other.
func TestOneKeyOnSeveralChains(t *testing.T) {
	accounts := []chains.Account{testAccount, "eip155:42161:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"}
	text := demoChallenge(accounts...).Text()
	sig := "0x" + hex.EncodeToString(signEIP191(t, text))
	if got, err := Verify(accounts, text, sig, Facts{}); err != nil || got.Method != EIP191 {
		t.Errorf("got %+v, %v", got, err)
	}
	others := map[string][]chains.Account{
		"in another order": {accounts[1], accounts[0]}, "one of them": accounts[:1], "none": nil, "one twice": {testAccount, testAccount},
		"one more": append(slices.Clone(accounts), "eip155:56:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"),
	}
	for name, other := range others {
		if got, err := Verify(other, text, sig, Facts{}); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
	for name, other := range map[string][]chains.Account{
		"a stranger among them": {testAccount, safeAccount}, "descending": {accounts[1], accounts[0]},
		"Bitcoin among them": {mainnet + ":1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", testAccount},
	} {
		text := demoChallenge(other...).Text()
		if got, err := Verify(other, text, "0x"+hex.EncodeToString(signEIP191(t, text)), Facts{}); err == nil {
			t.Errorf("%s: taken as %+v", name, got)
		}
	}
}
