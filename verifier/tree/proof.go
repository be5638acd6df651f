package tree

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/canon"
)

// ProofType is the type of an inclusion proof (SPEC part 8).
const ProofType = "assay/v1/proof"

// Place says where a leaf stands: leaf Leaf of Leaves in shard Index of Count.
type Place struct{ Count, Index, Leaf, Leaves uint64 }

// Proof is one customer's inclusion proof (SPEC parts 8 and 29). It holds no customer id.
type Proof struct {
	Balances  []Balance
	Blinding  [fr.Bytes]byte // of kind confidential: a scalar
	Envelope  []byte         // the signed statement as it stands in the file, nil if it does not
	Kind      string
	Log       *Log // the statement's place in a log, nil if the file does not show it
	Nonce     Hash
	Shard     Place
	Snapshot  Hash
	Statement Hash
	Total     Point // of kind confidential: the shard's total row
	path, top []sibling
}

// Log holds what shows a statement's place in a log (SPEC part 25). It is of one spelling, and nothing in it is read here.
type Log struct {
	Entry []byte // an envelope as it stands in the file
	Proof []byte
}

type sibling struct {
	hash  Hash
	sum   []Balance // of kind plain
	point Point     // of kind confidential
}

// ParseProof reads an inclusion proof and checks what SPEC part 8 calls `proof.format`: the canonical form, index and count, and
// that both paths have exactly the lengths that follow from them. Errors are *canon.FormatError or *canon.VersionError.
func ParseProof(raw []byte) (*Proof, error) {
	if len(raw) > maxWhole {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxWhole)}
	}
	p := new(Proof)
	var blinding, total bool // are there
	err := canon.DecodeTyped(raw, "type", ProofType, func(r *canon.Reader) {
		r.Object(
			canon.Key("balances", func() { p.Balances = readBalances(r) }),
			canon.Optional("blinding", func() { p.Blinding, blinding = canon.Parse(r, parseScalar), true }),
			canon.Optional("envelope", func() { p.Envelope = readObject(r) }),
			canon.Key("kind", func() { p.Kind = canon.Parse(r, parseKind) }),
			canon.Optional("log", func() { p.Log = readLog(r) }),
			canon.Key("nonce", func() { p.Nonce = r.Hash() }),
			canon.Key("path", func() { p.path = readSiblings(r, p.Kind, maxPath) }),
			canon.Key("shard", func() { p.Shard = readPlace(r) }),
			canon.Key("snapshot", func() { p.Snapshot = r.Hash() }),
			canon.Key("statement", func() { p.Statement = r.Hash() }),
			canon.Key("top", func() { p.top = readSiblings(r, p.Kind, maxTop) }),
			canon.Optional("total", func() { p.Total, total = canon.Parse(r, parsePointHex), true }),
			canon.Key("type", func() { r.Fixed(ProofType) }),
		)
		if confidential := p.Kind == KindConfidential; !r.Failed() && (blinding != confidential || total != confidential) {
			r.Fail("a proof of kind %s has a blinding and a total row, others have neither", KindConfidential)
		}
		if own := len(raw) - len(p.Envelope); own > maxProof {
			r.Fail("%d bytes without the envelope, the limit is %d", own, maxProof)
		}
		p.checkLengths(r)
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// checkLengths checks place and path lengths against one another.
func (p *Proof) checkLengths(r *canon.Reader) {
	s := p.Shard
	switch {
	case s.Index >= s.Count:
		r.Fail("shard.index: %d is not below the count of shards, %d", s.Index, s.Count)
	case s.Leaf >= s.Leaves:
		r.Fail("shard.leaf: %d is not below the count of leaves, %d", s.Leaf, s.Leaves)
	case len(p.path) != pathLength(s.Leaf, s.Leaves):
		r.Fail("path: %d siblings, leaf #%d of %d has %d", len(p.path), s.Leaf, s.Leaves, pathLength(s.Leaf, s.Leaves))
	case len(p.top) != pathLength(s.Index, s.Count):
		r.Fail("top: %d siblings, shard #%d of %d has %d", len(p.top), s.Index, s.Count, pathLength(s.Index, s.Count))
	}
}

func readLog(r *canon.Reader) *Log {
	l := new(Log)
	r.Object(
		canon.Key("entry", func() { l.Entry = readObject(r) }),
		canon.Key("proof", func() { l.Proof = canon.Parse(r, parseBase64) }),
	)
	return l
}

// readObject gives an object as it stands in the file. What is in it is another format's.
func readObject(r *canon.Reader) []byte {
	raw := r.Skip()
	if !r.Failed() && raw[0] != '{' {
		r.Fail("want an object")
	}
	return raw
}

// parseBase64 reads base64 in its one spelling (SPEC part 2).
func parseBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, errors.New("not base64: want RFC 4648 with padding, without line breaks")
	}
	return b, nil
}

func readPlace(r *canon.Reader) (p Place) {
	r.Object(
		canon.Key("count", func() { p.Count = r.Number(maxShards) }),
		canon.Key("index", func() { p.Index = r.Number(maxShards) }),
		canon.Key("leaf", func() { p.Leaf = r.Number(maxLeaves) }),
		canon.Key("leaves", func() { p.Leaves = r.Number(maxLeaves) }),
	)
	return p
}

func readSiblings(r *canon.Reader, kind string, limit int) (list []sibling) {
	r.Array(limit, func(int) {
		var s sibling
		r.Object(
			canon.Key("hash", func() { s.hash = r.Hash() }),
			canon.Key("sum", func() {
				if kind == KindConfidential {
					s.point = canon.Parse(r, parseSumHex)
					return
				}
				s.sum = readBalances(r)
			}),
		)
		list = append(list, s)
	})
	return list
}

