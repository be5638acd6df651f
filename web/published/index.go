package published

import (
	"fmt"
	"io/fs"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// TypeIndex is the type of an index.
const TypeIndex = "assay/v1/files"

// MaxIndex is the most bytes that an index has.
const MaxIndex = 16 << 20

// IndexSuffix ends the name of an index, which is else that of the folder that its files lie in.
const IndexSuffix = ".json"

// Index names the files of one report, or of one handover, in a bucket: canonical JSON (SPEC part 2) in an object beside
// their folder, which is put there last. Each file is an object of the folder, named by its digest:
//
//	2026-10.json     the index
//	2026-10/9f86d0…  a file
//
// So an object never changes, files are there before they are named, and another index takes the place of all of them at once.
type Index struct {
	Files []IndexFile `json:"files"`
	Type  string      `json:"type"`
}

// IndexFile is a file that an index names.
type IndexFile struct {
	Path   string        `json:"path"` // as [io/fs.ValidPath] has it; no path twice
	SHA256 report.Digest `json:"sha256"`
	Size   uint64        `json:"size"` // bytes, less than 2^53
}

// Object is the name of the file's object within the folder.
func (f IndexFile) Object() string { return f.SHA256.String() }

// ParseIndex reads an index.
func ParseIndex(raw []byte) (Index, error) {
	var index Index
	if err := attest.Decode(raw, &index); err != nil {
		return index, err
	}
	if index.Type != TypeIndex {
		return index, fmt.Errorf("it is of type %q, and this version reads %s", index.Type, TypeIndex)
	}
	seen := map[string]bool{}
	for _, f := range index.Files {
		if !fs.ValidPath(f.Path) || seen[f.Path] || f.Size >= 1<<53 {
			return index, fmt.Errorf("the file %q stands twice, or cannot be", f.Path)
		}
		seen[f.Path] = true
	}
	return index, nil
}

// JSON writes it.
func (i Index) JSON() ([]byte, error) {
	i.Type = TypeIndex
	return attest.Canonical(i)
}
