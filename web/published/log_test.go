package published

import (
	"strings"
	"testing"

	"github.com/transparency-dev/tessera/api/layout"
)

// FuzzCovered: a path that is served is the one spelling of a tile that the log's size covers.
func FuzzCovered(f *testing.F) {
	f.Add("tile/0/000", uint64(256))
	f.Add("tile/entries/x001/234.p/7", uint64(1_000_000))
	f.Add("tile/7/000.p/255", ^uint64(0))
	f.Add("tile/0/x000/001", ^uint64(0))
	f.Fuzz(func(t *testing.T, path string, size uint64) {
		full, ok := covered(path, size)
		if !ok {
			return
		}
		level, rest, _ := strings.Cut(strings.TrimPrefix(path, "tile/"), "/")
		spelled, shift := "", uint64(0)
		if level == "entries" {
			number, width, err := layout.ParseTileIndexPartial(rest)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			spelled = layout.EntriesPath(number, width)
		} else {
			l, number, width, err := layout.ParseTileLevelIndexPartial(level, rest)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			spelled, shift = layout.TilePath(l, number, width), 8*l
		}
		if spelled != path || full == strings.Contains(path, ".p/") || size>>shift == 0 {
			t.Errorf("%s is served of a log of size %d, full: %t; it is spelled %s", path, size, full, spelled)
		}
	})
}
