package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// openAttacks is how many attacks of docs/attacks.md still wait for their room. It only shrinks.
const openAttacks = 0

var (
	attackRow = regexp.MustCompile(`^\| ([A-Z]\d+) \| ([^|]+) \| ([^|]+) \|$`)
	testName  = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")
	testFunc  = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
)

// Every known attack either is refused by a test that bears its id, or stands open with the room it waits for.
func TestAttacks_EachIsATestOrOpen(t *testing.T) {
	have := testsInTree(t)
	raw, err := os.ReadFile("docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, open := 0, 0
	for _, line := range strings.Split(string(raw), "\n") {
		m := attackRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		rows++
		id, state := m[1], m[3]
		if strings.HasPrefix(state, "open: ") {
			open++
			continue
		}
		names := testName.FindAllStringSubmatch(state, -1)
		if len(names) == 0 {
			t.Errorf("%s names no test and is not open", id)
		}
		for _, n := range names {
			if !have[n[1]] {
				t.Errorf("%s: there is no test %s", id, n[1])
			}
			if !strings.HasPrefix(n[1], "Test"+padded(id)) {
				t.Errorf("%s: the test %s does not bear its id", id, n[1])
			}
		}
	}
	if rows < 90 {
		t.Errorf("read %d attacks only", rows)
	}
	if open != openAttacks {
		t.Errorf("%d attacks stand open, want %d: the number only shrinks, and openAttacks with it", open, openAttacks)
	}
}

// padded is an id as test names write it: T1 is T01.
func padded(id string) string {
	if len(id) == 2 {
		return id[:1] + "0" + id[1:]
	}
	return id
}

// testsInTree are the names of all tests, by themselves and with their rooms: TestX and web/people.TestX. The room of this very folder is house.
func testsInTree(t *testing.T) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || p == "build") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		room := strings.Replace(filepath.ToSlash(filepath.Dir(p)), ".", "house", 1)
		for _, m := range testFunc.FindAllStringSubmatch(string(src), -1) {
			have[m[1]], have[room+"."+m[1]] = true, true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return have
}
