package beacon

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
	"github.com/ethereum/go-ethereum/core/types"
)

// A beacon chain of 512 keys a committee, made here, and served in the shapes of
// the Beacon API. Its trees are hashed naively, from the consensus specification,
// and share nothing with the code under test.

type chunk = [32]byte

// tree is the root of leaves, padded to 2^depth.
func tree(leaves []chunk, depth int) chunk {
	if depth == 0 {
		if len(leaves) == 0 {
			return chunk{}
		}
		return leaves[0]
	}
	half := 1 << (depth - 1)
	left, right := leaves, []chunk(nil)
	if len(leaves) > half {
		left, right = leaves[:half], leaves[half:]
	}
	a, b := tree(left, depth-1), tree(right, depth-1)
	return sha256.Sum256(append(a[:], b[:]...))
}

// branchOf is the branch of one leaf, lowest sibling first.
func branchOf(leaves []chunk, depth, at int) []chunk {
	if depth == 0 {
		return nil
	}
	half := 1 << (depth - 1)
	left, right := leaves, []chunk(nil)
	if len(leaves) > half {
		left, right = leaves[:half], leaves[half:]
	}
	if at < half {
		return append(branchOf(left, depth-1, at), tree(right, depth-1))
	}
	return append(branchOf(right, depth-1, at-half), tree(left, depth-1))
}

func u64Chunk(n uint64) (c chunk) { binary.LittleEndian.PutUint64(c[:], n); return c }

func byteChunks(b []byte) (out []chunk) {
	for i := 0; i < len(b); i += 32 {
		var c chunk
		copy(c[:], b[i:])
		out = append(out, c)
	}
	return out
}

func x(b []byte) string { return "0x" + hex.EncodeToString(b) }

func xs(branch []chunk) []any {
	out := []any{}
	for _, c := range branch {
		out = append(out, x(c[:]))
	}
	return out
}

func seeded(text string, n uint64) chunk {
	return sha256.Sum256([]byte(text + strconv.FormatUint(n, 10)))
}

// testCommittee is 512 members with their secrets.
type testCommittee struct {
	secrets   []fr.Element
	keys      [][48]byte
	aggregate [48]byte
}

const poolSize = 540

type pooled struct {
	secrets []fr.Element
	points  []bls.G1Affine
}

var keyPool = sync.OnceValue(func() pooled {
	var p pooled
	_, _, generator, _ := bls.Generators()
	for i := range uint64(poolSize) {
		var s fr.Element
		digest := seeded("key", i)
		s.SetBytes(digest[:])
		var point bls.G1Affine
		point.ScalarMultiplication(&generator, s.BigInt(new(big.Int)))
		p.secrets, p.points = append(p.secrets, s), append(p.points, point)
	}
	return p
})

// committeeOf is the committee of a period: each differs from the one before.
func committeeOf(period uint64) testCommittee {
	pool := keyPool()
	var c testCommittee
	var sum bls.G1Jac
	for i := range uint64(512) {
		at := (i*7 + period*13) % poolSize
		c.secrets = append(c.secrets, pool.secrets[at])
		c.keys = append(c.keys, pool.points[at].Bytes())
		sum.AddMixed(&pool.points[at])
	}
	var all bls.G1Affine
	all.FromJacobian(&sum)
	c.aggregate = all.Bytes()
	return c
}

func (c testCommittee) root() chunk {
	var leaves []chunk
	for _, k := range c.keys {
		leaves = append(leaves, tree(byteChunks(k[:]), 1))
	}
	return tree([]chunk{tree(leaves, 9), tree(byteChunks(c.aggregate[:]), 1)}, 1)
}

func (c testCommittee) json() map[string]any {
	keys := []any{}
	for _, k := range c.keys {
		keys = append(keys, x(k[:]))
	}
	return map[string]any{"pubkeys": keys, "aggregate_pubkey": x(c.aggregate[:])}
}

// sign signs for the first so many members.
func (c testCommittee) sign(message chunk, members int) (bits [64]byte, signature [96]byte) {
	var sum fr.Element
	for i := range members {
		sum.Add(&sum, &c.secrets[i])
		bits[i/8] |= 1 << (i % 8)
	}
	point, err := bls.HashToG2(message[:], []byte("BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"))
	if err != nil {
		panic(err)
	}
	point.ScalarMultiplication(&point, sum.BigInt(new(big.Int)))
	return bits, point.Bytes()
}

