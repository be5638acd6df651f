package beacon

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Places in the state that SPEC part 22 reads, and depths of its trees.
const (
	validatorsField = 11
	balancesField   = 12

	validatorsDepth = 40
	balancesDepth   = 38 // of chunks of four balances
	validatorDepth  = 3  // of the eight fields of one validator

	validatorSize = 121
)

// A field is one of the state's. One of fixed size has a shape; one that is a list
// stands after them, and in its place is an offset.
type field struct {
	name string
	shape
	list func(*survey, *part) (leaf, error)
}

func (f field) width() int {
	if f.list != nil {
		return 4
	}
	return f.size
}

// stateFields returns the fields of the BeaconState of a fork, mainnet preset.
func stateFields(fork string) []field {
	var (
		number     = plain(8)
		bytes32    = plain(32)
		checkpoint = object(number, bytes32)
		eth1       = object(bytes32, number, bytes32)
		committee  = object(times(committeeSize, plain(48)), plain(48))
	)
	fields := []field{
		fixed("genesis_time", number),
		fixed("genesis_validators_root", bytes32),
		fixed("slot", number),
		fixed("fork", object(plain(4), plain(4), number)),
		fixed("latest_block_header", object(number, number, bytes32, bytes32, bytes32)),
		fixed("block_roots", plain(8192*32)),
		fixed("state_roots", plain(8192*32)),
		packed("historical_roots", 32, 24),
		fixed("eth1_data", eth1),
		items("eth1_data_votes", eth1, 11),
		fixed("eth1_deposit_index", number),
		{name: "validators", list: (*survey).validators},
		{name: "balances", list: (*survey).balances},
		fixed("randao_mixes", plain(65536*32)),
		fixed("slashings", plain(8192*8)),
		packed("previous_epoch_participation", 1, 35),
		packed("current_epoch_participation", 1, 35),
		fixed("justification_bits", plain(1)),
		fixed("previous_justified_checkpoint", checkpoint),
		fixed("current_justified_checkpoint", checkpoint),
		fixed("finalized_checkpoint", checkpoint),
		packed("inactivity_scores", 8, 38),
		fixed("current_sync_committee", committee),
		fixed("next_sync_committee", committee),
		{name: "latest_execution_payload_header", list: (*survey).payload},
		fixed("next_withdrawal_index", number),
		fixed("next_withdrawal_validator_index", number),
		items("historical_summaries", object(bytes32, bytes32), 24),
	}
	if fork == Deneb {
		return fields
	}
	fields = append(fields,
		fixed("deposit_requests_start_index", number),
		fixed("deposit_balance_to_consume", number),
		fixed("exit_balance_to_consume", number),
		fixed("earliest_exit_epoch", number),
		fixed("consolidation_balance_to_consume", number),
		fixed("earliest_consolidation_epoch", number),
		items("pending_deposits", object(plain(48), bytes32, number, plain(96), number), 27),
		items("pending_partial_withdrawals", object(number, number, number), 27),
		items("pending_consolidations", object(number, number), 18),
	)
	if fork == Electra {
		return fields
	}
	return append(fields, fixed("proposer_lookahead", plain(64*8)))
}

func fixed(name string, s shape) field { return field{name: name, shape: s} }

// packed is a list of numbers or roots of so many bytes each, 2^depth chunks at most.
func packed(name string, size, depth int) field {
	return field{name: name, list: func(_ *survey, p *part) (leaf, error) {
		var g growing
		bytes, err := p.chunks(size, depth, func(chunk root) { g.add(leaf{root: chunk}) })
		return counted(nil, g.top(depth), bytes/uint64(size)), err //nolint:gosec // sizes are 1, 8 and 32
	}}
}

// items is a list of containers, 2^depth at most.
func items(name string, of shape, depth int) field {
	return field{name: name, list: func(_ *survey, p *part) (leaf, error) {
		var g growing
		err := p.items(of.size, depth, func(_ uint64, b []byte) { g.add(leaf{root: of.root(b)}) })
		return counted(nil, g.top(depth), g.count), err
	}}
}

