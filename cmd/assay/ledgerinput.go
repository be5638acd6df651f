package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/merkle/ledger"
)

// ledgerInput is what the build stage reads. Its digest names the input: a changed ledger is never mistaken for the one that
// was built, and an unchanged one is not built again.
type ledgerInput struct {
	sources []ledger.Source
	size    int64
	digest  string
	stamps  []stamp
}

// stamp tells whether a file changed while it was read.
type stamp struct {
	path string
	size int64
	time time.Time
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, unreadable("%v", err)
	}
	return stamp{path, info.Size(), info.ModTime()}, nil
}

// openLedger finds the files and computes their digest, over their contents and the rules they are read by.
func openLedger(ctx context.Context, c *Config) (*ledgerInput, error) {
	paths, err := ledgerFiles(c)
	if err != nil {
		return nil, err
	}
	in := new(ledgerInput)
	named := []any{}
	for _, path := range paths {
		s, err := stampOf(path)
		if err != nil {
			return nil, err
		}
		sum, err := digestFile(ctx, path)
		if err != nil {
			return nil, err
		}
		in.stamps = append(in.stamps, s)
		in.size += s.size
		in.sources = append(in.sources, ledger.Source{Name: path, Open: func() (io.ReadCloser, error) { return os.Open(path) }})
		named = append(named, map[string]any{"name": filepath.Base(path), "sha256": sum})
	}
	assets := []any{}
	for _, a := range c.Assets {
		assets = append(assets, map[string]any{"id": a.ID, "decimals": a.Decimals})
	}
	b, err := attest.Canonical(map[string]any{
		"assets": assets, "files": named,
		"rules": []string{c.Ledger.Negatives, c.Ledger.Duplicates, c.Ledger.UnknownAssets},
	})
	if err != nil {
		return nil, unreadable("ledger: %v", err)
	}
	in.digest = fmt.Sprintf("%x", sha256.Sum256(b))
	return in, nil
}

// unchanged fails if a file is not as it was when its digest was taken.
func (in *ledgerInput) unchanged() error {
	for _, before := range in.stamps {
		now, err := stampOf(before.path)
		if err != nil {
			return err
		}
		if now != before {
			return refused("%s changed while it was read; run the command again when it is complete", before.path)
		}
	}
	return nil
}

// digestFile hashes a file as it lies on disk.
func digestFile(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", unreadable("%v", err)
	}
	defer f.Close()
	h := sha256.New()
	for buf := make([]byte, 1<<20); ; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			return fmt.Sprintf("%x", h.Sum(nil)), nil
		}
		if err != nil {
			return "", unreadable("%s: %v", path, err)
		}
	}
}
