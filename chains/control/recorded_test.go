package control

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"github.com/assay-por/assay/chains"
)

// recorded is a signature that another program made.
type recorded struct {
	Accounts  []chains.Account `json:"accounts"`
	Challenge string           `json:"challenge"`
	Method    string           `json:"method"`
	Signature string           `json:"signature"`
}

func readRecorded(t testing.TB, name string) []recorded {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// recordings are the files of testdata, and how many signatures each holds.
var recordings = map[string]int{"cast-1.7.1.json": 4, "tronweb-6.5.1.json": 2, "xrpl-5.3.0.json": 2, "tweetnacl-1.0.3.json": 3}

// TestRecorded: what wallets' own libraries sign is taken, over its text and
// for its accounts only.
func TestRecorded(t *testing.T) {
	for name, count := range recordings {
		all := readRecorded(t, name)
		if len(all) != count {
			t.Errorf("%s: %d signatures, want %d", name, len(all), count)
		}
		for _, r := range all {
			s, err := Verify(r.Accounts, r.Challenge, r.Signature, Facts{})
			if err != nil || s.Method != r.Method || s.Grade != chains.Bound {
				t.Errorf("%s, %s: got %+v, %v", name, r.Method, s, err)
				continue
			}
			if again, err := Verify(r.Accounts, r.Challenge, s.Signature, Facts{}); err != nil || again.Signature != s.Signature {
				t.Errorf("%s, %s: %s became %s, %v", name, r.Method, s.Signature, again.Signature, err)
			}
			other := strings.Replace(r.Challenge, "root: 91", "root: 92", 1)
			if s, err := Verify(r.Accounts, other, r.Signature, Facts{}); err == nil || other == r.Challenge {
				t.Errorf("%s, %s: taken for another root: %+v", name, r.Method, s)
			}
			for i := range s.Signature {
				bad := []byte(s.Signature)
				bad[i] = map[bool]byte{true: '1', false: '2'}[bad[i] == '2']
				if s.Signature[i] == ':' || i%7 > 0 { // every seventh digit is enough
					continue
				}
				if got, err := Verify(r.Accounts, r.Challenge, string(bad), Facts{}); err == nil && string(bad) != s.Signature {
					t.Errorf("%s, %s: taken with digit %d changed: %+v", name, r.Method, i, got)
				}
			}
		}
	}
}

// TestTypedData: go-ethereum reads our typed data and hashes it as we do.
func TestTypedData(t *testing.T) {
	text := demoChallenge(testAccount).Text()
	b, err := TypedData(text)
	if err != nil {
		t.Fatal(err)
	}
	var typed apitypes.TypedData
	if err := json.Unmarshal(b, &typed); err != nil {
		t.Fatal(err)
	}
	got, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil || string(got) != string(eip712Digest(text)) {
		t.Errorf("digest is %x, %v, want %x", eip712Digest(text), err, got)
	}
}
