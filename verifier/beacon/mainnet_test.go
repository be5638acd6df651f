package beacon

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// A signature by 511 of Ethereum mainnet's validators, of August 2023 (testdata/README): the sum of their keys is the committee's
// aggregate without the one that did not sign.
func TestMainnet_Signature(t *testing.T) {
	raw, err := os.ReadFile("testdata/mainnet.json")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Attested           jsonHeader
		Finalized          jsonHeader
		Finality           []string
		Aggregate, Absent  string
		Version, Signature string
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	network, _ := Known("eip155:1")
	block, version := m.Attested.header(t), [4]byte(unhex(t, m.Version))
	if err := inTree("finality", "", m.Finalized.header(t).root(), branchOf(t, m.Finality), 105, block.state); err != nil {
		t.Error(err)
	}
	aggregate, err := parseKey(unhex(t, m.Aggregate))
	if err != nil {
		t.Fatal(err)
	}
	absent, err := parseKey(unhex(t, m.Absent))
	if err != nil {
		t.Fatal(err)
	}
	var sum bls12381.G1Affine
	sum.Sub(&aggregate, &absent)
	signature := unhex(t, m.Signature)
	if err := verify(sum, signingRoot(block.root(), version, network.Genesis), signature); err != nil {
		t.Error(err)
	}
	version[0]++
	if err := verify(sum, signingRoot(block.root(), version, network.Genesis), signature); err == nil {
		t.Error("the signature verifies for another fork")
	}
	if err := verify(aggregate, signingRoot(block.root(), [4]byte{3}, network.Genesis), signature); err == nil {
		t.Error("the signature verifies for all 512")
	}
}
