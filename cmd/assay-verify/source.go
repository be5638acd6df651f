package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/watch"
)

const (
	tileTime       = 2 * time.Minute // for one file of a log
	maxCheckpoint  = 64 << 10        // SPEC part 18
	maxEntryBundle = 17 << 20
	tileEntries    = 256
)

func limitOf(path string) int64 {
	if path == tlog.CheckpointPath {
		return maxCheckpoint
	}
	return maxEntryBundle
}

// openLog opens a source of a log: the prefix of a URL, or a folder. done releases it.
func openLog(ctx context.Context, place string, out *output, stderr io.Writer) (source verifier.LogSource, done func(), err error) {
	source.Name = place
	if err := watch.CheckName(place); err != nil {
		return source, nil, &failure{code: verifier.ExitUsage, err: err}
	}
	done = func() {}
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		if source.Read, err = httpSource(ctx, place); err != nil {
			return source, nil, err
		}
	} else {
		root, err := os.OpenRoot(place)
		if err != nil {
			return source, nil, unreadable(place, err)
		}
		source.Read, done = folderSource(root), func() { root.Close() }
	}
	source.Read = out.showing(source, stderr)
	return source, done, nil
}

// httpSource reads a log below a URL. A server that answers that it has no such file is no unreachable one.
func httpSource(ctx context.Context, prefix string) (tlog.Source, error) {
	u, err := url.Parse(prefix)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &failure{verifier.ExitUsage, errors.New("the source of a log is a URL without user, query and fragment, or a folder"), "https://log.example.org"}
	}
	client, base := newClient(), strings.TrimSuffix(prefix, "/")
	return func(path string) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, tileTime)
		defer cancel()
		var raw bytes.Buffer
		err := get(ctx, client, base+"/"+path, limitOf(path), &raw)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, err
		case err != nil:
			return nil, &watch.Unreachable{Err: err}
		}
		return raw.Bytes(), nil
	}, nil
}

func folderSource(root *os.Root) tlog.Source {
	return func(path string) ([]byte, error) {
		file, err := openRegular(root, path)
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err // the path is told by whoever asked for it
		}
		if err != nil {
			return nil, err
		}
		defer file.Close()
		raw, err := io.ReadAll(io.LimitReader(file, limitOf(path)+1))
		if err == nil && int64(len(raw)) > limitOf(path) {
			err = fmt.Errorf("over %d bytes, the limit", limitOf(path))
		}
		return raw, err
	}
}

// openRegular opens nothing that could keep its reader waiting: the folder may come from a stranger, and hold a pipe.
func openRegular(root *os.Root, path string) (*os.File, error) {
	info, err := root.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, err
	}
	return root.Open(path)
}

// showing tells a person at a terminal how far a long log has been read.
func (o *output) showing(source verifier.LogSource, stderr io.Writer) tlog.Source {
	file, ok := stderr.(*os.File)
	if !ok || o.quiet || !isatty.IsTerminal(file.Fd()) {
		return source.Read
	}
	bundles := 0
	return func(path string) ([]byte, error) {
		if path != tlog.CheckpointPath {
			if bundles++; bundles%16 == 0 {
				o.progress = stderr
				fmt.Fprintf(stderr, "\r%s: %d entries read\x1b[K", escape(source.Name), bundles*tileEntries)
			}
		}
		return source.Read(path)
	}
}

func logFlag(c *cobra.Command, place *string) {
	c.Flags().StringVar(place, "log", "", "look at a log of your policy too: the URL below which it is served, or a folder with it")
}

// lookAt opens the log that is to be looked at, if there is one. done releases it.
func lookAt(cmd *cobra.Command, out *output, place string, policy *claim.Policy) (look *verifier.Look, done func(), err error) {
	if !cmd.Flags().Changed("log") {
		return nil, func() {}, nil
	}
	if _, err := logTrust(policy); err != nil {
		return nil, nil, err
	}
	source, done, err := openLog(cmd.Context(), place, out, cmd.ErrOrStderr())
	if err != nil {
		return nil, nil, err
	}
	return &verifier.Look{Source: source.Name, Read: source.Read, Now: time.Now().UTC()}, done, nil
}

// logTrust gives the logs that the policy believes, of which there must be one.
func logTrust(policy *claim.Policy) (tlog.Trust, error) {
	trust, err := watch.TrustOf(policy.Log)
	switch {
	case errors.Is(err, watch.ErrNoLog):
		return trust, &failure{verifier.ExitUsage, err, "add [log] to your policy, with the log's key from a source that is not the log itself; SPEC.md, part 16"}
	case err != nil:
		return trust, &failure{code: verifier.ExitCode(err), err: fmt.Errorf("policy: %w", err)}
	}
	return trust, nil
}
