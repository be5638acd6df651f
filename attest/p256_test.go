package attest_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
	"pgregory.net/rapid"

	"github.com/assay-por/assay/attest"
)

var order = elliptic.P256().Params().N

// point is a P-256 key made of one byte.
type point struct{ private *ecdsa.PrivateKey }

func newPoint(t testing.TB, b byte) point {
	t.Helper()
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), append(make([]byte, 31), b))
	if err != nil {
		t.Fatal(err)
	}
	return point{private}
}

func (p point) PublicKey() attest.PublicKey {
	k, err := attest.P256Key(&p.private.PublicKey)
	if err != nil {
		panic(err)
	}
	return k
}

func (p point) Sign(m []byte) ([]byte, error) {
	digest := sha256.Sum256(m)
	der, err := p.private.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return fromDER(der)
}

// numbers are r and s, as ECDSA's own encoding has them.
type numbers struct{ R, S *big.Int }

// fromDER spells a signature as an envelope does, by big numbers alone.
func fromDER(der []byte) ([]byte, error) {
	var n numbers
	if _, err := asn1.Unmarshal(der, &n); err != nil {
		return nil, err
	}
	if new(big.Int).Lsh(n.S, 1).Cmp(order) > 0 {
		n.S.Sub(order, n.S)
	}
	return append(n.R.FillBytes(make([]byte, 32)), n.S.FillBytes(make([]byte, 32))...), nil
}

