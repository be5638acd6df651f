package site_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestShow(t *testing.T) {
	s := newPlace(t).site(t)
	dir := "/tmp/site-out"
	for _, p := range s.Paths() {
		page, err := s.Page(p)
		if err != nil {
			t.Fatal(p, err)
		}
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, p)), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, p), page.Content, 0o644))
		t.Log(p, len(page.Content))
	}
}
