package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A verdict is what assay-verify says of a bundle, as far as tests look at it.
type verdict struct {
	Proven     bool
	Summary    string
	Checks     []struct{ Name, Result, Detail string }
	Notes      []string
	Signers    []string
	Unanchored []string
	Evidence   []struct{ Name, Says, File string }
	Flows      []struct{ Asset, From, To, Inflow, Outflow string }
	Claims     []struct {
		Amount, Asset, Holder, Kind string
		Signed                      bool
	}
	Coverage []struct{ Asset, Counted, Coverage string }
	Reserves []struct {
		Asset  string
		Groups []struct {
			Amount, Class, Control, Evidence, Token string
			Accounts                                uint64
			Counted                                 bool
		}
	}
}

// detail is the sentence of a check that passed.
func (v verdict) detail(t *testing.T, name string) string {
	t.Helper()
	for _, c := range v.Checks {
		if c.Name == name {
			if c.Result != "pass" {
				t.Errorf("%s: %s: %s", name, c.Result, c.Detail)
			}
			return c.Detail
		}
	}
	t.Errorf("the verdict has no check %s", name)
	return ""
}

// noted reports whether a note has these words.
func (v verdict) noted(words string) bool {
	return strings.Contains(strings.Join(v.Notes, "\n"), words)
}

// judged has assay-verify check the bundle of a folder with its policy, which these pairs of texts alter, and wants an exit code.
func judged(t *testing.T, dir, verify string, code int, altered ...string) (v verdict) {
	t.Helper()
	policy := strings.NewReplacer(altered...).Replace(read(t, dir, "policy.toml"))
	if err := os.WriteFile(filepath.Join(dir, "own.toml"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	got, stdout, stderr := call(t, dir, verify, "bundle", "bundle", "--policy", "own.toml", "--json")
	if got != code {
		t.Fatalf("assay-verify: exit %d, want %d: %s%s", got, code, stdout, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
