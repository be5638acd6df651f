package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
)

func bundleCommand(out *output) *cobra.Command {
	var policyPath, logPlace string
	var options verifier.Options
	c := &cobra.Command{
		Use:   "bundle PATH --policy FILE [--log SOURCE]",
		Short: "Check a published report: a folder, a zip file, or the URL of one",
		Long: `Check a published report: a folder, a zip file, or the URL of a zip file.

Every file of the bundle is checked: the signature, the digests, the tree of liabilities up to the signed root, the evidence of
every reserve balance down to a block header, the signatures of control, and the coverage, by the statement's rule and by yours.

Of a confidential tree, whose leaves are commitments, the totals are opened by a proof over the shards' total rows, and each shard's proof
shows that no balance is negative and that the shard's total row is right; shards are checked on all cores. If the exchange hides the totals,
the proof shows of each asset what is owed at most: what counts of the reserves by the statement's rule. If your policy counts fewer lines, it
sees less coverage than there may be: "coverage at least", "shortfall at most".

Memory does not grow with the number of leaves: to find one that is there twice, a temporary file takes 24 bytes of each (TMPDIR names its
folder).

That a pinned block is its chain's is the exchange's word, unless your policy knows better: by an [[anchor]], the block's hash, or for
Ethereum by a [[checkpoint]], the root of a finalised beacon block, from which the report's light client evidence leads to the pinned
block by the signatures of sync committees:

  [[checkpoint]]
  chain = "eip155:1"
  root = "0x…"

What was made after the statement is checked too, where the report holds it: its entry in a transparency log, with the witnesses who saw
the log; time stamps (RFC 3161); the log in a block of Bitcoin; auditors' findings. Whom of them you believe says your policy, in [log],
[[timestamp]], [[anchor]] and [[auditor]]; with required = true in [log], a report without its place in one of your logs is not proven.
A key that your policy says was revoked still counts for what they show to have been there before.

The report says at which block its light client evidence begins. Put that root into your policy only if your own beacon node, or several others,
have it as finalised (/eth/v1/beacon/headers/SLOT).

` + logHelp + exitCodes,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := readPolicy(policyPath)
			if err != nil {
				return err
			}
			files, done, err := openBundle(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer done()
			var release func()
			if options.Log, release, err = lookAt(cmd, out, logPlace, policy); err != nil {
				return err
			}
			defer release()
			options.Progress = out.shards(cmd.ErrOrStderr())
			var remove func()
			options.Scratch, remove = scratch()
			defer remove()
			return out.print(cmd.OutOrStdout(), verifier.Bundle(files, policy, options))
		},
	}
	policyFlag(c, &policyPath)
	logFlag(c, &logPlace)
	c.Flags().BoolVar(&options.Full, "full", false, "every shard must be recomputed from its leaves, whatever the policy says")
	return c
}

// shards tells a person at a terminal how many shards have been recomputed.
func (o *output) shards(stderr io.Writer) func(done, total uint64) {
	file, ok := stderr.(*os.File)
	if !ok || o.quiet || !isatty.IsTerminal(file.Fd()) {
		return nil
	}
	return func(done, total uint64) {
		o.progress = stderr
		fmt.Fprintf(stderr, "\r%d of %d shards recomputed\x1b[K", done, total)
	}
}

// openBundle opens a folder, a zip file, or the URL of one; done releases it.
func openBundle(ctx context.Context, path string) (files *verifier.Files, done func(), err error) {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return fetchZip(ctx, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	if info.IsDir() {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, nil, unreadable(path, err)
		}
		files, err := verifier.Folder(root.FS())
		if err != nil {
			root.Close()
			return nil, nil, unreadable(path, err)
		}
		return files, func() { root.Close() }, nil
	}
	if !info.Mode().IsRegular() {
		return nil, nil, unreadable(path, errors.New("neither a folder nor a regular file"))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	files, done, err = openZip(file)
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	return files, done, nil
}

// openZip reads an open file as a zip, and closes it when done or on failure.
func openZip(file *os.File) (*verifier.Files, func(), error) {
	info, err := file.Stat()
	if err == nil {
		var files *verifier.Files
		if files, err = verifier.Zip(file, info.Size()); err == nil {
			return files, func() { file.Close() }, nil
		}
	}
	file.Close()
	return nil, nil, err
}

// unreadable names the file once, whatever error it is in.
func unreadable(path string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return &failure{code: verifier.ExitUnreadable, err: fmt.Errorf("%s: %w", path, err)}
}
