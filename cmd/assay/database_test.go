package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/report"
)

// querying is the configuration of a folder whose ledger is the answer to a query.
func querying(t testing.TB, url, query string) *Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "db.url"), []byte(url+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(offlineConfig, `files = ["ledger.csv"]`, fmt.Sprintf("query = %q\ndatabase = \"file:db.url\"", query), 1)
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(filepath.Join(dir, "assay.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answered reads the ledger, and returns the digest of the input too.
func answered(ctx context.Context, c *Config) (ledger.Summary, string, error) {
	in, err := openLedger(ctx, c)
	if err != nil {
		return ledger.Summary{}, "", err
	}
	summary, err := in.summary(ctx, report.Snapshot{}, nil, newProgress(io.Discard, true))
	if err == nil {
		err = in.identify(ctx)
	}
	return summary, in.digest, err
}

func TestQuery(t *testing.T) {
	p := startPostgres(t)
	p.do(t, `CREATE TABLE owed (customer text, class varchar(10), asset text, balance numeric);
		INSERT INTO owed VALUES ('carol', 'spot', 'BTC', 0.25), ('dave, "jr"', 'spot', 'ETH', 1.000000000000000001), ('carol', 'earn', 'BTC', 1), ('erin', 'spot', 'BTC', 0)`)
	path := filepath.Join(t.TempDir(), "ledger.csv")
	if err := os.WriteFile(path, []byte("customer,class,asset,balance\ncarol,spot,BTC,0.25\n\"dave, \"\"jr\"\"\",spot,ETH,1.000000000000000001\ncarol,earn,BTC,1\nerin,spot,BTC,0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := querying(t, "host=/tmp", "x")
	c.Ledger.Query, c.Ledger.Database, c.Ledger.Files = "", "", []string{path}
	want, _, err := answered(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	var digests []string
	for _, query := range []string{
		"SELECT customer, class, asset, balance FROM owed -- all of it",
		"SELECT customer, class, asset, balance FROM owed ORDER BY balance;",
		"SELECT customer, class, asset, balance::text FROM owed",
		`SELECT customer, class, sum(balance) FILTER (WHERE asset = 'BTC') AS "BTC", sum(balance) FILTER (WHERE asset = 'ETH') AS "ETH" FROM owed GROUP BY 1, 2`,
	} {
		for _, url := range []string{p.url("", ""), p.url("127.0.0.1", "")} {
			got, digest, err := answered(context.Background(), querying(t, url, query))
			if err != nil {
				t.Errorf("%s: %v", query, err)
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
			digests = append(digests, digest)
		}
	}
	for i := range digests {
		if same := digests[i] == digests[i^1]; !same || digests[i] == digests[(i+2)%len(digests)] {
			t.Errorf("digests are %q, want pairs of them", digests)
		}
	}
	t.Run("faults", func(t *testing.T) { testQueryFaults(t, p) })
	t.Run("one moment", func(t *testing.T) { testOneMoment(t, p) })
	t.Run("stopped", func(t *testing.T) { testQueryStopped(t, p) })
	t.Run("verbs", func(t *testing.T) { testQueryVerbs(t, p) })
	t.Run("verified", func(t *testing.T) { testQueryVerified(t, p) })
	t.Run("planned", func(t *testing.T) { testQueryPlanned(t, p) })
}

func testQueryFaults(t *testing.T, p *postgres) {
	p.do(t, "CREATE FUNCTION spend() RETURNS text LANGUAGE sql AS $$ INSERT INTO owed VALUES ('SECRET') RETURNING customer $$")
	const rows = "SELECT * FROM (VALUES ('a', 'BTC', %s), ('SECRET', 'BTC', %s)) AS v (customer, asset, balance)"
	for _, c := range []struct {
		query, want string
		code        int
	}{
		{fmt.Sprintf(rows, "1", "7777.123456789"), "ledger.query: row 2: column balance: has more decimals than the asset", exitUnreadable},
		{fmt.Sprintf(rows, "1", "-7777"), "ledger.query: row 2: column balance: is below zero", exitUnreadable},
		{fmt.Sprintf(rows, "1", "NULL"), "ledger.query: row 2: column balance: is empty", exitUnreadable},
		{fmt.Sprintf(rows, "1.0", "'NaN'"), "ledger.query: row 2: column balance: is not a number", exitUnreadable},
		{fmt.Sprintf(rows, "1.0::float8", "7777"), `ledger.query: column "balance" holds floating-point numbers`, exitRefused},
		{fmt.Sprintf(rows, "1.0::float4", "7777"), `ledger.query: column "balance" holds floating-point numbers`, exitRefused},
		{fmt.Sprintf(rows, "'1'::money", "'7777'"), `ledger.query: column "balance" is none of text, varchar, numeric and integers`, exitRefused},
		{"SELECT 1.5 AS customer, 2 AS \"BTC\"", `ledger.query: column "customer" is numeric: cast it to text`, exitRefused},
		{"SELECT 'a' AS customer, 2 AS \"DOGE\"", "ledger.query: column 2 of the header is not an asset of the registry", exitUnreadable},
		{"SELECT 'a' AS customer, 2 AS \"BTC\" WHERE false", "ledger.query: the ledger has no rows", exitUnreadable},
		{"SELECT $1 AS customer", "ledger.query: has parameters", exitRefused},
		{"SELECT 1; DROP TABLE owed", "ledger.query: the server says cannot insert multiple commands", exitRefused},
		{"SELECT 1) TO STDOUT; DROP TABLE owed; COPY (SELECT 1", "ledger.query: the server says syntax error", exitRefused},
		{"SELECT customer FROM nobody", "ledger.query: the server says relation \"nobody\" does not exist", exitRefused},
		{"SELECT spend() AS customer, 1 AS \"BTC\"", "ledger.query: the server gave it up with SQLSTATE 25006", exitRefused},
		{"SELECT customer, (customer || '7777')::int AS \"BTC\" FROM owed", "ledger.query: the server gave it up with SQLSTATE 22P02", exitRefused},
	} {
		_, _, err := answered(context.Background(), querying(t, p.url("", ""), c.query))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || exitCode(err) != c.code {
			t.Errorf("%s: got %v, exit %d, want %s, exit %d", c.query, err, exitCode(err), c.want, c.code)
		} else if regexp.MustCompile("SECRET|7777|carol|canary|" + p.socket).MatchString(err.Error()) {
			t.Errorf("%s: the error repeats what is secret: %v", c.query, err)
		}
	}
	if n := p.do(t, "SELECT count(*) FROM owed"); n != "4" {
		t.Errorf("the table has %s rows now, want 4", n)
	}
	query := "SELECT customer, asset, class, balance FROM owed"
	for url, want := range map[string]string{
		strings.Replace(p.url("127.0.0.1", ""), "4711", "4712", 1):             "ledger.database: the server refuses the user or the password (SQLSTATE 28P01)",
		strings.Replace(p.url("127.0.0.1", ""), "/postgres?", "/canarydb?", 1): "ledger.database: the server has no such database",
		"postgres://canaryuser:canary@127.0.0.1:1/postgres":                    "ledger.database: connection refused",
		"postgres://canaryuser:canary@canary.invalid/x?sslmode=verify-full":    "ledger.database: its host has no address",
	} {
		if _, _, err := answered(context.Background(), querying(t, url, query)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// testOneMoment: what others write while the rows come is not among them.
func testOneMoment(t *testing.T, p *postgres) {
	p.do(t, "CREATE TABLE many AS SELECT 'c' || g AS customer, 1 AS \"BTC\" FROM generate_series(1, 300000) g")
	d, err := openDatabase(querying(t, p.url("", ""), "SELECT * FROM many"))
	if err != nil {
		t.Fatal(err)
	}
	result, err := d.rows(context.Background(), new(rowSum))
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	lines := bufio.NewScanner(result)
	n := 0
	for lines.Scan() {
		if n++; n == 1 {
			p.do(t, "INSERT INTO many SELECT 'late' || g, 1 FROM generate_series(1, 1000) g; DELETE FROM many WHERE customer = 'c300000'")
		}
	}
	if err := lines.Err(); err != nil || n != 300_001 {
		t.Errorf("got %d lines, %v, want those of the moment before, 300001", n, err)
	}
}

// endless gives rows as long as somebody reads them.
const endless = `SELECT 'c' || g AS customer, 1 AS "BTC" FROM (SELECT generate_series(1, 2000000000) AS g) AS x`

// nowhere is a sink.
type nowhere struct{}

func (nowhere) Add([]byte, []ledger.Entry) error { return nil }

// testQueryStopped: who reads no more ends the query.
func testQueryStopped(t *testing.T, p *postgres) {
	ctx, cancel := context.WithCancel(context.Background())
	in, err := openLedger(ctx, querying(t, p.url("", ""), endless))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	stop := func(int64) {
		if read++; read == 5 {
			cancel()
		}
	}
	if _, err := ledger.Scan(ctx, in.sources, ledgerAssets(in.config), ledger.Rules{}, []ledger.Sink{nowhere{}}, stop); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	faulty := `SELECT customer, "BTC" - 3 AS "BTC" FROM (` + endless + ") AS y"
	if _, _, err := answered(context.Background(), querying(t, p.url("", ""), faulty)); err == nil || !strings.HasPrefix(err.Error(), "ledger.query: row 1: column BTC: is below zero") {
		t.Errorf("got %v", err)
	}
	waitFor(t, "at rest", func() bool { return len(p.asking(t, "state <> 'idle'")) == 0 })
}

// testQueryVerbs: doctor, check and build read a query as they read files, and build notices that its rows changed.
func testQueryVerbs(t *testing.T, p *postgres) {
	assay, _ := programs(t)
	c := querying(t, p.url("127.0.0.1", "sslmode=disable"), "SELECT customer, asset, class, balance FROM owed")
	dir := filepath.Dir(c.path)
	mustCall(t, dir, assay, "init")
	if code, stdout, _ := call(t, dir, assay, "doctor"); code != exitRefused && code != exitDone || !strings.Contains(stdout, "ok    ledger     a query of a database, with columns customer, asset, class, balance") {
		t.Errorf("doctor: exit %d: %s", code, stdout)
	}
	if stdout, _ := mustCall(t, dir, assay, "ledger", "check"); !strings.Contains(stdout, "3 customers, 4 entries") {
		t.Errorf("ledger check: %s", stdout)
	}
	mustCall(t, dir, assay, "snapshot")
	first, _ := mustCall(t, dir, assay, "build")
	p.do(t, "CREATE TABLE sorted AS SELECT * FROM owed ORDER BY customer DESC; TRUNCATE owed; INSERT INTO owed SELECT * FROM sorted")
	if again, _ := mustCall(t, dir, assay, "build"); again != first {
		t.Errorf("of rows in another order: %s, want %s", again, first)
	}
	p.do(t, "UPDATE owed SET balance = 0.5 WHERE customer = 'erin'")
	if code, _, stderr := call(t, dir, assay, "build"); code != exitRefused || !strings.Contains(stderr, "the ledger or its rules changed since the tree was built") {
		t.Errorf("of other rows: exit %d: %s", code, stderr)
	}
	if again, _ := mustCall(t, dir, assay, "build", "--again"); again == first {
		t.Error("build --again gives the tree of the rows before")
	}
}

// testQueryPlanned: the planner tells how many rows there are, without any being read, and refuses nothing by it.
func testQueryPlanned(t *testing.T, p *postgres) {
	p.do(t, "CREATE TABLE plenty AS SELECT i::text AS customer, 'BTC'::text AS asset, 1::numeric AS balance FROM generate_series(1, 20000) AS i; ANALYZE plenty")
	for query, want := range map[string]ledgerSize{
		"SELECT customer, asset, balance FROM plenty -- all":                  {20_000, 20_000, 20_000 * entryBytes},
		`SELECT customer, 1 AS "BTC", balance AS "ETH" FROM plenty;`:          {40_000, 20_000, 40_000 * entryBytes},
		"SELECT customer, asset, 1 / (balance - 1) AS balance FROM plenty":    {20_000, 20_000, 20_000 * entryBytes},
		"SELECT customer, asset, balance FROM plenty WHERE customer = 'none'": {1, 1, entryBytes},
	} {
		s := &stages{ctx: t.Context(), config: querying(t, p.url("", ""), query)}
		if got, err := s.ledgerSize(); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", query, got, err, want)
		}
	}
	assay, _ := programs(t)
	former := workplace(t, assay, 100)
	mustCall(t, former, assay, "run")
	c := querying(t, p.url("", ""), "SELECT customer, asset, balance FROM plenty")
	c.Series.Former = filepath.Join(former, "bundle", report.PathEnvelope)
	entries := int64(strings.Count(read(t, former, "ledger.csv"), "\n")) - 1
	want := ledgerSize{20_000, 20_000 * 100 / entries, 20_000 * entryBytes}
	if got, err := (&stages{ctx: t.Context(), config: c}).ledgerSize(); err != nil || got != want || entries < 110 {
		t.Errorf("after a statement of 100 customers and %d entries: got %+v, %v, want %+v", entries, got, err, want)
	}
	s := &stages{ctx: t.Context(), config: querying(t, p.url("", ""), "SELECT customer FROM nobody")}
	if _, err := s.ledgerSize(); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("of a query that the server does not take: %v", err)
	}
	dir := filepath.Dir(querying(t, p.url("127.0.0.1", "sslmode=disable"), "SELECT i::text AS customer, 1 AS \"BTC\" FROM generate_series(1, 9000000000000) AS i").path)
	if _, stdout, _ := call(t, dir, assay, "doctor"); !strings.Contains(stdout, "ok    build      about 9,000,000,000,000 entries of up to 9,000,000,000,000 customers: ") || !strings.Contains(stdout, "the database's planner guesses the rows, so nothing is refused by them") {
		t.Errorf("doctor: %s", stdout)
	}
}

// testQueryVerified: with verify-full the server shows a certificate of its host, by an authority that the URL names.
func testQueryVerified(t *testing.T, p *postgres) {
	own, other := p.certificate(t, "own"), p.certificate(t, "other")
	p.do(t, "ALTER SYSTEM SET ssl_cert_file = '"+own+"'")
	p.do(t, "ALTER SYSTEM SET ssl_key_file = '"+own+".key'")
	p.do(t, "ALTER SYSTEM SET ssl = on")
	p.do(t, "SELECT pg_reload_conf()")
	waitFor(t, "with TLS", func() bool { return p.do(t, "SHOW ssl") == "on" })
	const query = `SELECT 'a' AS customer, 1 AS "BTC" FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl`
	for parameters, want := range map[string]string{
		"sslmode=verify-full&sslrootcert=" + own:           "",
		"sslmode=disable":                                  "ledger.query: the ledger has no rows", // without TLS
		"sslmode=verify-full&sslrootcert=" + other:         "ledger.database: the server's certificate is not of its host",
		"sslmode=verify-full&sslrootcert=" + own + ".gone": "ledger.database: the URL in ",
	} {
		_, _, err := answered(context.Background(), querying(t, p.url("127.0.0.1", parameters), query))
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: got %v, want %q", parameters, err, want)
		}
	}
}

// TestX11_DatabaseKilled: a server that dies in the middle of the rows leaves no tree, and the error says who is to blame.
func TestX11_DatabaseKilled(t *testing.T) {
	p := startPostgres(t)
	assay, _ := programs(t)
	dir := filepath.Dir(querying(t, p.url("", ""), endless).path)
	mustCall(t, dir, assay, "init")
	mustCall(t, dir, assay, "snapshot")
	before := append(tree(t, dir), filepath.Join(dir, "run", fileBegun)) // it names the plan, no more
	slices.Sort(before)
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		waitFor(t, "copying", func() bool {
			return p.do(t, "SELECT count(*) FROM pg_stat_progress_copy WHERE tuples_processed > 100000") == "1"
		})
		pids := append(p.asking(t, "true"), p.server.Process.Pid)
		for _, pid := range pids {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
	}()
	code, stdout, stderr := call(t, dir, assay, "build")
	<-killed
	if code != exitNetwork || !strings.Contains(stderr, "ledger.database: ") || strings.Contains(stderr, "canary") || stdout != "" {
		t.Errorf("exit %d, want %d: %s%s", code, exitNetwork, stdout, stderr)
	}
	if diff := cmp.Diff(before, slices.Sorted(slices.Values(tree(t, dir)))); diff != "" {
		t.Errorf("it left: %s", diff)
	}
}

// tree lists the files below dir.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestDatabaseInTheClear: no password and no balance goes over a wire that others may listen at.
func TestDatabaseInTheClear(t *testing.T) {
	for url, private := range map[string]bool{
		"postgres://canary:canary@db.example/x":                               false,
		"postgres://canary:canary@db.example/x?sslmode=disable":               false,
		"postgres://canary:canary@db.example/x?sslmode=allow":                 false,
		"postgres://canary:canary@db.example/x?sslmode=require":               false,
		"postgres://canary:canary@db.example/x?sslmode=verify-ca":             false,
		"postgres://canary:canary@db.example/x?sslmode=verify-full":           true,
		"postgres://canary:canary@127.0.0.1,db.example/x?sslmode=disable":     false,
		"postgres://canary:canary@127.0.0.1,db.example/x?sslmode=verify-full": true,
		"postgres://canary:canary@127.0.0.2/x?sslmode=disable":                true,
		"postgres://canary:canary@[::1]/x":                                    true,
		"postgres://canary:canary@localhost/x":                                true,
		"postgres://canary:canary@localhost.example/x":                        false,
		"postgres://canary:canary@0.0.0.0/x":                                  false,
		"host=/var/run/postgresql user=canary":                                true,
		"host=10.0.0.1 user=canary":                                           false,
	} {
		_, err := openDatabase(querying(t, url, "SELECT 1"))
		if private != (err == nil) || err != nil && (!strings.Contains(err.Error(), "lets others listen") || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s: got %v, private: %v", url, err, private)
		}
	}
	for _, url := range []string{"canary", "postgres://canary:canary@[::1/x", "postgres://canary:canary@h/x?sslmode=canary", "postgres://canary@h:canary/x"} {
		if _, err := openDatabase(querying(t, url, "SELECT 1")); err == nil || !strings.Contains(err.Error(), "does not hold the URL") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestRowSum(t *testing.T) {
	sum := func(parts ...string) string {
		s := new(rowSum)
		for _, part := range parts {
			if n, err := s.Write([]byte(part)); n != len(part) || err != nil {
				t.Fatal(n, err)
			}
		}
		return s.String()
	}
	want := sum("a\n", "b\n", "c\n")
	for _, same := range [][]string{{"c\nb\na\n"}, {"b", "\na", "", "\nc\n"}} {
		if got := sum(same...); got != want {
			t.Errorf("%q: got %s, want %s", same, got, want)
		}
	}
	for _, other := range []string{"a\nb\n", "a\nb\nb\n", "ab\nc\n", "a\nb\nc\nc\n", ""} {
		if sum(other) == want {
			t.Errorf("%q has the sum of other lines", other)
		}
	}
}

// BenchmarkPostgres reads rows from a real server, beside what the server's own client takes to throw them away.
func BenchmarkPostgres(b *testing.B) {
	const rows = 3_000_000
	p := startPostgres(b)
	p.do(b, fmt.Sprintf(`CREATE TABLE owed AS SELECT 'customer' || g/3 || '@example.org' AS customer, (ARRAY['BTC','ETH','USDT'])[g%%3+1] AS asset,
		(g %% 100000)::numeric / 1000 AS balance FROM generate_series(1, %d) g`, rows))
	p.do(b, "VACUUM ANALYZE owed")
	c := querying(b, p.url("", ""), "SELECT customer, asset, balance FROM owed")
	c.Assets = append(c.Assets, AssetConfig{ID: "USDT", Decimals: 6})
	b.Run("psql", func(b *testing.B) {
		for b.Loop() {
			if err := p.command("psql", p.psql("COPY (SELECT customer, asset, balance FROM owed) TO STDOUT")...).Run(); err != nil { // its output goes to /dev/null
				b.Fatal(err)
			}
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("sum", func(b *testing.B) {
		d, err := openDatabase(c)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := d.sum(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("ledger", func(b *testing.B) {
		for b.Loop() {
			got, _, err := answered(context.Background(), c)
			if err != nil || got.Entries != rows {
				b.Fatal(err)
			}
		}
		b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}
