package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// state is one of the three things that BIP-322 says of a signature.
type state string

const (
	invalid      state = "invalid"
	inconclusive state = "inconclusive" // it rests on what is kept for later rules
	valid        state = "valid"
)

type judgement struct {
	state              state
	reason             error  // why it is not valid
	lockTime, sequence uint32 // when it is: valid at this time and age
	locked             error  // an input besides the first that waits for a lock
}

// coin is an output that an input of to_sign spends.
type coin struct {
	script []byte
	kind   scriptKind
	value  int64
}

// judge says in which state a transaction to_sign is, for a message and what its inputs spend: first the output of to_spend, then
// what a proof of funds adds (SPEC part 14).
func judge(message string, toSign *wire.MsgTx, coins ...coin) judgement {
	if err := checkShape(message, toSign, coins); err != nil {
		return judgement{state: invalid, reason: err}
	}
	locked, err := satisfied(toSign, coins, 0)
	if err != nil {
		return unsatisfied(err)
	}
	if v := toSign.Version; v != 0 && v != 2 {
		return judgement{state: inconclusive, reason: fmt.Errorf("to_sign has version %d, want 0 or 2", v)}
	}
	return judgement{state: valid, lockTime: toSign.LockTime, sequence: toSign.TxIn[0].Sequence, locked: locked}
}

// unsatisfied tells what rests on later rules from what is wrong.
func unsatisfied(err error) judgement {
	if isReserved(err) {
		return judgement{state: inconclusive, reason: err}
	}
	return judgement{state: invalid, reason: err}
}

// check turns a state into a verdict: only what is valid now shows control now.
func (j judgement) check(accounts ...string) error {
	later := func(got string) error {
		return &CheckError{Field: "signature", Problem: "it becomes valid only later and does not show control now", Got: got, Want: "valid at time 0 and age 0"}
	}
	switch {
	case j.state == inconclusive:
		return &CheckError{Field: "signature", Problem: "inconclusive: today's rules do not decide it", Got: j.reason.Error(), Want: "a signature that needs no rule of later days"}
	case j.state == invalid:
		return &CheckError{Field: "signature", Problem: "not this account's signature of this text", Got: j.reason.Error(), Want: "what satisfies the script of " + strings.Join(accounts, ", of ")}
	case j.lockTime != 0 || j.sequence != 0:
		return later(fmt.Sprintf("valid at time %d and age %d", j.lockTime, j.sequence))
	case j.locked != nil:
		return later(j.locked.Error())
	}
	return nil
}

// checkShape: to_sign spends to_spend, what a proof of funds adds, and nothing twice, to one output that holds nothing.
func checkShape(message string, toSign *wire.MsgTx, coins []coin) error {
	_, plain := simpleTransactions(coins[0].script, message, nil)
	if n := len(toSign.TxIn); n != len(coins) {
		return fmt.Errorf("to_sign has %d inputs, want %d", n, len(coins))
	}
	if got, want := toSign.TxIn[0].PreviousOutPoint, plain.TxIn[0].PreviousOutPoint; got != want {
		return fmt.Errorf("to_sign spends %s, and to_spend of this text is %s", got, want)
	}
	if n := len(toSign.TxOut); n != 1 {
		return fmt.Errorf("to_sign has %d outputs, want 1", n)
	}
	if out := toSign.TxOut[0]; out.Value != 0 || !bytes.Equal(out.PkScript, plain.TxOut[0].PkScript) {
		return errors.New("to_sign's output is not of value 0 and script OP_RETURN")
	}
	return nil
}

// isReserved: the engine met what Bitcoin keeps for later rules.
func isReserved(err error) bool {
	var engine txscript.Error
	return errors.As(err, &engine) && slices.Contains([]txscript.ErrorCode{
		txscript.ErrDiscourageUpgradableNOPs, txscript.ErrDiscourageUpgradableWitnessProgram, txscript.ErrDiscourageUpgradeableTaprootVersion,
		txscript.ErrDiscourageUpgradeablePubKeyType, txscript.ErrDiscourageOpSuccess,
	}, engine.ErrorCode)
}

