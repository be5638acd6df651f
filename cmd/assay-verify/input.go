package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

func policyFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "policy", "", "your trust policy, a TOML file: which keys, grades and blocks you believe (required; there is no default)")
}

// readPolicy reads the reader's own trust policy; without one there is nothing to check against.
func readPolicy(path string) (*claim.Policy, error) {
	if path == "" {
		return nil, &failure{
			verifier.ExitUsage, errors.New("--policy is required: a verdict rests on what you trust"),
			"write a policy.toml with the exchange's name and key from a source that is not the report itself; its keys are in SPEC.md, part 16",
		}
	}
	raw, err := readFile(path, 1<<20)
	if err != nil {
		return nil, err
	}
	policy, err := verifier.ReadPolicy(raw)
	if err != nil {
		return nil, &failure{code: verifier.ExitCode(err), err: fmt.Errorf("%s: %w", path, err)}
	}
	return policy, nil
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, unreadable(path, err)
	}
	if int64(len(raw)) > limit {
		return nil, unreadable(path, fmt.Errorf("over %d bytes, the limit", limit))
	}
	return raw, nil
}

// readRegular is readFile for a folder that may come from a stranger.
func readRegular(path string, limit int64) ([]byte, error) {
	if err := regular(path); err != nil {
		return nil, unreadable(path, err)
	}
	return readFile(path, limit)
}

// regular refuses what is no file, such as a pipe, which would keep the reader waiting for good.
func regular(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	return err
}
