package control

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	maxPSBT       = 1_000_000 // SPEC part 18
	maxPSBTInputs = 10_000    // no more fit, and each costs a script
	psbtMagic     = "psbt\xff"

	// Types of fields that are read here.
	unsignedTx     = 0x00
	globalMessage  = 0x09 // BIP-322's
	globalVersion  = 0xfb
	nonWitnessUTXO = 0x00 // the rest of inputs
	witnessUTXO    = 0x01
)

// A fieldSet is the types of fields that a map of a PSBT may have: those whose
// key is the type alone, and those whose key says more (SPEC part 14).
type fieldSet struct {
	of         string // the map, for errors
	alone, and []byte
}

func globalFields() fieldSet {
	return fieldSet{"the global map", []byte{unsignedTx, globalVersion}, []byte{0x01, 0xfc}}
}

func inputFields(i int) fieldSet {
	return fieldSet{
		fmt.Sprintf("input %d", i),
		[]byte{nonWitnessUTXO, witnessUTXO, 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x13, 0x17, 0x18},
		[]byte{0x02, 0x06, 0x0a, 0x0b, 0x0c, 0x0d, 0x14, 0x15, 0x16, 0xfc},
	}
}

func outputFields(i int) fieldSet {
	return fieldSet{fmt.Sprintf("output %d", i), []byte{0x00, 0x01, 0x05, 0x06}, []byte{0x02, 0x07, 0xfc}}
}

// parsePSBT reads a PSBT of version 0, whole, with no field that SPEC part 14
// does not list.
func parsePSBT(signature, prefix, text string) (*psbt.Packet, error) {
	raw, err := decodeBase64(signature, prefix)
	if err != nil {
		return nil, err
	}
	if len(raw) > maxPSBT {
		return nil, fmt.Errorf("signature: its PSBT is longer than %d bytes", maxPSBT)
	}
	r := bytes.NewReader(raw)
	packet, err := psbt.NewFromRawBytes(r, false)
	if err != nil {
		return nil, fmt.Errorf("signature holds no whole PSBT: %w", err)
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("signature: %d bytes are left over after its PSBT", r.Len())
	}
	if n := len(packet.UnsignedTx.TxIn); n == 0 || n > maxPSBTInputs {
		return nil, fmt.Errorf("signature: its PSBT has %d inputs, want 1 to %d", n, maxPSBTInputs)
	}
	if err := checkFields(raw, packet, prefix, text); err != nil {
		return nil, fmt.Errorf("signature: its PSBT: %w", err)
	}
	return packet, nil
}

// checkFields reads the maps of a PSBT once more, for what the library leaves
// open: it takes every type, some keys twice, and values with bytes after them.
func checkFields(raw []byte, packet *psbt.Packet, prefix, text string) error {
	r := bytes.NewReader(raw[len(psbtMagic):])
	set := globalFields()
	if prefix == fundsPrefix {
		set.alone = append(set.alone, globalMessage)
	}
	global, err := readMap(r, set)
	if err != nil {
		return err
	}
	if len(global[unsignedTx]) != packet.UnsignedTx.SerializeSizeStripped() {
		return errors.New("bytes are left over after its transaction")
	}
	if said, ok := global[globalMessage]; ok && string(said) != text {
		return errors.New("it holds another text than this one")
	}
	if version, ok := global[globalVersion]; ok && !bytes.Equal(version, make([]byte, 4)) {
		return errors.New("it is of another version than 0")
	}
	for i := range packet.Inputs {
		fields, err := readMap(r, inputFields(i))
		if err != nil {
			return err
		}
		if err := readUTXOs(&packet.Inputs[i], fields); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	for i := range packet.Outputs {
		if _, err := readMap(r, outputFields(i)); err != nil {
			return err
		}
	}
	return nil
}

// readMap reads one map and returns the values whose key is the type alone.
func readMap(r *bytes.Reader, set fieldSet) (map[byte][]byte, error) {
	values, seen := map[byte][]byte{}, map[string]bool{}
	for {
		key, err := wire.ReadVarBytes(r, 0, maxPSBT, "key")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", set.of, err)
		}
		if len(key) == 0 {
			return values, nil
		}
		alone := slices.Contains(set.alone, key[0])
		switch {
		case !alone && !slices.Contains(set.and, key[0]):
			return nil, fmt.Errorf("%s has a field %#02x, which is not one that a proof of funds may have", set.of, key[0])
		case alone && len(key) > 1:
			return nil, fmt.Errorf("%s has a field %#02x with a key of %d bytes, want the type alone", set.of, key[0], len(key))
		case !alone && len(key) == 1:
			return nil, fmt.Errorf("%s has a field %#02x whose key is the type alone, want more", set.of, key[0])
		case seen[string(key)]:
			return nil, fmt.Errorf("%s has the key %x twice", set.of, key)
		}
		seen[string(key)] = true
		value, err := wire.ReadVarBytes(r, 0, maxPSBT, "value")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", set.of, err)
		}
		if alone {
			values[key[0]] = value
		}
	}
}

// readUTXOs takes the witness UTXO by its own length, which the library goes
// past, and wants nothing after either.
func readUTXOs(in *psbt.PInput, fields map[byte][]byte) error {
	if whole, ok := fields[nonWitnessUTXO]; ok && len(whole) != in.NonWitnessUtxo.SerializeSize() {
		return errors.New("bytes are left over after the transaction that it brings")
	}
	value, ok := fields[witnessUTXO]
	if !ok {
		return nil
	}
	r, out := bytes.NewReader(value), new(wire.TxOut)
	if err := wire.ReadTxOut(r, 0, 0, out); err != nil {
		return fmt.Errorf("its witness UTXO: %w", err)
	}
	if r.Len() > 0 {
		return fmt.Errorf("%d bytes are left over after its witness UTXO", r.Len())
	}
	in.WitnessUtxo = out
	return nil
}
