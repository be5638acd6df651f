package xrpl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// epoch is when the ledger's clock began, 2000-01-01, in Unix time.
const epoch = 946684800

// A failure is how a result tells that it is none.
type failure struct {
	Name    string `json:"error"`
	Message string `json:"error_message"`
}

// parseInfo reads a node's network number.
func parseInfo(result json.RawMessage) (network uint32, failed failure, err error) {
	var answer struct {
		failure
		Info *struct {
			Network uint32 `json:"network_id"`
		} `json:"info"`
	}
	if json.Unmarshal(result, &answer) != nil {
		return 0, failed, errMalformed
	}
	if answer.Name != "" {
		return 0, answer.failure, nil
	}
	if answer.Info == nil {
		return 0, failed, errors.New("it holds no info")
	}
	return answer.Info.Network, failed, nil
}

// named is how a result names the ledger that it speaks of.
type named struct {
	Hash      string  `json:"ledger_hash"`
	Index     *uint64 `json:"ledger_index"`
	Validated bool    `json:"validated"`
}

// parseLedger reads a validated ledger's header. The chain is left to the
// caller.
func parseLedger(result json.RawMessage) (block chains.BlockRef, failed failure, err error) {
	var answer struct {
		failure
		named
		Ledger *struct {
			Closed bool    `json:"closed"`
			Hash   string  `json:"ledger_hash"`
			Time   *uint32 `json:"close_time"`
		} `json:"ledger"`
	}
	if json.Unmarshal(result, &answer) != nil {
		return block, failed, errMalformed
	}
	if answer.Name != "" {
		return block, answer.failure, nil
	}
	l := answer.Ledger
	switch {
	case l == nil || l.Time == nil || answer.Index == nil || !isHash(answer.Hash):
		return block, failed, errors.New("a ledger needs number, hash and close time")
	case !answer.Validated || !l.Closed:
		return block, failed, fmt.Errorf("ledger %d is not validated", *answer.Index)
	case l.Hash != "" && l.Hash != answer.Hash:
		return block, failed, fmt.Errorf("ledger %d has two hashes", *answer.Index)
	}
	return chains.BlockRef{Hash: answer.Hash, Number: *answer.Index, Time: time.Unix(epoch+int64(*l.Time), 0).UTC()}, failed, nil
}

func isHash(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789ABCDEF") == ""
}

// parseAccount reads the drops that an account held at the pinned ledger. The
// answer must name that ledger, also where it says that the account is not in
// it.
func parseAccount(result json.RawMessage, address string, pinned chains.BlockRef) (amount *uint256.Int, failed failure, err error) {
	var answer struct {
		failure
		named
		Account string `json:"account"`
		Data    *struct {
			Account string `json:"Account"`
			Balance string `json:"Balance"`
		} `json:"account_data"`
		Request struct {
			Account string `json:"account"`
			Hash    string `json:"ledger_hash"`
		} `json:"request"`
	}
	if json.Unmarshal(result, &answer) != nil {
		return nil, failed, errMalformed
	}
	if answer.Name == "actNotFound" {
		// Clio names the ledger only by the question that it repeats.
		if answer.Hash == "" && answer.Request.Hash == pinned.Hash && answer.Request.Account == address {
			return new(uint256.Int), failed, nil
		}
		if answer.Account != "" && answer.Account != address {
			return nil, failed, fmt.Errorf("it is about %q", clipped(answer.Account))
		}
		if err := answer.check(pinned); err != nil {
			return nil, failed, fmt.Errorf("it knows no such account, and %w", err)
		}
		return new(uint256.Int), failed, nil
	}
	if answer.Name != "" {
		return nil, answer.failure, nil
	}
	if err := answer.check(pinned); err != nil {
		return nil, failed, err
	}
	if answer.Data == nil || answer.Data.Account != address {
		return nil, failed, errors.New("it is about another account, or none")
	}
	amount, err = uint256.FromDecimal(answer.Data.Balance)
	if err != nil || !amount.IsUint64() || amount.Dec() != answer.Data.Balance {
		return nil, failed, fmt.Errorf("%q is no number of drops", clipped(answer.Data.Balance))
	}
	return amount, failed, nil
}

// check refuses an answer that speaks of another ledger than the pinned one.
func (n named) check(pinned chains.BlockRef) error {
	if n.Hash != pinned.Hash || n.Index == nil || *n.Index != pinned.Number || !n.Validated {
		return fmt.Errorf("names ledger %q, which is not the pinned ledger %d %s, or not validated", clipped(n.Hash), pinned.Number, pinned.Hash)
	}
	return nil
}