// testNet is the synthetic network: Deneb from epoch 0, Electra from one within
// the chain, Fulu from a later one.
type testNet struct {
	genesis chunk
	electra uint64 // epoch
	fulu    uint64
}

func (n testNet) network() Network {
	return Network{Genesis: x(n.genesis[:]), Forks: []Fork{
		{0, Deneb, "0x04000001"}, {n.electra, Electra, "0x05000001"}, {n.fulu, Fulu, "0x06000001"}}}
}

func (n testNet) version(epoch uint64) []byte {
	switch {
	case epoch >= n.fulu:
		return []byte{6, 0, 0, 1}
	case epoch >= n.electra:
		return []byte{5, 0, 0, 1}
	}
	return []byte{4, 0, 0, 1}
}

func (n testNet) forkName(slot uint64) string {
	return map[byte]string{4: Deneb, 5: Electra, 6: Fulu}[n.version(slot / 32)[0]]
}

// stateDepth is that of the tree over the state's fields.
func (n testNet) stateDepth(slot uint64) int {
	if slot/32 >= n.electra {
		return 6 // 37 fields and more
	}
	return 5 // 28
}

// testBlock is a beacon block with all that is proved of it.
type testBlock struct {
	net       testNet
	slot      uint64
	finalized chunk // root in its state
	epoch     uint64
	exec      map[string]any
	execRoots []chunk
}

// execOf is the payload header of an execution block, and the roots of its fields.
func execOf(h *types.Header) (map[string]any, []chunk) {
	var fee chunk
	h.BaseFee.FillBytes(fee[:])
	for i := range 16 {
		fee[i], fee[31-i] = fee[31-i], fee[i]
	}
	transactions, withdrawals := seeded("transactions", h.Number.Uint64()), seeded("withdrawals", h.Number.Uint64())
	hash := h.Hash()
	var blobs, excess uint64
	if h.BlobGasUsed != nil {
		blobs, excess = *h.BlobGasUsed, *h.ExcessBlobGas
	}
	decimal := func(n uint64) string { return strconv.FormatUint(n, 10) }
	var coinbase chunk
	copy(coinbase[:], h.Coinbase[:])
	extra := tree([]chunk{tree(byteChunks(h.Extra), 0), u64Chunk(uint64(len(h.Extra)))}, 1)
	return map[string]any{
			"parent_hash": x(h.ParentHash[:]), "fee_recipient": x(h.Coinbase[:]), "state_root": x(h.Root[:]), "receipts_root": x(h.ReceiptHash[:]),
			"logs_bloom": x(h.Bloom[:]), "prev_randao": x(h.MixDigest[:]), "block_number": h.Number.String(), "gas_limit": decimal(h.GasLimit),
			"gas_used": decimal(h.GasUsed), "timestamp": decimal(h.Time), "extra_data": x(h.Extra), "base_fee_per_gas": h.BaseFee.String(),
			"block_hash": x(hash[:]), "transactions_root": x(transactions[:]), "withdrawals_root": x(withdrawals[:]),
			"blob_gas_used": decimal(blobs), "excess_blob_gas": decimal(excess),
		}, []chunk{
			h.ParentHash, coinbase, h.Root, h.ReceiptHash, tree(byteChunks(h.Bloom[:]), 3), h.MixDigest, u64Chunk(h.Number.Uint64()), u64Chunk(h.GasLimit),
			u64Chunk(h.GasUsed), u64Chunk(h.Time), extra, fee, hash, transactions, withdrawals, u64Chunk(blobs), u64Chunk(excess),
		}
}

func (b testBlock) state() []chunk {
	var fields []chunk
	for i := range uint64(28) {
		fields = append(fields, seeded("field", b.slot*100+i))
	}
	if b.net.stateDepth(b.slot) == 6 {
		for i := range uint64(9) {
			fields = append(fields, seeded("more", b.slot*100+i))
		}
	}
	fields[20] = tree([]chunk{u64Chunk(b.epoch), b.finalized}, 1)
	fields[22], fields[23] = committeeRoot(b.slot/8192), committeeRoot(b.slot/8192+1)
	return fields
}

var committeeRoots sync.Map

