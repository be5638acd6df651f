package report

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/assay-por/assay/attest"
)

// ShardsFile is liabilities/shards.json (SPEC part 6).
type ShardsFile struct {
	Kind     string  `json:"kind"`
	Shards   []Shard `json:"shards"`
	Snapshot Digest  `json:"snapshot"`
	Type     string  `json:"type"`
}

// HiddenShardsFile is liabilities/shards.json of a confidential tree (SPEC part 29).
type HiddenShardsFile struct {
	Kind     string        `json:"kind"`
	Shards   []HiddenShard `json:"shards"`
	Snapshot Digest        `json:"snapshot"`
	Type     string        `json:"type"`
}

// HiddenShard is one shard of the shard list (SPEC part 29). Total is the hex of 64 bytes.
type HiddenShard struct {
	Leaves uint64 `json:"leaves"`
	Root   Digest `json:"root"`
	Total  string `json:"total"`
}

// Shard is one shard of the shard list (SPEC part 6).
type Shard struct {
	Leaves uint64        `json:"leaves"`
	Root   Digest        `json:"root"`
	Sum    []AssetAmount `json:"sum"`
}

const (
	maxEnvelopeFile = attest.MaxEnvelope
	maxShardList    = 64 << 20 // SPEC part 18
	maxEvidence     = 1 << 30  // SPEC part 18
	leavesMagic     = "assay/v1/leaves\n"
	proofMagic      = "assay/v1/confidential-proof\n" // SPEC part 29
)

var errPrivate = errors.New("it holds something private and must not be published")

// Lint looks at all files of a bundle before they are published, envelope and
// manifest among them (SPEC part 11). Each path must be in the table, each file of
// its type and of one snapshot, and no file may hold what secret reports to be
// private; secret may be nil, and is asked of the statement and of every JSON file.
func Lint(files []File, secret func(content []byte) bool) error {
	sorted, err := sortFiles(files)
	if err != nil {
		return err
	}
	byPath := map[string]File{}
	for _, f := range sorted {
		byPath[f.Path] = f
	}
	frame, err := lintFrame(byPath)
	if err != nil {
		return err
	}
	if secret != nil && secret(frame.signed.Payload) { // in the envelope it stands as base64
		return fmt.Errorf("bundle: %s: %w", PathEnvelope, errPrivate)
	}
	listed := map[string]ManifestFile{}
	for _, m := range frame.manifest.Files {
		if isAttachment(m.Path) {
			return fmt.Errorf("bundle: %s lists the attachment %s", PathManifest, m.Path)
		}
		listed[m.Path] = m
	}
	for _, f := range sorted {
		if f.Path != PathEnvelope && f.Path != PathManifest && !isAttachment(f.Path) {
			if m, ok := listed[f.Path]; !ok || m.SHA256 != f.SHA256 || m.Size != f.Size {
				return fmt.Errorf("bundle: %s is not the file that the manifest lists", f.Path)
			}
		}
		if err := lintFile(f, frame, secret); err != nil {
			return fmt.Errorf("bundle: %s: %w", f.Path, err)
		}
	}
	if err := lintPairs(byPath, frame.signed.Statement.Predicate.Tree); err != nil {
		return err
	}
	for _, m := range frame.manifest.Files {
		if _, ok := byPath[m.Path]; !ok && m.Part == PartCore {
			return fmt.Errorf("bundle: %s is missing", m.Path)
		}
	}
	return nil
}

// lintPairs: leaves and proof of a confidential tree's shard are both there or neither (SPEC part 29).
func lintPairs(byPath map[string]File, tree Tree) error {
	for shard := uint64(0); shard < tree.Shards && tree.Kind == KindConfidential; shard++ {
		_, leaves := byPath[PathLeaves(shard)]
		if _, proof := byPath[PathProof(shard)]; leaves != proof {
			return fmt.Errorf("bundle: of %s and %s only one is there", PathLeaves(shard), PathProof(shard))
		}
	}
	return nil
}

// frame is what holds a bundle together.
type frame struct {
	envelope []byte
	signed   Signed
	manifest Manifest
}

// lintFrame reads envelope and manifest and checks that the one names the other.
func lintFrame(byPath map[string]File) (f frame, err error) {
	for _, path := range []string{PathEnvelope, PathManifest} {
		if _, ok := byPath[path]; !ok {
			return f, fmt.Errorf("bundle: %s is missing", path)
		}
	}
	if f.envelope, err = byPath[PathEnvelope].read(maxEnvelopeFile); err != nil {
		return f, err
	}
	if f.signed, err = Read(f.envelope); err != nil {
		return f, fmt.Errorf("bundle: %s: %w", PathEnvelope, err)
	}
	b, err := byPath[PathManifest].read(maxFile)
	if err != nil {
		return f, err
	}
	if err := attest.Decode(b, &f.manifest); err != nil {
		return f, fmt.Errorf("bundle: %s: %w", PathManifest, err)
	}
	want, err := f.signed.Statement.ManifestDigest()
	if err != nil {
		return f, err
	}
	if byPath[PathManifest].SHA256 != want {
		return f, fmt.Errorf("bundle: %s is not the manifest that the statement names", PathManifest)
	}
	if f.manifest.Type != TypeManifest || f.manifest.Snapshot != f.signed.Statement.Predicate.Snapshot.ID {
		return f, fmt.Errorf("bundle: %s is of another type or snapshot", PathManifest)
	}
	return f, nil
}

