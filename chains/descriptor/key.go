package descriptor

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2/hdkeychain"
)

// errPrivate tells nothing of the key.
var errPrivate = errors.New("it is a PRIVATE key: never put one here, nor in any other file of a report; whoever read it can take the coins. " +
	"Give the public key, and move the coins if anyone else has seen this file")

// A key is a key expression (BIP-380): one public key, or the ways to derive
// one from an extended public key.
type key struct {
	fixed  []byte                    // public key as it is written; nil if it is derived
	from   []*hdkeychain.ExtendedKey // by branch: the key that the last step, or none, is taken from
	ranged bool                      // the last step is the index
	text   string                    // of the extended key
}

// forms says which spellings of a public key a script takes.
type forms struct{ uncompressed, xOnly bool }

// parseKey reads a key expression. No error holds any of the key's text, which
// may be a private key by mistake.
func parseKey(n *network, text string, take forms) (key, error) {
	text, err := cutOrigin(text)
	if err != nil {
		return key{}, err
	}
	text, path, derived := strings.Cut(text, "/")
	if isPrivate(text) {
		return key{}, errPrivate
	}
	if raw, err := hex.DecodeString(text); err == nil {
		if derived {
			return key{}, errors.New("it is one public key, and nothing is derived from that: want no path after it")
		}
		return hexKey(raw, take)
	}
	extended, v, err := extendedKey(text)
	if err != nil {
		return key{}, err
	}
	if err := n.takes(v); err != nil {
		return key{}, err
	}
	if v.script != "" {
		return key{}, fmt.Errorf("it is a %s, which stands for a script by itself: give it alone, or its xpub form here", v.prefix)
	}
	return derivedKey(extended, text, path, derived)
}

// cutOrigin checks where the key says that it comes from, and leaves it away:
// it has no part in deriving addresses.
func cutOrigin(text string) (string, error) {
	inside, ok := strings.CutPrefix(text, "[")
	if !ok {
		return text, nil
	}
	inside, rest, ok := strings.Cut(inside, "]")
	if !ok {
		return "", errors.New("its origin [fingerprint/path] does not end")
	}
	fingerprint, path, steps := strings.Cut(inside, "/")
	if b, err := hex.DecodeString(fingerprint); err != nil || len(b) != 4 {
		return "", errors.New("the fingerprint of its origin is not 8 hex digits")
	}
	if steps {
		for _, s := range strings.Split(path, "/") {
			if _, _, err := step(s); err != nil {
				return "", fmt.Errorf("the path of its origin: %w", err)
			}
		}
	}
	return rest, nil
}

// step reads one step of a path; a hardened one ends with h or '.
func step(text string) (index uint32, hardened bool, err error) {
	digits := strings.TrimSuffix(text, "'")
	if digits == text {
		digits = strings.TrimSuffix(text, "h")
	}
	i, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || strconv.FormatUint(i, 10) != digits {
		return 0, false, errors.New("want steps that are numbers from 0 to 2147483647, a hardened one with h or ' after it")
	}
	return uint32(i), digits != text, nil
}

func hexKey(raw []byte, take forms) (key, error) {
	const compressed, uncompressed, xOnly = 33, 65, 32
	switch {
	case len(raw) == xOnly && take.xOnly:
		if _, err := schnorr.ParsePubKey(raw); err != nil {
			return key{}, errors.New("it is no point of the curve")
		}
		return key{fixed: append([]byte{2}, raw...)}, nil
	case len(raw) == uncompressed && !take.uncompressed:
		return key{}, errors.New("it is an uncompressed public key, which this script does not take")
	case len(raw) == compressed && (raw[0] == 2 || raw[0] == 3), len(raw) == uncompressed && raw[0] == 4:
		if _, err := btcec.ParsePubKey(raw); err != nil {
			return key{}, errors.New("it is no point of the curve")
		}
		return key{fixed: raw}, nil
	}
	return key{}, errors.New("want a public key of 66 hex digits (130 uncompressed, 64 in tr), or an extended public key")
}

