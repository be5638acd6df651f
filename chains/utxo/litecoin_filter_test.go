package utxo

import (
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
)

// twin starts another node with the same blocks, submitted one by one.
func (n *litecoin) twin() *litecoin {
	n.t.Helper()
	other := startLitecoind(n.t, "-txindex=1", "-blockfilterindex=1")
	tip, err := strconv.Atoi(n.ask("", "getblockcount"))
	if err != nil {
		n.t.Fatal(err)
	}
	for height := 1; height <= tip; height++ {
		if said := other.ask("", "submitblock", n.ask("", "getblock", n.ask("", "getblockhash", height), 0)); said != "null" && said != "" {
			n.t.Fatalf("block %d: %s", height, said)
		}
	}
	other.instant, other.hot, other.nested, other.legacy, other.mined = n.instant, n.hot, n.nested, n.legacy, n.mined
	return other
}

// awaitFilters waits for the index of filters, which the node makes by and by.
func (n *litecoin) awaitFilters(tip int) {
	n.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := n.try("", "getblockfilter", n.ask("", "getblockhash", tip)); err == nil {
			return
		} else if time.Now().After(deadline) {
			n.t.Fatal(err)
		}
	}
}

func TestLitecoin_Filters(t *testing.T) {
	n := startLitecoin(t, "-txindex=1", "-blockfilterindex=1")
	twin := n.twin()
	n.awaitFilters(tipLitecoin)
	twin.awaitFilters(tipLitecoin)
	s := n.open(Options{Filters: true}, n.url(), twin.url())
	block := mustPin(t, s, n.instant)
	holdings, amounts := n.holdings()
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range evidence.Balances {
		if b.Grade != chains.FilterChecked || b.Amount.Dec() != amounts[i] {
			t.Errorf("%s: %s, %s, want %s, %s", b.Account, b.Amount.Dec(), b.Grade, amounts[i], chains.FilterChecked)
		}
	}
	file := evidence.File.(Evidence)
	checkFilters(t, litecoinRegtest, file, 2)
	if file.First != 102 || len(file.Filters.Filters) != 9 {
		t.Errorf("%d filters from %d, want 9 from 102", len(file.Filters.Filters), file.First)
	}

	// One of the two has another filter.
	liar := chainstest.NewProxy(t, twin.url())
	liar.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		var f coreFilter
		if c.Method != methodCoreFilter || json.Unmarshal(result, &f) != nil {
			return nil
		}
		f.Header = flip(f.Header)
		out, _ := json.Marshal(f)
		return out
	}
	var disagree *chains.DisagreementError
	evidence, err = n.open(Options{Filters: true}, n.url(), liar.URL).Gather(t.Context(), testSnapshot, block, holdings)
	if evidence.File != nil || !errors.As(err, &disagree) || len(disagree.Answers) != 2 {
		t.Errorf("another filter header: got %v, want a DisagreementError with both answers", err)
	}
	// And one has none: it was started without the index.
	var refused *chains.RefusedError
	bare := startLitecoind(t)
	genesis, err := chainhash.NewHashFromStr(bare.ask("", "getblockhash", 0))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.open(Options{}, bare.url()).nodes[0].filterHeader(t.Context(), *genesis); !errors.As(err, &refused) || refused.Method != methodCoreFilter {
		t.Errorf("without the index: got %v, want a RefusedError", err)
	}
}
