//go:build pkcs11 && cgo

package keys

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/miekg/pkcs11"
)

// TestTokenPublicKey: tokens spell curves and points in more ways than SoftHSM does.
func TestTokenPublicKey(t *testing.T) {
	base := "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
	ed := strings.Repeat("5a", 32)
	const name, oid, other, p256 = "130c656477617264733235353139", "06032b6570", "06092b06010401da470f01", "06082a8648ce3d030107"
	for _, c := range []struct {
		kind                uint
		params, point, want string
	}{
		{ckkECEdwards, name, "0420" + ed, "ed25519:" + ed},
		{ckkECEdwards, oid, "0420" + ed, "ed25519:" + ed},
		{ckkECEdwards, other, ed, "ed25519:" + ed},
		{pkcs11.CKK_EC, p256, "0441" + base, "p256:03" + base[2:66]},
		{pkcs11.CKK_EC, p256, base, "p256:03" + base[2:66]},
		{pkcs11.CKK_EC, p256, "0441" + base[:130-2] + "f6", ""}, // no point of the curve
		{pkcs11.CKK_EC, p256, "0421" + "03" + base[2:66], ""},
		{pkcs11.CKK_EC, "06052b81040022", "0441" + base, ""}, // P-384
		{pkcs11.CKK_EC, name, "0420" + ed, ""},
		{ckkECEdwards, p256, "0441" + base, ""},
		{ckkECEdwards, name, "0421" + ed + "00", ""},
		{pkcs11.CKK_RSA, p256, "0441" + base, ""},
	} {
		params, err1 := hex.DecodeString(c.params)
		point, err2 := hex.DecodeString(c.point)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		got, err := publicKey(c.kind, params, point)
		if (err == nil) != (c.want != "") || err == nil && got.String() != c.want {
			t.Errorf("type 0x%x, curve %s, point %s: got %s, %v, want %s", c.kind, c.params, c.point, got, err, c.want)
		}
	}
}
