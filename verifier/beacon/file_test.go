package beacon

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

type obj = map[string]any

const (
	devnetChain = "eip155:1337"
	noSnapshot  = "0000000000000000000000000000000000000000000000000000000000000000"
)

func encode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (h jsonHeader) json() obj {
	return obj{"body": h.Body, "parent": h.Parent, "proposer": h.Proposer, "slot": h.Slot, "state": h.State}
}

func (u jsonUpdate) json() obj {
	return obj{"attested": u.Attested.json(), "bits": u.Bits, "finality": u.Finality, "finalized": u.Finalized.json(), "signature": u.Signature, "slot": u.Slot}
}

// devnetFile is the other implementation's evidence in the form of SPEC part 22, as far as it goes: the execution block that it shows
// is not that of the finalised header.
func devnetFile(t testing.TB, updates int) obj {
	t.Helper()
	d, c, _ := loadDevnet(t)
	members := obj{"aggregate": d.Aggregate, "keys": hex.EncodeToString(c.keys)}
	update := d.Update.json()
	update["committee"], update["branch"] = members, d.Update.Branch
	finality := d.Finality.json()
	finality["execution"] = obj{"branch": append([]string{}, hexes(d.Execution.Payload.branch(t))...), "hash": d.Execution.Payload.Hash}
	list := []obj{}
	for range updates {
		list = append(list, update)
	}
	return obj{
		"bootstrap": obj{"branch": d.Bootstrap.Branch, "committee": members, "header": d.Bootstrap.Header.json()}, "chain": devnetChain, "finality": finality,
		"headers": []string{"f838a0" + strings.Repeat("00", 55)}, "snapshot": noSnapshot, "type": kind, "updates": list,
	}
}

func hexes(list [][32]byte) (out []string) {
	for _, h := range list {
		out = append(out, hex.EncodeToString(h[:]))
	}
	return out
}

// Parsed from a file, another implementation's evidence passes every step that its data reach.
func TestCheck_AnotherImplementationsFile(t *testing.T) {
	_, _, network := loadDevnet(t)
	for updates, want := range []string{"finality.execution", "finality.slot", "updates[1].attested.slot"} {
		file, err := Parse(encode(t, devnetFile(t, updates)), noSnapshot, devnetChain)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.Check(Checkpoint{Root: file.bootstrap.header.root(), Network: network}, Block{Chain: devnetChain, Hash: "0x00"})
		var check *CheckError
		if !errors.As(err, &check) || check.Field != want {
			t.Errorf("%d updates: got %v, want it to come as far as %s", updates, err, want)
		}
		_, err = file.Check(Checkpoint{Root: [32]byte{1}, Network: network}, Block{Chain: devnetChain})
		if !errors.As(err, &check) || check.Field != "bootstrap.header" {
			t.Errorf("another checkpoint: got %v", err)
		}
		_, err = file.Check(Checkpoint{}, Block{Chain: "eip155:1"})
		if !errors.As(err, &check) || check.Field != "chain" {
			t.Errorf("another chain: got %v", err)
		}
	}
}

