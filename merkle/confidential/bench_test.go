//go:build unix

package confidential

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-por/assay/merkle"
)

func BenchmarkParameters(b *testing.B) {
	for b.Loop() {
		parameters(b, 50)
	}
}

// cpu is the time that all cores have spent on this process, in nanoseconds: other processes do not count.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkShard commits to shards of customers who have balances of up to 64 bits in some of 50 assets, and proves them. Its metrics are
// CPU time a customer: generators and tables are not in it, rows are in memory.
func BenchmarkShard(b *testing.B) {
	p := parameters(b, 50)
	for _, s := range []struct{ log, nonZero int }{{0, 3}, {17, 3}, {18, 3}, {20, 3}, {16, 50}} {
		b.Run(fmt.Sprintf("rows=2^%d/nonzero=%d", s.log, s.nonZero), func(b *testing.B) {
			rows := someRows(1, 1<<s.log, 50, s.nonZero, 64)
			for i := range rows { // all 64 bits
				for j := range rows[i].Balances {
					a := &rows[i].Balances[j].Amount
					*a = merkle.Amount{Lo: a.Lo * 0x9e3779b97f4a7c15}
				}
			}
			var committing, proving int64
			size := 0
			for b.Loop() {
				start := cpu(b)
				c, err := p.Commit(shardOf(rows), nil)
				if err != nil {
					b.Fatal(err)
				}
				committed := cpu(b)
				proof, err := c.Prove(bytes.NewReader(someRandom))
				if err != nil {
					b.Fatal(err)
				}
				committing, proving, size = committing+committed-start, proving+cpu(b)-committed, len(proof)
			}
			each := func(ns int64) float64 { return float64(ns) / 1000 / float64(b.N<<s.log) }
			b.ReportMetric(each(committing), "µs/row-commit")
			b.ReportMetric(each(proving), "µs/row-prove")
			b.ReportMetric(each(committing+proving), "µs/row")
			b.ReportMetric(float64(size), "proof-bytes")
		})
	}
}
