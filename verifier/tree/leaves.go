package tree

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/assay-por/assay/verifier/canon"
)

const leavesMagic = "assay/v1/leaves\n"

// CheckLeaves is the check `liabilities.full` for one shard (SPEC part 6): it reads a leaves file, recomputes every node, and
// compares root and sum with the shard list's entry; with margin accounts every leaf satisfies the rule (SPEC part 30). Whether an
// identity occurs twice, seen tells when all shards are read. Memory stays constant. A file that is not of the format gives a
// *canon.FormatError or *canon.VersionError.
func (c Commitment) CheckLeaves(r io.Reader, index int, want Shard, seen *Identities) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if err := c.leavesHeader(in, index, want); err != nil {
		return err
	}
	margin, err := c.rule()
	if err != nil {
		return err
	}
	shard := stack{level: shardLevel}
	var sum Sum
	var buf []byte
	var head [34]byte
	for n := range want.Leaves {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return truncated(n, want.Leaves, err)
		}
		count := int(binary.BigEndian.Uint16(head[32:]))
		if count > len(c.Assets) {
			return &canon.FormatError{Field: fmt.Sprintf("leaf #%d", n), Problem: fmt.Sprintf("a sum of %d assets, the registry has %d", count, len(c.Assets))}
		}
		buf = slices.Grow(buf[:0], count*entrySize)[:count*entrySize]
		if _, err := io.ReadFull(in, buf); err != nil {
			return truncated(n, want.Leaves, err)
		}
		if sum, err = appendEntries(sum[:0], buf, len(c.Assets)); err != nil {
			return &canon.FormatError{Field: fmt.Sprintf("leaf #%d", n), Problem: err.Error()}
		}
		if err := margin.check(sum); err != nil {
			return fmt.Errorf("leaf #%d: %w", n, err)
		}
		id := Hash(head[:32])
		if err := seen.add(index, n, id[:], len(id)); err != nil {
			return err
		}
		if err := shard.add(id, sum); err != nil {
			return err
		}
	}
	if _, err := in.ReadByte(); err == nil {
		return &canon.FormatError{Problem: fmt.Sprintf("bytes after leaf #%d, the last", want.Leaves-1)}
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	root, err := shard.root()
	if err != nil {
		return err
	}
	return want.matches(root, c.Assets)
}

func (c Commitment) leavesHeader(in io.Reader, index int, want Shard) error {
	var head [len(leavesMagic) + 32 + 4 + 8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return &canon.FormatError{Field: "header", Problem: "truncated"}
	}
	if magic := string(head[:len(leavesMagic)]); magic != leavesMagic {
		if magic[:7] == leavesMagic[:7] && magic[8:] == leavesMagic[8:] {
			return &canon.VersionError{Got: magic[:len(magic)-1], Want: leavesMagic[:len(leavesMagic)-1]}
		}
		return &canon.FormatError{Field: "header", Problem: "does not begin with \"assay/v1/leaves\""}
	}
	rest := head[len(leavesMagic):]
	if got := Hash(rest[:32]); got != c.Snapshot {
		return fmt.Errorf("header: snapshot %s, the statement's is %s", got, c.Snapshot)
	}
	if got := binary.BigEndian.Uint32(rest[32:]); int64(got) != int64(index) {
		return fmt.Errorf("header: shard #%d, the file's name says #%d", got, index)
	}
	if got := binary.BigEndian.Uint64(rest[36:]); got != want.Leaves {
		return fmt.Errorf("header: %d leaves, the shard list says %d", got, want.Leaves)
	}
	return nil
}

func truncated(n, leaves uint64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &canon.FormatError{Field: fmt.Sprintf("leaf #%d", n), Problem: fmt.Sprintf("the file ends before its %d leaves do", leaves)}
	}
	return err
}

// matches compares a recomputed shard root with the shard list's.
func (s Shard) matches(got node[Sum], assets []string) error {
	for i, id := range assets {
		g, w := got.sum.Amount(uint16(i)), s.Sum.Amount(uint16(i)) //nolint:gosec // at most 1,024 assets
		if g != w {
			return fmt.Errorf("the leaves' sum of %s is %s base units, the shard list has %s", id, g, w)
		}
	}
	if got.hash != s.Root {
		return fmt.Errorf("the shard's root comes out as %s, the shard list has %s", got.hash, s.Root)
	}
	return nil
}
