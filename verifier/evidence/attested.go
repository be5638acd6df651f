package evidence

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	kindAttested = "assay/v1/evidence/attested"
	maxNodes     = 16 // SPEC part 19
)

// Attested is the parsed evidence of a chain whose balances no proof shows: what nodes are said to have answered (SPEC part 19). Its
// checks may run concurrently.
type Attested struct {
	chain    string
	nodes    []attestingNode
	balances []attestedBalance
}

type attestingNode struct {
	label   string
	block   Block
	answers []attestedAnswer
}

type attestedAnswer struct {
	attestedBalance
	number uint64 // of the block, ledger or slot that the answer speaks of
}

type attestedBalance struct {
	account, token string
	amount         *big.Int
}

func (b attestedBalance) key() string { return b.account + "\x00" + b.token }

// AttestedResult is what attested evidence reaches: balances of grade node-attested.
type AttestedResult struct {
	Balances []Balance
	Notes    []string
}

// ParseAttested reads the evidence file of a tron, solana or xrpl chain (SPEC part 19). Malformed input is a [canon.FormatError] or
// [canon.VersionError]; evidence of another snapshot or chain is a [CheckError].
func ParseAttested(raw []byte, snapshot, chain string) (*Attested, error) {
	a := &Attested{chain: chain}
	var gotChain, gotSnapshot string
	err := decode(raw, kindAttested, func(r *canon.Reader) {
		r.Object(
			canon.Key("attested", func() { a.readNodes(r) }),
			canon.Key("balances", func() {
				r.Array(maxFile, func(i int) {
					var b attestedBalance
					r.Object(
						canon.Key("account", func() { b.account = a.readAccount(r) }),
						canon.Key("amount", func() { b.amount = readAmount(r, 256) }),
						canon.Key("token", func() { b.token = a.readToken(r) }),
					)
					if i > 0 {
						ascending(r, i, strings.Compare(b.key(), a.balances[i-1].key()), "account and token")
					}
					a.balances = append(a.balances, b)
				})
			}),
			canon.Key("chain", func() { gotChain = r.Text() }),
			canon.Key("snapshot", func() { gotSnapshot = r.Text() }),
			canon.Key("type", func() { r.Fixed(kindAttested) }),
		)
	})
	if err != nil {
		return nil, err
	}
	if err := sameSubject(gotSnapshot, snapshot, gotChain, chain); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Attested) readNodes(r *canon.Reader) {
	r.Array(maxNodes, func(i int) {
		var n attestingNode
		r.Object(
			canon.Key("answers", func() { n.answers = a.readAnswers(r) }),
			canon.Key("block", func() {
				r.Object(
					canon.Key("hash", func() { n.block.Hash = r.Text() }),
					canon.Key("number", func() { n.block.Number = r.Number(canon.MaxInteger) }),
					canon.Key("time", func() { n.block.Time = readTime(r) }),
				)
			}),
			canon.Key("node", func() { n.label = readLabel(r) }),
		)
		if i > 0 {
			ascending(r, i, strings.Compare(n.label, a.nodes[i-1].label), "node")
		}
		a.nodes = append(a.nodes, n)
	})
	if len(a.nodes) == 0 {
		r.Fail("no node: at least one said what the accounts hold")
	}
}

func (a *Attested) readAnswers(r *canon.Reader) (answers []attestedAnswer) {
	r.Array(maxFile, func(i int) {
		var x attestedAnswer
		r.Object(
			canon.Key("account", func() { x.account = a.readAccount(r) }),
			canon.Key("amount", func() { x.amount = readAmount(r, 256) }),
			canon.Key("number", func() { x.number = r.Number(canon.MaxInteger) }),
			canon.Key("token", func() { x.token = a.readToken(r) }),
		)
		if i > 0 {
			ascending(r, i, strings.Compare(x.key(), answers[i-1].key()), "account and token")
		}
		answers = append(answers, x)
	})
	return answers
}

