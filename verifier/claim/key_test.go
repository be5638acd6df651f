package claim

import (
	"encoding/hex"
	"math/big"
	"strings"
	"testing"
	"time"
)

// The key and the signature of "sample" with SHA-256 in RFC 6979, A.2.5. Its s happens to be in the upper half.
const (
	rfcKey = "p256:0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
	rfcR   = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
	rfcS   = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
	order  = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
)

func TestKey_P256(t *testing.T) {
	key, err := parseKey(rfcKey)
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) *big.Int { v, _ := new(big.Int).SetString(s, 16); return v }
	low := hex.EncodeToString(new(big.Int).Sub(number(order), number(rfcS)).FillBytes(make([]byte, 32)))
	zero := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		signature, message string
		want               bool
	}{
		"RFC 6979, s respelt low": {rfcR + low, "sample", true},
		"RFC 6979 as printed":     {rfcR + rfcS, "sample", false},
		"another message":         {rfcR + low, "simple", false},
		"a byte too many":         {rfcR + low + "00", "sample", false},
		"a byte too few":          {rfcR + low[:62], "sample", false},
		"r of 0":                  {zero + low, "sample", false},
		"s of 0":                  {rfcR + zero, "sample", false},
		"r of the order":          {order + low, "sample", false},
		"nothing":                 {"", "sample", false},
	} {
		raw, err := hex.DecodeString(c.signature)
		if err != nil {
			t.Fatal(err)
		}
		if got := key.verifies([]byte(c.message), raw); got != c.want {
			t.Errorf("%s: verifies is %v", name, got)
		}
	}
	signature, err := hex.DecodeString(rfcR + low)
	if err != nil {
		t.Fatal(err)
	}
	if dsse := (&signedCustody{message: []byte("sample"), signature: signature}); !dsse.verify(key) {
		t.Error("a custodian's P-256 key does not verify an envelope")
	}
	if jws := (&signedCustody{message: []byte("sample"), signature: signature, jws: true}); jws.verify(key) {
		t.Error("a JWS, whose algorithm is EdDSA, verifies with a P-256 key")
	}
	if (Key{}).verifies(nil, make([]byte, 64)) {
		t.Error("a signature by no key verifies")
	}
}

func TestParseKey(t *testing.T) {
	for _, s := range []string{"ed25519:" + hash0, rfcKey, pointG} {
		if k, err := parseKey(s); err != nil || k.Text != s || len(k.ID) != 64 {
			t.Errorf("%s is refused: %v", s, err)
		}
	}
	x := strings.TrimPrefix(pointG, "p256:03")
	for name, s := range map[string]string{
		"empty": "", "no kind": hash0, "another kind": "p384:" + hash0 + "00", "two kinds": "p256:ed25519:" + hash0, "kind in capitals": "P256:03" + x,
		"Ed25519 too long": "ed25519:" + hash0 + "00", "Ed25519 too short": "ed25519:" + hash0[2:],
		"upper case": "p256:03" + strings.ToUpper(x), "uncompressed": "p256:04" + x, "the point at infinity": "p256:00", "hybrid": "p256:06" + x,
		"x alone": "p256:" + x, "too long": pointG + "00", "no such point": "p256:02" + strings.Repeat("0", 63) + "1", "x of the field": "p256:02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
		"x above the field": "p256:02" + strings.Repeat("f", 64), "space": " " + pointG, "line feed": pointG + "\n",
	} {
		if _, err := parseKey(s); err == nil {
			t.Errorf("%s: %q is accepted", name, s)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(pointG)
	f.Add(rfcKey)
	f.Add("ed25519:" + hash0)
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := parseKey(s); err == nil && (k.Text != s || strings.ToLower(s) != s || k.public == nil) {
			t.Fatalf("accepted %q", s)
		}
	})
}

// Limits are inclusive at both ends; a key that is revoked counts for what evidence shows to be older, whatever it says of itself.
func TestCheckLimits(t *testing.T) {
	key, err := parseKey(pointG)
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := parseTime(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	january, june, july := at("2026-01-01T00:00:00Z"), at("2026-06-30T23:59:59Z"), at("2026-07-01T00:00:00Z")
	for name, c := range map[string]struct {
		limit            Limit
		issued, notAfter time.Time
		want             string
	}{
		"no limits":            {Limit{}, june, time.Time{}, ""},
		"on the first second":  {Limit{From: january}, january, time.Time{}, ""},
		"on the last second":   {Limit{Until: june}, june, time.Time{}, ""},
		"a second too early":   {Limit{From: july}, june, time.Time{}, "is believed from 2026-07-01T00:00:00Z on, and this is of 2026-06-30T23:59:59Z"},
		"a second too late":    {Limit{Until: june}, july, time.Time{}, "is believed until 2026-06-30T23:59:59Z, and this is of 2026-07-01T00:00:00Z"},
		"evidence of its time": {Limit{Until: june}, july, january, "is believed until"},
		"revoked, dated back":  {Limit{Revoked: july}, january, time.Time{}, "is revoked as of 2026-07-01T00:00:00Z, and nothing that the policy believes shows that it signed before"},
		"revoked, seen before": {Limit{Revoked: july}, january, june, ""},
		"revoked, seen at it":  {Limit{Revoked: july}, january, july, "no earlier than 2026-07-01T00:00:00Z"},
		"revoked and too late": {Limit{Until: june, Revoked: july}, july, june, "is believed until"},
		"within all three":     {Limit{january, june, july}, january, june, ""},
	} {
		p := &Policy{Limits: map[string]Limit{key.Text: c.limit}}
		err := p.CheckLimits(key, c.issued, c.notAfter)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
