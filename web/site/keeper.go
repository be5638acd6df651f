package site

import (
	"slices"
	"sync"
)

// maxKept bounds the drawn pages that a keeper holds, in bytes.
const maxKept = 64 << 20

// Keeper draws a site's pages when they are asked for, and keeps them for as long as there
// are the same reports and the same log. It may be used by many at once; one page is drawn
// at a time, so that nobody makes a server draw all of them together.
type Keeper struct {
	now func() (Source, error)

	drawing sync.Mutex

	mu   sync.Mutex
	site *Site
	kept map[string]Page
	size int
}

// NewKeeper keeps the pages of what now says there is.
func NewKeeper(now func() (Source, error)) *Keeper { return &Keeper{now: now} }

// Page is [Site.Page] of the site as it is now.
func (k *Keeper) Page(path string) (Page, error) {
	if _, p, ok, err := k.have(path); ok || err != nil {
		return p, err
	}
	k.drawing.Lock()
	defer k.drawing.Unlock()
	s, p, ok, err := k.have(path) // somebody else may have drawn it meanwhile
	if ok || err != nil {
		return p, err
	}
	if p, err = s.Page(path); err != nil {
		return Page{}, err
	}
	k.keep(s, path, p)
	return p, nil
}

// have returns the site as it is now, and the page if it was drawn already.
func (k *Keeper) have(path string) (s *Site, p Page, ok bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.look(); err != nil {
		return nil, Page{}, false, err
	}
	p, ok = k.kept[path]
	return k.site, p, ok, nil
}

func (k *Keeper) keep(s *Site, path string, p Page) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s != k.site {
		return
	}
	if k.size += len(p.Content); k.size > maxKept {
		k.kept, k.size = map[string]Page{}, len(p.Content)
	}
	k.kept[path] = p
}

// Site is the site as it is now.
func (k *Keeper) Site() (*Site, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.look()
	return k.site, err
}

// look lays out the site anew if something has changed.
func (k *Keeper) look() error {
	src, err := k.now()
	if err != nil {
		return err
	}
	if k.site != nil && src.same(k.site.src) {
		return nil
	}
	s, err := New(src)
	if err != nil {
		return err
	}
	k.site, k.kept, k.size = s, map[string]Page{}, 0
	return nil
}

// same says whether both give the same pages. Reports and registers never change: they are replaced.
func (src Source) same(as Source) bool {
	return slices.Equal(src.Reports, as.Reports) && src.Register == as.Register && src.Log == as.Log && src.Size == as.Size && slices.Equal(src.Policy, as.Policy) && src.Tools == as.Tools
}
