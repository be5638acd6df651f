package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/web/audit"
)

func newAuditAnchor(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "anchor",
		Short: "Enter the newest head of the audit log in the transparency log",
		Long: `Enter the newest head of server.audit in the log of [log], so that its witnesses have seen how far the audit log reached: from then on not even whoever holds
server.audit_key changes a row before it unnoticed. Run it once a day. assay keys response --audit lists the key first. A head that would not follow from the ones before it is
refused. Where the log is on another machine, copy the file that assay audit head names, and type there: assay log add FILE.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadLog()
			if err != nil {
				return err
			}
			known, err := a.auditKeys(cmd.Context(), c)
			if err != nil {
				return err
			}
			if len(known) == 0 {
				return hinted(unreadable("%s: server.audit_key is missing", c.path), "it signs the heads of the audit log")
			}
			head, err := audit.Heads{Dir: c.resolve(c.Server.Audit)}.Last(known...)
			if err != nil {
				return unreadable("server.audit: %v", err)
			}
			if head.Seq == 0 {
				return refused("%s holds no head: assay serve signs them", c.resolve(c.Server.Audit))
			}
			place, err := enterOwn(cmd.Context(), a, head.Envelope)
			if err != nil {
				return err
			}
			at := head.At.Format(time.RFC3339)
			return a.say(cmd, map[string]any{"seq": head.Seq, "hash": head.Hash, "at": at, "index": place.Index},
				"the audit log had %d rows at %s: entry #%d of %s", head.Seq, at, place.Index, c.Log.Origin)
		},
	}
}

// loggedHeads are the heads that were entered in the transparency log and that one of the keys signed, by their rows; none where
// the log is not on this machine.
func (a *app) loggedHeads(ctx context.Context, c *Config, known []attest.PublicKey) ([]audit.Head, error) {
	if c.Log.Origin == "" {
		return nil, nil
	}
	vkey, err := a.logKey(ctx, c)
	if err != nil {
		return nil, err
	}
	dir := os.DirFS(c.resolve(c.Log.Dir))
	end, err := tlog.ReadCheckpoint(dir, vkey, c.witnessKeys()...)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, refused("%v", err)
	}
	var all []audit.Head
	index := 0
	for raw, err := range tlog.Entries(dir, end) {
		if err != nil {
			return nil, refused("%v", err)
		}
		if head, err := audit.ParseHead(raw, known...); err == nil {
			all = append(all, audit.Head{AuditHead: head, File: fmt.Sprintf("entry #%d of %s", index, c.Log.Origin), Envelope: raw})
		}
		index++
	}
	slices.SortStableFunc(all, func(a, b audit.Head) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

// withLogged are the heads of files and those of the log, in the order of their rows.
func withLogged(files iter.Seq2[audit.Head, error], logged []audit.Head) iter.Seq2[audit.Head, error] {
	return func(yield func(audit.Head, error) bool) {
		rest := logged
		for head, err := range files {
			for err == nil && len(rest) > 0 && rest[0].Seq <= head.Seq {
				if !yield(rest[0], nil) {
					return
				}
				rest = rest[1:]
			}
			if !yield(head, err) {
				return
			}
		}
		for _, head := range rest {
			if !yield(head, nil) {
				return
			}
		}
	}
}
