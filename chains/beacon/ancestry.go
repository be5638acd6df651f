package beacon

import (
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// ancestry checks that execution headers lead from a block's hash back to the
// child of another block (SPEC part 22, step 5).
func ancestry(from root, to string, headers [][]byte) error {
	if len(headers) > MaxHeaders {
		return fmt.Errorf("there are %d of them, want at most %d", len(headers), MaxHeaders)
	}
	want := from
	for i, raw := range headers {
		if got := root(crypto.Keccak256Hash(raw)); got != want {
			return fmt.Errorf("header #%d hashes to 0x%s, want 0x%s", i+1, got.hex(), want.hex())
		}
		var items []rlp.RawValue
		if err := rlp.DecodeBytes(raw, &items); err != nil || len(items) == 0 {
			return fmt.Errorf("header #%d is no RLP list", i+1)
		}
		var parent [32]byte
		if err := rlp.DecodeBytes(items[0], &parent); err != nil {
			return fmt.Errorf("header #%d names no parent", i+1)
		}
		want = parent
	}
	if "0x"+want.hex() != to {
		return fmt.Errorf("they lead to block 0x%s, want %s", want.hex(), to)
	}
	return nil
}
