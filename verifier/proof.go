package verifier

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/opinion"
	"github.com/assay-por/assay/verifier/tree"
)

// ProofInput is what a customer's check needs. Customer is what the person typed, never anything from a file.
type ProofInput struct {
	Proof     []byte
	Statement []byte // an envelope of its own, nil if the proof's is to be used
	Policy    *claim.Policy
	Customer  string
	Shard     *ShardFiles // of a confidential tree: the customer's shard; nil: it is not checked
	Top       *TopFiles   // of a confidential tree: nil: the totals are not checked
	Findings  [][]byte    // envelopes, by auditors who may vouch for the shards of a confidential tree
	Log       *Look       // nil: no log is looked at
	Answer    *Answer     // by which the proof was had; nil: none is shown
	dating    dating      // what is known to date the statement beside the proof
}

// Customer is a proven inclusion in plain words, each kept apart from the others: that the row is under the signed root, what it holds, who checked
// that it is counted in the totals, and what was trusted for that. What is not shown is the verdict's.
type Customer struct {
	Row       string   `json:"row"`
	Found     []string `json:"found"`
	CountedBy string   `json:"counted_by"` // empty if nobody checked it
	Counted   string   `json:"counted"`
	Trusted   []string `json:"trusted"`
}

// Proof makes every check of one customer's inclusion proof (SPEC part 8).
func Proof(input ProofInput) Verdict {
	r := newRun(input.Policy)
	var proof *tree.Proof
	r.look(input.Log, subjectBy(input))
	r.check("proof.format", nil, func() (string, error) {
		var err error
		if proof, err = tree.ParseProof(input.Proof); err != nil {
			return "", in("proof", err)
		}
		s := proof.Shard
		return fmt.Sprintf("leaf #%d of %d in shard #%d of %d", s.Leaf, s.Leaves, s.Index, s.Count), nil
	})
	r.dating = input.dating
	r.dates = slices.Clip(r.dates) // history hands the same to every proof
	r.check("statement.signature", []string{"proof.format"}, func() (string, error) {
		r.proofLog(proof, input.Statement)
		return r.proofEnvelope(proof, input.Statement)
	})
	r.checkStatement()
	r.checkLog("statement.format")
	statement := r.statement
	var c tree.Commitment
	r.check("proof.statement", []string{"statement.format"}, func() (string, error) {
		var err error
		if c, err = opinion.CommitmentOf(statement); err != nil {
			return "", err
		}
		return "statement " + c.Statement.String(), proof.CheckStatement(c)
	})
	var shardRoot tree.Hash
	r.check("proof.root", append(r.checkMarginOf(proof, c), "proof.statement", "snapshot", "statement.exchange"), func() (string, error) {
		var err error
		shardRoot, err = opinion.Climb(proof, c, input.Customer)
		return "root " + c.Root.String(), err
	})
	counted := byThisProgram
	if c.Kind == tree.KindConfidential {
		counted = r.checkCounted(proof, c, shardRoot, input)
		if input.Top != nil {
			r.checkTopOf(c, input.Top)
		}
	}
	r.verdict.NotShown = r.notShown(notShownByProof())
	if input.Answer != nil {
		r.checkAnswered(input.Answer, input.Proof)
	}
	return r.concludeProof(proof, counted)
}

// concludeProof draws the verdict on a customer's proof. counted is who checked that the row is counted, empty if nobody did.
func (r *run) concludeProof(proof *tree.Proof, counted string) Verdict {
	if !r.passed["proof.root"] {
		return r.conclude("")
	}
	statement := r.statement
	summary, found := "these balances are inside the totals that "+statement.Snapshot.Exchange.Name+" signed", foundSentences
	if counted == "" {
		summary = "these balances are committed to in the tree that " + statement.Snapshot.Exchange.Name + " signed; that they are counted was not shown"
		found = committedSentences
		r.verdict.NotShown = append([]string{notCounted}, r.verdict.NotShown...)
	}
	v := r.conclude(summary)
	if !v.Proven {
		return v
	}
	v.Customer = &Customer{
		Row:   fmt.Sprintf("your row is under the root that %s signed for %s", statement.Snapshot.Exchange.Name, statement.Snapshot.Instant.Format(timeForm)),
		Found: found(proof, statement), CountedBy: counted, Counted: countedSentence(proof, statement, counted), Trusted: r.trusted(),
	}
	if statement.Snapshot.Kind == claim.KindConfidential && counted != "" {
		v.Customer.Trusted = append(v.Customer.Trusted, r.trustedTotals(counted)...)
	}
	return v
}

