package evidence

import (
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
)

const safeAccount = "eip155:1:0x5afe5afe5afe5afe5afe5afe5afe5afe5afe5afe"

// signedBy joins signatures of keys, by ascending address unless they are given out of order.
func signedBy(t testing.TB, text string, sorted bool, seeds ...byte) string {
	t.Helper()
	type signed struct{ address, signature string }
	var list []signed
	for _, seed := range seeds {
		address, signature := signDigest(t, seed, accounts.TextHash([]byte(text)))
		list = append(list, signed{address, signature[2:]})
	}
	slices.SortFunc(list, func(a, b signed) int {
		if sorted {
			return strings.Compare(a.address, b.address)
		}
		return strings.Compare(b.address, a.address)
	})
	out := "0x"
	for _, s := range list {
		out += s.signature
	}
	return out
}

func ownersOf(t testing.TB, seeds ...byte) (owners []string) {
	t.Helper()
	for _, seed := range seeds {
		address, _ := signDigest(t, seed, make([]byte, 32))
		owners = append(owners, address)
	}
	return owners
}

// TestB11_OneOfNPresentedAsKOfN: what an owner signs counts for a Safe as its proved state says, and for no other contract.
func TestB11_OneOfNPresentedAsKOfN(t *testing.T) {
	two := map[string]Safe{safeAccount: {Owners: ownersOf(t, 3, 1, 2), Threshold: 2}}
	other := "eip155:10" + safeAccount[len("eip155:1"):]
	both := map[string]Safe{safeAccount: two[safeAccount], other: {Owners: ownersOf(t, 1, 2, 3, 4), Threshold: 3}}
	for _, tt := range []struct {
		name, signature string
		safes           map[string]Safe
		want            string
	}{
		{"two of three", signedBy(t, testChallenge, true, 1, 2), two, ""},
		{"three of three", signedBy(t, testChallenge, true, 1, 2, 3), two, ""},
		{"one of three", signedBy(t, testChallenge, true, 1), two, "fewer owners than the Safe's threshold: got 1, want 2 owners of " + safeAccount},
		{"one of three, twice", signedBy(t, testChallenge, true, 1, 1), two, "the signers do not ascend strictly"},
		{"out of order", signedBy(t, testChallenge, false, 1, 2), two, "the signers do not ascend strictly"},
		{"one is no owner", signedBy(t, testChallenge, true, 1, 9), two, "a signature that no owner of the Safe made"},
		{"enough, and one more who is no owner", signedBy(t, testChallenge, true, 1, 2, 9), two, "a signature that no owner of the Safe made"},
		{"over another text", signedBy(t, testChallenge+"\n", true, 1), two, "a signature that no owner of the Safe made"},
		{"owners not proved", signedBy(t, testChallenge, true, 1, 2), nil, "its owners are not proved"},
		{"another Safe's owners proved", signedBy(t, testChallenge, true, 1, 2), map[string]Safe{other: both[other]}, "its owners are not proved"},
		{"a state without a threshold", signedBy(t, testChallenge, true, 1), map[string]Safe{safeAccount: {}}, "a signature that no owner"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Control{Accounts: []string{safeAccount}, Method: MethodSafe, Challenge: testChallenge, Signature: tt.signature, Safes: tt.safes}
			grade, err := c.Verify()
			if tt.want != "" {
				field := "signature"
				if strings.Contains(tt.want, "not proved") {
					field = "account"
				}
				wantCheck(t, err, field, tt.want)
			} else if err != nil || grade != GradeOwnerProved {
				t.Errorf("got %q, %v; want %q", grade, err, GradeOwnerProved)
			}
		})
	}
	// two Safes in one entry: enough for the one are too few for the other
	c := Control{Accounts: []string{safeAccount, other}, Method: MethodSafe, Challenge: testChallenge, Signature: signedBy(t, testChallenge, true, 1, 2), Safes: both}
	_, err := c.Verify()
	wantCheck(t, err, "signature", "got 2, want 3 owners of "+other)
	c.Signature = signedBy(t, testChallenge, true, 1, 2, 3)
	if grade, err := c.Verify(); err != nil || grade != GradeOwnerProved {
		t.Errorf("got %q, %v", grade, err)
	}
	// an owner's own signature shows the owner's account, not the contract's
	_, one := signDigest(t, 1, accounts.TextHash([]byte(testChallenge)))
	_, err = verifyOne(MethodEIP191, safeAccount, testChallenge, one)
	wantCheck(t, err, "signature", "not this account's signature of this text")
}

func TestSafe_Refused(t *testing.T) {
	good := signedBy(t, testChallenge, true, 1, 2)
	safes := map[string]Safe{safeAccount: {Owners: ownersOf(t, 1, 2), Threshold: 2}, "solana:x:1": {}}
	for _, tt := range []struct{ name, account, signature, field, problem string }{
		{"no prefix", safeAccount, good[2:], "signature", "for each of 1 to 64 signatures"},
		{"nobody", safeAccount, "0x", "signature", "for each of 1 to 64 signatures"},
		{"half a signature", safeAccount, good[:len(good)-2], "signature", "for each of 1 to 64 signatures"},
		{"65 signatures", safeAccount, "0x" + strings.Repeat(good[2:132], 65), "signature", "for each of 1 to 64 signatures"},
		{"v 29", safeAccount, good[:len(good)-2] + "1d", "signature", "v is 29, want 27 or 28"},
		{"upper case", safeAccount, "0x" + strings.ToUpper(good[2:]), "signature", "not lower-case hex"},
		{"another chain", "solana:x:1", good, "account", "which this method is for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := (&Control{Accounts: []string{tt.account}, Method: MethodSafe, Challenge: testChallenge, Signature: tt.signature, Safes: safes}).Verify()
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
	for r := byte(1); r < 40; r++ { // about half of them are beside the curve
		signature := "0x" + strings.Repeat("00", 31) + string("0123456789abcdef"[r/16]) + string("0123456789abcdef"[r%16]) + good[66:132]
		_, err := (&Control{Accounts: []string{safeAccount}, Method: MethodSafe, Challenge: testChallenge, Signature: signature, Safes: safes}).Verify()
		if err != nil && strings.Contains(err.Error(), "no key is recovered") {
			wantCheck(t, err, "signature", "no key is recovered from number 0")
			return
		}
	}
	t.Error("every r recovers a key")
}

// What a contract accepts is the nodes' word: only the form of it is looked at, and the grade says so.
func TestEIP1271_Form(t *testing.T) {
	for _, signature := range []string{"0x", "0x00", "0x" + strings.Repeat("ab", maxContractBytes)} {
		wantGrade(t, MethodEIP1271, safeAccount, signature, "", GradeContractAttested)
	}
	for _, tt := range []struct{ account, signature, field, problem string }{
		{safeAccount, "", "signature", "want 0x and the hex"},
		{safeAccount, "00", "signature", "want 0x and the hex"},
		{safeAccount, "0x0", "signature", "not lower-case hex"},
		{safeAccount, "0xAB", "signature", "not lower-case hex"},
		{safeAccount, "0x" + strings.Repeat("ab", maxContractBytes+1), "signature", "at most 16384 bytes"},
		{mainnet + ":1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "0x", "account", "which this method is for"},
	} {
		_, err := verifyOne(MethodEIP1271, tt.account, testChallenge, tt.signature)
		wantFormat(t, err, tt.field, tt.problem)
	}
}
