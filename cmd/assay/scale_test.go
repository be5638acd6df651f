package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-por/assay/merkle/ledger"
)

// BenchmarkScale builds trees of large ledgers, each by an assay of its own with 512 MiB, and tells its seconds, CPU seconds, rows a
// second, and how much of it was resident at most. It takes minutes and tens of gigabytes below the folder that ASSAY_SCALE names, so
// it is run by make bench-scale alone.
func BenchmarkScale(b *testing.B) {
	folder := os.Getenv("ASSAY_SCALE")
	if folder == "" {
		b.Skip("skipped: ASSAY_SCALE names no folder; type: make bench-scale")
	}
	for _, c := range []struct {
		name            string
		customers, held int
		file            string // or a query of that file's rows, loaded into PostgreSQL
		query           bool
		kind            string
	}{
		{"1M customers, 50 of 50 assets, CSV", 1_000_000, 50, "dense.csv", false, "plain"},
		{"10M customers, 3 of 50 assets, CSV", 10_000_000, 3, "sparse.csv", false, "plain"},
		{"10M customers, 3 of 50 assets, zstd", 10_000_000, 3, "sparse.csv.zst", false, "plain"},
		{"10M customers, 3 of 50 assets, Parquet", 10_000_000, 3, "sparse.parquet", false, "plain"},
		{"4M customers, 3 of 50 assets, PostgreSQL", 4_000_000, 3, "table.csv", true, "plain"},
		{"confidential, 1M customers, 3 of 50 assets, CSV", 1_000_000, 3, "million.csv", false, "confidential"},
		{"confidential, 1M customers, 50 of 50 assets, CSV", 1_000_000, 50, "dense.csv", false, "confidential"},
		{"confidential, 10M customers, 3 of 50 assets, CSV", 10_000_000, 3, "sparse.csv", false, "confidential"},
		{"100M customers, 3 of 50 assets, CSV", 100_000_000, 3, "large.csv", false, "plain"},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir, err := os.MkdirTemp(folder, "scale-") //nolint:usetesting // on the disk that was named
			if err != nil {
				b.Fatal(err)
			}
			defer os.RemoveAll(dir)
			s := scale{b: b, dir: dir}
			s.assay("ledger", "synth", "--customers", fmt.Sprint(c.customers), "--assets", "50", "--held", fmt.Sprint(c.held), "--out", c.file)
			source := fmt.Sprintf("files = [%q]\n", c.file)
			if c.query {
				source = "query = \"SELECT customer, asset, balance FROM owed\"\ndatabase = \"file:db.url\"\n"
				s.load(c.file)
			}
			s.configure(c.kind, source)
			s.assay("init")
			for b.Loop() {
				if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
					b.Fatal(err)
				}
				s.assay("snapshot")
				s.measure(uint64(c.customers)*uint64(c.held), "build", "--quiet")
			}
		})
	}
}

// scale is a folder that an assay works in.
type scale struct {
	b   *testing.B
	dir string
}

func (s scale) assay(args ...string) *os.ProcessState {
	s.b.Helper()
	dir, err := built()
	if err != nil {
		s.b.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "assay"), args...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.b.Fatalf("assay %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return cmd.ProcessState
}

func (s scale) configure(kind, source string) {
	s.b.Helper()
	text := "[exchange]\nname = \"Scale\"\nentity = \"Scale Ltd.\"\n[run]\nmemory = \"512MiB\"\nkind = \"" + kind + "\"\n[ledger]\n" + source
	for _, a := range ledger.SynthAssets(50) {
		text += fmt.Sprintf("[[asset]]\nid = %q\ndecimals = %d\n", a.ID, a.Decimals)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "assay.toml"), []byte(text), 0o600); err != nil {
		s.b.Fatal(err)
	}
}

// load puts a ledger into a table of a real PostgreSQL, and tells how fast the server alone gives its rows.
func (s scale) load(file string) {
	s.b.Helper()
	p := startPostgres(s.b)
	if err := errors.Join(os.Chmod(s.dir, 0o755), os.Chmod(filepath.Join(s.dir, file), 0o644)); err != nil { // it is made up, and psql is another user's
		s.b.Fatal(err)
	}
	p.do(s.b, "CREATE TABLE owed (customer text, asset text, balance numeric)")
	p.do(s.b, fmt.Sprintf("\\copy owed FROM '%s' CSV HEADER", filepath.Join(s.dir, file)))
	start := time.Now()
	p.do(s.b, "\\copy owed TO '/dev/null' CSV")
	s.b.Logf("psql alone takes %v to copy the table out", time.Since(start).Round(10*time.Millisecond))
	if err := os.WriteFile(filepath.Join(s.dir, "db.url"), []byte(p.url("", "")), 0o600); err != nil {
		s.b.Fatal(err)
	}
}

func (s scale) measure(rows uint64, args ...string) {
	s.b.Helper()
	start := time.Now()
	state := s.assay(args...)
	took := time.Since(start)
	s.b.ReportMetric(took.Seconds(), "s")
	s.b.ReportMetric((state.UserTime() + state.SystemTime()).Seconds(), "CPU-s")
	s.b.ReportMetric(float64(rows)/took.Seconds()/1e6, "Mrows/s")
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		s.b.ReportMetric(float64(usage.Maxrss)/1024, "MB-resident") // Linux tells KiB
	}
}
