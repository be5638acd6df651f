package solana

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holiman/uint256"
)

// The programs whose accounts hold tokens.
const (
	programToken     = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA" //nolint:gosec // a public address
	programToken2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb" //nolint:gosec // a public address
)

// A block is what is read of a block's JSON.
type block struct {
	hash, previous string
	parent         uint64
	time           time.Time
}

// parseHash reads a base58 text of 32 bytes.
func parseHash(result json.RawMessage) (string, error) {
	var text string
	if err := json.Unmarshal(result, &text); err != nil {
		return "", errors.New("want a hash")
	}
	if err := check32(text); err != nil {
		return "", err
	}
	const reference = 32 // characters of it name the chain
	if len(text) < reference {
		return "", fmt.Errorf("hash %s is too short to name a chain", text)
	}
	return text, nil
}

// parseBlock reads a block's JSON; ok is false for null, and for a block whose
// time the node no longer has.
func parseBlock(result json.RawMessage, slot uint64) (b block, ok bool, err error) {
	var answer *struct {
		Hash     string  `json:"blockhash"`
		Previous string  `json:"previousBlockhash"`
		Parent   *uint64 `json:"parentSlot"`
		Time     *int64  `json:"blockTime"`
	}
	if err := json.Unmarshal(result, &answer); err != nil {
		return b, false, errors.New("want a block")
	}
	if answer == nil {
		return b, false, nil
	}
	if err := check32(answer.Hash); err != nil {
		return b, false, fmt.Errorf("blockhash: %w", err)
	}
	if answer.Parent == nil || *answer.Parent >= slot && slot > 0 {
		return b, false, fmt.Errorf("the block of slot %d has no parent before it", slot)
	}
	if answer.Time == nil {
		return b, false, nil
	}
	b = block{hash: answer.Hash, previous: answer.Previous, parent: *answer.Parent}
	b.time, err = unix(*answer.Time)
	return b, err == nil, err
}

// parseFirstSlot reads the first slot of a list; want is where it begins at the
// earliest.
func parseFirstSlot(result json.RawMessage, want uint64) (uint64, error) {
	var slots []uint64
	if err := json.Unmarshal(result, &slots); err != nil {
		return 0, errors.New("want a list of slots")
	}
	if len(slots) != 1 || slots[0] < want {
		return 0, fmt.Errorf("want one slot from %d on, got %d", want, len(slots))
	}
	return slots[0], nil
}

// parseTime reads a block's time; ok is false for null.
func parseTime(result json.RawMessage) (at time.Time, ok bool, err error) {
	var seconds *int64
	if err := json.Unmarshal(result, &seconds); err != nil {
		return at, false, errors.New("want a time in seconds")
	}
	if seconds == nil {
		return at, false, nil
	}
	at, err = unix(*seconds)
	return at, err == nil, err
}

func unix(seconds int64) (time.Time, error) {
	const latest = 253402300799 // the last second of the year 9999
	if seconds < 0 || seconds > latest {
		return time.Time{}, fmt.Errorf("time %d is out of range", seconds)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// inContext is an answer about accounts, and the slot that it speaks of.
type inContext[T any] struct {
	Context struct {
		Slot *uint64 `json:"slot"`
	} `json:"context"`
	Value *[]T `json:"value"`
}

func parseInContext[T any](result json.RawMessage) (value []T, slot uint64, err error) {
	var answer inContext[T]
	if err := json.Unmarshal(result, &answer); err != nil {
		return nil, 0, errors.New("want a context and a list")
	}
	if answer.Context.Slot == nil || answer.Value == nil {
		return nil, 0, errors.New("it names no slot, or holds no list")
	}
	return *answer.Value, *answer.Context.Slot, nil
}

// parseLamports reads what each of a number of accounts holds. null is an
// account that does not exist; a missing number is not 0.
func parseLamports(result json.RawMessage, count int) (amounts []*uint256.Int, slot uint64, err error) {
	type account struct {
		Lamports *uint64 `json:"lamports"`
	}
	value, slot, err := parseInContext[*account](result)
	if err != nil {
		return nil, 0, err
	}
	if len(value) != count {
		return nil, 0, fmt.Errorf("got %d accounts, want %d", len(value), count)
	}
	for i, a := range value {
		switch {
		case a == nil:
			amounts = append(amounts, new(uint256.Int))
		case a.Lamports == nil:
			return nil, 0, fmt.Errorf("account #%d has no lamports", i+1)
		default:
			amounts = append(amounts, uint256.NewInt(*a.Lamports))
		}
	}
	return amounts, slot, nil
}

// A tokenAccount is what is read of one account of a token.
type tokenAccount struct {
	Pubkey  string `json:"pubkey"`
	Account struct {
		Owner string `json:"owner"` // the program
		Data  struct {
			Parsed struct {
				Type string `json:"type"`
				Info struct {
					Mint   string `json:"mint"`
					Owner  string `json:"owner"`
					Amount struct {
						Amount string `json:"amount"`
					} `json:"tokenAmount"`
				} `json:"info"`
			} `json:"parsed"`
		} `json:"data"`
	} `json:"account"`
}

// parseTokens adds up an owner's accounts of one mint. Every account must be a
// token account of that owner and mint, and none may be listed twice.
func parseTokens(result json.RawMessage, owner, mint string) (*uint256.Int, uint64, error) {
	accounts, slot, err := parseInContext[tokenAccount](result)
	if err != nil {
		return nil, 0, err
	}
	sum := new(uint256.Int)
	seen := map[string]bool{}
	for i, a := range accounts {
		info := a.Account.Data.Parsed.Info
		switch {
		case a.Account.Owner != programToken && a.Account.Owner != programToken2022, a.Account.Data.Parsed.Type != "account":
			return nil, 0, fmt.Errorf("entry #%d is no token account", i+1)
		case info.Mint != mint || info.Owner != owner:
			return nil, 0, fmt.Errorf("token account #%d is of another owner or mint than asked for", i+1)
		case a.Pubkey == "" || seen[a.Pubkey]:
			return nil, 0, fmt.Errorf("token account #%d has no address, or is listed twice", i+1)
		}
		seen[a.Pubkey] = true
		amount, err := parseAmount(info.Amount.Amount)
		if err != nil {
			return nil, 0, fmt.Errorf("token account #%d: %w", i+1, err)
		}
		if _, over := sum.AddOverflow(sum, amount); over {
			return nil, 0, errors.New("the sum of its token accounts is too large")
		}
	}
	return sum, slot, nil
}

// parseAmount reads an amount of tokens, which are 64-bit numbers in text.
func parseAmount(text string) (*uint256.Int, error) {
	amount, err := uint256.FromDecimal(text)
	if err != nil || !amount.IsUint64() || amount.Dec() != text {
		return nil, fmt.Errorf("%q is no amount of tokens", clipped(text))
	}
	return amount, nil
}
