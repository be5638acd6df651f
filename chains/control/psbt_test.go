package control

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/wire/v2"
)

type field struct{ key, value []byte }

// psbtMaps are the maps of a PSBT, each of its fields in order.
func psbtMaps(t *testing.T, given, prefix string) [][]field {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(given, prefix))
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(raw[len(psbtMagic):])
	maps := [][]field{nil}
	for r.Len() > 0 {
		key, err := wire.ReadVarBytes(r, 0, maxPSBT, "key")
		if err != nil {
			t.Fatal(err)
		}
		if len(key) == 0 {
			maps = append(maps, nil)
			continue
		}
		value, err := wire.ReadVarBytes(r, 0, maxPSBT, "value")
		if err != nil {
			t.Fatal(err)
		}
		maps[len(maps)-1] = append(maps[len(maps)-1], field{key, value})
	}
	return maps[:len(maps)-1]
}

func ofMaps(t *testing.T, prefix string, maps [][]field) string {
	t.Helper()
	b := bytes.NewBufferString(psbtMagic)
	for _, m := range maps {
		for _, f := range m {
			for _, part := range [][]byte{f.key, f.value} {
				if err := wire.WriteVarBytes(b, 0, part); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.WriteByte(0)
	}
	return prefix + base64.StdEncoding.EncodeToString(b.Bytes())
}

// goodFields are a value that each field may have, of those that a proof of
// funds may have beside what is read of it.
func goodFields(in bool) []field {
	key := numberedKey(5).PubKey()
	x, full := schnorr.SerializePubKey(key), key.SerializeCompressed()
	path, leafPath := []byte{1, 2, 3, 4}, []byte{0, 1, 2, 3, 4}
	if !in {
		return []field{
			{[]byte{0x00}, []byte{1}}, {[]byte{0x01}, []byte{1}}, {append([]byte{0x02}, full...), path},
			{[]byte{0x05}, x}, {[]byte{0x06}, []byte{1}}, {append([]byte{0x07}, x...), leafPath}, {[]byte{0xfc, 1}, nil},
		}
	}
	two := append(bytes.Clone(x), make([]byte, 32)...)
	sig, err := schnorr.Sign(numberedKey(5), make([]byte, 32))
	if err != nil {
		panic(err)
	}
	return []field{
		{[]byte{0x03}, []byte{1, 0, 0, 0}}, {[]byte{0x04}, []byte{1}}, {[]byte{0x05}, []byte{1}}, {append([]byte{0x06}, full...), path},
		{[]byte{0x09}, []byte{1}}, {[]byte{0x0a, 1}, nil}, {[]byte{0x0b, 1}, nil}, {[]byte{0x0c, 1}, nil}, {[]byte{0x0d, 1}, nil},
		{[]byte{0x13}, sig.Serialize()}, {append([]byte{0x14}, two...), sig.Serialize()}, {append(append([]byte{0x15}, 0xc0), x...), []byte{0x51, 0xc0}},
		{append([]byte{0x16}, x...), leafPath}, {[]byte{0x17}, x}, {[]byte{0x18}, make([]byte, 32)}, {[]byte{0xfc, 1}, nil},
	}
}

// TestB13_FieldsOfPSBT goes through the types of each map, in both methods:
// what SPEC part 14 lists is taken, all else refused, and so is each key with
// more or less than it should have, or twice.
func TestB13_FieldsOfPSBT(t *testing.T) {
	all := fundedWallets(t)
	accounts := accountsOf(all)
	text := demoChallenge(accounts...).Text()
	xpub := slices.Concat([]byte{0x01, 0x04, 0x88, 0xb2, 0x1e}, make([]byte, 41), numberedKey(5).PubKey().SerializeCompressed())
	for prefix, d := range map[string]*fundsDraft{fundsPrefix: proofDraft(text, all), "": reservesDraft(text, all)} {
		good := packed(t, prefix, d.sign(t))
		maps := psbtMaps(t, good, prefix)
		global := []field{{[]byte{0xfb}, make([]byte, 4)}, {[]byte{0xfc, 1}, nil}, {xpub, make([]byte, 4)}}
		if prefix == fundsPrefix {
			global = append(global, field{[]byte{0x09}, []byte(text)})
		}
		for m, known := range map[int][]field{0: global, 2: goodFields(true), len(maps) - 1: goodFields(false)} {
			with := func(name string, add ...field) error {
				changed := slices.Clone(maps)
				changed[m] = append(slices.Clone(changed[m]), add...)
				got, err := Verify(accounts, text, ofMaps(t, prefix, changed), Facts{})
				if err == nil && got.Signature != good {
					t.Errorf("prefix %q, map %d, %s: became %s", prefix, m, name, got.Signature)
				}
				return err
			}
			types := map[byte]bool{}
			for _, f := range maps[m] {
				types[f.key[0]] = true
			}
			for _, f := range known {
				types[f.key[0]] = true
				if err := with("good", f); err != nil {
					t.Errorf("prefix %q, map %d, field %x: %v", prefix, m, f.key, err)
				}
			}
			refused := func(f field, before ...field) {
				other := []byte{f.key[0], 7}
				if len(f.key) > 1 {
					other = f.key[:1]
				}
				for name, last := range map[string]field{
					"twice": f, "twice, another value": {f.key, append(bytes.Clone(f.value), 1)}, "another key": {other, f.value},
				} {
					if with(name, append(slices.Clone(before), last)...) == nil {
						t.Errorf("prefix %q, map %d, field %x, %s: taken", prefix, m, f.key, name)
					}
				}
			}
			for _, f := range maps[m] {
				refused(f)
			}
			for _, f := range known {
				refused(f, f)
			}
			for kind := range 256 {
				if types[byte(kind)] || m == 2 && slices.Contains([]int{0x00, 0x02, 0x07, 0x08}, kind) {
					continue // of the list
				}
				for _, f := range []field{{[]byte{byte(kind)}, []byte{1}}, {[]byte{byte(kind), 1}, []byte{1}}} {
					changed := slices.Clone(maps)
					changed[m] = append(slices.Clone(changed[m]), f)
					if _, err := parsePSBT(ofMaps(t, prefix, changed), prefix, text); err == nil {
						t.Errorf("prefix %q, map %d, field %x: taken", prefix, m, f.key)
					}
				}
			}
			// The library drops all but the last byte of longer types.
			if with("a long type", field{[]byte{0xfd, 0xfc, 0x01}, []byte{1}}) == nil {
				t.Errorf("prefix %q, map %d, type 0x1fc: taken", prefix, m)
			}
		}
	}
}

// TestB13_ValuesOfPSBT: nothing follows a value, and every count is true.
func TestB13_ValuesOfPSBT(t *testing.T) {
	all := fundedWallets(t)
	from := wire.NewMsgTx(1)
	from.AddTxIn(&wire.TxIn{})
	from.AddTxOut(wire.NewTxOut(1000, all[1].script))
	accounts := accountsOf(all)
	text := demoChallenge(accounts...).Text()
	for prefix, d := range map[string]*fundsDraft{fundsPrefix: proofDraft(text, all), "": reservesDraft(text, all)} {
		at := slices.IndexFunc(d.by, func(w *keyed) bool { return w != nil && w.account == all[1].account })
		d.tx.TxIn[at].PreviousOutPoint = wire.OutPoint{Hash: from.TxHash()}
		packet := d.sign(t)
		packet.Inputs[at].NonWitnessUtxo = from
		maps := psbtMaps(t, packed(t, prefix, packet), prefix)
		for name, c := range map[string]struct {
			m    int
			kind byte
			edit func(value []byte) []byte
			says string
		}{
			"as it is":                  {at + 1, witnessUTXO, bytes.Clone, ""},
			"after the transaction":     {0, unsignedTx, func(v []byte) []byte { return append(bytes.Clone(v), 0) }, "bytes are left over after its transaction"},
			"after what it brings":      {at + 1, nonWitnessUTXO, func(v []byte) []byte { return append(bytes.Clone(v), 0) }, "bytes are left over after the transaction that it brings"},
			"after the UTXO":            {at + 1, witnessUTXO, func(v []byte) []byte { return append(bytes.Clone(v), 0) }, "1 bytes are left over after its witness UTXO"},
			"a longer UTXO":             {at + 1, witnessUTXO, func(v []byte) []byte { v = bytes.Clone(v); v[8]++; return v }, "its witness UTXO"},
			"a shorter UTXO":            {at + 1, witnessUTXO, func(v []byte) []byte { v = bytes.Clone(v); v[8]--; return v }, "1 bytes are left over"},
			"another value than the tx": {at + 1, witnessUTXO, func(v []byte) []byte { v = bytes.Clone(v); v[0]++; return v }, "is not the output of the transaction"},
		} {
			changed := slices.Clone(maps)
			changed[c.m] = slices.Clone(changed[c.m])
			i := slices.IndexFunc(changed[c.m], func(f field) bool { return f.key[0] == c.kind })
			changed[c.m][i].value = c.edit(changed[c.m][i].value)
			got, err := Verify(accounts, text, ofMaps(t, prefix, changed), Facts{})
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("prefix %q, %s: got %+v, %v, want %q", prefix, name, got, err, c.says)
			}
		}
	}
}
