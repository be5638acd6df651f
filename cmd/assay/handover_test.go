package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/store/storetest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/store/pgtest"
)

// serverLines are what the operator of a server of proofs configures.
const serverLines = "[server]\nkey = \"file:keys/response.age\"\nreports = \"reports\"\nproofs = \"handovers\"\nproofs_key = \"file:keys/server.age\"\n" + unhurried

// A proofServer is a folder on a machine of its own: it has what was published, handed over and its own keys, and no run, ledger or snapshot key.
type proofServer struct {
	exchange  *exchange
	dir       string
	customers []string
}

// newProofServer has two statements of an exchange, and the first is handed over to it.
func newProofServer(t *testing.T) *proofServer {
	t.Helper()
	return newProofServerOf(t, "", 15)
}

// newProofServerOf is one of statements that were made under such lines of [run], of so many customers.
func newProofServerOf(t *testing.T, run string, customers int) *proofServer {
	t.Helper()
	e := newExchange(t, serverLines)
	e.run = run
	var ledger strings.Builder
	ledger.WriteString("customer,asset,balance\n")
	s := &proofServer{exchange: e, dir: t.TempDir()}
	for i := range customers {
		id := fmt.Sprintf("canary-%d@customers.example", i)
		s.customers = append(s.customers, id)
		fmt.Fprintf(&ledger, "%s,BTC,%d.5\n", id, 4_000_017+i%1000)
	}
	e.write(t, "ledger.csv", ledger.String())
	e.published(t, "first", "2026-10", "2026-10-31T23:59:59Z")
	e.published(t, "second", "2026-11", "2026-11-15T23:59:59Z")
	for _, name := range []string{"first", "second"} {
		e.shelved(t, name)
	}
	s.equip(t)
	for _, name := range []string{"reports", "log"} {
		if err := os.CopyFS(filepath.Join(s.dir, name), os.DirFS(filepath.Join(e.dir, name))); err != nil {
			t.Fatal(err)
		}
	}
	onPostgres(t, s.dir)
	if err := os.Mkdir(filepath.Join(s.dir, "handovers"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.handed(t, "first")
	return s
}

// equip gives the server its keys, and of the exchange's what it may have.
func (s *proofServer) equip(t *testing.T) {
	t.Helper()
	e := s.exchange
	recipient, err := identityFile(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeKEK(t, s.dir)
	mustCall(t, s.dir, e.assay, "keys", "new", "--algorithm", "x25519", "--recipient", recipient, "keys/server.age")
	e.write(t, "keys/server.pub", read(t, s.dir, "keys", "server.pub"))
	e.must(t, "keys", "response", "--recipient", recipient, "--sign-only")
	for _, name := range []string{"response.age", "response.pub", "log.pub", "statement.pub"} {
		s.write(t, "keys/"+name, read(t, e.dir, "keys", name))
	}
	for _, name := range []string{"assay.toml", "response-keys.dsse.json", "policy.toml"} {
		s.write(t, name, read(t, e.dir, name))
	}
}

// onPostgres has the server of a folder keep its records in PostgreSQL, where the tests run on that.
func onPostgres(t *testing.T, dir string) {
	t.Helper()
	if url := pgtest.URL(dir); url != "" {
		keptAt(t, dir, url)
	}
}

// keptAt has the server of a folder keep its records in a database of PostgreSQL.
func keptAt(t *testing.T, dir, url string) {
	t.Helper()
	config := filepath.Join(dir, "assay.toml")
	text := strings.Replace(read(t, config), "database = \"sqlite:assay.db\"\n", "", 1)
	text = strings.Replace(text, "[server]\n", "[server]\ndatabase = \"postgres:file:db.url\"\n", 1)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "db.url"), []byte(url+"\n"), 0o600), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// write puts a file in its place, over one that nobody may write to too.
func (s *proofServer) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// handed hands a statement over and moves it to the server, where nobody may write to its shard file.
func (s *proofServer) handed(t *testing.T, name string) {
	t.Helper()
	s.exchange.must(t, "handover", "--config", name+".toml", "--out", "handovers/"+name)
	to := filepath.Join(s.dir, "handovers", name)
	if err := errors.Join(os.RemoveAll(to), os.CopyFS(filepath.Join(s.dir, "handovers", "."+name), os.DirFS(filepath.Join(s.exchange.dir, "handovers", name)))); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(filepath.Join(s.dir, "handovers", "."+name, build.ShardFile(0)), 0o400), os.Rename(filepath.Join(s.dir, "handovers", "."+name), to)); err != nil {
		t.Fatal(err)
	}
}

// recipient is whom keys of the server are sealed to.
func (s *proofServer) recipient(t *testing.T) string {
	t.Helper()
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, s.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String()
}

// apiKey makes an API key that may ask for every proof.
func (s *proofServer) apiKey(t *testing.T) string {
	t.Helper()
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, opened("admin", "key", "create", "--name", "backend", "--permission", "proof:read:any", "--json")...)
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(stdout), &made); err != nil || made.Key == "" {
		t.Fatalf("%v: %s", err, stdout)
	}
	return made.Key
}

