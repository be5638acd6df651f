package evidence

import (
	"fmt"
	"strconv"
	"strings"
)

// checkAttested checks that every node answered for exactly the holdings that no recipe proves, and all the same (SPEC part 12,
// step 9). It gives the answers, in the order of the holdings.
func (e *EVM) checkAttested(asked []evmHolding) ([]evmAnswer, error) {
	var want []evmHolding
	for _, h := range asked {
		if h.kind != erc20Token || e.byToken[h.Token] != nil {
			continue
		}
		if len(e.attested) == 0 {
			return nil, &CheckError{Field: h.String(), Problem: "the token has no recipe, and no node answered for it", Got: "neither", Want: "one of the two"}
		}
		want = append(want, h)
	}
	if len(e.attested) == 0 {
		return nil, nil
	}
	if len(want) == 0 && len(e.attested[0].answers) == 0 {
		return nil, &CheckError{Field: "attested", Problem: "nodes are named, and there is nothing for them to answer", Got: strconv.Itoa(len(e.attested)), Want: "none"}
	}
	for i, a := range e.attested {
		if err := e.checkAnswers("attested["+strconv.Itoa(i)+"]", a, want); err != nil {
			return nil, err
		}
	}
	return e.attested[0].answers, nil
}

// checkAnswers compares one node's answers with what it should have answered for, and with the first node's, which were compared
// before. All are sorted.
func (e *EVM) checkAnswers(field string, a evmAttestation, want []evmHolding) error {
	first := e.attested[0]
	for j, got := range a.answers {
		at := field + ".answers[" + strconv.Itoa(j) + "]"
		switch {
		case got.kind != erc20Token || e.byToken[got.Token] != nil:
			return &CheckError{Field: at, Problem: got.Token + " is proved here, so no node's answer counts for it", Got: "an answer", Want: "none"}
		case j == len(want) || got.compare(want[j].Holding) < 0:
			return &CheckError{Field: at, Problem: "an answer for what no line asks", Got: got.String(), Want: "answers for exactly the lines whose token has no recipe"}
		case got.compare(want[j].Holding) > 0:
			return missingAnswer(field, a.node, want[j])
		case got.amount.Cmp(first.answers[j].amount) != 0:
			return &CheckError{Field: at + ".amount", Problem: fmt.Sprintf("the node %q says another amount than %q", a.node, first.node), Got: got.amount.String(), Want: first.answers[j].amount.String()}
		}
	}
	if len(a.answers) < len(want) {
		return missingAnswer(field, a.node, want[len(a.answers)])
	}
	return nil
}

func missingAnswer(field, node string, h evmHolding) error {
	return &CheckError{Field: field, Problem: fmt.Sprintf("the node %q has no answer for a line", node), Got: "nothing", Want: h.String()}
}

// attestedNote says whose word the balances without recipe are.
func (e *EVM) attestedNote(block Block, balances int) string {
	labels := make([]string, len(e.attested))
	for i, a := range e.attested {
		labels[i] = strconv.Quote(a.node)
	}
	word := "one node, " + labels[0]
	if len(labels) > 1 {
		word = strconv.Itoa(len(labels)) + " nodes, which answered the same, " + strings.Join(labels, ", ")
	}
	return fmt.Sprintf("%s: %d token balances at block %d are proved by nothing: they are the word of %s, as the exchange recorded it", e.chain, balances, block.Number, word)
}
