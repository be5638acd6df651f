package keys_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
)

// easy is a passphrase lock that costs a test little.
func easy(phrase string) keys.Lock { return keys.Lock{Passphrase: []byte(phrase), WorkFactor: 10} }

func with(phrase string) keys.Unlock {
	return keys.Unlock{Passphrase: func() ([]byte, error) { return []byte(phrase), nil }}
}

func newSigner(t *testing.T) *keys.Signer {
	t.Helper()
	return newSignerOf(t, attest.Ed25519)
}

// newSignerOf makes the key of one and the same 32 bytes.
func newSignerOf(t *testing.T, algorithm attest.Algorithm) *keys.Signer {
	t.Helper()
	s, err := keys.GenerateSigner(bytes.NewReader(bytes.Repeat([]byte{0xa5}, 32)), algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newIdentity(t *testing.T) *keys.Identity {
	t.Helper()
	id, err := keys.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSigner(t *testing.T) {
	for _, algorithm := range []attest.Algorithm{attest.Ed25519, attest.P256} {
		t.Run(string(algorithm), func(t *testing.T) { testSigner(t, newSignerOf(t, algorithm)) })
	}
}

func testSigner(t *testing.T, s *keys.Signer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "statement.age")
	if err := s.Save(path, easy("open sesame")); err != nil {
		t.Fatal(err)
	}
	opened, err := keys.OpenSigner("file:"+path, with("open sesame"))
	if err != nil {
		t.Fatal(err)
	}
	if opened.PublicKey() != s.PublicKey() {
		t.Errorf("opened %s, saved %s", opened.PublicKey(), s.PublicKey())
	}
	e, err := attest.Sign(attest.PayloadType, []byte("{}"), opened)
	if err != nil {
		t.Fatal(err)
	}
	public, err := keys.PublicKey("file:" + path) // no passphrase
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(public); err != nil {
		t.Error(err)
	}
	for name, mode := range map[string]os.FileMode{path: 0o600, keys.PublicPath(path): 0o644} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, %v, want %v", name, info.Mode(), err, mode)
		}
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 2 {
		t.Errorf("%d files are left, %v, want 2", len(left), err)
	}
}

func TestSealedToRecipients(t *testing.T) {
	dir := t.TempDir()
	id, other := newIdentity(t), newIdentity(t)
	lock := keys.Lock{Recipients: []age.Recipient{id.Recipient()}}
	never := func() ([]byte, error) { return nil, errors.New("nobody should be asked") }

	signer := filepath.Join(dir, "statement.age")
	if err := newSigner(t).Save(signer, lock); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.OpenSigner("file:"+signer, keys.Unlock{Passphrase: never, Identities: []age.Identity{other, id}}); err != nil {
		t.Error(err)
	}
	if _, err := keys.OpenSigner("file:"+signer, keys.Unlock{Passphrase: never, Identities: []age.Identity{other}}); !errors.Is(err, keys.ErrNoIdentity) {
		t.Errorf("a stranger's identity: %v", err)
	}
	secret, path := [32]byte{7, 8, 9}, filepath.Join(dir, "secret.age")
	if err := keys.SaveSecret(path, secret, lock); err != nil {
		t.Fatal(err)
	}
	got, err := keys.OpenSecret(path, keys.Unlock{Identities: []age.Identity{id}})
	if err != nil || got != secret {
		t.Errorf("secret %x, %v", got, err)
	}
}

// TestDrawSeed: a seed, which is published in the end, and a snapshot's secret, which never is, are not taken for each other.
func TestDrawSeed(t *testing.T) {
	dir := t.TempDir()
	id := newIdentity(t)
	lock, unlock := keys.Lock{Recipients: []age.Recipient{id.Recipient()}}, keys.Unlock{Identities: []age.Identity{id}}
	seed, secret := filepath.Join(dir, "draw.age"), filepath.Join(dir, "secret.age")
	if err := errors.Join(keys.SaveDrawSeed(seed, [32]byte{1}, lock), keys.SaveSecret(secret, [32]byte{2}, lock)); err != nil {
		t.Fatal(err)
	}
	if got, err := keys.OpenDrawSeed(seed, unlock); err != nil || got != [32]byte{1} {
		t.Errorf("seed %x, %v", got, err)
	}
	var kind *keys.KindError
	if got, err := keys.OpenDrawSeed(secret, unlock); !errors.As(err, &kind) || got != [32]byte{} {
		t.Errorf("a secret opened as a seed: %v", err)
	}
	if got, err := keys.OpenSecret(seed, unlock); !errors.As(err, &kind) || got != [32]byte{} {
		t.Errorf("a seed opened as a secret: %v", err)
	}
	if err := keys.SaveDrawSeed(seed, [32]byte{3}, lock); !errors.Is(err, keys.ErrExists) {
		t.Errorf("saving over a seed: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot.age")
	id := newIdentity(t)
	if err := id.Save(path, easy("p")); err != nil {
		t.Fatal(err)
	}
	recipient, err := keys.Recipient("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "rows"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	opened, err := keys.OpenIdentity("file:"+path, with("p"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(&sealed, opened)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "rows" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestAgeOpens: the file is age's own format, so nobody depends on this program to open it.
func TestAgeOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot.age")
	id := newIdentity(t)
	if err := id.Save(path, easy("p")); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	phrase, err := age.NewScryptIdentity("p")
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(armor.NewReader(f), phrase)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(r)
	if err != nil || len(ids) != 1 {
		t.Fatalf("%d identities, %v", len(ids), err)
	}
	if got := ids[0].(*age.X25519Identity).Recipient().String(); got != id.Recipient().String() {
		t.Errorf("another identity: %s", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.age")
	if err := newSigner(t).Save(good, easy("right")); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	snapshot := filepath.Join(dir, "snapshot.age")
	if err := newIdentity(t).Save(snapshot, easy("right")); err != nil {
		t.Fatal(err)
	}
	var kind *keys.KindError
	var scheme *keys.SchemeError
	for name, c := range map[string]struct {
		ref    string
		unlock keys.Unlock
		want   func(error) bool
	}{
		"wrong passphrase":   {"file:" + good, with("wrong"), func(err error) bool { return errors.Is(err, keys.ErrPassphrase) }},
		"empty passphrase":   {"file:" + good, with(""), func(err error) bool { return strings.Contains(err.Error(), "none was given") }},
		"no passphrase":      {"file:" + good, keys.Unlock{}, func(err error) bool { return strings.Contains(err.Error(), "none was given") }},
		"asking fails":       {"file:" + good, keys.Unlock{Passphrase: func() ([]byte, error) { return nil, io.ErrClosedPipe }}, func(err error) bool { return errors.Is(err, io.ErrClosedPipe) }},
		"no file":            {"file:" + filepath.Join(dir, "none.age"), with("right"), func(err error) bool { return errors.Is(err, os.ErrNotExist) }},
		"not a key file":     {write("text.age", []byte("hello")), with("right"), func(err error) bool { return errors.Is(err, keys.ErrNotSealed) }},
		"large file":         {write("large.age", append(bytes.Clone(raw), make([]byte, 1<<20)...)), with("right"), func(err error) bool { return errors.Is(err, keys.ErrNotSealed) }},
		"other content":      {write("other.age", sealed(t, "hello\n", "right")), with("right"), func(err error) bool { return errors.Is(err, keys.ErrNotSealed) }},
		"seed cut off":       {write("seed.age", sealed(t, "# assay/v1 signing key\ned25519-seed:00\n", "right")), with("right"), func(err error) bool { return errors.Is(err, keys.ErrNotSealed) }},
		"altered at the end": {write("altered.age", flip(t, raw, -1)), with("right"), func(err error) bool { return errors.Is(err, keys.ErrAltered) }},
		"cut off":            {write("cut.age", raw[:len(raw)/2]), with("right"), func(err error) bool { return errors.Is(err, keys.ErrAltered) }},
		"other kind":         {"file:" + snapshot, with("right"), func(err error) bool { return errors.As(err, &kind) && kind.Got == "snapshot key" }},
		"no scalar":          {write("scalar.age", sealed(t, "# assay/v1 signing key\np256-scalar:"+strings.Repeat("00", 32)+"\n", "right")), with("right"), func(err error) bool { return errors.Is(err, keys.ErrNotSealed) }},
		"unknown algorithm":  {write("rsa.age", sealed(t, "# assay/v1 signing key\nrsa:"+strings.Repeat("01", 32)+"\n", "right")), with("right"), func(err error) bool { return errors.Is(err, keys.ErrNotSealed) }},
		"in a token": {"pkcs11:token=t;object=o?module-path=m", with("right"), func(err error) bool {
			return strings.Contains(err.Error(), "lies in a sealed file")
		}},
		"unknown scheme": {"ftp:key", with("right"), func(err error) bool { return errors.As(err, &scheme) && strings.Contains(err.Error(), "ftp:") }},
		"no scheme":      {"key", with("right"), func(err error) bool { return errors.As(err, &scheme) }},
		"no path":        {"file:", with("right"), func(err error) bool { return strings.Contains(err.Error(), "names no file") }},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := keys.OpenSigner(c.ref, c.unlock)
			if err == nil {
				t.Fatalf("opened %v", s)
			}
			if !c.want(err) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// sealed is an age file as anyone could make it.
func sealed(t *testing.T, content, phrase string) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient(phrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(10)
	var out bytes.Buffer
	arm := armor.NewWriter(&out)
	w, err := age.Encrypt(arm, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), arm.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// flip changes the last byte of what the armor holds.
func flip(t *testing.T, file []byte, at int) []byte {
	t.Helper()
	b, err := io.ReadAll(armor.NewReader(bytes.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)+at] ^= 1
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestNeverWritesOver(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k.age")
	s := newSigner(t)
	if err := s.Save(path, easy("p")); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := newIdentity(t)
	if err := other.Save(path, easy("p")); !errors.Is(err, keys.ErrExists) {
		t.Errorf("saving over a key: %v", err)
	}
	if err := keys.SaveSecret(path, [32]byte{1}, easy("p")); !errors.Is(err, keys.ErrExists) {
		t.Errorf("saving a secret over a key: %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the key file changed: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := other.Save(path, easy("p")); !errors.Is(err, keys.ErrExists) {
		t.Errorf("saving over a public key: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half of a key was saved: %v", err)
	}
}

func TestPublicFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "k.age")
	s := newSigner(t)
	if err := s.Save(path, easy("p")); err != nil {
		t.Fatal(err)
	}
	public := keys.PublicPath(path)
	other := attest.Ed25519Key([32]byte{1})
	if err := os.WriteFile(public, []byte(other.String()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.OpenSigner("file:"+path, with("p")); err == nil || !strings.Contains(err.Error(), "altered") {
		t.Errorf("another public half beside the key: %v", err)
	}
	for _, bad := range []string{"", "hello\n", other.String() + "\n\n", strings.ToUpper(other.String())} {
		if err := os.WriteFile(public, []byte(bad), 0o644); err != nil {
			t.Fatal(err)
		}
		if k, err := keys.PublicKey("file:" + path); err == nil {
			t.Errorf("%q was read as %s", bad, k)
		}
		if _, err := keys.Recipient("file:" + path); err == nil {
			t.Errorf("%q was read as a recipient", bad)
		}
	}
	if err := os.Remove(public); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.OpenSigner("file:"+path, with("p")); err != nil {
		t.Errorf("without the public half beside it: %v", err)
	}
}

func TestLockRefuses(t *testing.T) {
	id := newIdentity(t)
	for name, lock := range map[string]keys.Lock{
		"nothing":     {},
		"both":        {Passphrase: []byte("p"), Recipients: []age.Recipient{id.Recipient()}},
		"work factor": {Passphrase: []byte("p"), WorkFactor: 40},
	} {
		path := filepath.Join(t.TempDir(), "k.age")
		if err := newSigner(t).Save(path, lock); err == nil {
			t.Errorf("%s: saved", name)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: left a file", name)
		}
	}
	if _, err := keys.GenerateSigner(strings.NewReader("short"), attest.Ed25519); err == nil {
		t.Error("a key out of five random bytes")
	}
	if _, err := keys.GenerateSigner(bytes.NewReader(make([]byte, 32)), attest.P256); err == nil {
		t.Error("the scalar zero became a key")
	}
	if _, err := keys.GenerateSigner(bytes.NewReader(make([]byte, 32)), "rsa"); err == nil {
		t.Error("a key of an unknown algorithm")
	}
}

// TestNoSecretIsPrinted: whatever prints a key, prints its public half.
func TestNoSecretIsPrinted(t *testing.T) {
	dir := t.TempDir()
	seed := bytes.Repeat([]byte{0xa5}, 32)
	s, p := newSigner(t), newSignerOf(t, attest.P256)
	id := newIdentity(t)
	idPath := filepath.Join(dir, "id.age")
	if err := id.Save(idPath, easy("hunter2hunter2")); err != nil {
		t.Fatal(err)
	}
	lock, unlock := easy("hunter2hunter2"), with("hunter2hunter2")
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	plain := slog.New(slog.NewTextHandler(&out, nil))
	for _, v := range []any{s, *s, p, *p, id, *id, lock, &lock, unlock, &unlock, []any{s, id}, map[string]any{"k": s}, struct {
		S *keys.Signer
		I *keys.Identity
		L keys.Lock
	}{s, id, lock}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		log.Info("key", "v", v)
		plain.Info("key", "v", v)
	}
	for _, v := range []any{s, p, id} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	_, err := keys.OpenSigner("file:"+idPath, with("hunter2hunter2"))
	fmt.Fprintf(&out, "%v %+v %#v", err, err, err)

	private := ed25519.NewKeyFromSeed(seed)
	for name, secret := range map[string]string{
		"seed in hex": hex.EncodeToString(seed[:8]), "seed in capital hex": "A5A5A5A5", "seed in base64": base64.StdEncoding.EncodeToString(seed)[:10],
		"seed in decimal": "165 165 165", "seed in Go": "0xa5, 0xa5", "private key": fmt.Sprint([32]byte(private[:32]))[:12],
		"identity": "AGE-SECRET", "passphrase": "hunter2", "passphrase in decimal": "104 117 110", "passphrase in hex": hex.EncodeToString([]byte("hunter2")),
		"passphrase in base64": base64.StdEncoding.EncodeToString([]byte("hunter2hunter2"))[:8],
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s was printed (%s)", name, secret)
		}
	}
	if !strings.Contains(out.String(), s.PublicKey().String()) || !strings.Contains(out.String(), p.PublicKey().String()) || !strings.Contains(out.String(), id.Recipient().String()) {
		t.Error("the public halves were not printed: the test looks at nothing")
	}
}

// FuzzOpen: no bytes make opening panic, and none but a sealed file opens.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n"))
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "k.age")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.OpenSecret(path, keys.Unlock{}); err == nil {
			t.Fatalf("%q opened", b)
		}
	})
}
