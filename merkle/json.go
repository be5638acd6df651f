package merkle

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// AppendJSON appends p in canonical JSON, an array in registry order of {"amount","asset"} without zeros (SPEC part 4). The
// asset ids are the registry's, in order.
func (p Plain) AppendJSON(b []byte, assets []string) ([]byte, error) {
	b = append(b, '[')
	for i, e := range p {
		if int(e.Asset) >= len(assets) {
			return nil, fmt.Errorf("sum has asset #%d, the registry ends before #%d", e.Asset, len(assets))
		}
		id := assets[e.Asset]
		if !validAssetID(id) {
			return nil, fmt.Errorf("asset id %q is not 1 to 32 of A-Z 0-9 . # -", id)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"amount":"`...)
		b = e.Amount.AppendText(b)
		b = append(b, `","asset":"`...)
		b = append(b, id...)
		b = append(b, `"}`...)
	}
	return append(b, ']'), nil
}

// validAssetID holds asset ids to SPEC part 2; such an id needs no escape in JSON.
func validAssetID(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '#', c == '-':
		default:
			return false
		}
	}
	return 1 <= len(id) && len(id) <= 32
}

// InLog is the statement's place in a log, as a proof has it (SPEC part 8, key "log"): the entry's envelope in canonical form, and
// the log's proof of it.
type InLog struct{ Entry, Proof []byte }

// JSON returns the proof's file in canonical form (SPEC part 8). It takes the registry's asset ids in order, and the signed
// statement's envelope in canonical form and its place in a log, or nil to leave either out.
func (p Proof[S]) JSON(assets []string, envelope []byte, log *InLog) ([]byte, error) {
	b, err := p.Balances.AppendJSON([]byte(`{"balances":`), assets)
	if err != nil {
		return nil, fmt.Errorf("balances: %w", err)
	}
	if envelope != nil {
		if err := checkEnvelope(envelope); err != nil {
			return nil, err
		}
		b = append(b, `,"envelope":`...)
		b = append(b, envelope...)
	}
	b = append(b, `,"kind":"`+p.Kind.String()...)
	if log != nil {
		if err := checkEnvelope(log.Entry); err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
		b = append(append(b, `","log":{"entry":`...), log.Entry...)
		b = base64.StdEncoding.AppendEncode(append(b, `,"proof":"`...), log.Proof)
		b = append(b, `"},"nonce":"`...)
	} else {
		b = append(b, `","nonce":"`...)
	}
	b = hex.AppendEncode(b, p.Nonce[:])
	if b, err = appendNodes(append(b, `","path":`...), p.Path, assets); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	b = strconv.AppendUint(append(b, `,"shard":{"count":`...), p.Shard.Count, 10)
	b = strconv.AppendUint(append(b, `,"index":`...), p.Shard.Index, 10)
	b = strconv.AppendUint(append(b, `,"leaf":`...), p.Shard.Leaf, 10)
	b = strconv.AppendUint(append(b, `,"leaves":`...), p.Shard.Leaves, 10)
	b = hex.AppendEncode(append(b, `},"snapshot":"`...), p.Snapshot[:])
	b = hex.AppendEncode(append(b, `","statement":"`...), p.Statement[:])
	if b, err = appendNodes(append(b, `","top":`...), p.Top, assets); err != nil {
		return nil, fmt.Errorf("top: %w", err)
	}
	return append(b, `,"type":"assay/v1/proof"}`...), nil
}

func appendNodes[S Sum[S]](b []byte, nodes []Node[S], assets []string) ([]byte, error) {
	b = append(b, '[')
	for i, n := range nodes {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"hash":"`...)
		b = hex.AppendEncode(b, n.Hash[:])
		b = append(b, `","sum":`...)
		var err error
		if b, err = n.Sum.AppendJSON(b, assets); err != nil {
			return nil, fmt.Errorf("sibling #%d: %w", i, err)
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

// checkEnvelope refuses what would break the proof's form. That the envelope itself is canonical is its maker's promise.
func checkEnvelope(envelope []byte) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, envelope); err != nil || !bytes.HasPrefix(envelope, []byte("{")) {
		return errors.New("the envelope is not a JSON object")
	}
	if !bytes.Equal(compact.Bytes(), envelope) {
		return errors.New("the envelope has white space between its tokens: pass it as it was signed")
	}
	return nil
}
