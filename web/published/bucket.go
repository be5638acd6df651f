package published

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/web/copies"
)

// ahead is how large a file is at most, in bytes, that there is a copy of before it is shown: pages, statements, manifests and what
// is handed over go on while the bucket is away, whoever asked for them before. Larger ones are fetched once somebody does.
const ahead = 4 << 20

// fetchers is how many such files are fetched at once.
const fetchers = 8

// Bucket knows the sets of files that lie in a folder of a bucket, each under its [Index]: reports, or handovers. It may be used by
// many at once. What it saw last it keeps while the bucket is away.
type Bucket struct {
	linked
	kind string // begins the names of its copies

	looking sync.Mutex
	refused map[string]string // what was told of indexes, and of which mark, by name

	sets  map[string]*Set // by name; nil until the bucket was seen. linked.mu holds it
	marks map[string]string
}

// NewBucket returns one that has seen nothing yet. All who keep their copies in one folder are of different kinds: a word each.
func NewBucket(l Link, kind string) *Bucket {
	return &Bucket{linked: linked{Link: l}, kind: kind + ".", refused: map[string]string{}}
}

// Set is a set of files as one index named them. It never changes.
type Set struct {
	bucket *Bucket
	name   string
	mark   string
	files  map[string]IndexFile // by path
}

// Watch looks at the bucket every few seconds until the context ends.
func (b *Bucket) Watch(ctx context.Context) { b.watch(ctx, b.Look) }

// Look sees which sets there are by now. A set is there once its index and its folder are, and there are copies of all of its small
// files; one whose index or folder is gone is gone at once, with its copies. One that cannot be read stays as it was, and keeps no other
// from being seen. If the bucket does not answer all stays as it was.
func (b *Bucket) Look(ctx context.Context) error {
	b.looking.Lock()
	defer b.looking.Unlock()
	return b.told(b.look(ctx))
}

func (b *Bucket) look(ctx context.Context) error {
	objects, folders, err := b.Objects.Level(ctx)
	if err != nil {
		return err
	}
	b.answered()
	there := map[string]string{} // marks of indexes, by name
	for object, mark := range objects {
		if name, ok := strings.CutSuffix(object, IndexSuffix); ok && !strings.HasPrefix(name, ".") && slices.Contains(folders, name) {
			there[name] = mark
		}
	}
	b.mu.Lock()
	begins := b.sets == nil
	sets, marks := maps.Clone(b.sets), maps.Clone(b.marks)
	b.mu.Unlock()
	if begins {
		sets, marks = map[string]*Set{}, map[string]string{}
	} else {
		maps.DeleteFunc(sets, func(name string, _ *Set) bool { _, still := there[name]; return !still })
		if err := b.take(sets, marks); err != nil { // before what is new is fetched, which may take long
			return err
		}
	}
	for name, mark := range there {
		if sets[name] != nil && marks[name] == mark {
			continue
		}
		set, err := b.fresh(ctx, name, mark)
		switch have := sets[name]; {
		case err != nil && begins: // it is not known what there is
			return err
		case err != nil:
			b.refuse(name, mark, "what the bucket names cannot be read, and stays as it was", err)
		case set == nil:
			delete(sets, name)
		case have == nil || have.mark != set.mark:
			sets[name], marks[name] = set, mark
		default:
			marks[name] = mark
		}
	}
	return b.take(sets, marks)
}

// take has sets be those that are seen, and removes the copies of others.
func (b *Bucket) take(sets map[string]*Set, marks map[string]string) error {
	b.mu.Lock()
	before := b.sets
	b.sets, b.marks = maps.Clone(sets), maps.Clone(marks)
	b.mu.Unlock()
	if before != nil && maps.Equal(before, sets) {
		return nil
	}
	return b.retain(sets)
}

// refuse tells once of what an index names.
func (b *Bucket) refuse(name, mark, why string, fault error) {
	if told := why + mark; b.refused[name] != told {
		b.refused[name] = told
		b.Logger.Warn(why, "bucket", b.Name, "name", name, "fault", fault)
	}
}

