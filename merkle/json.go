package merkle

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
		if !validColumn(id) {
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

// validColumn holds names of columns to SPEC parts 2 and 30; such a name needs no escape in JSON.
func validColumn(name string) bool {
	if name == equityLow || name == equityHigh {
		return true
	}
	id := strings.TrimPrefix(name, debitPrefix)
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

// JSON returns the proof's file in canonical form (SPEC parts 8 and 29). It takes the registry's asset ids in order, and the signed
// statement's envelope in canonical form and its place in a log, or nil to leave either out.
func (p Proof[S]) JSON(assets []string, envelope []byte, log *InLog) ([]byte, error) {
	e, err := NewEncoder[S](assets, envelope, log)
	if err != nil {
		return nil, err
	}
	return e.Append(nil, p)
}

// Encoder writes the files of many proofs, as [Proof.JSON] does of one. What they share is encoded once: envelope and place in a
// log are the same in all, and in leaf order so are nearly all siblings, the large ones above all. An Encoder is for one goroutine.
type Encoder[S Sum[S]] struct {
	assets        []string
	envelope, log []byte // with their keys
	path, top     siblings[S]
}

// NewEncoder takes what [Proof.JSON] does.
func NewEncoder[S Sum[S]](assets []string, envelope []byte, log *InLog) (*Encoder[S], error) {
	e := &Encoder[S]{assets: assets}
	if envelope != nil {
		if err := checkEnvelope(envelope); err != nil {
			return nil, err
		}
		e.envelope = append([]byte(`,"envelope":`), envelope...)
	}
	if log != nil {
		if err := checkEnvelope(log.Entry); err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
		e.log = append([]byte(`,"log":{"entry":`), log.Entry...)
		e.log = base64.StdEncoding.AppendEncode(append(e.log, `,"proof":"`...), log.Proof)
		e.log = append(e.log, `"}`...)
	}
	return e, nil
}

// Append appends a proof's file.
func (e *Encoder[S]) Append(b []byte, p Proof[S]) ([]byte, error) {
	b = append(b, `{"balances":`...)
	var err error
	if p.Opening == nil {
		b, err = p.Balances.AppendJSON(b, e.assets)
	} else if b, err = p.Opening.Balances.AppendJSON(b, e.assets); err == nil {
		b = append(hex.AppendEncode(append(b, `,"blinding":"`...), p.Opening.Blinding[:]), '"')
	}
	if err != nil {
		return nil, fmt.Errorf("balances: %w", err)
	}
	b = append(b, e.envelope...)
	b = append(b, `,"kind":"`+p.Kind.String()+`"`...)
	b = append(b, e.log...)
	b = hex.AppendEncode(append(b, `,"nonce":"`...), p.Nonce[:])
	if b, err = e.path.append(append(b, `","path":`...), p.Path, e.assets); err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	b = strconv.AppendUint(append(b, `,"shard":{"count":`...), p.Shard.Count, 10)
	b = strconv.AppendUint(append(b, `,"index":`...), p.Shard.Index, 10)
	b = strconv.AppendUint(append(b, `,"leaf":`...), p.Shard.Leaf, 10)
	b = strconv.AppendUint(append(b, `,"leaves":`...), p.Shard.Leaves, 10)
	b = hex.AppendEncode(append(b, `},"snapshot":"`...), p.Snapshot[:])
	b = hex.AppendEncode(append(b, `","statement":"`...), p.Statement[:])
	if b, err = e.top.append(append(b, `","top":`...), p.Top, e.assets); err != nil {
		return nil, fmt.Errorf("top: %w", err)
	}
	if p.Opening != nil {
		if b, err = p.Opening.Total.AppendJSON(append(b, `,"total":`...), e.assets); err != nil {
			return nil, fmt.Errorf("total: %w", err)
		}
	}
	return append(b, `,"type":"assay/v1/proof"}`...), nil
}

// siblings are those of the proof before, the highest first, since it is the highest that stay.
type siblings[S Sum[S]] []sibling[S]

// sibling is a node in both its encodings.
type sibling[S Sum[S]] struct{ binary, before, text []byte }

// set makes s the sibling n, which it may be already.
func (s *sibling[S]) set(n Node[S], assets []string) (err error) {
	s.binary, s.before = n.Sum.AppendBinary(append(s.before[:0], n.Hash[:]...)), s.binary
	if bytes.Equal(s.binary, s.before) {
		return nil
	}
	s.text = hex.AppendEncode(append(s.text[:0], `{"hash":"`...), n.Hash[:])
	if s.text, err = n.Sum.AppendJSON(append(s.text, `","sum":`...), assets); err != nil {
		s.binary = nil
		return err
	}
	s.text = append(s.text, '}')
	return nil
}

func (s *siblings[S]) append(b []byte, nodes []Node[S], assets []string) ([]byte, error) {
	b = append(b, '[')
	for i, n := range nodes {
		if i > 0 {
			b = append(b, ',')
		}
		above := len(nodes) - 1 - i
		for above >= len(*s) {
			*s = append(*s, sibling[S]{})
		}
		if err := (*s)[above].set(n, assets); err != nil {
			return nil, fmt.Errorf("sibling #%d: %w", i, err)
		}
		b = append(b, (*s)[above].text...)
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
