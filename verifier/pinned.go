package verifier

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

// Pinned is what a signed statement says of one chain: what a reader may ask nodes of their own about (SPEC part 17, Rechecking
// with one's own nodes). It is the exchange's word, whole and unaltered, and nothing more.
type Pinned struct {
	Block   claim.Block
	Lines   []claim.Line      // reserve lines of accounts on this chain
	Outputs []evidence.Output // on a bip122 chain: the outputs that its evidence names
}

// PinnedChains makes the checks that come before any node is asked: the statement's, `bundle.files`, and `recheck.lines`, which reads
// what is to be asked about (SPEC part 17). It gives every pinned chain if the checks of the statement passed, none otherwise; lines
// and outputs are there only if `recheck.lines` passed, and outputs of the named chains only. Neither evidence nor coverage is checked:
// that is what [Bundle] does.
func PinnedChains(files *Files, policy *claim.Policy, named []string) (Verdict, []Pinned) {
	return readPinned(files, policy, func(chain string) bool { return slices.Contains(named, chain) })
}

func readPinned(files *Files, policy *claim.Policy, named func(chain string) bool) (Verdict, []Pinned) {
	b := &bundleRun{run: newRun(policy), files: files, listed: map[string]claim.File{}, sound: map[string]bool{}}
	b.check("statement.signature", nil, b.checkSignature)
	b.checkStatement()
	b.check("bundle.files", []string{"statement.format"}, b.checkFiles)
	var list []Pinned
	if b.passed["statement.exchange"] && b.passed["snapshot"] {
		list = []Pinned{} // a statement without chains is not one that failed
		for _, block := range b.statement.Snapshot.Blocks {
			list = append(list, Pinned{Block: block})
		}
	}
	b.check("recheck.lines", []string{"statement.exchange", "snapshot", "bundle.files"}, func() (string, error) { return b.readClaims(list, named) })
	return b.conclude("the statement is signed and whole; what it says is not checked here"), list
}

// readClaims fills in what the signed files say of each chain.
func (b *bundleRun) readClaims(list []Pinned, named func(chain string) bool) (string, error) {
	if err := b.loadLines(); err != nil {
		return "", err
	}
	outputs := 0
	for i := range list {
		p := &list[i]
		for _, l := range b.lines {
			if claim.ChainOf(l.Account) == p.Block.Chain {
				p.Lines = append(p.Lines, l)
			}
		}
		if !strings.HasPrefix(p.Block.Chain, "bip122:") || !named(p.Block.Chain) {
			continue
		}
		path := evidencePath(p.Block.Chain)
		raw, err := b.load(path)
		if err != nil {
			return "", err
		}
		file, err := evidence.ParseUTXO(raw, b.statement.Snapshot.ID.String(), p.Block.Chain)
		if err != nil {
			return "", in(path, err)
		}
		if p.Outputs, err = file.Outputs(); err != nil {
			return "", in(path, err)
		}
		outputs += len(p.Outputs)
	}
	return fmt.Sprintf("%d reserve lines, %d outputs", len(b.lines), outputs), nil
}
