package tree

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

var zeros = strings.Repeat("0", 64)

func sampleProof() string {
	return `{"balances":[{"amount":"5","asset":"BTC"}],"kind":"plain","nonce":"` + zeros + `","path":[{"hash":"` + zeros +
		`","sum":[]}],"shard":{"count":1,"index":0,"leaf":0,"leaves":2},"snapshot":"` + zeros + `","statement":"` + zeros + `","top":[],"type":"assay/v1/proof"}`
}

// sampleHidden is a proof of kind confidential.
func sampleHidden(t testing.TB) string {
	t.Helper()
	raw := multiples(t, 1)[0].Bytes()
	point := hex.EncodeToString(raw[:])
	return `{"balances":[{"amount":"5","asset":"BTC"}],"blinding":"` + zeros + `","kind":"confidential","nonce":"` + zeros + `","path":[{"hash":"` + zeros +
		`","sum":"` + point + `"}],"shard":{"count":1,"index":0,"leaf":0,"leaves":2},"snapshot":"` + zeros + `","statement":"` + zeros +
		`","top":[],"total":"` + point + `","type":"assay/v1/proof"}`
}

func sampleShards() string {
	return `{"kind":"plain","shards":[{"leaves":1,"root":"` + zeros + `","sum":[{"amount":"340282366920938463463374607431768211455","asset":"BTC"}]}],"snapshot":"` +
		zeros + `","type":"assay/v1/shards"}`
}

// canonical asks encoding/json whether what was accepted is the one spelling of its value.
func canonical(t *testing.T, raw []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("accepted, but not JSON: %v", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if got := bytes.TrimSuffix(b.Bytes(), []byte("\n")); !bytes.Equal(got, raw) {
		t.Fatalf("accepted %q, canonical is %q", raw, got)
	}
}

// known fails on an error that is neither of the two that a parser may give.
func known(t *testing.T, err error) {
	t.Helper()
	var format *canon.FormatError
	var version *canon.VersionError
	if !errors.As(err, &format) && !errors.As(err, &version) || err.Error() == "" {
		t.Fatalf("got %T %v", err, err)
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add([]byte(sampleProof()))
	f.Add([]byte(strings.Replace(sampleProof(), `"kind"`, `"envelope":{"a":[true,false,"\"\\"]},"kind"`, 1)))
	f.Add([]byte(strings.Replace(sampleProof(), "v1", "v2", 1)))
	f.Add([]byte(sampleHidden(f)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParseProof(raw)
		if err != nil {
			known(t, err)
			return
		}
		canonical(t, raw)
		c := Commitment{Assets: []string{"BTC"}, Shards: p.Shard.Count}
		if p.CheckRoot(c, "someone") == nil {
			t.Fatal("a root was met by chance")
		}
		if _, err := p.CheckRow(c, "someone", p.Total); err == nil {
			t.Fatal("a root was met by chance")
		}
	})
}

func FuzzParseShards(f *testing.F) {
	f.Add([]byte(sampleShards()))
	point := multiples(f, 1)[0].Bytes()
	f.Add([]byte(`{"kind":"confidential","shards":[{"leaves":1,"root":"` + zeros + `","total":"` + hex.EncodeToString(point[:]) + `"}],"snapshot":"` + zeros + `","type":"assay/v1/shards"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, err := ParseShards(raw)
		if err != nil {
			known(t, err)
			return
		}
		canonical(t, raw)
		if _, err := l.Check(Commitment{Kind: l.Kind, Assets: []string{"BTC"}, Shards: uint64(len(l.shards)), Leaves: 1}); err == nil {
			t.Fatal("a root was met by chance")
		}
	})
}

func FuzzCheckLeaves(f *testing.F) {
	head := leavesMagic + string(make([]byte, 43)) + "\x01"
	f.Add([]byte(head + string(make([]byte, 34))))
	f.Add([]byte(head + string(make([]byte, 33)) + "\x01\x00\x00" + string(make([]byte, 15)) + "\x05"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := (Commitment{Assets: []string{"BTC", "ETH"}}).CheckLeaves(bytes.NewReader(raw), 0, Shard{Leaves: 1}, NewIdentities(nil)); err == nil {
			t.Fatal("a root was met by chance")
		}
	})
}

func FuzzNormalizeCustomer(f *testing.F) {
	f.Add(" e\u0301@example.org ")
	f.Fuzz(func(t *testing.T, typed string) {
		id, err := NormalizeCustomer(typed)
		if err != nil {
			return
		}
		if again, err := NormalizeCustomer(id); err != nil || again != id || len(id) > 256 {
			t.Fatalf("%q became %q, then %q (%v)", typed, id, again, err)
		}
	})
}

func TestSamples(t *testing.T) {
	for _, sample := range []string{sampleProof(), sampleHidden(t)} {
		if _, err := ParseProof([]byte(sample)); err != nil {
			t.Error(err)
		}
	}
	if _, err := ParseShards([]byte(sampleShards())); err != nil {
		t.Error(err)
	}
}
