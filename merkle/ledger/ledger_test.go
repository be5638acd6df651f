package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/assay-por/assay/merkle"
)

var registry = []Asset{{ID: "BTC", Decimals: 8}, {ID: "ETH", Decimals: 18}, {ID: "USDT", Decimals: 6}, {ID: "JPY"}, {ID: "BIG", Decimals: 36}}

// bytesSource is a file in memory.
func bytesSource(name string, content []byte) Source {
	return Source{Name: name, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// textSources are the files a.csv, b.csv and so on.
func textSources(texts ...string) []Source {
	var sources []Source
	for i, text := range texts {
		sources = append(sources, bytesSource(string(rune('a'+i))+".csv", []byte(text)))
	}
	return sources
}

func read(rules Rules, texts ...string) (*book, error) {
	return Read(context.Background(), textSources(texts...), registry, rules, nil)
}

// balancesOf prints a ledger as "customer BTC=1 ETH=2" in order of first occurrence.
func balancesOf(l *book) []string {
	var all []string
	for i := range l.Len() {
		s := l.Customer(i)
		for _, e := range l.Balances(i) {
			s += fmt.Sprintf(" %s=%v", registry[e.Asset].ID, e.Amount)
		}
		all = append(all, s)
	}
	return all
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules Rules
		texts []string
		want  []string
	}{
		{"long", Rules{}, []string{"customer,asset,balance\ncarol,USDT,1200\ncarol,BTC,0.25\ndave,USDT,3.5\n"},
			[]string{"carol BTC=25000000 USDT=1200000000", "dave USDT=3500000"}},
		{"columns in another order", Rules{}, []string{"balance,class,customer,asset\n1,earn,carol,JPY\n2,spot,carol,JPY\n"}, []string{"carol JPY=3"}},
		{"wide", Rules{}, []string{"customer,USDT,BTC\ncarol,1200,0.25\ndave,3.5,\nerin,,\n"},
			[]string{"carol BTC=25000000 USDT=1200000000", "dave USDT=3500000", "erin"}},
		{"wide with classes", Rules{}, []string{"customer,class,JPY\ncarol,spot,1\ncarol,earn,2\n"}, []string{"carol JPY=3"}},
		{"zero is kept as a customer", Rules{}, []string{"customer,asset,balance\ncarol,BTC,0\ndave,BTC,0.000\nerin,BTC,-0\n"}, []string{"carol", "dave", "erin"}},
		{"no line break at the end, CR LF, byte-order mark", Rules{}, []string{"\xef\xbb\xbfcustomer,asset,balance\r\ncarol,JPY,1\r\ndave,JPY,2"},
			[]string{"carol JPY=1", "dave JPY=2"}},
		{"quotes", Rules{}, []string{"\"customer\",asset,balance\n\"a,\"\"b\"\"\",JPY,\"1\"\n\"plain\",\"JPY\",2\n"}, []string{`a,"b" JPY=1`, "plain JPY=2"}},
		{"two files of two forms", Rules{}, []string{"customer,asset,balance\ncarol,JPY,1\n", "customer,BTC\ncarol,1\ndave,\n"},
			[]string{"carol BTC=100000000 JPY=1", "dave"}},
		{"trailing zeros beyond the decimals, leading zeros", Rules{}, []string{"customer,asset,balance\ncarol,JPY,007.00\ncarol,BTC,0.1234567800\n"},
			[]string{"carol BTC=12345678 JPY=7"}},
		{"a file of a header only", Rules{}, []string{"customer,asset,balance\n", "customer,JPY\ncarol,1\n"}, []string{"carol JPY=1"}},
		{"only excluded entries", Rules{Negatives: RuleExclude, UnknownAssets: RuleExclude},
			[]string{"customer,asset,balance\ncarol,JPY,-1\ndave,DOGE,5\n"}, []string{"carol", "dave"}},
		{"duplicates added", Rules{Duplicates: RuleSum}, []string{"customer,asset,balance\ncarol,JPY,1\ndave,JPY,5\ncarol,JPY,2\ncarol,JPY,0\n"},
			[]string{"carol JPY=3", "dave JPY=5"}},
	} {
		l, err := read(c.rules, c.texts...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, balancesOf(l)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

// fault of a ledger that Read must refuse: where it stands, and a part of what it says. The words SECRET and 7777 mark what no
// error may repeat.
type refusal struct {
	name  string
	texts []string
	where string
	says  string
}

func checkRefused(t *testing.T, rules Rules, cases []refusal) {
	t.Helper()
	for _, c := range cases {
		l, err := read(rules, c.texts...)
		var row *RowError
		if !errors.As(err, &row) {
			t.Errorf("%s: got %v, %v, want a RowError", c.name, l, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), c.where+": ") || !strings.Contains(row.Problem, c.says) {
			t.Errorf("%s: got %q, want %q … %q", c.name, err, c.where, c.says)
		}
		if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "7777") {
			t.Errorf("%s: the error repeats a customer or a balance: %v", c.name, err)
		}
	}
}

const long = "customer,asset,balance\n"

// A1: nothing below zero comes in.
func TestA01_NegativeRefused(t *testing.T) {
	checkRefused(t, Rules{}, []refusal{
		{"negative", []string{long + "x,JPY,1\nSECRET,BTC,-0.7777\n"}, "a.csv:3: column balance", "below zero"},
		{"negative in a wide cell", []string{"customer,BTC,JPY\nSECRET,1,-7777\n"}, "a.csv:2: column JPY", "below zero"},
		{"minus twice", []string{long + "SECRET,BTC,--7777\n"}, "a.csv:2: column balance", "digit"},
		{"minus alone", []string{long + "SECRET,BTC,-\n"}, "a.csv:2: column balance", "minus sign"},
	})
}

// A2: no entry, customer or total reaches 2^128, across classes and files.
func TestA02_OverflowRefused(t *testing.T) {
	const most = "340282366920938463463374607431768211455"
	checkRefused(t, Rules{}, []refusal{
		{"an entry", []string{long + "SECRET,JPY,340282366920938463463374607431768211456\n"}, "a.csv:2: column balance", "2^128"},
		{"an entry, scaled", []string{long + "SECRET,BIG,341\n"}, "a.csv:2: column balance", "2^128"},
		{"an entry of many digits", []string{long + "SECRET,JPY," + strings.Repeat("7", 400) + "\n"}, "a.csv:2: column balance", "2^128"},
		{"a customer, over classes", []string{"customer,class,JPY\nSECRET,a," + most + "\nSECRET,b,1\n"}, "a.csv:3: column JPY", "total of its asset"},
		{"the total", []string{long + "x,JPY," + most + "\n", long + "SECRET,JPY,1\n"}, "b.csv:2: column balance", "total of its asset"},
	})
	checkRefused(t, Rules{Negatives: RuleExclude}, []refusal{
		{"the excluded", []string{long + "x,JPY,-" + most + "\ny,JPY,-1\n"}, "a.csv:3: column balance", "sum of the negatives"},
	})
	if l, err := read(Rules{}, long+"x,JPY,"+most+"\n"); err != nil || l.Balances(0)[0].Amount.String() != most {
		t.Errorf("2^128-1: %v, %v", l, err)
	}
}

// A3: nothing is rounded.
func TestA03_ExcessDecimals(t *testing.T) {
	checkRefused(t, Rules{}, []refusal{
		{"ninth decimal of BTC", []string{long + "SECRET,BTC,0.777777771\n"}, "a.csv:2: column balance", "more decimals"},
		{"a decimal of JPY", []string{long + "SECRET,JPY,1.5\n"}, "a.csv:2: column balance", "more decimals"},
		{"far behind", []string{long + "SECRET,JPY,1.00000000000000000000000000000000000000000000000001\n"}, "a.csv:2: column balance", "more decimals"},
		{"a letter behind", []string{long + "SECRET,JPY,1.00x\n"}, "a.csv:2: column balance", "not a number"},
	})
}

// A4: the digits that floats and short decimals lose.
func TestA04_ExactDecimals(t *testing.T) {
	l, err := read(Rules{}, long+"a,ETH,123456.123456789012345678\nb,JPY,1000000000000000000000000\nc,ETH,0.000000000000000001\nd,BTC,1000000000000000000000000\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a ETH=123456123456789012345678", "b JPY=1000000000000000000000000", "c ETH=1", "d BTC=100000000000000000000000000000000"}
	if diff := cmp.Diff(want, balancesOf(l)); diff != "" {
		t.Error(diff)
	}
}

// C4, I5 and the grammar of part 7.
func TestRefused(t *testing.T) {
	checkRefused(t, Rules{}, []refusal{
		{"no header", []string{"SECRET,BTC,7777\n"}, "a.csv:1", "no column customer"},
		{"empty file", []string{""}, "a.csv:1", "empty"},
		{"empty first line", []string{"\ncustomer,asset,balance\n"}, "a.csv:1", "no column customer"},
		{"header in capitals", []string{"Customer,Asset,Balance\n"}, "a.csv:1", "lower case"},
		{"column twice", []string{"customer,asset,balance,asset\n"}, "a.csv:1", "columns 2 and 4"},
		{"asset column twice", []string{"customer,BTC,BTC\n"}, "a.csv:1", "columns 2 and 3"},
		{"no balance", []string{"customer,asset\n"}, "a.csv:1", "no column balance"},
		{"no asset", []string{"customer,balance\n"}, "a.csv:1", "no column asset"},
		{"unknown column", []string{"customer,asset,balance,SECRET\n"}, "a.csv:1", "column 4"},
		{"wide, customer not first", []string{"BTC,customer\n"}, "a.csv:1", "begins with customer"},
		{"wide, class last", []string{"customer,BTC,class\n"}, "a.csv:1", "begins with customer"},
		{"wide, no assets", []string{"customer,class\n"}, "a.csv:1", "names no assets"},
		{"wide, unknown asset", []string{"customer,BTC,DOGE\n"}, "a.csv:1", "column 3 of the header is not an asset"},
		{"wide, empty name", []string{"customer,BTC,\n"}, "a.csv:1", "column 3 of the header is empty"},
		{"no rows", []string{long, "customer,BTC\n"}, "a.csv", "no rows"},
		{"too few fields", []string{long + "SECRET,BTC\n"}, "a.csv:2", "2 fields, the header 3"},
		{"too many fields", []string{long + "SECRET,BTC,7,777\n"}, "a.csv:2", "4 fields, the header 3"},
		{"empty line", []string{long + "x,BTC,1\n\ny,BTC,1\n"}, "a.csv:3", "empty line"},
		{"empty line at the end", []string{long + "x,BTC,1\n\n"}, "a.csv:3", "empty line"},
		{"bare carriage return", []string{long + "SECRET\r,BTC,1\n"}, "a.csv:2", "carriage return"},
		{"carriage return at the end", []string{long + "SECRET,BTC,1\r"}, "a.csv:2", "carriage return"},
		{"quote not closed", []string{long + "\"SECRET,BTC,1\ny,BTC,1\n"}, "a.csv:2", "not closed"},
		{"text after a quote", []string{long + "\"SECRET\"x,BTC,1\n"}, "a.csv:2", "after a closing quote"},
		{"quote inside", []string{long + "SEC\"RET\",BTC,1\n"}, "a.csv:2", "not quoted"},
		{"row after a row of two lines", []string{long + "x,BTC,\"1\n\"\nSECRET,BTC,1\n"}, "a.csv:2: column balance", "white space"},
		{"row too long", []string{long + "\"" + strings.Repeat("SECRET", 1<<18) + "\",BTC,1\n"}, "a.csv:2", "1 MiB"},
		{"row too long, no break", []string{long + strings.Repeat("SECRET", 1<<19)}, "a.csv:2", "1 MiB"},
		{"customer empty", []string{long + ",BTC,7777\n"}, "a.csv:2: column customer", "empty"},
		{"customer blank", []string{long + "  ,BTC,7777\n"}, "a.csv:2: column customer", "empty"},
		{"customer too long", []string{long + strings.Repeat("SECRET", 43) + ",BTC,7777\n"}, "a.csv:2: column customer", "at most 256"},
		{"customer not UTF-8", []string{long + "SECRET\xff,BTC,7777\n"}, "a.csv:2: column customer", "UTF-8"},
		{"customer with a control character", []string{long + "SECRET\u202ex,BTC,7777\n"}, "a.csv:2: column customer", "control"},
		{"asset unknown", []string{long + "SECRET,DOGE,7777\n"}, "a.csv:2: column asset", "not an asset"},
		{"asset in lower case", []string{long + "SECRET,btc,7777\n"}, "a.csv:2: column asset", "not an asset"},
		{"class empty", []string{"customer,class,BTC\nSECRET,,1\n"}, "a.csv:2: column class", "want 1 to 32"},
		{"class in capitals", []string{"customer,class,BTC\nSECRET,Earn,1\n"}, "a.csv:2: column class", "want 1 to 32"},
		{"class too long", []string{"customer,class,BTC\nSECRET," + strings.Repeat("a", 33) + ",1\n"}, "a.csv:2: column class", "want 1 to 32"},
		{"balance empty", []string{long + "SECRET,BTC,\n"}, "a.csv:2: column balance", "empty"},
		{"balance NaN", []string{long + "SECRET,BTC,NaN\n"}, "a.csv:2: column balance", "not a number"},
		{"balance inf", []string{long + "SECRET,BTC,inf\n"}, "a.csv:2: column balance", "not a number"},
		{"balance with exponent", []string{long + "SECRET,BTC,7777e3\n"}, "a.csv:2: column balance", "exponent"},
		{"balance with plus", []string{long + "SECRET,BTC,+7777\n"}, "a.csv:2: column balance", "plus"},
		{"thousands", []string{long + "SECRET,BTC,\"7,777\"\n"}, "a.csv:2: column balance", "separator"},
		{"thousands by blank", []string{long + "SECRET,BTC,7 777\n"}, "a.csv:2: column balance", "separator"},
		{"thousands by no-break space", []string{long + "SECRET,BTC,7\u00a0777\n"}, "a.csv:2: column balance", "separator"},
		{"thousands by apostrophe", []string{long + "SECRET,BTC,7'777\n"}, "a.csv:2: column balance", "separator"},
		{"blank before", []string{long + "SECRET,BTC, 7777\n"}, "a.csv:2: column balance", "blank"},
		{"tabulator", []string{long + "SECRET,BTC,7777\t\n"}, "a.csv:2: column balance", "white space"},
		{"two dots", []string{long + "SECRET,BTC,7.777.0\n"}, "a.csv:2: column balance", "dot"},
		{"dot first", []string{long + "SECRET,BTC,.7777\n"}, "a.csv:2: column balance", "dot"},
		{"dot last", []string{long + "SECRET,BTC,7777.\n"}, "a.csv:2: column balance", "dot"},
		{"hexadecimal", []string{long + "SECRET,BTC,0x7777\n"}, "a.csv:2: column balance", "not a number"},
		{"currency sign", []string{long + "SECRET,BTC,$7777\n"}, "a.csv:2: column balance", "neither digit nor dot"},
		{"digits of another script", []string{long + "SECRET,BTC,\u0667\u0667\n"}, "a.csv:2: column balance", "separator"},
	})
	checkRefused(t, Rules{UnknownAssets: RuleExclude}, []refusal{
		{"label empty", []string{long + "SECRET,,7777\n"}, "a.csv:2: column asset", "empty"},
		{"label too long", []string{long + "SECRET," + strings.Repeat("D", 65) + ",7777\n"}, "a.csv:2: column asset", "64 bytes"},
		{"label not UTF-8", []string{long + "SECRET,D\xff,7777\n"}, "a.csv:2: column asset", "UTF-8"},
		{"label with a control character", []string{long + "SECRET,D\x07,7777\n"}, "a.csv:2: column asset", "control"},
		{"label with blanks", []string{long + "SECRET, BTC,7777\n"}, "a.csv:2: column asset", "blanks"},
		{"balance not a number", []string{long + "SECRET,DOGE,NaN\n"}, "a.csv:2: column balance", "not a number"},
		{"balance empty", []string{long + "SECRET,DOGE,\n"}, "a.csv:2: column balance", "empty"},
		{"balance of too many digits", []string{long + "SECRET,DOGE," + strings.Repeat("7", 59) + "\n"}, "a.csv:2: column balance", "58 digits"},
		{"balance of too many decimals", []string{long + "SECRET,DOGE,0." + strings.Repeat("7", 37) + "\n"}, "a.csv:2: column balance", "36 after"},
	})
}

// I5: one customer, asset and class twice is refused, in one file, across files, in another spelling, in either form.
func TestI05_DuplicateEntry(t *testing.T) {
	checkRefused(t, Rules{}, []refusal{
		{"in one file", []string{long + "SECRET,BTC,1\nx,BTC,1\nSECRET,BTC,1\n"}, "a.csv:4", "second entry"},
		{"across files", []string{long + "SECRET,BTC,1\n", long + "x,BTC,1\nSECRET,BTC,0\n"}, "b.csv:3", "second entry"},
		{"across forms", []string{long + "SECRET,BTC,1\n", "customer,JPY,BTC\nSECRET,1,1\n"}, "b.csv:2", "second entry"},
		{"zero twice", []string{long + "SECRET,BTC,0\nSECRET,BTC,0\n"}, "a.csv:3", "second entry"},
		{"class given and by default", []string{long + "SECRET,BTC,1\n", "customer,class,BTC\nSECRET,customer,1\n"}, "b.csv:2", "second entry"},
		{"after other assets", []string{long + "SECRET,ETH,1\nSECRET,BTC,1\nSECRET,USDT,1\nSECRET,ETH,1\n"}, "a.csv:5", "second entry"},
	})
}

// E2: two spellings of one customer are one customer.
func TestE02_SpellingsOfOneCustomer(t *testing.T) {
	checkRefused(t, Rules{}, []refusal{
		{"blanks", []string{long + "SECRET,BTC,1\n SECRET ,BTC,1\n"}, "a.csv:3", "second entry"},
		{"not NFC", []string{long + "SECRETe\u0301,BTC,1\nSECRET\u00e9,BTC,1\n"}, "a.csv:3", "second entry"},
	})
	l, err := read(Rules{}, long+"Jose\u0301,BTC,1\n\tJos\u00e9,ETH,1\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Jos\u00e9 BTC=100000000 ETH=1000000000000000000"}, balancesOf(l)); diff != "" {
		t.Error(diff)
	}
	l, err = read(Rules{}, long+"carol,BTC,1\nCarol,BTC,1\n")
	if err != nil || l.Len() != 2 {
		t.Errorf("ids that differ in case are two customers: %v", err)
	}
}

func amount(t *testing.T, s string) merkle.Amount {
	t.Helper()
	a, err := merkle.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// C4: nothing vanishes: what was left out or added is counted, and all entries tie out.
func TestC04_SummaryTiesOut(t *testing.T) {
	rules := Rules{Negatives: RuleExclude, Duplicates: RuleSum, UnknownAssets: RuleExclude}
	l, err := read(rules,
		"customer,class,asset,balance\ncarol,spot,BTC,1\ncarol,earn,BTC,2\ncarol,spot,BTC,0.5\ndave,spot,JPY,-7\ndave,spot,DOGE,1.50\nerin,spot,DOGE,-0.25\n",
		"customer,JPY,XRP\nfay,3,\ngus,-4,123456789012345678901234567890.000000000000000001\nhal,,\ncarol,0,\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Summary{
		Entries: 10, Customers: 6,
		Classes: []ClassSummary{
			{"customer", 2, 2, merkle.Plain{{Asset: 3, Amount: amount(t, "3")}}},
			{"earn", 1, 1, merkle.Plain{{Asset: 0, Amount: amount(t, "200000000")}}},
			{"spot", 1, 2, merkle.Plain{{Asset: 0, Amount: amount(t, "150000000")}}},
		},
		Negatives:  NegativesSummary{RuleExclude, 2, merkle.Plain{{Asset: 3, Amount: amount(t, "11")}}},
		Duplicates: DuplicatesSummary{RuleSum, 1},
		UnknownAssets: UnknownSummary{RuleExclude, 3, []UnknownSum{
			{"DOGE", "1.75"}, {"XRP", "123456789012345678901234567890.000000000000000001"},
		}},
	}
	got := l.Summary()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	counted := got.Negatives.Entries + got.UnknownAssets.Entries
	var total merkle.Plain
	for _, c := range got.Classes {
		counted += c.Entries
		if total, err = total.Add(c.Sum); err != nil {
			t.Fatal(err)
		}
	}
	if counted != got.Entries || got.Customers != uint64(l.Len()) {
		t.Errorf("%d entries of %d are accounted for, %d customers of %d", counted, got.Entries, got.Customers, l.Len())
	}
	var leaves merkle.Plain
	for i := range l.Len() {
		if leaves, err = leaves.Add(l.Balances(i)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(total, leaves); diff != "" {
		t.Errorf("the classes do not add up to the leaves:\n%s", diff)
	}
}

// C4: a rule "error" has moved nothing.
func TestC04_ErrorMovesNothing(t *testing.T) {
	l, err := read(Rules{}, long+"carol,BTC,1\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Summary{
		Entries: 1, Customers: 1,
		Classes:       []ClassSummary{{"customer", 1, 1, merkle.Plain{{Asset: 0, Amount: amount(t, "100000000")}}}},
		Negatives:     NegativesSummary{Rule: RuleError},
		Duplicates:    DuplicatesSummary{Rule: RuleError},
		UnknownAssets: UnknownSummary{Rule: RuleError},
	}
	if diff := cmp.Diff(want, l.Summary()); diff != "" {
		t.Error(diff)
	}
}

// E9: whether a ledger has too many classes depends neither on how it is cut into scans, nor on whether their entries count.
func TestE09_ClassesOfTwoScans(t *testing.T) {
	var all Counts
	for scan, fits := range []bool{true, false} {
		text := "customer,class,JPY\n"
		for i := range maxClasses/2 + 1 {
			text += fmt.Sprintf("x,c%d-%d,-1\n", scan, i)
		}
		counts, err := Scan(context.Background(), textSources(text), registry, Rules{Negatives: RuleExclude}, []Sink{discard{}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := all.Merge(counts); (err == nil) != fits {
			t.Errorf("scan #%d: %v", scan, err)
		}
	}
}

// E9: what a file may make the reader keep is bounded.
func TestE09_Bounds(t *testing.T) {
	classes, labels := "customer,class,JPY\n", long
	for i := range maxClasses + 1 {
		classes += fmt.Sprintf("x,c%d,1\n", i)
	}
	for i := range maxUnknown + 1 {
		labels += fmt.Sprintf("x,D%d,1\n", i)
	}
	checkRefused(t, Rules{UnknownAssets: RuleExclude}, []refusal{
		{"classes", []string{classes}, "a.csv:1026: column class", "1025th class"},
		{"labels", []string{labels}, "a.csv:4098: column asset", "4097th"},
	})
}

func packWith(t *testing.T, w io.WriteCloser, text []byte) {
	t.Helper()
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCompressed(t *testing.T) {
	text := []byte(long + strings.Repeat("x,BTC,1\n", 1) + "carol,BTC,0.25\ndave,ETH,1\n")
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	packWith(t, g, text)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	packWith(t, z, text)
	ctx := context.Background()
	for name, packed := range map[string][]byte{"l.csv": text, "l.csv.gz": gz.Bytes(), "l.csv.zst": zst.Bytes()} {
		var told int64
		l, err := Read(ctx, []Source{bytesSource(name, packed)}, registry, Rules{}, func(n int64) { told = n })
		if err != nil || l.Len() != 3 {
			t.Fatalf("%s: %v", name, err)
		}
		if told != int64(len(packed)) {
			t.Errorf("%s: progress ended at %d bytes of %d", name, told, len(packed))
		}
		if name == "l.csv" {
			continue
		}
		changed := bytes.Clone(packed)
		changed[len(changed)/2] ^= 0x40
		for fault, b := range map[string][]byte{
			"cut": packed[:len(packed)-5], "cut to the head": packed[:12], "empty": {}, "changed": changed, "not compressed": text,
			"trailing": append(bytes.Clone(packed), "garbage"...),
		} {
			_, err := Read(ctx, []Source{bytesSource(name, b)}, registry, Rules{}, nil)
			var row *RowError
			if !errors.As(err, &row) || row.File != name {
				t.Errorf("%s, %s: got %v, want a RowError", name, fault, err)
			}
		}
	}
	for _, name := range []string{"l.txt", "l.gz", "csv", "l.csv.bz2", "l.CSV"} {
		_, err := Read(ctx, []Source{bytesSource(name, text)}, registry, Rules{}, nil)
		var row *RowError
		if !errors.As(err, &row) || !strings.Contains(row.Problem, "ends in none") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }
func (b brokenReader) Close() error             { return nil }

// A disk that fails is no fault of the ledger.
func TestReadErrors(t *testing.T) {
	broken := errors.New("disk is gone")
	for _, name := range []string{"l.csv", "l.csv.gz", "l.csv.zst"} {
		for at, s := range map[string]Source{
			"open": {Name: name, Open: func(context.Context) (io.ReadCloser, error) { return nil, broken }},
			"read": {Name: name, Open: func(context.Context) (io.ReadCloser, error) { return brokenReader{broken}, nil }},
		} {
			_, err := Read(context.Background(), []Source{s}, registry, Rules{}, nil)
			var row *RowError
			if !errors.Is(err, broken) || errors.As(err, &row) {
				t.Errorf("%s of %s: got %v", at, name, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Read(ctx, textSources(long+"x,BTC,1\n"), registry, Rules{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if _, err := Read(context.Background(), nil, registry, Rules{}, nil); err == nil {
		t.Error("no files: want an error")
	}
	for name, assets := range map[string][]Asset{
		"none": nil, "twice": {{ID: "BTC", Decimals: 8}, {ID: "BTC", Decimals: 8}}, "no id": {{ID: "", Decimals: 8}}, "37 decimals": {{ID: "BTC", Decimals: 37}}, "1025": SynthAssets(1025),
	} {
		if _, err := Read(context.Background(), textSources(long+"x,BTC,1\n"), assets, Rules{}, nil); err == nil {
			t.Errorf("assets: %s: want an error", name)
		}
	}
	for _, rules := range []Rules{{Negatives: "sum"}, {Duplicates: "exclude"}, {UnknownAssets: "ignore"}} {
		if _, err := read(rules, long+"x,BTC,1\n"); err == nil {
			t.Errorf("%+v: want an error", rules)
		}
	}
}
