package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/shard"
)

// signedRun is a folder with a signed run of 20 customers, whose keys id.txt opens, and the customers' ids.
func signedRun(t *testing.T, assay string) (dir string, customers []string) {
	return signedRunOf(t, assay, 20, "")
}

// signedRunOf is one of so many customers, with further lines in the configuration.
func signedRunOf(t *testing.T, assay string, n int, lines string) (dir string, customers []string) {
	t.Helper()
	dir = t.TempDir()
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(offlineConfig+lines), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, dir, assay, "init", "--recipient", recipient)
	must(t, dir, assay, "ledger", "synth", "--customers", strconv.Itoa(n), "--held", "2", "--out", "ledger.csv")
	must(t, dir, assay, opened("run", "--period", "2026-10", "--at", "2026-10-31T00:00:00Z")...)
	for line := range strings.Lines(read(t, dir, "ledger.csv")) {
		if id, _, _ := strings.Cut(line, ","); id != "customer" {
			customers = append(customers, id)
		}
	}
	slices.Sort(customers)
	return dir, slices.Compact(customers)
}

// shardIdentity opens a run's shard files.
func shardIdentity(t *testing.T, dir string) *keys.Identity {
	t.Helper()
	unlock, err := (&app{identityFile: filepath.Join(dir, "id.txt")}).unlock()
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.OpenIdentity("file:"+filepath.Join(dir, "keys", "snapshot.age"), unlock)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := keys.OpenIdentity("file:"+filepath.Join(dir, "run", fileShardKey), openedBy(key))
	if err != nil {
		t.Fatal(err)
	}
	return identity
}

// TestRowOfAnother: a shard file whose rows give the right root, but under one another's nonces, gives no proof that the customer's own verifier
// would refuse.
func TestRowOfAnother(t *testing.T) {
	assay, verify := programs(t)
	dir, customers := signedRunOf(t, assay, 20, "[run]\nkind = \"plain\"\n")
	path, identity := builtFile(t, dir, build.ShardFile(0)), shardIdentity(t, dir)
	raw := []byte(read(t, path))
	opens, err := age.Decrypt(bytes.NewReader(raw), identity)
	if err != nil {
		t.Fatal(err)
	}
	header := shard.Header{Index: 0, Count: 1, Assets: 2, Leaves: uint64(len(customers))}
	head := make([]byte, len("assay/v2/shard-rows\n")+len(header.Snapshot))
	if _, err := opens.Read(head); err != nil {
		t.Fatal(err)
	}
	header.Snapshot = merkle.Hash(head[len(head)-len(header.Snapshot):])
	file, err := shard.Open(shard.Plain, bytes.NewReader(raw), int64(len(raw)), identity, header)
	if err != nil {
		t.Fatal(err)
	}
	var rows []shard.Row[merkle.Plain]
	for p, err := range file.All() {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, shard.Row[merkle.Plain]{Handle: p.Handle, Nonce: p.Proof.Nonce, Identity: p.Identity, Sum: p.Proof.Balances})
	}
	rows[0].Nonce, rows[1].Nonce = rows[1].Nonce, rows[0].Nonce
	public, err := keys.Recipient("file:" + filepath.Join(dir, "run", fileShardKey))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	w, err := shard.NewWriter(shard.Plain, &again, public, header)
	if err != nil {
		t.Fatal(err)
	}
	block, err := shard.NewPacker(shard.Plain).Pack(rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(block); err != nil {
		t.Fatal(err)
	}
	if root, err := w.Close(); err != nil || root.Hash != file.Root().Hash {
		t.Fatalf("root %v (%v), want %v", root.Hash, err, file.Root().Hash)
	}
	if err := os.WriteFile(path, again.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, customer := range customers {
		code, _, stderr := call(t, dir, assay, opened("prove", "--customer", customer, "--out", "p.json")...)
		if code == exitDone {
			mustCall(t, dir, verify, "proof", "p.json", "--customer", customer, "--policy", "policy.toml")
			continue
		}
		if refused++; code != exitUnreadable || !strings.Contains(stderr, "is not this customer's") {
			t.Errorf("exit %d: %s", code, stderr)
		}
	}
	if refused != 2 {
		t.Errorf("%d customers were refused, want 2", refused)
	}
}

// TestX11_OldShardFile: a shard file of an older version, when trees were plain, is refused with what to do, and what is built anew is the same tree, under the same signature.
func TestX11_OldShardFile(t *testing.T) {
	assay, verify := programs(t)
	dir, customers := signedRunOf(t, assay, 20, "[run]\nkind = \"plain\"\n")
	signed := read(t, dir, "bundle", "statement.dsse.json")
	public, err := keys.Recipient("file:" + filepath.Join(dir, "run", fileShardKey))
	if err != nil {
		t.Fatal(err)
	}
	var old bytes.Buffer
	w, err := age.Encrypt(&old, public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(append([]byte("assay/v1/shard-rows\n"), make([]byte, 4000)...)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(builtFile(t, dir, build.ShardFile(0)), old.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	prove := opened("prove", "--customer", customers[0], "--out", "p.json")
	expect(t, dir, assay, exitUnreadable, "it is of version 1, this program reads version 2: build the tree again (assay build --again)", prove...)
	must(t, dir, assay, opened("build", "--again")...)
	must(t, dir, assay, prove...)
	must(t, dir, assay, opened("run")...)
	if read(t, dir, "bundle", "statement.dsse.json") != signed {
		t.Error("the same tree was signed anew")
	}
	mustCall(t, dir, verify, "proof", "p.json", "--customer", customers[0], "--policy", "policy.toml")
}

// builtFile is the path of a file of the tree that was built in dir.
func builtFile(t *testing.T, dir, name string) string {
	t.Helper()
	var b buildRecord
	if err := (&runDir{path: filepath.Join(dir, "run")}).readJSON(fileBuild, "build", &b); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "run", filepath.FromSlash(build.Folder(b.Plan)), filepath.FromSlash(name))
}
