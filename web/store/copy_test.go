package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/store/pgtest"
)

// TestCopy: a copy is the database at one moment, while others write; it is nobody else's to read, and opens as the database does.
func TestCopy(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, filepath.Join(dir, "assay.db"))
	for i := range 20 {
		if err := s.create(sample(fmt.Sprint("before ", i))); err != nil {
			t.Fatal(err)
		}
	}
	stop, wait := make(chan struct{}), sync.WaitGroup{}
	wait.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.create(sample(fmt.Sprint("meanwhile ", i))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range 5 {
		path := filepath.Join(dir, fmt.Sprint("copy?a=b%20#", i, ".db"))
		want, err := s.Copy(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
		c := openedFile(t, path)
		got, err := c.Contents(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		all, err := c.Keys(t.Context())
		if err != nil || len(all) != got["keys"].Rows || len(all) < 20 {
			t.Errorf("%d keys, %v", len(all), err)
		}
	}
	close(stop)
	wait.Wait()
	if _, err := s.Copy(t.Context(), filepath.Join(dir, "copy?a=b%20#0.db")); err == nil {
		t.Error("copied over another file")
	}
}

// TestContents: what is another row, or the same in another place, is told apart.
func TestContents(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "assay.db"))
	if err := errors.Join(s.create(sample("one")), s.create(sample("two"))); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	if _, err := s.write.ExecContext(t.Context(), "DELETE FROM credentials"); err != nil { // so that a key can be deleted
		t.Fatal(err)
	}
	text := "UPDATE keys SET used = '1x' WHERE id = 'one'" // in a column of numbers
	if s.Shared() {                                        // which takes none there
		text = "UPDATE keys SET used = 2 WHERE id = 'one'"
	}
	for _, change := range []string{
		"UPDATE keys SET used = NULL", "UPDATE keys SET used = 1 WHERE id = 'one'", text, "UPDATE keys SET used = 1, revoked = 1 WHERE id = 'one'",
		"UPDATE keys SET used = NULL, revoked = 11 WHERE id = 'one'", "UPDATE keys SET record = (SELECT record FROM keys WHERE id = 'two') WHERE id = 'one'", "DELETE FROM keys WHERE id = 'one'",
	} {
		if _, err := s.write.ExecContext(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		all, err := s.Contents(t.Context())
		if err != nil || seen[all["keys"].Digest] {
			t.Errorf("%s: seen before, or %v", change, err)
		}
		seen[all["keys"].Digest] = true
	}
}

// TestContentsOfAnybody: what a table is called is no SQL, whoever made the database.
func TestContentsOfAnybody(t *testing.T) {
	pgtest.OfFiles(t)
	dir := t.TempDir()
	s := opened(t, filepath.Join(dir, "assay.db"))
	elsewhere := filepath.Join(dir, "elsewhere.db")
	name := fmt.Sprintf("keys; VACUUM INTO '%s'; --", elsewhere)
	if _, err := s.write.ExecContext(t.Context(), fmt.Sprintf(`CREATE TABLE "%s" (a TEXT)`, name)); err != nil {
		t.Fatal(err)
	}
	all, err := s.Contents(t.Context())
	if _, there := all[name]; err != nil || !there {
		t.Errorf("%v %v", all, err)
	}
	if _, err := os.Stat(elsewhere); err == nil {
		t.Error("a table's name wrote a file")
	}
}
