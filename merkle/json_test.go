package merkle

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

var testIDs = []string{"BTC", "ETH", "USDT", "A.1", "A#2", "A-3", "A4", "A5", "A6", "A7", "A8", "A9"}

func TestProofJSON(t *testing.T) {
	p, _ := proofOf(t, [][]leaf{someLeaves(7), someLeaves(3)}, 0, 2)
	for name, envelope := range map[string][]byte{"without": nil, "with": []byte(`{"payload":"e30=","payloadType":"x","signatures":[]}`)} {
		var log *InLog
		if envelope != nil {
			log = &InLog{Entry: []byte(`{"payload":"e30="}`), Proof: []byte("c2sp.org/tlog-proof@v1\n")}
		}
		got, err := p.JSON(testIDs, envelope, log)
		if err != nil {
			t.Fatal(err)
		}
		// Decoded and encoded again by a library that sorts keys, a canonical file of strings and integers comes back as it was.
		var v any
		d := json.NewDecoder(bytes.NewReader(got))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, again) {
			t.Errorf("%s envelope: not canonical:\n%s\n%s", name, got, again)
		}
		if has := bytes.Contains(got, []byte(`"envelope":{`)); has != (envelope != nil) {
			t.Errorf("%s envelope: in the file: %v", name, has)
		}
		if has := bytes.Contains(got, []byte(`,"log":{"entry":{"payload":"e30="},"proof":"YzJzcC5vcmcvdGxvZy1wcm9vZkB2MQo="},"nonce":"`)); has != (log != nil) {
			t.Errorf("%s place in a log: in the file: %v", name, has)
		}
	}
	small := Proof[Plain]{Kind: KindPlain, Balances: Plain{{2, Amount{Lo: 5}}}, Nonce: [32]byte{1}, Shard: Place{1, 0, 0, 2},
		Path: []Node[Plain]{{Hash: Hash{2}, Sum: nil}}}
	got, err := small.JSON(testIDs, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	zeros := strings.Repeat("00", 31)
	want := `{"balances":[{"amount":"5","asset":"USDT"}],"kind":"plain","nonce":"01` + zeros + `","path":[{"hash":"02` + zeros +
		`","sum":[]}],"shard":{"count":1,"index":0,"leaf":0,"leaves":2},"snapshot":"00` + zeros + `","statement":"00` + zeros +
		`","top":[],"type":"assay/v1/proof"}`
	if string(got) != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}

func TestProofJSONRefused(t *testing.T) {
	good := Proof[Plain]{Kind: KindPlain, Balances: Plain{{0, Amount{Lo: 5}}}}
	beyond := Plain{{2, Amount{Lo: 1}}}
	for name, c := range map[string]struct {
		proof    Proof[Plain]
		assets   []string
		envelope string
	}{
		"asset beyond the registry": {Proof[Plain]{Balances: beyond}, []string{"BTC"}, "{}"},
		"path beyond the registry":  {Proof[Plain]{Path: []Node[Plain]{{Sum: beyond}}}, []string{"BTC"}, "{}"},
		"top beyond the registry":   {Proof[Plain]{Top: []Node[Plain]{{Sum: beyond}}}, []string{"BTC"}, "{}"},
		"asset id with a quote":     {good, []string{`B"C`}, "{}"},
		"asset id in lower case":    {good, []string{"btc"}, "{}"},
		"asset id too long":         {good, []string{strings.Repeat("A", 33)}, "{}"},
		"asset id empty":            {good, []string{""}, "{}"},
		"envelope an array":         {good, []string{"BTC"}, "[]"},
		"envelope empty":            {good, []string{"BTC"}, ""},
		"envelope cut":              {good, []string{"BTC"}, `{"a":`},
		"envelope with blanks":      {good, []string{"BTC"}, `{"a": 1}`},
		"envelope twice":            {good, []string{"BTC"}, `{}{}`},
	} {
		if got, err := c.proof.JSON(c.assets, []byte(c.envelope), nil); err == nil {
			t.Errorf("%s: got %s, want an error", name, got)
		}
	}
	if got, err := good.JSON([]string{"BTC"}, []byte("{}"), &InLog{Entry: []byte("{} ")}); err == nil {
		t.Errorf("entry with blanks: got %s, want an error", got)
	}
	if s := Kind(9).String(); s != "kind(0x09)" {
		t.Errorf("an unknown kind prints as %q", s)
	}
}
