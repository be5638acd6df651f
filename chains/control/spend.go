package control

import (
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// A spend is a transaction with the output that each of its inputs spends.
type spend struct {
	tx    *wire.MsgTx
	spent []*wire.TxOut // as many as inputs
}

// check holds the inputs from the first given to the rules of SPEC part 14.
func (s spend) check(first int) error {
	outputs, hashes := s.hashes()
	// Whoever signed, signed for this text, which the first input's outpoint
	// stands for; what satisfies the script with another outpoint too is no
	// signature.
	other := spend{tx: s.tx.Copy(), spent: s.spent}
	other.tx.TxIn[0].PreviousOutPoint.Hash[0] ^= 1
	otherOutputs, otherHashes := other.hashes()
	for i := first; i < len(s.tx.TxIn); i++ {
		if err := checkSignatures(s.spent[i].PkScript, s.tx.TxIn[i]); err != nil {
			return s.of(i, err)
		}
		if err := s.execute(i, outputs, hashes); err != nil {
			if slices.ContainsFunc(keptForLater, func(code txscript.ErrorCode) bool { return txscript.IsErrorCode(err, code) }) {
				return s.of(i, fmt.Errorf("signature is inconclusive, it rests on what Bitcoin keeps for later rules: %w", err))
			}
			if txscript.IsErrorCode(err, txscript.ErrUnsatisfiedLockTime) {
				return s.of(i, fmt.Errorf("signature does not show control now: its script waits for a lock to end: %w", err))
			}
			return s.of(i, fmt.Errorf("signature is not this account's over this text: %w", err))
		}
		if other.execute(i, otherOutputs, otherHashes) == nil {
			return s.of(i, errors.New("signature: no signature is checked by the script, it would fit every challenge"))
		}
		// The first input's lock time and age are looked at themselves.
		if i > 0 {
			if err := s.checkLocks(i, outputs, hashes); err != nil {
				return s.of(i, err)
			}
		}
	}
	return nil
}

// of names the input, where there are several.
func (s spend) of(i int, err error) error {
	if len(s.tx.TxIn) == 1 {
		return err
	}
	return fmt.Errorf("input %d: %w", i, err)
}

var keptForLater = []txscript.ErrorCode{
	txscript.ErrDiscourageOpSuccess,
	txscript.ErrDiscourageUpgradableNOPs,
	txscript.ErrDiscourageUpgradableWitnessProgram,
	txscript.ErrDiscourageUpgradeablePubKeyType,
	txscript.ErrDiscourageUpgradeableTaprootVersion,
}

// hashes are what the signatures of a transaction's inputs share.
func (s spend) hashes() (txscript.PrevOutputFetcher, *txscript.TxSigHashes) {
	outputs := txscript.NewMultiPrevOutFetcher(nil)
	for i, in := range s.tx.TxIn {
		outputs.AddPrevOut(in.PreviousOutPoint, s.spent[i])
	}
	return outputs, txscript.NewTxSigHashes(s.tx, outputs)
}

func (s spend) engine(i int, outputs txscript.PrevOutputFetcher, hashes *txscript.TxSigHashes) (*txscript.Engine, error) {
	out := s.spent[i]
	return txscript.NewEngine(out.PkScript, s.tx, i, txscript.StandardVerifyFlags|txscript.ScriptVerifySigPushOnly, nil, hashes, out.Value, outputs)
}

func (s spend) execute(i int, outputs txscript.PrevOutputFetcher, hashes *txscript.TxSigHashes) error {
	engine, err := s.engine(i, outputs, hashes)
	if err != nil {
		return err
	}
	return engine.Execute()
}
