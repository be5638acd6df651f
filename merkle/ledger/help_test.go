package ledger

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/assay-por/assay/merkle"
)

// book is a whole ledger in memory, folded by customer the simple way.
type book struct {
	ids     []string // in order of first occurrence, where one goroutine read
	sums    map[string]merkle.Plain
	summary Summary
}

func (b *book) Len() int                    { return len(b.ids) }
func (b *book) Customer(i int) string       { return b.ids[i] }
func (b *book) Summary() Summary            { return b.summary }
func (b *book) Balances(i int) merkle.Plain { return b.sums[b.ids[i]] }

// shelf is a sink that keeps everything.
type shelf struct {
	mu      sync.Mutex
	ids     []string
	entries map[string][]Entry
}

func (s *shelf) Add(customer []byte, entries []Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.entries[string(customer)]; !known {
		s.ids = append(s.ids, string(customer))
	}
	s.entries[string(customer)] = append(s.entries[string(customer)], entries...)
	return nil
}

// readOn scans with so many goroutines, and folds.
func readOn(ctx context.Context, goroutines int, sources []Source, assets []Asset, rules Rules, progress func(int64)) (*book, error) {
	s := &shelf{entries: map[string][]Entry{}}
	var sinks []Sink
	for range goroutines {
		sinks = append(sinks, s)
	}
	counts, err := Scan(ctx, sources, assets, rules, sinks, progress)
	if err != nil {
		return nil, err
	}
	if len(s.ids) == 0 {
		return nil, Empty(sources)
	}
	b := &book{ids: s.ids, sums: map[string]merkle.Plain{}}
	folded := Folded{Customers: uint64(len(s.ids)), ClassCustomers: map[string]uint64{}}
	for _, id := range s.ids {
		entries := s.entries[id]
		folded.Entries += uint64(len(entries))
		slices.SortFunc(entries, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Class, b.Class)) })
		classes := map[string]bool{}
		var sum merkle.Plain
		for i, e := range entries {
			if i > 0 && entries[i-1].Asset == e.Asset && entries[i-1].Class == e.Class {
				if rules.Duplicates != RuleSum {
					return nil, Locate(ctx, sources, assets, rules, id)
				}
				folded.Duplicates++
			}
			classes[e.Class] = true
			if !e.Amount.IsZero() {
				if sum, err = sum.Add(merkle.Plain{{Asset: e.Asset, Amount: e.Amount}}); err != nil {
					return nil, err
				}
			}
		}
		for class := range classes {
			folded.ClassCustomers[class]++
		}
		b.sums[id] = sum
	}
	b.summary, err = counts.Summary(rules, folded)
	return b, err
}

// Read reads a ledger with one goroutine.
func Read(ctx context.Context, sources []Source, assets []Asset, rules Rules, progress func(int64)) (*book, error) {
	return readOn(ctx, 1, sources, assets, rules, progress)
}

// readText returns all rows of a text.
func readText(r io.Reader) ([][]string, error) {
	c := &cutter{r: r}
	var all [][]string
	for {
		b, err := c.next(nil)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		s := newRows(b.text, b.lines)
		for {
			fields, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			var row []string
			for _, f := range fields {
				row = append(row, string(f))
			}
			all = append(all, row)
		}
	}
}
