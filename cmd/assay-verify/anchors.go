package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

// An anchor is a block as nodes answered it: an `[[anchor]]` of a policy (SPEC part 16).
type anchor struct {
	Chain  string `json:"chain"`
	Number uint64 `json:"number"`
	Hash   string `json:"hash"`
}

// anchorsTOML gives the entries that a policy lacks, ready to append, and notes about those it has. Every value is in the strict form
// of SPEC part 2 already, so none needs escaping.
func anchorsTOML(v rechecked, policy *claim.Policy) (text string, notes []string) {
	var b strings.Builder
	for _, a := range v.Anchors {
		if have := policyAnchor(policy, a); have != "" {
			says := "has this anchor already"
			if have != a.Hash {
				says = "has another anchor for it, " + have + ": one of the two is wrong"
			}
			notes = append(notes, fmt.Sprintf("no anchor was written for block %d of %s: the policy %s", a.Number, a.Chain, says))
			continue
		}
		var by []string
		for _, n := range v.Nodes {
			if label, ok := strings.CutPrefix(n, a.Chain+": "); ok {
				by = append(by, label)
			}
		}
		fmt.Fprintf(&b, "\n# as answered by %s\n[[anchor]]\nchain = %q\nnumber = %d\nhash = %q\n", strings.Join(by, ", "), a.Chain, a.Number, a.Hash)
	}
	return b.String(), notes
}

func policyAnchor(policy *claim.Policy, a anchor) string {
	for _, have := range policy.Anchors {
		if have.Chain == a.Chain && have.Number == a.Number {
			return have.Hash
		}
	}
	return ""
}

// checkNew refuses the path of a file that exists, before any node is asked.
func checkNew(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return exists(path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return unreadable(path, err)
	}
	return nil
}

func exists(path string) error {
	return &failure{verifier.ExitUsage, fmt.Errorf("%s: it exists, and is never written over", path), "name a new file, or --anchors - to print the anchors"}
}

// writeNew writes a file that appears whole or not at all, and never in the place of another.
func writeNew(path, text string) error {
	err := writeWhole(path, []byte(text), os.Link)
	if errors.Is(err, fs.ErrExist) {
		return exists(path)
	}
	return err
}
