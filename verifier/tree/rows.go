package tree

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"

	"github.com/assay-por/assay/verifier/canon"
)

const rowSize = sha256.Size + PointSize

// Rows is what is known of a leaves file of kind confidential once CheckRows has read it.
type Rows struct {
	Sum    Point // of all rows
	digest Hash  // of the rows as they stand in the file
}

// CheckRows is the check `liabilities.full` for one shard of kind confidential but for its proof (SPEC part 29): it reads a leaves file,
// recomputes every node, and compares the root with the shard list's entry. Whether an identity occurs twice, seen tells when all shards are
// read. Memory stays constant. A file that is not of the format gives a *canon.FormatError or *canon.VersionError.
func (c Commitment) CheckRows(r io.Reader, index int, want Shard, seen *Identities) (Rows, error) {
	tree := pointTree{level: shardLevel}
	digest, err := c.eachBlock(r, index, want, func(first uint64, raw []byte) error {
		if err := seen.add(index, first, raw, rowSize); err != nil {
			return err
		}
		for i := range len(raw) / rowSize {
			row := raw[i*rowSize : (i+1)*rowSize]
			point, err := ParsePoint(row[sha256.Size:])
			if err != nil {
				return &canon.FormatError{Field: fmt.Sprintf("leaf #%d", first+uint64(i)), Problem: err.Error()} //nolint:gosec // i >= 0
			}
			tree.add(Hash(row[:sha256.Size]), point)
		}
		return nil
	})
	if err != nil {
		return Rows{}, err
	}
	root, err := tree.root()
	if err != nil {
		return Rows{}, err
	}
	if root.hash != want.Root {
		return Rows{}, fmt.Errorf("the shard's root comes out as %s, the shard list has %s", root.hash, want.Root)
	}
	return Rows{root.sum, digest}, nil
}

// ReadRows reads the rows again, a block at a time; they must be those that were checked.
func (c Commitment) ReadRows(r io.Reader, index int, want Shard, checked Rows, take func([]grumpkin.G1Affine) error) error {
	points := make([]grumpkin.G1Affine, 0, blockLeaves)
	digest, err := c.eachBlock(r, index, want, func(first uint64, raw []byte) error {
		points = points[:0]
		for i := range len(raw) / rowSize {
			point, err := ParsePoint(raw[i*rowSize+sha256.Size : (i+1)*rowSize])
			if err != nil {
				return &canon.FormatError{Field: fmt.Sprintf("leaf #%d", first+uint64(i)), Problem: err.Error()} //nolint:gosec // i >= 0
			}
			points = append(points, point.affine)
		}
		return take(points)
	})
	if err == nil && digest != checked.digest {
		return &canon.FormatError{Problem: "it changed while it was read"}
	}
	return err
}

// eachBlock reads a leaves file whose leaves are all of one length, in blocks, and gives the digest of its rows.
func (c Commitment) eachBlock(r io.Reader, index int, want Shard, take func(first uint64, raw []byte) error) (digest Hash, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if err := c.leavesHeader(in, index, want); err != nil {
		return digest, err
	}
	h := sha256.New()
	block := make([]byte, blockLeaves*rowSize)
	for done := uint64(0); done < want.Leaves; {
		rows := min(blockLeaves, want.Leaves-done)
		raw := block[:rows*rowSize]
		if n, err := io.ReadFull(in, raw); err != nil {
			return digest, truncated(done+uint64(n/rowSize), want.Leaves, err) //nolint:gosec // n >= 0
		}
		h.Write(raw)
		if err := take(done, raw); err != nil {
			return digest, err
		}
		done += rows
	}
	if _, err := in.ReadByte(); err == nil {
		return digest, &canon.FormatError{Problem: fmt.Sprintf("bytes after leaf #%d, the last", want.Leaves-1)}
	} else if !errors.Is(err, io.EOF) {
		return digest, err
	}
	h.Sum(digest[:0])
	return digest, nil
}
