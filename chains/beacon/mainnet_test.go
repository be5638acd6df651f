package beacon

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// An update of Ethereum mainnet: its branches, its payload and its signature.
// Where it comes from stands in the file.
func TestMainnetUpdate(t *testing.T) {
	raw, err := os.ReadFile("testdata/mainnet-1151.json")
	if err != nil {
		t.Fatal(err)
	}
	u, err := parseFinality(raw)
	if err != nil {
		t.Fatal(err)
	}
	known, _ := KnownNetwork("eip155:1")
	net, err := known.parse()
	if err != nil {
		t.Fatal(err)
	}
	l := &light{network: net, period: 1151, signers: mainnetSigners(t, raw)}
	if err := l.final(&u); err != nil {
		t.Error(err)
	}
	branch, err := u.executionBranch()
	if err != nil || len(branch) != 9 {
		t.Errorf("execution: branch of %d, %v", len(branch), err)
	}
	// Under another network's rules, and under another fork's, it is no signature.
	for name, other := range map[string]network{
		"Electra": {genesis: net.genesis, forks: []fork{{0, Deneb, [4]byte{5}, false}}},
		"genesis": {genesis: root{1}, forks: net.forks},
	} {
		l.network = other
		if err := l.final(&u); err == nil {
			t.Errorf("%s: the signature was taken", name)
		}
	}
}

// mainnetSigners is a committee in place of the one that signed: the aggregate
// without the absent member stands for all but two others, which cancel out.
func mainnetSigners(t *testing.T, raw []byte) *signers {
	t.Helper()
	var file struct {
		Signers struct {
			Aggregate, Absent data
			Place             int
		} `json:"_signers"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	s := new(signers)
	absent := &s.keys[file.Signers.Place]
	if _, err := absent.SetBytes(file.Signers.Absent); err != nil {
		t.Fatal(err)
	}
	if _, err := s.keys[0].SetBytes(file.Signers.Aggregate); err != nil {
		t.Fatal(err)
	}
	s.keys[1].Neg(absent)
	return s // the others are the point at infinity, which adds nothing
}

func TestKnownNetworks(t *testing.T) {
	for chain, epochs := range map[string][3]uint64{
		"eip155:1": {269568, 364032, 411392}, "eip155:11155111": {132608, 222464, 272640}, "eip155:560048": {0, 2048, 50688},
	} {
		known, ok := KnownNetwork(chainOf(chain))
		net, err := known.parse()
		if !ok || err != nil {
			t.Fatalf("%s: %v", chain, err)
		}
		for i, epoch := range epochs {
			if f, err := net.at(epoch); err != nil || f.name != forkNames[i] || f.epoch != epoch {
				t.Errorf("%s: epoch %d is of %v, %v", chain, epoch, f, err)
			}
			if epoch == 0 {
				continue
			}
			f, err := net.at(epoch - 1)
			if i == 0 && err == nil || i > 0 && f.name != forkNames[i-1] {
				t.Errorf("%s: epoch %d is of %v, %v", chain, epoch-1, f, err)
			}
		}
	}
	known, _ := KnownNetwork("eip155:11155111")
	net, err := known.parse()
	if err != nil {
		t.Fatal(err)
	}
	var fork *ForkError
	if _, err := net.at(353024); !errors.As(err, &fork) || fork.Name != Gloas {
		t.Errorf("Gloas on Sepolia: %v", err)
	}
	if f, err := net.at(353023); err != nil || f.name != Fulu {
		t.Errorf("before Gloas on Sepolia: %v, %v", f, err)
	}
	if _, ok := KnownNetwork("eip155:5"); ok {
		t.Error("eip155:5 is known")
	}
}

func TestCommittee_Open(t *testing.T) {
	good := func() *committee {
		from := committeeOf(1)
		return &committee{keys: [committeeSize][48]byte(from.keys), aggregate: from.aggregate}
	}
	if _, err := good().open(); err != nil {
		t.Fatal(err)
	}
	infinity := [48]byte{0xc0}
	// On the curve, not in the subgroup: x = 4, with either y.
	outside := [48]byte{0x80}
	outside[47] = 4
	var point bls.G1Affine
	for name, change := range map[string]func(*committee){
		"infinity":               func(c *committee) { c.keys[5] = infinity },
		"outside the subgroup":   func(c *committee) { c.keys[5] = outside },
		"no point":               func(c *committee) { c.keys[5] = [48]byte{0x80, 47: 1} },
		"uncompressed":           func(c *committee) { c.keys[5][0] &= 0x7f },
		"x not below the prime":  func(c *committee) { c.keys[5] = pPlus(t, c.keys[5]) },
		"another aggregate":      func(c *committee) { c.aggregate = c.keys[0] },
		"the negative aggregate": func(c *committee) { c.aggregate[0] ^= 0x20 },
	} {
		c := good()
		change(c)
		if _, err := c.open(); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	if _, err := point.SetBytes(outside[:]); err == nil {
		t.Error("the point outside the subgroup is inside")
	}
}

// pPlus adds the field's prime to a key's x, where there is room.
func pPlus(t *testing.T, key [48]byte) [48]byte {
	t.Helper()
	p, err := hex.DecodeString("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab")
	if err != nil {
		t.Fatal(err)
	}
	flags, carry := key[0]&0xe0, 0
	key[0] &= 0x1f
	for i := 47; i >= 0; i-- {
		sum := int(key[i]) + int(p[i]) + carry
		key[i], carry = byte(sum), sum>>8
	}
	if key[0]&0xe0 != 0 {
		return [48]byte{flags, 47: 0xff} // no room: some x without a point will do
	}
	key[0] |= flags
	return key
}

func TestSigners_Verify(t *testing.T) {
	from := committeeOf(1)
	c := &committee{keys: [committeeSize][48]byte(from.keys), aggregate: from.aggregate}
	s, err := c.open()
	if err != nil {
		t.Fatal(err)
	}
	message := root(seeded("message", 1))
	bits, signature := from.sign(message, 400)
	if err := s.verify(bits, message, signature); err != nil {
		t.Fatal(err)
	}
	if s.verify(bits, root(seeded("message", 2)), signature) == nil {
		t.Error("another message was taken")
	}
	if s.verify([64]byte{}, message, signature) == nil {
		t.Error("nobody's signature was taken")
	}
	if s.verify([64]byte{}, message, [96]byte{0xc0}) == nil || s.verify(bits, message, [96]byte{0xc0}) == nil {
		t.Error("the point at infinity was taken for a signature")
	}
	negative := signature
	negative[0] ^= 0x20
	if s.verify(bits, message, negative) == nil {
		t.Error("the negative was taken")
	}
}