// fresh reads an index and fetches what there are to be copies of. It returns nil for one that is not whole, or gone by now.
func (b *Bucket) fresh(ctx context.Context, name, mark string) (*Set, error) {
	raw, err := b.read(ctx, name+IndexSuffix, MaxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		return nil, err
	}
	index, fault := ParseIndex(raw) // what is too large was cut off, and is none
	set := &Set{bucket: b, name: name, mark: fmt.Sprintf("%x", sha256.Sum256(raw)), files: map[string]IndexFile{}}
	for _, f := range index.Files {
		set.files[f.Path] = f
	}
	if err = nil; fault == nil {
		err = set.fetch()
	}
	if isFault := errors.Is(err, ErrDamaged) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, copies.ErrLarge); isFault {
		fault = err
	} else if err != nil {
		return nil, err
	}
	if fault == nil {
		delete(b.refused, name)
		return set, nil
	}
	b.refuse(name, mark, "what the bucket names is not shown: it is not whole", fault)
	return nil, nil
}

// retain removes the copies that no set has.
func (b *Bucket) retain(sets map[string]*Set) error {
	used := map[string]bool{}
	for _, s := range sets {
		for _, f := range s.files {
			used[b.copy(f)] = true
		}
	}
	return b.Copies.Retain(func(name string) bool { return used[name] || !strings.HasPrefix(name, b.kind) })
}

// copy is the name of a file's copy.
func (b *Bucket) copy(f IndexFile) string { return b.kind + f.Object() }

// Sets are those that were seen last, by name. The error says that none were seen yet.
func (b *Bucket) Sets() (map[string]*Set, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sets == nil {
		return nil, fmt.Errorf("%s was not seen yet: %v", b.Name, b.away) //nolint:errorlint // not a set that is missing
	}
	return b.sets, nil
}

// Shelf is the shelf of the reports in the bucket.
func (b *Bucket) Shelf(now func() time.Time) *Shelf {
	return &Shelf{now: now, places: func() (map[string]Files, error) {
		sets, err := b.Sets()
		all := map[string]Files{}
		for name, s := range sets {
			all[name] = s
		}
		return all, err
	}}
}

// String says where the set is.
func (s *Set) String() string { return s.bucket.Name + "/" + s.name }

// Mark implements [Files].
func (s *Set) Mark() (string, error) { return s.mark, nil }

// Size implements [Files].
func (s *Set) Size(path string) (int64, error) {
	f, err := s.file(path)
	return int64(f.Size), err //nolint:gosec // less than 2^53
}

func (s *Set) file(path string) (IndexFile, error) {
	f, ok := s.files[path]
	if !ok {
		return f, fmt.Errorf("%s has no file %q: %w", s, path, fs.ErrNotExist)
	}
	return f, nil
}

// Paths implements [Files].
func (s *Set) Paths() ([]string, error) {
	var all []string
	for path := range s.files {
		if name, ok := strings.CutPrefix(path, FolderBundle+"/"); ok {
			all = append(all, name)
		}
	}
	return all, nil
}

// Open implements [Files]: it opens the copy, which is fetched if there is none. What the index names and the bucket does not have
// is no fs.ErrNotExist.
func (s *Set) Open(path string) (*File, error) {
	f, err := s.file(path)
	if err != nil {
		return nil, err
	}
	file, err := s.open(f)
	if err != nil {
		s.bucket.miss(s.name+"/"+f.Object(), err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %v", s, err) //nolint:errorlint // as said
	}
	return file, err
}

func (s *Set) open(f IndexFile) (*File, error) {
	file, err := s.openCopy(f)
	if err != nil || file.SHA256 == f.SHA256 {
		return file, err
	}
	own := s.bucket.copy(f) // what lies there is not what was fetched
	if err := errors.Join(file.Close(), s.bucket.Copies.Retain(func(name string) bool { return name != own })); err != nil {
		return nil, err
	}
	return s.openCopy(f)
}

func (s *Set) openCopy(f IndexFile) (*File, error) {
	object, size := s.name+"/"+f.Object(), int64(f.Size) //nolint:gosec // less than 2^53
	if err := s.bucket.Copies.Fits(size); err != nil {
		return nil, fmt.Errorf("%s: %w", object, err)
	}
	file, err := s.bucket.open(s.bucket.copy(f), object, func(r io.ReadCloser) io.ReadCloser { return exactly(r, size, f.SHA256, object) })
	if err != nil {
		return nil, err
	}
	opened, err := s.bucket.digests.read(file.Name(), file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return opened, nil
}

// Read reads a whole file.
func (s *Set) Read(path string) ([]byte, error) { return readAll(s, path) }

// fetch has a copy of each small file.
func (s *Set) fetch() error {
	var g errgroup.Group
	g.SetLimit(fetchers)
	for _, f := range s.files {
		if f.Size > ahead {
			continue
		}
		g.Go(func() error {
			file, err := s.open(f)
			if err != nil {
				return err
			}
			return file.Close()
		})
	}
	return g.Wait()
}