// CheckStatement is the check `proof.statement` (SPEC part 8): the proof names this statement, its snapshot, kind and number of shards, and
// its sums stand in the order of the statement's registry.
func (p *Proof) CheckStatement(c Commitment) error {
	switch {
	case p.Statement != c.Statement:
		return fmt.Errorf("the proof is for statement %s, this one is %s", p.Statement, c.Statement)
	case p.Snapshot != c.Snapshot:
		return fmt.Errorf("the proof is for snapshot %s, the statement's is %s", p.Snapshot, c.Snapshot)
	case p.Kind != c.Kind:
		return fmt.Errorf("the proof is of kind %s, the statement's tree of kind %s", p.Kind, c.Kind)
	case p.Shard.Count != c.Shards:
		return fmt.Errorf("the proof counts %d shards, the statement %d", p.Shard.Count, c.Shards)
	}
	places := newRegistry(c.Assets)
	if _, err := places.sum(p.Balances); err != nil {
		return fmt.Errorf("balances: %w", err)
	}
	if _, err := places.nodes(p.path); err != nil {
		return fmt.Errorf("path: %w", err)
	}
	if _, err := places.nodes(p.top); err != nil {
		return fmt.Errorf("top: %w", err)
	}
	return nil
}

func (places registry) nodes(siblings []sibling) ([]node[Sum], error) {
	nodes := make([]node[Sum], len(siblings))
	for i, s := range siblings {
		sum, err := places.sum(s.sum)
		if err != nil {
			return nil, fmt.Errorf("sibling %d: %w", i, err)
		}
		nodes[i] = node[Sum]{s.hash, sum}
	}
	return nodes, nil
}

func points(siblings []sibling) []node[Point] {
	nodes := make([]node[Point], len(siblings))
	for i, s := range siblings {
		nodes[i] = node[Point]{s.hash, s.point}
	}
	return nodes
}

// CheckRoot is the check `proof.root` of kind plain (SPEC part 8): from the id that the customer typed, and the balances shown, up to the
// statement's root and totals. It normalizes the id. Requires that CheckStatement passed.
func (p *Proof) CheckRoot(c Commitment, customer string) error {
	places := newRegistry(c.Assets)
	balances, err := places.sum(p.Balances)
	if err != nil {
		return fmt.Errorf("balances: %w", err)
	}
	path, err := places.nodes(p.path)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	top, err := places.nodes(p.top)
	if err != nil {
		return fmt.Errorf("top: %w", err)
	}
	shard, err := climbShard(p, customer, balances, path)
	if err != nil {
		return err
	}
	whole, err := climbTop(p, shard, top)
	if err != nil {
		return err
	}
	return c.matches(whole)
}

// CheckRow is the check `proof.root` of kind confidential (SPEC part 29): from the id that the customer typed, and the row that commits to
// the balances shown, up to the statement's root. It normalizes the id, and returns the shard's root hash, which the shard's proof is about.
func (p *Proof) CheckRow(c Commitment, customer string, row Point) (Hash, error) {
	if row.IsIdentity() {
		return Hash{}, fmt.Errorf("balances and blinding commit to nothing: %w", errIdentity)
	}
	shard, err := climbShard(p, customer, row, points(p.path))
	if err != nil {
		return Hash{}, err
	}
	whole, err := climbTop(p, node[Point]{shard.hash, p.Total}, points(p.top))
	if err != nil {
		return Hash{}, err
	}
	if whole.hash != c.Root {
		return Hash{}, fmt.Errorf("the root comes out as %s, the statement has %s", whole.hash, c.Root)
	}
	return shard.hash, nil
}

// climbShard goes from a customer's leaf to the root of their shard.
func climbShard[S summand[S]](p *Proof, customer string, sum S, path []node[S]) (shard node[S], err error) {
	name, err := NormalizeCustomer(customer)
	if err != nil {
		return shard, err
	}
	var h hasher
	id := Identity(p.Snapshot, p.Nonce, name)
	at, err := climb(shardLevel, p.Shard.Leaf, p.Shard.Leaves, node[S]{leaf(&h, shardLevel, id, sum), sum}, path)
	if err != nil {
		return shard, err
	}
	return node[S]{root(&h, shardLevel, p.Shard.Leaves, at), at.sum}, nil
}

// climbTop goes from a shard to the root of the whole.
func climbTop[S summand[S]](p *Proof, shard node[S], top []node[S]) (whole node[S], err error) {
	var h hasher
	at, err := climb(topLevel, p.Shard.Index, p.Shard.Count, node[S]{leaf(&h, topLevel, shard.hash, shard.sum), shard.sum}, top)
	if err != nil {
		return whole, err
	}
	return node[S]{root(&h, topLevel, p.Shard.Count, at), at.sum}, nil
}

// matches compares a recomputed root with the statement's: the hash and the sum.
func (c Commitment) matches(got node[Sum]) error {
	var faults []string
	if got.hash != c.Root {
		faults = append(faults, fmt.Sprintf("the root comes out as %s, the statement has %s", got.hash, c.Root))
	}
	for i, id := range c.Assets {
		g, w := got.sum.Amount(uint16(i)), c.Totals.Amount(uint16(i)) //nolint:gosec // at most 1,024 assets
		if g != w && len(faults) < 4 {
			faults = append(faults, fmt.Sprintf("the total of %s comes out as %s base units, the statement has %s", id, g, w))
		}
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}
