package verifier

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"

	"github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
	"github.com/assay-por/assay/verifier/tree"
)

// BenchmarkShard checks a shard of a confidential tree with fifty assets, as `bundle --full` does. Its proof is of the form of a true one, and
// is refused by the last sum of all. The figure that counts is CPU µs/row; generators are not counted.
func BenchmarkShard(b *testing.B) {
	for _, vars := range []int{17, 18} {
		b.Run(fmt.Sprintf("rows=%d", 1<<vars), func(b *testing.B) { benchmarkShard(b, vars) })
	}
}

func benchmarkShard(b *testing.B, vars int) {
	var assets []string
	for j := range 50 {
		assets = append(assets, fmt.Sprintf("A%d", j))
	}
	parameters, err := confidential.New(assets)
	if err != nil {
		b.Fatal(err)
	}
	c := tree.Commitment{Kind: tree.KindConfidential, Assets: assets}
	file, root := manyRows(1 << vars)
	point := tree.PointOf(generatorsOf().U)
	want := tree.Shard{Leaves: 1 << vars, Root: root, Total: point}
	files := ShardFiles{opened(file), emptyProof(vars, len(assets), point)}
	b.SetBytes(int64(len(file)))
	before := cpu(b)
	for b.Loop() {
		if err := files.check(parameters, c, 0, want, tree.NewIdentities(nil), 1); err == nil || !strings.Contains(err.Error(), notTrue) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/1000/float64(b.N)/float64(int(1)<<vars), "CPU-µs/row")
}

// manyRows is a leaves file of so many rows, and its tree's root.
func manyRows(n int) (file []byte, root tree.Hash) {
	scalars := make([]confidentialtest.Scalar, n)
	for i := range scalars {
		scalars[i].SetUint64(uint64(i) + 1)
		scalars[i].Inverse(&scalars[i])
	}
	base := generatorsOf().H
	file = append(make([]byte, 0, n*96+60), "assay/v1/leaves\n"...)
	file = binary.BigEndian.AppendUint64(append(file, make([]byte, 36)...), uint64(n))
	var nodes []pointNode
	for i, row := range grumpkin.BatchScalarMultiplicationG1(&base, scalars) {
		identity := h(u64(i))
		nodes = append(nodes, pointNode{h([]byte{0}, identity, encodedSum(row)), row})
		file = append(append(file, identity...), encodedSum(row)...)
	}
	return file, tree.Hash(pointRoot(0, nodes).hash)
}

// emptyProof is of the right length, and of nothing.
func emptyProof(vars, assets int, point tree.Point) []byte {
	raw := point.Bytes()
	points := slices.Repeat(raw[:], 2*(7+6+vars)+5)
	return slices.Concat([]byte("assay/v1/confidential-proof\n"), points, make([]byte, 32*(2*128*assets+assets+4)))
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

// BenchmarkHiddenProof is one customer's whole check in a confidential tree, the signed statement included, without the shard's files.
func BenchmarkHiddenProof(b *testing.B) {
	w := newWorld()
	w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
	m := w.hide(b, hidden{})
	raw := encode(m.proof(0, 0))
	for b.Loop() {
		if v := Proof(ProofInput{Proof: raw, Policy: m.policy, Customer: "alice@example.org"}); !v.Proven {
			b.Fatal(v.Summary)
		}
	}
}
