package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
)

func TestEstimate(t *testing.T) {
	for _, tt := range []struct {
		name          string
		size          ledgerSize
		cores         int64
		seconds, disk int64
	}{
		{"nothing", ledgerSize{}, 2, 0, 0},
		{"one entry", ledgerSize{1, 1, 40}, 2, 1, 210},
		{"one shard: all of it at once", ledgerSize{1000, 300, 40_000}, 1, 1, 98_000},
		{"1 M customers, 50 assets each", ledgerSize{50_000_000, 1_000_000, 2_300_000_000}, 2, 12, 2_219_218_750},
		{"10 M customers, 3 assets each", ledgerSize{30_000_000, 10_000_000, 1_000_000_000}, 2, 19, 3_030_000_000},
		{"100 M customers, 3 assets each", ledgerSize{300_000_000, 100_000_000, 10_000_000_000}, 2, 190, 27_155_078_125},
		{"more at once", ledgerSize{300_000_000, 100_000_000, 10_000_000_000}, 8, 48, 27_865_234_375},
		{"more in the spools than in the files", ledgerSize{50_000_000, 1000, 8_000_000_000}, 2, 11, 2_800_000_000 + 3*(2_800_000_000+1_800_160_000)/32},
	} {
		if got := tt.size.estimate(merkle.KindPlain, tt.cores); got != (estimate{tt.seconds, tt.disk}) {
			t.Errorf("%s: got %+v, want %d s and %d bytes", tt.name, got, tt.seconds, tt.disk)
		}
	}
	// What sums that hide take more: some 20 µs a customer, on two cores, and 122 bytes; and shards are half as large.
	if got := (ledgerSize{30_000_000, 10_000_000, 1_000_000_000}).estimate(merkle.KindConfidential, 2); got != (estimate{115, 4_070_000_000}) {
		t.Errorf("confidential: got %+v", got)
	}
	// What no disk holds is not held for want of digits.
	if got := (ledgerSize{1 << 62, 1 << 62, 1 << 62}).estimate(merkle.KindPlain, 1); got.disk < 1<<47 || got.seconds < 1<<20 {
		t.Errorf("of a ledger without end: %+v", got)
	}
}

// sampledSizeOf writes the files, each by its name, and samples them.
func sampledSizeOf(t *testing.T, files map[string][]byte) (ledgerSize, error) {
	t.Helper()
	dir := t.TempDir()
	var sources []ledger.Source
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, ledger.Source{Name: path, Size: int64(len(content)), Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }})
	}
	slices.SortFunc(sources, func(a, b ledger.Source) int { return strings.Compare(a.Name, b.Name) })
	return sampleLedger(context.Background(), sources, 50)
}

