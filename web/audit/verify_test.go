package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

// signer is an audit key.
type signer struct{ private ed25519.PrivateKey }

func newSigner(t testing.TB) signer {
	t.Helper()
	return signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))}
}

func (s signer) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.private, message), nil }

func (s signer) PublicKey() attest.PublicKey {
	return attest.Ed25519Key([32]byte(s.private.Public().(ed25519.PublicKey)))
}

// sqlite3 is the program, with which anybody who has the file can write to it.
func sqlite3(t testing.TB, path, sql string) string {
	t.Helper()
	if out, there := pgtest.SQL(t, path, sql); there {
		return strings.TrimSpace(out)
	}
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("there is no sqlite3 here: apt-get install sqlite3")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-bail", path)
	cmd.Stdin = strings.NewReader(".timeout 10000\n" + sql)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	return string(out)
}

// kept is a log of some rows with heads beside it.
type kept struct {
	log   *store.Store
	path  string
	heads Heads
	key   signer
}

const keptRows = 12

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func newKept(t *testing.T) *kept {
	t.Helper()
	dir := t.TempDir()
	k := &kept{path: filepath.Join(dir, "assay.db"), heads: Heads{filepath.Join(dir, "audit")}, key: newSigner(t)}
	k.log = storetest.Open(t, k.path)
	for i := range keptRows {
		record(t, k.log, fmt.Sprint("object ", i+1))
		if i%4 == 3 {
			k.keep(t, noon.Add(time.Duration(i)*time.Hour*4))
		}
	}
	return k
}

