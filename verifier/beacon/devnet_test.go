package beacon

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
)

// devnet is a beacon chain that Lodestar ran and signed (testdata/README).
type devnet struct {
	Genesis   string
	Keys      []string // the different ones
	Order     string   // of the 512, by the index of the key, a digit each
	Aggregate string
	Bootstrap struct {
		Header jsonHeader
		Branch []string
	}
	Update, Finality jsonUpdate
	Execution        struct {
		Header  jsonHeader
		Payload jsonPayload
		Branch  []string
	}
}

type jsonHeader struct {
	Slot, Proposer      uint64
	Parent, State, Body string
}

type jsonUpdate struct {
	Attested, Finalized jsonHeader
	Bits, Signature     string
	Slot                uint64
	Finality, Branch    []string
}

type jsonPayload struct {
	Parent       string `json:"parent_hash"`
	Recipient    string `json:"fee_recipient"`
	State        string `json:"state_root"`
	Receipts     string `json:"receipts_root"`
	Bloom        string `json:"logs_bloom"`
	Random       string `json:"prev_randao"`
	Number       uint64 `json:"block_number"`
	GasLimit     uint64 `json:"gas_limit"`
	GasUsed      uint64 `json:"gas_used"`
	Time         uint64 `json:"timestamp"`
	Extra        string `json:"extra_data"`
	BaseFee      uint64 `json:"base_fee_per_gas"`
	Hash         string `json:"block_hash"`
	Transactions string `json:"transactions_root"`
	Withdrawals  string `json:"withdrawals_root"`
	BlobGas      uint64 `json:"blob_gas_used"`
	ExcessBlob   uint64 `json:"excess_blob_gas"`
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func hashOf(t testing.TB, s string) [32]byte { return [32]byte(unhex(t, s)) }

func branchOf(t testing.TB, list []string) (out [][32]byte) {
	for _, s := range list {
		out = append(out, hashOf(t, s))
	}
	return out
}

func (h jsonHeader) header(t testing.TB) header {
	return header{slot: h.Slot, proposer: h.Proposer, parent: hashOf(t, h.Parent), state: hashOf(t, h.State), body: hashOf(t, h.Body)}
}

func (u jsonUpdate) update(t testing.TB, next committee) update {
	return update{
		attested: u.Attested.header(t), finalized: u.Finalized.header(t), bits: unhex(t, u.Bits), signature: unhex(t, u.Signature), slot: u.Slot,
		finality: branchOf(t, u.Finality), branch: branchOf(t, u.Branch), committee: next,
	}
}

func loadDevnet(t testing.TB) (d devnet, c committee, n Network) {
	t.Helper()
	raw, err := os.ReadFile("testdata/devnet.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	var keys strings.Builder
	for _, digit := range d.Order {
		keys.WriteString(d.Keys[digit-'0'])
	}
	c = committee{aggregate: unhex(t, d.Aggregate), keys: unhex(t, keys.String())}
	return d, c, Network{Genesis: hashOf(t, d.Genesis), Forks: []Fork{{0, "electra", [4]byte{5, 0, 0, 0}}}}
}

// Another implementation's headers, committees, branches and signatures pass.
func TestDevnet_OfAnotherImplementation(t *testing.T) {
	d, next, network := loadDevnet(t)
	first := bootstrap{header: d.Bootstrap.Header.header(t), committee: next, branch: branchOf(t, d.Bootstrap.Branch)}
	c := &client{network: network}
	if err := c.start(first, first.header.root()); err != nil {
		t.Fatal(err)
	}
	if err := c.checkFinality(d.Finality.update(t, committee{})); err != nil {
		t.Errorf("finality: %v", err)
	}
	u := d.Update.update(t, next)
	if u.finalized.root() != first.header.root() {
		t.Error("the update does not finalize the checkpoint")
	}
	if err := c.follow("updates[0]", u); err != nil {
		t.Errorf("update: %v", err)
	}
	if c.period != 1 {
		t.Errorf("period %d after the update", c.period)
	}
	if err := c.checkFinality(d.Finality.update(t, committee{})); err == nil || !strings.Contains(err.Error(), "not of the present committee's period") {
		t.Errorf("a signature of the period before: %v", err)
	}
}

// Nothing of it passes once a bit is changed.
func TestDevnet_Changed(t *testing.T) {
	d, next, network := loadDevnet(t)
	keys, err := next.points("keys")
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() (*client, update) {
		return &client{network: network, keys: keys}, d.Update.update(t, committee{aggregate: next.aggregate, keys: append([]byte(nil), next.keys...)})
	}
	for name, change := range map[string]func(c *client, u *update){
		"version":    func(c *client, _ *update) { c.network.Forks = []Fork{{0, "electra", [4]byte{4, 0, 0, 0}}} },
		"genesis":    func(c *client, _ *update) { c.network.Genesis[31] ^= 1 },
		"fork":       func(c *client, _ *update) { c.network.Forks = []Fork{{0, "deneb", [4]byte{5, 0, 0, 0}}} },
		"proposer":   func(_ *client, u *update) { u.attested.proposer++ },
		"attested":   func(_ *client, u *update) { u.attested.body[0] ^= 1 },
		"finalized":  func(_ *client, u *update) { u.finalized.body[0] ^= 1 },
		"finality":   func(_ *client, u *update) { u.finality[3][0] ^= 1 },
		"short":      func(_ *client, u *update) { u.finality = u.finality[1:] },
		"branch":     func(_ *client, u *update) { u.branch[5][0] ^= 1 },
		"bits":       func(_ *client, u *update) { u.bits[3] ^= 1 },
		"few":        func(_ *client, u *update) { clear(u.bits[:22]) },
		"signature":  func(_ *client, u *update) { u.signature[95] ^= 1 },
		"other sign": func(_ *client, u *update) { u.signature[0] ^= 0x20 },
		"key":        func(_ *client, u *update) { u.committee.keys[0] ^= 0x20 },
		"slot":       func(_ *client, u *update) { u.slot = u.attested.slot },
	} {
		t.Run(name, func(t *testing.T) {
			c, u := fresh()
			change(c, &u)
			var check *CheckError
			if err := c.follow("updates[0]", u); !errors.As(err, &check) {
				t.Errorf("got %v, want a check error", err)
			}
		})
	}
	c, u := fresh()
	if err := c.follow("updates[0]", u); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

// The execution block's hash stands at the index that SPEC part 22 gives, in a payload and a body of another implementation.
func TestDevnet_ExecutionBlock(t *testing.T) {
	d, _, network := loadDevnet(t)
	c := &client{network: network}
	x := execution{hash: hashOf(t, d.Execution.Payload.Hash), branch: append(d.Execution.Payload.branch(t), branchOf(t, d.Execution.Branch)...)}
	block := d.Execution.Header.header(t)
	if err := c.checkExecution(block, x); err != nil {
		t.Error(err)
	}
	x.hash[0] ^= 1
	if err := c.checkExecution(block, x); err == nil {
		t.Error("another hash passes")
	}
}

// branch is that of block_hash, field 12 of the 17 of an ExecutionPayloadHeader, written down from the consensus specifications.
func (p jsonPayload) branch(t testing.TB) [][32]byte {
	list := func(raw []byte) [32]byte { // List[byte, 32]
		var chunk [32]byte
		copy(chunk[:], raw)
		return pair(chunk, number(uint64(len(raw))))
	}
	var bloom [][32]byte
	for raw := unhex(t, p.Bloom); len(raw) > 0; raw = raw[32:] {
		bloom = append(bloom, [32]byte(raw))
	}
	var recipient, fee [32]byte
	copy(recipient[:], unhex(t, p.Recipient))
	binary.LittleEndian.PutUint64(fee[:], p.BaseFee)
	level := [][32]byte{
		hashOf(t, p.Parent), recipient, hashOf(t, p.State), hashOf(t, p.Receipts), merkle(bloom), hashOf(t, p.Random), number(p.Number), number(p.GasLimit),
		number(p.GasUsed), number(p.Time), list(unhex(t, p.Extra)), fee, hashOf(t, p.Hash), hashOf(t, p.Transactions), hashOf(t, p.Withdrawals), number(p.BlobGas),
		number(p.ExcessBlob),
	}
	for len(level) < 32 {
		level = append(level, [32]byte{})
	}
	var branch [][32]byte
	for at := 12; len(level) > 1; at /= 2 {
		branch = append(branch, level[at^1])
		var above [][32]byte
		for i := 0; i < len(level); i += 2 {
			above = append(above, pair(level[i], level[i+1]))
		}
		level = above
	}
	return branch
}
