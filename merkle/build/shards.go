package build

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/shard"
)

// ShardsJSON returns the shard list, liabilities/shards.json, in canonical form (SPEC part 6). It takes the registry's asset ids
// in order.
func ShardsJSON(r Result, assets []string) ([]byte, error) {
	b := []byte(`{"kind":"plain","shards":[`)
	for i, s := range r.Shards {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(append(b, `{"leaves":`...), s.Leaves, 10)
		b = hex.AppendEncode(append(b, `,"root":"`...), s.Root[:])
		var err error
		if b, err = s.Sum.AppendJSON(append(b, `","sum":`...), assets); err != nil {
			return nil, fmt.Errorf("shard #%d: %w", i, err)
		}
		b = append(b, '}')
	}
	b = hex.AppendEncode(append(b, `],"snapshot":"`...), r.Snapshot[:])
	return append(b, `","type":"assay/v1/shards"}`...), nil
}

// ParseShards reads a shard list back, with the root and totals recomputed from it (SPEC part 6): what a later process needs to
// [Prove]. It refuses every byte that [ShardsJSON] would not write.
func ParseShards(list []byte, assets []string) (Result, error) {
	var parsed struct {
		Shards []struct {
			Leaves uint64 `json:"leaves"`
			Root   string `json:"root"`
			Sum    []struct {
				Amount string `json:"amount"`
				Asset  string `json:"asset"`
			} `json:"sum"`
		} `json:"shards"`
		Snapshot string `json:"snapshot"`
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
	var r Result
	var err error
	if r.Snapshot, err = parseHash(parsed.Snapshot); err != nil {
		return Result{}, fmt.Errorf("shard list: snapshot: %w", err)
	}
	for i, s := range parsed.Shards {
		read := ShardResult{Leaves: s.Leaves}
		if read.Root, err = parseHash(s.Root); err != nil {
			return Result{}, fmt.Errorf("shard list: shard #%d: %w", i, err)
		}
		for _, e := range s.Sum {
			asset, known := index[e.Asset]
			amount, err := merkle.ParseAmount(e.Amount)
			if err != nil || !known {
				return Result{}, fmt.Errorf("shard list: shard #%d: a sum has a wrong amount or an asset outside the registry", i)
			}
			read.Sum = append(read.Sum, merkle.Entry{Asset: asset, Amount: amount})
		}
		// The one encoding also refuses zeros and assets out of order.
		if _, _, err := merkle.DecodePlain(read.Sum.AppendBinary(nil), len(assets)); err != nil {
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
		return Result{}, errors.New("shard list: it is not the canonical form of a plain shard list of version 1")
	}
	return r, nil
}

func parseHash(s string) (h merkle.Hash, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, errors.New("want 64 hex digits")
	}
	return merkle.Hash(b), nil
}