func record(t testing.TB, log *store.Store, object string) {
	t.Helper()
	ctx := With(t.Context(), Origin{Client: "c1"})
	err := log.Write(ctx, func(tx *store.Tx) error {
		return Record(ctx, tx, Act{At: noon, Action: "key.create", Object: object, Outcome: Done})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (k *kept) config(at time.Time) Config {
	return Config{Log: k.log, Heads: k.heads, Signer: k.key, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return at }}
}

// keep signs a head of the log as it is.
func (k *kept) keep(t *testing.T, at time.Time) {
	t.Helper()
	keeper, err := NewKeeper(t.Context(), k.config(at))
	if err == nil {
		err = keeper.keep(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (k *kept) verify(t *testing.T) Verdict {
	t.Helper()
	v, err := Verify(t.Context(), k.log, k.heads.All(k.key.PublicKey()))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerify(t *testing.T) {
	k := newKept(t)
	v := k.verify(t)
	if len(v.Faults) > 0 || v.Rows != keptRows || v.Heads != 3 || len(v.Last) != 64 {
		t.Errorf("%+v", v)
	}
	record(t, k.log, "after the last head")
	if v := k.verify(t); len(v.Faults) > 0 || v.Rows != keptRows+1 {
		t.Errorf("%+v", v)
	}
}

// rechain is SQL that puts right hashes to rows that were altered, which is what whoever has the file can do.
func (k *kept) rechain(t *testing.T) string {
	t.Helper()
	var sql strings.Builder
	var before []byte
	events, err := k.log.Events(t.Context(), 0, most)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range events {
		text := bytes.Replace(e.Text, fmt.Appendf(nil, `"seq":%d}`, e.Seq), fmt.Appendf(nil, `"seq":%d}`, i+1), 1)
		before = link(before, text)
		fmt.Fprintf(&sql, "UPDATE audit SET seq = %d, event = '%s', hash = x'%x' WHERE seq = %d;\n", i+1, text, before, e.Seq)
	}
	return sql.String()
}

// TestFound: whatever is done to rows with the program sqlite3 is found.
func TestFound(t *testing.T) {
	for name, tt := range map[string]struct {
		sql   string
		again bool // the chain is made whole afterwards
		stops bool // no server takes it up, as its newest head shows it
		want  string
	}{
		"edited":                       {"UPDATE audit SET event = replace(event, 'object 3', 'object 9') WHERE seq = 3;", false, false, "row 3 is not chained to row 2"},
		"hash edited":                  {"UPDATE audit SET hash = x'" + strings.Repeat("00", 32) + "' WHERE seq = 12;", false, true, "row 12 is not chained to row 11"},
		"edited, chain written anew":   {"UPDATE audit SET event = replace(event, 'object 3', 'object 9') WHERE seq = 3;", true, true, "the log was written anew"},
		"deleted":                      {"DELETE FROM audit WHERE seq = 5;", false, false, "row 6 follows row 4"},
		"first deleted":                {"DELETE FROM audit WHERE seq = 1;", false, false, "row 2 follows row 0"},
		"deleted, chain written anew":  {"DELETE FROM audit WHERE seq = 5;", true, true, "the log ends with row 11"},
		"reordered":                    {"UPDATE audit SET seq = -3 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = -3;", false, false, "row 3 says that it is row 4"},
		"reordered, chain anew":        {"UPDATE audit SET seq = -3 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = -3;", true, true, "the log was written anew"},
		"cut":                          {"DELETE FROM audit WHERE seq > 9;", false, true, "is of row 12, and the log ends with row 9: it was cut"},
		"emptied":                      {"DELETE FROM audit;", false, true, "is of row 12, and the log ends with row 0: it was cut"},
		"another spelling of the same": {"UPDATE audit SET event = replace(event, '{\"action\"', '{ \"action\"') WHERE seq = 2;", false, false, "row 2: the event is not canonical JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t)
			sqlite3(t, k.path, tt.sql)
			if tt.again {
				sqlite3(t, k.path, k.rechain(t))
			}
			v := k.verify(t)
			if !strings.Contains(strings.Join(v.Faults, "\n"), tt.want) {
				t.Errorf("%d rows, faults %q, want among them %q", v.Rows, v.Faults, tt.want)
			}
			if _, err := NewKeeper(t.Context(), k.config(noon)); (err != nil) != tt.stops {
				t.Errorf("a server takes it up: %v", err)
			}
		})
	}
}

// TestNoHeadOfAnotherLog: while a server runs its log is cut, or written anew with a whole chain; it signs no head of that.
func TestNoHeadOfAnotherLog(t *testing.T) {
	for name, tt := range map[string]struct {
		sql   string
		grows bool // beyond where it was
		want  string
	}{
		"cut":            {"DELETE FROM audit WHERE seq > 2;", false, "it was cut"},
		"cut, and grown": {"DELETE FROM audit WHERE seq > 2;", true, "it was written anew"},
		"written anew":   {"UPDATE audit SET event = replace(event, 'object 2', 'object x') WHERE seq = 2;", true, "it was written anew"},
	} {
		k := newKept(t)
		keeper, err := NewKeeper(t.Context(), k.config(noon))
		if err == nil {
			record(t, k.log, "while it runs")
			err = keeper.keep(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		before, err := k.heads.files()
		if err != nil {
			t.Fatal(err)
		}
		sqlite3(t, k.path, tt.sql)
		sqlite3(t, k.path, k.rechain(t))
		for range map[bool]int{true: keptRows, false: 0}[tt.grows] {
			record(t, k.log, "after it")
		}
		if err := keeper.keep(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := k.heads.files(); err != nil || len(after) != len(before) {
			t.Errorf("%s: %d heads, there were %d; %v", name, len(after), len(before), err)
		}
	}
}

// TestManyFaults: a log of which all is wrong is told in some lines.
func TestManyFaults(t *testing.T) {
	k := newKept(t)
	for i := range 20 {
		record(t, k.log, fmt.Sprint(i))
	}
	sqlite3(t, k.path, "UPDATE audit SET event = 'x';")
	if v := k.verify(t); len(v.Faults) != mostFaults+1 || !strings.Contains(v.Faults[mostFaults], "faults more") {
		t.Errorf("%d faults: %q", len(v.Faults), v.Faults)
	}
}

// TestHeads: none is written over, and one that is altered, of another key or in another's place is found.
func TestHeads(t *testing.T) {
	k := newKept(t)
	last, err := k.heads.Last(k.key.PublicKey())
	if err != nil || last.Seq != keptRows || !strings.HasSuffix(last.File, "2026-12-02/0000000000000012.json") {
		t.Fatalf("%+v %v", last, err)
	}
	before, err := os.ReadFile(last.File)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.heads.Keep(attest.NewAuditHead(last.Seq, strings.Repeat("00", 32), last.At), k.key); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(last.File); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a head was written over: %v", err)
	}
	other := signer{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))}
	if _, err := k.heads.Last(other.PublicKey()); err == nil {
		t.Error("a head of another key was taken")
	}
	for name, content := range map[string][]byte{
		"altered":            bytes.Replace(before, []byte(`"payload":"e`), []byte(`"payload":"f`), 1),
		"large":              bytes.Repeat([]byte{'x'}, maxHead+1),
		"in another's place": read(t, k.heads, 0),
	} {
		if err := os.WriteFile(last.File, content, 0o644); err != nil {
			t.Fatal(err)
		}
		v := k.verify(t)
		if len(v.Faults) != 1 || !strings.Contains(v.Faults[0], last.File) {
			t.Errorf("%s: %q", name, v.Faults)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(last.File)); err != nil || len(entries) != 1 {
		t.Errorf("beside the head lies something: %v %v", entries, err)
	}
}

// read is the file of a head by its place.
func read(t *testing.T, heads Heads, i int) []byte {
	t.Helper()
	files, err := heads.files()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(heads.Dir, files[i].day, fileOf(files[i].seq)))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func FuzzParseHead(f *testing.F) {
	key := newSigner(f)
	payload, err := attest.NewAuditHead(1, strings.Repeat("0a", 32), noon).JSON()
	if err != nil {
		f.Fatal(err)
	}
	envelope, err := attest.Sign(attest.PayloadAuditHead, payload, key)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := envelope.JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ParseHead(b, key.PublicKey()); err == nil && h.Seq == 0 {
			t.Errorf("%s was read", b)
		}
	})
}