// counted is the root of a list: its items' and how many they are.
func counted(t trail, of leaf, n uint64) leaf { return t.join(of, leaf{root: chunkOfNumber(n)}) }

// A survey reads one state as it comes, and keeps of it what proves the balances
// of the validators asked for.
type survey struct {
	indexes map[uint64]bool
	keys    map[[48]byte]bool

	trail trail
	found []entry // ascending by index
	all   uint64  // validators of the state
}

// An entry is a validator that was asked for.
type entry struct {
	index       uint64
	key         [48]byte
	credentials root
	gwei        uint64
}

// A malformedError says that bytes are no state.
type malformedError struct{ reason string }

func (e *malformedError) Error() string { return e.reason }

func malformed(format string, args ...any) error {
	return &malformedError{fmt.Sprintf(format, args...)}
}

// state reads a state of a fork to its end and returns its root (SPEC part 22).
// Nothing of it may be believed before that root is known to be the right one.
func (s *survey) state(from io.Reader, fork string) (root, error) {
	in := bufio.NewReaderSize(from, 1<<16)
	fields := stateFields(fork)
	size := 0
	for _, f := range fields {
		size += f.width()
	}
	head, err := io.ReadAll(io.LimitReader(in, int64(size)))
	if err != nil {
		return root{}, err
	}
	if len(head) < size {
		return root{}, malformed("the state ends within its first %d bytes", size)
	}
	roots := make([]leaf, len(fields))
	var lists []int
	var offsets []uint64
	for i, f := range fields {
		b := head[:f.width()]
		head = head[len(b):]
		if f.list == nil {
			roots[i].root = f.root(b)
			continue
		}
		lists, offsets = append(lists, i), append(offsets, uint64(binary.LittleEndian.Uint32(b)))
	}
	if offsets[0] != uint64(size) { //nolint:gosec // not negative
		return root{}, malformed("the state's first list begins at byte %d, want %d for fork %s", offsets[0], size, fork)
	}
	for n, i := range lists {
		p := &part{in: in, name: fields[i].name, last: n == len(lists)-1, left: math.MaxInt}
		if !p.last {
			if offsets[n+1] < offsets[n] {
				return root{}, malformed("the state's list %s ends before it begins", p.name)
			}
			p.left = int(offsets[n+1] - offsets[n]) //nolint:gosec // offsets have 32 bits
		}
		if roots[i], err = fields[i].list(s, p); err != nil {
			return root{}, err
		}
	}
	all := growing{trail: s.trail}
	for _, r := range roots {
		all.add(r)
	}
	return all.top(depthOf(len(fields))).root, nil
}

// validators is a field.list.
func (s *survey) validators(p *part) (leaf, error) {
	g := growing{trail: s.trail}
	err := p.items(validatorSize, validatorsDepth, func(index uint64, b []byte) {
		key := [48]byte(b)
		wanted := s.indexes[index] || s.keys[key]
		if wanted {
			s.found = append(s.found, entry{index: index, key: key, credentials: root(b[48:80])})
		}
		g.add(s.validator(b, wanted))
	})
	s.all = g.count
	return counted(s.trail, g.top(validatorsDepth), g.count), err
}

// validator is the root of one: public key, withdrawal credentials, effective
// balance, slashed, and four epochs.
func (s *survey) validator(b []byte, wanted bool) leaf {
	t := s.trail
	plain := func(from, to int) leaf { return leaf{root: chunkOf(b[from:to])} }
	key := leaf{root: pair(chunkOf(b[:32]), chunkOf(b[32:48]))}
	credentials := leaf{root: root(b[48:80]), marked: wanted}
	return t.join(
		t.join(t.join(key, credentials), t.join(plain(80, 88), plain(88, 89))),
		t.join(t.join(plain(89, 97), plain(97, 105)), t.join(plain(105, 113), plain(113, 121))))
}

