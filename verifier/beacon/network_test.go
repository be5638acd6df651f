package beacon

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The table of SPEC part 22 and the one in the code are the same.
func TestKnown_IsTheTableOfTheSpec(t *testing.T) {
	spec, err := os.ReadFile("../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(spec), "| chain | genesis validators root |")
	rows := strings.Split(table[:strings.Index(table, "\n\n")], "\n")[2:]
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		chain := strings.Trim(strings.Split(row, "|")[1], " `")
		n, ok := Known(chain)
		if !ok {
			t.Errorf("%s is not known", chain)
			continue
		}
		want := fmt.Sprintf("| `%s` | `%x` |", chain, n.Genesis)
		for i := range 4 {
			if i < len(n.Forks) {
				want += fmt.Sprintf(" %d `0x%x` |", n.Forks[i].Epoch, n.Forks[i].Version)
				if name := []string{"deneb", "electra", "fulu", "gloas"}[i]; n.Forks[i].Name != name {
					t.Errorf("%s: fork %d is %s", chain, i, n.Forks[i].Name)
				}
				continue
			}
			want += " |"
		}
		if row != want {
			t.Errorf("the table has\n%s\nthe code\n%s", row, want)
		}
	}
	if _, ok := Known("eip155:10"); ok {
		t.Error("a network that is not in the table is known")
	}
}

// The last slot before a fork and the first after it.
func TestForks_Boundaries(t *testing.T) {
	n, _ := Known("eip155:11155111")
	for _, c := range []struct {
		slot           uint64
		fork, signedBy string
		current        uint64
	}{
		{132608*32 - 1, "", "", 0},
		{132608 * 32, "deneb", "", 54},
		{132608*32 + 1, "deneb", "deneb", 54},
		{222464*32 - 1, "deneb", "deneb", 54},
		{222464 * 32, "electra", "deneb", 86},
		{222464*32 + 1, "electra", "electra", 86},
		{272640 * 32, "fulu", "electra", 86},
		{353024*32 - 1, "fulu", "fulu", 86},
		{353024 * 32, "gloas", "fulu", 0},
		{353024*32 + 1, "gloas", "gloas", 0},
	} {
		fork, _ := n.forkAt(c.slot)
		signed, _ := n.signedWith(c.slot)
		at, err := n.layoutOf("x", header{slot: c.slot})
		if fork.Name != c.fork || signed.Name != c.signedBy || at.current != c.current || (err == nil) != (c.current > 0) {
			t.Errorf("slot %d: got %q signed with %q, index %d, %v", c.slot, fork.Name, signed.Name, at.current, err)
		}
	}
	if _, ok := n.signedWith(0); ok {
		t.Error("slot 0 has no slot before it")
	}
}

// Each leaf of a tree climbs to its root, at its index and at no other of that depth.
func TestClimb(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(0, 7).Draw(t, "depth")
		leaves := make([][32]byte, 1<<depth)
		for i := range leaves {
			leaves[i] = pair(number(uint64(i)), number(rapid.Uint64().Draw(t, "leaf")))
		}
		at := rapid.IntRange(0, len(leaves)-1).Draw(t, "at")
		level := append([][32]byte{}, leaves...)
		var branch [][32]byte
		for i := at; len(level) > 1; i /= 2 {
			branch = append(branch, level[i^1])
			for j := range len(level) / 2 {
				level[j] = pair(level[2*j], level[2*j+1])
			}
			level = level[:len(level)/2]
		}
		root := merkle(append([][32]byte{}, leaves...))
		for index := uint64(1); index < 4<<depth; index++ {
			got, fits := climb(leaves[at], branch, index)
			right := index == uint64(len(leaves)+at)
			if (fits && got == root) != right {
				t.Fatalf("leaf %d of %d at index %d: %v", at, len(leaves), index, fits)
			}
		}
	})
}
