package evidence

import (
	"bytes"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// UTXOResult is what the evidence of a bip122 chain reaches (SPEC part 13); [UTXO.HasFilters] says at what grade.
type UTXOResult struct {
	Balances []Balance // one for each account, in the chain's native token, sorted by account
	Notes    []string  // what the evidence leaves to somebody's word
}

// inclusion is what the blocks of the file prove: transactions in the order of the file, and by id.
type inclusion struct {
	all  []*includedTransaction
	byID map[[32]byte]*includedTransaction
}

// add refuses a transaction that stands here already.
func (in *inclusion) add(tx *includedTransaction) error {
	if other := in.byID[tx.id]; other != nil {
		return &CheckError{Field: tx.field, Problem: "a transaction stands here twice", Got: printed(tx.id) + " again", Want: "it once, as " + other.field}
	}
	in.byID[tx.id] = tx
	in.all = append(in.all, tx)
	return nil
}

// includedTransaction is a transaction that a header's Merkle root covers.
type includedTransaction struct {
	field string
	block int
	transaction
	claimed bool // an output of the file is its own, or it is the coinbase
}

// Check recomputes what every account holds (SPEC part 13, steps 1 to 9). accounts are those that a reserve line names on
// this chain: each node must have answered for each. The first output that is not proven is the error, a [CheckError].
func (u *UTXO) Check(block Block, accounts []string) (UTXOResult, error) {
	if err := u.CheckHeaders(block); err != nil {
		return UTXOResult{}, err
	}
	included, err := u.checkBlocks()
	if err != nil {
		return UTXOResult{}, err
	}
	if err := u.checkOutputs(included); err != nil {
		return UTXOResult{}, err
	}
	outpoints := map[string][]string{}
	sums := map[string]*big.Int{}
	for _, account := range accounts {
		outpoints[account], sums[account] = nil, new(big.Int)
	}
	for _, o := range u.outputs {
		outpoints[o.account] = append(outpoints[o.account], o.outpoint())
		if sums[o.account] == nil {
			sums[o.account] = new(big.Int)
		}
		sums[o.account].Add(sums[o.account], o.amount)
	}
	if err := u.checkAttested(outpoints); err != nil {
		return UTXOResult{}, err
	}
	if u.filters != nil {
		if err := u.checkFilters(); err != nil {
			return UTXOResult{}, err
		}
	}
	result := UTXOResult{Notes: []string{u.unspentNote(block)}}
	for _, account := range slices.Sorted(maps.Keys(sums)) {
		result.Balances = append(result.Balances, Balance{Account: account, Token: u.chain + "/" + u.network.token, Amount: sums[account]})
	}
	return result, nil
}

// unspentNote says what no header proves: a coin that was spent since it was created passes every other check.
func (u *UTXO) unspentNote(block Block) string {
	if f := u.filters; f != nil {
		nodes := make([]string, len(f.attested))
		for i, a := range f.attested {
			nodes[i] = a.node
		}
		return fmt.Sprintf("%s: that these coins were created is proved, and no block from %d to %d spends one, if the compact filters are the chain's: that is the word of %s, as the exchange recorded it",
			u.chain, u.first, block.Number, wordOf(nodes))
	}
	nodes := make([]string, len(u.attested))
	for i, a := range u.attested {
		nodes[i] = a.node
	}
	return fmt.Sprintf("%s: that these coins were created is proved; that none was spent by block %d is the word of %s, as the exchange recorded it", u.chain, block.Number, wordOf(nodes))
}

// wordOf names the nodes whose word it is.
func wordOf(nodes []string) string {
	quoted := make([]string, len(nodes))
	for i, node := range nodes {
		quoted[i] = strconv.Quote(node)
	}
	if len(nodes) == 1 {
		return "one node, " + quoted[0]
	}
	return strconv.Itoa(len(nodes)) + " nodes, " + strings.Join(quoted, ", ")
}

// checkBlocks brings every transaction of the file under a header (SPEC part 13, steps 2 and 3).
func (u *UTXO) checkBlocks() (*inclusion, error) {
	included := &inclusion{byID: map[[32]byte]*includedTransaction{}}
	count := uint64(len(u.headers) / headerSize) //nolint:gosec // a length
	for i, b := range u.blocks {
		field := "blocks[" + strconv.Itoa(i) + "]"
		if b.height < u.first || b.height-u.first >= count {
			return nil, &CheckError{Field: field, Problem: "its height has no header here", Got: strconv.FormatUint(b.height, 10), Want: fmt.Sprintf("%d to %d", u.first, u.first+count-1)}
		}
		root := [32]byte(u.header(int(b.height - u.first))[36:68]) //nolint:gosec // below count, as just checked
		coinbase, err := includeCoinbase(field+".coinbase", i, b.coinbase, root)
		if err != nil {
			return nil, err
		}
		if err := included.add(coinbase); err != nil {
			return nil, err
		}
		for j, t := range b.transactions {
			tx, err := includeBeside(field+".transactions["+strconv.Itoa(j)+"]", i, t, b.coinbase, root)
			if err != nil {
				return nil, err
			}
			if err := included.add(tx); err != nil {
				return nil, err
			}
		}
	}
	return included, nil
}

// includeCoinbase is include for the transaction at place 0, which stands here for the depth of the tree.
func includeCoinbase(field string, block int, t provenTransaction, root [32]byte) (*includedTransaction, error) {
	coinbase, err := include(field, block, t, root)
	if err != nil {
		return nil, err
	}
	if !coinbase.isCoinbase {
		return nil, &CheckError{Field: coinbase.field, Problem: "the transaction at place 0 is no coinbase", Got: "other inputs", Want: "one input, of the null outpoint"}
	}
	coinbase.claimed = true
	return coinbase, nil
}

// includeBeside is include for a transaction of the coinbase's block.
func includeBeside(field string, block int, t, coinbase provenTransaction, root [32]byte) (*includedTransaction, error) {
	if len(t.branch) != len(coinbase.branch) {
		return nil, &CheckError{Field: field, Problem: "its branch has another length than the coinbase's", Got: strconv.Itoa(len(t.branch)), Want: strconv.Itoa(len(coinbase.branch))}
	}
	return include(field, block, t, root)
}

// include parses one transaction and climbs from it to the header's Merkle root.
func include(field string, block int, t provenTransaction, want [32]byte) (*includedTransaction, error) {
	tx, err := parseTransaction(t.raw)
	if err != nil {
		return nil, &CheckError{Field: field + ".tx", Problem: "not a transaction", Got: err.Error(), Want: "version, inputs, outputs, lock time, and nothing else"}
	}
	root, err := climb(tx.id, t.index, t.branch)
	if err != nil {
		return nil, &CheckError{Field: field + ".branch", Problem: "not a Merkle branch", Got: err.Error(), Want: "a branch of a tree of transactions that all differ"}
	}
	if root != want {
		return nil, &CheckError{Field: field, Problem: "it is not under its header's Merkle root", Got: printed(root), Want: printed(want)}
	}
	return &includedTransaction{field: field, block: block, transaction: tx}, nil
}

// checkOutputs finds every output in its transaction (SPEC part 13, step 4).
func (u *UTXO) checkOutputs(included *inclusion) error {
	type outpoint struct {
		txid [32]byte
		vout uint64
	}
	seen := map[outpoint]int{}
	used := make([]bool, len(u.blocks))
	for i, o := range u.outputs {
		fail := func(problem, got, want string) error {
			return &CheckError{Field: "outputs[" + strconv.Itoa(i) + "]", Problem: problem, Got: got, Want: want}
		}
		key := outpoint{o.txid, o.vout}
		if before, twice := seen[key]; twice {
			return fail("an outpoint stands here twice", o.outpoint()+" again", "it once, as outputs["+strconv.Itoa(before)+"]")
		}
		seen[key] = i
		tx := included.byID[o.txid]
		if tx == nil {
			return fail("its transaction is in no block of the file", "no transaction "+printed(o.txid), "it in blocks")
		}
		if o.vout >= uint64(len(tx.outputs)) {
			return fail("its transaction has no such output", strconv.FormatUint(o.vout, 10), fmt.Sprintf("below %d", len(tx.outputs)))
		}
		paid := tx.outputs[o.vout]
		if got := new(big.Int).SetUint64(paid.value); got.Cmp(o.amount) != 0 {
			return fail("the file's amount is not what the transaction pays", o.amount.String(), got.String())
		}
		script, kind, err := u.network.script(strings.TrimPrefix(o.account, u.chain+":"))
		if err != nil {
			return fail("its account has no script", err.Error(), "an address of this network")
		}
		if !bytes.Equal(paid.script, script) {
			return fail("it does not pay to its account", fmt.Sprintf("script %x", paid.script[:min(len(paid.script), 64)]), fmt.Sprintf("%s script %x", kind, script))
		}
		tx.claimed, used[tx.block] = true, true
	}
	if i := slices.Index(used, false); i >= 0 {
		return &CheckError{Field: "blocks[" + strconv.Itoa(i) + "]", Problem: "a block that proves nothing", Got: "no output of it", Want: "at least one"}
	}
	for _, tx := range included.all {
		if !tx.claimed {
			return &CheckError{Field: tx.field, Problem: "a transaction that proves nothing", Got: "no output of it", Want: "at least one"}
		}
	}
	return nil
}

// checkAttested: every node answered for every account, and named exactly the outputs of the file (SPEC part 13, step 5).
func (u *UTXO) checkAttested(outpoints map[string][]string) error {
	for account := range outpoints {
		slices.Sort(outpoints[account])
	}
	names := slices.Sorted(maps.Keys(outpoints))
	for i, a := range u.attested {
		answered := map[string]bool{}
		for j, ans := range a.answers {
			answered[ans.account] = true
			if want := outpoints[ans.account]; !slices.Equal(ans.outpoints, want) {
				return &CheckError{
					Field:   fmt.Sprintf("attested[%d].answers[%d]", i, j),
					Problem: fmt.Sprintf("node %q names other outputs of %s than the file", a.node, ans.account),
					Got:     listOutpoints(ans.outpoints), Want: listOutpoints(want),
				}
			}
		}
		for _, account := range names {
			if !answered[account] {
				return &CheckError{Field: fmt.Sprintf("attested[%d]", i), Problem: fmt.Sprintf("node %q did not answer for every account", a.node), Got: "no answer for " + account, Want: "one"}
			}
		}
	}
	return nil
}

// listOutpoints names a few outpoints, and how many there are.
func listOutpoints(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	if len(all) > 3 {
		return fmt.Sprintf("%d: %s …", len(all), strings.Join(all[:3], " "))
	}
	return strings.Join(all, " ")
}
