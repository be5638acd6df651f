package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/assay-por/assay/merkle"
)

// openBytes is a file in memory that can be read at any place.
type openBytes struct{ *bytes.Reader }

func (openBytes) Close() error { return nil }

func parquetSource(name string, content []byte) Source {
	return Source{Name: name, Open: func(context.Context) (io.ReadCloser, error) { return openBytes{bytes.NewReader(content)}, nil }}
}

// A kind is a type of columns, and what makes its values of their text in CSV.
type kind struct {
	node parquet.Node
	of   func(text string) parquet.Value
}

// unscaled reads a decimal as an integer of units of 10^-scale.
func unscaled(text string, scale int) *big.Int {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text + " is no number")
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	if !r.IsInt() {
		panic(text + " has more decimals than its column")
	}
	return r.Num()
}

// twos is n in two's complement of size bytes.
func twos(n *big.Int, size int) []byte {
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return n.FillBytes(make([]byte, size))
}

var (
	asText    = kind{parquet.String(), func(s string) parquet.Value { return parquet.ByteArrayValue([]byte(s)) }}
	asBytes   = kind{parquet.Leaf(parquet.ByteArrayType), asText.of}
	asInt64   = kind{parquet.Int(64), func(s string) parquet.Value { return parquet.Int64Value(unscaled(s, 0).Int64()) }}
	asInt32   = kind{parquet.Leaf(parquet.Int32Type), func(s string) parquet.Value { return parquet.Int32Value(int32(unscaled(s, 0).Int64())) }}
	asUint64  = kind{parquet.Uint(64), func(s string) parquet.Value { return parquet.Int64Value(int64(unscaled(s, 0).Uint64())) }}
	asUint32  = kind{parquet.Uint(32), func(s string) parquet.Value { return parquet.Int32Value(int32(unscaled(s, 0).Uint64())) }}
	asDouble  = kind{parquet.Leaf(parquet.DoubleType), func(string) parquet.Value { return parquet.DoubleValue(1) }}
	asFloat   = kind{parquet.Leaf(parquet.FloatType), func(string) parquet.Value { return parquet.FloatValue(1) }}
	asBoolean = kind{parquet.Leaf(parquet.BooleanType), func(string) parquet.Value { return parquet.BooleanValue(true) }}
	asDate    = kind{parquet.Date(), func(string) parquet.Value { return parquet.Int32Value(1) }}
)

func asDecimal32(scale int) kind {
	return kind{parquet.Decimal(scale, 9, parquet.Int32Type), func(s string) parquet.Value { return parquet.Int32Value(int32(unscaled(s, scale).Int64())) }}
}

func asDecimal64(scale int) kind {
	return kind{parquet.Decimal(scale, 18, parquet.Int64Type), func(s string) parquet.Value { return parquet.Int64Value(unscaled(s, scale).Int64()) }}
}

func asDecimalOf(size, scale int) kind {
	return kind{parquet.Decimal(scale, 38, parquet.FixedLenByteArrayType(size)),
		func(s string) parquet.Value { return parquet.FixedLenByteArrayValue(twos(unscaled(s, scale), size)) }}
}

func asDecimalBytes(scale int) kind {
	return kind{parquet.Decimal(scale, 38, parquet.ByteArrayType), func(s string) parquet.Value {
		if s == "no bytes" {
			return parquet.ByteArrayValue(nil)
		}
		n := unscaled(s, scale)
		return parquet.ByteArrayValue(twos(n, n.BitLen()/8+1))
	}}
}

// null is the text of a cell without a value.
const null = "\x00null"