func committeeRoot(period uint64) chunk {
	if r, ok := committeeRoots.Load(period); ok {
		return r.(chunk)
	}
	r := committeeOf(period).root()
	committeeRoots.Store(period, r)
	return r
}

func (b testBlock) body() []chunk {
	var fields []chunk
	for i := range uint64(13) {
		fields = append(fields, seeded("body", b.slot*100+i))
	}
	fields[9] = tree(b.execRoots, 5)
	return fields
}

func (b testBlock) header() map[string]any {
	state, body, parent := tree(b.state(), b.net.stateDepth(b.slot)), tree(b.body(), 4), seeded("parent", b.slot)
	return map[string]any{
		"slot": strconv.FormatUint(b.slot, 10), "proposer_index": "7", "parent_root": x(parent[:]), "state_root": x(state[:]), "body_root": x(body[:]),
	}
}

func (b testBlock) root() chunk {
	return tree([]chunk{u64Chunk(b.slot), u64Chunk(7), seeded("parent", b.slot), tree(b.state(), b.net.stateDepth(b.slot)), tree(b.body(), 4)}, 3)
}

func (b testBlock) light() map[string]any {
	return map[string]any{"beacon": b.header(), "execution": b.exec, "execution_branch": xs(branchOf(b.body(), 4, 9))}
}

func (b testBlock) committeeBranch(field int) []any {
	return xs(branchOf(b.state(), b.net.stateDepth(b.slot), field))
}

func (n testNet) block(slot uint64, h *types.Header) testBlock {
	b := testBlock{net: n, slot: slot}
	b.exec, b.execRoots = execOf(h)
	return b
}

// finality is what the committee of the signature's slot signs, in JSON.
func (n testNet) finality(finalized testBlock, attestedSlot, slot uint64, members int, h *types.Header) (map[string]any, testBlock) {
	attested := n.block(attestedSlot, h)
	attested.finalized, attested.epoch = finalized.root(), finalized.slot/32
	var version chunk
	copy(version[:], n.version((slot-1)/32))
	data := tree([]chunk{version, n.genesis}, 1)
	domain := chunk{7}
	copy(domain[4:], data[:28])
	bits, signature := committeeOf(slot/8192).sign(tree([]chunk{attested.root(), domain}, 1), members)
	depth := n.stateDepth(attestedSlot)
	epoch := u64Chunk(attested.epoch)
	return map[string]any{
		"attested_header": attested.light(), "finalized_header": finalized.light(),
		"finality_branch": append([]any{x(epoch[:])}, xs(branchOf(attested.state(), depth, 20))...),
		"sync_aggregate":  map[string]any{"sync_committee_bits": x(bits[:]), "sync_committee_signature": x(signature[:])},
		"signature_slot":  strconv.FormatUint(slot, 10),
	}, attested
}

// update is one period's, with the next committee.
func (n testNet) update(period uint64, h *types.Header) map[string]any {
	first := period * 8192
	u, attested := n.finality(n.block(first+64, h), first+140, first+141, 500, h)
	u["next_sync_committee"] = committeeOf(period + 1).json()
	u["next_sync_committee_branch"] = attested.committeeBranch(23)
	return u
}

// A testNode serves the synthetic chain. Answers are kept as JSON text; change,
// if set, alters them before they go out.
type testNode struct {
	*httptest.Server
	answers map[string]any
	change  func(path string, status int, answer any) (int, any)
	asked   []string
	atOnce  int // updates in one answer
	mutex   sync.Mutex
}

