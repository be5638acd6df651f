package verifier

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/assay-por/assay/verifier/tree"
)

// Two customers with equal balances are shown one leaf: only the one whose id it holds is content.
func TestI01_SharedLeaf(t *testing.T) {
	m := shardOf(5, 5).make(t)
	proven(t, verifyProof(m, m.proof(0, 0), "c0@example.org"))
	refused(t, verifyProof(m, m.proof(0, 0), "c1@example.org"), "proof.root", "the customer id is not the one")
}

func TestI02_OpaqueIDChosenByTheExchange(t *testing.T) {
	w := shardOf(5, 6)
	honest := w.identity
	w.identity = func(snapshot []byte, c customer) []byte {
		c.id = "userhash-77"
		return honest(snapshot, c)
	}
	m := w.make(t)
	refused(t, verifyProof(m, m.proof(0, 0), "c0@example.org"), "proof.root", "the customer id is not the one")
	p := m.proof(0, 0)
	p["customer"] = "userhash-77"
	refused(t, verifyProof(m, p, "c0@example.org"), "proof.format", `unknown key "customer"`)
}

func TestI03_IDNotInTheHash(t *testing.T) {
	w := shardOf(5, 6)
	w.identity = func(snapshot []byte, c customer) []byte { return tagged("assay/v1/identity", snapshot, c.nonce) }
	m := w.make(t)
	refused(t, verifyProof(m, m.proof(0, 0), "c0@example.org"), "proof.root", "the customer id is not the one")
	m = shardOf(5, 6).make(t)
	id := []byte("c0@example.org")
	for i := range id {
		other := append([]byte{}, id...)
		other[i] ^= 1
		refused(t, verifyProof(m, m.proof(0, 0), string(other)), "proof.root", "the root comes out as")
	}
}

// Ids are bytes: no two ids of different bytes have one identity, whatever their lengths and values.
func TestI04_FieldAliasing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringN(1, 40, 160).Draw(t, "a")
		b := rapid.StringN(1, 40, 160).Draw(t, "b")
		same := tree.Identity(tree.Hash{1}, tree.Hash{2}, a) == tree.Identity(tree.Hash{1}, tree.Hash{2}, b)
		if same != (a == b) {
			t.Fatalf("identities equal: %v, ids equal: %v", same, a == b)
		}
	})
	m := shardOf(5).make(t)
	proven(t, verifyProof(m, m.proof(0, 0), " c0@example.org\n"))
	for _, id := range []string{"C0@example.org", "c0@example.orɡ", "c0@example.org.", "00c0@example.org"} {
		refused(t, verifyProof(m, m.proof(0, 0), id), "proof.root", "the root comes out as")
	}
}

func TestI05_DuplicateCustomer(t *testing.T) {
	w := newWorld()
	w.shards[1] = append(w.shards[1], w.shards[0][0])
	refused(t, verify(t, w.make(t)), "liabilities.full", "shard-00001.leaves: leaf #2: its identity occurs twice in the tree")
}

// What a verifier prints of a proof may be shared: it holds no customer id.
func TestI11_VerdictHoldsNoCustomerID(t *testing.T) {
	m := newWorld().make(t)
	for _, customer := range []string{"alice@example.org", "mallory@example.org"} {
		out, err := json.Marshal(verifyProof(m, m.proof(0, 0), customer))
		if err != nil || strings.Contains(string(out), customer) {
			t.Errorf("the verdict repeats the customer id (error %v)", err)
		}
	}
}

func TestIdentityIsThatOfTheSpec(t *testing.T) {
	w := shardOf(1)
	want := w.identity(h(), customer{id: "é@example.org", nonce: h([]byte("n"))})
	id, err := tree.NormalizeCustomer("  e\u0301@example.org ")
	if err != nil {
		t.Fatal(err)
	}
	if got := tree.Identity(tree.Hash(h()), tree.Hash(h([]byte("n"))), id); string(got[:]) != string(want) {
		t.Errorf("got %s, want %x", got, want)
	}
	for _, bad := range []string{"", "  ", strings.Repeat("a", 257), "a\u202eb", "a\x00b", "\xff"} {
		if _, err := tree.NormalizeCustomer(bad); err == nil || bad != "" && strings.TrimSpace(bad) != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: got error %v", bad, err)
		}
	}
}

// A leaf without a nonce could be found by trying ids; the formula has one, so an unsalted leaf matches no proof.
func TestI06_GuessableLeaf(t *testing.T) {
	for name, identity := range map[string]func(snapshot []byte, c customer) []byte{
		"hash of the id":          func(_ []byte, c customer) []byte { return h([]byte(c.id)) },
		"hash of snapshot and id": func(s []byte, c customer) []byte { return tagged("assay/v1/identity", s, u16(len(c.id)), []byte(c.id)) },
		"nonce beside the id, not mixed": func(s []byte, c customer) []byte {
			return tagged("assay/v1/identity", s, make([]byte, 32), u16(len(c.id)), []byte(c.id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.identity = identity
			refused(t, verifyProof(w.make(t), w.make(t).proof(0, 0), "alice@example.org"), "proof.root", "the root comes out as")
		})
	}
	m := newWorld().make(t)
	p := m.proof(0, 0)
	p["nonce"] = ""
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", "nonce")
}

// An unchanged customer's leaf of last period does not stand in this one's tree: the snapshot is in every identity.
func TestI07_CrossReportLinkage(t *testing.T) {
	last := newWorld()
	last.snapshot = func(s obj) { s["period"], s["instant"] = "2026-09", "2026-10-01T00:00:00Z" }
	before := unhexed(last.make(t).snapshot)
	w := newWorld()
	w.identity = func(_ []byte, c customer) []byte {
		return tagged("assay/v1/identity", before, c.nonce, u16(len(c.id)), []byte(c.id))
	}
	m := w.make(t)
	refused(t, verifyProof(m, m.proof(0, 0), "alice@example.org"), "proof.root", "the root comes out as")
}

func unhexed(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func unbased(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
