package merkle

import "testing"

// wide is a sum of eight assets.
func wide() Plain {
	var p Plain
	for a := range uint16(8) {
		p = append(p, Entry{a, Amount{Lo: 1e15 + uint64(a)}})
	}
	return p
}

func BenchmarkLeaf(b *testing.B) {
	h, p := hasher[Plain]{level: Shard}, wide()
	b.ReportAllocs()
	for b.Loop() {
		h.leaf(Hash{1}, p)
	}
}

func BenchmarkParent(b *testing.B) {
	h, n := hasher[Plain]{level: Shard}, Node[Plain]{Sum: wide()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.parent(n, n); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIdentity(b *testing.B) {
	k := keysOf(b, 1, Hash{1})
	b.ReportAllocs()
	for b.Loop() {
		Identity(Hash{1}, k.Nonce("carol.silva123456@example.org"), "carol.silva123456@example.org")
	}
}

// BenchmarkBuilder builds a tree of a million leaves of eight assets, leaf hashes included.
func BenchmarkBuilder(b *testing.B) {
	p := wide()
	for b.Loop() {
		t := NewBuilder[Plain](Shard, KindPlain)
		for i := range 1_000_000 {
			if err := t.Add(Hash{byte(i), byte(i >> 8), byte(i >> 16)}, p); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := t.Root(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPath(b *testing.B) {
	nodes := make([]Node[Plain], 1<<16)
	for i := range nodes {
		nodes[i] = Node[Plain]{Hash: Hash{byte(i)}, Sum: wide()}
	}
	t, err := NewTree(Shard, KindPlain, nodes)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if _, err := t.Path(i % t.Count()); err != nil {
			b.Fatal(err)
		}
	}
}
