package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// writeKEK makes keys/kek.age in a folder. It opens fast with the passphrase that call sets.
func writeKEK(t *testing.T, dir string) {
	t.Helper()
	kek, err := keys.GenerateKEK(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := kek.Save(filepath.Join(dir, "keys", "kek.age"), keys.Lock{Passphrase: []byte("correct horse"), WorkFactor: 4}); err != nil {
		t.Fatal(err)
	}
}

// unsealedIn opens the server's database in a folder, whose KEK writeKEK made, until the test ends.
func unsealedIn(t *testing.T, dir string) (*store.Store, [authn.PepperSize]byte) {
	t.Helper()
	a := &app{configPath: filepath.Join(dir, "assay.toml"), passphrase: []byte("correct horse")}
	c, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	records, pepper, err := a.keyStore(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	return records, pepper
}

// vault asks a Transit server as its administrator.
func vaultPost(t *testing.T, server, token, path, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body.Close(); resp.StatusCode >= 300 {
		t.Fatalf("%s: status %d", path, resp.StatusCode)
	}
}

// sealedPlace is a folder with a KEK, and a database with an API key of a planted name.
func sealedPlace(t *testing.T, assay string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(offlineConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	writeKEK(t, dir)
	mustCall(t, dir, assay, "admin", "key", "create", "--name", "planted-name", "--permission", "proof:read:any", "--cidr", "203.0.113.0/24")
	return dir
}

// setKEK has the configuration in a folder name another KEK.
func setKEK(t *testing.T, dir, ref string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(offlineConfig+fmt.Sprintf("[server]\nkek = %q\n", ref)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// opens wants the database in a folder to open, or to be refused with such words and exit code.
func opensWith(t *testing.T, assay, dir string, code int, words string) (said string) {
	t.Helper()
	got, stdout, stderr := call(t, dir, assay, "admin", "key", "list")
	if got != code || !strings.Contains(stdout+stderr, words) {
		t.Errorf("exit %d, want %d and %q: %s%s", got, code, words, stdout, stderr)
	}
	return stdout + stderr
}

// TestRewrap: the keysets go from a file to a real Transit server and back. Who moves them is killed in the middle, and nothing has changed;
// the former KEK is refused afterwards; where the KEK is away nothing opens. The token is told to nobody.
func TestRewrap(t *testing.T) {
	vault, token := transitServer(t)
	vaultPost(t, vault, token, "transit/keys/kek", `{"type":"aes256-gcm96"}`)
	at, err := url.Parse(vault)
	if err != nil {
		t.Fatal(err)
	}
	behind := httputil.NewSingleHostReverseProxy(at)
	asked, release, wrapped := make(chan struct{}), make(chan struct{}), atomic.Int32{}
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/encrypt/") && wrapped.Add(1) == 2 {
			close(asked)
			<-release
		}
		behind.ServeHTTP(w, r)
	}))
	assay, _ := programs(t)
	dir := sealedPlace(t, assay)
	if err := os.WriteFile(filepath.Join(dir, "token.txt"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	transit := "transit:" + between.URL + "/transit/kek?token-source=file:token.txt"

	killed := exec.Command(assay, "keys", "rewrap", "--kek", transit)
	killed.Dir, killed.Env = dir, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait()
	close(release)
	said := opensWith(t, assay, dir, exitDone, "planted-name")
	stdout, stderr := mustCall(t, dir, assay, "keys", "rewrap", "--kek", transit)
	said += stdout + stderr + opensWith(t, assay, dir, exitRefused, "was wrapped by "+transit)
	stdout, stderr = mustCall(t, dir, assay, "keys", "rewrap", "--kek", transit) // as if the first had been killed after it was done
	said += stdout + stderr
	setKEK(t, dir, transit)
	said += opensWith(t, assay, dir, exitDone, "planted-name")

	// And back: another file than the first, which is of no use any more.
	back := t.TempDir()
	writeKEK(t, back)
	if err := os.Rename(filepath.Join(back, "keys", "kek.age"), filepath.Join(dir, "keys", "kek-2.age")); err != nil {
		t.Fatal(err)
	}
	mustCall(t, dir, assay, "keys", "rewrap", "--kek", "file:keys/kek-2.age")
	said += opensWith(t, assay, dir, exitRefused, "was wrapped by file:keys/kek-2.age")
	between.Close()
	said += opensWith(t, assay, dir, exitNetwork, keys.ErrUnreachable.Error())
	setKEK(t, dir, "file:keys/kek-2.age")
	said += opensWith(t, assay, dir, exitDone, "planted-name")
	if strings.Contains(said, token) {
		t.Errorf("the token was told: %s", said)
	}
	inNoFile(t, dir, "planted-name", "203.0.113", "proof:read:any")
	stdout, _ = mustCall(t, dir, assay, "audit", "verify")
	if !strings.HasPrefix(stdout, "4 rows") {
		t.Errorf("a client and its key were made, and the keysets moved twice: %s", stdout)
	}
}

// inNoFile wants no file below a folder to hold a text.
func inNoFile(t *testing.T, dir string, texts ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, text := range texts {
			if raw := read(t, path); strings.Contains(raw, text) {
				t.Errorf("%s holds %q", path, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// patiently names the database in a folder, which others write to, and which is waited for.
func patiently(dir string) string {
	return "file:" + filepath.Join(dir, "assay.db") + "?_pragma=busy_timeout(10000)"
}

// TestFormerPepper: the pepper that a former version kept in a file is taken into the database, its secrets fit still, and the file is gone.
func TestFormerPepper(t *testing.T) {
	assay, _ := programs(t)
	dir := sealedPlace(t, assay)
	_, before := unsealedIn(t, dir)
	db, err := sql.Open("sqlite", patiently(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "DELETE FROM secrets"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	opensWith(t, assay, dir, exitUnreadable, "there are API keys that only it fits")
	file := filepath.Join(dir, "keys", "pepper")
	if err := os.WriteFile(file, []byte(hex.EncodeToString(before[:])+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	opensWith(t, assay, dir, exitDone, "planted-name")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("the file: %v", err)
	}
	if _, after := unsealedIn(t, dir); after != before {
		t.Error("another pepper")
	}
	inNoFile(t, dir, string(before[:]), hex.EncodeToString(before[:]))
}

// TestSealedServer: while a server runs its keysets get new keys and another KEK, and it goes on; a record that somebody altered lets nobody in;
// without the KEK it does not start.
func TestSealedServer(t *testing.T) {
	d := newDoor(t)
	s := d.server
	asks := func(k keyRecord, want int) {
		t.Helper()
		if got, _, content := doorSays(t, d.here, d.request(t, "/v1/proofs", "Assay-Key", k.Key)); got != want {
			t.Errorf("%d, want %d: %s", got, want, content)
		}
	}
	first := s.create(t)
	asks(first, http.StatusOK)
	mustCall(t, s.dir, s.exchange.assay, "keys", "rotate", "--purpose", "credentials")
	second := s.create(t) // sealed with a key that the server has not seen
	asks(second, http.StatusOK)
	asks(first, http.StatusOK)
	mustCall(t, s.dir, s.exchange.assay, "keys", "reencrypt")
	asks(first, http.StatusOK)
	mustCall(t, s.dir, s.exchange.assay, opened("backup", "--drill")...)

	db, err := sql.Open("sqlite", patiently(s.dir))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE keys SET record = (SELECT record FROM keys WHERE id = ?) WHERE id = ?", second.ID, first.ID); err != nil {
		t.Fatal(err)
	}
	asks(first, http.StatusServiceUnavailable)
	asks(second, http.StatusOK)
	code, _, stderr := call(t, s.dir, s.exchange.assay, "keys", "reencrypt")
	if code != exitRefused || !strings.Contains(stderr, "keys.record of "+first.ID) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if code, _, stderr = call(t, s.dir, s.exchange.assay, opened("backup", "--drill")...); code != exitRefused || !strings.Contains(stderr, "keys.record of "+first.ID) {
		t.Errorf("the drill: exit %d: %s", code, stderr)
	}
	records, _ := unsealedIn(t, s.dir)
	events, err := records.Events(t.Context(), 0, 100)
	if err != nil || !slices.ContainsFunc(events, func(e store.Event) bool { return strings.Contains(string(e.Text), "keys.record of "+first.ID) }) {
		t.Errorf("the audit log does not say why: %v", err)
	}
	if err := os.Remove(filepath.Join(s.dir, "keys", "kek.age")); err != nil {
		t.Fatal(err)
	}
	asks(second, http.StatusOK) // it is open
	code, _, stderr = call(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	if code != exitUnreadable || !strings.Contains(stderr, "server.kek") || bytes.Contains([]byte(stderr), []byte("serving")) {
		t.Errorf("without its KEK: exit %d: %s", code, stderr)
	}
}
