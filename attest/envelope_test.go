package attest_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"pgregory.net/rapid"

	"github.com/assay-por/assay/attest"
)

type key struct{ private ed25519.PrivateKey }

func newKey(b byte) key { return key{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32))} }

func (k key) public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

func (k key) PublicKey() attest.PublicKey   { return attest.Ed25519Key([32]byte(k.public())) }
func (k key) Sign(m []byte) ([]byte, error) { return ed25519.Sign(k.private, m), nil }

// faulty signs other bytes than it is asked to.
type faulty struct{ key }

func (f faulty) Sign(m []byte) ([]byte, error) { return f.key.Sign(m[1:]) }

type broken struct{ key }

func (broken) Sign([]byte) ([]byte, error) { return nil, errors.New("the token was pulled out") }

func envelope(t testing.TB, keys ...attest.Signer) attest.Envelope {
	t.Helper()
	e, err := attest.Sign(attest.PayloadType, []byte(`{"a":1}`), keys...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestPAE_Oracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.String().Draw(t, "type")
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		if got, want := attest.PAE(kind, payload), dsse.PAE(kind, payload); !bytes.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// TestEnvelope_Oracle: the DSSE library reads what is written here.
func TestEnvelope_Oracle(t *testing.T) {
	k := newKey(1)
	e := envelope(t, k)
	theirs := dsse.Envelope{PayloadType: e.PayloadType, Payload: base64.StdEncoding.EncodeToString(e.Payload)}
	for _, s := range e.Signatures {
		theirs.Signatures = append(theirs.Signatures, dsse.Signature{KeyID: s.KeyID, Sig: base64.StdEncoding.EncodeToString(s.Sig)})
	}
	payload, err := theirs.DecodeB64Payload()
	if err != nil || !bytes.Equal(payload, e.Payload) {
		t.Fatalf("payload %q, %v", payload, err)
	}
	if !ed25519.Verify(k.public(), dsse.PAE(e.PayloadType, payload), e.Signatures[0].Sig) {
		t.Error("the signature is not of DSSE's pre-authentication encoding")
	}
}

func TestKey(t *testing.T) {
	k := newKey(1).PublicKey()
	text := "ed25519:" + hex.EncodeToString(newKey(1).public())
	if k.String() != text {
		t.Errorf("got %s, want %s", k, text)
	}
	id := sha256.Sum256([]byte("assay/v1/key\x00" + text))
	if k.KeyID() != hex.EncodeToString(id[:]) {
		t.Errorf("key id %s", k.KeyID())
	}
	if back, err := attest.ParsePublicKey(text); err != nil || back != k {
		t.Errorf("%v, %v", back, err)
	}
	for _, bad := range []string{"", text[:len(text)-1], text + "0", strings.ToUpper(text), "ed25519:" + strings.ToUpper(text[8:]),
		" " + text, text + "\n", "rsa:" + text[8:], "ed25519:" + strings.Repeat("g", 64)} {
		if _, err := attest.ParsePublicKey(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestSignAndVerify(t *testing.T) {
	a, b, c := newKey(1), newKey(2), newKey(3)
	e := envelope(t, a, b)
	if err := e.Verify(b.PublicKey(), c.PublicKey(), a.PublicKey()); err != nil {
		t.Error(err)
	}
	more, err := e.With(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Signatures) != 2 || len(more.Signatures) != 3 {
		t.Errorf("%d and %d signatures, want 2 and 3", len(e.Signatures), len(more.Signatures))
	}
	raw, err := more.JSON()
	if err != nil {
		t.Fatal(err)
	}
	back, err := attest.ParseEnvelope(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Verify(a.PublicKey(), b.PublicKey(), c.PublicKey()); err != nil {
		t.Error(err)
	}
}

// TestC12_Envelope: nothing of an envelope can be used for another, and no key counts twice.
func TestC12_Envelope(t *testing.T) {
	a, b := newKey(1), newKey(2)
	good := envelope(t, a, b)
	keys := []attest.PublicKey{a.PublicKey(), b.PublicKey()}
	for name, spoil := range map[string]func(*attest.Envelope){
		"other payload":         func(e *attest.Envelope) { e.Payload = []byte(`{"a":2}`) },
		"payload longer":        func(e *attest.Envelope) { e.Payload = append(e.Payload, ' ') },
		"other type":            func(e *attest.Envelope) { e.PayloadType = "application/json" },
		"empty payload":         func(e *attest.Envelope) { e.Payload = nil },
		"no signature":          func(e *attest.Envelope) { e.Signatures = nil },
		"bit of a signature":    func(e *attest.Envelope) { e.Signatures[0].Sig[3] ^= 1 },
		"signature cut off":     func(e *attest.Envelope) { e.Signatures[0].Sig = e.Signatures[0].Sig[:63] },
		"s not below the order": func(e *attest.Envelope) { e.Signatures[0].Sig = malleate(e.Signatures[0].Sig) },
		"signatures swapped": func(e *attest.Envelope) {
			e.Signatures[0].Sig, e.Signatures[1].Sig = e.Signatures[1].Sig, e.Signatures[0].Sig
		},
		"key id twice":          func(e *attest.Envelope) { e.Signatures[1] = e.Signatures[0] },
		"not sorted":            func(e *attest.Envelope) { slices.Reverse(e.Signatures) },
		"key id in capitals":    func(e *attest.Envelope) { e.Signatures[0].KeyID = strings.ToUpper(e.Signatures[0].KeyID) },
		"key id of another key": func(e *attest.Envelope) { e.Signatures[0].KeyID = newKey(9).PublicKey().KeyID() },
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			e.Payload = slices.Clone(good.Payload)
			e.Signatures = nil
			for _, s := range good.Signatures {
				e.Signatures = append(e.Signatures, attest.Signature{KeyID: s.KeyID, Sig: slices.Clone(s.Sig)})
			}
			spoil(&e)
			if err := e.Verify(keys...); err == nil {
				t.Error("it verified")
			}
		})
	}
	if err := good.Verify(keys[:1]...); err == nil {
		t.Error("it verified although one signer is unknown")
	}
	if _, err := good.With(a); err == nil {
		t.Error("a key signed twice")
	}
	if _, err := attest.Sign(attest.PayloadType, []byte("x"), a, a); err == nil {
		t.Error("a key signed twice at once")
	}
}

// TestC12_PayloadTypes: an envelope of one kind is never read as one of another, and its signature holds under its own type only.
func TestC12_PayloadTypes(t *testing.T) {
	a := newKey(1)
	types := []string{attest.PayloadType, attest.PayloadCustody, attest.PayloadDraw, attest.PayloadEntry, attest.PayloadResponseKeys}
	for _, made := range types {
		e, err := attest.Sign(made, []byte(`{"a":1}`), a)
		if err != nil {
			t.Fatal(err)
		}
		file, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for _, read := range types {
			got, err := attest.ParseEnvelopeOf(read, file)
			if (err == nil) != (read == made) {
				t.Errorf("%s read as %s: %v", made, read, err)
			}
			if err == nil && got.Verify(a.PublicKey()) != nil {
				t.Errorf("%s does not verify", made)
			}
			e.PayloadType = read
			if err := e.Verify(a.PublicKey()); (err == nil) != (read == made) {
				t.Errorf("the signature of %s under %s: %v", made, read, err)
			}
		}
		if _, err := attest.ParseEnvelope(file); (err == nil) != (made == attest.PayloadType) {
			t.Errorf("%s taken for a statement: %v", made, err)
		}
		unknown := strings.Replace(string(file), made, "text/plain", 1)
		if _, err := attest.ParseEnvelopeOf("text/plain", []byte(unknown)); err == nil {
			t.Error("an envelope of a type that is not known was read")
		}
	}
}

// malleate returns the same signature with s + order for s, which a lax verifier takes.
func malleate(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order)
	out := sum.FillBytes(make([]byte, 32))
	slices.Reverse(out)
	return append(slices.Clone(sig[:32]), out...)
}

func TestSignRefuses(t *testing.T) {
	a := newKey(1)
	many := make([]attest.Signer, attest.MaxSignatures+1)
	for i := range many {
		many[i] = newKey(byte(i + 10))
	}
	for name, sign := range map[string]func() (attest.Envelope, error){
		"nobody":        func() (attest.Envelope, error) { return attest.Sign(attest.PayloadType, []byte("x")) },
		"nothing":       func() (attest.Envelope, error) { return attest.Sign(attest.PayloadType, nil, a) },
		"other type":    func() (attest.Envelope, error) { return attest.Sign("text/plain", []byte("x"), a) },
		"faulty signer": func() (attest.Envelope, error) { return attest.Sign(attest.PayloadType, []byte("x"), faulty{a}) },
		"broken signer": func() (attest.Envelope, error) { return attest.Sign(attest.PayloadType, []byte("x"), broken{a}) },
		"too many":      func() (attest.Envelope, error) { return attest.Sign(attest.PayloadType, []byte("x"), many...) },
		"E09_too_large": func() (attest.Envelope, error) {
			return attest.Sign(attest.PayloadType, make([]byte, attest.MaxPayload+1), a)
		},
	} {
		if _, err := sign(); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
	if _, err := attest.Sign(attest.PayloadType, []byte("x"), many[1:]...); err != nil {
		t.Errorf("%d signers: %v", attest.MaxSignatures, err)
	}
}

func TestParseEnvelopeRefuses(t *testing.T) {
	raw, err := envelope(t, newKey(1)).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"E02_white_space":       strings.Replace(string(raw), ":", ": ", 1),
		"E02_base64_bits":       strings.Replace(string(raw), `"eyJhIjoxfQ=="`, `"eyJhIjoxfR=="`, 1),
		"E02_base64_unpadded":   strings.Replace(string(raw), `"eyJhIjoxfQ=="`, `"eyJhIjoxfQ"`, 1),
		"E02_base64_url":        strings.Replace(string(raw), `"eyJhIjoxfQ=="`, `"_-_-"`, 1),
		"E03_key_twice":         strings.Replace(string(raw), `{"payload"`, `{"payload":"eyJhIjoxfQ==","payload"`, 1),
		"E07_trailing":          string(raw) + "\n",
		"E07_preceding":         " " + string(raw),
		"unknown key":           strings.Replace(string(raw), `"payloadType"`, `"payloadKind"`, 1),
		"other payload type":    strings.Replace(string(raw), attest.PayloadType, "application/json", 1),
		"no signatures":         string(raw[:bytes.Index(raw, []byte(`"signatures"`))]) + `"signatures":[]}`,
		"signatures null":       string(raw[:bytes.Index(raw, []byte(`"signatures"`))]) + `"signatures":null}`,
		"E09_larger_than_limit": strings.Repeat(" ", attest.MaxEnvelope+1),
		"not JSON":              "-----BEGIN SIGNED MESSAGE-----",
		"empty":                 "",
	} {
		t.Run(name, func(t *testing.T) {
			if bad == string(raw) {
				t.Fatal("the case changes nothing")
			}
			if _, err := attest.ParseEnvelope([]byte(bad)); err == nil {
				t.Errorf("%.80q was taken", bad)
			}
		})
	}
}

// FuzzParseEnvelope: what parses is written again as it was, and is signed by nobody but who signed it.
func FuzzParseEnvelope(f *testing.F) {
	raw, err := envelope(f, newKey(1), newKey(2)).JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"payload":"eyJhIjoxfQ==","payloadType":"application/vnd.in-toto+json","signatures":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := attest.ParseEnvelope(b)
		if err != nil {
			return
		}
		again, err := e.JSON()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q parsed and became %q, %v", b, again, err)
		}
		if e.Verify(newKey(1).PublicKey(), newKey(2).PublicKey()) == nil && string(e.Payload) != `{"a":1}` {
			t.Fatalf("other bytes verified: %q", e.Payload)
		}
	})
}
