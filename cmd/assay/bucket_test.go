package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/merkle/store/storetest"
	"github.com/assay-por/assay/report"
	"github.com/google/go-cmp/cmp"
)

const s3Keys = "AWS_ACCESS_KEY_ID=" + storetest.AccessKey + "\nAWS_SECRET_ACCESS_KEY=" + storetest.SecretKey + "\n"

// inBucket writes into dir the configuration of a ledger, and of a store if one is named, at a server.
func inBucket(t testing.TB, dir, address, store string, files ...string) *Config {
	t.Helper()
	text := strings.Replace(offlineConfig, `["ledger.csv"]`, `["`+strings.Join(files, `", "`)+`"]`, 1)
	text += fmt.Sprintf("[run]\nstore = %q\n[s3]\nendpoint = \"http://%s\"\nregion = %q\ncredentials = \"file:s3.env\"\n", store, address, storetest.Region)
	for name, content := range map[string]string{"assay.toml": text, "s3.env": s3Keys} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := loadConfig(filepath.Join(dir, "assay.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// put writes an object, whatever is there.
func put(t testing.TB, s *storetest.Server, key string, content []byte) {
	t.Helper()
	client, err := s.Client(storetest.SecretKey)
	if err == nil {
		_, err = client.PutObject(context.Background(), storetest.Name, key, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestS3Config(t *testing.T) {
	const whole = "[s3]\nendpoint = \"https://s3.example\"\ncredentials = \"file:s3.env\"\n"
	for text, want := range map[string]string{
		whole: "",
		strings.Replace(whole, "https://s3.example", "http://127.0.0.1:9000", 1):  "",
		strings.Replace(whole, "https://s3.example", "http://localhost:9000/", 1): "",
		whole + "[run]\nstore = \"s3://bucket\"":                                  "",
		whole + "[run]\nstore = \"s3://bucket/a/b/\"":                             "",
		whole + "[ledger]\nfiles = [\"a.csv\", \"s3://bucket/a/*.csv\"]":          "",
		whole + "[run]\nstore = \"bucket/a\"":                                     `run.store: got "bucket/a", want a name such as s3://bucket/folder`,
		whole + "[run]\nstore = \"s3://Bucket_\"":                                 "run.store: got \"s3://Bucket_\", which names no bucket",
		whole + "[run]\nstore = \"s3://bucket//a\"":                               "which has an empty folder",
		whole + "[ledger]\nfiles = [\"s3:///a.csv\"]":                             "ledger.files: got \"s3:///a.csv\", which names no bucket",
		"[run]\nstore = \"s3://bucket\"":                                          "run.store begins with s3://: say under [s3]",
		"[ledger]\nfiles = [\"s3://bucket/a.csv\"]":                               "ledger.files begins with s3://: say under [s3]",
		whole + "[server]\nreports = \"s3://bucket/a\"\nproofs = \"s3://bucket/b\"\nproofs_key = \"file:k\"\nkey = \"file:r\"":  "",
		whole + "[server]\nreports = \"s3://bucket/a\"\nproofs = \"s3://bucket/a/\"\nproofs_key = \"file:k\"\nkey = \"file:r\"": "server.proofs: s3://bucket/a is that of server.reports",
		whole + "[server]\nreports = \"s3://Bucket_/a\"":                                                                        "server.reports: got \"s3://Bucket_/a\", which names no bucket",
		whole + "[log]\norigin = \"x.example/log\"\nbucket = \"a\"":                                                             `log.bucket: got "a", want a name such as s3://bucket/folder`,
		whole + "[log]\nbucket = \"s3://bucket/log\"":                                                                           "log.bucket: it is a copy of the [log], which has no origin",
		"[server]\nreports = \"s3://bucket/a\"":                                                                                 "server.reports begins with s3://: say under [s3]",
		"[server]\ncache_size = \"much\"":                                                                                       "server.cache_size: got",
		"[s3]\nendpoint = \"https://s3.example\"":                                                                               "s3.credentials: write file:PATH",
		"[s3]\nregion = \"x\"":                                                         "s3.credentials: write file:PATH",
		strings.Replace(whole, "file:s3.env", "canary", 1):                             "s3.credentials: write file:PATH",
		strings.Replace(whole, "https://s3.example", "http://s3.example", 1):           "s3.endpoint: the server's URL begins with https://",
		strings.Replace(whole, "https://s3.example", "http://127.0.0.1.example", 1):    "s3.endpoint: the server's URL begins with https://",
		strings.Replace(whole, "https://s3.example", "ftp://127.0.0.1", 1):             "s3.endpoint: the server's URL begins with https://",
		strings.Replace(whole, "https://s3.example", "", 1):                            "s3.endpoint: want https://HOST",
		strings.Replace(whole, "https://s3.example", "s3.example", 1):                  "s3.endpoint: want https://HOST",
		strings.Replace(whole, "https://s3.example", "https://s3.example/bucket", 1):   "s3.endpoint: want https://HOST",
		strings.Replace(whole, "https://s3.example", "https://u:canary@s3.example", 1): "s3.endpoint: want https://HOST",
		strings.Replace(whole, "https://s3.example", "https://s3.example?x=canary", 1): "s3.endpoint: want https://HOST",
		strings.Replace(whole, "https://s3.example", "https://s3.example:canary", 1):   "s3.endpoint: want https://HOST",
		whole + "secret = \"canary\"":                                                  `unknown key "s3.secret"`,
	} {
		_, err := parseConfig([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%s\ngot %v, want %q", text, err, want)
		}
	}
}

func TestS3Credentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s3.env")
	for text, want := range map[string]string{
		s3Keys: "",
		"AWS_SECRET_ACCESS_KEY=b\r\nAWS_SESSION_TOKEN=c==\r\nAWS_ACCESS_KEY_ID=a\r\n": "",
		"":                                    "is empty",
		"AWS_ACCESS_KEY_ID=canary\n":          "want two lines",
		"canary\n":                            "s3.env:1: want AWS_ACCESS_KEY_ID=…",
		s3Keys + "AWS_REGION=canary\n":        "s3.env:3: want",
		s3Keys + "AWS_ACCESS_KEY_ID=canary\n": "s3.env:3: want",
		"AWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY=canary":         "s3.env:1: want",
		"AWS_ACCESS_KEY_ID=a\n\nAWS_SECRET_ACCESS_KEY=canary":      "s3.env:2: want",
		"AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=\"canary\"":    "s3.env:2: want",
		"AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY= canary":       "s3.env:2: want",
		"export AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=canary": "s3.env:1: want",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s3Credentials(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	if err := os.WriteFile(path, []byte(s3Keys), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s3Credentials(path); err == nil || !strings.Contains(err.Error(), "others can read") || exitCode(err) != exitRefused {
			t.Errorf("mode %o: got %v", mode, err)
		}
	}
	if _, err := s3Credentials(path + ".gone"); err == nil || exitCode(err) != exitUnreadable {
		t.Errorf("got %v", err)
	}
}

// The files of a build lie in the run's directory, or in the bucket that run.store names.
func TestStore(t *testing.T) {
	server := storetest.Start(t)
	dir, run, ctx := t.TempDir(), t.TempDir(), context.Background()
	for name, file := range map[string]string{
		"":                         filepath.Join(run, "tree/x"),
		"s3://assay-test":          filepath.Join(server.Folder, "tree/x"),
		"s3://assay-test/some/of/": filepath.Join(server.Folder, "some/of/tree/x"),
	} {
		c := inBucket(t, dir, server.Address, name, "ledger.csv")
		s, err := c.store(run)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Write(ctx, s, "tree/x", []byte(name+".")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := read(t, file); got != name+"." {
			t.Errorf("%s: got %q", file, got)
		}
	}
	c := inBucket(t, dir, server.Address, "s3://assay-test", "ledger.csv")
	if err := os.Chmod(filepath.Join(dir, "s3.env"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := c.store(run); err == nil || !strings.Contains(err.Error(), "others can read") {
		t.Errorf("got %v", err)
	}
}

// A server that says nothing any more is not waited for without end.
func TestS3Silent(t *testing.T) {
	server := storetest.Start(t)
	put(t, server, "large", make([]byte, 64<<20))
	keys := credentials.NewStaticV4(storetest.AccessKey, storetest.SecretKey, "")
	client, err := s3Client(S3Config{Endpoint: "http://" + server.Address, Region: storetest.Region}, keys, s3Waits{time.Second, 4})
	if err != nil {
		t.Fatal(err)
	}
	b, ctx := &store.Bucket{Client: client, Name: storetest.Name}, context.Background()
	f, err := b.Open(ctx, "large")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Read(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // it is not silent: nobody asked it
	if _, err := f.Read(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Signal(syscall.SIGCONT) }()
	_, reading := io.Copy(io.Discard, f)
	writing := store.Write(ctx, b, "file", make([]byte, 8<<20))
	for op, err := range map[string]error{"read": reading, "write": writing} {
		if err == nil || !strings.HasSuffix(err.Error(), ": the server does not answer in time") || exitCode(err) != exitNetwork {
			t.Errorf("%s: got %v", op, err)
		}
	}
	_ = server.Signal(syscall.SIGCONT)
	if err := store.Write(ctx, b, "file", make([]byte, 8<<20)); err != nil {
		t.Errorf("once it speaks again: %v", err)
	}
}

// The server shows a certificate that is known here, or nothing is said to it.
func TestS3Verified(t *testing.T) {
	certificate := selfSigned(t, t.TempDir(), "own")
	server := storetest.Start(t, "--cert", certificate, "--key", certificate+".key")
	assay, _ := programs(t)
	dir := t.TempDir()
	inBucket(t, dir, server.Address, "s3://assay-test/run", "local.csv")
	text := strings.Replace(read(t, dir, "assay.toml"), "http://", "https://", 1)
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for known, want := range map[string]string{
		certificate:                      "ok    store      s3://assay-test/run can be written",
		selfSigned(t, t.TempDir(), "it"): "FAIL  store      run.store: s3://assay-test/run/.doctor-",
	} {
		t.Setenv("SSL_CERT_FILE", known)
		if _, stdout, stderr := call(t, dir, assay, "doctor"); !strings.Contains(stdout, want) {
			t.Errorf("doctor says %s%s, want %s", stdout, stderr, want)
		}
	}
}

func TestLedgerObjects(t *testing.T) {
	server := storetest.Start(t)
	for _, key := range []string{"a.csv", "day/b.csv", "day/c.csv.zst", "day/.hidden", "day/_SUCCESS", "day/_old/x.csv", "day-2/d.csv", "deep/er/e.csv", "e[1].csv", "hid/.x", "+ é/f.csv"} {
		put(t, server, key, []byte("x"))
	}
	dir := t.TempDir()
	for _, c := range []struct {
		patterns []string
		want     string // names, or the error
	}{
		{[]string{"a.csv"}, "a.csv"},
		{[]string{"*.csv"}, "a.csv e[1].csv"},
		{[]string{"day/*.csv*"}, "day/b.csv day/c.csv.zst"},
		{[]string{"day/?.csv", "day/[bc].csv", "a.csv"}, "a.csv day/b.csv"},
		{[]string{"day/"}, "day/b.csv day/c.csv.zst"},
		{[]string{"day"}, "day/b.csv day/c.csv.zst"},
		{[]string{"day*"}, "day-2/d.csv day/b.csv day/c.csv.zst"},
		{[]string{`e\[1\].csv`}, "e[1].csv"},
		{[]string{"+ é/f.csv"}, "+ é/f.csv"},
		{[]string{"day/.h*"}, "day/.hidden"},
		{[]string{"deep/er"}, "deep/er/e.csv"},
		{[]string{"a.csv/"}, "ledger.files: nothing matches s3://assay-test/a.csv/"},
		{[]string{"none"}, "ledger.files: nothing matches s3://assay-test/none"},
		{[]string{"day/b"}, "ledger.files: nothing matches s3://assay-test/day/b"},
		{[]string{"deep"}, "ledger.files: s3://assay-test/deep/er is a folder in a folder: name it by itself"},
		{[]string{""}, "ledger.files: s3://assay-test/+ é is a folder in a folder: name it by itself"},
		{[]string{"hid"}, "ledger.files: the folder s3://assay-test/hid/ has no files"},
		{[]string{"*/b.csv"}, `ledger.files: "*/b.csv" is not a pattern: at s3:// it stands after the last slash`},
		{[]string{"[a"}, `ledger.files: "[a" is not a pattern: at s3:// it stands after the last slash`},
	} {
		var files []string
		for _, p := range c.patterns {
			files = append(files, "s3://assay-test/"+p)
		}
		config := inBucket(t, dir, server.Address, "", "ledger.csv")
		config.Ledger.Files = append(files, "local.csv")
		objects, err := ledgerObjects(context.Background(), config)
		var got []string
		for _, o := range objects {
			got = append(got, strings.TrimPrefix(o.name(), "s3://assay-test/"))
		}
		if text := strings.Join(got, " "); err != nil && err.Error() != c.want || err == nil && text != c.want {
			t.Errorf("%q: got %s, %v, want %s", c.patterns, text, err, c.want)
		}
		if err != nil && exitCode(err) != exitUnreadable {
			t.Errorf("%q: exit %d", c.patterns, exitCode(err))
		}
	}
}

const ledgerRows = "customer,asset,balance\ncarol,BTC,0.25\ndave,ETH,1.5\n"

// An object that is replaced between the digest and the reading is not taken for the one before.
func TestLedgerObjectChanged(t *testing.T) {
	server := storetest.Start(t)
	ctx := context.Background()
	c := inBucket(t, t.TempDir(), server.Address, "", "s3://assay-test/ledger/")
	put(t, server, "ledger/a.csv", []byte(ledgerRows))
	_, first, err := answered(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, again, err := answered(ctx, c); err != nil || again != first {
		t.Errorf("read again: digest %s, %v, want %s", again, err, first)
	}
	in, err := openLedger(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	put(t, server, "ledger/a.csv", []byte(strings.Replace(ledgerRows, "0.25", "0.26", 1)))
	_, err = in.summary(ctx, report.Snapshot{}, nil, newProgress(io.Discard, true))
	if err == nil || err.Error() != "ledger file s3://assay-test/ledger/a.csv: the object is another one than when it was opened or listed" {
		t.Errorf("got %v", err)
	}
	if _, other, err := answered(ctx, c); err != nil || other == first {
		t.Errorf("replaced: digest %s, %v, want another one", other, err)
	}
	if in, err = openLedger(ctx, c); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	_, err = in.summary(ctx, report.Snapshot{}, nil, newProgress(io.Discard, true))
	if err == nil || exitCode(err) != exitNetwork || !strings.HasPrefix(err.Error(), "ledger file s3://assay-test/ledger/a.csv: dial tcp ") {
		t.Errorf("of a server that is gone: got %v", err)
	}
	if _, err := openLedger(ctx, c); err == nil || exitCode(err) != exitNetwork {
		t.Errorf("of a server that is gone: got %v", err)
	}
}

// TestLedgerInBucket: the same ledger gives the same root, wherever and however it lies; and the verbs say where a fault is.
func TestLedgerInBucket(t *testing.T) {
	server := storetest.Start(t)
	assay, _ := programs(t)
	dir := workplace(t, assay, 3000)
	check, _ := mustCall(t, dir, assay, "ledger", "check")
	tree, _ := mustCall(t, dir, assay, "build")
	for _, name := range []string{"l.csv.zst", "l.csv.gz", "l.parquet"} {
		mustCall(t, dir, assay, "ledger", "synth", "--customers", "3000", "--held", "2", "--out", name)
		put(t, server, "whole/"+name, []byte(read(t, dir, name)))
	}
	header, rows, _ := strings.Cut(read(t, dir, "ledger.csv"), "\n")
	middle := strings.Index(rows[len(rows)/2:], "\n") + len(rows)/2 + 1
	put(t, server, "halves/1.csv", []byte(header+"\n"+rows[middle:]))
	put(t, server, "halves/_SUCCESS", nil)
	put(t, server, "halves/2.csv", []byte(header+"\n"+rows[:middle]))
	for _, pattern := range []string{"whole/*.zst", "whole/l.csv.gz", "whole/*.parquet", "halves/"} {
		inBucket(t, dir, server.Address, "s3://assay-test/run", "s3://assay-test/"+pattern)
		if got, _ := mustCall(t, dir, assay, "ledger", "check"); got != check {
			t.Errorf("%s: check says %s, want %s", pattern, got, check)
		}
		if code, _, stderr := call(t, dir, assay, "build"); code != exitRefused || !strings.Contains(stderr, "the ledger or its rules changed") {
			t.Errorf("%s: exit %d: %s", pattern, code, stderr)
		}
		if got, _ := mustCall(t, dir, assay, "build", "--again"); got != tree {
			t.Errorf("%s: %s, want %s", pattern, got, tree)
		}
		if got, _ := mustCall(t, dir, assay, "build"); got != tree {
			t.Errorf("%s, unchanged: %s, want %s", pattern, got, tree)
		}
	}
	if err := os.Remove(filepath.Join(dir, "run", fileBuild)); err != nil {
		t.Fatal(err)
	}
	_, stdout, _ := call(t, dir, assay, "doctor")
	estimated := fmt.Sprintf("ok    build      about %s entries of up to ", grouped(rounded(int64(strings.Count(rows, "\n")))))
	for _, want := range []string{"ok    ledger     2 files, 0 MiB", estimated, " in s3://assay-test/run (how much is free is not told there)", "ok    store      s3://assay-test/run can be written; the first file of a name stays"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("doctor says %s, want %s", stdout, want)
		}
	}
	put(t, server, "halves/3.csv", []byte("customer,asset,balance\nSECRET,BTC,1\nSECRET,BTC,-7777\n"))
	code, _, stderr := call(t, dir, assay, "build", "--again")
	if code != exitUnreadable || !strings.Contains(stderr, "s3://assay-test/halves/3.csv:3: column balance: is below zero") || strings.Contains(stderr, "SECRET") || strings.Contains(stderr, "7777") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "s3.env"), []byte(strings.Replace(s3Keys, "4711", "4712", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stdout, stderr = call(t, dir, assay, "doctor")
	for _, want := range []string{"FAIL  ledger     s3://assay-test/halves: the server refuses the credentials", "FAIL  store      run.store: s3://assay-test/run/.doctor-"} {
		if !strings.Contains(stdout, want) || strings.Contains(stdout+stderr, "canary") {
			t.Errorf("doctor says %s%s, want %s", stdout, stderr, want)
		}
	}
}

// BenchmarkS3 reads a ledger from a server on this machine, beside the same files on disk.
func BenchmarkS3(b *testing.B) {
	server := storetest.Start(b)
	dir := b.TempDir()
	for _, name := range []string{"l.csv", "l.csv.zst", "l.parquet"} {
		var packed bytes.Buffer
		if err := synth(&packed, name, ledger.SynthOptions{Customers: 300_000, Assets: 2, IDs: []ledger.Asset{{ID: "BTC", Decimals: 8}, {ID: "ETH", Decimals: 18}}, Held: 2, Seed: 1}); err != nil {
			b.Fatal(err)
		}
		put(b, server, name, packed.Bytes())
		if err := os.WriteFile(filepath.Join(dir, name), packed.Bytes(), 0o600); err != nil {
			b.Fatal(err)
		}
		for _, place := range []string{"", "s3://assay-test/"} {
			b.Run(egress.Quote(place)+name, func(b *testing.B) {
				c := inBucket(b, dir, server.Address, "", place+name)
				b.SetBytes(int64(packed.Len()))
				for b.Loop() {
					if _, _, err := answered(context.Background(), c); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestTreeInBucket: a run whose tree lies in a bucket proves the same as any other, and leaves no spools there.
func TestTreeInBucket(t *testing.T) {
	server := storetest.Start(t)
	assay, verify := programs(t)
	dir := workplace(t, assay, 500)
	want, _ := mustCall(t, dir, assay, "build")
	inBucket(t, dir, server.Address, "s3://assay-test/of/scale", "ledger.csv")
	if got, _ := mustCall(t, dir, assay, "build", "--again"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	mustCall(t, dir, assay, "run")
	mustCall(t, dir, verify, "bundle", "bundle.zip", "--policy", "policy.toml", "--full")
	customer, _, _ := strings.Cut(strings.Split(read(t, dir, "ledger.csv"), "\n")[7], ",")
	mustCall(t, dir, assay, "prove", "--customer", customer, "--out", "proof.json")
	mustCall(t, dir, verify, "proof", "proof.json", "--customer", customer, "--policy", "policy.toml", "--shard", "bundle/liabilities")
	var kept []string
	for _, path := range tree(t, filepath.Join(server.Folder, "of", "scale")) {
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			kept = append(kept, filepath.Base(path))
		}
	}
	if diff := cmp.Diff([]string{"shard-00000.leaves", "shard-00000.proof", "top.proof", "scan-000.json", "shard-00000.json", "00000.age"}, kept); diff != "" {
		t.Errorf("in the bucket:\n%s", diff)
	}
	server.Kill()
	for _, args := range [][]string{{"--customer", customer, "--out", "other.json"}, {"--all", "--out", "archives"}} {
		if code, _, stderr := call(t, dir, assay, append([]string{"prove"}, args...)...); code != exitNetwork {
			t.Errorf("prove %s of a server that is gone: exit %d: %s", args[0], code, stderr)
		}
	}
}

// TestTreeOfAnotherSecret: a run that begins anew, of the same ledger at the same instant, draws another secret, and takes nothing for
// its own that the first one left in the bucket.
func TestTreeOfAnotherSecret(t *testing.T) {
	server := storetest.Start(t)
	assay, _ := programs(t)
	dir := workplace(t, assay, 100)
	inBucket(t, dir, server.Address, "s3://assay-test/of", "ledger.csv")
	first, _ := mustCall(t, dir, assay, "build")
	var snap report.Snapshot
	if err := json.Unmarshal([]byte(read(t, dir, "run", "snapshot.json")), &snap); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "run")); err != nil {
		t.Fatal(err)
	}
	mustCall(t, dir, assay, "snapshot", "--at", snap.Instant.Format(time.RFC3339))
	if second, _ := mustCall(t, dir, assay, "build"); second == first {
		t.Errorf("the new run has the old one's tree: %s", second)
	}
}

// TestLedgerOutlivesTask: a worker opens a ledger once; each of its tasks reads it as long as that task lasts.
func TestLedgerOutlivesTask(t *testing.T) {
	server := storetest.Start(t)
	put(t, server, "l.csv", []byte("customer,asset,balance\na,BTC,1\n"))
	c := inBucket(t, t.TempDir(), server.Address, "", "s3://assay-test/l.csv")
	task, end := context.WithCancel(context.Background())
	in, err := openLedger(task, c)
	if err != nil {
		t.Fatal(err)
	}
	end()
	if err := ledger.Locate(context.Background(), in.sources, ledgerAssets(c), c.rules(), ""); err != nil {
		t.Errorf("the next task: %v", err)
	}
	if err := ledger.Locate(task, in.sources, ledgerAssets(c), c.rules(), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("the one that ended: %v", err)
	}
}
