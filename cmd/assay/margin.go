package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/report"
)

// MarginConfig says what margin accounts are measured by.
type MarginConfig struct {
	Currency   string `toml:"currency"`
	Source     string `toml:"source"`
	Prices     string `toml:"prices"`
	Underwater string `toml:"underwater"`
}

// maxPrices bounds the file of prices, of which a line has some 120 bytes at most.
const maxPrices = 1 << 20

// checkMargin refuses what does not belong together, and puts in what is left out.
func (c *Config) checkMargin() error {
	m := c.Margin
	if m == nil {
		if c.Ledger.Negatives == ledger.RuleDebit {
			return errors.New(`ledger.negatives: "debit" is for margin accounts: give their prices under [margin]`)
		}
		return nil
	}
	if m.Underwater == "" {
		m.Underwater = ledger.RuleError
	}
	switch {
	case m.Currency == "":
		return errors.New("margin.currency is empty: say in what prices are, such as USD")
	case m.Source == "":
		return errors.New("margin.source is empty: say whose prices these are")
	case m.Prices == "":
		return errors.New("margin.prices is empty: name the file with the prices")
	case m.Underwater != ledger.RuleError && m.Underwater != ledger.RuleWriteOff:
		return fmt.Errorf("margin.underwater: got %q, want %q or %q", m.Underwater, ledger.RuleError, ledger.RuleWriteOff)
	}
	return nil
}

// withMargin returns a snapshot with the prices of the configuration, as their file has them now; without margin accounts the same.
func (c *Config) withMargin(snap report.Snapshot) (report.Snapshot, error) {
	if c.Margin == nil {
		return snap, nil
	}
	prices, lines, err := c.readPrices(snap.AssetIDs())
	if err != nil {
		return snap, err
	}
	priced, err := snap.WithMargin(report.Margin{Currency: c.Margin.Currency, Source: c.Margin.Source, Prices: prices})
	var bad *merkle.PriceError
	if errors.As(err, &bad) {
		return snap, unreadable("%s:%d: the price %s", c.resolve(c.Margin.Prices), lines[bad.Price], bad.Problem)
	}
	if err != nil {
		return snap, unreadable("%s: %v", c.path, err)
	}
	return priced, nil
}

// sameMargin returns a snapshot with another one's prices: those stay, whatever their file says by now.
func (c *Config) sameMargin(snap, taken report.Snapshot) (report.Snapshot, error) {
	if c.Margin == nil || taken.Margin == nil {
		return snap, nil
	}
	return snap.WithMargin(report.Margin{Currency: c.Margin.Currency, Source: c.Margin.Source, Prices: taken.Margin.Prices})
}

// readPrices reads the file of prices: a header asset,price,weight, and a line for each asset that is a collateral or may be owed. It returns
// them in registry order, and the line of each.
func (c *Config) readPrices(assets []string) (all []report.Price, lines []int, err error) {
	path := c.resolve(c.Margin.Prices)
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, unreadable("margin.prices: %v", err)
	}
	defer f.Close()
	in := csv.NewReader(io.LimitReader(f, maxPrices))
	in.FieldsPerRecord = -1
	head, err := in.Read()
	if err != nil || strings.TrimPrefix(strings.Join(head, ","), "\ufeff") != "asset,price,weight" {
		return nil, nil, unreadable("%s:1: want the header asset,price,weight", path)
	}
	found, at := map[string]report.Price{}, map[string]int{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return nil, nil, unreadable("%s:%d: %v", path, bad.StartLine, bad.Err)
		}
		if err != nil {
			return nil, nil, unreadable("%s: %v", path, err)
		}
		line, _ := in.FieldPos(0)
		p, problem := readPrice(row, assets)
		if before, twice := at[p.Asset]; problem == "" && twice {
			problem = fmt.Sprintf("%s stands in line %d already", p.Asset, before)
		}
		if problem != "" {
			return nil, nil, unreadable("%s:%d: %s", path, line, problem)
		}
		found[p.Asset], at[p.Asset] = p, line
	}
	for _, id := range assets {
		if p, is := found[id]; is {
			all, lines = append(all, p), append(lines, at[id])
		}
	}
	if len(all) == 0 {
		return nil, nil, unreadable("%s: has no prices: give those of the assets that are a collateral or may be owed", path)
	}
	return all, lines, nil
}

// readPrice reads a line of the file of prices.
func readPrice(row, assets []string) (p report.Price, problem string) {
	if len(row) != 3 {
		return p, fmt.Sprintf("has %d fields, want asset, price and weight", len(row))
	}
	if !slices.Contains(assets, row[0]) {
		return p, fmt.Sprintf("%q is no [[asset]] of the configuration", clipped(row[0]))
	}
	weight, err := strconv.ParseUint(row[2], 10, 8)
	if err != nil || weight > 100 {
		return p, fmt.Sprintf("the weight is %q, want 0 to 100: how many percent of a credit count as collateral", clipped(row[2]))
	}
	return report.Price{Asset: row[0], Price: trimZeros(row[1]), Weight: uint8(weight)}, ""
}

// trimZeros takes away zeros that say nothing: 01.50 is 1.5.
func trimZeros(price string) string {
	if whole, part, dotted := strings.Cut(price, "."); dotted && part != "" && strings.Trim(part, "0123456789") == "" {
		price = whole
		if part = strings.TrimRight(part, "0"); part != "" {
			price += "." + part
		}
	}
	for len(price) > 1 && price[0] == '0' && '0' <= price[1] && price[1] <= '9' {
		price = price[1:]
	}
	return price
}

// clipped keeps a field from filling an error.
func clipped(s string) string { return s[:min(len(s), 64)] }

// underwaterFile is a list of customers under water for the operator alone, whole or not there.
type underwaterFile struct {
	file *renameio.PendingFile
	buf  *bufio.Writer
	csv  *csv.Writer
	n    int
}

// newUnderwaterFile begins the list.
func newUnderwaterFile(path string) (*underwaterFile, error) {
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o600))
	if err != nil {
		return nil, unreadable("--underwater: %v", err)
	}
	u := &underwaterFile{file: f, buf: bufio.NewWriter(f)}
	u.csv = csv.NewWriter(u.buf)
	return u, u.csv.Write([]string{"customer"})
}

func (u *underwaterFile) add(customer []byte) error {
	u.n++
	return u.csv.Write([]string{string(customer)})
}

// commit puts the list in its place.
func (u *underwaterFile) commit() error {
	u.csv.Flush()
	if err := errors.Join(u.csv.Error(), u.buf.Flush()); err != nil {
		return unreadable("--underwater: %v", err)
	}
	if err := u.file.CloseAtomicallyReplace(); err != nil {
		return unreadable("--underwater: %v", err)
	}
	return nil
}
