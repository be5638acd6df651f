package beacon

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// The consensus specifications' own vectors of fast_aggregate_verify (testdata/README).
func TestBLS_OfficialVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/bls.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name, Message, Signature string
		Keys                     []string
		Verifies                 bool
	}
	if err := json.Unmarshal(raw, &list); err != nil || len(list) < 5 {
		t.Fatal(len(list), err)
	}
	for _, v := range list {
		t.Run(v.Name, func(t *testing.T) {
			var keys points
			for _, k := range v.Keys {
				var key bls12381.G1Affine
				if key, err = parseKey(unhex(t, k)); err != nil {
					break
				}
				keys = append(keys, key)
			}
			if err == nil {
				err = verify(keys.sum(bytes.Repeat([]byte{0xff}, 1)), hashOf(t, v.Message), unhex(t, v.Signature))
			}
			if (err == nil) != v.Verifies {
				t.Errorf("got %v, want it to verify: %v", err, v.Verifies)
			}
		})
	}
}

// outside is a point of the curve that is not in the subgroup.
func outside(t testing.TB) []byte {
	t.Helper()
	var x fp.Element
	x.SetUint64(5)
	jacobian := bls12381.GeneratePointNotInG1(x)
	var p bls12381.G1Affine
	p.FromJacobian(&jacobian)
	if !p.IsOnCurve() || p.IsInSubGroup() {
		t.Fatal("the point is no use")
	}
	raw := p.Bytes()
	return raw[:]
}

func TestKeys_Refused(t *testing.T) {
	_, good, _ := loadDevnet(t)
	_, _, generator, second := bls12381.Generators()
	uncompressed := generator.RawBytes()
	infinity := append([]byte{0xc0}, make([]byte, 47)...)
	tooBig := append([]byte{0x9f}, bytes.Repeat([]byte{0xff}, 47)...)
	noPoint := append([]byte{0x80}, make([]byte, 47)...)
	for noPoint[47] = 1; ; noPoint[47]++ {
		if _, err := parseKey(noPoint); err != nil && strings.Contains(err.Error(), "square root") {
			break
		}
	}
	for name, c := range map[string]struct {
		key  []byte
		want string
	}{
		"infinity":              {infinity, "point at infinity"},
		"dirty infinity":        {append(bytes.Clone(infinity[:47]), 1), "infinity"},
		"outside the subgroup":  {outside(t), "subgroup"},
		"half of the long form": {uncompressed[:48], "short"},
		"above the modulus":     {tooBig, ""},
		"not on the curve":      {noPoint, "square root"},
		"no flags":              {make([]byte, 48), ""},
	} {
		t.Run(name, func(t *testing.T) {
			bad := committee{aggregate: good.aggregate, keys: bytes.Clone(good.keys)}
			copy(bad.key(300), c.key)
			_, err := bad.points("committee")
			var check *CheckError
			if !errors.As(err, &check) || check.Field != "committee.keys[300]" || !strings.Contains(check.Got, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	bad := committee{aggregate: bytes.Clone(good.key(0)), keys: good.keys}
	if _, err := bad.points("committee"); err == nil || !strings.Contains(err.Error(), "not the sum of the keys") {
		t.Errorf("another aggregate: got %v", err)
	}
	message := [32]byte{1}
	for name, signature := range map[string][]byte{
		"infinity": append([]byte{0xc0}, make([]byte, 95)...),
		"zeros":    make([]byte, 96),
		"other":    func() []byte { raw := second.Bytes(); return raw[:] }(),
	} {
		if verify(generator, message, signature) == nil {
			t.Errorf("the signature %s verifies", name)
		}
	}
	var nobody bls12381.G1Affine
	raw := second.Bytes()
	for _, signature := range [][]byte{raw[:], append([]byte{0xc0}, make([]byte, 95)...)} {
		if verify(nobody, message, signature) == nil {
			t.Errorf("a signature %x by nobody verifies", signature[:1])
		}
	}
}

// A signature outside the subgroup differs from the true one by a point of small order; pairings alone would not tell.
func TestSignature_OutsideTheSubgroup(t *testing.T) {
	var secret fr.Element
	secret.SetUint64(77)
	_, _, g1, _ := bls12381.Generators()
	var key bls12381.G1Affine
	key.ScalarMultiplication(&g1, bigOf(&secret))
	message := [32]byte{9}
	point, err := bls12381.HashToG2(message[:], []byte(suite))
	if err != nil {
		t.Fatal(err)
	}
	point.ScalarMultiplication(&point, bigOf(&secret))
	good := point.Bytes()
	if err := verify(key, message, good[:]); err != nil {
		t.Fatal(err)
	}
	for i := byte(1); i < 40; i++ {
		raw := append([]byte{0x80}, make([]byte, 95)...)
		raw[95] = i
		var p bls12381.G2Affine
		if _, err := p.SetBytes(raw); err != nil && strings.Contains(err.Error(), "subgroup") {
			if err := verify(key, message, raw); err == nil || !strings.Contains(err.Error(), "subgroup") {
				t.Errorf("got %v", err)
			}
			return
		}
	}
	t.Fatal("no point of the curve outside the subgroup was found")
}

func BenchmarkCommittee(b *testing.B) {
	_, c, _ := loadDevnet(b)
	for b.Loop() {
		if _, err := c.points("committee"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	d, next, network := loadDevnet(b)
	keys, err := next.points("committee")
	if err != nil {
		b.Fatal(err)
	}
	u := d.Update.update(b, next)
	for b.Loop() {
		if err := (&client{network: network, keys: keys}).follow("updates[0]", u); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignature(b *testing.B) {
	d, next, network := loadDevnet(b)
	keys, err := next.points("committee")
	if err != nil {
		b.Fatal(err)
	}
	u := d.Finality.update(b, committee{})
	for b.Loop() {
		if err := (&client{network: network, keys: keys}).checkFinality(u); err != nil {
			b.Fatal(err)
		}
	}
}

func bigOf(e *fr.Element) *big.Int { return e.BigInt(new(big.Int)) }
