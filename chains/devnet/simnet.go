package devnet

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// coinbaseValue is what a block's miner gets on simnet before block 210,000.
const coinbaseValue = 50 * btc

const btc = 100_000_000

// simnetBits is simnet's easiest target, which it never leaves in so few blocks.
const simnetBits = 0x207fffff

// blockVersion votes for the soft forks, so that segwit and taproot bind from
// block 300 on.
const blockVersion = 0x20000000 | 1<<0 | 1<<1 | 1<<2

// A miner makes blocks on top of one another. It keeps the coinbases that it
// may still spend.
type miner struct {
	key    *btcec.PrivateKey
	script []byte
	tip    chainhash.Hash
	height int32
	branch string           // goes into the coinbase, so that branches differ
	own    []wire.OutPoint  // coinbases, the oldest first
	blocks []chainhash.Hash // by height
}

func newMiner(seed string) *miner {
	key := deriveKey(seed, "miner")
	genesis := *simnet().GenesisHash
	return &miner{key: key, script: witnessScript(key), tip: genesis, blocks: []chainhash.Hash{genesis}}
}

// mine returns a block with the transactions, after the tip.
func (m *miner) mine(at time.Time, txs ...*wire.MsgTx) (*wire.MsgBlock, error) {
	height := m.height + 1
	script, err := txscript.NewScriptBuilder().AddInt64(int64(height)).AddData([]byte("assay devnet" + m.branch)).Script()
	if err != nil {
		return nil, err
	}
	coinbase := wire.NewMsgTx(2)
	coinbase.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Index: 0xffffffff}, SignatureScript: script, Sequence: wire.MaxTxInSequenceNum})
	coinbase.AddTxOut(wire.NewTxOut(coinbaseValue, m.script))
	if len(txs) > 0 {
		commitWitness(coinbase, txs)
	}
	block := wire.NewMsgBlock(&wire.BlockHeader{Version: blockVersion, PrevBlock: m.tip, Timestamp: at, Bits: simnetBits})
	ids := make([]chainhash.Hash, 0, 1+len(txs))
	for _, tx := range append([]*wire.MsgTx{coinbase}, txs...) {
		if err := block.AddTransaction(tx); err != nil {
			return nil, err
		}
		ids = append(ids, tx.TxHash())
	}
	block.Header.MerkleRoot = merkleRoot(ids)
	solve(&block.Header)
	m.height = height
	m.tip = block.BlockHash()
	m.blocks = append(m.blocks[:height], m.tip)
	m.own = append(m.own, wire.OutPoint{Hash: ids[0]})
	return block, nil
}

// commitWitness adds the output of BIP-141 that commits to all witnesses.
func commitWitness(coinbase *wire.MsgTx, txs []*wire.MsgTx) {
	ids := []chainhash.Hash{{}} // the coinbase's stands as zero
	for _, tx := range txs {
		ids = append(ids, tx.WitnessHash())
	}
	root, reserved := merkleRoot(ids), make([]byte, 32)
	commitment := chainhash.DoubleHashB(append(root[:], reserved...))
	script := append([]byte{txscript.OP_RETURN, txscript.OP_DATA_36, 0xaa, 0x21, 0xa9, 0xed}, commitment...)
	coinbase.AddTxOut(wire.NewTxOut(0, script))
	coinbase.TxIn[0].Witness = wire.TxWitness{reserved}
}

func merkleRoot(level []chainhash.Hash) chainhash.Hash {
	for len(level) > 1 {
		var next []chainhash.Hash
		for i := 0; i < len(level); i += 2 {
			left, right := level[i], level[min(i+1, len(level)-1)]
			next = append(next, chainhash.DoubleHashH(append(left[:], right[:]...)))
		}
		level = next
	}
	return level[0]
}

// solve finds a nonce; on simnet every second one will do.
func solve(h *wire.BlockHeader) {
	for {
		id := h.BlockHash()
		var reversed [chainhash.HashSize]byte
		for i, b := range id {
			reversed[len(id)-1-i] = b
		}
		if new(big.Int).SetBytes(reversed[:]).Cmp(simnet().PowLimit) <= 0 {
			return
		}
		h.Nonce++
	}
}

// submit hands blocks to the node, in order.
func (b *Bitcoin) submit(ctx context.Context, blocks []*wire.MsgBlock) error {
	params := make([][]any, len(blocks))
	verdicts := make([]any, len(blocks))
	for i, block := range blocks {
		var raw bytes.Buffer
		if err := block.Serialize(&raw); err != nil {
			return err
		}
		params[i] = []any{hex.EncodeToString(raw.Bytes())}
		verdicts[i] = new(*string)
	}
	if err := b.batch(ctx, "submitblock", params, verdicts); err != nil {
		return err
	}
	for i, v := range verdicts {
		if refused := *v.(**string); refused != nil {
			return fmt.Errorf("devnet: btcd refused block %s: %s", blocks[i].BlockHash(), *refused)
		}
	}
	return nil
}

// Mine adds a block with the transactions on top, and n empty ones on top of
// that, each a second after the one before.
func (b *Bitcoin) Mine(ctx context.Context, first time.Time, n int, txs ...*wire.MsgTx) error {
	blocks := make([]*wire.MsgBlock, 1+n)
	for i := range blocks {
		block, err := b.miner.mine(first.Add(time.Duration(i)*time.Second), txs...)
		if err != nil {
			return err
		}
		blocks[i], txs = block, nil
	}
	return b.submit(ctx, blocks)
}

// Reorg has the node throw away all blocks after a height, and mines others in
// their place, one more than there were.
func (b *Bitcoin) Reorg(ctx context.Context, after int32, first time.Time) error {
	if after >= b.miner.height {
		return fmt.Errorf("devnet: no block after %d", after)
	}
	if err := b.call(ctx, "invalidateblock", []any{b.miner.blocks[after+1].String()}, nil); err != nil {
		return err
	}
	n := int(b.miner.height - after)
	b.miner.height, b.miner.tip, b.miner.branch = after, b.miner.blocks[after], ", another branch"
	return b.Mine(ctx, first, n)
}

// Miner is the account that every block's reward goes to.
func (b *Bitcoin) Miner() (chains.Account, error) { return accountOf(b.miner.script) }

// Height is that of the last block.
func (b *Bitcoin) Height() uint64 { return uint64(b.miner.height) } //nolint:gosec // a height is not negative
