package confidential

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
)

// Many messages at a time are hashed to what the library hashes each to, whatever their number.
func TestHashToCurve(t *testing.T) {
	for _, n := range []int{0, 1, 2, hashedAtOnce - 1, hashedAtOnce, hashedAtOnce + 1, 1000} {
		var messages [][]byte
		for i := range uint64(n) {
			messages = append(messages, binary.BigEndian.AppendUint64([]byte("message"), i))
		}
		points, err := hashToCurve("tag", messages...)
		if err != nil || len(points) != n {
			t.Fatalf("%d messages: got %d points, %v", n, len(points), err)
		}
		for i, message := range messages {
			want, err := grumpkin.HashToG1(message, []byte("tag"))
			if err != nil || points[i] != want {
				t.Errorf("message #%d of %d: got %v, want %v (%v)", i, n, points[i], want, err)
			}
		}
	}
	if _, err := hashToCurve(strings.Repeat("x", 256), nil); err == nil {
		t.Error("a tag of 256 bytes was taken")
	}
}

// Numbers of which the map makes exceptions go where the library's map takes them; 0 is one, and so are those with c1 u² = ±1.
func TestMapping(t *testing.T) {
	m := newMapping()
	numbers := make([]fp.Element, 300)
	for i := range numbers[1:150] {
		numbers[1+i].SetUint64(uint64(i + 1))
		numbers[150+i].Neg(&numbers[1+i])
	}
	var root fp.Element
	for _, sign := range []int64{1, -1} {
		if root.SetInt64(sign).Div(&root, &m.c1); root.Sqrt(&root) != nil {
			numbers = append(numbers, root)
		}
	}
	for i, p := range m.points(numbers) {
		if want := grumpkin.MapToG1(numbers[i]); p != want {
			t.Errorf("%s: got %v, want %v", numbers[i].String(), p, want)
		}
	}
}

// Roots are told of squares, and of nothing else.
func TestRoots(t *testing.T) {
	var x fp.Vector
	for i := range uint64(500) {
		x = append(x, fp.NewElement(i+1))
	}
	roots, square := newRoots().of(x)
	for i := range x {
		if want := x[i].Legendre() == 1; square[i] != want {
			t.Errorf("%d is a square: got %v, want %v", i+1, square[i], want)
		}
		if roots[i].Square(&roots[i]); square[i] && roots[i] != x[i] {
			t.Errorf("%d has another root", i+1)
		}
	}
}
