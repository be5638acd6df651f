// Package lists reads lists of addresses that an exchange has published
// with signatures over texts of its own, and checks those signatures.
//
// The one form that is known is OKX's: a CSV file, of totals, an empty line,
// and addresses,
//
//	coin,Network,Snapshot Height,address,amount,message,signature1,signature2,redeem script/public key,eoa1,eoa2
//
// or, since 2025, of addresses alone,
//
//	digitalAsset,network,address,signedMessage,signedMessage2,message,publicKey,owner1,owner2
//
// A text such as "I am an OKX address" binds nothing: whoever has the list can
// show it again for ever. So the best that a row reaches is the control grade
// static (SPEC part 14), and of amounts nothing is shown at all.
package lists

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Row is one line of a list of addresses (SPEC part 14).
type Row struct {
	Number     int // of the line in the file, from 1
	Coin       string
	Network    string
	Type       string // of staking; empty where the list has none
	Address    string
	Message    string
	Signatures [2]string
	Key        string // public key, or script of a multisig address
	Owners     [2]string

	columns columns
}

// columns are the list's own names of its cells, by their order.
type columns []string

// The layouts that were published, their names in lower case without blanks.
var (
	totals  = columns{"coin", "snapshotheight", "amount"}
	layouts = []columns{
		{"coin", "network", "snapshotheight", "address", "amount", "message", "signature1", "signature2", "redeemscript/publickey", "eoa1", "eoa2"},
		{"coin", "type", "network", "snapshotheight", "address", "amount", "message", "signature1", "signature2", "redeemscript/publickey", "eoa1", "eoa2"},
		{"digitalasset", "network", "address", "signedmessage", "signedmessage2", "message", "publickey", "owner1", "owner2"},
	}
)

// needed is how many cells a row must have: published lists leave out empty
// ones at the end, but not before the first signature.
func (c columns) needed() int {
	return max(slices.Index(c, "signature1"), slices.Index(c, "message")) + 1
}

const (
	maxLine = 64 << 10
	maxRows = 1 << 20
)

// ReadOKX reads a list of OKX's form, strictly: an error names line and
// column. No signature is checked (SPEC part 14).
func ReadOKX(r io.Reader) ([]Row, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	l := list{seen: map[string]int{}}
	n := 0
	for lines.Scan() {
		n++
		line := strings.TrimSuffix(lines.Text(), "\r")
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if at := strings.IndexFunc(line, func(r rune) bool { return r < 0x20 || r > 0x7e }); at >= 0 {
			return nil, fmt.Errorf("line %d, byte %d: want printable ASCII only, look-alikes of letters are refused", n, at+1)
		}
		if err := l.add(n, line); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	if l.header == nil {
		return nil, fmt.Errorf("line %d: the file ends before the column names of a list of addresses", n+1)
	}
	return l.rows, nil
}

// A list is what was read so far.
type list struct {
	inTotals bool
	header   columns // once it was met
	seen     map[string]int
	rows     []Row
}

func (l *list) add(n int, line string) error {
	cells := split(line)
	switch {
	case strings.Trim(line, ", ") == "":
		l.inTotals = false
		return nil
	case l.header != nil:
		return l.addRow(n, cells)
	case l.inTotals:
		return checkTotal(n, cells)
	}
	names := named(cells)
	if n == 1 && slices.Equal(names, totals) {
		l.inTotals = true
		return nil
	}
	at := slices.IndexFunc(layouts, func(l columns) bool { return slices.Equal(l, names) })
	if at < 0 {
		return fmt.Errorf("line %d: its column names are none that OKX has published: %q", n, clip(line))
	}
	l.header = layouts[at]
	return nil
}

func (l *list) addRow(n int, cells []string) error {
	row, err := l.header.row(n, cells)
	if err != nil {
		return err
	}
	same := strings.Join([]string{row.Coin, row.Network, row.Type, strings.ToLower(row.Address)}, ",")
	if first, ok := l.seen[same]; ok {
		return fmt.Errorf("line %d, column %s: %s is listed before, on line %d", n, l.header.name("address"), row.Address, first)
	}
	l.seen[same] = n
	if l.rows = append(l.rows, row); len(l.rows) > maxRows {
		return fmt.Errorf("line %d: more than %d rows", n, maxRows)
	}
	return nil
}

// split parts a line at its commas; one inside braces belongs to the cell, as
// some chains' signatures are JSON. There are no quotes.
func split(line string) []string {
	var cells []string
	depth, start := 0, 0
	for i, r := range line {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth <= 0 {
				cells, start = append(cells, line[start:i]), i+1
			}
		}
	}
	return append(cells, line[start:])
}

func named(cells []string) columns {
	names := make(columns, len(cells))
	for i, c := range cells {
		names[i] = strings.ToLower(strings.ReplaceAll(c, " ", ""))
	}
	return names
}

// row reads one address with its signatures.
func (c columns) row(n int, cells []string) (Row, error) {
	if len(cells) < c.needed() || len(cells) > len(c) {
		return Row{}, fmt.Errorf("line %d: it has %d cells, want %d to %d", n, len(cells), c.needed(), len(c))
	}
	cell := func(names ...string) string {
		for _, name := range names {
			if i := slices.Index(c, name); i >= 0 && i < len(cells) && cells[i] != "null" {
				return cells[i]
			}
		}
		return ""
	}
	row := Row{
		Number: n, Coin: cell("coin", "digitalasset"), Network: cell("network"), Type: cell("type"), Address: cell("address"), Message: cell("message"),
		Signatures: [2]string{cell("signature1", "signedmessage"), cell("signature2", "signedmessage2")},
		Key:        cell("redeemscript/publickey", "publickey"), Owners: [2]string{cell("eoa1", "owner1"), cell("eoa2", "owner2")}, columns: c,
	}
	for name, value := range map[string]string{"coin": row.Coin, "network": row.Network, "address": row.Address, "message": row.Message, "signature1": row.Signatures[0]} {
		if value == "" {
			return Row{}, fmt.Errorf("line %d, column %s: it is empty", n, c.name(name))
		}
	}
	for _, name := range []string{"snapshotheight", "amount"} {
		if i := slices.Index(c, name); i >= 0 {
			if err := checkNumber(n, name, cells[i]); err != nil {
				return Row{}, err
			}
		}
	}
	return row, nil
}

// name is what the list calls a column of the first layout.
func (c columns) name(column string) string {
	if slices.Contains(c, column) {
		return column
	}
	return map[string]string{
		"coin": "digitalasset", "signature1": "signedmessage", "signature2": "signedmessage2",
		"redeemscript/publickey": "publickey", "eoa1": "owner1", "eoa2": "owner2",
	}[column]
}

func checkTotal(n int, cells []string) error {
	if len(cells) != len(totals) {
		return fmt.Errorf("line %d: it has %d cells, want %d", n, len(cells), len(totals))
	}
	for i, name := range totals[1:] {
		if err := checkNumber(n, name, cells[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// checkNumber takes a decimal, with the blanks that published lists have in
// them; a height may be a dash.
func checkNumber(n int, column, cell string) error {
	digits := strings.ReplaceAll(cell, " ", "")
	if digits == "-" && column == "snapshotheight" {
		return nil
	}
	whole, part, dotted := strings.Cut(digits, ".")
	if whole == "" || dotted && (part == "" || column == "snapshotheight") || strings.Trim(whole+part, "0123456789") != "" {
		return fmt.Errorf("line %d, column %s: %q is no number", n, column, clip(cell))
	}
	return nil
}

// clip keeps a hostile text from filling an error message.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
