package descriptor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxKeys is the number of keys that a multisig script can hold (BIP-383).
const maxKeys = 20

// unwrap takes the functions off an expression: `sh(wsh(multi(2,A,B)))` is the
// names sh, wsh, multi and the arguments `2,A,B`.
func unwrap(expression string) (names []string, args string, err error) {
	for {
		name, inside, ok := strings.Cut(expression, "(")
		if !ok || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return names, expression, nil
		}
		if expression, ok = strings.CutSuffix(inside, ")"); !ok {
			return nil, "", errors.New("its brackets do not match")
		}
		names = append(names, name)
	}
}

// parse reads the expression before the checksum.
func (d *Descriptor) parse(expression string) error {
	names, args, err := unwrap(expression)
	if err != nil {
		return err
	}
	form := strings.Join(names, "(")
	switch form {
	case "addr":
		d.fixed, err = d.network.address(args)
		return err
	case "pkh", "wpkh", "sh(wpkh", "tr":
		d.wrapping = form
		return d.parseSingle(args)
	}
	wrapping, last := "", form
	if i := strings.LastIndexByte(form, '('); i >= 0 {
		wrapping, last = form[:i], form[i+1:]
	}
	if last == "multi" || last == "sortedmulti" {
		switch wrapping {
		case "sh", "wsh", "sh(wsh":
			d.wrapping, d.sorted = wrapping, last == "sortedmulti"
			return d.parseMulti(args)
		case "":
			return fmt.Errorf("%s without sh or wsh around it has no address, so no report can name it", last)
		}
	}
	return refusal(names)
}

// refusal says why a form is not taken.
func refusal(names []string) error {
	if len(names) == 0 {
		return errors.New("want a descriptor, as wpkh(xpub…/<0;1>/*)#checksum; an extended key alone belongs under xpubs, an address under accounts")
	}
	switch names[0] {
	case "pk", "raw":
		return fmt.Errorf("%s has no address, so no report can name it", names[0])
	case "combo":
		return errors.New("combo stands for several scripts: give one descriptor for each")
	case "rawtr", "musig":
		return fmt.Errorf("%s is not taken here: list its addresses under accounts", names[0])
	}
	return fmt.Errorf("%s is not taken here: want addr, pkh, wpkh, sh(wpkh), tr with a key alone, or multi or sortedmulti in sh, wsh or sh(wsh)",
		strings.Join(names, "(")+strings.Repeat(")", len(names)-1))
}

func (d *Descriptor) parseSingle(args string) error {
	if strings.Contains(args, ",") {
		if d.wrapping == "tr" {
			return errors.New("tr with a tree of scripts is not taken here: list its addresses under accounts")
		}
		return errors.New("it takes one key")
	}
	k, err := parseKey(d.network, args, forms{uncompressed: d.wrapping == "pkh", xOnly: d.wrapping == "tr"})
	if err != nil {
		return fmt.Errorf("its key: %w", err)
	}
	d.keys = []key{k}
	return nil
}

func (d *Descriptor) parseMulti(args string) error {
	k, list, _ := strings.Cut(args, ",")
	texts := strings.Split(list, ",")
	threshold, err := strconv.ParseUint(k, 10, 8)
	if err != nil || strconv.FormatUint(threshold, 10) != k || threshold < 1 || int(threshold) > len(texts) {
		return fmt.Errorf("its threshold: want a number from 1 to that of the keys, %d", len(texts))
	}
	if len(texts) > maxKeys {
		return fmt.Errorf("it has %d keys, want at most %d", len(texts), maxKeys)
	}
	branches := 1
	for i, text := range texts {
		key, err := parseKey(d.network, text, forms{uncompressed: d.wrapping == "sh"})
		if err != nil {
			return fmt.Errorf("key #%d: %w", i+1, err)
		}
		if n := len(key.from); n > 1 {
			if branches > 1 && n != branches {
				return fmt.Errorf("key #%d has %d branches, one before it %d: want as many in each", i+1, n, branches)
			}
			branches = n
		}
		d.keys = append(d.keys, key)
	}
	d.threshold = int(threshold)
	// So that what no script can hold is refused now.
	_, err = d.address(0, 0)
	return err
}

// holdsPrivate looks for a private key anywhere in a text, well-formed or not.
func holdsPrivate(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("()[]{},/#<>;* '", r) })
	for _, w := range words {
		if isPrivate(w) {
			return true
		}
	}
	return false
}
