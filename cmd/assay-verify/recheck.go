package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

// chainNode is a node of some technology, asked about a pinned block (SPEC part 17, Rechecking with one's own nodes). Errors are
// *noAnswer, *contradiction or *lostState.
type chainNode interface {
	name() string
	chain(ctx context.Context) (string, error)                              // that the node is of
	block(ctx context.Context, pinned claim.Block) (hash string, err error) // hash: what it has at that number, wherever it says
	holdings(ctx context.Context, p verifier.Pinned) (found, error)
}

// found is what a node that agrees said of a chain's lines or outputs.
type found struct {
	detail        string
	asked, agreed int
	missing       []string // outputs that are not unspent now
}

// contradiction is a node's answer that differs from what the exchange signed.
type contradiction struct{ says string }

func (e *contradiction) Error() string { return e.says }

// lostState is a node that says that it no longer has what it was asked about.
type lostState struct{ node, problem string }

func (e *lostState) Error() string { return "node " + e.node + ": " + e.problem }

// otherHash, otherTime and behind are what nodes may say of a pinned block, whatever their technology.
func otherHash(node string, pinned claim.Block, got string) error {
	return &contradiction{fmt.Sprintf("node %s: its block %d is %s, the statement pins %s", node, pinned.Number, got, pinned.Hash)}
}

func otherTime(node string, pinned claim.Block, got time.Time) error {
	return &contradiction{fmt.Sprintf("node %s: its block %d is of %s, the statement says %s", node, pinned.Number, stamp(got), stamp(pinned.Time))}
}

