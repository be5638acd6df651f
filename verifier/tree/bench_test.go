package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"syscall"
	"testing"
)

// BenchmarkCheckLeaves recomputes shards of 10,000 leaves of eight columns, without margin and with it; the figure that counts is CPU-ns/leaf.
func BenchmarkCheckLeaves(b *testing.B) {
	c := Commitment{Assets: []string{"A", "B", "C", "D", "E", "F", "G", "H"}}
	b.Run("plain", func(b *testing.B) { benchmarkLeaves(b, c) })
	for i := range c.Assets { // every leaf has as much of each
		factor := new(big.Int).Lsh(big.NewInt(1), 90)
		c.Margin = append(c.Margin, factor.Mul(factor, big.NewInt(int64(1-i%2*2))))
	}
	b.Run("margin", func(b *testing.B) { benchmarkLeaves(b, c) })
}

func benchmarkLeaves(b *testing.B, c Commitment) {
	const leaves = 10_000
	s := stack{level: shardLevel}
	file := append([]byte(leavesMagic), make([]byte, 36)...)
	file = binary.BigEndian.AppendUint64(file, leaves)
	for i := range uint64(leaves) {
		id := Hash(sha256.Sum256(binary.BigEndian.AppendUint64(nil, i)))
		var sum Sum
		for a := range uint16(8) {
			sum = append(sum, Entry{a, Amount{0, i + 1}})
		}
		file = sum.appendBinary(append(file, id[:]...))
		if err := s.add(id, sum); err != nil {
			b.Fatal(err)
		}
	}
	root, err := s.root()
	if err != nil {
		b.Fatal(err)
	}
	want := Shard{Leaves: leaves, Root: root.hash, Sum: root.sum}
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		if err := c.CheckLeaves(bytes.NewReader(file), 0, want, NewIdentities(nil)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/leaves, "CPU-ns/leaf")
}

// cpu is the time that this process has had on all cores, in nanoseconds.
func cpu(b *testing.B) int64 {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
