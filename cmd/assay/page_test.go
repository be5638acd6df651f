package main

import (
	"os"
	"testing"

	"github.com/assay-por/assay/report"
)

// TestReport_CustomersPage: a run's bundle holds the page that the program had at the first draft, and none if it had none.
func TestReport_CustomersPage(t *testing.T) {
	s := &stages{ctx: t.Context(), app: new(app), run: &runDir{path: t.TempDir()}}
	if files, err := s.customersPage(); err != nil || files != nil {
		t.Errorf("without a page: %v, %v", files, err)
	}
	for _, page := range []string{"<!doctype html>first", "<!doctype html>of a later program"} {
		s.app.page = []byte(page)
		files, err := s.customersPage()
		if err != nil || len(files) != 1 || files[0].Path != report.PathVerify {
			t.Fatalf("got %v, %v", files, err)
		}
		written, err := os.ReadFile(s.run.join(published(report.PathVerify)))
		if err != nil || string(written) != "<!doctype html>first" || files[0].SHA256 != report.NewBytesFile("", written).SHA256 {
			t.Errorf("the run's page is %q, %v", written, err)
		}
	}
}
