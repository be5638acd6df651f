package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds what a zstd file may ask for; it is that of zstd --long.
const maxWindow = 128 << 20

// Read reads a ledger from its files (SPEC part 7). The assets stand in registry order. Faults of the rows and files are a
// [*RowError], the first one only. progress, if not nil, is told now and then how many bytes of all files, compressed as they
// are, have been read.
func Read(ctx context.Context, sources []Source, assets []Asset, rules Rules, progress func(bytes int64)) (*Ledger, error) {
	f, err := newFold(assets, rules)
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, errors.New("the ledger has no files: name at least one")
	}
	in := &input{ctx: ctx, progress: progress}
	for _, source := range sources {
		if err := readSource(in, source, f); err != nil {
			return nil, err
		}
	}
	if len(f.ids) == 0 {
		return nil, &RowError{File: sources[0].Name, Problem: "the ledger has no rows: a tree needs at least one customer"}
	}
	return &Ledger{assets: slices.Clone(assets), ids: f.ids, balance: f.balances, summary: f.summarize()}, nil
}

// input counts what is read, remembers why reading failed, and stops when the context ends.
type input struct {
	ctx      context.Context
	progress func(bytes int64)
	r        io.Reader
	at       io.ReaderAt // instead of r, of a Parquet file
	read     int64
	err      error
}

func (in *input) Read(p []byte) (int, error) {
	if in.err = in.ctx.Err(); in.err != nil {
		return 0, in.err
	}
	n, err := in.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	in.read += int64(n)
	if in.progress != nil {
		in.progress(in.read)
	}
	return n, err
}

// readSource reads one source into the fold.
func readSource(in *input, source Source, f *fold) error {
	read := decompressed(decompressor(source.Name))
	switch {
	case source.Query:
		read = queried
	case strings.HasSuffix(source.Name, ".parquet"):
		read = readParquet
	case read == nil:
		return &RowError{File: source.Name, Problem: "the name ends in none of .csv, .csv.gz, .csv.zst and .parquet"}
	}
	file, err := source.Open()
	if err != nil {
		return source.failed(err)
	}
	defer file.Close()
	at := &RowError{File: source.Name}
	err = read(in, file, f, at)
	var bad *fault
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		at.Column, at.Problem = bad.column, bad.problem
		return at
	case in.err != nil:
		return source.failed(in.err)
	}
	// The bytes could be read, so it is they that do not decompress.
	return &RowError{File: source.Name, Problem: "is truncated or damaged (" + err.Error() + "): export or copy it again"}
}

// failed tells which file could not be read. Who answers a query says so already.
func (s Source) failed(err error) error {
	if s.Query {
		return err
	}
	return fmt.Errorf("ledger file %s: %w", s.Name, err)
}

// reader reads one source; at tells where it is when it fails.
type reader func(in *input, file io.ReadCloser, f *fold, at *RowError) error

// decompressed reads CSV out of what open unpacks.
func decompressed(open func(io.Reader) (io.ReadCloser, error)) reader {
	if open == nil {
		return nil
	}
	return func(in *input, file io.ReadCloser, f *fold, at *RowError) error {
		in.r = file
		r, err := open(in)
		if err != nil {
			return err
		}
		defer r.Close()
		s := newScanner(r)
		err = readRows(s, f)
		at.Line = s.line
		return err
	}
}

// queried reads a query's result. No row of it has two lines without being refused, so that rows count as lines do.
func queried(in *input, file io.ReadCloser, f *fold, at *RowError) error {
	in.r = file
	s := newScanner(in)
	err := readRows(s, f)
	at.Row = int64(s.line) - 1 // the first line is the header
	return err
}

// decompressor returns what opens files of a name's ending, nil if none does.
func decompressor(name string) func(io.Reader) (io.ReadCloser, error) {
	switch {
	case strings.HasSuffix(name, ".csv"):
		return func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(r), nil }
	case strings.HasSuffix(name, ".csv.gz"):
		return func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }
	case strings.HasSuffix(name, ".csv.zst"):
		return func(r io.Reader) (io.ReadCloser, error) {
			// One goroutine: the reader below must not run on when a row was refused.
			d, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			return d.IOReadCloser(), nil
		}
	}
	return nil
}

