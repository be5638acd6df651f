package evidence

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/txscript/v2"
)

// signatureWatch runs scripts step by step beside btcd's engine and looks at each signature before it is checked:
// BIP-322 takes hash type ALL only, or DEFAULT in taproot. A script that is satisfied without any signature is refused too,
// since its witness would fit every challenge.
type signatureWatch struct {
	tapscript  bool
	waits      bool // a lock was executed: the script is satisfied later, not now
	branches   []openIf
	signatures int
}

// openIf is an OP_IF without its OP_ENDIF yet.
type openIf struct {
	reached bool // it was executed itself
	taken   bool // the side that runs now is executed
}

// run follows the scripts, which are those that the engine runs, in its order.
func (w *signatureWatch) run(engine *txscript.Engine, scripts [][]byte) error {
	done := false
	for _, script := range scripts {
		if len(script) == 0 {
			return errors.New("a script that does nothing")
		}
		tokens := txscript.MakeScriptTokenizer(0, script)
		for tokens.Next() {
			if done {
				return errors.New("a script that cannot be followed")
			}
			if err := w.look(tokens.Opcode(), engine); err != nil {
				return err
			}
			var err error
			if done, err = engine.Step(); err != nil {
				return err
			}
		}
	}
	if !done {
		return errors.New("a script that cannot be followed")
	}
	if err := engine.CheckErrorCondition(true); err != nil {
		return err
	}
	if w.signatures == 0 {
		return errors.New("no signature is checked: this witness would fit every challenge")
	}
	return nil
}

// look inspects the stack before an opcode runs.
func (w *signatureWatch) look(opcode byte, engine *txscript.Engine) error {
	switch opcode {
	case txscript.OP_IF, txscript.OP_NOTIF:
		taken := false
		if w.executing() {
			stack := engine.GetStack()
			taken = len(stack) > 0 && isTrue(stack[len(stack)-1]) == (opcode == txscript.OP_IF)
		}
		w.branches = append(w.branches, openIf{reached: w.executing(), taken: taken})
		return nil
	case txscript.OP_ELSE:
		if n := len(w.branches); n > 0 {
			w.branches[n-1].taken = w.branches[n-1].reached && !w.branches[n-1].taken
		}
		return nil
	case txscript.OP_ENDIF:
		w.branches = w.branches[:max(len(w.branches)-1, 0)]
		return nil
	}
	if !w.executing() {
		return nil
	}
	switch opcode {
	case txscript.OP_CHECKLOCKTIMEVERIFY, txscript.OP_CHECKSEQUENCEVERIFY:
		w.waits = w.waits || isLock(opcode, engine.GetStack())
	case txscript.OP_CHECKSIG, txscript.OP_CHECKSIGVERIFY:
		return w.signaturesAt(engine.GetStack(), 2, 1)
	case txscript.OP_CHECKSIGADD:
		return w.signaturesAt(engine.GetStack(), 3, 1)
	case txscript.OP_CHECKMULTISIG, txscript.OP_CHECKMULTISIGVERIFY:
		return w.multisig(engine.GetStack())
	}
	return nil
}

// isLock: the number on top is above 0. A sequence with bit 31 set is none.
func isLock(opcode byte, stack [][]byte) bool {
	if len(stack) == 0 {
		return false // the engine refuses it
	}
	top := stack[len(stack)-1]
	off := opcode == txscript.OP_CHECKSEQUENCEVERIFY && len(top) == 5 && top[3]&0x80 != 0
	return isTrue(top) && !off
}

// executing: the next opcode runs, and is not jumped over.
func (w *signatureWatch) executing() bool {
	n := len(w.branches)
	return n == 0 || w.branches[n-1].taken
}

// multisig finds the signatures below keys, their number, and the number of signatures.
func (w *signatureWatch) multisig(stack [][]byte) error {
	keys, ok := smallNumber(stack, 1)
	if !ok {
		return nil // the engine refuses it
	}
	count, ok := smallNumber(stack, keys+2)
	if !ok {
		return nil
	}
	return w.signaturesAt(stack, keys+2+count, count)
}

// smallNumber reads the item at a depth, 1 being the top, as a number of keys or signatures.
func smallNumber(stack [][]byte, depth int) (int, bool) {
	if depth > len(stack) {
		return 0, false
	}
	switch b := stack[len(stack)-depth]; {
	case len(b) == 0:
		return 0, true
	case len(b) == 1 && b[0] <= txscript.MaxPubKeysPerMultiSig:
		return int(b[0]), true
	}
	return 0, false
}

// signaturesAt looks at count items of the stack, from a depth upwards. An empty item is no signature: the engine lets it
// stand for "not signed", and with NULLFAIL every other item must verify.
func (w *signatureWatch) signaturesAt(stack [][]byte, depth, count int) error {
	if depth > len(stack) {
		return nil // the engine refuses it
	}
	for _, signature := range stack[len(stack)-depth:][:count] {
		if len(signature) == 0 {
			continue
		}
		hashType := ecdsaHashType
		if w.tapscript {
			hashType = schnorrHashType
		}
		if err := hashType(signature); err != nil {
			return err
		}
		w.signatures++
	}
	return nil
}

func ecdsaHashType(signature []byte) error {
	if t := signature[len(signature)-1]; t != byte(txscript.SigHashAll) {
		return fmt.Errorf("a signature of hash type 0x%02x, not ALL", t)
	}
	return nil
}

func schnorrHashType(signature []byte) error {
	switch {
	case len(signature) == 64:
		return nil
	case len(signature) == 65 && signature[64] == byte(txscript.SigHashAll):
		return nil
	case len(signature) == 65:
		return fmt.Errorf("a signature of hash type 0x%02x, not ALL or DEFAULT", signature[64])
	}
	return fmt.Errorf("a signature of %d bytes, want 64 or 65", len(signature))
}

// isTrue is Bitcoin's idea of truth: any bit set, the sign of a zero aside.
func isTrue(item []byte) bool {
	for i, b := range item {
		if b != 0 && (i < len(item)-1 || b != 0x80) {
			return true
		}
	}
	return false
}
