package chains

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	btc     = "bip122:000000000019d6689c085ae165831e93"
	holder  = "0x8e23ee67d1332ad560396262c48ffbb01f93d052"
	segwit  = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
	legacy  = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
	tooLong = "18446744073709551616"
)

func TestParseChain(t *testing.T) {
	for s, ok := range map[string]bool{
		"eip155:1": true, "eip155:1337": true, "eip155:18446744073709551615": true, btc: true,
		"": false, "eip155": false, "eip155:": false, "eip155:0": false, "eip155:01": false, "eip155:+1": false, "eip155:-1": false,
		"eip155:1 ": false, " eip155:1": false, "EIP155:1": false, "eip155:0x1": false, "eip155:1_0": false, "eip155:" + tooLong: false,
		"eip155:1:2": false, "eip155:١": false, strings.ToUpper(btc): false, btc + "0": false, btc[:len(btc)-1]: false,
		"bip122:000000000019D6689c085ae165831e93": false, "cosmos:hub": false, "solana:1": false,
	} {
		got, err := ParseChain(s)
		if (err == nil) != ok || ok && got != Chain(s) || !ok && got != "" {
			t.Errorf("ParseChain(%q) = %q, %v, want ok = %v", s, got, err, ok)
		}
	}
	if c := Chain(btc); c.Namespace() != BIP122 || c.Reference() != btc[7:] {
		t.Errorf("parts of %s: %s, %s", c, c.Namespace(), c.Reference())
	}
}

func TestB21_ParseAccount(t *testing.T) {
	for s, ok := range map[string]bool{
		"eip155:1:" + holder: true, btc + ":" + segwit: true, btc + ":" + legacy: true,
		"": false, holder: false, "eip155:1": false, "eip155:1:": false, "eip155:1:" + holder[2:]: false,
		"eip155:1:0x8E23ee67d1332ad560396262c48ffbb01f93d052": false, // checksummed spelling: the canonical one is lower case
		"eip155:1:0X" + holder[2:]:                            false, "eip155:1:" + holder + "0": false, "eip155:1:" + holder[:41]: false,
		"eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d05g": false, "eip155:01:" + holder: false,
		"eip155:1:" + holder + " " + holder: false, "eip155:1:" + holder + "\n": false, "eip155:1: " + holder: false,
		"eip155:1:0xа000000000000000000000000000000000000000": false, // a Cyrillic a
		btc + ":": false, btc + ":" + segwit + "," + segwit: false, btc + ":" + strings.ToUpper(segwit): false,
		btc + ":O0Il": false, btc + ":" + strings.Repeat("1", 129): false,
	} {
		got, err := ParseAccount(s)
		if (err == nil) != ok || ok && string(got) != s || !ok && got != "" {
			t.Errorf("ParseAccount(%q) = %q, %v, want ok = %v", s, got, err, ok)
		}
	}
	a := Account("eip155:1:" + holder)
	if a.Chain() != "eip155:1" || a.Address() != holder {
		t.Errorf("parts of %s: %s, %s", a, a.Chain(), a.Address())
	}
}

func TestParseToken(t *testing.T) {
	for s, ok := range map[string]bool{
		"eip155:1/slip44:60": true, "eip155:1/erc20:" + holder: true, btc + "/slip44:0": true, "eip155:1/slip44:2147483647": true,
		"": false, "eip155:1": false, "eip155:1/": false, "eip155:1/slip44": false, "eip155:1/slip44:": false, "eip155:1/slip44:060": false,
		"eip155:1/slip44:2147483648": false, "eip155:1/slip44:-1": false, "eip155:1/erc20:" + strings.ToUpper(holder): false,
		"eip155:1/erc20:" + holder + "/1": false, btc + "/erc20:" + holder: false, "eip155:1/erc721:" + holder: false,
		"eip155:01/slip44:60": false, "eip155:1/slip44:60 ": false, "eip155:1//slip44:60": false,
	} {
		got, err := ParseToken(s)
		if (err == nil) != ok || ok && string(got) != s || !ok && got != "" {
			t.Errorf("ParseToken(%q) = %q, %v, want ok = %v", s, got, err, ok)
		}
	}
	token := Token("eip155:1/erc20:" + holder)
	if c, ok := token.Contract(); !ok || c != holder || token.Native() || token.Chain() != "eip155:1" {
		t.Errorf("parts of %s: %s, %t, %t, %s", token, c, ok, token.Native(), token.Chain())
	}
	coin := Token("eip155:1/slip44:60")
	if c, ok := coin.Contract(); ok || !coin.Native() {
		t.Errorf("parts of %s: %s, %t, %t", coin, c, ok, coin.Native())
	}
}

// FuzzParse feeds one text to all three parsers: what one takes it gives back
// unchanged, and no text is of two kinds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"eip155:1", "eip155:1:" + holder, "eip155:1/slip44:60", btc + ":" + segwit, btc + "/slip44:0", "::", "a:b/c:d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		kinds := 0
		if c, err := ParseChain(s); err == nil {
			kinds++
			if string(c) != s || c.Namespace()+":"+c.Reference() != s {
				t.Errorf("chain %q became %q", s, c)
			}
		}
		if a, err := ParseAccount(s); err == nil {
			kinds++
			if string(a.Chain())+":"+a.Address() != s {
				t.Errorf("account %q became %q", s, a)
			}
			if _, err := ParseChain(string(a.Chain())); err != nil {
				t.Errorf("account %q is of chain %q: %v", s, a.Chain(), err)
			}
		}
		if k, err := ParseToken(s); err == nil {
			kinds++
			if string(k) != s || !strings.HasPrefix(s, string(k.Chain())+"/") {
				t.Errorf("token %q became %q", s, k)
			}
		}
		if kinds > 1 {
			t.Errorf("%q is of %d kinds", s, kinds)
		}
	})
}

