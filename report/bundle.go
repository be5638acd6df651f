package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

// The paths of a bundle (SPEC part 11).
const (
	PathEnvelope = "statement.dsse.json"
	PathManifest = "manifest.json"
	PathShards   = "liabilities/shards.json"
	PathLines    = "reserves/lines.json"
	PathControl  = "reserves/control.json"
	PathClaims   = "reserves/claims.json"
	PathTopProof = "liabilities/top.proof"
	PathVerify   = "verify.html" // the page by which customers check

	shardPrefix    = "liabilities/shard-"
	leavesSuffix   = ".leaves"
	proofSuffix    = ".proof"
	evidencePrefix = "reserves/evidence/"
	evidenceSuffix = ".json"
)

// The parts of a bundle (SPEC part 11). A manifest lists core and shard files; the
// attachments were made after it.
const (
	PartCore       = "core"
	PartShard      = "shard"
	PartAttachment = "attachment"
)

const (
	maxPath = 128       // SPEC part 11
	maxPage = 16 << 20  // SPEC part 18
	maxFile = 256 << 20 // SPEC part 18: lines, control, manifest; a proof is of 8.5 MB at most
)

// PathLeaves returns the path of a shard's leaves (SPEC part 11).
func PathLeaves(shard uint64) string {
	return fmt.Sprintf("%s%05d%s", shardPrefix, shard, leavesSuffix)
}

// PathProof returns the path of a shard's proof (SPEC part 29).
func PathProof(shard uint64) string {
	return fmt.Sprintf("%s%05d%s", shardPrefix, shard, proofSuffix)
}

// PathEvidence returns the path of a chain's evidence (SPEC part 11).
func PathEvidence(c chains.Chain) string {
	return evidencePrefix + strings.ReplaceAll(string(c), ":", "-") + evidenceSuffix
}

// leavesShard returns the shard whose leaves lie at path.
func leavesShard(path string) (uint64, bool) { return shardAt(path, leavesSuffix, PathLeaves) }

// proofShard returns the shard whose proof lies at path.
func proofShard(path string) (uint64, bool) { return shardAt(path, proofSuffix, PathProof) }

func shardAt(path, suffix string, of func(uint64) string) (uint64, bool) {
	number, ok := strings.CutPrefix(path, shardPrefix)
	number, ends := strings.CutSuffix(number, suffix)
	n, err := strconv.ParseUint(number, 10, 32)
	return n, ok && ends && err == nil && n < maxShards && of(n) == path
}

// evidenceChain returns the chain whose evidence lies at path.
func evidenceChain(path string) (chains.Chain, bool) {
	name, ok := strings.CutPrefix(path, evidencePrefix)
	name, ends := strings.CutSuffix(name, evidenceSuffix)
	c, err := chains.ParseChain(strings.Replace(name, "-", ":", 1))
	return c, ok && ends && err == nil && PathEvidence(c) == path
}

// PartOf returns the part of the bundle that a path belongs to; ok is false for a
// path that the table of SPEC part 11 does not have.
func PartOf(path string) (part string, ok bool) {
	switch path {
	case PathEnvelope, PathManifest, PathShards, PathLines, PathControl, PathClaims, PathTopProof, PathVerify:
		return PartCore, true
	}
	if len(path) > maxPath {
		return "", false
	}
	_, leaves := leavesShard(path)
	if _, proof := proofShard(path); leaves || proof {
		return PartShard, true
	}
	if isAttachment(path) {
		return PartAttachment, true
	}
	if _, ok = evidenceChain(path); !ok {
		_, ok = beaconChain(path)
	}
	if !ok {
		_, _, ok = bandFile(path)
	}
	return PartCore, ok
}

// newManifest lists the files of a run and makes sure that none is missing or strange (SPEC part 11).
func newManifest(in Inputs) ([]byte, error) {
	files, err := sortFiles(in.Files)
	if err != nil {
		return nil, err
	}
	m := Manifest{Files: []ManifestFile{}, Snapshot: in.Snapshot.ID, Type: TypeManifest}
	want := corePaths(in.Snapshot, in.Bands)
	leaves, proofs := uint64(0), uint64(0)
	for _, f := range files {
		part, _ := PartOf(f.Path)
		n, ofLeaves := leavesShard(f.Path)
		p, ofProof := proofShard(f.Path)
		if max(n, p) >= in.Tree.Shards && part == PartShard {
			return nil, fmt.Errorf("bundle: %s: the tree has only %d shards", f.Path, in.Tree.Shards)
		}
		if ofLeaves {
			leaves++
		} else if ofProof && in.Snapshot.Kind == KindConfidential {
			proofs++
		} else if !want[f.Path] && !mayList(in.Snapshot, f.Path) {
			return nil, fmt.Errorf("bundle: %s is not a file that this snapshot's manifest lists", f.Path)
		}
		delete(want, f.Path)
		m.Files = append(m.Files, ManifestFile{Part: part, Path: f.Path, SHA256: f.SHA256, Size: f.Size})
		if err := in.sameContent(f); err != nil {
			return nil, err
		}
	}
	for _, path := range sortedKeys(want) {
		return nil, fmt.Errorf("bundle: %s is missing", path)
	}
	if leaves != in.Tree.Shards {
		return nil, fmt.Errorf("bundle: the leaves of %d shards are listed, the tree has %d", leaves, in.Tree.Shards)
	}
	if in.Snapshot.Kind == KindConfidential && proofs != in.Tree.Shards {
		return nil, fmt.Errorf("bundle: the proofs of %d shards are listed, the tree has %d", proofs, in.Tree.Shards)
	}
	return attest.Canonical(m)
}

// corePaths are the core files that the manifest of a snapshot lists.
func corePaths(s Snapshot, bands []BandReserves) map[string]bool {
	want := map[string]bool{PathShards: true, PathLines: true, PathControl: true, PathClaims: true}
	if s.Kind == KindConfidential {
		want[PathTopProof] = true
	}
	for _, b := range s.Blocks {
		want[PathEvidence(b.Chain)] = true
	}
	for n, band := range bands {
		want[PathBandLines(n)] = true
		for _, b := range band.Blocks {
			want[PathBandEvidence(n, b.Chain)] = true
		}
	}
	return want
}

// sameContent: a file that this room writes itself is the one that the statement was drawn from.
func (in Inputs) sameContent(f File) error {
	var b []byte
	var err error
	n, name, band := bandFile(f.Path)
	switch {
	case f.Path == PathLines:
		b, err = LinesJSON(in.Snapshot, in.Lines)
	case f.Path == PathClaims:
		b, err = ClaimsJSON(in.Snapshot, in.Claims)
	case band && name == bandLines:
		b, err = BandLinesJSON(in.Snapshot, in.Bands[n].Lines)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	if NewBytesFile(f.Path, b).SHA256 != f.SHA256 {
		return fmt.Errorf("bundle: %s does not hold what the statement is drawn from", f.Path)
	}
	return nil
}

// sortFiles returns the files in ascending order of path and refuses paths that are
// not in the table of SPEC part 11 or stand twice.
func sortFiles(files []File) ([]File, error) {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i, f := range sorted {
		if _, ok := PartOf(f.Path); !ok {
			return nil, fmt.Errorf("bundle: the path %q is not one that a bundle may hold", clip(f.Path))
		}
		if i > 0 && sorted[i-1].Path == f.Path {
			return nil, fmt.Errorf("bundle: the path %s stands twice", f.Path)
		}
	}
	return sorted, checkTogether(sorted)
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
