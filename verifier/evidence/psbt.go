package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const maxPSBT = 1_000_000 // bytes, SPEC part 18

const psbtMagic = "psbt\xff"

// Types of the fields of a PSBT that are read here (BIP-174, BIP-322).
const (
	globalTransaction = "\x00"
	globalMessage     = "\x09"
	globalVersion     = "\xfb"

	inputTransaction = "\x00"
	inputOutput      = "\x01"
	inputScript      = "\x07"
	inputWitness     = "\x08"
)

// psbtTypes are the types that one kind of map may have: those whose key is the type alone, and those whose key says more.
type psbtTypes struct{ bare, keyed string }

// The fields of version 0, those of BIP-371 among them.
func globalTypes(messages bool) psbtTypes {
	if messages {
		return psbtTypes{bare: globalTransaction + globalMessage + globalVersion, keyed: "\x01\xfc"}
	}
	return psbtTypes{bare: globalTransaction + globalVersion, keyed: "\x01\xfc"}
}

func inputTypes() psbtTypes {
	return psbtTypes{bare: "\x00\x01\x03\x04\x05\x07\x08\x09\x13\x17\x18", keyed: "\x02\x06\x0a\x0b\x0c\x0d\x14\x15\x16\xfc"}
}

func outputTypes() psbtTypes { return psbtTypes{bare: "\x00\x01\x05\x06", keyed: "\x02\x07\xfc"} }

// psbtMap is one map of a PSBT: values by whole keys, whose first byte is the type.
type psbtMap map[string][]byte

// finalPSBT is a finalised PSBT: the transaction with its final scripts and witnesses, and the outputs that it says its inputs spend.
type finalPSBT struct {
	tx      *wire.MsgTx
	spent   []*wire.TxOut // the first is nil where it may be left out, and is
	message []byte        // nil if it names none
}

