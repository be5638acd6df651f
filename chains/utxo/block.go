package utxo

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/btcsuite/btcd/wire/v2"
)

// parseBlock reads a block as getblock gives it, strictly. With mweb an
// extension block may follow: coins that went there are none of the accounts'
// any more, and those that came back are outputs of the block's last
// transaction like any other.
func parseBlock(text string, mweb bool) (*wire.MsgBlock, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("not hex")
	}
	r := bytes.NewReader(raw)
	var block wire.MsgBlock
	if err := block.Header.Deserialize(r); err != nil {
		return nil, err
	}
	count, err := wire.ReadVarInt(r, 0)
	if err != nil {
		return nil, err
	}
	var extended bool
	for i := uint64(0); i < count; i++ {
		if extended {
			return nil, errors.New("a transaction follows the one that settles the extension block")
		}
		var tx *wire.MsgTx
		if tx, extended, err = readTransaction(r, mweb); err != nil {
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		}
		block.Transactions = append(block.Transactions, tx)
	}
	if r.Len() > 0 && !extended {
		return nil, fmt.Errorf("%d bytes are left over", r.Len())
	}
	return &block, nil
}

// parseTransaction reads one transaction and nothing after it.
func parseTransaction(text string, mweb bool) (*wire.MsgTx, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("not hex")
	}
	r := bytes.NewReader(raw)
	tx, _, err := readTransaction(r, mweb)
	if err == nil && r.Len() > 0 {
		err = fmt.Errorf("%d bytes are left over", r.Len())
	}
	return tx, err
}

// readTransaction reads one transaction. The one that settles Litecoin's
// extension block (LIP-3) has 00 08 where others have the witness marker, and a
// byte 00 before its lock time: none of them is part of what its id hashes.
func readTransaction(r *bytes.Reader, mweb bool) (tx *wire.MsgTx, settles bool, err error) {
	tx = new(wire.MsgTx)
	start := r.Size() - int64(r.Len())
	var head [6]byte
	if _, err := r.ReadAt(head[:], start); err != nil || !mweb || head[4] != 0 || head[5] != 8 {
		return tx, false, tx.Deserialize(r)
	}
	if _, err := r.Seek(start+int64(len(head)), io.SeekStart); err != nil {
		return nil, false, err
	}
	if err := tx.DeserializeNoWitness(io.MultiReader(bytes.NewReader(head[:4]), r)); err != nil {
		return nil, false, err
	}
	// What was read as the lock time is the byte 00 and the first three of it.
	last, err := r.ReadByte()
	if err != nil || tx.LockTime&0xff != 0 {
		return nil, false, errors.New("an extension where none can be")
	}
	tx.LockTime = tx.LockTime>>8 | uint32(last)<<24
	return tx, true, nil
}
