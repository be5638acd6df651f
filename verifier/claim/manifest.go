package claim

import (
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Names and types of SPEC part 11.
const (
	EnvelopePath = "statement.dsse.json"
	ManifestPath = "manifest.json"
	ManifestType = "assay/v1/manifest"
)

const (
	maxManifest = 256 << 20 // SPEC part 18
	maxFiles    = maxShards + maxChains + 16
	maxPath     = 128
)

// File is one file that the manifest lists (SPEC part 11).
type File struct {
	Part   string // core or shard
	Path   string
	SHA256 Hash
	Size   int64
}

// Manifest lists every file of a bundle but itself and the envelope (SPEC part 11).
type Manifest struct {
	Files    []File
	Snapshot Hash
}

// ParseManifest reads a manifest. Errors are *canon.FormatError or *canon.VersionError.
func ParseManifest(raw []byte) (*Manifest, error) {
	if len(raw) > maxManifest {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxManifest)}
	}
	m := new(Manifest)
	err := canon.DecodeTyped(raw, "type", ManifestType, func(r *canon.Reader) {
		r.Object(
			canon.Key("files", func() {
				var last string
				r.Array(maxFiles, func(i int) {
					var f File
					r.Object(
						canon.Key("part", func() { f.Part = canon.Parse(r, parseOne("part", "core", "shard")) }),
						canon.Key("path", func() {
							if f.Path = r.Text(); !PlainPath(f.Path) {
								r.Fail("not a path of a bundle")
							}
						}),
						canon.Key("sha256", func() { f.SHA256 = r.Hash() }),
						canon.Key("size", func() { f.Size = int64(r.Number(canon.MaxInteger)) }), //nolint:gosec // below 2^53
					)
					ascending(r, i, &last, f.Path)
					m.Files = append(m.Files, f)
				})
			}),
			canon.Key("snapshot", func() { m.Snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(ManifestType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// PlainPath reports whether a path is spelt as SPEC part 11 demands of files in a bundle.
func PlainPath(path string) bool {
	if len(path) > maxPath || !only(path, digits+"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._/-") {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
