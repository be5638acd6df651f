// Package ledger reads what an exchange owes: SPEC part 7.
//
// A ledger is a list of entries (customer, asset, balance, class) from one or more CSV files, plain or compressed, from Parquet
// files, or from a query of a database:
//
//	customer,asset,balance            customer,BTC,USDT
//	carol@example.org,BTC,0.25        carol@example.org,0.25,1200
//	carol@example.org,USDT,1200       dave@example.org,,3.5
//	dave@example.org,USDT,3.5
//
// on the left the long form, on the right the wide form of the same ledger. [Scan] reads the entries, in integers of base units:
// nothing is rounded, nothing is dropped in silence. A row that is wrong stops the reading with a [RowError], which says where and
// what to do but never quotes a customer or a balance. What the operator chose to leave out is counted in [Counts], which become
// the [Summary] that the signed statement repeats once entries are folded by customer.
//
// [Synth] writes ledgers of any size for trials.
package ledger

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/assay-por/assay/merkle"
)

// Asset is one asset of the registry, by its place in registry order: its id and how many decimals its base unit has.
type Asset struct {
	ID       string
	Decimals uint8
	Debit    uint16 `json:",omitempty"` // the column of its debits (SPEC part 30), which comes after all assets; 0 if it has none
}

// What a rule of [Rules] may be (SPEC part 7).
const (
	RuleError    = "error"     // refuse the ledger
	RuleExclude  = "exclude"   // leave the entries out, and say so
	RuleSum      = "sum"       // add the entries, and say so
	RuleDebit    = "debit"     // take the entries as debits of a margin account (SPEC part 30)
	RuleWriteOff = "write-off" // leave a customer's debits out, and say so
)

// Rules say what to do with entries that a ledger should not have (SPEC part 7). An empty rule is "error".
type Rules struct {
	Negatives     string // "error" or "exclude", or "debit" where assets have debit columns
	Duplicates    string // "error" or "sum"
	UnknownAssets string // "error" or "exclude"
	Underwater    string `json:",omitempty"` // "error" or "write-off", empty without margin accounts; whoever folds the entries keeps to it
}

// checked returns r with the defaults filled in.
func (r Rules) checked() (Rules, error) {
	for _, rule := range []struct {
		name  string
		value *string
		may   []string
	}{
		{"negatives", &r.Negatives, []string{RuleError, RuleExclude, RuleDebit}},
		{"duplicates", &r.Duplicates, []string{RuleError, RuleSum}},
		{"unknown_assets", &r.UnknownAssets, []string{RuleError, RuleExclude}},
	} {
		*rule.value = cmp.Or(*rule.value, RuleError)
		if !slices.Contains(rule.may, *rule.value) {
			return r, fmt.Errorf("rule %s is %q, want one of %q", rule.name, *rule.value, rule.may)
		}
	}
	if r.Underwater != "" && r.Underwater != RuleError && r.Underwater != RuleWriteOff {
		return r, fmt.Errorf("rule underwater is %q, want %q or %q", r.Underwater, RuleError, RuleWriteOff)
	}
	return r, nil
}

// Source is one file of a ledger, or a query (SPEC part 7). The ending of a file's name says what it is: .csv, .csv.gz, .csv.zst
// or .parquet; what Open returns for the last is an io.ReaderAt and an io.Seeker too, as files are.
type Source struct {
	Name string
	Open func(ctx context.Context) (io.ReadCloser, error) // ctx is that of the reading too
	// Query says that Open gives the result of a query as CSV, and Name is no file's. Faults are told by the row of the result.
	Query bool
	Size  int64 // in bytes, compressed as it is; 0 if it is not known
	// Read, if not nil, is called when the source was read to its end. It returns what names the contents, if only reading tells, and
	// fails if the source changed meanwhile.
	Read func() (contents string, err error)
}

// RowError is the first fault of a ledger: where it stands and what to do. It holds neither a customer id nor a balance.
type RowError struct {
	File    string
	Line    int    // the first line of the row, from 1; 0 for a fault of the whole file, and where there are no lines
	Row     int64  // the row of a Parquet file or of a query's result, from 1; 0 for a fault of the whole source
	Group   int    // the row's row group in a Parquet file, from 1
	Column  string // the column's name; empty for a fault of the whole row
	Problem string
}

// Error returns "file:line: column name: problem"; where there are no lines, "file: row 7 (row group 1): column name: problem".
func (e *RowError) Error() string {
	where := e.File
	switch {
	case e.Line > 0:
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	case e.Row > 0:
		where = fmt.Sprintf("%s: row %d", e.File, e.Row)
	}
	if e.Group > 0 {
		where += fmt.Sprintf(" (row group %d)", e.Group)
	}
	if e.Column != "" {
		return fmt.Sprintf("%s: column %s: %s", where, e.Column, e.Problem)
	}
	return fmt.Sprintf("%s: %s", where, e.Problem)
}

// Entry is one entry of a customer.
type Entry struct {
	Asset  uint16 // index in the registry, or of a debit its column
	Class  string
	Amount merkle.Amount
}

// Sink takes what a scan reads.
type Sink interface {
	// Add takes entries of a customer, whose id is normalised as SPEC part 5 says. There may be none, and the customer may come again.
	// It keeps neither slice.
	Add(customer []byte, entries []Entry) error
}
