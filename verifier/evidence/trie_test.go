package evidence

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"pgregory.net/rapid"
)

func nodeSetOf(nodes map[string][]byte) *nodeSet {
	var hashes [][32]byte
	var raw [][]byte
	for _, b := range nodes {
		hashes = append(hashes, crypto.Keccak256Hash(b))
		raw = append(raw, b)
	}
	return newNodeSet(hashes, raw)
}

// drawTrie makes a trie whose keys share long beginnings, so that it holds extensions and nodes inside their parents.
func drawTrie(t *rapid.T) (tr *trie.Trie, content map[[32]byte][]byte, keys [][32]byte) {
	tr, content = newTrie(), map[[32]byte][]byte{}
	base := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "base"))
	for range rapid.IntRange(1, 40).Draw(t, "entries") {
		key := base
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			key[rapid.IntRange(0, 31).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		value := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "value")
		if _, twice := content[key]; !twice {
			keys = append(keys, key)
		}
		content[key] = value
		tr.MustUpdate(key[:], value)
	}
	return tr, content, keys
}

func TestTrie_AgreesWithGoEthereum(t *testing.T) {
	embedded := 0
	rapid.Check(t, func(t *rapid.T) {
		tr, content, keys := drawTrie(t)
		root := tr.Hash()
		present := len(keys)
		for range 5 {
			absent := keys[rapid.IntRange(0, present-1).Draw(t, "near")]
			absent[rapid.IntRange(0, 31).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
			keys = append(keys, absent)
		}
		bag, db := nodeBag{}, memorydb.New()
		for _, key := range keys {
			if err := tr.Prove(key[:], bag); err != nil {
				t.Fatal(err)
			}
			if err := tr.Prove(key[:], db); err != nil {
				t.Fatal(err)
			}
		}
		set := nodeSetOf(bag)
		for _, key := range keys {
			want, err := trie.VerifyProof(root, key[:], db)
			if err != nil {
				t.Fatal(err)
			}
			got := set.walk(root, key)
			if value, in := content[key]; in && (got.outcome != proven || !bytes.Equal(got.value, value)) || !in && got.outcome != provenAbsent {
				t.Fatalf("key %x: got %+v, want %x", key, got, value)
			}
			if !bytes.Equal(got.value, want) {
				t.Fatalf("key %x: got %x, go-ethereum says %x", key, got.value, want)
			}
		}
		if i := set.unused(); i >= 0 {
			t.Fatalf("node %x is not used", set.raw[i])
		}
		for _, node := range set.decoded {
			for _, c := range node.children {
				if c.whole != nil {
					embedded++
				}
			}
		}
	})
	if embedded == 0 {
		t.Error("no trie held a node inside its parent: this test shows too little")
	}
}

// Whatever byte of whatever node changes, its hash changes with it, and no walk that needs it proves anything.
func TestTrie_MutationProvesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, _, keys := drawTrie(t)
		root := tr.Hash()
		key := keys[rapid.IntRange(0, len(keys)-1).Draw(t, "key")]
		bag := nodeBag{}
		if err := tr.Prove(key[:], bag); err != nil {
			t.Fatal(err)
		}
		hashes := make([]string, 0, len(bag))
		for h := range bag {
			hashes = append(hashes, h)
		}
		victim := hashes[rapid.IntRange(0, len(hashes)-1).Draw(t, "node")]
		bag[victim] = bytes.Clone(bag[victim])
		at := rapid.IntRange(0, len(bag[victim])-1).Draw(t, "at")
		bag[victim][at] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		if got := nodeSetOf(bag).walk(root, key); got.outcome != notProven || !strings.Contains(got.reason, "missing") {
			t.Fatalf("got %+v, want not proven", got)
		}
	})
}

func TestTrie_EmptyRoot(t *testing.T) {
	if emptyRoot != [32]byte(types.EmptyRootHash) || emptyCode != [32]byte(types.EmptyCodeHash) {
		t.Fatalf("got %x and %x", emptyRoot, emptyCode)
	}
	if got := nodeSetOf(nil).walk(emptyRoot, [32]byte{1}); got.outcome != provenAbsent {
		t.Errorf("got %+v, want proven absent", got)
	}
	if got := nodeSetOf(nil).walk([32]byte{2}, [32]byte{1}); got.outcome != notProven {
		t.Errorf("got %+v, want not proven", got)
	}
}

