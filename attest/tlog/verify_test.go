package tlog_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest/tlog"
)

func TestVerify(t *testing.T) {
	c, vkey := config(t)
	w := watch(t, "w1.example", vkey)
	c.Witnesses, c.Quorum = []tlog.Witness{w.Witness}, 1
	l := create(t, c)
	add(t, l, "a", "b", "c")
	places, err := l.Add(t.Context(), []byte("b"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(places[0].Proof)
	index, head, err := tlog.Verify([]byte(good), []byte("b"), vkey, w.Key)
	if err != nil || index != places[0].Index || head.Size != 3 || len(head.Witnesses) != 1 || !head.Witnesses[0].Time.Equal(time.Unix(1_790_000_000, 0)) || !bytes.Equal(head.Note, places[0].Checkpoint) {
		t.Fatalf("#%d, %+v, %v", index, head, err)
	}
	if _, head, err := tlog.Verify([]byte(good), []byte("b"), vkey, vkeyOfWitness(t)); err != nil || len(head.Witnesses) != 0 {
		t.Errorf("a witness that did not sign: %+v, %v", head, err)
	}
	if _, _, err := tlog.Verify([]byte(good), []byte("c"), vkey, w.Key); err == nil || !strings.Contains(err.Error(), "log proof: entry #") {
		t.Errorf("another entry: %v", err)
	}
	if _, _, err := tlog.Verify([]byte(good), []byte("b"), vkeyOf(t), w.Key); err == nil {
		t.Error("another log's key: it verifies")
	}
	if err := tlog.Shows([]byte(good), []byte("b")); err != nil || !tlog.IsProof([]byte(good)) || tlog.IsProof([]byte("{}")) {
		t.Errorf("without keys: %v", err)
	}
	if err := tlog.Shows([]byte(good), []byte("c")); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("another entry, without keys: %v", err)
	}
	path := strings.Split(good, "\n")[2]
	for name, swap := range map[string][2]string{
		"another index":    {"\nindex ", "\nindex 1"},
		"an index respelt": {"\nindex ", "\nindex 0"},
		"an extra line":    {"\nindex ", "\nextra AA==\nindex "},
		"no path":          {path + "\n", ""},
		"a path too long":  {path + "\n", path + "\n" + path + "\n"},
		"another head":     {"\n" + origin + "\n3\n", "\n" + origin + "\n4\n"},
		"another version":  {"@v1", "@v2"},
		"line ends":        {"@v1\n", "@v1\r\n"},
		"cut":              {good[len(good)/2:], ""},
		"empty":            {good, ""},
		"too large":        {good, strings.Repeat(good, 1+(64<<10)/len(good))},
	} {
		bad := strings.Replace(good, swap[0], swap[1], 1)
		if bad == good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if _, _, err := tlog.Verify([]byte(bad), []byte("b"), vkey, w.Key); err == nil {
			t.Errorf("%s: it verifies", name)
		}
		if err := tlog.Shows([]byte(bad), []byte("b")); name == "another head" { // what it is worth only the log's key tells
			if err != nil {
				t.Errorf("%s, without keys: %v", name, err)
			}
		} else if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s, without keys: %v", name, err)
		}
	}
}

func vkeyOfWitness(t *testing.T) string {
	t.Helper()
	vkey, err := tlog.WitnessKey("w9.example", newKey(t).PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

// TestEntered: what waits for the quorum is there to be read, in the place that it will have.
func TestEntered(t *testing.T) {
	c, vkey := config(t)
	w := watch(t, "w1.example", vkey)
	c.Witnesses, c.Quorum = []tlog.Witness{w.Witness}, 1
	l := create(t, c)
	all := func() string {
		t.Helper()
		dir := os.DirFS(c.Dir)
		head, err := tlog.Entered(dir, read(t, c, vkey))
		if err != nil {
			t.Fatal(err)
		}
		var text string
		for e, err := range tlog.Entries(dir, head) {
			if err != nil {
				t.Fatal(err)
			}
			text += string(e)
		}
		return text
	}
	if got := all(); got != "" {
		t.Fatalf("a new log holds %q", got)
	}
	add(t, l, "a")
	w.down.Store(true)
	if _, err := l.Add(t.Context(), []byte("b")); err == nil {
		t.Fatal("it was published without the witness")
	}
	if got, head := all(), read(t, c, vkey); got != "ab" || head.Size != 1 {
		t.Errorf("entered %q, published %d", got, head.Size)
	}
	w.down.Store(false)
	if _, err := l.Cosign(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, head := all(), read(t, c, vkey); got != "ab" || head.Size != 2 {
		t.Errorf("entered %q, published %d", got, head.Size)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	// A state of another log, or of none, is not read as this one's; without it the checkpoint is all there is.
	state := filepath.Join(c.Dir, ".state", "treeState")
	for _, spoilt := range []string{"", "{}", `{"size":1,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`, `{"size":3,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`, `{"size":2,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}`} {
		if err := os.WriteFile(state, []byte(spoilt), 0o600); err != nil {
			t.Fatal(err)
		}
		if head, err := tlog.Entered(os.DirFS(c.Dir), read(t, c, vkey)); err == nil {
			t.Errorf("%s: got %+v", spoilt, head)
		}
	}
	if err := os.Remove(state); err != nil {
		t.Fatal(err)
	}
	if got := all(); got != "ab" {
		t.Errorf("without a state: %q", got)
	}
}

func FuzzVerify(f *testing.F) {
	c, vkey := config(f)
	l := create(f, c)
	places, err := l.Add(f.Context(), []byte("a"), []byte("b"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(places[1].Proof)
	f.Fuzz(func(t *testing.T, b []byte) {
		index, head, err := tlog.Verify(b, []byte("b"), vkey)
		if err == nil && (index != 1 || head.Size != 2) {
			t.Fatalf("%q puts it at #%d of %d", b, index, head.Size)
		}
	})
}
