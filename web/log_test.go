package web_test

import (
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/web/published"
)

// TestLogAsServed: tessera's own checker rebuilds a real log, tile by tile, from what is served, at each size that it had.
func TestLogAsServed(t *testing.T) {
	c := newPlace(t).config()
	key, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	kept := tlog.Config{Dir: filepath.Join(tempDir(t), "log"), Origin: "exchange.example/log", Signer: key}
	if err := tlog.Create(kept); err != nil {
		t.Fatal(err)
	}
	vkey, err := tlog.VerifierKey(kept.Origin, key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	own, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	c.Log = &published.Log{Files: published.LogFolder(kept.Dir)}
	server := httptest.NewServer(handler(t, c))
	defer server.Close()
	root, err := url.Parse(server.URL + "/v1/log/")
	if err != nil {
		t.Fatal(err)
	}
	fetch, err := client.NewHTTPFetcher(root, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	l, err := tlog.Open(t.Context(), kept)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for size, upTo := 0, []int{1, 255, 256, 257, 700}; len(upTo) > 0; upTo = upTo[1:] {
		var entries [][]byte
		for ; size < upTo[0]; size++ {
			entries = append(entries, fmt.Append(nil, "entry ", size))
		}
		if _, err := l.Add(t.Context(), entries...); err != nil {
			t.Fatal(err)
		}
		if err := fsck.New(kept.Origin, own, fetch, leafHashes, fsck.Opts{N: 2}).Check(t.Context()); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

func leafHashes(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, e := range b.Entries {
		all = append(all, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return all, nil
}

// tempDir is removed after the test, though a closed log's tasks may go on in it for a moment.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "assay-web-*") //nolint:usetesting // t.TempDir fails the test over a file that appears late
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for os.RemoveAll(dir) != nil {
			time.Sleep(10 * time.Millisecond)
		}
	})
	return dir
}
