package build

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/shard"
)

// ShardsJSON returns the shard list, liabilities/shards.json, in canonical form (SPEC parts 6 and 29). It takes the columns'
// names in order.
func ShardsJSON(r Result, assets []string) ([]byte, error) {
	b := []byte(`{"kind":"` + r.Kind.String() + `","shards":[`)
	for i, s := range r.Shards {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, `{"leaves":`...), s.Leaves, 10)
		b = hex.AppendEncode(append(b, `,"root":"`...), s.Root[:])
		var err error
		if s.Total != nil {
			b, err = s.Total.AppendJSON(append(b, `","total":`...), assets)
		} else {
			b, err = s.Sum.AppendJSON(append(b, `","sum":`...), assets)
		}
		if err != nil {
			return nil, fmt.Errorf("shard #%d: %w", i, err)
		}
		b = append(b, '}')
	}
	b = hex.AppendEncode(append(b, `],"snapshot":"`...), r.Snapshot[:])
	return append(b, `","type":"assay/v1/shards"}`...), nil
}

// listedShard is a shard as a list has it.
type listedShard struct {
	Leaves uint64 `json:"leaves"`
	Root   string `json:"root"`
	Sum    []struct {
		Amount string `json:"amount"`
		Asset  string `json:"asset"`
	} `json:"sum"`
	Total *confidential.Point `json:"total"`
}

// ParseShards reads a shard list back, with the root recomputed from it, and where sums do not hide the totals (SPEC parts 6 and 29):
// what a later process needs to prove. It refuses every byte that [ShardsJSON] would not write.
func ParseShards(list []byte, assets []string) (Result, error) {
	var parsed struct {
		Kind     string        `json:"kind"`
		Shards   []listedShard `json:"shards"`
		Snapshot string        `json:"snapshot"`
	}
	if err := json.Unmarshal(list, &parsed); err != nil {
		return Result{}, fmt.Errorf("shard list: %w", err)
	}
	if len(assets) > merkle.MaxAssets || len(parsed.Shards) > shard.MaxShards {
		return Result{}, fmt.Errorf("shard list: %d assets and %d shards: want at most %d and %d",
			len(assets), len(parsed.Shards), merkle.MaxAssets, shard.MaxShards)
	}
	index := map[string]uint16{}
	for i, id := range assets {
		index[id] = uint16(i) //nolint:gosec // at most 1,024 assets
	}
	r := Result{Kind: merkle.KindPlain}
	if parsed.Kind == merkle.KindConfidential.String() {
		r.Kind = merkle.KindConfidential
	}
	var err error
	if r.Snapshot, err = parseHash(parsed.Snapshot); err != nil {
		return Result{}, fmt.Errorf("shard list: snapshot: %w", err)
	}
	for i, s := range parsed.Shards {
		read, err := s.read(r.Kind, index)
		if err != nil {
			return Result{}, fmt.Errorf("shard list: shard #%d: %w", i, err)
		}
		r.Shards = append(r.Shards, read)
	}
	if err := r.close(); err != nil {
		return Result{}, fmt.Errorf("shard list: %w", err)
	}
	again, err := ShardsJSON(r, assets)
	if err != nil {
		return Result{}, err
	}
	if !bytes.Equal(again, list) {
		return Result{}, errors.New("shard list: it is not the canonical form of a " + r.Kind.String() + " shard list of version 1")
	}
	return r, nil
}

// read reads a shard of a kind; index finds assets by their ids.
func (s listedShard) read(kind merkle.Kind, index map[string]uint16) (r ShardResult, err error) {
	r = ShardResult{Leaves: s.Leaves, Total: s.Total}
	if r.Root, err = parseHash(s.Root); err != nil {
		return r, err
	}
	if (r.Total != nil) != (kind == merkle.KindConfidential) || r.Total != nil && r.Total.IsIdentity() {
		return r, fmt.Errorf("a list of kind %v has a sum or a total row where it should not, or none", kind)
	}
	for _, e := range s.Sum {
		asset, known := index[e.Asset]
		amount, err := merkle.ParseAmount(e.Amount)
		if err != nil || !known {
			return r, errors.New("a sum has a wrong amount or an asset outside the registry")
		}
		r.Sum = append(r.Sum, merkle.Entry{Asset: asset, Amount: amount})
	}
	// The one encoding also refuses zeros and assets out of order.
	_, _, err = merkle.DecodePlain(r.Sum.AppendBinary(nil), len(index))
	return r, err
}

func parseHash(s string) (h merkle.Hash, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, errors.New("want 64 hex digits")
	}
	return merkle.Hash(b), nil
}