func TestParse_Refused(t *testing.T) {
	good := string(encode(t, devnetFile(t, 1)))
	if _, err := Parse([]byte(good), noSnapshot, devnetChain); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown key":         {`"chain":`, `"chaim":"","chain":`, "chaim"},
		"missing key":         {`"headers":`, `"heads":`, `key "headers" is missing`},
		"upper-case hex":      {`"bits":"ff`, `"bits":"FF`, "finality.bits: want lower-case hex"},
		"bits too short":      {`"bits":"ff`, `"bits":"`, "finality.bits: 63 bytes, want 64"},
		"bits too long":       {`"bits":"ff`, `"bits":"ffff`, "finality.bits: 65 bytes, more than 64"},
		"odd hex":             {`"bits":"ff`, `"bits":"f`, "want lower-case hex of an even length"},
		"signature too short": {`"signature":"ab`, `"signature":"`, "finality.signature: 95 bytes"},
		"keys too long":       {`"keys":"`, `"keys":"00`, "bootstrap.committee.keys: 24577 bytes"},
		"key too short":       {`"aggregate":"88`, `"aggregate":"`, "bootstrap.committee.aggregate: 47 bytes, want 48"},
		"slot as text":        {`"slot":64,`, `"slot":"64",`, "bootstrap.header.slot: want an integer"},
		"slot negative":       {`"slot":64,`, `"slot":-64,`, "want an integer"},
		"slot beyond 2^53":    {`"slot":64,`, `"slot":9007199254740992,`, "above"},
		"root with 0x":        {`"parent":"`, `"parent":"0x`, "not a hash"},
		"white space":         {`"chain":`, `"chain": `, ""},
		"another key":         {`"snapshot":`, `"signatures":[],"snapshot":`, "signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := strings.Replace(good, c.from, c.to, 1)
			_, err := Parse([]byte(raw), noSnapshot, devnetChain)
			var format *canon.FormatError
			if raw == good || !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a format error with %q", err, c.want)
			}
		})
	}
	var version *canon.VersionError
	if _, err := Parse([]byte(good+"\n"), noSnapshot, devnetChain); err == nil {
		t.Error("a line feed after the file is taken")
	}
	if _, err := Parse([]byte(strings.Replace(good, kind, "assay/v2/evidence/beacon", 1)), noSnapshot, devnetChain); !errors.As(err, &version) {
		t.Errorf("version 2: got %v", err)
	}
	var check *CheckError
	if _, err := Parse([]byte(good), strings.Repeat("1", 64), devnetChain); !errors.As(err, &check) || check.Field != "snapshot" {
		t.Errorf("another snapshot: got %v", err)
	}
	if _, err := Parse([]byte(good), noSnapshot, "eip155:1"); !errors.As(err, &check) || check.Field != "chain" {
		t.Errorf("another chain: got %v", err)
	}
}

