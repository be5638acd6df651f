package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	customers "github.com/assay-por/assay/web/app"
	shelves "github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/site"
)

func newSite(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "site --out DIR",
		Short: "Write the public site as files that any server, CDN or mirror can host",
		Long: `Write the public site into a folder: the reports, the newest first, a page and the evidence of each, the log, an Atom feed, and JSON beside; verify.html, by which customers check their proofs, and widget.js for pages of others. They are the pages that assay serve
shows, byte for byte. Links are relative: put the folder below any path of any server, or open index.html from a disk. 404.html is for addresses that are none.

The reports are those of server.reports, else the one of [bundle]; what became of each is what the log of [log] says. Write it anew whenever a report or an entry of the log is published.
The folder is replaced as a whole, once all of it is on disk; a folder that holds something else is refused. The bundles are copied, so it takes as much room as they do.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usage("--out is missing: say which folder the site goes to")
			}
			c, err := a.load()
			if err != nil {
				return err
			}
			if err := outside(c, out); err != nil {
				return err
			}
			return a.site(cmd, c, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder of the site")
	return cmd
}

// outside refuses a folder within what the site is made of: a bundle with further files in it does not verify, and a shelf shows reports alone.
func outside(c *Config, out string) error {
	at, err := filepath.Abs(out)
	if err != nil {
		return unreadable("%v", err)
	}
	for name, dir := range map[string]string{"server.reports": c.Server.Reports, "bundle.dir": c.Bundle.Dir, "bundle.report": c.Bundle.Report, "log.dir": c.Log.Dir} {
		if dir == "" || inS3(dir) != "" {
			continue
		}
		from, err := filepath.Abs(c.resolve(dir))
		if err != nil {
			return unreadable("%v", err)
		}
		if rel, err := filepath.Rel(from, at); err == nil && filepath.IsLocal(rel) {
			return usage("--out: %s is within %s, %s: name a folder outside of it", out, name, dir)
		}
	}
	return nil
}

func (a *app) site(cmd *cobra.Command, c *Config, out string) error {
	logger := a.logger(cmd)
	buckets, err := a.reader(cmd.Context(), c, logger)
	if err != nil {
		return err
	}
	shelf, err := c.shelf(logger, buckets)
	if err != nil {
		return err
	}
	var src site.Source
	if src.Tools, err = handedOut(); err != nil {
		return err
	}
	if src.Reports, err = shelf.Reports(); err != nil {
		return unreadable("%v", err)
	}
	var log *shelves.Log
	if c.Log.Origin != "" {
		files, err := buckets.log()
		if err != nil {
			return err
		}
		read, err := a.siteLog(cmd.Context(), c, files)
		if err != nil {
			return err
		}
		seen, err := read.seen()
		if err != nil {
			return refused("%v", err)
		}
		log = &shelves.Log{Files: files}
		src.Register, src.Log, src.Size = seen.Register, seen.Origin, seen.Size
	}
	if src.Policy, err = os.ReadFile(c.resolve("policy.toml")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadable("%v", err)
	}
	s, err := site.New(src)
	if errors.Is(err, site.ErrEmpty) {
		return hinted(unreadable("%v", err), "put one on the shelf: server.reports")
	}
	if err != nil {
		return err
	}
	w, err := site.Export(out, s, log)
	if err != nil {
		return unreadable("%v", err)
	}
	return a.say(cmd, map[string]any{"dir": out, "reports": w.Reports, "pages": w.Pages, "files": w.Files, "bytes": w.Bytes},
		"wrote the site of %d reports to %s: %d pages, and %d files of bundles and log, %d bytes in all", w.Reports, out, w.Pages, w.Files, w.Bytes)
}

// handedOut is what the site hands out, served or written.
func handedOut() (site.Tools, error) {
	return site.NewTools(customers.Page(), customers.Small(), customers.Widget())
}

// siteLog is the log that the site reads; it takes no key but public ones.
func (a *app) siteLog(ctx context.Context, c *Config, files shelves.LogFiles) (*servedLog, error) {
	own, err := c.knownKeys()
	if err != nil {
		return nil, err
	}
	return a.openLog(ctx, c, files, own)
}
