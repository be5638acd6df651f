package evidence

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
)

const maxOwners = 256

// Safe is who may move what a Safe holds, proved from its storage (SPEC part 12, step 10). Its modules and its guard, which may
// act too, are not looked at.
type Safe struct {
	Owners    []string // 0x and 40 lower-case hex digits, ascending
	Threshold uint64   // how many of them must sign
}

// Where a Safe keeps what is read here, and the entry that its ring of owners begins and ends with.
const (
	slotSingleton  = 0
	slotOwners     = 2
	slotOwnerCount = 3
	slotThreshold  = 4
	sentinel       = 1
)

// safeCode names the contract of a code hash, if it is one of the table of SPEC part 12: a proxy, or a singleton that proxies use.
func safeCode(code [32]byte) (name string, isProxy, known bool) {
	switch fmt.Sprintf("%x", code) {
	case "b89c1b3bdf2cf8827818646bce9a8f6e372885f8c55e5c07acbd307cb133b000":
		return "GnosisSafeProxy 1.3.0", true, true
	case "d7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c":
		return "SafeProxy 1.4.1", true, true
	case "bba688fbdb21ad2bb58bc320638b43d94e7d100f6f3ebaab0a4e4de6304b1c2e":
		return "GnosisSafe 1.3.0", false, true
	case "21842597390c4c6e3c1239e434a682b054bd9548eee5e9b1d6a4482731023c0f":
		return "GnosisSafeL2 1.3.0", false, true
	case "1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4":
		return "Safe 1.4.1", false, true
	case "b1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff":
		return "SafeL2 1.4.1", false, true
	}
	return "", false, false
}

// safe proves the owners and the threshold of one account.
func (s *evmState) safe(field string, address [20]byte) (Safe, error) {
	at, err := s.contract(field, "the Safe's account", address)
	if err != nil {
		return Safe{}, err
	}
	if _, isProxy, known := safeCode(at.codeHash); !known || !isProxy {
		return Safe{}, &CheckError{Field: field, Problem: "its code is of no proxy of Safe that is known here", Got: fmt.Sprintf("0x%x", at.codeHash), Want: "one of the codes of SPEC part 12"}
	}
	address, err = s.pointer(field, at, slotNumber(slotSingleton))
	if err != nil {
		return Safe{}, err
	}
	singleton, err := s.contract(field, "the Safe's singleton", address)
	if err != nil {
		return Safe{}, err
	}
	if _, isProxy, known := safeCode(singleton.codeHash); !known || isProxy {
		return Safe{}, &CheckError{Field: field, Problem: "the code of its singleton is of no Safe that is known here", Got: fmt.Sprintf("0x%x", singleton.codeHash), Want: "one of the codes of SPEC part 12"}
	}
	owners, err := s.owners(field, at)
	if err != nil {
		return Safe{}, err
	}
	threshold, err := s.integer(field, at, slotNumber(slotThreshold))
	if err != nil {
		return Safe{}, err
	}
	if threshold.Sign() == 0 || threshold.Cmp(big.NewInt(int64(len(owners)))) > 0 {
		return Safe{}, &CheckError{Field: field, Problem: "a threshold that its owners cannot have", Got: threshold.String(), Want: fmt.Sprintf("1 to %d", len(owners))}
	}
	return Safe{Owners: owners, Threshold: threshold.Uint64()}, nil
}

// owners walks the ring of owners: from the sentinel, through as many as the owner count says, back to it.
func (s *evmState) owners(field string, of account) ([]string, error) {
	counted, err := s.integer(field, of, slotNumber(slotOwnerCount))
	if err != nil {
		return nil, err
	}
	if counted.Sign() == 0 || counted.Cmp(big.NewInt(maxOwners)) > 0 {
		return nil, &CheckError{Field: field, Problem: "an owner count that no Safe here has", Got: counted.String(), Want: fmt.Sprintf("1 to %d", maxOwners)}
	}
	fail := func(problem, got string) ([]string, error) {
		return nil, &CheckError{Field: field, Problem: problem, Got: got, Want: "a ring of " + counted.String() + " owners"}
	}
	var end [20]byte
	end[19] = sentinel
	var owners []string
	for at := end; ; {
		padded, slot := padAddress(at), slotNumber(slotOwners)
		if at, err = s.pointer(field, of, keccak256(padded[:], slot[:])); err != nil {
			return nil, err
		}
		text := fmt.Sprintf("0x%x", at)
		switch {
		case at == end && uint64(len(owners)) != counted.Uint64():
			return fail("its ring of owners is not as long as its owner count", strconv.Itoa(len(owners)))
		case at == end:
			slices.Sort(owners)
			return owners, nil
		case at == [20]byte{}:
			return fail("its ring of owners is broken", fmt.Sprintf("0 after %d owners", len(owners)))
		case slices.Contains(owners, text):
			return fail("its ring of owners does not come back to its beginning", text+" twice")
		case uint64(len(owners)) == counted.Uint64():
			return fail("its ring of owners is longer than its owner count", text+" beyond them")
		}
		owners = append(owners, text)
	}
}

func slotNumber(n int64) [32]byte { return slotAt([32]byte{}, n) }
