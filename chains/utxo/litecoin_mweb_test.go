package utxo

import (
	"bytes"
	"encoding/hex"
	"testing"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// TestLitecoin_ExtensionBlocks: a coin that comes back from the extension block
// is an output of the transaction that settles it, in a block that both end in
// an extension. It is found at the pinned block, and found again after it was
// spent.
func TestLitecoin_ExtensionBlocks(t *testing.T) {
	n := startLitecoind(t, "-txindex=1", "-blockfilterindex=1")
	n.ask("", "createwallet", "miner")
	n.ask("", "createwallet", "ours")
	n.miner = n.ask("miner", "getnewaddress", "", "bech32")
	account := networkOf(litecoinRegtest).account(n.ask("ours", "getnewaddress", "", "bech32"))
	n.ask("", "setmocktime", n.instant.Add(-24*time.Hour).Unix())
	n.ask("", "generatetoaddress", 431, n.miner)
	const pinned, tip = 440, 455
	n.pay(n.ask("ours", "getnewaddress", "", "mweb"), "5") // without it no block of height 432 is valid
	var out string
	for height := 432; height <= tip; height++ {
		switch height {
		case 434: // our only coin lies in the extension
			out = n.ask("ours", "sendtoaddress", account.Address(), 2)
		case 446:
			n.ask("ours", "sendtoaddress", n.miner, 1.5)
		}
		n.mine(n.instant.Add(time.Duration(height-pinned)*time.Minute-time.Second), n.miner)
	}
	s := n.open(Options{}, n.url())
	block := mustPin(t, s, n.instant)
	amounts, file := mustGather(t, s, block, chains.Holding{Account: account, Token: litecoinNative})
	if block.Number != pinned || amounts[account] != "200000000" || len(file.Blocks) != 1 || file.Blocks[0].Height != 434 {
		t.Errorf("at block %d: got %v in %+v, want 2 of block 434", block.Number, amounts, file.Blocks)
	}
	if len(file.Outputs) != 1 || file.Outputs[0].Txid == out {
		t.Errorf("outputs %+v, want one, of another transaction than the extension's %s", file.Outputs, out)
	}
	if amounts, _ := mustGather(t, s, n.blockAt(s, tip), chains.Holding{Account: account, Token: litecoinNative}); amounts[account] != "0" {
		t.Errorf("at the tip: got %v: the coin was not spent, so the test shows nothing", amounts)
	}
	// Whole blocks of filters are bare of extensions too.
	twin := n.twin()
	n.awaitFilters(tip)
	twin.awaitFilters(tip)
	_, file = mustGather(t, n.open(Options{Filters: true}, n.url(), twin.url()), block, chains.Holding{Account: account, Token: litecoinNative})
	checkFilters(t, litecoinRegtest, file, 2)
	if len(file.Filters.Blocks) == 0 || file.Filters.Blocks[0].Height != 434 || len(file.Filters.Filters) != 7 {
		t.Errorf("%d filters and the blocks %+v, want that of 434 and 7 filters", len(file.Filters.Filters), file.Filters.Blocks)
	}
}

func (n *litecoin) blockAt(s *Source, height uint64) chains.BlockRef {
	n.t.Helper()
	header, err := s.nodes[0].headers(n.t.Context(), height, 1)
	if err != nil {
		n.t.Fatal(err)
	}
	return chains.BlockRef{Chain: s.chain, Hash: header[0].BlockHash().String(), Number: height, Time: header[0].Timestamp.UTC()}
}

// settling is the transaction of litecoind's that settles an extension block.
const settling = "02000000" + "0008" + "0177cedaada0f440015deb3b6f7fa0851d62557d8057f7137da5298d32566e91a80000000000ffffffff" +
	"01e666814a000000002258202c60aada0e8e6fcd7d4976453d33dfbe16d11454a75d7fd66887ab5ffe79428d" + "00" + "00000000"

func TestParseTransaction_Settling(t *testing.T) {
	tx, err := parseTransaction(settling, true)
	if err != nil {
		t.Fatal(err)
	}
	const want = "dc01373312522efbc1b9d82e3ce04e94c6f55b65e37989470874b548bade15af"
	if got := tx.TxHash().String(); got != want {
		t.Errorf("its id is %s, want %s", got, want)
	}
	locked := settling[:len(settling)-8] + "01020384"
	if tx, err := parseTransaction(locked, true); err != nil || tx.LockTime != 0x84030201 {
		t.Errorf("lock time: got %+v, %v, want 0x84030201", tx, err)
	}
	for name, text := range map[string]string{
		"an extension of its own": settling[:len(settling)-10] + "01" + "00000000",
		"cut short":               settling[:len(settling)-2],
		"left over":               settling + "00",
		"another mark":            settling[:10] + "09" + settling[12:],
		"no mark":                 settling[:8],
		"not hex":                 "zz",
	} {
		if _, err := parseTransaction(text, true); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := parseTransaction(settling, false); err == nil {
		t.Error("taken on Bitcoin")
	}
}

func TestParseBlock_Extension(t *testing.T) {
	var raw bytes.Buffer
	if err := blockOf(2).Serialize(&raw); err != nil {
		t.Fatal(err)
	}
	plain := hex.EncodeToString(raw.Bytes())
	header := plain[:2*wire.MaxBlockHeaderPayload]
	ordinary := plain[2*wire.MaxBlockHeaderPayload+2:][:(len(plain)-2*wire.MaxBlockHeaderPayload-2)/2]
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"no extension":              {plain, true},
		"bytes after it":            {plain + "0102", false},
		"an extension":              {header + "02" + ordinary + settling + "01aabbcc", true},
		"a transaction after it":    {header + "03" + ordinary + settling + ordinary, false},
		"more than there are":       {header + "03" + ordinary + settling, false},
		"a count and nothing":       {header + "fdffff", false},
		"a header that ends":        {header[:100], false},
		"an extension mark on none": {header + "01" + ordinary + "01aabbcc", false},
	} {
		block, err := parseBlock(c.text, true)
		if (err == nil) != c.ok || c.ok && len(block.Transactions) != 2 {
			t.Errorf("%s: got %v, want ok = %v", name, err, c.ok)
		}
		if _, err := parseBlock(c.text, false); (err == nil) != (c.text == plain) {
			t.Errorf("%s on Bitcoin: got %v", name, err)
		}
	}
}
