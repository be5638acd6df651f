package custodian

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// PayloadType is that of a custody statement's envelope (SPEC part 20).
const PayloadType = "application/vnd.assay.custody+json"

// The keys stand in the order of canonical JSON (SPEC part 10).
type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// openDSSE returns the payload of an envelope with one signature, that of the
// key (SPEC parts 10 and 20).
func openDSSE(file []byte, key Key) ([]byte, error) {
	var e envelope
	dec := json.NewDecoder(bytes.NewReader(file))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&e); err != nil {
		return nil, errors.New("it is no DSSE envelope: want payload, payloadType and signatures, and no other key")
	}
	// Only one spelling gives these bytes again: no key twice, no blank, no other base64.
	again, err := encode(e)
	if err != nil || !bytes.Equal(again, file) {
		return nil, errors.New("its envelope is not in canonical JSON")
	}
	if e.PayloadType != PayloadType {
		return nil, fmt.Errorf("its payloadType is %.80q, want %q", e.PayloadType, PayloadType)
	}
	if len(e.Signatures) != 1 {
		return nil, fmt.Errorf("it has %d signatures, want one", len(e.Signatures))
	}
	if got := e.Signatures[0].KeyID; got != key.id() {
		return nil, &KeyError{key, fmt.Sprintf("its keyid is %.80q, want %q", got, key.id())}
	}
	if !key.verifies(pae(e.Payload), e.Signatures[0].Sig) {
		return nil, &KeyError{key, "the signature does not verify"}
	}
	return e.Payload, nil
}

func encode(e envelope) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// pae is what is signed, DSSE's pre-authentication encoding (SPEC part 10).
func pae(payload []byte) []byte {
	head := "DSSEv1 " + strconv.Itoa(len(PayloadType)) + " " + PayloadType + " " + strconv.Itoa(len(payload)) + " "
	return append([]byte(head), payload...)
}

// id names the key in an envelope (SPEC part 10).
func (k Key) id() string {
	sum := sha256.Sum256(append([]byte("assay/v1/key\x00"), k.String()...))
	return hex.EncodeToString(sum[:])
}
