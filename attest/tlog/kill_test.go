package tlog_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	sumdb "golang.org/x/mod/sumdb/tlog"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
)

// Where these stand in the environment, the test's program is an appender and no test.
const (
	envAppender = "ASSAY_TEST_APPENDER" // folder with key, its identity and the log
	envWitness  = "ASSAY_TEST_WITNESS"  // verifier key
	envURL      = "ASSAY_TEST_URL"
)

// envKills is how often the appender is killed; make test-faults asks for more.
const envKills = "ASSAY_KILLS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envAppender); dir != "" {
		if err := appendForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// acknowledged is a line of the appender: what it was told is in the log.
type acknowledged struct {
	Entry []byte
	Place tlog.Place
}

// appenderConfig is of the log in a test's folder, in whichever process.
func appenderConfig(dir, witness, url string) (tlog.Config, error) {
	c := tlog.Config{Dir: filepath.Join(dir, "log"), Origin: origin, Witnesses: []tlog.Witness{{Key: witness, URL: url}}, Quorum: 1}
	raw, err := os.ReadFile(filepath.Join(dir, "identity"))
	if err != nil {
		return c, err
	}
	id, err := age.ParseX25519Identity(string(raw))
	if err != nil {
		return c, err
	}
	c.Signer, err = keys.OpenSigner("file:"+filepath.Join(dir, "key.age"), keys.Unlock{Identities: []age.Identity{id}})
	return c, err
}

// appendForEver adds entries, from two sides at once, and says so line by line.
func appendForEver(dir string) error {
	c, err := appenderConfig(dir, os.Getenv(envWitness), os.Getenv(envURL))
	if err != nil {
		return err
	}
	ctx := context.Background()
	l, err := tlog.Open(ctx, c)
	if err != nil {
		return err
	}
	failed := make(chan error)
	var out sync.Mutex
	for side := range 2 {
		go func() {
			for n := 0; ; n++ {
				entries := make([][]byte, 1+n%5)
				for i := range entries {
					entries[i] = fmt.Appendf(nil, "%s of side %d", rand.Text(), side)
				}
				places, err := l.Add(ctx, entries...)
				if err != nil {
					failed <- err
					return
				}
				out.Lock()
				for i, p := range places {
					if err := json.NewEncoder(os.Stdout).Encode(acknowledged{entries[i], p}); err != nil {
						failed <- err
					}
				}
				out.Unlock()
			}
		}()
	}
	return <-failed
}

// TestX11_KilledAppender: whenever the process is killed, what it was told is in the log stays there, at its place, and all
// checkpoints ever seen, the witness's too, are of one tree.
func TestX11_KilledAppender(t *testing.T) {
	kills := 20
	if text := os.Getenv(envKills); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dir := tempDir(t)
	key := newKey(t)
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "identity"), []byte(id.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := key.Save(filepath.Join(dir, "key.age"), keys.Lock{Recipients: []age.Recipient{id.Recipient()}}); err != nil {
		t.Fatal(err)
	}
	vkey, err := tlog.VerifierKey(origin, key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, "w.example", vkey)
	c, err := appenderConfig(dir, w.Key, w.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := tlog.Create(c); err != nil {
		t.Fatal(err)
	}
	var all []acknowledged
	for round := range kills {
		all = append(all, appendAndKill(t, dir, w.Witness, round%2*2)...) // in every other round while it opens the log, perhaps
	}
	if len(all) < kills {
		t.Fatalf("%d entries in %d rounds: too few to show anything", len(all), kills)
	}
	l := open(t, c)
	for _, a := range all {
		places, err := l.Add(t.Context(), a.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if places[0].Index != a.Place.Index {
			t.Fatalf("an entry acknowledged at #%d stands at #%d", a.Place.Index, places[0].Index)
		}
	}
	add(t, l, "the last") // what was written, cosigned perhaps, but not published before a kill, is under its checkpoint
	tree := treeOf(t, c, read(t, c, vkey))
	for _, a := range all {
		if under := checkPlace(t, vkey, a.Entry, a.Place); under.N > tree.size || under.Hash != tree.root(t, under.N) {
			t.Fatalf("a fork: the checkpoint of size %d is of another tree", under.N)
		}
	}
	saw := w.saw(t)
	if saw.N > tree.size || saw.Hash != tree.root(t, saw.N) {
		t.Errorf("the witness cosigned another tree, of size %d", saw.N)
	}
	t.Logf("%d kills, %d entries acknowledged, %d in the log", kills, len(all), tree.size)
}

// saw is the tree that the witness cosigned last, as monitors read it.
func (w *watcher) saw(t *testing.T) sumdb.Tree {
	t.Helper()
	resp, err := http.Get(fmt.Sprintf("%s/checkpoint/%x", w.URL, sha256.Sum256([]byte(origin))))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return treeIn(t, string(text))
}

// appendAndKill runs an appender, ends it at a moment of chance once it has said that so many entries are in, and returns what it had said by then.
func appendAndKill(t *testing.T, dir string, w tlog.Witness, least int) []acknowledged {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envAppender+"="+dir, envWitness+"="+w.Key, envURL+"="+w.URL)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = cmd.Process.Kill() }
	defer kill()
	chance, err := rand.Int(rand.Reader, big.NewInt(400))
	if err != nil {
		t.Fatal(err)
	}
	var all []acknowledged
	lines := bufio.NewReader(out)
	for doomed := false; ; {
		if !doomed && len(all) >= least {
			doomed = true
			time.AfterFunc(time.Duration(chance.Int64())*time.Millisecond, kill)
		}
		line, err := lines.ReadBytes('\n')
		if err != nil { // the last one may be cut
			break
		}
		var a acknowledged
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	_ = cmd.Wait() // it was killed, and says so
	if wrong.Len() > 0 {
		t.Fatalf("the appender said on stderr: %s", wrong.String())
	}
	return all
}
