package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	opLockTime = "OP_CHECKLOCKTIMEVERIFY"
	opAge      = "OP_CHECKSEQUENCEVERIFY"
)

// checkLocks refuses an input whose script, which it satisfies, runs a lock
// over a number above 0: it shows who may move the coins later (SPEC part 14).
//
// Which branches of a script run only the engine knows, so it is asked: what a
// lock looks at is replaced by a number that it refuses, and put back if the
// engine passes the lock over.
func (s spend) checkLocks(i int, outputs txscript.PrevOutputFetcher, hashes *txscript.TxSigHashes) error {
	engine, err := s.engine(i, outputs, hashes)
	if err != nil {
		return err
	}
	for done := false; !done; {
		opcode, err := engine.DisasmPC()
		if err != nil {
			return err
		}
		number, name, stack := int64(0), lock(opcode), [][]byte(nil)
		if name != "" {
			stack = engine.GetStack()
			number = locked(name, stack)
		}
		if number > 0 {
			minusOne := []byte{0x81}
			engine.SetStack(append(slices.Clone(stack[:len(stack)-1]), minusOne))
		}
		done, err = engine.Step()
		if number > 0 && txscript.IsErrorCode(err, txscript.ErrNegativeLockTime) {
			return fmt.Errorf("signature becomes valid only later, which does not show control now: its script runs %s over %d", name, number)
		}
		if err != nil {
			return err
		}
		if number > 0 {
			engine.SetStack(stack)
		}
	}
	return nil
}

// lock returns the name of an opcode as the engine spells it, empty if it is
// no lock.
func lock(opcode string) string {
	if _, name, _ := strings.Cut(opcode, " "); name == opLockTime || name == opAge {
		return name
	}
	return ""
}

// locked is the number that a lock looks at, at most 0 if it locks nothing.
func locked(name string, stack [][]byte) int64 {
	if len(stack) == 0 {
		return 0
	}
	n, err := txscript.MakeScriptNum(stack[len(stack)-1], true, 5)
	if err != nil || name == opAge && int64(n)&wire.SequenceLockTimeDisabled != 0 {
		return 0
	}
	return int64(n)
}