// byThisProgram is who checked what this run did.
const byThisProgram = "this program"

const notCounted = "that your row is counted in the totals: the proof of its shard shows that, and nobody checked it here"

// countedSentence says who checked that the customer's row is counted.
func countedSentence(proof *tree.Proof, s *claim.Statement, counted string) string {
	switch shard := proof.Shard.Index; {
	case s.Snapshot.Kind != claim.KindConfidential:
		return byThisProgram + ": the sums along your row's path are those of the signed root"
	case counted == byThisProgram:
		return fmt.Sprintf("%s checked the proof of shard #%d, which your row is in: no balance in it is below zero, and its total has them all", counted, shard)
	case counted != "":
		return fmt.Sprintf("%s, whom your policy believes, found that every shard's proof holds; this program did not check that of shard #%d, which your row is in", counted, shard)
	default:
		return fmt.Sprintf("nobody checked the proof of shard #%d here, which your row is in: that the row is counted is the exchange's word", shard)
	}
}

// proofLog reads the statement's place in a log, if the proof shows it: it is about the proof's own envelope, or the only one.
func (r *run) proofLog(proof *tree.Proof, beside []byte) {
	if proof.Log == nil {
		return
	}
	envelope := proof.Envelope
	if envelope == nil {
		envelope = beside
	}
	r.enter(file{"proof: log.entry", proof.Log.Entry}, file{"proof: log.proof", proof.Log.Proof}, sha256.Sum256(envelope))
}

// proofEnvelope verifies the statement given, in the proof, beside it, or both: then both must be one.
func (r *run) proofEnvelope(proof *tree.Proof, beside []byte) (detail string, err error) {
	if proof.Envelope == nil && beside == nil {
		return "", &unreadable{"the proof does not hold the signed statement, and none was given beside it"}
	}
	if proof.Envelope != nil {
		if detail, err = r.verifyEnvelope(proof.Envelope); err != nil {
			return "", in("proof: envelope", err)
		}
	}
	if beside != nil {
		if detail, err = r.verifyEnvelope(beside); err != nil {
			return "", in("statement", err)
		}
	}
	return detail, nil
}

// committedSentences says what an inclusion means as long as nobody checked the proof of the customer's shard.
func committedSentences(proof *tree.Proof, s *claim.Statement) (list []string) {
	for _, c := range credits(proof, s) {
		list = append(list, fmt.Sprintf("%s %s is committed to in the tree that %s signed for %s", c.amount, c.asset,
			s.Snapshot.Exchange.Name, s.Snapshot.Instant.Format(timeForm)))
	}
	if len(list) == 0 {
		list = append(list, "this customer is in the tree that "+s.Snapshot.Exchange.Name+" signed, with a balance of nothing")
	}
	return append(list, marginSentences(proof, s)...)
}

// trustedTotals names who says that a confidential tree's totals are those of its rows.
func (r *run) trustedTotals(counted string) (list []string) {
	if counted != byThisProgram {
		list = append(list, counted+", whom that policy believes: that every shard's proof holds")
	}
	if !r.passed["liabilities.totals"] {
		told := "that the totals are those of all shards"
		if r.statement.Hidden() {
			told = "that all shards together owe no more than that"
		}
		list = append(list, "whoever checked the whole report (assay-verify bundle): "+told)
	}
	return list
}

// foundSentences says in plain words what a proven inclusion means.
func foundSentences(proof *tree.Proof, s *claim.Statement) (list []string) {
	signed := fmt.Sprintf("that %s signed for %s", s.Snapshot.Exchange.Name, s.Snapshot.Instant.Format(timeForm))
	total := "the total of"
	if s.Hidden() {
		total = "a hidden total of at most"
	}
	for _, c := range credits(proof, s) {
		list = append(list, fmt.Sprintf("%s %s is inside %s %s %s %s", c.amount, c.asset, total,
			decimal(s.Liabilities[c.place], s.Snapshot.Assets[c.place].Decimals), c.asset, signed))
	}
	if len(list) == 0 {
		list = append(list, "this customer is inside the totals "+signed+", with a balance of nothing")
	}
	return append(list, marginSentences(proof, s)...)
}

