package beacon

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	kind          = "assay/v1/evidence/beacon"
	committeeSize = 512
	keySize       = 48
	signatureSize = 96
	bitsSize      = committeeSize / 8

	maxFile    = 256 << 20 // SPEC part 18
	maxHeader  = 1 << 20
	maxHeaders = 8192
	maxUpdates = 512
	maxBranch  = 32
)

// Evidence is the parsed light client evidence of one chain (SPEC part 22). Its checks may run concurrently.
type Evidence struct {
	chain     string
	bootstrap bootstrap
	updates   []update
	finality  update // without committee
	execution execution
	headers   [][]byte
}

type bootstrap struct {
	header    header
	committee committee
	branch    [][32]byte
}

// header is a BeaconBlockHeader.
type header struct {
	slot, proposer      uint64
	parent, state, body [32]byte
}

// committee is a SyncCommittee.
type committee struct{ aggregate, keys []byte }

func (c committee) key(i int) []byte { return c.keys[i*keySize : (i+1)*keySize] }

// update is what a committee signed: attested, and by it what is finalized, and who comes next.
type update struct {
	attested, finalized header
	bits, signature     []byte
	slot                uint64
	finality            [][32]byte // branch of finalized's root in attested's state
	committee           committee
	branch              [][32]byte // of the next committee in attested's state
}

type execution struct {
	hash   [32]byte
	branch [][32]byte
}

// Parse reads the file of SPEC part 22. Malformed input is a [canon.FormatError] or [canon.VersionError]; evidence of another
// snapshot or chain is a [CheckError].
func Parse(raw []byte, snapshot, chain string) (*Evidence, error) {
	if len(raw) > maxFile {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxFile)}
	}
	e := &Evidence{}
	var gotSnapshot string
	err := canon.DecodeTyped(raw, "type", kind, func(r *canon.Reader) {
		r.Object(
			canon.Key("bootstrap", func() { e.bootstrap = readBootstrap(r) }),
			canon.Key("chain", func() { e.chain = r.Text() }),
			canon.Key("finality", func() { e.readFinality(r) }),
			canon.Key("headers", func() {
				r.Array(maxHeaders, func(int) { e.headers = append(e.headers, readHex(r, maxHeader)) })
			}),
			canon.Key("snapshot", func() { gotSnapshot = canon.Parse(r, hash32) }),
			canon.Key("type", func() { r.Fixed(kind) }),
			canon.Key("updates", func() {
				r.Array(maxUpdates, func(int) { e.updates = append(e.updates, readUpdate(r)) })
			}),
		)
	})
	switch {
	case err != nil:
		return nil, err
	case e.chain != chain:
		return nil, &CheckError{Field: "chain", Problem: "evidence of another chain", Got: e.chain, Want: chain}
	case gotSnapshot != snapshot:
		return nil, &CheckError{Field: "snapshot", Problem: "evidence of another snapshot", Got: gotSnapshot, Want: snapshot}
	}
	return e, nil
}

func hash32(s string) (string, error) {
	_, err := canon.ParseHash(s)
	return s, err
}

func readBootstrap(r *canon.Reader) (b bootstrap) {
	r.Object(
		canon.Key("branch", func() { b.branch = readBranch(r) }),
		canon.Key("committee", func() { b.committee = readCommittee(r) }),
		canon.Key("header", func() { b.header = readHeader(r) }),
	)
	return b
}

func readUpdate(r *canon.Reader) (u update) {
	r.Object(
		canon.Key("attested", func() { u.attested = readHeader(r) }),
		canon.Key("bits", func() { u.bits = readBytes(r, bitsSize) }),
		canon.Key("branch", func() { u.branch = readBranch(r) }),
		canon.Key("committee", func() { u.committee = readCommittee(r) }),
		canon.Key("finality", func() { u.finality = readBranch(r) }),
		canon.Key("finalized", func() { u.finalized = readHeader(r) }),
		canon.Key("signature", func() { u.signature = readBytes(r, signatureSize) }),
		canon.Key("slot", func() { u.slot = r.Number(canon.MaxInteger) }),
	)
	return u
}

func (e *Evidence) readFinality(r *canon.Reader) {
	u := &e.finality
	r.Object(
		canon.Key("attested", func() { u.attested = readHeader(r) }),
		canon.Key("bits", func() { u.bits = readBytes(r, bitsSize) }),
		canon.Key("execution", func() {
			r.Object(
				canon.Key("branch", func() { e.execution.branch = readBranch(r) }),
				canon.Key("hash", func() { e.execution.hash = r.Hash() }),
			)
		}),
		canon.Key("finality", func() { u.finality = readBranch(r) }),
		canon.Key("finalized", func() { u.finalized = readHeader(r) }),
		canon.Key("signature", func() { u.signature = readBytes(r, signatureSize) }),
		canon.Key("slot", func() { u.slot = r.Number(canon.MaxInteger) }),
	)
}

func readHeader(r *canon.Reader) (h header) {
	r.Object(
		canon.Key("body", func() { h.body = r.Hash() }),
		canon.Key("parent", func() { h.parent = r.Hash() }),
		canon.Key("proposer", func() { h.proposer = r.Number(canon.MaxInteger) }),
		canon.Key("slot", func() { h.slot = r.Number(canon.MaxInteger) }),
		canon.Key("state", func() { h.state = r.Hash() }),
	)
	return h
}

func readCommittee(r *canon.Reader) (c committee) {
	r.Object(
		canon.Key("aggregate", func() { c.aggregate = readBytes(r, keySize) }),
		canon.Key("keys", func() { c.keys = readBytes(r, committeeSize*keySize) }),
	)
	return c
}

func readBranch(r *canon.Reader) (branch [][32]byte) {
	r.Array(maxBranch, func(int) { branch = append(branch, r.Hash()) })
	return branch
}

// readBytes reads hex of exactly size bytes.
func readBytes(r *canon.Reader, size int) []byte {
	out := readHex(r, size)
	if len(out) != size {
		r.Fail("%d bytes, want %d", len(out), size)
	}
	return out
}

// readHex reads hex of at most limit bytes.
func readHex(r *canon.Reader, limit int) []byte {
	text := r.Quoted()
	if len(text)/2 > limit {
		r.Fail("%d bytes, more than %d", len(text)/2, limit)
		return nil
	}
	out, err := decodeHex(text)
	if err != nil {
		r.Fail("%v", err)
	}
	return out
}

// decodeHex takes lower-case hex only: upper case is another spelling.
func decodeHex(text []byte) ([]byte, error) {
	wrong := errors.New("want lower-case hex of an even length")
	for _, c := range text {
		if c >= 'A' && c <= 'F' {
			return nil, wrong
		}
	}
	out := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(out, text); err != nil {
		return nil, wrong
	}
	return out, nil
}
