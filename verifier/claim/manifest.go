package claim

import (
	"fmt"
	"strings"
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

// ParseManifest reads a manifest. Errors are *FormatError or *VersionError.
func ParseManifest(raw []byte) (*Manifest, error) {
	if len(raw) > maxManifest {
		return nil, &FormatError{"", fmt.Sprintf("%d bytes, the limit is %d", len(raw), maxManifest)}
	}
	m := new(Manifest)
	err := decode(raw, "type", ManifestType, func(r *reader) {
		r.object(
			must("files", func() {
				var last string
				r.array(maxFiles, func(i int) {
					var f File
					r.object(
						must("part", func() { f.Part = parsed(r, parseOne("part", "core", "shard")) }),
						must("path", func() {
							if f.Path = r.text(); r.err == nil && !PlainPath(f.Path) {
								r.fail("not a path of a bundle")
							}
						}),
						must("sha256", func() { f.SHA256 = parsed(r, parseHash) }),
						must("size", func() { f.Size = int64(r.number(maxInteger)) }), //nolint:gosec // below 2^53
					)
					r.ascending(i, &last, f.Path)
					m.Files = append(m.Files, f)
				})
			}),
			must("snapshot", func() { m.Snapshot = parsed(r, parseHash) }),
			must("type", func() { r.fixed(ManifestType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// PlainPath reports whether a path is spelt as SPEC part 11 demands of files in a bundle.
func PlainPath(path string) bool {
	if len(path) > maxPath || !only(path, lowerHex+"ghijklmnopqrstuvwxyz._/-") {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}