func readTime(r *canon.Reader) time.Time {
	const form = "2006-01-02T15:04:05Z"
	text := r.Text()
	t, err := time.Parse(form, text)
	if err != nil || t.Format(form) != text {
		r.Fail("want a time as YYYY-MM-DDThh:mm:ssZ")
	}
	return t
}

func (a *Attested) readAccount(r *canon.Reader) string {
	text := r.Text()
	address, ours := strings.CutPrefix(text, a.chain+":")
	if !ours || address == "" {
		r.Fail("%q is not an account of %s", text, a.chain)
	}
	return text
}

func (a *Attested) readToken(r *canon.Reader) string {
	text := r.Text()
	if asset, ours := strings.CutPrefix(text, a.chain+"/"); !ours || asset == "" {
		r.Fail("%q is not a token of %s", text, a.chain)
	}
	return text
}

// CheckBlock is the file's part of the check `headers.CHAIN` (SPEC part 19, step 1): every node knew the pinned block.
func (a *Attested) CheckBlock(pinned Block) error {
	for i, n := range a.nodes {
		if n.block.Hash != pinned.Hash || n.block.Number != pinned.Number || !n.block.Time.Equal(pinned.Time) {
			return &CheckError{
				Field: fmt.Sprintf("attested[%d].block", i), Problem: "node " + n.label + " speaks of another block than the pinned one",
				Got: fmt.Sprintf("%d %s", n.block.Number, n.block.Hash), Want: fmt.Sprintf("%d %s", pinned.Number, pinned.Hash),
			}
		}
	}
	return nil
}

// Check is the check `evidence.CHAIN` (SPEC part 19, steps 2 to 4): every node said the same of every balance, and of the pinned
// block where the chain's nodes can tell the past.
func (a *Attested) Check(pinned Block) (*AttestedResult, error) {
	result := new(AttestedResult)
	latest := pinned.Number
	for i, n := range a.nodes {
		if len(n.answers) != len(a.balances) {
			return nil, &CheckError{Field: fmt.Sprintf("attested[%d].answers", i), Problem: "node " + n.label + " did not answer for exactly the balances",
				Got: fmt.Sprint(len(n.answers)), Want: fmt.Sprint(len(a.balances))}
		}
		for k, x := range n.answers {
			field, want := fmt.Sprintf("attested[%d].answers[%d]", i, k), a.balances[k]
			switch {
			case x.key() != want.key():
				return nil, &CheckError{Field: field, Problem: "node " + n.label + " answered for another account or token", Got: x.account + " " + x.token, Want: want.account + " " + want.token}
			case x.amount.Cmp(want.amount) != 0:
				return nil, &CheckError{Field: field, Problem: "node " + n.label + " says another amount than the balance", Got: x.amount.String(), Want: want.amount.String()}
			case x.number < pinned.Number, x.number > pinned.Number && a.tellsThePast(x.token):
				return nil, &CheckError{Field: field, Problem: "node " + n.label + " speaks of another block than the pinned one", Got: fmt.Sprint(x.number), Want: fmt.Sprint(pinned.Number)}
			}
			latest = max(latest, x.number)
		}
	}
	for _, b := range a.balances {
		result.Balances = append(result.Balances, Balance{Account: b.account, Token: b.token, Amount: b.amount, Nodes: len(a.nodes)})
	}
	if len(a.balances) > 0 {
		result.Notes = append(result.Notes, fmt.Sprintf("balances on %s are what %s said, unsigned and recorded by the exchange", a.chain, plural(len(a.nodes), "node")))
	}
	if latest > pinned.Number {
		result.Notes = append(result.Notes, fmt.Sprintf("some balances on %s were told up to %d blocks or slots after the pinned one: nodes there tell only the present", a.chain, latest-pinned.Number))
	}
	return result, nil
}

// tellsThePast reports whether nodes of the chain answer for a past block (SPEC part 19, step 3).
func (a *Attested) tellsThePast(token string) bool {
	return strings.HasPrefix(a.chain, "xrpl:") || strings.HasPrefix(a.chain, "tron:") && strings.Contains(token, "/slip44:")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
