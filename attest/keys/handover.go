package keys

import (
	"encoding/hex"
	"fmt"
	"strings"

	"filippo.io/age"
)

// Handover is what a server must have in secret to serve the proofs of one statement:
// it finds rows by it and opens the files that they lie in. It prints as the statement's
// digest only, whatever the verb.
type Handover struct {
	Statement [32]byte // H of the statement's payload
	Lookup    [64]byte // order key and look-up key of its snapshot (SPEC part 5)
	Files     *Identity
}

const handoverPrefix = "handover:"

// String returns the statement's digest only.
func (h Handover) String() string { return "handover of " + hex.EncodeToString(h.Statement[:]) }

// Format prints the statement's digest only, whatever the verb.
func (h Handover) Format(f fmt.State, _ rune) { fmt.Fprint(f, h.String()) }

// MarshalText writes the statement's digest only.
func (h Handover) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// SaveHandover seals a handover in a new file at path.
func SaveHandover(path string, h Handover, lock Lock) error {
	line := handoverPrefix + hex.EncodeToString(h.Statement[:]) + ":" + hex.EncodeToString(h.Lookup[:]) + ":" + h.Files.id.String()
	sealed, err := seal(kindHandover, line, lock)
	if err == nil {
		err = create(path, sealed, 0o600)
	}
	if err != nil {
		return fmt.Errorf("saving the %s: %w", kindHandover, err)
	}
	return nil
}

// OpenHandover opens a sealed handover: what a file of it holds. Errors begin with name.
func OpenHandover(name string, sealed []byte, unlock Unlock) (Handover, error) {
	line, err := open(sealed, kindHandover, unlock)
	if err != nil {
		return Handover{}, fmt.Errorf("%s: %s: %w", kindHandover, name, err)
	}
	h, ok := parseHandover(line)
	if !ok { // its parts are secret
		return Handover{}, fmt.Errorf("%s: %s: %w", kindHandover, name, ErrNotSealed)
	}
	return h, nil
}

func parseHandover(line string) (h Handover, ok bool) {
	parts := strings.Split(line, ":")
	if len(parts) != 4 || parts[0]+":" != handoverPrefix {
		return h, false
	}
	statement, err1 := hex.DecodeString(parts[1])
	lookup, err2 := hex.DecodeString(parts[2])
	files, err3 := age.ParseX25519Identity(parts[3])
	if err1 != nil || err2 != nil || err3 != nil || len(statement) != len(h.Statement) || len(lookup) != len(h.Lookup) {
		return h, false
	}
	return Handover{[32]byte(statement), [64]byte(lookup), &Identity{files}}, true
}