// trusted names what the verdict on a proof rests on.
func (r *run) trusted() []string {
	list := []string{
		"the trust policy with digest " + r.verdict.Policy + ", which you chose",
		"the signing key " + strings.Join(r.verdict.Signers, ", ") + ", which that policy names as the exchange's",
		"that the customer id you typed is yours alone: whoever is shown another's id is shown another's leaf",
	}
	if a := r.verdict.Answer; a != nil {
		list = append(list, "the server's key "+a.Key+", in the list that the exchange signed, and the server's clock: that the proof was answered, and when")
	}
	l := r.verdict.Log
	if l == nil || !l.Known {
		return append(list, "that others are shown this statement and no other: no log of the policy holds it, as far as this proof shows")
	}
	return append(list, "the log "+l.Origin+" and those who watch it: that others are shown this statement and no other")
}

// notSince is not shown unless a log is looked at.
const notSince = "that the exchange has not withdrawn or replaced the statement since: only its log, as it is now, can say (--log)"

// notSinceShown is what a look at a log leaves open if the policy does not ask how old it may be.
const notSinceShown = "that the exchange has not withdrawn or replaced the statement since its log was as it was shown here: the policy does not ask for a fresh one (fresh, with witnesses, in [log])"

// totalsHidden is not shown where totals are hidden.
const totalsHidden = "how much is owed: the exchange hides the totals, and shows what they are at most"

func (r *run) notShown(list []string) (out []string) {
	if r.statement != nil && r.statement.Hidden() {
		out = append(out, totalsHidden)
	}
	if r.verdict.Margin != nil {
		out = append(out, notShownOfMargin)
	}
	for _, text := range list {
		switch {
		case text != notSince || !r.passed[stateCheck]:
			out = append(out, text)
		case r.policy.Log.Fresh == 0 || r.policy.Log.Quorum == 0:
			out = append(out, notSinceShown)
		}
	}
	return out
}

func notShownByProof() []string {
	return []string{
		"that the exchange holds what it owes: check the whole report with assay-verify bundle",
		"that others are inside the totals too: each customer checks for themselves, or an auditor recomputes every leaf",
		"that these balances are all that you are owed: compare them with your account at the instant",
		notSince,
		"what was owed at any other instant",
	}
}

func notShownByBundle() []string {
	return []string{
		"that a customer who never checks is in the tree: customers check their own proofs with assay-verify proof",
		"that the reserves are not borrowed or pledged, beyond what the exchange declares",
		"that a block without an anchor is the chain's",
		"that a Bitcoin output was unspent, beyond the word of the nodes named",
		notSince,
		"what was owed or held at any other instant; and an audit it is not",
	}
}

// provenSentence sums a proven bundle up, its shortfalls included.
func (b *bundleRun) provenSentence() string {
	if b.statement == nil {
		return ""
	}
	short, unshown := shortfalls(b.verdict.Coverage)
	s := b.verdict.Statement
	text := fmt.Sprintf("what %s signed for %s is true, as far as this bundle and the policy reach", s.Exchange, s.Instant)
	if b.verdict.NotRecomputed != "" {
		text += "; " + b.verdict.NotRecomputed + " were not recomputed"
	}
	if len(short) > 0 {
		text += "; by the policy's rule reserves fall SHORT of liabilities by " + strings.Join(short, ", ")
	}
	if len(unshown) > 0 {
		text += "; totals are hidden, and reserves are NOT shown to cover them by the policy's rule, which counts fewer: there may be missing up to " + strings.Join(unshown, ", ")
	}
	switch {
	case len(short)+len(unshown) > 0:
		return text
	case b.statement.Hidden():
		return text + "; totals are hidden, and by the policy's rule reserves cover the liabilities of every asset"
	}
	return text + "; by the policy's rule reserves cover the liabilities of every asset"
}