func TestGrades(t *testing.T) {
	all := EvidenceGrades()
	for i, g := range all {
		if got, err := ParseEvidenceGrade(string(g)); err != nil || got != g {
			t.Errorf("ParseEvidenceGrade(%q) = %q, %v", g, got, err)
		}
		for j, least := range all {
			if got := g.AtLeast(least); got != (i >= j) {
				t.Errorf("%s.AtLeast(%s) = %t", g, least, got)
			}
		}
		if g.AtLeast("best") || EvidenceGrade("best").AtLeast(g) {
			t.Error("a grade that is none compares")
		}
	}
	for _, g := range ControlGrades() {
		if got, err := ParseControlGrade(string(g)); err != nil || got != g {
			t.Errorf("ParseControlGrade(%q) = %q, %v", g, got, err)
		}
	}
	for _, s := range []string{"", "State-Proved", "bound "} {
		if _, err := ParseEvidenceGrade(s); err == nil {
			t.Errorf("%q is an evidence grade", s)
		}
		if _, err := ParseControlGrade(s); err == nil {
			t.Errorf("%q is a control grade", s)
		}
	}
}

func TestB10_SortHoldings(t *testing.T) {
	coin, token := Token("eip155:1/slip44:60"), Token("eip155:1/erc20:"+holder)
	a, b := Account("eip155:1:"+holder), Account("eip155:1:0x0000000000000000000000000000000000000001")
	given := []Holding{{a, coin}, {b, coin}, {a, token}}
	got, err := SortHoldings("eip155:1", given)
	if d := cmp.Diff([]Holding{{b, coin}, {a, token}, {a, coin}}, got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if given[0] != (Holding{a, coin}) {
		t.Error("the caller's list was sorted")
	}
	for name, bad := range map[string]Holding{
		"twice":                    {a, coin},
		"the coin by another name": {"eip155:1:0x0000000000000000000000000000000000000002", "eip155:1/slip44:61"},
		"account of another chain": {"eip155:10:" + holder, coin},
		"token of another chain":   {a, "eip155:10/slip44:60"},
		"account that is none":     {"eip155:1:0xABC", coin},
		"token that is none":       {a, "eip155:1/slip44:x"},
	} {
		_, err := SortHoldings("eip155:1", append([]Holding{bad}, given...))
		var refused *HoldingError
		if !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want a HoldingError", name, err)
		}
	}
}

func TestErrors(t *testing.T) {
	block := BlockRef{Chain: "eip155:1", Hash: "0xaa", Number: 7, Time: time.Unix(0, 0)}
	cause := errors.New("connection refused")
	for _, c := range []struct {
		err  error
		says []string
	}{
		{&UnreachableError{"host:1", cause}, []string{"host:1", "unreachable", "connection refused"}},
		{&RefusedError{Node: "host:1", Method: "eth_call", Code: -32000, Reason: "no"}, []string{"host:1", "eth_call", "no"}},
		{&WrongChainError{"host:1", "eip155:2", "eip155:1"}, []string{"host:1", "eip155:2", "want eip155:1"}},
		{&NotFinalError{Chain: "eip155:1", Instant: time.Unix(0, 0), Final: 5, Blocks: 3}, []string{"the block of 1970-01-01T00:00:00Z", "not final", "block 5", "3 more"}},
		{&NotFinalError{Chain: "eip155:1", Number: 8, Final: 5, Blocks: 3}, []string{"block 8 on", "not final", "block 5", "3 more"}},
		{&ReorgedError{block, "host:1", "0xbb"}, []string{"block 7", "0xaa", "0xbb", "host:1"}},
		{&HistoryLostError{block, "host:1", "pruned"}, []string{"host:1", "block 7", "pruned", "archive"}},
		{&ProofError{"host:1", block, "the header", "cut off"}, []string{"host:1", "block 7", "the header", "cut off"}},
		{&DisagreementError{"eip155:1", "block 7", []NodeAnswer{{"host:1", "x"}, {"host:2", "y"}}}, []string{"host:1 says x", "host:2 says y"}},
		{&UnknownLayoutError{"eip155:1/erc20:0x", "none fits"}, []string{"eip155:1/erc20:0x", "none fits"}},
		{&HoldingError{Holding{"a", "b"}, "listed twice"}, []string{"a", "b", "listed twice"}},
	} {
		for _, s := range c.says {
			if !strings.Contains(c.err.Error(), s) {
				t.Errorf("%T does not say %q: %s", c.err, s, c.err)
			}
		}
		if strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%T is not one line: %q", c.err, c.err)
		}
	}
	if !errors.Is(&UnreachableError{"host:1", cause}, cause) {
		t.Error("UnreachableError hides its cause")
	}
	if text := (&HoldingError{Holding{Account(strings.Repeat("x", 10_000)), "b"}, "no"}).Error(); len(text) > 500 {
		t.Errorf("a long account makes a text of %d bytes", len(text))
	}
}
