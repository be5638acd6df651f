package beacon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/evm"
)

const testSnapshot = "00000000000000000000000000000000000000000000000000000000000000cc"

func chainOf(s string) chains.Chain { return chains.Chain(s) }

// execChain is a chain of execution headers made here: number 0 to n.
func execChain(n int) []*types.Header {
	var all []*types.Header
	parent := common.Hash{}
	for i := range n + 1 {
		blobs := uint64(i) * 131072
		h := &types.Header{
			ParentHash: parent, Number: big.NewInt(int64(i)), Time: uint64(1_700_000_000 + 12*i), BaseFee: big.NewInt(7_000_000_000 + int64(i)),
			Difficulty: new(big.Int), Extra: []byte("test"), GasLimit: 30_000_000, BlobGasUsed: &blobs, ExcessBlobGas: &blobs, WithdrawalsHash: &common.Hash{},
			ParentBeaconRoot: &common.Hash{},
		}
		all = append(all, h)
		parent = h.Hash()
	}
	return all
}

// between is a HeadersFunc over such a chain.
func between(all []*types.Header) HeadersFunc {
	return func(_ context.Context, from string, to chains.BlockRef) ([][]byte, error) {
		var out [][]byte
		for i := len(all) - 1; i > int(to.Number); i-- {
			if len(out) > 0 || all[i].Hash().Hex() == from {
				raw, err := rlp.EncodeToBytes(all[i])
				if err != nil {
					return nil, err
				}
				out = append(out, raw)
			}
		}
		return out, nil
	}
}

const synthetic = "eip155:7777"

func refOf(h *types.Header) chains.BlockRef {
	return chains.BlockRef{Chain: synthetic, Hash: h.Hash().Hex(), Number: h.Number.Uint64(), Time: time.Unix(int64(h.Time), 0).UTC()}
}

// play is the scene that most tests alter: 30 execution blocks, the last one
// finalised.
func play(t testing.TB) (*scene, []*types.Header) {
	t.Helper()
	all := execChain(30)
	return act(t, "7777", [4]*types.Header{all[5], all[10], all[15], all[30]}), all
}

func TestProve(t *testing.T) {
	s, all := play(t)
	for _, pinned := range []int{30, 29, 1} {
		file, err := s.source(t, synthetic).Prove(t.Context(), testSnapshot, refOf(all[pinned]), between(all))
		if err != nil {
			t.Fatalf("block %d: %v", pinned, err)
		}
		e := file.(*Evidence)
		if len(e.Headers) != 30-pinned || len(e.Updates) != lastPeriod-firstPeriod {
			t.Errorf("block %d: %d headers and %d updates, want %d and %d", pinned, len(e.Headers), len(e.Updates), 30-pinned, lastPeriod-firstPeriod)
		}
		checkFile(t, e, all[pinned].Hash())
	}
}

// checkFile checks the format of SPEC part 22, and what follows from its bytes
// alone by the naive trees.
func checkFile(t *testing.T, e *Evidence, pinned common.Hash) {
	t.Helper()
	if e.Type != "assay/v1/evidence/beacon" || e.Snapshot != testSnapshot {
		t.Errorf("type %q, snapshot %q", e.Type, e.Snapshot)
	}
	if len(e.Bootstrap.Committee.Keys) != 2*48*512 || len(e.Bootstrap.Committee.Aggregate) != 96 || len(e.Finality.Bits) != 128 || len(e.Finality.Signature) != 192 {
		t.Error("a field has a wrong length")
	}
	if got := climb(t, e.Finality.Execution.Hash, e.Finality.Execution.Branch, 812); got != e.Finality.Finalized.Body {
		t.Errorf("execution climbs to %s, want %s", got, e.Finality.Finalized.Body)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var loose map[string]any
	if err := json.Unmarshal(raw, &loose); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                   "bootstrap chain finality headers snapshot type updates",
		"bootstrap":          "branch committee header",
		"bootstrap.header":   "body parent proposer slot state",
		"finality":           "attested bits execution finality finalized signature slot",
		"finality.execution": "branch hash",
		"updates.0":          "attested bits branch committee finality finalized signature slot",
	} {
		if got := keysAt(loose, path); got != want {
			t.Errorf("keys of %q: got %q, want %q", path, got, want)
		}
	}
	if strings.Contains(string(raw), "0x") || strings.Contains(string(raw), "null") {
		t.Error("the file has a prefix 0x or a null")
	}
	last := e.Finality.Execution.Hash
	for _, h := range e.Headers {
		var decoded types.Header
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		if err := rlp.DecodeBytes(b, &decoded); err != nil || decoded.Hash() != common.HexToHash(last) {
			t.Fatalf("a header does not continue: %v", err)
		}
		last = hex.EncodeToString(decoded.ParentHash[:])
	}
	if common.HexToHash(last) != pinned {
		t.Errorf("the headers lead to %s, want %s", last, pinned)
	}
}

// The whole way over a real execution node, whose headers are fetched and checked
// by package evm.
func TestProve_RealExecutionChain(t *testing.T) {
	instant := devnet.Instant(time.Now())
	node, err := devnet.StartEthereum(devnet.EthereumOptions{Seed: "beacon", Instant: instant})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	source, err := evm.New(t.Context(), devnet.EthereumChain, []string{node.URL()}, evm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	pinned, err := source.Pin(t.Context(), instant)
	if err != nil {
		t.Fatal(err)
	}
	finalised := realHeader(t, node, "finalized")
	s := act(t, "1337", [4]*types.Header{realHeader(t, node, "0x1"), realHeader(t, node, "0x2"), realHeader(t, node, "0x3"), finalised})
	file, err := s.source(t, string(devnet.EthereumChain)).Prove(t.Context(), testSnapshot, pinned, source.Headers)
	if err != nil {
		t.Fatal(err)
	}
	e := file.(*Evidence)
	if want := int(finalised.Number.Uint64() - pinned.Number); len(e.Headers) != want || want == 0 {
		t.Errorf("%d headers, want %d", len(e.Headers), want)
	}
	checkFile(t, e, common.HexToHash(pinned.Hash))
}

func realHeader(t *testing.T, node *devnet.Ethereum, which string) *types.Header {
	t.Helper()
	client, err := ethclient.Dial(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var h *types.Header
	if err := client.Client().CallContext(t.Context(), &h, "eth_getBlockByNumber", which, false); err != nil {
		t.Fatal(err)
	}
	return h
}

// keysAt lists the keys of an object inside a decoded file.
func keysAt(v any, path string) string {
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			if step != "" {
				v = at[step]
			}
		case []any:
			v = at[0]
		}
	}
	object, _ := v.(map[string]any)
	return strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

// climb goes up a branch, naively.
func climb(t *testing.T, leaf string, branch []string, index int) string {
	t.Helper()
	at := unhex(t, leaf)
	for _, s := range branch {
		both := append(bytes.Clone(at), unhex(t, s)...)
		if index%2 == 1 {
			both = append(unhex(t, s), at...)
		}
		digest := sha256.Sum256(both)
		at, index = digest[:], index/2
	}
	if index != 1 {
		t.Errorf("the branch ends at %d", index)
	}
	return hex.EncodeToString(at)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
