package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains/egress"
)

// maxFetch bounds what is fetched: a bundle of the demo has some megabytes.
const maxFetch = 1 << 30

func newFetch() *cobra.Command {
	return &cobra.Command{
		Use:   "fetch URL FILE",
		Short: "GET a URL into a file",
		Args:  exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return fetch(cmd, args[0], args[1])
		},
	}
}

func fetch(cmd *cobra.Command, url, file string) (err error) {
	endpoint, err := egress.New(url, egress.Limits{Bytes: maxFetch})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, endpoint.URL, nil)
	if err != nil {
		return err
	}
	resp, err := endpoint.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", endpoint.Label, egress.Cause(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", endpoint.Label, resp.Status)
	}
	out, err := renameio.NewPendingFile(file, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Cleanup()) }()
	if _, err := io.Copy(out, resp.Body); err != nil {
		return fmt.Errorf("%s: %w", endpoint.Label, egress.Cause(err))
	}
	return out.CloseAtomicallyReplace()
}