// satisfied runs the scripts of the inputs from one on, under Bitcoin's standard verification flags and what BIP-322 asks beyond them.
// locked is the first input but number 0 whose script waited for a lock: the first input's own sequence says it.
func satisfied(toSign *wire.MsgTx, coins []coin, from int) (locked, err error) {
	outputs := make(map[wire.OutPoint]*wire.TxOut, len(coins))
	for i, in := range toSign.TxIn {
		if outputs[in.PreviousOutPoint] != nil {
			return nil, fmt.Errorf("two inputs spend %s", in.PreviousOutPoint)
		}
		outputs[in.PreviousOutPoint] = &wire.TxOut{Value: coins[i].value, PkScript: coins[i].script}
	}
	fetcher := txscript.NewMultiPrevOutFetcher(outputs)
	hashes := txscript.NewTxSigHashes(toSign, fetcher)
	for i := from; i < len(coins); i++ {
		waits, err := coins[i].spent(toSign, i, fetcher, hashes)
		switch {
		case err != nil && i > 0:
			return nil, fmt.Errorf("input %d: %w", i, err)
		case err != nil:
			return nil, err
		case waits && i > 0 && locked == nil:
			locked = fmt.Errorf("input %d waits for a lock", i)
		}
	}
	return locked, nil
}

// spent runs the script of one input. waits: it came upon a lock.
func (c coin) spent(toSign *wire.MsgTx, i int, fetcher txscript.PrevOutputFetcher, hashes *txscript.TxSigHashes) (waits bool, err error) {
	in := toSign.TxIn[i]
	scripts, keyPath, err := scriptsOf(c.script, c.kind, in)
	if err != nil {
		return false, err
	}
	engine, err := txscript.NewEngine(c.script, toSign, i, txscript.StandardVerifyFlags|txscript.ScriptVerifySigPushOnly, nil, hashes, c.value, fetcher)
	if err != nil {
		return false, err
	}
	if keyPath {
		return false, keySpend(engine, in.Witness[0])
	}
	watch := &signatureWatch{tapscript: c.kind == p2tr}
	err = watch.run(engine, scripts)
	return watch.waits, err
}

// keySpend runs a taproot key spend, whose witness is one signature.
func keySpend(engine *txscript.Engine, signature []byte) error {
	if err := schnorrHashType(signature); err != nil {
		return err
	}
	if err := engine.Execute(); err != nil {
		return fmt.Errorf("the schnorr signature does not verify %w", err)
	}
	return nil
}

// scriptsOf are the scripts that the engine runs one after another: the input's, the address's, and those that the input
// brings, or that a public key hash stands for. None of them may hold an OP_CODESEPARATOR, executed or not.
func scriptsOf(script []byte, kind scriptKind, in *wire.TxIn) (scripts [][]byte, keyPath bool, err error) {
	if len(in.SignatureScript) > 0 {
		scripts = append(scripts, in.SignatureScript)
	}
	scripts = append(scripts, script)
	program := script
	if kind == p2sh {
		program = lastPush(in.SignatureScript)
		scripts = append(scripts, program)
	}
	switch {
	case kind == p2tr:
		leaf, keyPath, err := leafScript(in.Witness)
		if keyPath || err != nil {
			return nil, keyPath, err
		}
		scripts = append(scripts, leaf)
	case txscript.IsPayToWitnessPubKeyHash(program):
		if len(in.Witness) == 0 {
			return nil, false, errors.New("an empty witness")
		}
		pkh := append([]byte{txscript.OP_DUP, txscript.OP_HASH160, txscript.OP_DATA_20}, program[2:]...)
		scripts = append(scripts, append(pkh, txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG))
	case txscript.IsPayToWitnessScriptHash(program):
		if len(in.Witness) == 0 {
			return nil, false, errors.New("an empty witness")
		}
		scripts = append(scripts, in.Witness[len(in.Witness)-1])
	}
	for _, s := range scripts {
		tokens := txscript.MakeScriptTokenizer(0, s)
		for tokens.Next() {
			if tokens.Opcode() == txscript.OP_CODESEPARATOR {
				return nil, false, errors.New("a script holds OP_CODESEPARATOR")
			}
		}
	}
	return scripts, false, nil
}

// leafScript is the tapscript of a witness, unless one signature alone spends by the key.
func leafScript(witness wire.TxWitness) (script []byte, keyPath bool, err error) {
	switch n := len(witness); {
	case n == 0:
		return nil, false, errors.New("an empty witness")
	case n == 1:
		return nil, true, nil
	case len(witness[n-1]) > 0 && witness[n-1][0] == txscript.TaprootAnnexTag:
		return nil, false, errors.New("a witness with an annex, which is not standard")
	default:
		return witness[n-2], false, nil
	}
}

// lastPush is the redeem script of an input of P2SH. The engine refuses one that does more than push.
func lastPush(script []byte) (data []byte) {
	tokens := txscript.MakeScriptTokenizer(0, script)
	for tokens.Next() {
		data = tokens.Data()
	}
	return data
}
