//go:build unix

package confidential

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"golang.org/x/sys/unix"

	"github.com/assay-por/assay/merkle"
	verifier "github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/tree"
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

// BenchmarkShard commits to shards of customers who have balances of up to 64 bits in some of 50 assets, proves them, and has the verifier
// read the leaves and check the proof. Its metrics are CPU time a customer, and how much of the process was resident at most while it committed
// and proved: generators and tables are not in the times, rows are in memory.
func BenchmarkShard(b *testing.B) {
	p := parameters(b, 50)
	v := judge(b, 50)
	for _, s := range []struct{ log, nonZero int }{{0, 3}, {17, 3}, {18, 3}, {20, 3}, {16, 50}} {
		b.Run(fmt.Sprintf("rows=2^%d/nonzero=%d", s.log, s.nonZero), func(b *testing.B) {
			rows := someRows(1, 1<<s.log, 50, s.nonZero, 64)
			for i := range rows { // all 64 bits
				for j := range rows[i].Balances {
					a := &rows[i].Balances[j].Amount
					*a = merkle.Amount{Lo: a.Lo * 0x9e3779b97f4a7c15}
				}
			}
			shard := shardOf(rows)
			var committing, proving int64
			var proof []byte
			forgetPeak(b)
			for b.Loop() {
				start := cpu(b)
				c, err := p.Commit(shard, nil)
				if err != nil {
					b.Fatal(err)
				}
				committed := cpu(b)
				if proof, err = c.Prove(bytes.NewReader(someRandom)); err != nil {
					b.Fatal(err)
				}
				committing, proving = committing+committed-start, proving+cpu(b)-committed
			}
			resident := peak(b)
			committed, points := commit(b, p, shard)
			growing, checking := treeTime(b, p, rows, points), verifierTime(b, v, shard, rows, committed, points, proof)
			each := func(ns int64, times int) float64 { return float64(ns) / 1000 / float64(times<<s.log) }
			tree := each(growing, 1)
			b.ReportMetric(each(committing, b.N)-tree, "µs/row-commitments")
			b.ReportMetric(tree, "µs/row-tree")
			b.ReportMetric(each(proving, b.N), "µs/row-proof")
			b.ReportMetric(each(committing+proving, b.N), "µs/row-prover")
			b.ReportMetric(each(checking, 1), "µs/row-verifier")
			b.ReportMetric(float64(len(proof)), "proof-bytes")
			b.ReportMetric(float64(resident)/1000, "MB-peak")
		})
	}
}

// treeTime is what Commit spends on the tree: hashes, and sums of points.
func treeTime(b *testing.B, p *Parameters, rows []Row, points []Point) int64 {
	k, start := newCommitter(p), cpu(b)
	for from := 0; from < len(rows); from += chunkRows {
		var identities []merkle.Hash
		var sums []grumpkin.G1Affine
		for i := from; i < min(from+chunkRows, len(rows)); i++ {
			identities, sums = append(identities, rows[i].Identity), append(sums, points[i].at)
		}
		k.subtree(merkle.Shard, identities, sums)
	}
	return cpu(b) - start
}

// verifierTime is what the other side spends on the shard's files: leaves that are read twice, and the proof.
func verifierTime(b *testing.B, v *verifier.Parameters, s Shard, rows []Row, committed *Committed, points []Point, proof []byte) int64 {
	file := append([]byte("assay/v1/leaves\n"), s.Snapshot[:]...)
	file = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(file, s.Index), s.Count)
	for i := range rows {
		file = points[i].AppendBinary(append(file, rows[i].Identity[:]...))
	}
	c := tree.Commitment{Kind: tree.KindConfidential, Snapshot: tree.Hash(s.Snapshot), Assets: names(50)}
	want := tree.Shard{Leaves: s.Count, Root: tree.Hash(committed.Root.Hash)}
	start, seen := cpu(b), tree.NewIdentities(nil)
	read, err := c.CheckRows(bytes.NewReader(file), int(s.Index), want, seen)
	if err != nil {
		b.Fatal(err)
	}
	again := func(take func([]grumpkin.G1Affine) error) error {
		return c.ReadRows(bytes.NewReader(file), int(s.Index), want, read, take)
	}
	if err := errors.Join(seen.Check(), v.Check(claimOf(s, committed), proof, again, 1)); err != nil {
		b.Fatal(err)
	}
	return cpu(b) - start
}

// forgetPeak makes what is resident now the most that ever was, where the system can (Linux).
func forgetPeak(b *testing.B) {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("MB-peak is that of all benchmarks so far: %v", err)
	}
}

// peak is the most that was resident, in kilobytes.
func peak(b *testing.B) (kilobytes int64) {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return u.Maxrss
	}
	if _, err := fmt.Sscanf(string(raw[bytes.Index(raw, []byte("VmHWM:")):]), "VmHWM: %d kB", &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes
}
