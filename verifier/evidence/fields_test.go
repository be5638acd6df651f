package evidence

import (
	"math/big"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

func TestE02_AmountsAndHex(t *testing.T) {
	read := func(text string, take func(*canon.Reader)) error {
		return canon.Decode([]byte(`"`+text+`"`), take)
	}
	var got *big.Int
	amount := func(r *canon.Reader) { got = readAmount(r, 256) }
	for _, bad := range []string{"", "01", "00", "+1", "-1", "1.0", "1e3", " 1", "1 ", "٣", "0x1", strings.Repeat("9", 79), strings.Repeat("9", 78)} {
		if read(bad, amount) == nil {
			t.Errorf("amount %q: taken", bad)
		}
	}
	const most = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
	if err := read(most, amount); err != nil || got.String() != most {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"0", "0A", "0g", "0x00", " 00", "00 "} {
		if read(bad, func(r *canon.Reader) { readHex(r, 10) }) == nil {
			t.Errorf("hex %q: taken", bad)
		}
	}
	if read("0001", func(r *canon.Reader) { readHex(r, 1) }) == nil {
		t.Error("2 bytes where 1 is the limit: taken")
	}
	if err := read("0001", func(r *canon.Reader) { readHex(r, 2) }); err != nil {
		t.Error(err)
	}
}

// The file as a whole comes before its type, and its type before its keys.
func TestDecode_OrderOfFaults(t *testing.T) {
	read := func(raw string) error {
		return decode([]byte(raw), kindEVM, func(r *canon.Reader) {
			r.Object(canon.Key("a", func() { r.Number(1) }), canon.Key("type", func() { r.Fixed(kindEVM) }))
		})
	}
	if err := read(`{"a":1,"type":"` + kindEVM + `"}`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ raw, field, problem string }{
		{`{"a":2,"type":"` + kindEVM + `"}`, "a", "above 1"},
		{`{"b":2,"type":"` + kindEVM + `"}`, "file", `key "a" is missing`},
		{`{"a":2,"type":"assay/v1/evidence/utxo"}`, "type", `got "assay/v1/evidence/utxo", want "` + kindEVM + `"`},
		{`{"a":1,"type":1}`, "type", `got ""`},
		{`{"a":1}`, "type", `got ""`},
		{`[]`, "type", `got ""`},
		{`{"a":2,"type":"assay/v1/evidence/utxo"} `, "file", "1 bytes follow the value"},
		{`{"a":02,"type":"assay/v2/evidence/evm"}`, "a", "leading zero"},
	} {
		wantFormat(t, read(tt.raw), tt.field, tt.problem)
	}
}