// isPrivate reports whether a text is, or looks as if it were meant to be, a
// private key: extended (BIP-32, SLIP-132) or in the import format of wallets.
func isPrivate(text string) bool {
	for _, v := range versions() {
		if v.private && strings.HasPrefix(text, v.prefix) {
			return true
		}
	}
	const key, compressed = 32, 33
	payload, _, err := base58.CheckDecode(text)
	if err == nil && (len(payload) == key || len(payload) == compressed && payload[key] == 1) {
		return true
	}
	// One with a typing error is still a secret.
	return (len(text) == 51 || len(text) == 52) && len(base58.Decode(text)) > 0
}

// extendedKey reads an extended public key.
func extendedKey(text string) (*hdkeychain.ExtendedKey, version, error) {
	const length = 4 + 1 + 4 + 4 + 32 + 33 + 4
	raw := base58.Decode(text)
	if len(raw) != length {
		return nil, version{}, errors.New("it is neither a public key in hex nor an extended public key")
	}
	v, known := versionOf(raw)
	if v.private || raw[length-4-33] == 0 {
		return nil, version{}, errPrivate
	}
	extended, err := hdkeychain.NewKeyFromString(text)
	if err != nil {
		return nil, version{}, fmt.Errorf("it is no extended public key: %w", err)
	}
	if !known {
		return nil, version{}, fmt.Errorf("it is an extended public key of version 0x%x, which is known for no chain here", raw[:4])
	}
	return extended, v, nil
}

// derivedKey follows the path after an extended key as far as it is fixed: to
// one key a branch.
func derivedKey(extended *hdkeychain.ExtendedKey, text, path string, derived bool) (key, error) {
	k := key{from: []*hdkeychain.ExtendedKey{extended}, text: text}
	if !derived {
		return k, nil
	}
	steps := strings.Split(path, "/")
	for i, s := range steps {
		if s == "*" && i == len(steps)-1 {
			k.ranged = true
			return k, nil
		}
		if strings.HasPrefix(s, "*") {
			return key{}, errors.New("want * as the last step of its path alone, without a mark after it: no hardened key is derived from a public one")
		}
		indexes, err := alternatives(s)
		if err != nil {
			return key{}, err
		}
		if len(indexes) > 1 && len(k.from) > 1 {
			return key{}, errors.New("its path has two steps <…;…>, want one at most")
		}
		var next []*hdkeychain.ExtendedKey
		for _, parent := range k.from {
			for _, index := range indexes {
				child, err := parent.Derive(index)
				if err != nil {
					return key{}, fmt.Errorf("step %d of its path: %w", i+1, err)
				}
				next = append(next, child)
			}
		}
		k.from = next
	}
	return k, nil
}

// alternatives reads a step of a path after an extended key: a number, or
// several in < and > (BIP-389).
func alternatives(text string) ([]uint32, error) {
	inside, many := strings.CutPrefix(text, "<")
	if many {
		var ok bool
		if inside, ok = strings.CutSuffix(inside, ">"); !ok {
			return nil, errors.New("a step <…;…> of its path does not end")
		}
	}
	var indexes []uint32
	seen := map[uint32]bool{}
	for _, s := range strings.Split(inside, ";") {
		index, hardened, err := step(s)
		switch {
		case err != nil:
			return nil, fmt.Errorf("its path: %w", err)
		case hardened:
			return nil, errors.New("its path has a hardened step, which no public key can take: give the extended public key after that step, and the step in [fingerprint/path] before it")
		case seen[index]:
			return nil, fmt.Errorf("its path has %d twice in one step", index)
		}
		seen[index] = true
		indexes = append(indexes, index)
	}
	if many != (len(indexes) > 1) {
		return nil, errors.New("its path: want several numbers in <…;…>, and one without")
	}
	const most = 32
	if len(indexes) > most {
		return nil, fmt.Errorf("its path has %d numbers in one step, want at most %d", len(indexes), most)
	}
	return indexes, nil
}

// at returns the public key of a branch and index, in the bytes that scripts
// hold.
func (k *key) at(branch int, index uint32) ([]byte, error) {
	if k.fixed != nil {
		return k.fixed, nil
	}
	extended := k.from[min(branch, len(k.from)-1)]
	if k.ranged {
		var err error
		if extended, err = extended.Derive(index); err != nil {
			return nil, err
		}
	}
	public, err := extended.ECPubKey()
	if err != nil {
		return nil, err
	}
	return public.SerializeCompressed(), nil
}
