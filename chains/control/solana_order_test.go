package control

import (
	"encoding/hex"
	"math/big"
	"testing"
)

// TestB13_SmallOrder doubles each key of the list thrice on the curve, and finds
// nothing left; that there are five such coordinates is the group's structure.
func TestB13_SmallOrder(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p))
	// double tells the second coordinate of twice a point from its own:
	// x² = (y² − 1) ÷ (d y² + 1), and y' = (y² + x²) ÷ (1 − d x² y²).
	double := func(y *big.Int) *big.Int {
		yy := new(big.Int).Mul(y, y)
		under := new(big.Int).Add(new(big.Int).Mul(d, yy), big.NewInt(1))
		xx := new(big.Int).Mul(new(big.Int).Sub(yy, big.NewInt(1)), under.ModInverse(under.Mod(under, p), p))
		below := new(big.Int).Sub(big.NewInt(1), new(big.Int).Mul(d, new(big.Int).Mul(xx, yy)))
		twice := new(big.Int).Mul(new(big.Int).Add(yy, xx), below.ModInverse(below.Mod(below, p), p))
		return twice.Mod(twice, p)
	}
	found := map[string]bool{}
	for _, text := range lowOrder {
		key, err := hex.DecodeString(text)
		if err != nil || len(key) != 32 {
			t.Fatal(err)
		}
		if !smallOrder(key) {
			t.Errorf("%s is not refused", text)
		}
		key[31] |= 0x80
		if !smallOrder(key) {
			t.Errorf("%s with the other sign is not refused", text)
		}
		key[31] &= 0x7f
		for i := range 16 {
			key[i], key[31-i] = key[31-i], key[i]
		}
		y := new(big.Int).Mod(new(big.Int).SetBytes(key), p)
		found[y.String()] = true
		if got := double(double(double(y))); got.Cmp(big.NewInt(1)) != 0 {
			t.Errorf("%s: eight times it is at %s", text, got)
		}
	}
	if len(found) != 5 {
		t.Errorf("%d coordinates, want those of 1, 1, 2 and 4 points, the last as a pair", len(found))
	}
	if base := append([]byte{0x58}, make([]byte, 31)...); smallOrder(base) {
		t.Error("another key is refused")
	}
}
