package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
)

func synthText(t testing.TB, opt SynthOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Synth(&b, opt); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What Synth writes is read with every rule at "error", and has the number of customers and entries that was asked for.
func TestSynthIsReadable(t *testing.T) {
	for _, opt := range []SynthOptions{
		{Customers: 1, Assets: 1},
		{Customers: 3000, Assets: 8, Held: 8, Seed: 1},
		{Customers: 3000, Assets: 40, Held: 3, Seed: 2},
		{Customers: 300, Assets: 200, Held: 150, Seed: 3, Wide: true},
		{Customers: 300, Assets: 12, Held: 11, Seed: 4},
		{Customers: 1000, Seed: 5, IDs: []Asset{{ID: "EUR", Decimals: 2}, {ID: "JPY", Decimals: 0}, {ID: "BIG", Decimals: 36}}, Held: 2, Wide: true},
	} {
		assets := opt.IDs
		if assets == nil {
			assets = SynthAssets(opt.Assets)
		}
		l, err := Read(context.Background(), []Source{bytesSource("s.csv", synthText(t, opt))}, assets, Rules{}, nil)
		if err != nil {
			t.Fatalf("%+v: %v", opt, err)
		}
		if l.Len() != opt.Customers {
			t.Errorf("%+v: %d customers", opt, l.Len())
		}
		held := 0
		for i := range l.Len() {
			held += len(l.Balances(i))
		}
		want := opt.Held * opt.Customers
		if opt.Held > 0 && (held*100 < want*94 || held*100 > want*106) {
			t.Errorf("%+v: %d balances, want about %d", opt, held, want)
		}
	}
}

// The distribution has a heavy tail, and customers with nothing.
func TestSynthShape(t *testing.T) {
	l, err := Read(context.Background(), []Source{bytesSource("s.csv", synthText(t, SynthOptions{Customers: 20000, Assets: 6, Held: 2, Seed: 9}))}, SynthAssets(6), Rules{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var most merkle.Amount
	empty := 0
	for i := range l.Len() {
		sum := l.Balances(i)
		if len(sum) == 0 {
			empty++
		}
		if a := sum.Amount(0); a.Cmp(most) > 0 {
			most = a
		}
	}
	if empty == 0 {
		t.Error("no customer has nothing")
	}
	if thousand := (merkle.Amount{Lo: 1000 * 2_000_000}); most.Cmp(thousand) < 0 {
		t.Errorf("the largest balance of BTC is %v, want a thousand times the median", most)
	}
}

func TestSynthDeterministic(t *testing.T) {
	opt := SynthOptions{Customers: 500, Assets: 9, Held: 4, Seed: 11}
	if !bytes.Equal(synthText(t, opt), synthText(t, opt)) {
		t.Error("the same options write other bytes")
	}
	other := opt
	other.Seed = 12
	if bytes.Equal(synthText(t, opt), synthText(t, other)) {
		t.Error("another seed writes the same bytes")
	}
	// Pinned, so that a seed in a document stays true.
	want := "customer,asset,balance\n"
	if got := string(synthText(t, SynthOptions{Customers: 2, Assets: 2, Seed: 1})); got[:len(want)] != want {
		t.Errorf("got %q", got)
	}
}

func TestSynthRefused(t *testing.T) {
	for _, opt := range []SynthOptions{{}, {Customers: 1}, {Assets: 1}, {Customers: 1, Assets: 1025}, {Customers: 1, Assets: 2, Held: 3},
		{Customers: 1, Assets: 2, IDs: registry}, {Customers: 1, Assets: 2, Held: -1}} {
		if err := Synth(io.Discard, opt); err == nil {
			t.Errorf("%+v: want an error", opt)
		}
	}
	full := errors.New("disk is full")
	if err := Synth(failingWriter{full}, SynthOptions{Customers: 1, Assets: 1}); !errors.Is(err, full) {
		t.Errorf("got %v, want the writer's error", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestSynthAssets(t *testing.T) {
	want := []Asset{{ID: "BTC", Decimals: 8}, {ID: "ETH", Decimals: 18}, {ID: "USDT", Decimals: 6}, {ID: "SYN004", Decimals: 8}}
	if diff := cmp.Diff(want, SynthAssets(4)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[:2], SynthAssets(2)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkSynth(b *testing.B) {
	const customers = 100_000
	for b.Loop() {
		if err := Synth(io.Discard, SynthOptions{Customers: customers, Assets: 8, Held: 8, Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*customers*8/b.Elapsed().Seconds(), "rows/s")
}

type discard struct{}

func (discard) Add([]byte, []Entry) error { return nil }

func BenchmarkScan(b *testing.B) {
	for _, c := range []struct {
		name string
		opt  SynthOptions
	}{
		{"long", SynthOptions{Customers: 50_000, Assets: 50, Held: 3, Seed: 1}},
		{"long, all held", SynthOptions{Customers: 5_000, Assets: 50, Held: 50, Seed: 1}},
		{"wide", SynthOptions{Customers: 20_000, Assets: 8, Held: 8, Seed: 1, Wide: true}},
	} {
		text := synthText(b, c.opt)
		for _, goroutines := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", c.name, goroutines), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				var entries uint64
				for b.Loop() {
					counts, err := Scan(context.Background(), []Source{bytesSource("s.csv", text)}, SynthAssets(c.opt.Assets), Rules{}, slices.Repeat([]Sink{discard{}}, goroutines), nil)
					if err != nil {
						b.Fatal(err)
					}
					entries += counts.Entries()
				}
				b.ReportMetric(float64(entries)/b.Elapsed().Seconds()/1e6, "Mentries/s")
			})
		}
	}
}