// balances is a field.list; the validators come before it.
func (s *survey) balances(p *part) (leaf, error) {
	g := growing{trail: s.trail}
	next := 0 // of found
	bytes, err := p.chunks(8, balancesDepth, func(chunk root) {
		marked := false
		for ; next < len(s.found) && s.found[next].index/4 == g.count; next++ {
			marked = true
			s.found[next].gwei = balanceIn(chunk, s.found[next].index)
		}
		g.add(leaf{chunk, marked})
	})
	if err == nil && bytes/8 != s.all {
		err = malformed("the state has %d validators and %d balances", s.all, bytes/8)
	}
	return counted(s.trail, g.top(balancesDepth), bytes/8), err
}

// balanceIn reads the balance of a validator in its chunk (SPEC part 22).
func balanceIn(chunk root, index uint64) uint64 {
	return binary.LittleEndian.Uint64(chunk[index%4*8:])
}

// payload is a field.list: the ExecutionPayloadHeader, whose one list is the extra
// data, at most 32 bytes.
func (s *survey) payload(p *part) (leaf, error) {
	number, bytes32 := plain(8), plain(32)
	const offset, size = 436, 584 // of the extra data's offset, and of all that is fixed
	before := []shape{bytes32, plain(20), bytes32, bytes32, plain(256), bytes32, number, number, number, number}
	after := []shape{bytes32, bytes32, bytes32, bytes32, number, number}
	b, err := p.all(size + 32)
	if err != nil {
		return leaf{}, err
	}
	if len(b) < size || binary.LittleEndian.Uint32(b[offset:]) != size {
		return leaf{}, malformed("the state's %s is malformed", p.name)
	}
	fields, extra := b[:size], b[size:]
	var g growing
	add := func(shapes []shape) {
		for _, f := range shapes {
			g.add(leaf{root: f.root(fields[:f.size])})
			fields = fields[f.size:]
		}
	}
	add(before)
	g.add(leaf{root: pair(chunkOf(extra), chunkOfNumber(uint64(len(extra))))})
	fields = fields[4:]
	add(after)
	return g.top(payloadDepth), nil
}

// A part is the bytes of one list of a state, read as they come.
type part struct {
	in   *bufio.Reader
	name string
	left int // bytes, unless it is the last list, which ends where the state does
	last bool
}

// next returns n bytes or, at the part's end only, fewer. They stand until the
// next call. Requires n to be at most the reader's buffer.
func (p *part) next(n int) ([]byte, error) {
	n = min(n, p.left)
	b, err := p.in.Peek(n)
	switch {
	case errors.Is(err, io.EOF) && !p.last:
		return nil, malformed("the state ends within its list %s", p.name)
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	}
	p.left -= len(b)
	_, err = p.in.Discard(len(b))
	return b, err
}

// items gives the items of a list of so many bytes each.
func (p *part) items(size, depth int, do func(index uint64, b []byte)) error {
	for i := uint64(0); ; i++ {
		b, err := p.next(size)
		switch {
		case err != nil || len(b) == 0:
			return err
		case len(b) < size:
			return malformed("the state's list %s ends within an item", p.name)
		case i>>depth > 0:
			return malformed("the state's list %s has more than 2^%d items", p.name, depth)
		}
		do(i, b)
	}
}

// chunks gives the chunks of a list of numbers or roots of so many bytes each, the
// last one filled up with zeros, and returns how many bytes they were.
func (p *part) chunks(size, depth int, do func(chunk root)) (uint64, error) {
	var bytes uint64
	for i := uint64(0); ; i++ {
		b, err := p.next(32)
		switch {
		case err != nil || len(b) == 0:
			return bytes, err
		case len(b)%size != 0:
			return 0, malformed("the state's list %s ends within an item", p.name)
		case i>>depth > 0:
			return 0, malformed("the state's list %s has more than 2^%d chunks", p.name, depth)
		}
		bytes += uint64(len(b))
		do(chunkOf(b))
	}
}

// all returns the whole part, at most so many bytes.
func (p *part) all(most int) ([]byte, error) {
	if p.left > most {
		return nil, malformed("the state's %s has more than %d bytes", p.name, most)
	}
	return p.next(most)
}
