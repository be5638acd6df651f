package verifier

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tree"
)

// Whatever byte of whatever file is changed: never 0. The small bundle is tried at every byte, the one with chains at some.
func TestX01_ExitZeroOnFailure(t *testing.T) {
	for name, w := range map[string]*world{"plain": newWorld(), "full": newFullWorld()} {
		m := w.make(t)
		for path, good := range m.files {
			step := 1
			if name == "full" {
				step = 1 + len(good)/60
			}
			for i := 0; i < len(good); i += step {
				bad := maps.Clone(m.files)
				bad[path] = bytes.Clone(good)
				bad[path][i] ^= 1 << (i % 8)
				if v := verify(t, &made{files: bad, policy: m.policy}); v.Proven || v.Exit == 0 {
					t.Fatalf("%s: %s with byte %d changed is proven", name, path, i)
				}
			}
			for _, bad := range [][]byte{nil, good[:len(good)-1], append(bytes.Clone(good), 0)} {
				files := maps.Clone(m.files)
				files[path] = bad
				if v := verify(t, &made{files: files, policy: m.policy}); v.Proven || v.Exit == 0 {
					t.Fatalf("%s: %s with %d bytes instead of %d is proven", name, path, len(bad), len(good))
				}
			}
		}
	}
}

func TestX01_EveryByteOfTheZip(t *testing.T) {
	m := newWorld().make(t)
	good := zipped(m.files)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		files, err := Zip(bytes.NewReader(bad), int64(len(bad)))
		if err != nil {
			if ExitCode(err) != ExitUnreadable {
				t.Fatalf("byte %d: exit %d for %v", i, ExitCode(err), err)
			}
			continue
		}
		if v := Bundle(files, m.policy, Options{}); v.Proven || v.Exit == 0 {
			t.Fatalf("with byte %d changed the zip is proven", i)
		}
	}
	for i := range good {
		if _, err := Zip(bytes.NewReader(good[:i]), int64(i)); err == nil {
			t.Fatalf("a zip cut at byte %d is accepted", i)
		}
	}
}

// A change that the zip's checksums follow is still not what was signed.
func TestX01_ZipWithItsChecksumMended(t *testing.T) {
	m := newWorld().make(t)
	for path := range m.files {
		files := maps.Clone(m.files)
		files[path] = bytes.Clone(files[path])
		files[path][len(files[path])/2] ^= 1
		z := zipped(files)
		f, err := Zip(bytes.NewReader(z), int64(len(z)))
		if err != nil {
			t.Fatal(err)
		}
		if v := Bundle(f, m.policy, Options{}); v.Proven || path != claim.EnvelopePath && v.Exit != ExitFalse {
			t.Errorf("%s: got exit %d: %s", path, v.Exit, v.Summary)
		}
	}
}

func TestX02_PanicOnBadInput(t *testing.T) {
	m := newFullWorld().make(t)
	for path := range m.files {
		for _, junk := range []string{"", "{", "null", "\x00\x01", strings.Repeat("[", 5000), `{"payload":"","payloadType":"","signatures":[]}`} {
			files := maps.Clone(m.files)
			files[path] = []byte(junk)
			if v := verify(t, &made{files: files, policy: m.policy}); v.Proven || v.Summary == "" {
				t.Errorf("%s as %.10q: %+v", path, junk, v.Summary)
			}
		}
	}
	for _, junk := range []string{"", "{", "null", "PK\x03\x04", "PK\x05\x06"} {
		if _, err := Zip(strings.NewReader(junk), int64(len(junk))); ExitCode(err) != ExitUnreadable {
			t.Errorf("zip %q: %v", junk, err)
		}
		if v := Proof(ProofInput{Proof: []byte(junk), Policy: m.policy, Customer: "a"}); v.Exit != ExitUnreadable {
			t.Errorf("proof %q: exit %d", junk, v.Exit)
		}
	}
}

// An error of a file that one check needs is told by a check that fails, never swallowed by those that are skipped.
func TestX03_SwallowedError(t *testing.T) {
	for path, check := range map[string]string{
		shardsPath: "liabilities.root", claim.LinesPath: "reserves.lines", claim.ControlPath: "control",
		evidencePath(evmChain): "headers." + evmChain, evidencePath(utxoChain): "headers." + utxoChain, leavesPath(0): "liabilities.full",
	} {
		w := newFullWorld()
		w.files = func(f map[string][]byte) { f[path] = []byte("{}") }
		v := verify(t, w.make(t))
		refused(t, v, check, path)
		if v.Exit != ExitUnreadable {
			t.Errorf("%s: exit %d", path, v.Exit)
		}
	}
}