func lintFile(f File, frame frame, secret func([]byte) bool) error {
	s := frame.signed.Statement.Predicate.Snapshot
	if isAttachment(f.Path) {
		return lintAttachment(f, frame, secret)
	}
	if n, ok := leavesShard(f.Path); ok {
		return lintLeaves(f, s, n)
	}
	if _, ok := proofShard(f.Path); ok || f.Path == PathTopProof {
		return lintProof(f, s)
	}
	limit := maxFile
	switch _, evidence := evidenceOf(f.Path); {
	case evidence:
		limit = maxEvidence
	case f.Path == PathEnvelope:
		limit = maxEnvelopeFile
	case f.Path == PathShards:
		limit = maxShardList
	case f.Path == PathVerify:
		limit = maxPage
	}
	b, err := f.read(limit)
	if err != nil {
		return err
	}
	if secret != nil && secret(b) {
		return errPrivate
	}
	switch f.Path {
	case PathEnvelope, PathManifest, PathVerify: // read already, or of no form
		return nil
	case PathLines:
		_, err := ParseLines(s, b)
		return err
	case PathShards:
		if s.Kind == KindConfidential {
			return lintHidden(b, s)
		}
		var list ShardsFile
		return lintJSON(b, &list, func() bool { return list.Type == TypeShards && list.Snapshot == s.ID && list.Kind == s.Kind })
	case PathClaims:
		_, err := ParseClaims(s, b)
		return err
	case PathControl:
		var control ControlFile
		if err := lintJSON(b, &control, func() bool { return control.Type == TypeControl && control.Snapshot == s.ID }); err != nil {
			return err
		}
		return checkControl(control.Signatures)
	}
	if _, name, ok := bandFile(f.Path); ok && name == bandLines {
		_, err := ParseBandLines(s, b)
		return err
	}
	return lintEvidence(f, s, b)
}

func lintJSON(b []byte, v any, fits func() bool) error {
	if err := attest.Decode(b, v); err != nil {
		return err
	}
	if !fits() {
		return errors.New("it is of another type, kind or snapshot")
	}
	return nil
}

// lintEvidence reads of an evidence file only what says whose it is: what it proves is the verifier's to see.
func lintEvidence(f File, s Snapshot, b []byte) error {
	if err := attest.CheckCanonical(b); err != nil {
		return err
	}
	var head struct {
		Chain    string `json:"chain"`
		Snapshot Digest `json:"snapshot"`
		Type     string `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return fmt.Errorf("not of its format: %w", err)
	}
	c, evidence := evidenceOf(f.Path)
	fits := evidence && (head.Type == TypeEvidenceEVM || head.Type == TypeEvidenceUTXO || head.Type == TypeEvidenceAttested)
	if !evidence {
		c, _ = beaconChain(f.Path)
		fits = head.Type == TypeBeacon
	}
	if !fits || head.Snapshot != s.ID || head.Chain != string(c) {
		return errors.New("it is of another type, chain or snapshot")
	}
	return nil
}

// lintLeaves reads the header of a shard's leaves (SPEC part 6).
func lintLeaves(f File, s Snapshot, shard uint64) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	head := make([]byte, len(leavesMagic)+32+4+8)
	_, err = io.ReadFull(r, head)
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("its header is cut off: %w", err)
	}
	magic, rest := head[:len(leavesMagic)], head[len(leavesMagic):]
	if string(magic) != leavesMagic || !bytes.Equal(rest[:32], s.ID[:]) || uint64(binary.BigEndian.Uint32(rest[32:])) != shard {
		return errors.New("it does not hold the leaves of this shard and snapshot")
	}
	return nil
}

// lintHidden reads the shard list of a confidential tree: no sum stands in it.
func lintHidden(b []byte, s Snapshot) error {
	var list HiddenShardsFile
	err := lintJSON(b, &list, func() bool { return list.Type == TypeShards && list.Snapshot == s.ID && list.Kind == s.Kind })
	if err != nil {
		return err
	}
	for i, shard := range list.Shards {
		if !isOf(shard.Total, 128, 128, "0123456789abcdef") {
			return fmt.Errorf("shard #%d: its total row is not the hex of a point", i)
		}
	}
	return nil
}

// lintProof reads how a proof of a confidential tree begins, and that it has the size that one has: a multiple of 32 bytes (SPEC part 29).
func lintProof(f File, s Snapshot) error {
	if s.Kind != KindConfidential {
		return fmt.Errorf("a tree of kind %s has no proofs", s.Kind)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	magic := make([]byte, len(proofMagic))
	_, err = io.ReadFull(r, magic)
	if err = errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("its beginning is cut off: %w", err)
	}
	if size := f.Size - uint64(len(proofMagic)); string(magic) != proofMagic || size == 0 || size%32 != 0 || f.Size > maxFile {
		return errors.New("it is not a proof of a confidential tree")
	}
	return nil
}

// read returns the content of a file that is not above limit.
func (f File) read(limit int) ([]byte, error) {
	if f.Size > uint64(limit) { //nolint:gosec // a constant of this package
		return nil, fmt.Errorf("bundle: %s: %d bytes, at most %d", f.Path, f.Size, limit)
	}
	var b bytes.Buffer
	b.Grow(int(f.Size)) //nolint:gosec // below the limit
	if err := f.copyTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
