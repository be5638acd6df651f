package published

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assay-por/assay/report"
)

// look is how long a shelf is taken to be as it was seen last.
const look = time.Second

// Shelf knows the reports that are published. It may be used by many at once.
type Shelf struct {
	places func() (map[string]Files, error) // by name
	now    func() time.Time

	mu      sync.Mutex
	next    time.Time // when to look again
	seen    map[string]sight
	reports []*Report
	err     error
}

// sight is a report as it was seen last, and by what a change is noticed.
type sight struct {
	mark   string
	report *Report
}

// Folder is the shelf of a folder that holds one folder a report.
func Folder(dir string, now func() time.Time) *Shelf {
	digests := new(Digests)
	return &Shelf{now: now, places: func() (map[string]Files, error) {
		entries, err := os.ReadDir(dir)
		all := map[string]Files{}
		for _, e := range entries {
			if at := filepath.Join(dir, e.Name()); e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				all[e.Name()] = placed{Place{Bundle: filepath.Join(at, FolderBundle), Zip: filepath.Join(at, PathZip), Page: filepath.Join(at, FolderPage)}, digests}
			}
		}
		return all, err
	}}
}

// Single is the shelf of one report, which may be replaced by another.
func Single(p Place, now func() time.Time) *Shelf {
	files := placed{p, new(Digests)}
	return &Shelf{now: now, places: func() (map[string]Files, error) { return map[string]Files{"": files}, nil }}
}

// Reports returns the reports that are whole, the newest first: by instant, then number
// in the series. The error says that the folder could not be read at all.
func (s *Shelf) Reports() ([]*Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Before(s.next) {
		return s.reports, s.err
	}
	before := len(s.reports)
	s.err = s.scan()
	if len(s.reports) >= before && s.err == nil { // one that is away may be on its way back: it is replaced by two renames
		s.next = now.Add(look)
	}
	return s.reports, s.err
}

// Find returns the report of a statement's digest, or nil.
func (s *Shelf) Find(statement report.Digest) (*Report, error) {
	all, err := s.Reports()
	for _, r := range all {
		if r.Digest == statement {
			return r, err
		}
	}
	return nil, err
}

// Faults says of each place whose report is not shown why.
func (s *Shelf) Faults() []error {
	places, err := s.places()
	if err != nil {
		return []error{err}
	}
	var all []error
	for _, p := range places {
		if _, err := read(p); err != nil {
			all = append(all, err)
		}
	}
	return all
}

func (s *Shelf) scan() error {
	places, err := s.places()
	if err != nil {
		return fmt.Errorf("the reports cannot be read: %v", err) //nolint:errorlint // not a report that is missing
	}
	seen := map[string]sight{}
	shown := map[report.Digest]bool{}
	var reports []*Report
	names := make([]string, 0, len(places))
	for name := range places {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		mark, err := places[name].Mark()
		if err != nil {
			continue
		}
		at, ok := s.seen[name]
		if !ok || at.mark != mark {
			r, err := read(places[name])
			if err != nil {
				continue // it is looked at again until it is whole
			}
			at = sight{mark, r}
		}
		seen[name] = at
		if !shown[at.report.Digest] { // of two copies one
			shown[at.report.Digest] = true
			reports = append(reports, at.report)
		}
	}
	slices.SortFunc(reports, newer)
	s.seen, s.reports = seen, reports
	return nil
}

func newer(a, b *Report) int {
	p, q := a.Statement.Predicate, b.Statement.Predicate
	return cmp.Or(
		q.Snapshot.Instant.Compare(p.Snapshot.Instant.Time),
		cmp.Compare(q.Series.Number, p.Series.Number),
		bytes.Compare(a.Digest[:], b.Digest[:]),
	)
}