func TestX05_BareValid(t *testing.T) {
	m := newFullWorld().make(t)
	proof := verifyProof(m, m.proof(0, 0), "alice@example.org")
	want := "0.5 BTC is inside the total of 1.50001002 BTC that Demo Exchange signed for 2026-11-01T00:00:00Z"
	if proof.Customer == nil || proof.Customer.Found[0] != want {
		t.Errorf("got %+v, want %q", proof.Customer, want)
	}
	for _, v := range []Verdict{proof, verify(t, m)} {
		if len(v.NotShown) == 0 || len(v.Policy) != 64 || len(v.Signers) != 1 {
			t.Errorf("a verdict says what it does not show, by which policy, and who signed: %+v", v)
		}
		if strings.Contains(strings.ToLower(v.Summary), "valid") {
			t.Errorf("bare word in %q", v.Summary)
		}
	}
	nothing := verifyProof(m, m.proof(1, 1), "erin@example.org")
	if !strings.Contains(nothing.Customer.Found[0], "with a balance of nothing") {
		t.Errorf("got %q", nothing.Customer.Found)
	}
}

func TestX07_StateLeaksBetweenFiles(t *testing.T) {
	worlds := []*world{newWorld(), newFullWorld(), shardOf(1, 2)}
	var alone []Verdict
	var all []*made
	for _, w := range worlds {
		m := w.make(t)
		all = append(all, m)
		alone = append(alone, verify(t, m))
	}
	broken := maps.Clone(all[1].files)
	broken[claim.LinesPath] = []byte("{}")
	verify(t, &made{files: broken, policy: all[1].policy})
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 1, 0, 2}} {
		for _, i := range order {
			if diff := cmp.Diff(alone[i], verify(t, all[i]), cmpopts.IgnoreUnexported(Check{})); diff != "" {
				t.Errorf("bundle %d in order %v differs:\n%s", i, order, diff)
			}
		}
	}
}

// The verifier opens nothing but what it was handed.
func TestX08_PhonesHome(t *testing.T) {
	m := newFullWorld().make(t)
	opened := map[string]bool{}
	files, err := Folder(folder(m.files))
	if err != nil {
		t.Fatal(err)
	}
	inner := files.open
	files.open = func(path string) (io.ReadCloser, error) {
		opened[path] = true
		return inner(path)
	}
	proven(t, Bundle(files, m.policy, Options{}))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(m.files)), slices.Sorted(maps.Keys(opened))); diff != "" {
		t.Errorf("every file is read, and none besides:\n%s", diff)
	}
}

func TestX09_SkippedReportedAsPassed(t *testing.T) {
	w := newWorld()
	w.sealed = func(f map[string][]byte) { delete(f, leavesPath(1)) }
	m := w.make(t)
	refused(t, verify(t, m), "liabilities.full", "1 of 2 shards have no leaves in this bundle, and the policy (or --full) wants every shard")
	w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
	m = w.make(t)
	v := verify(t, m)
	c := find(v, "liabilities.full")
	if !v.Proven || c.Result != Skipped || c.Required || v.NotRecomputed != "1 of 2 shards" || !strings.Contains(v.Summary, "1 of 2 shards were not recomputed") {
		t.Errorf("a shard that the policy does not ask for: %+v, not recomputed %q", c, v.NotRecomputed)
	}
	files, err := Folder(folder(m.files))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, Bundle(files, m.policy, Options{Full: true}), "liabilities.full", "1 of 2 shards have no leaves")
	w.leaves = func(_ int, b []byte) []byte { b[len(b)-1] ^= 1; return b } // present shards are recomputed though nobody asked
	if v = verify(t, w.make(t)); v.Proven || find(v, "liabilities.full").Result != Fail {
		t.Errorf("a wrong shard that is present: %+v", find(v, "liabilities.full"))
	}
	w = newWorld()
	w.predicate = func(p obj) { p["tool"] = "" }
	v = verify(t, w.make(t))
	for _, c := range v.Checks {
		asked := c.Name != "log" // which this policy does not ask for
		if c.Name != "statement.signature" && c.Name != "statement.format" && (c.Result != Skipped || c.Required != asked) {
			t.Errorf("%s after a malformed statement: %+v", c.Name, c)
		}
	}
}