// parquetOf writes rows, whose first names the columns, three rows a group.
func parquetOf(kinds []kind, rows [][]string, options ...parquet.WriterOption) []byte {
	group := parquet.Group{}
	for i, name := range rows[0] {
		group[name] = parquet.Optional(kinds[i].node)
	}
	schema := parquet.NewSchema("ledger", group)
	var out bytes.Buffer
	w := parquet.NewGenericWriter[any](&out, append([]parquet.WriterOption{schema, parquet.MaxRowsPerRowGroup(3)}, options...)...)
	for _, texts := range rows[1:] {
		row := make(parquet.Row, len(texts))
		for i, text := range texts {
			leaf, _ := schema.Lookup(rows[0][i])
			row[leaf.ColumnIndex] = parquet.NullValue().Level(0, 0, leaf.ColumnIndex)
			if text != null {
				row[leaf.ColumnIndex] = kinds[i].of(text).Level(0, 1, leaf.ColumnIndex)
			}
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// table reads rows of fields parted by blanks; "-" is null.
func table(lines ...string) [][]string {
	var rows [][]string
	for _, line := range lines {
		fields := strings.Fields(line)
		for i := range fields {
			if fields[i] == "-" {
				fields[i] = null
			}
		}
		rows = append(rows, fields)
	}
	return rows
}

func readParquetBytes(rules Rules, content []byte) (*book, error) {
	return Read(context.Background(), []Source{parquetSource("a.parquet", content)}, registry, rules, nil)
}

func TestParquet(t *testing.T) {
	for _, c := range []struct {
		name  string
		kinds []kind
		rows  [][]string
		want  []string
	}{
		{"text", []kind{asText, asText, asText}, table("customer asset balance", "carol USDT 1200", "carol BTC 0.2500", "dave USDT 3.5"),
			[]string{"carol BTC=25000000 USDT=1200000000", "dave USDT=3500000"}},
		{"bytes, a class, customers by number", []kind{asInt64, asBytes, asText, asBytes}, table("customer asset class balance", "17 JPY spot 1", "17 JPY earn 2", "-5 JPY earn 2"),
			[]string{"17 JPY=3", "-5 JPY=2"}},
		{"integers", []kind{asUint32, asInt32, asUint64}, table("customer JPY ETH", "4294967295 2147483647 18446744073709551615", "7 - 0"),
			[]string{"4294967295 ETH=18446744073709551615000000000000000000 JPY=2147483647", "7"}},
		{"wide, more than one row group", []kind{asText, asDecimal32(2), asDecimal64(8)}, table("customer JPY BTC", "a 1.00 -", "b - 0.12345678", "c - -", "d 7.00 92233720368.54775807"),
			[]string{"a JPY=1", "b BTC=12345678", "c", "d BTC=9223372036854775807 JPY=7"}},
		{"decimals of 16 bytes and of any", []kind{asText, asDecimalOf(16, 0), asDecimalBytes(18)},
			table("customer JPY ETH", "a 170141183460469231731687303715884105727 0.000000000000000001", "b 1 340.000000000000000000", "c 0 0"),
			[]string{"a ETH=1 JPY=170141183460469231731687303715884105727", "b ETH=340000000000000000000 JPY=1", "c"}},
		{"decimals of 32 bytes", []kind{asText, asDecimalOf(32, 38)}, table("customer JPY", "a 340282366920938463463374607431768211455"),
			[]string{"a JPY=340282366920938463463374607431768211455"}},
	} {
		l, err := readParquetBytes(Rules{}, parquetOf(c.kinds, c.rows))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if diff := cmp.Diff(c.want, balancesOf(l)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

func TestParquetBelowZero(t *testing.T) {
	for _, k := range []kind{asText, asInt64, asInt32, asDecimal32(3), asDecimal64(2), asDecimalOf(16, 5), asDecimalOf(20, 30), asDecimalBytes(0)} {
		l, err := readParquetBytes(Rules{Negatives: RuleExclude}, parquetOf([]kind{asText, k}, table("customer JPY", "a -300", "b -65536", "c 1")))
		if err != nil {
			t.Errorf("%s: %v", k.node, err)
		} else if n := l.Summary().Negatives; n.Entries != 2 || n.Sum.Amount(3) != (merkle.Amount{Lo: 65836}) {
			t.Errorf("%s: got %+v, want two entries of 65836", k.node, n)
		}
	}
}

func TestParquetRefused(t *testing.T) {
	text := []kind{asText, asText, asText}
	with := func(k kind) []kind { return []kind{asText, asText, k} }
	rows := func(lines ...string) [][]string {
		return table(append([]string{"customer asset balance"}, lines...)...)
	}
	for _, c := range []struct {
		name  string
		kinds []kind
		rows  [][]string
		want  string
	}{
		{"double", with(asDouble), rows("a JPY 1"), `a.parquet: column "balance": holds floating-point numbers`},
		{"float", with(asFloat), rows("a JPY 1"), `a.parquet: column "balance": holds floating-point numbers`},
		{"boolean", with(asBoolean), rows("a JPY 1"), `a.parquet: column "balance": is of type BOOLEAN`},
		{"date", with(asDate), rows("a JPY 1"), `a.parquet: column "balance": is of type DATE`},
		{"scale", with(asDecimalBytes(77)), rows("a JPY 1"), `a.parquet: column "balance": is DECIMAL with a scale of 77, want 0 to 76`},
		{"decimals of customers", []kind{asDecimal64(0), asText, asText}, rows("1 JPY 1"), "a.parquet: column customer: holds decimals"},
		{"null balance", text, rows("a JPY 1", "SECRET JPY -"), "a.parquet: row 2 (row group 1): column balance: is null"},
		{"null customer in another group", text, rows("a JPY 1", "b JPY 1", "c JPY 1", "- JPY 7777"), "a.parquet: row 4 (row group 2): column customer: is null"},
		{"null customer, wide", []kind{asText, asText}, table("customer JPY", "- 7777"), "a.parquet: row 1 (row group 1): column customer: is null"},
		{"null class, wide", text, table("customer class JPY", "SECRET - 7777"), "a.parquet: row 1 (row group 1): column class: is null"},
		{"exponent", text, rows("SECRET JPY 7777e3"), "a.parquet: row 1 (row group 1): column balance: has an exponent"},
		{"decimals beyond the asset's", with(asDecimal64(2)), rows("SECRET JPY 7777.01"), "a.parquet: row 1 (row group 1): column balance: has more decimals than the asset"},
		{"2^128", with(asDecimalOf(32, 0)), rows("SECRET JPY 340282366920938463463374607431768211456"), "a.parquet: row 1 (row group 1): column balance: is 2^128 base units or more"},
		{"beyond 32 bytes", with(asDecimalOf(40, 0)), rows("SECRET JPY 7777" + strings.Repeat("7", 80)), "a.parquet: row 1 (row group 1): column balance: is 2^128 base units or more"},
		{"below zero", with(asInt64), rows("SECRET JPY -7777"), "a.parquet: row 1 (row group 1): column balance: is below zero"},
		{"no bytes", []kind{asText, asDecimalBytes(0)}, [][]string{{"customer", "JPY"}, {"SECRET", "no bytes"}}, "a.parquet: row 1 (row group 1): column JPY: is a decimal of no bytes"},
		{"second entry", text, rows("SECRET JPY 7777", "SECRET JPY 7777"), "a.parquet: row 2 (row group 1): is a second entry"},
		{"unknown column", []kind{asText, asText, asText, asText}, table("customer asset balance note", "SECRET JPY 7777 x"), `a.parquet: column "note" is none of`},
		{"unknown asset, wide", []kind{asText, asText}, table("customer DOGE", "SECRET 7777"), `a.parquet: column "DOGE" is not an asset`},
		{"no customer", []kind{asText, asText}, table("id JPY", "SECRET 7777"), "a.parquet: the header has no column customer"},
		{"no rows", text, rows(), "a.parquet: the ledger has no rows"},
	} {
		_, err := readParquetBytes(Rules{}, parquetOf(c.kinds, c.rows))
		var row *RowError
		if !errors.As(err, &row) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "7777") {
			t.Errorf("%s: the error repeats a customer or a balance: %v", c.name, err)
		}
	}
}

// Files that pyarrow wrote (testdata/parquet/make.py): other encodings, compressions and versions of pages.
func TestParquetOfAnotherWriter(t *testing.T) {
	open := func(name string) []Source {
		return []Source{{Name: name, Open: func(context.Context) (io.ReadCloser, error) {
			return os.Open(filepath.Join("testdata", "parquet", name))
		}}}
	}
	want, err := Read(context.Background(), open("ledger.csv"), registry, Rules{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"text-snappy", "text-gzip-v2", "text-plain", "decimal38-zstd", "decimal38-delta", "decimal76", "wide"} {
		got, err := Read(context.Background(), open(name+".parquet"), registry, Rules{}, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(balancesOf(want), balancesOf(got)); diff != "" || !cmp.Equal(want.Summary(), got.Summary()) {
			t.Errorf("%s: %s\n%+v, want %+v", name, diff, got.Summary(), want.Summary())
		}
	}
	for name, says := range map[string]string{
		"float": `column "JPY": holds floating-point`, "float16": `column "JPY": is of type FIXED_LEN_BYTE_ARRAY(2)`,
		"list": `column "JPY": is a group of columns`, "time": `column "JPY": is of type TIMESTAMP`,
	} {
		if _, err := Read(context.Background(), open(name+".parquet"), registry, Rules{}, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %s", name, err, says)
		}
	}
}

// The same rows as CSV and as Parquet give the same ledger or the same fault, whatever the types of the columns.
func TestRapidParquet(t *testing.T) {
	lenient := Rules{Negatives: RuleExclude, Duplicates: RuleSum, UnknownAssets: RuleExclude}
	rapid.Check(t, func(t *rapid.T) {
		wide := rapid.Bool().Draw(t, "wide")
		rules := rapid.SampledFrom([]Rules{{}, lenient, {Negatives: RuleExclude}, {Duplicates: RuleSum}}).Draw(t, "rules")
		balance := rapid.SampledFrom([]kind{asText, asDecimalOf(16, 18), asDecimalBytes(8), asDecimal64(6), asDecimal32(3)}).Draw(t, "type")
		amount := rapid.StringMatching(`-?[0-9]{1,4}(\.[0-9]{1,3})?`)
		customer := rapid.SampledFrom([]string{"a", "b", "Zoë", "1"})
		names, kinds := []string{"customer", "class", "asset", "balance"}, []kind{asText, asText, asText, balance}
		if wide {
			names, kinds = []string{"customer", "class", "BTC", "DOGE", "USDT"}, []kind{asText, asText, balance, balance, balance}
		}
		rows := [][]string{names}
		for range rapid.IntRange(1, 12).Draw(t, "rows") {
			row := []string{customer.Draw(t, "customer"), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "class")}
			for _, name := range names[2:] {
				switch cell := amount.Draw(t, "amount"); {
				case name == "asset":
					row = append(row, rapid.SampledFrom([]string{"BTC", "ETH", "USDT", "JPY", "DOGE"}).Draw(t, "asset"))
				case wide && rapid.Bool().Draw(t, "empty"):
					row = append(row, null)
				default:
					row = append(row, cell)
				}
			}
			rows = append(rows, row)
		}
		text := ""
		for _, row := range rows {
			text += strings.ReplaceAll(strings.Join(row, ","), null, "") + "\n"
		}
		codec := rapid.SampledFrom([]parquet.WriterOption{parquet.Compression(&parquet.Uncompressed), parquet.Compression(&parquet.Zstd),
			parquet.Compression(&parquet.Snappy), parquet.Compression(&parquet.Gzip)}).Draw(t, "codec")
		want, wantErr := read(rules, text)
		got, err := readParquetBytes(rules, parquetOf(kinds, rows, codec, parquet.PageBufferSize(16)))
		if wantErr != nil || err != nil {
			var a, b *RowError
			if !errors.As(wantErr, &a) || !errors.As(err, &b) || a.Problem != b.Problem && !strings.Contains(a.Problem, "of the header") ||
				a.Column != b.Column || b.Row != int64(max(a.Line-1, 0)) {
				t.Fatalf("CSV: %v\nParquet: %v", wantErr, err)
			}
			return
		}
		if diff := cmp.Diff(balancesOf(want), balancesOf(got)); diff != "" || !cmp.Equal(want.Summary(), got.Summary()) {
			t.Fatalf("%s\n%+v, want %+v", diff, got.Summary(), want.Summary())
		}
	})
}

// A file that was not copied whole is refused wherever it ends.
func TestParquetCut(t *testing.T) {
	whole := parquetOf([]kind{asText, asText, asDecimal64(2)}, table("customer asset balance", "a JPY 1", "b JPY 2", "c JPY 3", "d JPY 4"))
	for n := range whole {
		if l, err := readParquetBytes(Rules{}, whole[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes it gives %v", n, len(whole), balancesOf(l))
		}
	}
}

func FuzzParquet(f *testing.F) {
	f.Add(parquetOf([]kind{asText, asText, asText}, table("customer asset balance", "a JPY 1", "b JPY 2")))
	f.Add(parquetOf([]kind{asText, asDecimalOf(16, 3)}, table("customer JPY", "a 1", "b -")))
	f.Add(parquetOf([]kind{asInt64, asText, asDecimalBytes(3)}, table("customer class JPY", "1 x 1", "2 y 7")))
	f.Fuzz(func(t *testing.T, content []byte) {
		l, err := readParquetBytes(Rules{Negatives: RuleExclude, Duplicates: RuleSum, UnknownAssets: RuleExclude}, content)
		if err != nil {
			return
		}
		s := l.Summary()
		counted := s.Negatives.Entries + s.UnknownAssets.Entries
		for _, c := range s.Classes {
			counted += c.Entries
		}
		if counted != s.Entries || uint64(l.Len()) != s.Customers {
			t.Fatalf("%+v", s)
		}
	})
}

func TestParquetStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	source := parquetSource("a.parquet", parquetOf([]kind{asText, asText}, table("customer JPY", "a 1")))
	if _, err := Read(ctx, []Source{source}, registry, Rules{}, func(int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	_, err := Read(context.Background(), []Source{bytesSource("a.parquet", nil)}, registry, Rules{}, nil)
	if err == nil || !strings.Contains(err.Error(), "must be open to be read at any place") {
		t.Errorf("of a stream: got %v", err)
	}
}

func TestSynthParquet(t *testing.T) {
	for _, wide := range []bool{false, true} {
		opt := SynthOptions{Customers: 300, Assets: 5, Held: 2, Seed: 1, Wide: wide}
		var out bytes.Buffer
		if err := SynthParquet(&out, opt); err != nil {
			t.Fatal(err)
		}
		want, err := Read(context.Background(), []Source{bytesSource("s.csv", synthText(t, opt))}, SynthAssets(5), Rules{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(context.Background(), []Source{parquetSource("s.parquet", out.Bytes())}, SynthAssets(5), Rules{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Len() != want.Len() || !cmp.Equal(got.Summary(), want.Summary()) {
			t.Errorf("wide %v: %+v, want %+v", wide, got.Summary(), want.Summary())
		}
	}
	if err := SynthParquet(io.Discard, SynthOptions{}); err == nil {
		t.Error("no customers: want an error")
	}
	full := errors.New("disk is full")
	if err := SynthParquet(failingWriter{full}, SynthOptions{Customers: 1, Assets: 1}); !errors.Is(err, full) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

func BenchmarkParquet(b *testing.B) {
	const customers = 250_000
	rowsOf := map[bool]int{}
	for _, wide := range []bool{false, true} {
		opt := SynthOptions{Customers: customers, Assets: 8, Held: 8, Seed: 1, Wide: wide}
		var out bytes.Buffer
		if err := SynthParquet(&out, opt); err != nil {
			b.Fatal(err)
		}
		rowsOf[wide] = customers
		if !wide {
			rowsOf[wide] *= 8
		}
		b.Run(fmt.Sprintf("wide=%v", wide), func(b *testing.B) {
			for b.Loop() {
				if _, err := Read(context.Background(), []Source{parquetSource("s.parquet", out.Bytes())}, SynthAssets(8), Rules{}, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(rowsOf[wide])/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