func (n *testNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.asked = append(n.asked, r.URL.String())
	answer, status := n.answers[r.URL.Path], 200
	if r.URL.Path == pathUpdates {
		first, _ := strconv.ParseUint(r.URL.Query().Get("start_period"), 10, 64)
		count, _ := strconv.Atoi(r.URL.Query().Get("count"))
		if n.atOnce > 0 {
			count = min(count, n.atOnce)
		}
		list := []any{}
		for i := range uint64(count) {
			if u, ok := n.answers[fmt.Sprint("update ", first+i)]; ok {
				list = append(list, u)
			}
		}
		answer = list
	}
	if answer == nil {
		status, answer = 404, map[string]any{"code": 404, "message": "not found"}
	}
	if n.change != nil {
		// A copy, so that a test may alter what it likes.
		raw, _ := json.Marshal(answer)
		var loose any
		_ = json.Unmarshal(raw, &loose)
		status, answer = n.change(r.URL.Path, status, loose)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if text, ok := answer.(string); ok {
		_, _ = w.Write([]byte(text))
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func serve(t testing.TB) *testNode {
	t.Helper()
	n := &testNode{answers: map[string]any{}}
	n.Server = httptest.NewServer(n)
	t.Cleanup(n.Close)
	return n
}

// A scene is a node of the synthetic network, with a checkpoint some periods
// before its finality.
type scene struct {
	net        testNet
	node       *testNode
	checkpoint string
}

const (
	firstPeriod = 40 // of the checkpoint
	lastPeriod  = 43 // of the finality
)

// act makes a scene: the chain begins under Deneb, goes through Electra's begin in
// its second period, and ends under Fulu. executions are the finalised execution
// blocks: of the periods' updates, and the last one of the finality.
func act(t testing.TB, chainID string, executions [lastPeriod - firstPeriod + 1]*types.Header) *scene {
	t.Helper()
	s := &scene{net: testNet{genesis: seeded("genesis", 1), electra: (firstPeriod + 1) * 256, fulu: lastPeriod * 256}, node: serve(t)}
	a := s.node.answers
	a[pathGenesis] = map[string]any{"data": map[string]any{"genesis_time": "1", "genesis_validators_root": x(s.net.genesis[:]), "genesis_fork_version": "0x00000001"}}
	a[pathSpec] = map[string]any{"data": map[string]any{
		"CONFIG_NAME": "test", "SLOTS_PER_EPOCH": "32", "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": "256", "SYNC_COMMITTEE_SIZE": "512", "DEPOSIT_CHAIN_ID": chainID,
		"ALTAIR_FORK_EPOCH": "0", "ALTAIR_FORK_VERSION": "0x01000001",
		"DENEB_FORK_EPOCH": "0", "DENEB_FORK_VERSION": "0x04000001",
		"ELECTRA_FORK_EPOCH": strconv.FormatUint(s.net.electra, 10), "ELECTRA_FORK_VERSION": "0x05000001",
		"FULU_FORK_EPOCH": strconv.FormatUint(s.net.fulu, 10), "FULU_FORK_VERSION": "0x06000001",
		"GLOAS_FORK_EPOCH": "18446744073709551615", "GLOAS_FORK_VERSION": "0x07000001",
		"BLOB_SCHEDULE": []any{map[string]any{"EPOCH": "1", "MAX_BLOBS_PER_BLOCK": "9"}},
	}}
	start := s.net.block(firstPeriod*8192+32, executions[0])
	root := start.root()
	s.checkpoint = x(root[:])
	a[pathBootstrap+s.checkpoint] = map[string]any{"version": Deneb, "data": map[string]any{
		"header": start.light(), "current_sync_committee": committeeOf(firstPeriod).json(), "current_sync_committee_branch": start.committeeBranch(22),
	}}
	for p := uint64(firstPeriod); p <= lastPeriod; p++ {
		a[fmt.Sprint("update ", p)] = map[string]any{"version": s.net.forkName(p*8192 + 140), "data": s.net.update(p, executions[p-firstPeriod])}
	}
	s.finalise(lastPeriod*8192+320, executions[lastPeriod-firstPeriod])
	return s
}

// finalise sets the finality update: a block of this slot, signed some slots later.
func (s *scene) finalise(slot uint64, h *types.Header) {
	u, _ := s.net.finality(s.net.block(slot, h), slot+76, slot+77, 480, h)
	s.node.mutex.Lock()
	defer s.node.mutex.Unlock()
	s.node.answers[pathFinality] = map[string]any{"version": s.net.forkName(slot + 76), "data": u}
}

// questions is how many were asked so far.
func (n *testNode) questions() int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return len(n.asked)
}

func (s *scene) source(t testing.TB, chain string, extra ...string) *Source {
	t.Helper()
	source, err := New(chainOf(chain), append(extra, s.node.URL), Options{Checkpoint: s.checkpoint, Network: s.net.network()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Close)
	return source
}

// label is how errors name a node.
func label(n *testNode) string { return strings.TrimPrefix(n.URL, "http://") }