// start serves, and returns a client with an API key, and the file of what the server says.
func (s *proofServer) start(t *testing.T, key string) (c *client.Client, url, said string, process *os.Process) {
	t.Helper()
	url, said, process = servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	c, err := client.New(client.Config{URL: url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, Exchange: "Demo Exchange", APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	return c, url, said, process
}

// stopped waits until a process that was interrupted is gone, and with it the files that it removes.
func stopped(t *testing.T, process *os.Process) {
	t.Helper()
	err := process.Signal(os.Interrupt)
	if err == nil {
		_, err = process.Wait()
	}
	if err != nil {
		t.Error(err)
	}
}

// refusal is the status that a proof was refused with.
func refusal(err error) int {
	var problem *client.Problem
	if errors.As(err, &problem) {
		return problem.Status
	}
	return 0
}

// TestServeProofs: every customer's proof by the API, and nobody else's; the same file as assay prove writes; a receipt that shows who answered it.
func TestServeProofs(t *testing.T) {
	s := newProofServer(t)
	e := s.exchange
	key := s.apiKey(t)
	c, url, said, process := s.start(t, key)
	first, second := e.digest(t, "first"), e.digest(t, "second")
	list, err := c.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.write(t, "list.json", string(list))
	for i, customer := range s.customers {
		typed := customer
		if i%2 == 0 {
			typed = "  " + customer + "\t"
		}
		proof, receipt, err := c.Proof(t.Context(), first, typed)
		if err != nil {
			t.Fatalf("customer #%d: %v", i, err)
		}
		e.must(t, "prove", "--config", "first.toml", "--customer", customer, "--out", "want.json")
		if string(proof) != read(t, e.dir, "want.json") {
			t.Errorf("customer #%d: another file than assay prove writes", i)
		}
		e.write(t, "proof.json", string(proof))
		e.write(t, "receipt.json", string(receipt))
		if verdict := e.judges(t, 0, "proof", "proof.json", "--shard", "first/liabilities", "--customer", customer, "--receipt", "receipt.json", "--keys", "list.json"); !strings.Contains(verdict, url) && i == 0 {
			t.Errorf("the verdict does not say who answered: %s", verdict)
		}
		if bytes.Contains(proof, []byte("canary")) || bytes.Contains(receipt, []byte("canary")) {
			t.Error("a customer's id stands in a file")
		}
	}
	e.judges(t, exitRefused, "proof", "proof.json", "--shard", "first/liabilities", "--customer", s.customers[0], "--receipt", "receipt.json", "--keys", "list.json")
	for name, tt := range map[string]struct {
		statement, customer string
		want                int
	}{
		"no such customer": {first, "canary-99@customers.example", 404}, "not handed over": {second, s.customers[0], 404}, "the newest": {client.Latest, s.customers[0], 404},
		"no id": {first, "\x01", 422}, "empty": {first, " ", 422}, "no digest": {"x", s.customers[0], 422},
	} {
		if _, _, err := c.Proof(t.Context(), tt.statement, tt.customer); refusal(err) != tt.want {
			t.Errorf("%s: %v, want %d", name, err, tt.want)
		}
	}
	wrong, err := client.New(client.Config{URL: url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, APIKey: key[:len(key)-1] + "x"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := wrong.Proof(t.Context(), first, s.customers[0]); refusal(err) != 401 {
		t.Errorf("by a wrong key: %v", err)
	}

	s.handed(t, "second") // is noticed
	waitFor(t, "served", func() bool { _, _, err := c.Proof(t.Context(), client.Latest, s.customers[3]); return err == nil })
	for i, statement := range []string{first, second, first} {
		proof, _, err := c.Proof(t.Context(), statement, s.customers[i])
		if err != nil || !strings.Contains(string(proof), statement) {
			t.Errorf("two statements at once: %v", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "handovers", "first")); err != nil { // so is that it is gone
		t.Fatal(err)
	}
	waitFor(t, "gone", func() bool { _, _, err := c.Proof(t.Context(), first, s.customers[0]); return refusal(err) == 404 })

	if err := process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	again, _, saidAgain, _ := s.start(t, key)
	if _, _, err := again.Proof(t.Context(), second, s.customers[0]); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	for _, file := range []string{said, saidAgain} {
		if text := read(t, file); strings.Contains(text, "canary") || strings.Contains(text, key) || strings.Contains(text, "panic") {
			t.Errorf("the server says %s", text)
		}
	}
	s.holdsNoSecret(t, "second")
}

// holdsNoSecret searches the server's folder, which has a handover of that name alone, for customers and for what only the run may have; what
// is sealed is opened with the server's keys.
func (s *proofServer) holdsNoSecret(t *testing.T, name string) {
	t.Helper()
	id, err := age.ParseIdentities(strings.NewReader(read(t, s.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	server, err := keys.OpenIdentity("file:"+filepath.Join(s.dir, "keys", "server.age"), keys.Unlock{Identities: id})
	if err != nil {
		t.Fatal(err)
	}
	secret, derived := s.secret(t, name)
	nonce := derived.Nonce(s.customers[0])
	planted := map[string]string{"customer": "canary-", "secret in hex": hex.EncodeToString(secret[:]), "secret": string(secret[:]), "a nonce": string(nonce[:]), "a nonce in hex": hex.EncodeToString(nonce[:])}
	sealedFiles := 0
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Base(path) == fileHandoverSealed {
			h, err := keys.OpenHandover(path, raw, keys.Unlock{Identities: []age.Identity{server}})
			if err != nil {
				return err
			}
			if sealedFiles++; h.Lookup != derived.Lookup().Bytes() {
				t.Error("what finds rows is something else")
			}
			raw = append(raw, h.Lookup[:]...)
		}
		for what, text := range planted {
			if bytes.Contains(raw, []byte(text)) {
				t.Errorf("%s holds a %s", path, what)
			}
		}
		return nil
	})
	if err != nil || sealedFiles != 1 {
		t.Errorf("%v; %d handovers were opened", err, sealedFiles)
	}
	// Its keys open nothing of the run, which is not there anyway.
	if _, err := keys.OpenSecret(filepath.Join(s.exchange.dir, name+"-run", fileSecret), keys.Unlock{Identities: append(id, server)}); !errors.Is(err, keys.ErrNoIdentity) {
		t.Errorf("the server's keys and the snapshot's secret: %v", err)
	}
}

// secret is that of a run's snapshot, and its keys.
func (s *proofServer) secret(t *testing.T, name string) ([32]byte, merkle.Keys) {
	t.Helper()
	unlock, err := (&app{identityFile: filepath.Join(s.exchange.dir, "id.txt")}).unlock()
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.OpenIdentity("file:"+filepath.Join(s.exchange.dir, "keys", "snapshot.age"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := keys.OpenSecret(filepath.Join(s.exchange.dir, name+"-run", fileSecret), openedBy(key))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := report.Read([]byte(read(t, s.exchange.dir, name, report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	derived, err := merkle.DeriveKeys(secret, merkle.Hash(signed.Statement.Predicate.Snapshot.ID))
	if err != nil {
		t.Fatal(err)
	}
	return secret, derived
}

// TestHandoverRefused: parts of two statements make no handover, nor does a file that was altered; nothing is handed over into another's folder.
func TestHandoverRefused(t *testing.T) {
	s := newProofServer(t)
	e := s.exchange
	e.refuses(t, "holds the handover of another statement", "handover", "--config", "second.toml", "--out", "handovers/first")
	e.refuses(t, "the folder holds something else", "handover", "--config", "second.toml", "--out", "keys")
	s.handed(t, "second")
	c, _, said, _ := s.start(t, s.apiKey(t))
	second := e.digest(t, "second")
	dir := filepath.Join(s.dir, "handovers", "second")
	whole := map[string]string{}
	for _, name := range []string{fileHandoverSealed, fileHandoverShards, fileEnvelope, fileHandover, report.PathLogProof, "shards/00000.age"} {
		whole[name] = read(t, dir, name)
	}
	for _, name := range []string{fileHandoverSealed, fileHandoverShards, fileEnvelope, report.PathLogProof} {
		waitFor(t, "served", func() bool { _, _, err := c.Proof(t.Context(), second, s.customers[0]); return err == nil })
		s.write(t, "handovers/second/"+name, read(t, s.dir, "handovers", "first", name))
		waitFor(t, "gone", func() bool { _, _, err := c.Proof(t.Context(), second, s.customers[0]); return refusal(err) == 404 })
		s.write(t, "handovers/second/"+name, whole[name])
	}
	waitFor(t, "served", func() bool { _, _, err := c.Proof(t.Context(), second, s.customers[0]); return err == nil })
	s.write(t, "handovers/second/shards/00000.age", read(t, s.dir, "handovers", "first", "shards/00000.age"))
	s.write(t, "handovers/second/"+fileHandover, whole[fileHandover]) // so that it is looked at
	waitFor(t, "gone", func() bool { _, _, err := c.Proof(t.Context(), second, s.customers[0]); return refusal(err) == 404 })
	if text := read(t, said); strings.Count(text, "a handover is not served") != 5 || strings.Contains(text, "canary") {
		t.Errorf("the server says %s", text)
	}
	if _, _, err := c.Proof(t.Context(), e.digest(t, "first"), s.customers[0]); err != nil {
		t.Errorf("the other statement: %v", err)
	}
	// Another server's key opens nothing.
	mustCall(t, s.dir, e.assay, "keys", "new", "--algorithm", "x25519", "other.age")
	e.must(t, "handover", "--config", "first.toml", "--out", "elsewhere", "--to", strings.TrimSpace(read(t, s.dir, "other.pub")))
	if err := os.CopyFS(filepath.Join(s.dir, "handovers", "elsewhere"), os.DirFS(filepath.Join(e.dir, "elsewhere"))); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "refused", func() bool {
		if _, _, err := c.Proof(t.Context(), second, s.customers[0]); refusal(err) != 404 { // asking makes it look
			t.Errorf("%v", err)
		}
		return strings.Contains(read(t, said), "handover=elsewhere")
	})
}

// TestHandoverOfBucket: shard files that lie in a bucket stay there, and the server reads them there.
func TestHandoverOfBucket(t *testing.T) {
	bucket := storetest.Start(t)
	assay, _ := programs(t)
	dir := workplace(t, assay, 200)
	inBucket(t, dir, bucket.Address, "s3://assay-test/of/scale/", "ledger.csv")
	add(t, dir, serverLines)
	writeKEK(t, dir)
	mustCall(t, dir, assay, "keys", "new", "--algorithm", "x25519", "keys/server.age")
	mustCall(t, dir, assay, "run")
	mustCall(t, dir, assay, "keys", "response")
	mustCall(t, dir, assay, "handover", "--out", "handovers/one")
	if names := tree(t, filepath.Join(dir, "handovers", "one")); strings.Contains(strings.Join(names, " "), "shards/") {
		t.Errorf("shard files were copied: %v", names)
	}
	for from, to := range map[string]string{"bundle": "bundle", "report": "report"} {
		if err := os.CopyFS(filepath.Join(dir, "reports", "one", to), os.DirFS(filepath.Join(dir, from))); err != nil {
			t.Fatal(err)
		}
	}
	s := &proofServer{exchange: &exchange{assay: assay}, dir: dir}
	if _, err := identityFile(dir); err != nil { // which opens nothing here: all is sealed with the passphrase
		t.Fatal(err)
	}
	c, _, said, _ := s.start(t, s.apiKey(t))
	customer := (&exchange{dir: dir}).customer(t)
	mustCall(t, dir, assay, "prove", "--customer", customer, "--out", "want.json")
	if proof, _, err := c.Proof(t.Context(), client.Latest, customer); err != nil || string(proof) != read(t, dir, "want.json") {
		t.Errorf("%v: %s", err, read(t, said))
	}
}
