package verifier

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"time"
)

// signer is somebody with a key of either kind.
type signer struct {
	text string // of the public key
	sign func(message []byte) []byte
}

func edSigner(key ed25519.PrivateKey) signer {
	return signer{"ed25519:" + hex.EncodeToString(key.Public().(ed25519.PublicKey)), func(message []byte) []byte { return ed25519.Sign(key, message) }}
}

// person is a signer by name, with Ed25519.
func person(name string) signer { return edSigner(ed25519.NewKeyFromSeed(h([]byte(name)))) }

// device is a signer by name, with P-256: deterministic, and s in the lower half.
func device(name string) signer {
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), h([]byte(name)))
	if err != nil {
		panic(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	compressed := append([]byte{2 + point[64]&1}, point[1:33]...)
	return signer{"p256:" + hex.EncodeToString(compressed), func(message []byte) []byte {
		der, err := key.Sign(nil, h(message), crypto.SHA256)
		if err != nil {
			panic(err)
		}
		var x struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(der, &x); err != nil {
			panic(err)
		}
		if other := new(big.Int).Sub(elliptic.P256().Params().N, x.S); other.Cmp(x.S) < 0 {
			x.S = other
		}
		return append(x.R.FillBytes(make([]byte, 32)), x.S.FillBytes(make([]byte, 32))...)
	}}
}

// upper is the other signature that verifies with the same P-256 key.
func upper(signature []byte) []byte {
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(signature[32:]))
	return append(bytes.Clone(signature[:32]), s.FillBytes(make([]byte, 32))...)
}

func textsOf(list []signer) []string {
	texts := []string{}
	for _, s := range list {
		texts = append(texts, s.text)
	}
	slices.Sort(texts)
	return texts
}

// signature is one entry of an envelope's list.
func (s signer) signature(kind string, payload []byte) obj {
	return obj{"keyid": keyID(s.text), "sig": base64.StdEncoding.EncodeToString(s.sign(pae(kind, payload)))}
}

// sealedBy is a payload in an envelope.
func sealedBy(kind string, payload []byte, by ...signer) obj {
	list := []obj{}
	for _, s := range by {
		list = append(list, s.signature(kind, payload))
	}
	slices.SortFunc(list, func(a, b obj) int { return strings.Compare(a["keyid"].(string), b["keyid"].(string)) })
	return obj{"payload": base64.StdEncoding.EncodeToString(payload), "payloadType": kind, "signatures": list}
}

func hourAfter(instant string) string {
	t, err := time.Parse(timeForm, instant)
	if err != nil {
		return instant
	}
	return t.Add(time.Hour).Format(timeForm)
}

// finding is an auditor's finding about a statement, edited before it is signed.
func finding(by signer, payload []byte, edit func(statement, predicate obj)) []byte {
	predicate := obj{
		"auditor": "Example Accountants", "checks": []obj{{"name": "liabilities.full", "result": "pass"}, {"name": "reserves.totals", "result": "pass"}},
		"findings": []string{}, "issued": "2026-11-02T00:00:00Z", "key": by.text, "policy": strings.Repeat("5", 64),
		"procedures": []string{"recomputed every leaf from the ledger"}, "scope": "liabilities at the instant", "tool": "assay-verify 0.1.0",
	}
	statement := obj{
		"_type": "https://in-toto.io/Statement/v1", "predicate": predicate, "predicateType": "https://github.com/assay-por/assay/finding/v1",
		"subject": []obj{{"digest": obj{"sha256": hex.EncodeToString(h(payload))}, "name": "statement"}},
	}
	if edit != nil {
		edit(statement, predicate)
	}
	return encode(sealedBy(dsseType, encode(statement), by))
}
