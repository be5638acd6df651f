package render_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/report/render"
)

var update = flag.Bool("update", false, "write the golden page anew")

const golden = "testdata/report.html"

// TestGolden: the same input gives the same page; a change of it is seen in review.
func TestGolden(t *testing.T) {
	in := inputs(t)
	envelope, lines := signed(t, in)
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := render.HTML(w, render.Files{Envelope: envelope, Lines: lines, Bands: bandLines(t, in), Findings: [][]byte{exampleFinding(t, envelope)}, Logged: exampleLogged()}, english(t)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Fatal("the page differs from one time to the next")
	}
	if *update {
		if err := os.WriteFile(golden, first.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), first.String()); diff != "" {
		t.Errorf("the page is not %s; look at it and run with -update if it is right:\n%s", golden, diff)
	}
}