// behind judges a node whose chain ends before the pinned block: if it has passed the block's time, the two are of different chains;
// otherwise it has not come that far.
func behind(node string, pinned claim.Block, tip uint64, at time.Time, slack time.Duration) error {
	if at.After(pinned.Time.Add(slack)) {
		return &contradiction{fmt.Sprintf("node %s: its chain has come to block %d at %s, so it had no block %d by %s, which the statement pins", node, tip, stamp(at), pinned.Number, stamp(pinned.Time))}
	}
	return &noAnswer{node, fmt.Sprintf("its chain has come to block %d only, the pinned one is %d; ask again when it has caught up", tip, pinned.Number)}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// faultList gathers contradictions of one node: all are counted, the first few told.
type faultList struct {
	told  []string
	count int
}

func (f *faultList) add(format string, args ...any) {
	if f.count++; len(f.told) < 3 {
		f.told = append(f.told, fmt.Sprintf(format, args...))
	}
}

// take adds a contradiction and reports whether the error was one.
func (f *faultList) take(err error) bool {
	var c *contradiction
	if errors.As(err, &c) {
		f.add("%s", c.says)
	}
	return c != nil
}

func (f *faultList) err() error {
	if f.count == 0 {
		return nil
	}
	text := strings.Join(f.told, "; ")
	if f.count > len(f.told) {
		text += fmt.Sprintf("; and %d more", f.count-len(f.told))
	}
	return &contradiction{text}
}

// rechecked is the verdict of a recheck. It never says proven: nodes agree with a statement, or they do not.
type rechecked struct {
	Agreed       bool                `json:"agreed"`
	Exit         int                 `json:"exit"`
	Summary      string              `json:"summary"`
	Checks       []verifier.Check    `json:"checks"`
	Notes        []string            `json:"notes"`
	Rechecked    []string            `json:"rechecked"`
	NotRechecked []string            `json:"not_rechecked"`
	Anchors      []anchor            `json:"anchors"` // blocks as the nodes answered them
	Policy       string              `json:"policy"`
	Signers      []string            `json:"signers"`
	Nodes        []string            `json:"nodes"`
	Statement    *verifier.Statement `json:"statement,omitempty"`
	NotShown     []string            `json:"not_shown"`
}

// A recheck asks the nodes of a reader about what a statement pins.
type recheck struct {
	verdict   rechecked
	nodes     map[string][]chainNode // by chain
	lines     bool                   // lines and outputs could be read
	refuted   []string               // names of checks that a node contradicts
	unheard   []string               // names of checks that a node gave no answer for
	firstSaid string
}

// run asks about every pinned chain, in order. All nodes of a chain must agree.
func (r *recheck) run(ctx context.Context, first verifier.Verdict, pinned []verifier.Pinned) rechecked {
	v := &r.verdict
	*v = rechecked{
		Checks: first.Checks, Notes: first.Notes, Policy: first.Policy, Signers: first.Signers, Statement: first.Statement,
		Rechecked: []string{}, NotRechecked: []string{}, Anchors: []anchor{}, Nodes: []string{}, NotShown: notShownByRecheck(),
	}
	r.lines = first.Proven
	if pinned == nil {
		v.NotRechecked = append(v.NotRechecked, "every chain: no node was asked")
		for _, chain := range slices.Sorted(maps.Keys(r.nodes)) {
			r.skip("recheck."+chain+".block", "not run: the statement did not verify, so no node was asked")
			r.skip(holdingsName(chain), "not run: the statement did not verify, so no node was asked")
		}
	}
	for _, p := range pinned {
		nodes := r.nodes[p.Block.Chain]
		block, holdings := "recheck."+p.Block.Chain+".block", holdingsName(p.Block.Chain)
		if len(nodes) == 0 {
			r.skip(block, "no --node was given for this chain")
			r.skip(holdings, "no --node was given for this chain")
			v.NotRechecked = append(v.NotRechecked, p.Block.Chain+", for which no node was given")
			continue
		}
		for _, n := range nodes {
			v.Nodes = append(v.Nodes, p.Block.Chain+": "+n.name())
		}
		if !r.askBlock(ctx, block, p, nodes) {
			r.skip(holdings, "not run: the check "+block+" did not pass")
			v.NotRechecked = append(v.NotRechecked, subject(holdings)+", because its block did not pass")
			continue
		}
		r.askHoldings(ctx, holdings, p, nodes)
	}
	r.conclude(first)
	return *v
}

func holdingsName(chain string) string {
	if strings.HasPrefix(chain, "bip122:") {
		return "recheck." + chain + ".unspent"
	}
	return "recheck." + chain + ".balances"
}

// subject names what a check of lines or outputs is about.
func subject(name string) string {
	chain := strings.TrimPrefix(name, "recheck.")
	if of, ok := strings.CutSuffix(chain, ".unspent"); ok {
		return "the outputs on " + of
	}
	return "the balances on " + strings.TrimSuffix(chain, ".balances")
}

// recheckTitle says in plain words what a check asks.
func recheckTitle(name string) string {
	chain, what := strings.TrimPrefix(name, "recheck."), ""
	if at := strings.LastIndex(chain, "."); at >= 0 {
		chain, what = chain[:at], chain[at+1:]
	}
	switch what {
	case "block":
		return "your nodes have the pinned block of " + chain + " in their chain"
	case "balances":
		return "your nodes give the balances on " + chain + " at the pinned block"
	default:
		return "your nodes know the outputs on " + chain + " as unspent now"
	}
}

func (r *recheck) record(name string, result verifier.Result, required bool, detail string) {
	r.verdict.Checks = append(r.verdict.Checks, verifier.Check{Name: name, Title: recheckTitle(name), Result: result, Required: required, Detail: detail})
}

func (r *recheck) skip(name, why string) { r.record(name, verifier.Skipped, false, why) }

// judge records a check that did not pass: a contradiction outweighs a missing answer.
func (r *recheck) judge(name string, refuted, unheard []string) {
	switch {
	case len(refuted) > 0:
		r.refuted = append(r.refuted, name)
		if len(r.refuted) == 1 {
			r.firstSaid, _, _ = strings.Cut(refuted[0], "; ") // whatever went unheard before it
		}
		r.record(name, verifier.Fail, true, strings.Join(append(refuted, unheard...), "; "))
	default:
		r.unheard = append(r.unheard, name)
		if len(r.unheard) == 1 && len(r.refuted) == 0 {
			r.firstSaid = unheard[0]
		}
		r.record(name, verifier.Skipped, true, "not answered: "+strings.Join(unheard, "; "))
	}
}

// sortError puts a node's error where it belongs.
func sortError(err error, refuted, unheard *[]string) {
	var c *contradiction
	switch {
	case errors.As(err, &c):
		*refuted = append(*refuted, c.says)
	case err != nil:
		*unheard = append(*unheard, err.Error())
	}
}

// askBlock makes the check `recheck.CHAIN.block`, and keeps what the nodes answered as an anchor if they all answered the same.
func (r *recheck) askBlock(ctx context.Context, name string, p verifier.Pinned, nodes []chainNode) bool {
	var refuted, unheard, hashes []string
	for _, n := range nodes {
		hash, err := n.block(ctx, p.Block)
		hashes = append(hashes, hash)
		sortError(err, &refuted, &unheard)
	}
	slices.Sort(hashes)
	if hashes = slices.Compact(hashes); len(hashes) == 1 && hashes[0] != "" {
		r.verdict.Anchors = append(r.verdict.Anchors, anchor{p.Block.Chain, p.Block.Number, hashes[0]})
	}
	if len(refuted)+len(unheard) > 0 {
		r.judge(name, refuted, unheard)
		return false
	}
	r.record(name, verifier.Pass, true, fmt.Sprintf("block %d, %s, by %s", p.Block.Number, p.Block.Hash, names(nodes)))
	return true
}

// askHoldings makes the check `recheck.CHAIN.balances` or `recheck.CHAIN.unspent`.
func (r *recheck) askHoldings(ctx context.Context, name string, p verifier.Pinned, nodes []chainNode) {
	v, chain := &r.verdict, p.Block.Chain
	block := fmt.Sprintf("%s: block %d", chain, p.Block.Number)
	only := block + ", by " + names(nodes) // what was rechecked if nothing else was
	why := ""
	switch outputs := strings.HasSuffix(name, ".unspent"); {
	case !r.lines:
		why = "not run: the check recheck.lines did not pass"
	case outputs && len(p.Outputs) == 0:
		why = "the evidence names no output: there is nothing to ask"
	case !outputs && len(p.Lines) == 0:
		why = "the statement has no reserve line there: there is nothing to ask"
	}
	if why != "" {
		r.skip(name, why)
		v.Rechecked = append(v.Rechecked, only)
		return
	}
	var refuted, unheard, lost, unspent, details []string
	for _, n := range nodes {
		f, err := n.holdings(ctx, p)
		var gone *lostState
		if errors.As(err, &gone) {
			lost = append(lost, gone.Error())
			continue
		}
		if sortError(err, &refuted, &unheard); err != nil {
			continue
		}
		if len(f.missing) > 0 {
			v.Notes = append(v.Notes, missingNote(n, chain, p.Block.Number, f))
			v.NotRechecked = append(v.NotRechecked, fmt.Sprintf("%d of %d outputs on %s, spent since or unknown to node %s now", len(f.missing), f.asked, chain, n.name()))
		}
		if f.agreed == 0 {
			unspent = append(unspent, fmt.Sprintf("node %s: none of the %d outputs is unspent now: spent since, or unknown to this node now", n.name(), f.asked))
			continue
		}
		details = append(details, f.detail+", by "+n.name())
	}
	for _, l := range slices.Concat(lost, unheard) {
		v.NotRechecked = append(v.NotRechecked, subject(name)+" by "+l)
	}
	switch left := slices.Concat(lost, unspent); {
	case len(refuted)+len(unheard) > 0:
		r.judge(name, refuted, unheard)
		v.Rechecked = append(v.Rechecked, only)
	case len(details) == 0:
		r.skip(name, strings.Join(left, "; "))
		v.Rechecked = append(v.Rechecked, only)
	default:
		r.record(name, verifier.Pass, true, strings.Join(slices.Concat(details, left), "; "))
		if len(nodes) > 1 {
			block = only
		}
		v.Rechecked = append(v.Rechecked, block+", "+strings.Join(details, ", "))
	}
}

// missingNote says what it means that outputs are not unspent now, and what it does not.
func missingNote(n chainNode, chain string, block uint64, f found) string {
	list := f.missing
	more := ""
	if len(list) > 5 {
		list, more = list[:5], fmt.Sprintf(" and %d more", len(list)-5)
	}
	return fmt.Sprintf("%s: %d of %d outputs are spent since or unknown to this node now (%s); whether they were unspent at block %d it does not say: %s%s",
		chain, len(f.missing), f.asked, n.name(), block, strings.Join(list, ", "), more)
}

func names(nodes []chainNode) string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.name()
	}
	return strings.Join(list, " and ")
}

