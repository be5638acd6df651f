package custodian_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains/custodian"
)

const payload = `{"balances":[{"amount":"1.5","asset":"BTC"}],"custodian":"Example Trust","type":"assay/v1/custody"}`

// signer is a custodian's key, made of one byte.
type signer struct{ private ed25519.PrivateKey }

func newSigner(b byte) signer {
	return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))}
}

func (s signer) PublicKey() attest.PublicKey {
	return attest.Ed25519Key([32]byte(s.private.Public().(ed25519.PublicKey)))
}
func (s signer) Sign(m []byte) ([]byte, error) { return ed25519.Sign(s.private, m), nil }
func (s signer) key() custodian.Key            { return custodian.Key(s.private.Public().(ed25519.PublicKey)) }

// dsse is an envelope as package attest makes it, which shares no code with the one that is tested.
func (s signer) dsse(t testing.TB, payloadType string, signers ...attest.Signer) string {
	t.Helper()
	e, err := attest.Sign(payloadType, []byte(payload), append(signers, s)...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// jws is a JWS as go-jose makes it.
func (s signer) jws(t testing.TB, options *jose.SignerOptions) string {
	t.Helper()
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: s.private}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := made.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// headed is a JWS with any header, rightly signed by the key.
func (s signer) headed(header string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(s.private, []byte(text)))
}

func TestOpen(t *testing.T) {
	s := newSigner(1)
	dsse := s.dsse(t, attest.PayloadCustody)
	named := s.jws(t, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "2026-1"))
	for name, c := range map[string]struct {
		file string
		want custodian.Signed
	}{
		"envelope":              {dsse, custodian.Signed{Payload: []byte(payload), DSSE: []byte(dsse)}},
		"envelope with newline": {dsse + "\r\n", custodian.Signed{Payload: []byte(payload), DSSE: []byte(dsse)}},
		"JWS":                   {s.jws(t, nil), custodian.Signed{Payload: []byte(payload), JWS: s.jws(t, nil)}},
		"JWS with kid and typ":  {"\n" + named, custodian.Signed{Payload: []byte(payload), JWS: named}},
	} {
		got, err := custodian.Open([]byte(c.file), s.key())
		if err != nil || string(got.Payload) != payload || string(got.DSSE) != string(c.want.DSSE) || got.JWS != c.want.JWS {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// TestB16_CustodiansKey: only the pinned key speaks for a custodian, over just these bytes, in one of two strict forms; nothing in
// the file chooses key or algorithm.
func TestB16_CustodiansKey(t *testing.T) {
	s, other := newSigner(1), newSigner(2)
	dsse, jws := s.dsse(t, attest.PayloadCustody), s.jws(t, nil)
	parts := strings.Split(jws, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, c := range map[string]struct{ file, want string }{
		"envelope by another key":       {other.dsse(t, attest.PayloadCustody), "keyid"},
		"another key under our keyid":   {strings.Replace(other.dsse(t, attest.PayloadCustody), other.PublicKey().KeyID(), s.PublicKey().KeyID(), 1), "does not verify"},
		"JWS by another key":            {other.jws(t, nil), "does not verify"},
		"envelope with two signatures":  {s.dsse(t, attest.PayloadCustody, other), "2 signatures, want one"},
		"envelope without signatures":   {dsse[:strings.Index(dsse, `"signatures"`)] + `"signatures":[]}`, "0 signatures, want one"},
		"C12 envelope of a statement":   {s.dsse(t, attest.PayloadType), `payloadType is "application/vnd.in-toto+json"`},
		"C12 payload type swapped":      {strings.Replace(s.dsse(t, attest.PayloadDraw), attest.PayloadDraw, attest.PayloadCustody, 1), "does not verify"},
		"other payload":                 {strings.Replace(dsse, `"payload":"eyJi`, `"payload":"eyJj`, 1), "does not verify"},
		"blank in the envelope":         {strings.Replace(dsse, `","payloadType`, `", "payloadType`, 1), "not in canonical JSON"},
		"keys out of order":             {`{"payloadType":"x",` + strings.Replace(dsse[1:], `"payloadType":"application/vnd.assay.custody+json",`, "", 1), "not in canonical JSON"},
		"key twice":                     {`{"payload":"",` + dsse[1:], "not in canonical JSON"},
		"unknown key":                   {`{"a":1,` + dsse[1:], "no DSSE envelope"},
		"two envelopes":                 {dsse + dsse, "not in canonical JSON"},
		"alg none":                      {none + "." + parts[1] + ".", `alg is "none"`},
		"alg none, signed all the same": {s.headed(`{"alg":"none"}`), `alg is "none"`},
		"alg HS256 with the public key": {hmacSigned(t, s), `alg is "HS256"`},
		"alg in small letters":          {s.headed(`{"alg":"eddsa"}`), `alg is "eddsa"`},
		"no alg":                        {s.headed(`{"kid":"x"}`), "has no alg"},
		"alg twice":                     {s.headed(`{"alg":"EdDSA","alg":"EdDSA"}`), "occurs twice"},
		"alg spelt otherwise, twice":    {s.headed(`{"alg":"EdDSA","\u0061lg":"EdDSA"}`), "occurs twice"},
		"alg no string":                 {s.headed(`{"alg":["EdDSA"]}`), "is no string"},
		"crit":                          {s.headed(`{"alg":"EdDSA","crit":["b64"],"b64":false}`), "is no string"},
		"crit as a string":              {s.headed(`{"alg":"EdDSA","crit":"b64"}`), `has "crit"`},
		"a key of its own":              {s.jws(t, &jose.SignerOptions{EmbedJWK: true}), "is no string"},
		"where a key is":                {s.headed(`{"alg":"EdDSA","jku":"https://evil.example"}`), `has "jku"`},
		"another typ":                   {s.headed(`{"alg":"EdDSA","typ":"at+jwt"}`), `typ is "at+jwt"`},
		"header no object":              {s.headed(`["EdDSA"]`), "no object"},
		"header cut off":                {s.headed(`{"alg":"EdDSA"`), "cut off"},
		"something after the header":    {s.headed(`{"alg":"EdDSA"}{}`), "something follows"},
		"JWS of four parts":             {jws + ".", "has 4 parts"},
		"JWS with padding":              {parts[0] + "=." + parts[1] + "." + parts[2], "header is not base64url"},
		"JWS with a line break":         {parts[0] + "." + parts[1][:8] + "\n" + parts[1][8:] + "." + parts[2], "payload is not base64url"},
		"JWS with spare bits":           {parts[0] + "." + parts[1] + "." + spare(parts[2]), "signature is not base64url"},
		"JWS with a short signature":    {parts[0] + "." + parts[1] + "." + parts[2][:80], "does not verify"},
		"JWS in JSON":                   {`{"payload":"` + parts[1] + `","signatures":[]}`, "not in canonical JSON"},
		"empty":                         {" \n", "empty"},
		"a web page":                    {"<html>not found</html>", "neither"},
		"E9 huge":                       {strings.Repeat("a", custodian.MaxStatement+1), "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := custodian.Open([]byte(c.file), s.key())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %+v, %v; want %q", got, err, c.want)
			}
			if len(got.Payload) > 0 {
				t.Error("there is a payload to read all the same")
			}
		})
	}
	var wrong *custodian.KeyError
	if _, err := custodian.Open([]byte(other.jws(t, nil)), s.key()); !errors.As(err, &wrong) || wrong.Want != s.key() {
		t.Errorf("got %v, want a KeyError with the pinned key", err)
	}
}

// hmacSigned is the old trick: the public key taken for a shared secret.
func hmacSigned(t *testing.T, s signer) string {
	t.Helper()
	public := s.key()
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: public[:]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := made.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// spare sets the bits of the last digit that decode to nothing: 64 bytes leave four of them.
func spare(signature string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, signature[len(signature)-1])
	return signature[:len(signature)-1] + string(digits[last|1])
}

func TestParseKey(t *testing.T) {
	good := newSigner(1).PublicKey().String()
	k, err := custodian.ParseKey(good)
	if err != nil || k.String() != good {
		t.Errorf("got %s, %v", k, err)
	}
	for _, bad := range []string{"", good[8:], strings.ToUpper(good), "ed25519:" + strings.ToUpper(good[8:]), good + "00", good[:len(good)-1], good[:len(good)-1] + "g", " " + good} {
		if k, err := custodian.ParseKey(bad); err == nil {
			t.Errorf("%q was read as %s", bad, k)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := newSigner(1)
	f.Add(s.dsse(f, attest.PayloadCustody))
	f.Add(s.jws(f, nil))
	f.Add(s.headed(`{"alg":"EdDSA","crit":["b64"]}`))
	f.Add("{}")
	f.Fuzz(func(t *testing.T, file string) {
		got, err := custodian.Open([]byte(file), s.key())
		if err != nil {
			return
		}
		// Nobody else has the key: what opens was signed here.
		if string(got.Payload) != payload {
			t.Fatalf("%q opened as %q", file, got.Payload)
		}
	})
}

// FuzzHeader: a header that is taken says EdDSA, and go-jose reads it the same way.
func FuzzHeader(f *testing.F) {
	s := newSigner(1)
	for _, header := range []string{`{"alg":"EdDSA"}`, `{"alg":"EdDSA","typ":"JWT"}`, `{ "kid" : "a" , "alg" : "EdDSA" }`, `{"alg":"none"}`, `{"alg":"EdDSA","crit":["exp"]}`} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		text := s.headed(header)
		if _, err := custodian.Open([]byte(text), s.key()); err != nil {
			return
		}
		var plain map[string]string
		if err := json.Unmarshal([]byte(header), &plain); err != nil || plain["alg"] != "EdDSA" {
			t.Fatalf("the header %q was taken", header)
		}
		parsed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA})
		if err != nil {
			t.Fatalf("go-jose refuses the header %q: %v", header, err)
		}
		if _, err := parsed.Verify(s.private.Public()); err != nil {
			t.Fatalf("go-jose does not verify under the header %q: %v", header, err)
		}
	})
}