// SPEC part 18: one entry more than a list may have is refused.
func TestParse_Limits(t *testing.T) {
	for name, change := range map[string]func(f obj){
		"headers": func(f obj) { f["headers"] = slicesOf(maxHeaders+1, "00") },
		"branch":  func(f obj) { f["bootstrap"].(obj)["branch"] = slicesOf(maxBranch+1, noSnapshot) },
		"header":  func(f obj) { f["headers"] = []string{strings.Repeat("00", maxHeader+1)} },
		"updates": func(f obj) {
			list := make([]obj, maxUpdates+1)
			for i := range list {
				list[i] = f["updates"].([]obj)[0]
			}
			f["updates"] = list
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := devnetFile(t, 1)
			change(f)
			_, err := Parse(encode(t, f), noSnapshot, devnetChain)
			if err == nil || !strings.Contains(err.Error(), "more than") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := Parse(make([]byte, maxFile+1), noSnapshot, devnetChain); err == nil || !strings.Contains(err.Error(), "the limit is") {
		t.Errorf("a file above the limit: got %v", err)
	}
}

func slicesOf(n int, s string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// Long hex stands for itself by one word while the fuzzer works: it dwells on long inputs.
func FuzzParse(f *testing.F) {
	_, c, _ := loadDevnet(f)
	words := strings.NewReplacer("KEYS", hex.EncodeToString(c.keys), "KEY", strings.Repeat("ab", keySize), "HASH", noSnapshot,
		"BITS", strings.Repeat("ff", bitsSize), "SIGN", strings.Repeat("cd", signatureSize))
	const head = `{"body":"HASH","parent":"HASH","proposer":1,"slot":64,"state":"HASH"}`
	seed := func(updates ...string) []byte {
		return []byte(`{"bootstrap":{"branch":["HASH","HASH"],"committee":{"aggregate":"KEY","keys":"KEYS"},"header":` + head + `},"chain":"eip155:1337","finality":{"attested":` + head +
			`,"bits":"BITS","execution":{"branch":["HASH"],"hash":"HASH"},"finality":["HASH"],"finalized":` + head + `,"signature":"SIGN","slot":66},"headers":["f838a0","00"],"snapshot":"HASH","type":"` +
			kind + `","updates":[` + strings.Join(updates, ",") + `]}`)
	}
	update := `{"attested":` + head + `,"bits":"BITS","branch":["HASH"],"committee":{"aggregate":"KEY","keys":"KEYS"},"finality":["HASH"],"finalized":` + head + `,"signature":"SIGN","slot":66}`
	for _, raw := range [][]byte{seed(), seed(update), seed(update, update)} {
		if _, err := Parse([]byte(words.Replace(string(raw))), noSnapshot, devnetChain); err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = []byte(words.Replace(string(raw)))
		file, err := Parse(raw, noSnapshot, devnetChain)
		if err != nil {
			var format *canon.FormatError
			var version *canon.VersionError
			var check *CheckError
			if !errors.As(err, &format) && !errors.As(err, &version) && !errors.As(err, &check) {
				t.Fatalf("got %T %v", err, err)
			}
			return
		}
		if canon.Check(raw) != nil {
			t.Fatal("accepted, but not canonical")
		}
		var check *CheckError
		if _, err = file.Check(Checkpoint{}, Block{Chain: devnetChain}); !errors.As(err, &check) || check.Field != "bootstrap.header" {
			t.Fatalf("got %T %v, want a check error: no header has that root", err, err)
		}
	})
}

func FuzzParentOf(f *testing.F) {
	f.Add(append([]byte{0xf8, 56, 0xa0}, make([]byte, 55)...))
	f.Add([]byte{0xf9, 0, 56})
	f.Fuzz(func(t *testing.T, raw []byte) {
		parent, err := parentOf(raw)
		if err == nil && !bytes.Contains(raw, parent[:]) {
			t.Fatal("a parent from nowhere")
		}
	})
}

func TestParentOf(t *testing.T) {
	list := func(head ...byte) []byte {
		return append(head, append([]byte{0xa0}, bytes.Repeat([]byte{7}, 60)...)...)
	}
	if parent, err := parentOf(list(0xf8, 61)); err != nil || parent != [32]byte(bytes.Repeat([]byte{7}, 32)) {
		t.Errorf("got %x, %v", parent, err)
	}
	for name, raw := range map[string][]byte{
		"nothing": {}, "a string": list(0xb8, 61), "short form": list(0xf7), "length too small": list(0xf8, 60), "length too great": list(0xf8, 62),
		"leading zero": list(0xf9, 0, 61), "cut off": {0xf9, 1}, "only a head": {0xff}, "55 bytes": append([]byte{0xf8, 55, 0xa0}, make([]byte, 54)...),
		"item of 31 bytes": append([]byte{0xf8, 60, 0x9f}, make([]byte, 59)...), "item is a list": append([]byte{0xf8, 60, 0xe0}, make([]byte, 59)...),
	} {
		if parent, err := parentOf(raw); err == nil {
			t.Errorf("%s: got %x", name, parent)
		}
	}
}

func TestAncestry(t *testing.T) {
	block := func(parent [32]byte, more byte) []byte {
		return append(append([]byte{0xf8, 57, 0xa0}, parent[:]...), bytes.Repeat([]byte{more}, 24)...)
	}
	pinned := [32]byte{1}
	child := block(pinned, 1)
	tip := block(keccak256(child), 2)
	other := block(pinned, 3)
	for name, c := range map[string]struct {
		hash    [32]byte
		headers [][]byte
		want    string
	}{
		"two":            {keccak256(tip), [][]byte{tip, child}, ""},
		"the same block": {pinned, nil, ""},
		"none":           {keccak256(tip), nil, "there are no headers"},
		"one too few":    {keccak256(tip), [][]byte{tip}, "do not lead to the pinned block"},
		"wrong way":      {keccak256(tip), [][]byte{child, tip}, "headers[0]: it is not the finalized block's"},
		"broken":         {keccak256(tip), [][]byte{tip, other}, "headers[1]: it is not the parent"},
		"beyond":         {keccak256(tip), [][]byte{tip, child, other}, "headers[2]: it is not the parent"},
		"no header":      {keccak256([]byte("x")), [][]byte{[]byte("x")}, "headers[0]: no block header"},
	} {
		err := checkAncestry(c.hash, c.headers, fmt.Sprintf("0x%x", pinned))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