func TestX12_PartialPublication(t *testing.T) {
	full := newFullWorld().make(t)
	for path := range full.files {
		w := newFullWorld()
		w.sealed = func(f map[string][]byte) { delete(f, path) }
		v := verify(t, w.make(t))
		if v.Proven || v.Exit != ExitUnreadable {
			t.Errorf("without %s: exit %d, %s", path, v.Exit, v.Summary)
		}
	}
	for _, path := range []string{"readme.txt", ".DS_Store", "liabilities/shard-00002.leaves", "reserves/evidence/eip155-1.json", "liabilities/shard-0.leaves", "statement.dsse.json.bak"} {
		w := newFullWorld()
		w.sealed = func(f map[string][]byte) { f[path] = []byte("x") }
		v := verify(t, w.make(t))
		refused(t, v, "bundle.files", fmt.Sprintf("%q is not listed in the manifest", path))
		w = newFullWorld()
		w.files = func(f map[string][]byte) { f[path] = []byte("x") }
		if v = verify(t, w.make(t)); v.Proven {
			t.Errorf("%s, listed: proven", path)
		}
	}
	for name, c := range map[string]struct {
		edit   func(files []obj) []obj
		reason string
	}{
		"unlisted":    {func(f []obj) []obj { return f[1:] }, "the manifest does not list liabilities/shard-00000.leaves"},
		"wrong part":  {func(f []obj) []obj { f[0]["part"] = "core"; return f }, "as part core, it is shard"},
		"wrong size":  {func(f []obj) []obj { f[0]["size"] = 1; return f }, "bytes, the manifest says 1"},
		"wrong order": {func(f []obj) []obj { f[0], f[1] = f[1], f[0]; return f }, "twice or out of order"},
		"twice":       {func(f []obj) []obj { return append(f[:1], f...) }, "twice or out of order"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.manifest = func(m obj) { m["files"] = c.edit(m["files"].([]obj)) }
			v := verify(t, w.make(t))
			if f := find(v, "bundle.files"); f.Result != Fail || !strings.Contains(f.Detail, c.reason) || v.Proven {
				t.Errorf("got %+v", f)
			}
		})
	}
	files := folder(full.files).(fstest.MapFS)
	files["reserves/link.json"] = &fstest.MapFile{Data: []byte("lines.json"), Mode: fs.ModeSymlink}
	f, err := Folder(files)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, Bundle(f, full.policy, Options{}), "bundle.files", `"reserves/link.json" is not a regular file`)
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		units    string
		decimals int
		want     string
	}{{"0", 8, "0"}, {"1", 8, "0.00000001"}, {"50000000", 8, "0.5"}, {"1234500000000", 8, "12,345"}, {"123456789", 0, "123,456,789"}, {"100", 2, "1"}, {"99999", 2, "999.99"}} {
		if got := decimal(amount(c.units), c.decimals); got != c.want {
			t.Errorf("%s of %d decimals: got %s, want %s", c.units, c.decimals, got, c.want)
		}
	}
}

// A disk that fails between one reading and the next has said nothing of the tree: what cannot be read is not false.
func TestLeavesThatCannotBeRead(t *testing.T) {
	for kind, m := range map[string]*made{"plain": newWorld().make(t), "confidential": newWorld().hide(t, hidden{})} {
		files, opened := readBundle(t, m.files), 0
		whole := files.open
		files.open = func(path string) (io.ReadCloser, error) {
			file, err := whole(path)
			if path == leavesPath(1) {
				if opened++; opened > 1 {
					broken := &fs.PathError{Op: "read", Path: path, Err: syscall.EIO}
					return io.NopCloser(io.MultiReader(io.LimitReader(file, 200), iotest.ErrReader(broken))), err
				}
			}
			return file, err
		}
		v := Bundle(files, m.policy, Options{Full: true})
		if c := find(v, "liabilities.full"); c.Result != Fail || v.Exit != ExitUnreadable || !strings.Contains(c.Detail, "input/output error") {
			t.Errorf("%s: got %+v, exit %d", kind, c, v.Exit)
		}
	}
}

// A tree of more leaves than memory keeps: the rest lies in the scratch, and who is there twice, first and last, is found. A scratch that fails
// has said nothing of the tree.
func TestIdentitiesBeyondMemory(t *testing.T) {
	const leaves = 1<<18 + 10
	w := newWorld()
	w.shards = [][]customer{make([]customer, leaves)}
	for i := range w.shards[0] {
		w.shards[0][i] = customer{id: strconv.Itoa(i), nonce: h()}
	}
	w.shards[0][leaves-1] = w.shards[0][0]
	m := w.make(t)
	checked := func(scratch func() (tree.Scratch, error)) (Check, Verdict) {
		v := Bundle(readBundle(t, m.files), m.policy, Options{Scratch: scratch})
		return find(v, "liabilities.full"), v
	}
	asked := 0
	c, v := checked(func() (tree.Scratch, error) {
		asked++
		return os.Create(filepath.Join(t.TempDir(), "scratch"))
	})
	if want := "leaf #262153: its identity occurs twice in the tree, first at leaf #0 of shard #0"; asked != 1 || c.Result != Fail || !strings.Contains(c.Detail, want) || v.Exit != ExitFalse {
		t.Errorf("asked for a scratch %d times, got %+v, exit %d", asked, c, v.Exit)
	}
	c, v = checked(func() (tree.Scratch, error) { return os.Create(filepath.Join(t.TempDir(), "absent", "scratch")) })
	if c.Result != Fail || !strings.Contains(c.Detail, "keeping identities: open") || v.Exit != ExitUnreadable {
		t.Errorf("without a scratch: got %+v, exit %d", c, v.Exit)
	}
}