// list is RLP by go-ethereum of strings and ready-made items.
func list(t testing.TB, items ...any) []byte {
	t.Helper()
	b, err := rlp.EncodeToBytes(items)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// branch has one child at a nibble; a second keeps it from being a lone one.
func branch(t testing.TB, at int, child any, value string) []byte {
	t.Helper()
	items := make([]any, 17)
	for i := range items {
		items[i] = ""
	}
	items[at], items[16] = child, value
	return list(t, items...)
}

func TestTrie_MalformedNodes(t *testing.T) {
	long := strings.Repeat("v", 40)
	for _, tt := range []struct {
		name, problem string
		raw           []byte
	}{
		{"not RLP", "ends inside a length", []byte{0xf9}},
		{"a string", "want a list, got a string", list(t, long)[2:]},
		{"a byte left over", "1 bytes are left over", append(list(t, "\x20", long), 0)},
		{"three items", "a list of 3 items", list(t, "\x20", long, "")},
		{"no items", "a list of 0 items", []byte{0xc0}},
		{"branch with a value", "a branch with a value", branch(t, 1, string(make([]byte, 32)), "v")},
		{"flag 4", "a path with flag 4", list(t, "\x40", long)},
		{"padding", "padding other than 0", list(t, "\x21", long)},
		{"empty path item", "a path that is empty", list(t, "", long)},
		{"path is a list", "a path that is empty or a list", list(t, []any{}, long)},
		{"leaf without a value", "a leaf without a value", list(t, "\x20"+long, "")},
		{"leaf with a list", "a leaf without a value", list(t, "\x20"+long, []any{})},
		{"extension with an empty path", "an extension with an empty path", list(t, "\x00", string(make([]byte, 32)))},
		{"extension with a short hash", "a reference of 31 bytes", list(t, "\x00"+long, string(make([]byte, 31)))},
		{"extension with nothing", "a reference of 0 bytes", list(t, "\x00"+long, "")},
		{"branch with a long hash", "a reference of 33 bytes", branch(t, 1, string(make([]byte, 33)), "")},
		{"node of 32 bytes inside its parent", "a node of 32 bytes inside its parent", branch(t, 1, []any{"\x20", strings.Repeat("v", 29)}, "")},
		{"bad node inside its parent", "a list of 1 items", branch(t, 1, []any{"v"}, "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set := nodeSetOf(map[string][]byte{"": tt.raw})
			got := set.walk(crypto.Keccak256Hash(tt.raw), [32]byte{0x10})
			if got.outcome != notProven || got.reason != "nodes[0] is no trie node" || !strings.Contains(got.got, tt.problem) {
				t.Errorf("got %+v, want …%s…", got, tt.problem)
			}
		})
	}
}

func TestTrie_Depth(t *testing.T) {
	short := list(t, "\x20", strings.Repeat("v", 40)) // a leaf at 0 nibbles
	if got := nodeSetOf(map[string][]byte{"": short}).walk(crypto.Keccak256Hash(short), [32]byte{}); got.outcome != notProven || !strings.Contains(got.reason, "shallower") {
		t.Errorf("got %+v, want a leaf too high", got)
	}
	// A chain of 65 branches, all along nibble 0.
	node := list(t, "\x20", strings.Repeat("v", 40))
	nodes := map[string][]byte{"leaf": node}
	for i := range 65 {
		node = branch(t, 0, string(crypto.Keccak256(node)), "")
		nodes[string(rune(i))] = node
	}
	if got := nodeSetOf(nodes).walk(crypto.Keccak256Hash(node), [32]byte{}); got.outcome != notProven || !strings.Contains(got.reason, "deeper") {
		t.Errorf("got %+v, want a trie too deep", got)
	}
	// An extension that would lead beyond the key proves that the key is absent.
	extension := list(t, "\x00"+strings.Repeat("\x00", 33), string(make([]byte, 32)))
	if got := nodeSetOf(map[string][]byte{"": extension}).walk(crypto.Keccak256Hash(extension), [32]byte{}); got.outcome != provenAbsent {
		t.Errorf("got %+v", got)
	}
	// A short node belongs inside its parent.
	leaf := list(t, "\x20"+strings.Repeat("\x00", 2), "v")
	parent := branch(t, 1, string(crypto.Keccak256(leaf)), "")
	if got := nodeSetOf(map[string][]byte{"p": parent, "l": leaf}).walk(crypto.Keccak256Hash(parent), [32]byte{0x10}); got.outcome != notProven || !strings.Contains(got.reason, "shorter than 32 bytes") {
		t.Errorf("got %+v, want a short node refused", got)
	}
}

func FuzzRLP(f *testing.F) {
	for _, seed := range []string{"", "80", "00", "7f", "8100", "8180", "c0", "c101", "b83800", "b900ff", "f800", "f90100", "ff", "bfffffffffffffffff", "ffffffffffffffffff"} {
		b, _ := hex.DecodeString(seed)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		first, rest, err := splitRLP(b)
		kind, content, tail, oracle := rlp.Split(b)
		if (err == nil) != (oracle == nil) {
			t.Fatalf("%x: got %v, go-ethereum says %v", b, err, oracle)
		}
		if err == nil && (first.list != (kind == rlp.List) || !bytes.Equal(first.content, content) || !bytes.Equal(rest, tail) || len(first.whole)+len(rest) != len(b)) {
			t.Fatalf("%x: got %+v and %x, go-ethereum says %v %x and %x", b, first, rest, kind, content, tail)
		}
		_, _ = listRLP(b)
		_, _ = decodeNode(b)
		_, _ = decodeAccount(b)
		_, _ = decodeStorage(b)
	})
}
