package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/store"
)

// HiddenTop is the top level of a tree that was built with hidden totals (SPEC part 29, Hidden totals): what shows that no more is
// owed than reserves is made once it is known what reserves count.
type HiddenTop struct {
	Files     store.Store // the plan's folder
	Result    Result      // what [ParseShards] read
	Columns   []string    // the columns' names in order
	Assets    int         // how many of these are assets: of the others (SPEC part 30) nothing is shown
	Keys      merkle.Keys
	Recipient age.Recipient // that the build sealed to
	Identity  age.Identity
	Random    io.Reader // masks of the proof come from it: it must be a secret
	Cores     int       // 0 for all
}

// Covered is what is published of hidden totals.
type Covered struct {
	// Totals are what is owed at most of each asset: the reserves, of one that they cover; of another, what is owed.
	Totals  merkle.Plain
	Surplus confidential.Point // C_sur
	Proof   []byte             // the contents of liabilities/top.proof
}

// coveredDone is what is sealed of it: of an asset in shortfall it holds a total, and nobody may ever publish it.
type coveredDone struct {
	Totals  []shardEntry       `json:"totals"`
	Surplus confidential.Point `json:"surplus"`
	Proof   []byte             `json:"proof"`
}

// CoveredID names what [HiddenTop.Cover] returns for the tree's root and reserves.
func CoveredID(root merkle.Hash, reserves merkle.Plain) string {
	sum := sha256.Sum256(reserves.AppendBinary(root[:]))
	return hex.EncodeToString(sum[:16])
}

// Cover shows of each asset that no more is owed than the reserves that count, and of one in shortfall what is owed. For the same
// reserves it is made once and kept, sealed: two proofs of one surplus would be no harm, but one draft should have one.
func (h *HiddenTop) Cover(ctx context.Context, reserves merkle.Plain) (Covered, error) {
	name := coveredName(CoveredID(h.Result.Root, reserves))
	switch sealed, err := store.Read(ctx, h.Files, name); {
	case err == nil:
		var done coveredDone
		if err := unseal(h.Identity, sealed, &done); err != nil {
			return Covered{}, fmt.Errorf("open %s of the build: %w", name, err)
		}
		return Covered{plainOf(done.Totals), done.Surplus, done.Proof}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return Covered{}, err
	}
	proved, err := h.prove(ctx, reserves)
	if err != nil {
		return Covered{}, err
	}
	sealed, err := seal(h.Recipient, coveredDone{entriesOf(proved.Totals), proved.Surplus, proved.Proof})
	if err != nil {
		return Covered{}, fmt.Errorf("seal %s: %w", name, err)
	}
	return Covered{proved.Totals, proved.Surplus, proved.Proof}, store.Write(ctx, h.Files, name, sealed)
}

func (h *HiddenTop) prove(ctx context.Context, reserves merkle.Plain) (*confidential.ProvedTop, error) {
	params, err := parametersOf(h.Columns)
	if err != nil {
		return nil, err
	}
	reserves = slices.Clone(reserves)
	for column := h.Assets; column < len(h.Columns); column++ {
		reserves = append(reserves, merkle.Entry{Asset: uint16(column), Amount: merkle.Amount{Hi: math.MaxUint64, Lo: math.MaxUint64}}) //nolint:gosec // at most 1,024 columns
	}
	top := confidential.Top{Snapshot: h.Result.Snapshot, Key: h.Keys.Blind(), Hidden: true, Reserves: reserves, Workers: h.Cores}
	for i, listed := range h.Result.Shards {
		row, err := h.row(ctx, i, listed)
		if err != nil {
			return nil, err
		}
		top.Rows = append(top.Rows, row)
	}
	proved, err := params.ProveTop(top, h.Random)
	if err != nil {
		return nil, err
	}
	if proved.Root.Hash != h.Result.Root {
		return nil, errOtherRoot
	}
	for n := len(proved.Totals); n > 0 && int(proved.Totals[n-1].Asset) >= h.Assets; n-- {
		proved.Totals = proved.Totals[:n-1]
	}
	return proved, nil
}

// row opens the total row of a shard, as the shard's result has it.
func (h *HiddenTop) row(ctx context.Context, index int, listed ShardResult) (row confidential.TopRow, err error) {
	raw, err := store.Read(ctx, h.Files, shardName(index))
	if err != nil {
		return row, err
	}
	var s shardDone
	if err := json.Unmarshal(raw, &s); err != nil || s.Hidden == nil || s.Root != listed.Root || s.Leaves != listed.Leaves {
		return row, fmt.Errorf("%s of the build was altered: it is not the shard that the shard list has", shardName(index))
	}
	return openRow(index, s, h.Identity)
}