func toDER(t *testing.T, sig []byte) []byte {
	t.Helper()
	der, err := asn1.Marshal(numbers{new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func publicPEM(t *testing.T, public crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestKeyP256(t *testing.T) {
	k := newPoint(t, 1).PublicKey()
	text := "p256:036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" // the base point, of SEC 2
	if k.String() != text || k.Algorithm() != attest.P256 {
		t.Errorf("got %s, want %s", k, text)
	}
	id := sha256.Sum256([]byte("assay/v1/key\x00" + text))
	if k.KeyID() != hex.EncodeToString(id[:]) {
		t.Errorf("key id %s", k.KeyID())
	}
	other, err := attest.ParsePublicKey("p256:02" + text[7:])
	if err != nil || other == k || map[attest.PublicKey]int{k: 1, other: 2}[k] != 1 {
		t.Errorf("the point below: %s, %v", other, err)
	}
	for name, bad := range map[string]string{
		"uncompressed":     "p256:04" + text[7:],
		"infinity":         "p256:00" + strings.Repeat("00", 32),
		"no point":         "p256:02" + strings.Repeat("00", 31) + "01",
		"x not below p":    "p256:02" + strings.Repeat("ff", 32),
		"capitals":         "p256:" + strings.ToUpper(text[5:]),
		"short":            text[:len(text)-2],
		"long":             text + "00",
		"no hex":           "p256:0x" + text[7:],
		"Ed25519's length": "p256:" + text[7:],
		"its name alone":   "p256:",
		"other name":       "P256:" + text[5:],
		"as Ed25519":       "ed25519:" + text[5:],
	} {
		if k, err := attest.ParsePublicKey(bad); err == nil {
			t.Errorf("%s: %s was taken as %s", name, bad, k)
		}
	}
	p384, err := ecdsa.ParseRawPrivateKey(elliptic.P384(), append(make([]byte, 47), 1))
	if err != nil {
		t.Fatal(err)
	}
	if k, err := attest.P256Key(&p384.PublicKey); err == nil {
		t.Errorf("a key of P-384 became %s", k)
	}
}

// TestKeyJSON: keys of both kinds go through JSON, no key does not.
func TestKeyJSON(t *testing.T) {
	keys := []attest.PublicKey{newKey(1).PublicKey(), newPoint(t, 1).PublicKey()}
	raw, err := attest.Canonical(keys)
	if err != nil {
		t.Fatal(err)
	}
	var back []attest.PublicKey
	if err := attest.Decode(raw, &back); err != nil || !slices.Equal(back, keys) {
		t.Errorf("%s became %v, %v", raw, back, err)
	}
	if raw, err := json.Marshal(attest.PublicKey{}); err == nil {
		t.Errorf("no key became %s", raw)
	}
	var k attest.PublicKey
	if err := json.Unmarshal([]byte(`"no key"`), &k); err == nil {
		t.Errorf("%v was read", k)
	}
	if a, err := attest.ParseAlgorithm("rsa"); err == nil {
		t.Errorf("%s was taken", a)
	}
}

func FuzzParsePublicKey(f *testing.F) {
	f.Add(newKey(1).PublicKey().String())
	f.Add("p256:036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := attest.ParsePublicKey(text); err == nil && k.String() != text {
			t.Errorf("%q became %s", text, k)
		}
	})
}

// TestC12_P256: a signature has one spelling, so that nobody else can respell it.
func TestC12_P256(t *testing.T) {
	p := newPoint(t, 7)
	good := envelope(t, p, newKey(1))
	keys := []attest.PublicKey{newKey(1).PublicKey(), p.PublicKey()}
	if err := good.Verify(keys...); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(good.Signatures, func(s attest.Signature) bool { return s.KeyID == p.PublicKey().KeyID() })
	sig := good.Signatures[at].Sig
	half := func(from int, n *big.Int) []byte {
		out := slices.Clone(sig)
		n.FillBytes(out[from : from+32])
		return out
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	for name, bad := range map[string][]byte{
		"s above half the order": half(32, new(big.Int).Sub(order, s)),
		"s is zero":              half(32, new(big.Int)),
		"s is the order":         half(32, order),
		"r is zero":              half(0, new(big.Int)),
		"r is the order":         half(0, order),
		"r and s swapped":        append(s.FillBytes(make([]byte, 32)), r.FillBytes(make([]byte, 32))...),
		"DER":                    toDER(t, sig),
		"cut off":                sig[:63],
		"longer":                 append(slices.Clone(sig), 0),
		"empty":                  {},
		"another point's":        mustSign(t, newPoint(t, 8), attest.PAE(good.PayloadType, good.Payload)),
		"of the payload alone":   mustSign(t, p, good.Payload),
		"Ed25519's":              good.Signatures[1-at].Sig,
	} {
		e := good
		e.Signatures = slices.Clone(good.Signatures)
		e.Signatures[at].Sig = bad
		if err := e.Verify(keys...); err == nil {
			t.Errorf("%s: it verified", name)
		}
	}
}

func mustSign(t testing.TB, s attest.Signer, message []byte) []byte {
	t.Helper()
	sig, err := s.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// TestEnvelope_DSSEVerifies: the DSSE library's own verifiers believe what is signed here, under both algorithms.
func TestEnvelope_DSSEVerifies(t *testing.T) {
	ed, p := newKey(3), newPoint(t, 3)
	e := envelope(t, ed, p)
	eds, err := signerverifier.NewED25519SignerVerifierFromSSLibKey(&signerverifier.SSLibKey{
		KeyID: ed.PublicKey().KeyID(), KeyVal: signerverifier.KeyVal{Public: hex.EncodeToString(ed.public())}})
	if err != nil {
		t.Fatal(err)
	}
	points, err := signerverifier.NewECDSASignerVerifierFromSSLibKey(&signerverifier.SSLibKey{
		KeyID: p.PublicKey().KeyID(), KeyVal: signerverifier.KeyVal{Public: string(publicPEM(t, &p.private.PublicKey))}})
	if err != nil {
		t.Fatal(err)
	}
	theirs := &dsse.Envelope{PayloadType: e.PayloadType, Payload: base64.StdEncoding.EncodeToString(e.Payload)}
	for _, s := range e.Signatures {
		sig := s.Sig
		if s.KeyID == p.PublicKey().KeyID() { // that library spells ECDSA in DER
			sig = toDER(t, sig)
		}
		theirs.Signatures = append(theirs.Signatures, dsse.Signature{KeyID: s.KeyID, Sig: base64.StdEncoding.EncodeToString(sig)})
	}
	both, err := dsse.NewMultiEnvelopeVerifier(2, eds, points)
	if err != nil {
		t.Fatal(err)
	}
	if accepted, err := both.Verify(context.Background(), theirs); err != nil || len(accepted) != 2 {
		t.Errorf("%d keys accepted, %v, want 2", len(accepted), err)
	}
}

// TestP256_OpenSSL: openssl verifies our signatures, and we verify those that it made.
func TestP256_OpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	dir, p := t.TempDir(), newPoint(t, 42)
	e := envelope(t, p)
	scalar, err := x509.MarshalECPrivateKey(p.private)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"message": attest.PAE(e.PayloadType, e.Payload), "other": e.Payload, "sig": toDER(t, e.Signatures[0].Sig),
		"public.pem": publicPEM(t, &p.private.PublicKey), "private.pem": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: scalar}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) ([]byte, error) {
		cmd := exec.Command(openssl, args...)
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
	if out, err := run("dgst", "-sha256", "-verify", "public.pem", "-signature", "sig", "message"); err != nil {
		t.Errorf("openssl refuses our signature: %v\n%s", err, out)
	}
	if out, err := run("dgst", "-sha256", "-verify", "public.pem", "-signature", "sig", "other"); err == nil {
		t.Errorf("openssl takes it for other bytes too: %s", out)
	}
	if out, err := run("dgst", "-sha256", "-sign", "private.pem", "-out", "theirs", "message"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	der, err := os.ReadFile(filepath.Join(dir, "theirs"))
	if err != nil {
		t.Fatal(err)
	}
	if e.Signatures[0].Sig, err = fromDER(der); err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(p.PublicKey()); err != nil {
		t.Errorf("openssl's signature: %v", err)
	}
}

// webCrypto is a program for node: does the signature verify, and does it for other bytes?
const webCrypto = `
const [algorithm, key, sig, message] = process.argv.slice(1).map((a, i) => i ? Buffer.from(a, 'base64') : a);
const kind = algorithm === 'p256' ? { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } : { name: 'Ed25519' };
(async () => {
  const public_ = await crypto.subtle.importKey('raw', key, kind, false, ['verify']);
  const good = await crypto.subtle.verify(kind, public_, sig, message);
  message[0] ^= 1;
  console.log(good, await crypto.subtle.verify(kind, public_, sig, message));
})().catch(e => { console.error(e); process.exit(1); });
`

// TestSignatures_WebCrypto: a browser's cryptography verifies the very bytes that an envelope stores.
func TestSignatures_WebCrypto(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node")
	}
	ed, p := newKey(5), newPoint(t, 5)
	uncompressed, err := p.private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		signer attest.Signer
		public []byte
	}{{ed, ed.public()}, {p, uncompressed}} {
		e := envelope(t, c.signer)
		b64 := base64.StdEncoding.EncodeToString
		out, err := exec.Command(node, "-e", webCrypto, string(c.signer.PublicKey().Algorithm()), b64(c.public), b64(e.Signatures[0].Sig), b64(attest.PAE(e.PayloadType, e.Payload))).CombinedOutput()
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || lines[len(lines)-1] != "true false" && lines[0] != "true false" {
			t.Errorf("%s: %v, node says %s, want true false", c.signer.PublicKey(), err, out)
		}
	}
}

// TestSign_AnyMessage: whatever is signed verifies under its key, and no other bytes do.
func TestSign_AnyMessage(t *testing.T) {
	signers := []attest.Signer{newKey(9), newPoint(t, 9)}
	rapid.Check(t, func(t *rapid.T) {
		signer := signers[rapid.IntRange(0, 1).Draw(t, "signer")]
		payload := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "payload")
		e, err := attest.Sign(attest.PayloadDraw, payload, signer)
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Signatures[0].Sig) != attest.SignatureSize {
			t.Fatalf("a signature of %d bytes", len(e.Signatures[0].Sig))
		}
		if err := e.Verify(signer.PublicKey()); err != nil {
			t.Fatal(err)
		}
		bit := rapid.IntRange(0, 8*attest.SignatureSize-1).Draw(t, "bit")
		e.Signatures[0].Sig[bit/8] ^= 1 << (bit % 8)
		if e.Verify(signer.PublicKey()) == nil {
			t.Fatalf("it verifies with bit %d flipped", bit)
		}
	})
}
