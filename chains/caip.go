package chains

import (
	"fmt"
	"strconv"
	"strings"
)

// The chain namespaces that SPEC part 2 knows.
const (
	EIP155 = "eip155" // chains with Ethereum's accounts
	BIP122 = "bip122" // chains with Bitcoin's blocks
	Tron   = "tron"
	Solana = "solana"
	XRPL   = "xrpl" // the XRP Ledger
)

// A Chain is a CAIP-2 name in canonical form, as `eip155:1` (SPEC part 2).
type Chain string

// Namespace returns what stands before the colon.
func (c Chain) Namespace() string {
	namespace, _, _ := strings.Cut(string(c), ":")
	return namespace
}

// Reference returns what stands after the colon.
func (c Chain) Reference() string {
	_, reference, _ := strings.Cut(string(c), ":")
	return reference
}

// ParseChain reads a CAIP-2 name; only the canonical spelling is taken (SPEC
// part 2).
func ParseChain(s string) (Chain, error) {
	namespace, reference, ok := strings.Cut(s, ":")
	switch {
	case ok && namespace == EIP155:
		if n, err := strconv.ParseUint(reference, 10, 64); err != nil || n == 0 || strconv.FormatUint(n, 10) != reference {
			return "", fmt.Errorf("chain %q: want eip155:<number>, the number from 1 and without leading zeros", clip(s))
		}
	case ok && namespace == BIP122:
		if !isHex(reference, 32) {
			return "", fmt.Errorf("chain %q: want bip122:<first 32 lower-case hex digits of the genesis block's id>", clip(s))
		}
	case ok && namespace == Tron:
		if digits, ok := strings.CutPrefix(reference, "0x"); !ok || !isHex(digits, 8) {
			return "", fmt.Errorf("chain %q: want tron:0x<last eight lower-case hex digits of the genesis block's id>", clip(s))
		}
	case ok && namespace == Solana:
		if !isBase58(reference) || len(reference) != 32 {
			return "", fmt.Errorf("chain %q: want solana:<first 32 base58 characters of the genesis hash>", clip(s))
		}
	case ok && namespace == XRPL:
		if n, err := strconv.ParseUint(reference, 10, 32); err != nil || strconv.FormatUint(n, 10) != reference {
			return "", fmt.Errorf("chain %q: want xrpl:<network number>, without leading zeros", clip(s))
		}
	default:
		return "", fmt.Errorf("chain %q: want eip155:<number>, bip122:<32 hex digits>, tron:0x<8 hex digits>, solana:<32 base58 characters> or xrpl:<number>", clip(s))
	}
	return Chain(s), nil
}

// An Account is a CAIP-10 name in canonical form: chain, colon, address (SPEC
// part 2).
type Account string

// Chain returns the chain that the account is of.
func (a Account) Chain() Chain {
	chain, _ := a.cut()
	return Chain(chain)
}

// Address returns the account's address on its chain.
func (a Account) Address() string {
	_, address := a.cut()
	return address
}

func (a Account) cut() (chain, address string) {
	i := strings.LastIndexByte(string(a), ':')
	if i < 0 {
		return string(a), ""
	}
	return string(a[:i]), string(a[i+1:])
}

// ParseAccount reads a CAIP-10 name; only the canonical spelling is taken
// (SPEC part 2). Whether the address's checksum holds, and whether it is of
// that network, its chain's adapter says.
func ParseAccount(s string) (Account, error) {
	a := Account(s)
	chain, address := a.cut()
	c, err := ParseChain(chain)
	if err != nil {
		return "", fmt.Errorf("account %q: %w", clip(s), err)
	}
	switch c.Namespace() {
	case EIP155:
		if !isEVMAddress(address) {
			return "", fmt.Errorf("account %q: want an address of 0x and 40 lower-case hex digits", clip(s))
		}
	case BIP122:
		if !isBase58(address) && !isLowerAlnum(address) {
			return "", fmt.Errorf("account %q: want one base58 address, or one bech32 address in lower case", clip(s))
		}
	default:
		if !isBase58(address) {
			return "", fmt.Errorf("account %q: want one base58 address", clip(s))
		}
	}
	return a, nil
}

// A Token is a CAIP-19 name in canonical form: chain, slash, and
// `slip44:<number>` for the native token, `staked:<number>` for what of it lies
// with validators, or the kind and address of what issues it: `erc20:`,
// `trc20:`, on Solana `token:` (SPEC part 2).
type Token string

// Chain returns the chain that the token lives on.
func (t Token) Chain() Chain {
	chain, _, _ := strings.Cut(string(t), "/")
	return Chain(chain)
}

// Native reports whether the token is the chain's own coin.
func (t Token) Native() bool {
	_, asset, _ := strings.Cut(string(t), "/")
	return strings.HasPrefix(asset, "slip44:")
}

// Staked reports whether the token is the chain's own coin, staked with
// validators.
func (t Token) Staked() bool {
	_, asset, _ := strings.Cut(string(t), "/")
	return strings.HasPrefix(asset, "staked:")
}

// Contract returns the address of the token's contract, on Solana of its mint;
// ok is false for the chain's own coin, staked or not.
func (t Token) Contract() (address string, ok bool) {
	_, asset, _ := strings.Cut(string(t), "/")
	kind, address, _ := strings.Cut(asset, ":")
	if kind == "slip44" || kind == "staked" {
		return "", false
	}
	return address, true
}

// ParseToken reads a CAIP-19 name; only the canonical spelling is taken (SPEC
// part 2).
func ParseToken(s string) (Token, error) {
	chain, asset, _ := strings.Cut(s, "/")
	c, err := ParseChain(chain)
	if err != nil {
		return "", fmt.Errorf("token %q: %w", clip(s), err)
	}
	kind, reference, _ := strings.Cut(asset, ":")
	switch {
	case kind == "slip44", kind == "staked" && c.Namespace() == EIP155:
		// SLIP-44 numbers are BIP-32 child numbers without their top bit.
		if n, err := strconv.ParseUint(reference, 10, 31); err == nil && strconv.FormatUint(n, 10) == reference {
			return Token(s), nil
		}
	case kind == "erc20" && c.Namespace() == EIP155:
		if isEVMAddress(reference) {
			return Token(s), nil
		}
	case kind == "trc20" && c.Namespace() == Tron, kind == "token" && c.Namespace() == Solana:
		if isBase58(reference) {
			return Token(s), nil
		}
	}
	return "", fmt.Errorf("token %q: want <chain>/slip44:<number>, on eip155 <chain>/erc20:0x<40 lower-case hex digits> or <chain>/staked:<number>, "+
		"on tron <chain>/trc20:<address>, or on solana <chain>/token:<mint>", clip(s))
}

func isEVMAddress(s string) bool {
	digits, ok := strings.CutPrefix(s, "0x")
	return ok && isHex(digits, 40)
}

func isHex(s string, length int) bool {
	return len(s) == length && isAll(s, "0123456789abcdef")
}

// maxAddress is CAIP-10's bound on an address.
const maxAddress = 128

func isBase58(s string) bool {
	return s != "" && len(s) <= maxAddress && isAll(s, "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
}

func isLowerAlnum(s string) bool {
	return s != "" && len(s) <= maxAddress && isAll(s, "0123456789abcdefghijklmnopqrstuvwxyz")
}

func isAll(s, alphabet string) bool {
	return strings.Trim(s, alphabet) == ""
}

// clip keeps a hostile text from filling an error message.
func clip(s string) string {
	const most = 140
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
