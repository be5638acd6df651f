package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// readParquet reads a Parquet file (SPEC part 7), page by page. Each value is turned into the text that a CSV file of the same
// ledger has, so that both are read by the same rules.
func readParquet(s *scan, file io.ReadCloser, at *RowError) error {
	t := s.tallies[0]
	var p *parquet.File
	var columns []*column
	err := decoding(func() (err error) {
		if p, err = openParquet(s.in, file); err == nil {
			columns, err = parquetColumns(p.Root())
		}
		return err
	})
	if err != nil {
		return err
	}
	names := make([][]byte, len(columns))
	for i, c := range columns {
		names[i] = []byte(c.name)
	}
	h, problem := parseHeader(names, t, func(i int) string { return fmt.Sprintf("column %q", names[i]) })
	if problem != "" {
		return &fault{problem: problem}
	}
	for i, c := range columns {
		if i == h.customer || i == h.class || i == h.asset {
			if c.decimal {
				return &fault{c.name, "holds decimals: want text or integers"}
			}
		}
		c.nullable = h.cells != nil && i != h.customer && i != h.class
	}
	for i, group := range p.RowGroups() {
		at.Group = i + 1
		if err := readGroup(group, columns, h, t, at); err != nil {
			return err
		}
	}
	return nil
}

// decoding does what panics at some files that are damaged.
func decoding(do func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it does not decode")
		}
	}()
	return do()
}

// openParquet reads the footer of a file; what is read later goes through in as well.
func openParquet(in *input, file io.ReadCloser) (*parquet.File, error) {
	at, ok := file.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		in.err = errors.New("a Parquet file must be open to be read at any place")
		return nil, in.err
	}
	size, err := at.Seek(0, io.SeekEnd)
	if err != nil {
		in.err = err
		return nil, err
	}
	in.at = at
	// Pages are read one after the other, and the indexes that would find some of them are not needed.
	return parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(1<<16))
}

// ReadAt is Read for files that are read at any place.
func (in *input) ReadAt(p []byte, offset int64) (int, error) {
	if in.err = in.ctx.Err(); in.err != nil {
		return 0, in.err
	}
	n, err := in.at.ReadAt(p, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	in.read += int64(n)
	if in.progress != nil {
		in.progress(in.read)
	}
	return n, err
}

// parquetColumns returns the columns of a file, customer and class before the others as in a header of CSV.
func parquetColumns(root *parquet.Column) ([]*column, error) {
	var columns []*column
	for _, c := range root.Columns() {
		name := fmt.Sprintf("%q", c.Name())
		switch {
		case !c.Leaf():
			return nil, &fault{name, "is a group of columns: a ledger has plain columns only"}
		case c.Repeated():
			return nil, &fault{name, "holds lists: a ledger has one value a row"}
		}
		text, decimal, problem := textOf(c.Type())
		if problem != "" {
			return nil, &fault{name, problem}
		}
		columns = append(columns, &column{name: c.Name(), index: c.Index(), appendText: text, decimal: decimal})
	}
	rank := map[string]int{"customer": -2, "class": -1}
	slices.SortStableFunc(columns, func(a, b *column) int { return cmp.Compare(rank[a.name], rank[b.name]) })
	return columns, nil
}

var errShort = errors.New("a column has fewer values than its row group has rows")
var errLong = errors.New("a column has more values than its row group has rows")

// readGroup adds the rows of one row group.
func readGroup(group parquet.RowGroup, columns []*column, h *header, t *tally, at *RowError) error {
	for _, c := range columns {
		defer c.close()
	}
	err := decoding(func() error {
		chunks := group.ColumnChunks()
		for _, c := range columns {
			c.pages = chunks[c.index].Pages()
		}
		return nil
	})
	if err != nil {
		return err
	}
	fields := make([][]byte, len(columns))
	for range group.NumRows() {
		at.Row++
		for i, c := range columns {
			if len(c.values) == 0 {
				if err := decoding(c.fill); err != nil {
					return err
				}
			}
			v := &c.values[0]
			c.values = c.values[1:]
			var problem string
			switch {
			case v.IsNull() && c.nullable:
				fields[i] = nil
			case v.IsNull():
				problem = "is null: give every row a value"
			case c.appendText == nil:
				fields[i] = v.ByteArray()
			default:
				c.text, problem = c.appendText(c.text[:0], v)
				fields[i] = c.text
			}
			if problem != "" {
				return &fault{c.name, problem}
			}
		}
		if err := h.row(fields, t); err != nil {
			return err
		}
	}
	for _, c := range columns {
		if len(c.values) > 0 || !errors.Is(decoding(c.fill), errShort) {
			return errLong
		}
	}
	return nil
}

// column is a column of a Parquet file, read from one row group after the other.
type column struct {
	name       string
	index      int
	appendText func([]byte, *parquet.Value) ([]byte, string) // nil for a column of text
	decimal    bool
	nullable   bool // null is an empty cell

	pages  parquet.Pages
	page   parquet.Page
	from   parquet.ValueReader // of page
	buf    [256]parquet.Value
	values []parquet.Value // of buf, still to be used; they point into page
	text   []byte
}

// fill reads the next values, of the page or of the one after it.
func (c *column) fill() error {
	for {
		if c.page == nil {
			page, err := c.pages.ReadPage()
			if errors.Is(err, io.EOF) {
				return errShort
			}
			if err != nil {
				return err
			}
			c.page, c.from = page, page.Values()
		}
		n, err := c.from.ReadValues(c.buf[:])
		if n > 0 {
			c.values = c.buf[:n]
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		parquet.Release(c.page)
		c.page = nil
	}
}

// close ends the reading of a row group.
func (c *column) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	if c.pages != nil {
		_ = c.pages.Close() // nothing was written
	}
	c.pages, c.page, c.values = nil, nil, nil
}