// parsePSBT reads a finalised PSBT of version 0. With commitment, its first input spends nothing, and may lack what the others need;
// without, the PSBT may name the message (BIP-322).
func parsePSBT(raw []byte, commitment bool) (*finalPSBT, error) {
	c := &cursor{left: raw}
	if magic := c.take(uint64(len(psbtMagic)), "the magic"); string(magic) != psbtMagic {
		return nil, errors.New("a PSBT begins with the bytes psbt and 0xff")
	}
	global := c.psbtMap("the global map", globalTypes(!commitment))
	if version, ok := global[globalVersion]; ok && (len(version) != 4 || binary.LittleEndian.Uint32(version) != 0) {
		return nil, fmt.Errorf("a PSBT of version 0x%x, want 0", version)
	}
	if c.err != nil {
		return nil, c.err
	}
	tx, err := (&cursor{left: global[globalTransaction]}).wholeTransaction(false)
	if err != nil {
		return nil, fmt.Errorf("its transaction: %w", err)
	}
	p := &finalPSBT{tx: tx, message: global[globalMessage]}
	inputs := make([]psbtMap, len(tx.TxIn))
	for i := range tx.TxIn {
		inputs[i] = c.psbtMap(fmt.Sprintf("the map of input %d", i), inputTypes())
	}
	for i := range tx.TxOut {
		c.psbtMap(fmt.Sprintf("the map of output %d", i), outputTypes())
	}
	if c.err == nil && len(c.left) > 0 {
		c.err = fmt.Errorf("%d bytes follow the PSBT", len(c.left))
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := p.complete(inputs, commitment); err != nil {
		return nil, err
	}
	if n := tx.SerializeSize(); n > maxWitness {
		return nil, fmt.Errorf("a transaction of %d bytes, more than %d", n, maxWitness)
	}
	return p, nil
}

// psbtMap reads keys and values up to the zero that ends a map.
func (c *cursor) psbtMap(what string, types psbtTypes) psbtMap {
	m := psbtMap{}
	for {
		size := c.count(what)
		if c.err != nil || size == 0 {
			return m
		}
		key := string(c.take(size, what))
		value := c.take(c.count(what), what)
		if c.err != nil {
			return m
		}
		_, twice := m[key]
		switch {
		case twice:
			c.err = fmt.Errorf("%s: field 0x%x is there twice", what, key)
		case strings.Contains(types.bare, key[:1]) && len(key) > 1:
			c.err = fmt.Errorf("%s: the key of field 0x%x says more than its type", what, key)
		case !strings.Contains(types.bare+types.keyed, key[:1]):
			c.err = fmt.Errorf("%s: field 0x%x is unknown to BIP-174, version 0", what, key)
		}
		m[key] = value
	}
}

// complete gives the transaction its final scripts and witnesses, and finds what the inputs spend.
func (p *finalPSBT) complete(inputs []psbtMap, commitment bool) error {
	before := make(map[chainhash.Hash]*wire.MsgTx)
	for i, m := range inputs {
		in := p.tx.TxIn[i]
		if len(in.SignatureScript) > 0 {
			return fmt.Errorf("input %d: the PSBT's transaction is signed already", i)
		}
		free := commitment && i == 0
		script, hasScript := m[inputScript]
		witness, hasWitness := m[inputWitness]
		in.SignatureScript = script
		if hasWitness {
			var err error
			if in.Witness, err = parseWitness(witness); err != nil {
				return fmt.Errorf("input %d: its final witness: %w", i, err)
			}
		}
		if !hasScript && !hasWitness && !free {
			return fmt.Errorf("input %d is not finalised", i)
		}
		out, err := m.spent(in.PreviousOutPoint, before)
		if err != nil && !free {
			return fmt.Errorf("input %d: %w", i, err)
		}
		p.spent = append(p.spent, out)
	}
	return nil
}

// spent finds the output that an input spends. before are the transactions that earlier inputs brought.
func (m psbtMap) spent(at wire.OutPoint, before map[chainhash.Hash]*wire.MsgTx) (out *wire.TxOut, err error) {
	if raw, ok := m[inputTransaction]; ok {
		tx, err := parseToSign(raw)
		if err != nil {
			return nil, fmt.Errorf("its Non-Witness UTXO: %w", err)
		}
		if id := legacyID(tx); id != at.Hash {
			return nil, fmt.Errorf("its Non-Witness UTXO is %s, and it spends %s", id, at.Hash)
		}
		before[at.Hash] = tx
	}
	if raw, ok := m[inputOutput]; ok {
		if out, err = parseOutput(raw); err != nil {
			return nil, fmt.Errorf("its Witness UTXO: %w", err)
		}
	}
	tx := before[at.Hash]
	switch {
	case tx == nil && out == nil:
		return nil, errors.New("neither Witness UTXO nor Non-Witness UTXO")
	case tx == nil:
		return out, nil
	case at.Index >= uint32(len(tx.TxOut)): //nolint:gosec // a transaction of this size has fewer outputs
		return nil, fmt.Errorf("it spends output %d of %d", at.Index, len(tx.TxOut))
	}
	whole := tx.TxOut[at.Index]
	if out != nil && (out.Value != whole.Value || !bytes.Equal(out.PkScript, whole.PkScript)) {
		return nil, errors.New("its two UTXOs differ")
	}
	return whole, nil
}

// parseOutput reads a value and a script, and nothing more.
func parseOutput(raw []byte) (*wire.TxOut, error) {
	c := &cursor{left: raw}
	out := c.output()
	if c.err == nil && len(c.left) > 0 {
		c.err = fmt.Errorf("%d bytes follow it", len(c.left))
	}
	return out, c.err
}

// output reads a value and a script.
func (c *cursor) output() *wire.TxOut {
	low, high := c.number("an output's value"), c.number("an output's value")
	out := &wire.TxOut{Value: int64(uint64(high)<<32 | uint64(low))} //nolint:gosec // the same 64 bits, as Bitcoin reads them
	out.PkScript = c.take(c.count("the length of an output's script"), "an output's script")
	return out
}
