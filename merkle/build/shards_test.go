package build

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

func TestShardsJSON(t *testing.T) {
	r := mustRun(t, inputOf(t, readText(t, synthText(t, 60), ledger.Rules{}), 1, 2, 3, newIdentity(t)))
	list, err := ShardsJSON(r, ids)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(list))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(v); err != nil || !bytes.Equal(again, list) {
		t.Errorf("not canonical:\n%s\n%s", list, again)
	}
	back, err := ParseShards(list, ids)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Error(diff)
	}
	if _, err := ShardsJSON(r, ids[:1]); err == nil {
		t.Error("a registry of one asset: want an error")
	}
}

// E9: no more assets than indexes, nor a prover of them.
func TestE09_TooManyAssets(t *testing.T) {
	many := make([]string, merkle.MaxAssets+1)
	if _, err := ParseShards([]byte("{}"), many); err == nil || !strings.Contains(err.Error(), "want at most 1024") {
		t.Errorf("got %v", err)
	}
	for _, n := range []int{0, -1, len(many), 1<<16 + 1} {
		if _, err := NewProver(store.Dir(""), Result{}, n, merkle.Hash{}, newIdentity(t)); err == nil || !strings.Contains(err.Error(), "want 1 to 1024") {
			t.Errorf("%d assets: got %v", n, err)
		}
	}
}

// E2, E3, E7: a shard list has one spelling.
func TestE03_ShardListStrict(t *testing.T) {
	zeros := strings.Repeat("00", 32)
	good := `{"kind":"plain","shards":[{"leaves":2,"root":"` + zeros + `","sum":[{"amount":"5","asset":"BTC"},{"amount":"6","asset":"ETH"}]}],"snapshot":"` + zeros + `","type":"assay/v1/shards"}`
	r, err := ParseShards([]byte(good), ids)
	if err != nil {
		t.Fatal(err)
	}
	want := []ShardResult{{Leaves: 2, Sum: merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 5}}, {Asset: 1, Amount: merkle.Amount{Lo: 6}}}}}
	if diff := cmp.Diff(want, r.Shards); diff != "" {
		t.Error(diff)
	}
	for name, change := range map[string][2]string{
		"trailing byte":    {`shards"}`, "shards\"}\n"},
		"blank":            {`"kind":`, `"kind": `},
		"other kind":       {`"plain"`, `"confidential"`},
		"other type":       {`v1/shards`, `v2/shards`},
		"key twice":        {`{"kind"`, `{"kind":"plain","kind"`},
		"unknown key":      {`"leaves":2`, `"leafs":2,"leaves":2`},
		"upper case hex":   {`"snapshot":"00`, `"snapshot":"AA`},
		"short root":       {`"root":"00`, `"root":"`},
		"short snapshot":   {`"snapshot":"00`, `"snapshot":"`},
		"leading zero":     {`"5"`, `"05"`},
		"negative":         {`"5"`, `"-5"`},
		"zero":             {`"5"`, `"0"`},
		"unknown asset":    {`"BTC"`, `"DOGE"`},
		"asset twice":      {`"BTC"`, `"ETH"`},
		"descending":       {`"BTC"`, `"USDT"`},
		"amount as number": {`"5"`, `5`},
		"no shards":        {good[len(`{"kind":"plain","shards":`):strings.Index(good, `,"snapshot"`)], `[]`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Fatalf("%s changed nothing", name)
		}
		if _, err := ParseShards([]byte(bad), ids); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func FuzzParseShards(f *testing.F) {
	zeros := strings.Repeat("00", 32)
	f.Add([]byte(`{"kind":"plain","shards":[{"leaves":2,"root":"` + zeros + `","sum":[{"amount":"5","asset":"BTC"}]}],"snapshot":"` + zeros + `","type":"assay/v1/shards"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, list []byte) {
		r, err := ParseShards(list, ids)
		if err != nil {
			return
		}
		if again, err := ShardsJSON(r, ids); err != nil || !bytes.Equal(again, list) {
			t.Errorf("%s was accepted, its form is %s (%v)", list, again, err)
		}
	})
}