// readRows reads the header, which decides the form, and then the rows.
func readRows(s *scanner, f *fold) error {
	if err := s.skipMark(); err != nil {
		return err
	}
	names, err := s.next()
	if errors.Is(err, io.EOF) {
		return &fault{problem: "the file is empty: it needs a header"}
	}
	if err != nil {
		return err
	}
	h, problem := parseHeader(names, f, func(i int) string { return fmt.Sprintf("column %d of the header", i+1) })
	if problem != "" {
		return &fault{problem: problem}
	}
	for {
		fields, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(fields) != h.width {
			if len(fields) == 1 && len(fields[0]) == 0 {
				return &fault{problem: "is an empty line: remove it"}
			}
			return &fault{problem: fmt.Sprintf("has %d fields, the header %d", len(fields), h.width)}
		}
		if bad := h.row(fields, f); bad != nil {
			return bad
		}
	}
}

// header says what the columns of a file are; an index is -1 where there is no such column.
type header struct {
	width                           int
	customer, class, asset, balance int
	cells                           []cell                  // of the wide form
	call                            func(column int) string // what errors call a column of the header
	lastRaw                         []byte                  // the customer of the row before, as it was written
	last                            uint32
}

// cell is a column of the wide form.
type cell struct {
	label string
	asset uint16
	known bool
}

// parseHeader recognises both forms. Its problems quote no name but the unknown ones of a file that has a customer column: of
// a file without a header, the first row would be a customer's.
func parseHeader(names [][]byte, f *fold, call func(int) string) (*header, string) {
	h := &header{call: call, width: len(names), customer: -1, class: -1, asset: -1, balance: -1}
	at := map[string]int{}
	for i, name := range names {
		if first, twice := at[string(name)]; twice {
			return nil, fmt.Sprintf("the header has columns %d and %d of one name", first+1, i+1)
		}
		at[string(name)] = i
	}
	index := func(name string) int {
		if i, ok := at[name]; ok {
			return i
		}
		return -1
	}
	h.customer, h.class = index("customer"), index("class")
	h.asset, h.balance = index("asset"), index("balance")
	if h.customer < 0 {
		return nil, "the header has no column customer: it must name the columns, in lower case"
	}
	if h.asset >= 0 || h.balance >= 0 {
		return h, h.checkLong(names)
	}
	return h, h.checkWide(names, f)
}

func (h *header) checkLong(names [][]byte) string {
	if h.asset < 0 {
		return "the header has a column balance but no column asset"
	}
	if h.balance < 0 {
		return "the header has a column asset but no column balance"
	}
	for i, name := range names {
		switch string(name) {
		case "customer", "class", "asset", "balance":
		default:
			return h.call(i) + " is none of customer, asset, balance and class: leave it out"
		}
	}
	return ""
}

func (h *header) checkWide(names [][]byte, f *fold) string {
	fixed := 1
	if h.class >= 0 {
		fixed = 2
	}
	if h.customer != 0 || h.class > 1 {
		return "the header of a wide ledger begins with customer, then class if there is one, then the asset ids"
	}
	if len(names) == fixed {
		return "the header names no assets: want the columns asset and balance, or a column for each asset"
	}
	for i, name := range names[fixed:] {
		asset, known := f.byAsset[string(name)]
		if !known {
			problem := labelProblem(name)
			if problem == "" && f.rules.UnknownAssets == RuleError {
				problem = `is not an asset of the registry: add the asset, or set unknown_assets = "exclude"`
			}
			if problem != "" {
				return h.call(fixed+i) + " " + problem
			}
		}
		h.cells = append(h.cells, cell{label: string(name), asset: asset, known: known})
	}
	return ""
}

// row adds the entries of one row.
func (h *header) row(fields [][]byte, f *fold) *fault {
	if h.lastRaw == nil || !bytes.Equal(h.lastRaw, fields[h.customer]) {
		customer, bad := f.customer(fields[h.customer])
		if bad != nil {
			return bad
		}
		h.last, h.lastRaw = customer, append(h.lastRaw[:0], fields[h.customer]...)
	}
	className := []byte(defaultClass)
	if h.class >= 0 {
		className = fields[h.class]
	}
	class, bad := f.class(className)
	if bad != nil {
		return bad
	}
	if h.cells == nil {
		if asset, known := f.byAsset[string(fields[h.asset])]; known {
			return f.add(h.last, asset, class, fields[h.balance], "balance")
		}
		return f.addUnknown(fields[h.asset], fields[h.balance], "balance", "asset")
	}
	cells := fields[len(fields)-len(h.cells):]
	for i := range h.cells {
		c := &h.cells[i]
		if len(cells[i]) == 0 {
			continue
		}
		if c.known {
			bad = f.add(h.last, c.asset, class, cells[i], c.label)
		} else {
			bad = f.addUnknown([]byte(c.label), cells[i], c.label, c.label)
		}
		if bad != nil {
			return bad
		}
	}
	return nil
}
