package evidence

import (
	"strings"
	"testing"
	"time"
)

const tron = "tron:0x2b6653dc"

func attestedFile() map[string]any {
	node := func(label string) any {
		return map[string]any{
			"answers": []any{map[string]any{"account": tron + ":TA", "amount": "5", "number": 9, "token": tron + "/slip44:195"}},
			"block":   map[string]any{"hash": strings.Repeat("a", 64), "number": 9, "time": "2026-10-31T23:59:50Z"}, "node": label,
		}
	}
	return map[string]any{
		"attested": []any{node("node 1"), node("node 2")}, "balances": []any{map[string]any{"account": tron + ":TA", "amount": "5", "token": tron + "/slip44:195"}},
		"chain": tron, "snapshot": testSnapshot, "type": kindAttested,
	}
}

func attestedBlock() Block {
	return Block{Chain: tron, Hash: strings.Repeat("a", 64), Number: 9, Time: time.Date(2026, 10, 31, 23, 59, 50, 0, time.UTC)}
}

func TestAttestedBalances(t *testing.T) {
	file, err := ParseAttested(encode(t, attestedFile()), testSnapshot, tron)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.CheckBlock(attestedBlock()); err != nil {
		t.Fatal(err)
	}
	result, err := file.Check(attestedBlock())
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Balances) != 1 || result.Balances[0].Amount.Int64() != 5 || result.Balances[0].Nodes != 2 || len(result.Notes) != 1 {
		t.Errorf("got %+v", result)
	}
	_, err = ParseAttested(encode(t, attestedFile()), strings.Repeat("0", 64), tron)
	wantTyped(t, err)
}

func FuzzParseAttested(f *testing.F) {
	f.Add(encode(f, attestedFile()))
	f.Fuzz(func(t *testing.T, raw []byte) {
		parsed, err := ParseAttested(raw, testSnapshot, tron)
		if err != nil {
			wantTyped(t, err)
			return
		}
		if err := parsed.CheckBlock(attestedBlock()); err != nil {
			wantTyped(t, err)
		}
		if _, err := parsed.Check(attestedBlock()); err != nil {
			wantTyped(t, err)
		}
	})
}
