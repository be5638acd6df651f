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
	config   *Config
	sources  []ledger.Source
	size     int64     // 0 if it is not known
	digest   string    // of a query not known before its rows were read
	database *database // nil for files
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

// openLedger finds the files and computes their digest, over their contents and the rules they are read by. Of a query it asks
// whether it can be answered.
func openLedger(ctx context.Context, c *Config) (*ledgerInput, error) {
	in := &ledgerInput{config: c}
	if c.Ledger.Query != "" {
		return in, in.openQuery(ctx)
	}
	paths, err := ledgerFiles(c)
	if err != nil {
		return nil, err
	}
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
		in.size += s.size
		in.sources = append(in.sources, ledger.Source{
			Name: path, Size: s.size,
			Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) },
			Read: func() (string, error) { return "", s.unchanged() },
		})
		named = append(named, map[string]any{"name": filepath.Base(path), "sha256": sum})
	}
	objects, err := ledgerObjects(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		in.size += o.Size
		in.sources = append(in.sources, o.source())
		named = append(named, o.identity())
	}
	return in, in.identified("files", named)
}

func (in *ledgerInput) openQuery(ctx context.Context) (err error) {
	if in.database, err = openDatabase(in.config); err != nil {
		return err
	}
	var sum *rowSum // of the rows that were read last
	in.sources = []ledger.Source{{
		Name: "ledger.query", Query: true,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			sum = new(rowSum)
			return in.database.rows(ctx, sum)
		},
		Read: func() (string, error) { return sum.String(), nil },
	}}
	_, err = in.database.check(ctx)
	return err
}

// identified computes the digest of what was read and by which rules.
func (in *ledgerInput) identified(kind string, content any) error {
	c, assets := in.config, []any{}
	for _, a := range c.Assets {
		assets = append(assets, map[string]any{"id": a.ID, "decimals": a.Decimals})
	}
	rules := []string{c.Ledger.Negatives, c.Ledger.Duplicates, c.Ledger.UnknownAssets}
	if c.Margin != nil {
		rules = append(rules, c.Margin.Underwater)
	}
	b, err := attest.Canonical(map[string]any{"assets": assets, kind: content, "rules": rules})
	if err != nil {
		return unreadable("ledger: %v", err)
	}
	in.digest = fmt.Sprintf("%x", sha256.Sum256(b))
	return nil
}

// identify makes sure that the digest is known: a query is asked for its rows.
func (in *ledgerInput) identify(ctx context.Context) error {
	if in.digest != "" {
		return nil
	}
	sum, err := in.database.sum(ctx)
	if err != nil {
		return err
	}
	return in.identifiedRows(sum.String())
}

func (in *ledgerInput) identifiedRows(sum string) error {
	return in.identified("rows", map[string]any{"query": in.database.query, "sum": sum})
}

// planned names the input of a build that has not read it yet: a query by its text.
func (in *ledgerInput) planned() string {
	if in.database != nil {
		return fmt.Sprintf("query %x", sha256.Sum256([]byte(in.database.query)))
	}
	return in.digest
}

// unchanged fails if the file is not as it was when its digest was taken.
func (s stamp) unchanged() error {
	now, err := stampOf(s.path)
	if err == nil && now != s {
		err = refused("%s changed while it was read; run the command again when it is complete", s.path)
	}
	return err
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
