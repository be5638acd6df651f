package tlog

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// statePath is where tessera keeps the size and root of all that it took in.
const statePath = ".state/treeState"

// Entered returns the head of everything that was entered in a log's folder, given the
// published checkpoint that was read from it: entries that wait for the quorum stand below
// it too. It is the folder's own word, signed by nobody, and for who keeps the log: what
// waits cannot be taken back any more than what is published. Of a copy without the log's
// inner state it is the checkpoint itself.
func Entered(dir fs.FS, published Checkpoint) (Checkpoint, error) {
	raw, err := fs.ReadFile(dir, statePath)
	if errors.Is(err, fs.ErrNotExist) {
		return published, nil
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("log: %w", err)
	}
	var state struct {
		Size uint64 `json:"size"`
		Root []byte `json:"root"`
	}
	if err := json.Unmarshal(raw, &state); err != nil {
		return Checkpoint{}, fmt.Errorf("log: %s: %w", statePath, err)
	}
	if len(state.Root) != sha256.Size {
		return Checkpoint{}, fmt.Errorf("log: %s: a root of %d bytes, want %d", statePath, len(state.Root), sha256.Size)
	}
	all := Checkpoint{Origin: published.Origin, Size: state.Size, Root: [sha256.Size]byte(state.Root)}
	if all.Size == published.Size && all.Root == published.Root {
		return published, nil
	}
	r, err := newReader(dir, all)
	if err != nil {
		return Checkpoint{}, err
	}
	return all, r.follows(published)
}
