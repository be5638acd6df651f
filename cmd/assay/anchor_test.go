package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/utxo"
	"github.com/assay-por/assay/report"
)

// inLog is a folder whose signed statement stands in its log, beside a real btcd, and what a policy says of that log.
func inLog(t *testing.T, assay string) (node *devnet.Bitcoin, dir, policy string) {
	t.Helper()
	node, instant, dir := bitcoin(t, assay)
	mustCall(t, dir, assay, opened("run", "--at", instant.Format(time.RFC3339), "--unsigned", "--quiet")...)
	add(t, dir, "[log]\norigin = \"exchange.example/log\"\n")
	made, _ := mustCall(t, dir, assay, opened("log", "init", "--recipient", recipientOf(t, dir))...)
	_, policy, _ = strings.Cut(made, "for a policy:\n")
	expect(t, dir, assay, exitRefused, "the statement is in no log yet", "anchor", "request")
	if err := os.MkdirAll(filepath.Join(dir, "run", "attachments"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustCall(t, dir, assay, opened("log", "add", "run/entry.dsse.json", "--proof", "run/"+report.PathLogProof)...)
	if err := os.WriteFile(filepath.Join(dir, "run", report.PathEntry), []byte(read(t, dir, "run", fileEntry)), 0o600); err != nil {
		t.Fatal(err)
	}
	return node, dir, policy
}

// recipientOf is the recipient that keys of this folder are sealed to.
func recipientOf(t *testing.T, dir string) string {
	t.Helper()
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient().String()
}

// wanted is what anchor request prints.
type wanted struct{ Script, Data, Root string }

func request(t *testing.T, dir, assay string) (r wanted, data []byte) {
	t.Helper()
	stdout, _ := mustCall(t, dir, assay, "anchor", "request", "--json")
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(r.Data)
	if err != nil {
		t.Fatal(err)
	}
	return r, data
}

func carries(t *testing.T, node *devnet.Bitcoin, data []byte) *wire.MsgTx {
	t.Helper()
	tx, err := node.Carry(data)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func mined(t *testing.T, node *devnet.Bitcoin, n int, txs ...*wire.MsgTx) {
	t.Helper()
	if err := node.Mine(t.Context(), time.Now(), n, txs...); err != nil {
		t.Fatal(err)
	}
}

// The way from a published statement to an anchor in the bundle, on a real chain.
func TestAnchor(t *testing.T) {
	assay, verify := programs(t)
	node, dir, ofLog := inLog(t, assay)
	tx := carries(t, node, []byte("assay/v1"))
	txid := tx.TxHash().String()
	expect(t, dir, assay, exitRefused, "no anchor of this statement was asked for", "anchor", "import", txid)
	first, data := request(t, dir, assay)
	proof := read(t, dir, "run", report.PathLogProof)
	_, checkpoint, _ := strings.Cut(proof, "\n\n")
	text, _, _ := strings.Cut(checkpoint, "\n\n")
	if want := sha256.Sum256([]byte(text + "\n")); first.Script != "6a28"+hex.EncodeToString([]byte("assay/v1"))+hex.EncodeToString(want[:]) {
		t.Errorf("script %s, want it to name %x, of\n%s", first.Script, want, text)
	}
	stdout, _ := mustCall(t, dir, assay, "anchor", "request")
	if !strings.Contains(stdout, "script: "+first.Script) || !strings.Contains(stdout, `walletcreatefundedpsbt '[]' '[{"data":"`+first.Data+`"}]'`) {
		t.Error(stdout)
	}

	tx = carries(t, node, data)
	txid = tx.TxHash().String()
	expect(t, dir, assay, exitRefused, "does not know transaction "+txid, "anchor", "import", txid)
	if err := node.Send(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	waits := func(want string) {
		t.Helper()
		if code, _, stderr := call(t, dir, assay, "anchor", "import", txid); code != exitRefused || !strings.Contains(stderr, want) || strings.Contains(stderr, "error") {
			t.Errorf("exit %d: %s, want %q", code, stderr, want)
		}
		if _, err := os.Stat(filepath.Join(dir, "run", report.PathAnchor)); err == nil {
			t.Error("an anchor was kept")
		}
	}
	waits("waiting for a block of " + string(devnet.BitcoinChain) + " with transaction " + txid)
	height := node.Height() + 1
	mined(t, node, 4, tx)
	waits("waiting for at least 1 more blocks on block")
	mined(t, node, 0)
	stdout, _ = mustCall(t, dir, assay, "anchor", "import", txid)
	if !strings.Contains(stdout, "[[anchor]]\nchain = \""+string(devnet.BitcoinChain)) {
		t.Error(stdout)
	}
	var file utxo.Anchor
	if err := json.Unmarshal([]byte(read(t, dir, "bundle", report.PathAnchor)), &file); err != nil {
		t.Fatal(err)
	}
	if file.First != height || file.Index != 1 || len(file.Headers) != 6*160 || file.Chain != devnet.BitcoinChain {
		t.Errorf("anchor of %d bytes of headers from %d, index %d, want block %d", len(file.Headers)/2, file.First, file.Index, height)
	}
	if got := read(t, dir, "bundle", report.PathAnchorProof); got != proof {
		t.Errorf("its proof is\n%s", got)
	}
	_, policy, _ := strings.Cut(stdout, "\n\n")
	for known, want := range map[string]string{ofLog: "under 6 headers; no anchor of the policy", ofLog + "\n" + policy: "under 6 headers, one of them an anchor of the policy"} {
		if d := judged(t, dir, verify, exitDone, "# [coverage]", known+"\n# [coverage]").detail(t, "anchor"); !strings.Contains(d, want) {
			t.Errorf("got %q, want %q", d, want)
		}
	}
	if again, _ := mustCall(t, dir, assay, "anchor", "import", txid, "--chain", string(devnet.BitcoinChain), "--height", strconv.FormatUint(height, 10)); again != stdout {
		t.Errorf("by its height: %s", again)
	}
}

// TestC11_AnchorOfAnotherLog: a transaction that names something else, or is no longer in the chain, anchors nothing.
func TestC11_AnchorOfAnotherLog(t *testing.T) {
	assay, _ := programs(t)
	node, dir, _ := inLog(t, assay)
	_, data := request(t, dir, assay)
	other := carries(t, node, append([]byte("assay/v1"), make([]byte, 32)...))
	tx := carries(t, node, data)
	height := node.Height() + 1
	mined(t, node, 6, other, tx)
	expect(t, dir, assay, exitRefused, "0 outputs with a script that was asked for", "anchor", "import", other.TxHash().String())
	expect(t, dir, assay, exitRefused, "is no payment in block", "anchor", "import", tx.TxHash().String(), "--height", strconv.FormatUint(height+1, 10))
	expect(t, dir, assay, exitRefused, "is no transaction id", "anchor", "import", "xyz")
	expect(t, dir, assay, exitUsage, "want a bip122 chain", "anchor", "import", "xyz", "--chain", "eip155:1")
	expect(t, dir, assay, exitUnreadable, "no [[chain]] of bip122", "anchor", "import", "xyz", "--chain", "bip122:000000000019d6689c085ae165831e93")
	// A proof in the run that does not show this statement is of no use.
	files, err := filepath.Glob(filepath.Join(dir, "run", dirAnchor, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	proof := read(t, files[0])
	if err := os.WriteFile(files[0], []byte(strings.Replace(proof, "index 0", "index 1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, assay, exitRefused, "no anchor of this statement was asked for", "anchor", "import", tx.TxHash().String(), "--quiet")
	if err := os.WriteFile(files[0], []byte(proof), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := node.Reorg(t.Context(), int32(height)-1, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "anchor", "import", tx.TxHash().String()); code != exitRefused {
		t.Errorf("reorganised away: exit %d: %s", code, stderr)
	}
	expect(t, dir, assay, exitRefused, "is no payment in block", "anchor", "import", tx.TxHash().String(), "--height", strconv.FormatUint(height, 10))
	if _, err := os.Stat(filepath.Join(dir, "run", report.PathAnchor)); err == nil {
		t.Error("an anchor was kept")
	}
}
