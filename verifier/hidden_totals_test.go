package verifier

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHiddenTotals_Bundle(t *testing.T) {
	w := newCoveredWorld()
	m := w.hide(t, hidden{totals: true})
	v := verify(t, m)
	proven(t, v)
	if c := find(v, "liabilities.totals"); !strings.Contains(c.Detail, "of no asset is more owed") {
		t.Errorf("got %q", c.Detail)
	}
	t.Logf("%+v", v.Coverage)
	t.Log(v.Summary, v.NotShown)
	_ = cmp.Diff
}
