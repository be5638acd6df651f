package shard

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/assay-por/assay/merkle"
)

// benchFile seals a shard of a million rows, each with 3 of 50 assets.
func benchFile(b *testing.B) (file []byte, rows []row, open func() *File[merkle.Plain]) {
	b.Helper()
	rows = someRows(1_000_000)
	for i := range rows {
		rows[i].Sum = nil
		for a := range 3 {
			rows[i].Sum = append(rows[i].Sum, merkle.Entry{Asset: uint16((i+a*17)%16 + a*16), Amount: merkle.Amount{Lo: uint64(i+1) * 1e9}})
		}
	}
	h := headerOf(rows)
	h.Assets = 50
	id := newIdentity(b)
	file = seal(b, id.Recipient(), h, rows)
	return file, rows, func() *File[merkle.Plain] {
		f, err := openBytes(file, id, h)
		if err != nil {
			b.Fatal(err)
		}
		return f
	}
}

func BenchmarkOpen(b *testing.B) {
	file, rows, open := benchFile(b)
	b.ReportAllocs()
	for b.Loop() {
		open()
	}
	b.ReportMetric(float64(len(file))/float64(len(rows)), "B/row")
}

// BenchmarkProve is a proof out of a million leaves: from a file that was not open before, from an open one in random order, and
// all in order.
func BenchmarkProve(b *testing.B) {
	_, rows, open := benchFile(b)
	one := func(b *testing.B, f *File[merkle.Plain]) {
		if _, _, err := f.Prove(rows[rand.IntN(len(rows))].Handle); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("cold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			one(b, open())
		}
	})
	b.Run("random", func(b *testing.B) {
		b.ReportAllocs()
		f := open()
		for b.Loop() {
			one(b, f)
		}
	})
	b.Run("in order", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, err := range open().All() {
				if err != nil {
					b.Fatal(err)
				}
				if !b.Loop() {
					return
				}
			}
		}
	})
}

// BenchmarkWrite hashes and seals blocks on one core.
func BenchmarkWrite(b *testing.B) {
	rows := someRows(100_000)
	id := newIdentity(b)
	for b.Loop() {
		var buf bytes.Buffer
		w, err := NewWriter(Plain, &buf, id.Recipient(), headerOf(rows))
		if err != nil {
			b.Fatal(err)
		}
		writeRows(b, w, rows)
	}
	b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
}
