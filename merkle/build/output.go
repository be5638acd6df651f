package build

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/shard"
)

// The folders of a run directory that a build owns.
const (
	shardsDir = "shards"
	leavesDir = "leaves"
	stagedDir = "build.tmp"
)

// ShardFile returns the path of a shard's sealed file within the run directory.
func ShardFile(index int) string { return filepath.Join(shardsDir, fmt.Sprintf("%05d.age", index)) }

// LeavesFile returns the path of a shard's leaves file within the run directory. Its last part is its name in a bundle (SPEC
// part 6).
func LeavesFile(index int) string {
	return filepath.Join(leavesDir, fmt.Sprintf("shard-%05d.leaves", index))
}

// ours matches the files that a build may put in its folders and so may replace.
var ours = regexp.MustCompile(`^([0-9]{5,7}\.age|shard-[0-9]{5,7}\.leaves)$`)

// output collects a build's files beside their place, and puts whole folders there at the end.
type output struct{ dir, staged string }

// stageOutput makes the staging folder, in place of one that a killed build left.
func stageOutput(dir string) (*output, error) {
	o := &output{dir: dir, staged: filepath.Join(dir, stagedDir)}
	for _, name := range []string{shardsDir, leavesDir} {
		entries, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if !ours.MatchString(e.Name()) {
				return nil, fmt.Errorf("%s holds %q, which no build wrote: move it away, or build in another directory",
					filepath.Join(dir, name), e.Name())
			}
		}
	}
	if err := os.RemoveAll(o.staged); err != nil {
		return nil, err
	}
	if err := os.Mkdir(o.staged, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{shardsDir, leavesDir} {
		if err := os.Mkdir(filepath.Join(o.staged, name), 0o700); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// commit puts the folders in place. Between the two renames of a folder it is absent, never mixed.
func (o *output) commit() error {
	for _, name := range []string{shardsDir, leavesDir} {
		final, staged, old := filepath.Join(o.dir, name), filepath.Join(o.staged, name), filepath.Join(o.staged, "old-"+name)
		if err := syncDir(staged); err != nil {
			return err
		}
		if err := os.Rename(final, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Rename(staged, final); err != nil {
			return err
		}
	}
	return syncDir(o.dir)
}

// discard removes what was staged and not put in place.
func (o *output) discard() {
	_ = os.RemoveAll(o.staged) // what is left, the next build clears away
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// sink writes one shard's files.
type sink struct {
	sealed *shard.Writer
	shard  *file
	leaves *file // nil if not asked for
}

func (o *output) shard(in Input, index, leaves int) (*sink, error) {
	s := &sink{}
	var err error
	if s.shard, err = create(filepath.Join(o.staged, ShardFile(index))); err != nil {
		return nil, err
	}
	s.sealed, err = shard.NewWriter(s.shard, in.Recipient, shard.Header{
		Snapshot: in.Snapshot, Index: uint32(index), Count: uint32(in.Shards), Assets: uint16(in.Assets), Leaves: uint64(leaves), //nolint:gosec // checked by Input.check and by the ledger
	})
	if err == nil && in.LeavesFile {
		if s.leaves, err = create(filepath.Join(o.staged, LeavesFile(index))); err == nil {
			_, err = s.leaves.Write(leavesHeader(in.Snapshot, index, leaves))
		}
	}
	if err != nil {
		s.abandon()
		return nil, err
	}
	return s, nil
}

func (s *sink) write(r run) error {
	for _, b := range r.blocks {
		if err := s.sealed.Write(b); err != nil {
			return err
		}
	}
	if s.leaves == nil {
		return nil
	}
	_, err := s.leaves.Write(r.leaves)
	return err
}

// close completes both files, brings them to the disk, and returns the shard root.
func (s *sink) close() (merkle.Node[merkle.Plain], error) {
	root, err := s.sealed.Close()
	if err == nil {
		err = s.shard.close()
	}
	if err == nil && s.leaves != nil {
		err = s.leaves.close()
	}
	return root, err
}

// abandon closes what close did not; the staging folder is removed by others.
func (s *sink) abandon() {
	_ = s.shard.f.Close() // the build failed already, or close has closed it
	if s.leaves != nil {
		_ = s.leaves.f.Close()
	}
}

// file is a buffered file that is on the disk once it is closed.
type file struct {
	*bufio.Writer
	f *os.File
}

func create(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &file{bufio.NewWriterSize(f, 1<<18), f}, nil
}

func (f *file) close() error {
	return errors.Join(f.Flush(), f.f.Sync(), f.f.Close())
}