func synthetic(t *testing.T, name string, opt ledger.SynthOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := synth(&b, name, opt); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// near tells whether got is want, but for so many percent of it.
func near(got, want, percent int64) bool { return max(got-want, want-got)*100 <= want*percent }

// A ledger is sized from its beginning, whatever it is written in and in whatever order.
func TestSample(t *testing.T) {
	const customers = 200_000
	opt := ledger.SynthOptions{Customers: customers, Assets: 50, Held: 3, Seed: 7}
	long := synthetic(t, "a.csv", opt)
	entries, size := int64(bytes.Count(long, []byte("\n")))-1, int64(len(long))
	opt.Wide = true
	wide, widePq := synthetic(t, "a.csv", opt), synthetic(t, "a.parquet", opt)
	opt.Wide = false

	rows := bytes.SplitAfter(bytes.TrimSuffix(long, []byte("\n")), []byte("\n"))
	header, body := rows[0], rows[1:]
	body[len(body)-1] = append(body[len(body)-1], '\n')
	third := len(body) / 3
	parts := map[string][]byte{}
	for i, part := range [][][]byte{body[:third], body[third : 2*third], body[2*third:]} {
		parts[fmt.Sprintf("%d.csv", i)] = slices.Concat(append([][]byte{header}, part...)...)
	}
	many := map[string][]byte{}
	for i := range 40 { // files that are read whole, of which some are sampled
		many[fmt.Sprintf("%02d.csv", i)] = slices.Concat(append([][]byte{header}, body[i*1000:(i+1)*1000]...)...)
	}
	shuffled := slices.Clone(body)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })

	for _, tt := range []struct {
		name                      string
		files                     map[string][]byte
		entries, customers, bytes int64
		percent                   int64 // that it may be off by
	}{
		{"long", map[string][]byte{"a.csv": long}, entries, customers, size, 3},
		{"gzip", map[string][]byte{"a.csv.gz": synthetic(t, "a.csv.gz", opt)}, entries, customers, size, 3},
		{"zstd", map[string][]byte{"a.csv.zst": synthetic(t, "a.csv.zst", opt)}, entries, customers, size, 15},
		{"parts", parts, entries, customers, size, 3},
		{"many files", many, 40_000, 40_000 * customers / entries, 40_000 * size / entries, 5},
		{"no order", map[string][]byte{"a.csv": slices.Concat(append([][]byte{header}, shuffled...)...)}, entries, customers, size, 25},
		{"Parquet", map[string][]byte{"a.parquet": synthetic(t, "a.parquet", opt)}, entries, customers, entries * entryBytes, 3},
		// An asset that a wide file's customer lacks is no entry; one who has nothing has none there, and one of zero in the long form.
		{"wide", map[string][]byte{"a.csv": wide}, entries, customers, size, 8},
		{"wide Parquet", map[string][]byte{"a.parquet": widePq}, entries, customers, entries * entryBytes, 8},
	} {
		got, err := sampledSizeOf(t, tt.files)
		if err != nil || !near(got.entries, tt.entries, tt.percent) || !near(got.customers, tt.customers, tt.percent) || !near(got.bytes, tt.bytes, tt.percent) {
			t.Errorf("%s: got %+v, %v; want about %d entries, %d customers, %d bytes", tt.name, got, err, tt.entries, tt.customers, tt.bytes)
		}
	}
}

// Small ledgers are counted, also where a customer's rows stand apart, in one file or in several.
func TestSampleOfAll(t *testing.T) {
	for text, want := range map[string]ledgerSize{
		"customer,asset,balance\na,BTC,1\na,ETH,2\nb,BTC,3\n":                                     {3, 2, 24},
		"customer,asset,balance\na,BTC,1\nb,BTC,3\na,ETH,2":                                       {3, 2, 24},
		"\xef\xbb\xbfcustomer,class,BTC,ETH\r\na,spot,1,\r\na,earn,2,1\r\n\"c, \"\"d\",spot,,5\n": {4, 2, 52},
		"customer,asset,balance\n":                                                                {},
	} {
		if got, err := sampledSizeOf(t, map[string][]byte{"a.csv": []byte(text)}); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	two := []byte("customer,asset,balance\na,BTC,1\nb,BTC,3\n")
	if got, err := sampledSizeOf(t, map[string][]byte{"btc.csv": two, "eth.csv": bytes.ReplaceAll(two, []byte("BTC"), []byte("ETH"))}); err != nil || got != (ledgerSize{4, 2, 32}) {
		t.Errorf("a file an asset: got %+v, %v", got, err)
	}
}

// Of what is no ledger the size is not known; no customer and no balance is told.
func TestSampleFaults(t *testing.T) {
	good := synthetic(t, "a.parquet", ledger.SynthOptions{Customers: 10, Assets: 2, Seed: 1})
	for name, content := range map[string]string{
		"empty.csv":   "",
		"header.csv":  "SECRET,7777\n",
		"rows.csv":    "customer,asset,balance\nSECRET\n",
		"a.csv.gz":    "SECRET",
		"a.csv.zst":   "SECRET",
		"a.parquet":   "SECRET",
		"cut.parquet": string(good[:len(good)/2]),
	} {
		if got, err := sampledSizeOf(t, map[string][]byte{name: []byte(content)}); err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "7777") {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
