package evidence

import (
	"fmt"
	"math/big"
)

// provenToken is a token whose recipe the state bears out, ready for its holders.
type provenToken struct {
	*recipe
	account account
	value   valuation
	holders int
	flagged int // holders with a bit set above those that are the balance
}

// implementationSlot is where the token's account keeps the address of its code: Keccak-256 of a name, in EIP-1967 less one.
func implementationSlot(proxy string) [32]byte {
	if proxy == proxyZeppelinOS {
		return keccak256([]byte("org.zeppelinos.proxy.implementation"))
	}
	return slotAt(keccak256([]byte("eip1967.proxy.implementation")), -1)
}

// checkToken checks that a token is a contract, of the kind of proxy that its recipe says, and that recipe and codes are the
// policy's where the policy speaks (SPEC part 12, steps 4 to 7 and 12). Where it does not, the note says whose word they are.
func (s *evmState) checkToken(field string, x *recipe, seconds uint64, pins map[string]TokenPin) (token *provenToken, note string, err error) {
	token = &provenToken{recipe: x}
	if token.account, err = s.contract(field, "the token's account", x.contract); err != nil {
		return nil, "", err
	}
	implementation, err := s.implementation(field+".proxy", x.proxy, token.account)
	if err != nil {
		return nil, "", err
	}
	if token.value, err = s.valuation(field, x, token.account, seconds); err != nil {
		return nil, "", err
	}
	got := x.pin(fmt.Sprintf("0x%x", token.account.codeHash), implementation)
	pin, ok := pins[x.token]
	if !ok {
		return token, fmt.Sprintf("%s: that its balances follow from %s is the exchange's word: the policy has no entry for this token", x.token, got), nil
	}
	if key, has, want := pin.differs(got); key != "" {
		return nil, "", &CheckError{Field: field + "." + key, Problem: "the recipe of " + x.token + " is not the policy's", Got: has, Want: want}
	}
	return token, "", nil
}

// implementation is the hash of the code that a proxy borrows; without proxy it is empty, and no slot of a proxy may be set
// (SPEC part 12, step 5).
func (s *evmState) implementation(field, proxy string, token account) (string, error) {
	if proxy != "" {
		address, err := s.pointer(field, token, implementationSlot(proxy))
		if err != nil {
			return "", err
		}
		behind, err := s.contract(field, "the implementation", address)
		return fmt.Sprintf("0x%x", behind.codeHash), err
	}
	for _, kind := range []string{proxyEIP1967, proxyZeppelinOS} {
		word, err := s.word(field, token, implementationSlot(kind))
		if err != nil {
			return "", err
		}
		if word != [32]byte{} {
			return "", &CheckError{Field: field, Problem: "the token is a proxy of kind " + kind + ", and its recipe does not say so", Got: fmt.Sprintf("0x%x in that slot", word), Want: "0"}
		}
	}
	return "", nil
}

// balance is what the state holds for one holder (SPEC part 12, steps 4 to 7).
func (s *evmState) balance(field string, token *provenToken, holder [20]byte) (*big.Int, error) {
	word, err := s.integer(field, token.account, token.key(holder))
	if err != nil {
		return nil, err
	}
	token.holders++
	if token.bits > 0 {
		if word.BitLen() > token.bits {
			token.flagged++
		}
		word = cut(word, 0, token.bits)
	}
	return token.value(field, word)
}

// flags says of how many holders bits stand above the balance; what they mean is not known here.
func (t *provenToken) flags() string {
	if t.flagged == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d holders have bits set above the lowest %d, which are the balance: what such flags say is not looked at", t.token, t.flagged, t.holders, t.bits)
}
