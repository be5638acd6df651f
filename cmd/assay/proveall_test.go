package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/verifier"
)

const inFourShards = "[run]\nkind = \"plain\"\nshards = 4\n"

// unpacked are the files of an archive, by name.
func unpacked(t *testing.T, path string, identity age.Identity) map[string]string {
	t.Helper()
	files, err := unpack(path, identity)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return files
}

func unpack(path string, identity age.Identity) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	opened, err := age.Decrypt(f, identity)
	if err != nil {
		return nil, err
	}
	plain, err := zstd.NewReader(opened)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	files := map[string]string{}
	r := tar.NewReader(plain)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, plain) // so that age sees its end
			return files, err
		}
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		if _, twice := files[h.Name]; twice {
			return nil, fmt.Errorf("%s is there twice", h.Name)
		}
		files[h.Name] = string(raw)
	}
}

// archivesIn are the contents of the archives in a folder, as they are sealed, by file.
func archivesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".tar.zst.age") {
			files[e.Name()] = read(t, dir, e.Name())
		}
	}
	return files
}

func newAgeIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestProveAll: the archives hold every customer's proof, each the very file that prove --customers writes and that the customer's verifier
// accepts; --handles says whose is whose; the recipients open them and nobody else; and nothing outside of them names anybody.
func TestProveAll(t *testing.T) {
	assay, _ := programs(t)
	dir, customers := signedRunOf(t, assay, 300, inFourShards)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("customers.txt", strings.Join(customers, "\n")+"\n")
	sender, other := newAgeIdentity(t), newAgeIdentity(t)
	write("others.txt", "# the other office\n\n"+other.Recipient().String()+"\r\n")
	stdout := must(t, dir, assay, opened("prove", "--all", "--out", "proofs", "--to", sender.Recipient().String(), "--to", "others.txt")...)
	if !strings.Contains(stdout, "300 proofs in 4 archives in proofs, 4 of them made now") {
		t.Error(stdout)
	}
	must(t, dir, assay, opened("prove", "--customers", "customers.txt", "--out", "single")...)
	handles := strings.Fields(must(t, dir, assay, opened("prove", "--handles", "customers.txt")...))
	if len(handles) != len(customers) {
		t.Fatalf("%d handles, want %d", len(handles), len(customers))
	}
	policy, err := verifier.ReadPolicy([]byte(read(t, dir, "policy.toml")))
	if err != nil {
		t.Fatal(err)
	}
	whose := map[string]string{}
	for i, h := range handles {
		whose[h+".json"] = customers[i]
	}
	seen := map[string]string{}
	for name, sealed := range archivesIn(t, filepath.Join(dir, "proofs")) {
		path := filepath.Join(dir, "proofs", name)
		files := unpacked(t, path, sender)
		if diff := cmp.Diff(files, unpacked(t, path, other)); diff != "" {
			t.Error(diff)
		}
		if _, err := unpack(path, newAgeIdentity(t)); err == nil {
			t.Error("anybody opens the archive")
		}
		if _, err := unpack(path, shardIdentity(t, dir)); err == nil {
			t.Error("who serves single proofs opens the archive")
		}
		for file, raw := range files {
			if raw != read(t, dir, "single", file) {
				t.Errorf("%s is not what prove --customers writes", file)
			}
			if v := verifier.Proof(verifier.ProofInput{Policy: policy, Proof: []byte(raw), Customer: whose[file]}); !v.Proven {
				t.Errorf("%s: %s", file, v.Summary)
			}
			seen[file] = raw
		}
		for _, id := range customers {
			if strings.Contains(name+sealed, id) {
				t.Error("a customer's id stands in an archive, or in its name")
			}
		}
	}
	if len(seen) != len(customers) {
		t.Errorf("proofs of %d customers, want %d", len(seen), len(customers))
	}
	for _, id := range customers {
		for file, raw := range seen {
			if strings.Contains(file+raw, id) {
				t.Error("a customer's id stands in a proof, or in its file's name")
			}
		}
		if strings.Contains(read(t, dir, "proofs", fileArchives), id) {
			t.Errorf("a customer's id stands in %s", fileArchives)
		}
	}
	if left := leftovers(t, filepath.Join(dir, "proofs")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

// TestProveAllAgain: what is whole and of this statement, log and recipient stays, byte for byte; all else is made anew, and what is of
// nothing any more goes.
func TestProveAllAgain(t *testing.T) {
	assay, _ := programs(t)
	dir, _ := signedRunOf(t, assay, 60, inFourShards)
	out := filepath.Join(dir, "proofs")
	again := func(args ...string) (same int, said string) {
		t.Helper()
		before := archivesIn(t, out)
		said = must(t, dir, assay, opened(append([]string{"prove", "--all", "--out", "proofs"}, args...)...)...)
		for name, sealed := range archivesIn(t, out) {
			if before[name] == sealed {
				same++
			}
		}
		return same, said
	}
	if err := os.Mkdir(out, 0o700); err != nil {
		t.Fatal(err)
	}
	if same, said := again(); same != 0 || !strings.Contains(said, "60 proofs in 4 archives in proofs, 4 of them made now") {
		t.Errorf("the first time: %d the same: %s", same, said)
	}
	if same, said := again(); same != 4 || !strings.Contains(said, "0 of them made now") {
		t.Errorf("nothing changed: %d the same: %s", same, said)
	}
	if err := os.Remove(filepath.Join(out, archiveFile(0))); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(out, archiveFile(2)), 1000); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"." + archiveFile(1) + "123", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(out, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if same, said := again(); same != 2 || !strings.Contains(said, "2 of them made now") {
		t.Errorf("one gone and one cut: %d the same: %s", same, said)
	}
	if _, err := os.Stat(filepath.Join(out, "notes.txt")); err != nil || len(archivesIn(t, out)) != 4 {
		t.Errorf("a file of others was removed, or what was left of an archive stays: %v", err)
	}
	to := newAgeIdentity(t)
	if same, said := again("--to", to.Recipient().String()); same != 0 || !strings.Contains(said, "4 of them made now") {
		t.Errorf("to another: %d the same: %s", same, said)
	}
	unpacked(t, filepath.Join(out, archiveFile(3)), to)

	// A statement of another tree, with fewer shards.
	text := read(t, dir, "assay.toml")
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(strings.Replace(text, "shards = 4", "shards = 2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, dir, assay, opened("build", "--again")...)
	expect(t, dir, assay, exitRefused, "the tree was built anew since the statement was signed", opened("prove", "--all", "--out", "proofs")...)
	if len(archivesIn(t, out)) != 4 {
		t.Error("what was refused removed archives")
	}
	must(t, dir, assay, opened("run")...)
	if same, said := again("--to", to.Recipient().String()); same != 0 || len(archivesIn(t, out)) != 2 || !strings.Contains(said, "60 proofs in 2 archives") {
		t.Errorf("another statement: %d the same of %d: %s", same, len(archivesIn(t, out)), said)
	}

	if err := os.WriteFile(filepath.Join(out, fileArchives), []byte(`{"of":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, assay, exitUnreadable, fileArchives+" was altered or is not of this version", opened("prove", "--all", "--out", "proofs")...)
}

// TestProveAllPublished: once the log shows the statement, the archives are made anew, with its place.
func TestProveAllPublished(t *testing.T) {
	e := newExchange(t, "")
	e.statement(t, "one", "2026-10", "2026-10-31T00:00:00Z")
	to := newAgeIdentity(t)
	args := []string{"prove", "--all", "--config", "one.toml", "--out", "proofs", "--to", to.Recipient().String()}
	has(t, e.must(t, args...), "1 of them made now")
	e.must(t, "publish", "--config", "one.toml")
	has(t, e.must(t, args...), "1 of them made now")
	has(t, e.must(t, args...), "0 of them made now")
	for file, raw := range unpacked(t, filepath.Join(e.dir, "proofs", archiveFile(0)), to) {
		if !strings.Contains(raw, `"log":{"entry":`) {
			t.Errorf("%s does not show its place in the log", file)
		}
	}
}

// TestX11_KilledProveAll: whenever it is killed, every archive there is whole, and the next one goes on.
func TestX11_KilledProveAll(t *testing.T) {
	assay, _ := programs(t)
	const n = 12_000
	dir, _ := signedRunOf(t, assay, n, inFourShards)
	to := newAgeIdentity(t)
	args := opened("prove", "--all", "--out", "proofs", "--quiet", "--to", to.Recipient().String())
	began := time.Now()
	must(t, dir, assay, args...)
	whole := time.Since(began)
	out := filepath.Join(dir, "proofs")
	moments := rand.New(rand.NewPCG(3, 4))
	for range 10 {
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(moments.Int64N(int64(whole)))+time.Millisecond)
		cmd := exec.CommandContext(ctx, assay, args...)
		cmd.Dir = dir
		_ = cmd.Run() // killed, or done
		cancel()
		proofs := 0
		found, err := filepath.Glob(filepath.Join(out, "proofs-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			proofs += len(unpacked(t, path, to))
		}
		if len(found) == 4 && proofs != n {
			t.Fatalf("four archives hold %d proofs, want %d", proofs, n)
		}
		must(t, dir, assay, args...)
		if got := len(archivesIn(t, out)); got != 4 || len(leftovers(t, out)) > 0 {
			t.Fatalf("after a kill: %d archives, left over: %v", got, leftovers(t, out))
		}
	}
	proofs := 0
	for name := range archivesIn(t, out) {
		proofs += len(unpacked(t, filepath.Join(out, name), to))
	}
	if proofs != n {
		t.Errorf("%d proofs, want %d", proofs, n)
	}
}

// TestX11_ProveAllFullDisk: a full disk leaves no half archive, and is one clear sentence.
func TestX11_ProveAllFullDisk(t *testing.T) {
	assay, _ := programs(t)
	dir, _ := signedRunOf(t, assay, 2000, "")
	// The shell's limit on a file's size stands in for the disk's: both fail a write half-way.
	prove := strings.Join(opened("prove", "--all", "--out", "proofs", "--quiet"), " ")
	code, _, stderr := call(t, dir, "sh", "-c", "ulimit -f 16; exec "+assay+" "+prove)
	if code != exitUnreadable || !strings.Contains(stderr, "writing proofs-00000.tar.zst.age: ") || !strings.Contains(stderr, "file too large") ||
		strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
		t.Errorf("exit %d, not one clear sentence: %s", code, stderr)
	}
	if left := archivesIn(t, filepath.Join(dir, "proofs")); len(left) > 0 {
		t.Errorf("half an archive is there: %d", len(left))
	}
	must(t, dir, assay, opened("prove", "--all", "--out", "proofs")...)
}

// TestX11_ProveAllDamaged: a shard file that was altered gives no archive.
func TestX11_ProveAllDamaged(t *testing.T) {
	assay, _ := programs(t)
	dir, _ := signedRunOf(t, assay, 2000, inFourShards)
	path := builtFile(t, dir, build.ShardFile(3))
	raw := []byte(read(t, path))
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, assay, exitUnreadable, "shard file #3: ", opened("prove", "--all", "--out", "proofs", "--quiet")...)
	if _, err := os.Stat(filepath.Join(dir, "proofs", archiveFile(3))); err == nil {
		t.Error("an archive of a damaged shard is there")
	}
}

// TestProveUsage: what cannot be done is refused in one sentence, which quotes no secret.
func TestProveUsage(t *testing.T) {
	assay, _ := programs(t)
	dir, customers := signedRun(t, assay)
	secret := newAgeIdentity(t)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty.txt": "# nobody\n", "bad.txt": secret.Recipient().String() + "\nage1nobody\n", "secret.txt": secret.String() + "\n", "ids.txt": customers[0] + "\n\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{"prove", "--all", "--out", "proofs", "--to"}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "--to: not an age recipient (age1…)", append(all, "age1nobody")},
		{exitUsage, "--to: this is a secret key, want its recipient (age1…)", append(all, secret.String())},
		{exitUnreadable, "--to: want an age recipient (age1…) or a file of them", append(all, "nowhere.txt")},
		{exitUsage, "empty.txt holds no age recipient (age1…)", append(all, "empty.txt")},
		{exitUsage, "bad.txt:2: not an age recipient (age1…)", append(all, "bad.txt")},
		{exitUsage, "secret.txt:1: not an age recipient (age1…)", append(all, "secret.txt")},
		{exitUsage, "--to: incompatible recipients", append(all, secret.Recipient().String(), "--to", hybrid.Recipient().String())},
		{exitUsage, "--to goes with --all", []string{"prove", "--customer", "x", "--out", "p.json", "--to", "age1nobody"}},
		{exitUsage, "--out is missing", []string{"prove", "--all"}},
		{exitUsage, "prove needs one of", []string{"prove", "--all", "--customer", "x", "--out", "p"}},
		{exitUsage, "prove needs one of", []string{"prove", "--out", "p"}},
		{exitUsage, "takes no --out", []string{"prove", "--handles", "ids.txt", "--out", "p"}},
		{exitUnreadable, "ids.txt:2: customer id is empty", []string{"prove", "--handles", "ids.txt"}},
	} {
		code, stdout, stderr := call(t, dir, assay, opened(c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.says) || strings.Count(strings.TrimSpace(stderr), "\n") > 1 {
			t.Errorf("%s: exit %d, want %d and %q: %s", strings.Join(c.args, " "), code, c.code, c.says, stderr)
		}
		if strings.Contains(stdout+stderr, secret.String()) || strings.Contains(stdout+stderr, customers[0]) {
			t.Error("a secret key or a customer's id was printed")
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "proofs")); err == nil {
		t.Error("what was refused made a folder")
	}
	must(t, dir, assay, opened("prove", "--all", "--out", "proofs", "--to", hybrid.Recipient().String())...)
	if got := unpacked(t, filepath.Join(dir, "proofs", archiveFile(0)), hybrid); len(got) != len(customers) {
		t.Errorf("%d proofs, want %d", len(got), len(customers))
	}
	cmd := exec.Command(assay, opened("prove", "--handles", "-")...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader([]byte(customers[0]+"\r\n"+customers[1]))
	if out, err := cmd.Output(); err != nil || len(strings.Fields(string(out))) != 2 {
		t.Errorf("--handles -: %v: %s", err, out)
	}
}
