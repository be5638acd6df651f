package ledger

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// longText is a ledger of some megabytes, so of many blocks, with ids that are quoted here and there.
func longText(rows int) string {
	var b strings.Builder
	b.WriteString(long)
	for i := range rows {
		switch i % 7 {
		case 3:
			fmt.Fprintf(&b, "\"customer, \"\"%d\"\"\",JPY,\"%d\"\r\n", i/2, i)
		default:
			fmt.Fprintf(&b, "customer-%d@example.org,%s,%d\n", i/5, registry[i%4].ID, i%100)
		}
	}
	return b.String()
}

// The same ledger comes out of it whatever the number of goroutines and the size of the reads.
func TestScanOnManyGoroutines(t *testing.T) {
	text := longText(100_000)
	if len(text) < 8*blockSize {
		t.Fatalf("%d bytes are too few blocks", len(text))
	}
	sources := textSources(text, longText(10)[:len(long)]+"other,BTC,1\n")
	want, err := readOn(context.Background(), 1, sources, registry, Rules{Duplicates: RuleSum}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want.summary.Entries != 100_001 {
		t.Fatalf("%d entries", want.summary.Entries)
	}
	for _, goroutines := range []int{2, 5} {
		got, err := readOn(context.Background(), goroutines, sources, registry, Rules{Duplicates: RuleSum}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.sums, got.sums); diff != "" || !cmp.Equal(want.summary, got.summary) {
			t.Errorf("%d goroutines: %s %+v, want %+v", goroutines, diff, got.summary, want.summary)
		}
	}
}

// Of many faults the first one is told, with its line, whoever comes upon it.
func TestFirstFaultOfManyBlocks(t *testing.T) {
	rows := bytes.SplitAfter([]byte(longText(100_000)), []byte("\n"))
	for _, first := range []int{1, 777, 30_000, 99_999} {
		for i := first; i < len(rows)-1; i += 1009 {
			rows[i] = []byte("x,BTC,1e3\n")
		}
		text := bytes.Join(rows, nil)
		for range 5 {
			_, err := readOn(context.Background(), 4, []Source{bytesSource("a.csv", text)}, registry, Rules{Duplicates: RuleSum}, nil)
			if want := fmt.Sprintf("a.csv:%d: column balance: has an exponent: write out all digits", first+1); err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		rows = bytes.SplitAfter([]byte(longText(100_000)), []byte("\n"))
	}
}

// What one goroutine cannot see is found by reading again: a total that only all together pass.
func TestA02_OverflowAcrossGoroutines(t *testing.T) {
	const most = "340282366920938463463374607431768211455"
	text := strings.Replace(longText(100_000), "customer-0@example.org,BTC,0", "customer-0@example.org,JPY,"+most, 1)
	line := strings.Count(text[:strings.Index(text, "JPY,\"3\"")], "\n") + 1
	_, err := readOn(context.Background(), 4, textSources(text), registry, Rules{Duplicates: RuleSum}, nil)
	if want := fmt.Sprintf("a.csv:%d: column balance: takes the total", line); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
