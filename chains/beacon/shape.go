package beacon

import "math/bits"

// A shape is an SSZ type of fixed size: how many bytes it has, and its root.
type shape struct {
	size int
	root func(b []byte) root
}

// depthOf is the depth of the least tree for so many chunks. Requires one at least.
func depthOf(chunks int) int { return bits.Len64(uint64(chunks - 1)) } //nolint:gosec // not negative

// plain is a number, a bit vector, or a vector of numbers or bytes: bytes that are
// cut into chunks as they stand.
func plain(size int) shape {
	depth := depthOf((size + 31) / 32)
	return shape{size, func(b []byte) root { return merkleize(chunksOf(b), depth) }}
}

// object is a container.
func object(fields ...shape) shape {
	size := 0
	for _, f := range fields {
		size += f.size
	}
	return shape{size, func(b []byte) root {
		roots := make([]root, len(fields))
		for i, f := range fields {
			roots[i] = f.root(b[:f.size])
			b = b[f.size:]
		}
		return merkleize(roots, depthOf(len(fields)))
	}}
}

// times is a vector of containers or vectors.
func times(n int, of shape) shape {
	return shape{n * of.size, func(b []byte) root {
		roots := make([]root, n)
		for i := range roots {
			roots[i] = of.root(b[i*of.size : (i+1)*of.size])
		}
		return merkleize(roots, depthOf(n))
	}}
}