// conclude draws the verdict: what a node contradicts weighs most, then what is wrong with the files, then a missing answer.
func (r *recheck) conclude(first verifier.Verdict) {
	v := &r.verdict
	left := ""
	if len(v.NotRechecked) > 0 {
		left = ". Not rechecked: " + strings.Join(v.NotRechecked, "; ")
	}
	switch {
	case len(r.refuted) > 0:
		v.Exit, v.Summary = verifier.ExitFalse, "your nodes contradict the statement in "+strings.Join(r.refuted, ", ")+". First: "+r.firstSaid+left
	case !first.Proven:
		v.Exit, v.Summary = first.Exit, "the bundle itself does not hold, whatever nodes say: "+first.Summary
	case len(r.unheard) > 0:
		v.Exit, v.Summary = verifier.ExitNetwork, "no answer to "+strings.Join(r.unheard, ", ")+", so nothing is said of it. First: "+r.firstSaid+left
	default:
		v.Agreed, v.Exit = true, verifier.ExitProven
		v.Summary = "your nodes say what the statement says of " + strings.Join(v.Rechecked, "; ") + left
	}
}

func notShownByRecheck() []string {
	return []string{
		"that the statement is proven: assay-verify bundle recomputes it from its evidence",
		"that your nodes are independent of the exchange and of each other: you chose them",
		"that outputs which your nodes do not find now were unspent at the pinned block",
	}
}
