package evidence

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// signDigest signs with go-ethereum's key number seed.
func signDigest(t testing.TB, seed byte, digest []byte) (address, signature string) {
	t.Helper()
	key, err := crypto.ToECDSA(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := crypto.Sign(digest, key)
	if err != nil {
		t.Fatal(err)
	}
	sig[64] += 27
	return strings.ToLower(crypto.PubkeyToAddress(key.PublicKey).Hex()), "0x" + hex.EncodeToString(sig)
}

// typedData is what a wallet is asked to sign by eth_signTypedData_v4.
func typedData(text string) apitypes.TypedData {
	return apitypes.TypedData{
		Types: apitypes.Types{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}},
			"Control":      {{Name: "challenge", Type: "string"}},
		},
		PrimaryType: "Control",
		Domain:      apitypes.TypedDataDomain{Name: "Assay", Version: "1"},
		Message:     apitypes.TypedDataMessage{"challenge": text},
	}
}

// ethereumDigests are the digests of the methods, by go-ethereum.
func ethereumDigests(t testing.TB, text string) map[string][]byte {
	t.Helper()
	typed, _, err := apitypes.TypedDataAndHash(typedData(text))
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		MethodEIP191:     accounts.TextHash([]byte(text)),
		MethodEIP191Hash: accounts.TextHash(crypto.Keccak256([]byte(text))),
		MethodEIP712:     typed,
	}
}

// A signature is of one method: over the digest of another it is another key's.
func TestEthereum_EachMethodItsDigest(t *testing.T) {
	for made, digest := range ethereumDigests(t, testChallenge) {
		address, signature := signDigest(t, 7, digest)
		for _, method := range []string{MethodEIP191, MethodEIP191Hash, MethodEIP712} {
			want := "not this account's signature of this text"
			if method == made {
				want = ""
			}
			wantGrade(t, method, "eip155:1:"+address, signature, want, GradeBound)
		}
		_, err := verifyOne(made, "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:7bzoTJhZmpU1vQVjN63fQ3iVYmWCVgQh1sYSqsjuapU9", testChallenge, signature)
		wantFormat(t, err, "account", "which this method is for")
	}
}

// One signature for an address on several chains, over one challenge that names them all.
func TestEthereum_SeveralChains(t *testing.T) {
	address, _ := signDigest(t, 7, make([]byte, 32))
	named := []string{"eip155:1:" + address, "eip155:10:" + address, "eip155:8453:" + address}
	var pinned []Pinned
	for _, account := range named {
		pinned = append(pinned, Pinned{account[:strings.LastIndexByte(account, ':')], account, "0x03"})
	}
	text := Challenge("Demo Exchange", "01", "04", pinned...)
	_, signature := signDigest(t, 7, accounts.TextHash([]byte(text)))
	c := Control{Accounts: named, Method: MethodEIP191, Challenge: text, Signature: signature}
	if grade, err := c.Verify(); err != nil || grade != GradeBound {
		t.Fatalf("got %q, %v", grade, err)
	}
	stranger, _ := signDigest(t, 8, make([]byte, 32))
	c.Accounts = append(named[:2:2], "eip155:8453:"+stranger)
	_, err := c.Verify()
	wantCheck(t, err, "signature", "want the key of "+stranger)
	// an account's lines left out of what was signed
	_, c.Signature = signDigest(t, 7, accounts.TextHash([]byte(Challenge("Demo Exchange", "01", "04", pinned[:2]...))))
	c.Accounts = named
	_, err = c.Verify()
	wantCheck(t, err, "signature", "not this account's signature of this text")
	c.Accounts = nil
	_, err = c.Verify()
	wantFormat(t, err, "accounts", "nobody is named")
}
