package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// BenchmarkCheckLeaves recomputes shards of 10,000 leaves of eight assets; the figure that counts is ns/leaf.
func BenchmarkCheckLeaves(b *testing.B) {
	const leaves = 10_000
	c := Commitment{Assets: []string{"A", "B", "C", "D", "E", "F", "G", "H"}}
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
	for b.Loop() {
		if err := c.CheckLeaves(bytes.NewReader(file), 0, want, NewIdentities(nil)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/leaves, "ns/leaf")
}
