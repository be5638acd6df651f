package evidence

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/btcsuite/btcd/btcutil/v2/gcs"
)

// HasFilters reports whether the file holds compact filters (SPEC part 13). If [UTXO.Check] passes, its grade is then filter-checked,
// else inclusion-proved.
func (u *UTXO) HasFilters() bool { return u.filters != nil }

// checkFilters shows that no block from the first to the pinned one spends an output of the file, if the filters are the
// chain's (SPEC part 13, steps 6 to 9).
func (u *UTXO) checkFilters() error {
	if err := u.filters.checkChain(); err != nil {
		return err
	}
	matches, err := u.matches()
	if err != nil {
		return err
	}
	if err := u.checkMatching(matches); err != nil {
		return err
	}
	coins := make(map[[36]byte]int, len(u.outputs))
	for i, o := range u.outputs {
		coins[o.spentAs()] = i
	}
	for i, b := range u.filters.blocks {
		root := [32]byte(u.header(int(b.height - u.first))[36:68]) //nolint:gosec // it has a header, as checkMatching saw
		if err := u.checkWhole("filters.blocks["+strconv.Itoa(i)+"]", b, root, coins); err != nil {
			return err
		}
	}
	return nil
}

// checkChain hashes the filters up to the header that every node attested (SPEC part 13, step 6).
func (f *filters) checkChain() error {
	header := f.previous
	for _, c := range f.coded {
		hash := doubleSHA256(c.raw)
		header = doubleSHA256(append(hash[:], header[:]...))
	}
	for i, a := range f.attested {
		if a.header != header {
			return &CheckError{
				Field:   fmt.Sprintf("filters.attested[%d].header", i),
				Problem: fmt.Sprintf("node %q answered another filter header at the pinned block than the filters of the file have", a.node),
				Got:     printed(a.header), Want: printed(header),
			}
		}
	}
	return nil
}

// matches says of each header whether its block's filter matches the script of an account that has an output (SPEC part 13,
// step 7). A key per block means that every script is hashed anew for each: all processors share the work.
func (u *UTXO) matches() ([]bool, error) {
	var scripts [][]byte
	for i, o := range u.outputs {
		if i > 0 && o.account == u.outputs[i-1].account {
			continue // sorted by account
		}
		script, _, err := u.network.script(strings.TrimPrefix(o.account, u.chain+":"))
		if err != nil {
			return nil, &CheckError{Field: "outputs[" + strconv.Itoa(i) + "]", Problem: "its account has no script", Got: err.Error(), Want: "an address of this network"}
		}
		scripts = append(scripts, script)
	}
	matches, faults := make([]bool, len(u.filters.coded)), make([]error, len(u.filters.coded))
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for first := range workers {
		all.Go(func() {
			for i := first; i < len(matches); i += workers {
				matches[i], faults[i] = u.filters.coded[i].match(doubleSHA256(u.header(i)), scripts)
			}
		})
	}
	all.Wait()
	for i, err := range faults {
		if err != nil {
			return nil, &CheckError{Field: fmt.Sprintf("filters.filters[%d]", i), Problem: "it cannot be matched", Got: err.Error(), Want: "a compact filter"}
		}
	}
	return matches, nil
}

// match reports whether the filter of a block holds one of the scripts, but for one false yes in 784,931 a script.
//
// The library's MatchAny is fast and never misses, but where there are many scripts it compares only 32 bits of numbers of up to 52, and
// finds what is not there. So its yes is asked again of ZipMatchAny, which keeps to BIP-158.
func (f codedFilter) match(block [32]byte, scripts [][]byte) (bool, error) {
	filter, err := gcs.FromBytes(f.items, filterBits, filterSpread, f.set)
	if err != nil {
		return false, err
	}
	key := [gcs.KeySize]byte(block[:gcs.KeySize])
	if found, err := filter.MatchAny(key, scripts); err != nil || !found {
		return false, err
	}
	return filter.ZipMatchAny(key, scripts)
}

// checkMatching: the blocks given whole are exactly those whose filters match, and the blocks that created the outputs are
// among them (SPEC part 13, step 7).
func (u *UTXO) checkMatching(matches []bool) error {
	for _, b := range u.blocks {
		if i := b.height - u.first; !matches[i] {
			return &CheckError{
				Field:   fmt.Sprintf("filters.filters[%d]", i),
				Problem: fmt.Sprintf("block %d created an output of the file and its filter does not say so: it is not that block's filter", b.height),
				Got:     "no match", Want: "a match",
			}
		}
	}
	given := map[uint64]bool{}
	for i, b := range u.filters.blocks {
		if b.height < u.first || b.height-u.first >= uint64(len(matches)) {
			return &CheckError{Field: "filters.blocks[" + strconv.Itoa(i) + "]", Problem: "its height has no header here",
				Got: strconv.FormatUint(b.height, 10), Want: fmt.Sprintf("%d to %d", u.first, u.first+uint64(len(matches))-1)}
		}
		if !matches[b.height-u.first] {
			return &CheckError{Field: "filters.blocks[" + strconv.Itoa(i) + "]", Problem: "its filter does not match", Got: fmt.Sprintf("block %d", b.height), Want: "only blocks whose filter matches"}
		}
		given[b.height] = true
	}
	for i, match := range matches {
		height := u.first + uint64(i) //nolint:gosec // i is an index
		if match && !given[height] {
			return &CheckError{Field: "filters.blocks", Problem: "a block whose filter matches is left out", Got: fmt.Sprintf("no block %d", height), Want: "it whole, with all its transactions"}
		}
	}
	return nil
}

// checkWhole: these are all transactions of the block, and none spends one of the coins (SPEC part 13, steps 8 and 9).
func (u *UTXO) checkWhole(field string, b wholeBlock, root [32]byte, coins map[[36]byte]int) error {
	ids := make([][32]byte, len(b.transactions))
	for i, raw := range b.transactions {
		name := field + ".transactions[" + strconv.Itoa(i) + "]"
		tx, err := parseTransaction(raw)
		if err != nil {
			return &CheckError{Field: name, Problem: "not a transaction", Got: err.Error(), Want: "version, inputs, outputs, lock time, and nothing else"}
		}
		ids[i] = tx.id
		for _, spent := range tx.inputs {
			if coin, ours := coins[[36]byte(spent)]; ours {
				return &CheckError{Field: name, Problem: fmt.Sprintf("it spends outputs[%d]", coin), Got: fmt.Sprintf("%s spent in block %d", u.outputs[coin].outpoint(), b.height), Want: "it unspent at the pinned block"}
			}
		}
	}
	got, err := merkleRoot(ids)
	if err != nil {
		return &CheckError{Field: field + ".transactions", Problem: "not the transactions of one block", Got: err.Error(), Want: "each transaction once"}
	}
	if got != root {
		return &CheckError{Field: field + ".transactions", Problem: "they are not those of the header's Merkle root", Got: printed(got), Want: printed(root)}
	}
	return nil
}
