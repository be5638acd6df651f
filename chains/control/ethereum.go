package control

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/assay-por/assay/chains"
)

// verifyEthereum checks the signature of a key that is the account, or of the
// owners of a contract wallet, or takes that nodes answered for one.
func verifyEthereum(account chains.Account, text, signature string, facts Facts) (Signature, error) {
	if len(facts.Nodes) > 0 {
		return verifyContract(signature, facts.Nodes)
	}
	if owners, ok := facts.Owners[account]; ok {
		return verifySafe(owners, text, signature)
	}
	sig, err := parseRSV(signature)
	if err != nil {
		return Signature{}, err
	}
	ways := []way{{EIP191, eip191Digest(ethereumWords, text)}, {EIP712, eip712Digest(text)}, {EIP191Hash, hashedDigest(ethereumWords, text)}}
	return sig.recover(ways, account.Address(), ethereumAddress)
}

// A way is a method and what it signs.
type way struct {
	method string
	digest []byte
}

// rsv is r ‖ s ‖ v, v 0 or 1.
type rsv [65]byte

// parseRSV reads r ‖ s ‖ v in hex, v as 27 or 28, or as 0 or 1 as some wallets
// write it.
func parseRSV(signature string) (rsv, error) {
	var sig rsv
	raw, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil || len(raw) != len(sig) {
		return sig, errors.New("signature: want 0x and 130 hex digits, as personal_sign gives them")
	}
	copy(sig[:], raw)
	if sig[64] >= 27 {
		sig[64] -= 27
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	if !crypto.ValidateSignatureValues(sig[64], r, s, true) {
		return sig, errors.New("signature: r, s or v is out of range (s must lie in the lower half)")
	}
	return sig, nil
}

// String is the one spelling of SPEC part 14.
func (sig rsv) String() string {
	sig[64] += 27
	return "0x" + hex.EncodeToString(sig[:])
}

// signer recovers the address of the key that signed a digest.
func (sig rsv) signer(digest []byte) (common.Address, error) {
	key, err := crypto.SigToPub(digest, sig[:])
	if err != nil {
		return common.Address{}, fmt.Errorf("signature: no key is recovered from it: %w", err)
	}
	return crypto.PubkeyToAddress(*key), nil
}

// recover returns the first way by which the signature is of the address.
func (sig rsv) recover(ways []way, address string, spell func(common.Address) string) (Signature, error) {
	var got []string
	for _, w := range ways {
		signer, err := sig.signer(w.digest)
		if err != nil {
			return Signature{}, err
		}
		if spell(signer) == address {
			return Signature{Method: w.method, Signature: sig.String(), Grade: chains.Bound}, nil
		}
		got = append(got, spell(signer)+" as "+w.method)
	}
	return Signature{}, fmt.Errorf("signature is not this account's over this text: it recovers to %s", strings.Join(got, ", "))
}

func ethereumAddress(a common.Address) string { return strings.ToLower(a.Hex()) }

// What wallets hash before a signed message.
const (
	ethereumWords = "\x19Ethereum Signed Message:\n"
	tronWords     = "\x19TRON Signed Message:\n"
)

// eip191Digest is what personal_sign signs, and Tron's wallets with other
// words.
func eip191Digest(words, text string) []byte {
	return crypto.Keccak256([]byte(words + strconv.Itoa(len(text)) + text))
}

// hashedDigest is the same over the text's hash.
func hashedDigest(words, text string) []byte {
	return crypto.Keccak256([]byte(words+"32"), crypto.Keccak256([]byte(text)))
}

// ContractDigest is the hash that a contract wallet is asked about, by
// `isValidSignature` (SPEC part 14, method eip1271).
func ContractDigest(text string) [32]byte { return [32]byte(eip191Digest(ethereumWords, text)) }

// The typed data of SPEC part 14, method eip712.
const (
	domainType  = "EIP712Domain(string name,string version)"
	controlType = "Control(string challenge)"
	domainName  = "Assay"
	domainMajor = "1"
)

func eip712Digest(text string) []byte {
	hash := func(s string) []byte { return crypto.Keccak256([]byte(s)) }
	domain := crypto.Keccak256(hash(domainType), hash(domainName), hash(domainMajor))
	return crypto.Keccak256([]byte{0x19, 0x01}, domain, crypto.Keccak256(hash(controlType), hash(text)))
}

// TypedData returns the challenge as the JSON that wallets take by
// eth_signTypedData_v4 (SPEC part 14, method eip712).
func TypedData(text string) ([]byte, error) {
	type field struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(map[string]any{
		"types": map[string][]field{
			"EIP712Domain": {{"name", "string"}, {"version", "string"}},
			"Control":      {{"challenge", "string"}},
		},
		"primaryType": "Control",
		"domain":      map[string]string{"name": domainName, "version": domainMajor},
		"message":     map[string]string{"challenge": text},
	})
	return b.Bytes(), err
}

const (
	maxOwners   = 64     // signatures of a Safe, SPEC part 14
	maxContract = 16_384 // bytes for a contract, SPEC part 14
	maxNodes    = 16     // SPEC part 14
	maxLabel    = 64     // of a node, SPEC part 13
)

// verifySafe takes the owners' signatures in any order, joined or one a line,
// and sorts them by owner.
func verifySafe(owners chains.Owners, text, signature string) (Signature, error) {
	sigs, err := splitRSV(signature)
	if err != nil {
		return Signature{}, err
	}
	digest := eip191Digest(ethereumWords, text)
	by := map[common.Address]rsv{}
	for i, sig := range sigs {
		signer, err := sig.signer(digest)
		if err != nil {
			return Signature{}, err
		}
		if !slices.Contains(owners.Addresses, ethereumAddress(signer)) {
			return Signature{}, fmt.Errorf("signature %d of %d is of %s over this text, who is no owner of the Safe", i+1, len(sigs), ethereumAddress(signer))
		}
		if _, ok := by[signer]; ok {
			return Signature{}, fmt.Errorf("signature %d of %d: the owner %s signed twice", i+1, len(sigs), ethereumAddress(signer))
		}
		by[signer] = sig
	}
	if uint64(len(by)) < owners.Threshold {
		return Signature{}, fmt.Errorf("signatures of %d owners, the Safe asks for %d of its %d: give the missing ones too", len(by), owners.Threshold, len(owners.Addresses))
	}
	signers := make([]common.Address, 0, len(by))
	for signer := range by {
		signers = append(signers, signer)
	}
	slices.SortFunc(signers, common.Address.Cmp)
	joined := "0x"
	for _, signer := range signers {
		joined += strings.TrimPrefix(by[signer].String(), "0x")
	}
	return Signature{Method: Safe, Signature: joined, Grade: chains.OwnerProved}, nil
}

func splitRSV(signature string) ([]rsv, error) {
	const digits = 2 * len(rsv{})
	var sigs []rsv
	for _, part := range strings.FieldsFunc(signature, separates) {
		part = strings.TrimPrefix(part, "0x")
		for len(part) > digits && len(part)%digits == 0 && len(sigs) <= maxOwners {
			sig, err := parseRSV(part[:digits])
			if err != nil {
				return nil, err
			}
			sigs, part = append(sigs, sig), part[digits:]
		}
		sig, err := parseRSV(part)
		if err != nil {
			return nil, err
		}
		sigs = append(sigs, sig)
	}
	if len(sigs) == 0 || len(sigs) > maxOwners {
		return nil, fmt.Errorf("signature: a Safe takes the signatures of 1 to %d owners, got %d", maxOwners, len(sigs))
	}
	return sigs, nil
}

// separates says what may stand between several signatures.
func separates(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// verifyContract checks the form alone: what is said of the signature is the
// nodes' word.
func verifyContract(signature string, nodes []string) (Signature, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil || len(raw) > maxContract {
		return Signature{}, fmt.Errorf("signature: want 0x and hex digits of at most %d bytes", maxContract)
	}
	nodes = slices.Compact(slices.Sorted(slices.Values(nodes)))
	if len(nodes) > maxNodes {
		return Signature{}, fmt.Errorf("%d nodes answered for the contract, name at most %d", len(nodes), maxNodes)
	}
	for _, n := range nodes {
		if n == "" || len(n) > maxLabel || strings.IndexFunc(n, func(r rune) bool { return r < 0x20 || r > 0x7e }) >= 0 {
			return Signature{}, fmt.Errorf("node %q: want a label of 1 to %d printable ASCII characters", n, maxLabel)
		}
	}
	return Signature{Method: EIP1271, Nodes: nodes, Signature: "0x" + hex.EncodeToString(raw), Grade: chains.ContractAttested}, nil
}
