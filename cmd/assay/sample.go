package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/assay-por/assay/merkle/ledger"
)

// What of the ledger's files is looked at to tell how large it is.
const (
	sampleFiles = 8       // of those that are CSV, spread over all
	sampleBytes = 1 << 20 // of each of them, without compression
	sampleRows  = 1 << 15 // of each Parquet file's customers
	entryBytes  = 40      // of an entry as CSV, about, where no sample tells
)

// sampled is what a sample of the ledger's files told. Customers are told apart while it is taken, and never leave it.
type sampled struct {
	entries, bytes, runs int64 // of whole files, as far as the samples go for the rest of each

	seen    map[string]struct{} // the customers
	some    int64               // runs in the samples
	squares int64               // sum of the squares of that, a file
	again   int64               // of these, runs of customers who came before in their file
}

// sampleLedger tells the size of a ledger from the beginnings of some of its files. What is wrong with a file is its reader's to say:
// here it is an error that the size is not known. assets is how many a customer may hold.
func sampleLedger(ctx context.Context, sources []ledger.Source, assets int) (ledgerSize, error) {
	var plain, columns []ledger.Source
	for _, f := range sources {
		if strings.HasSuffix(f.Name, ".parquet") {
			columns = append(columns, f)
		} else {
			plain = append(plain, f)
		}
	}
	s := sampled{seen: map[string]struct{}{}}
	var read, all int64
	for i, f := range plain {
		all += f.Size
		if n := min(len(plain), sampleFiles); i*n/len(plain) == (i+1)*n/len(plain) {
			continue // one of each of n parts is read: its last
		}
		if err := s.csv(ctx, f); err != nil {
			return ledgerSize{}, fmt.Errorf("%s: %w", f.Name, err)
		}
		read += f.Size
	}
	if read > 0 {
		s.entries, s.bytes, s.runs = mulDiv(s.entries, all, read), mulDiv(s.bytes, all, read), mulDiv(s.runs, all, read)
	}
	for _, f := range columns {
		if err := s.parquet(ctx, f); err != nil {
			return ledgerSize{}, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return ledgerSize{s.entries, s.customers(int64(assets)), s.bytes}, nil
}

// customers tells how many there are. A run is rows of one customer, one after the other. In a ledger that is in order every customer
// has one run a file, so that new ones come in the sample at the rate at which they come in all. In a ledger in no order, how often
// one comes again tells how many runs each has: two of a sample of n out of N runs are of one customer by a chance of (m-1)/N.
func (s *sampled) customers(assets int64) int64 {
	if s.some == 0 {
		return 0
	}
	most := mulDiv(s.runs, int64(len(s.seen)), s.some)
	const basis = 16 // fewer say nothing
	if s.again < basis || s.some == s.runs {
		return most
	}
	// runs / m with m = 1 + 2 again runs / squares, where nobody has more runs than there are assets.
	hundredths := min(100+mulDiv(200*s.again, s.runs, s.squares), 100*max(assets, 1))
	return min(most, mulDiv(s.runs, 100, hundredths))
}

// run notes a run of a customer's rows. Requires that inFile has the customers of the file's sample.
func (s *sampled) run(customer string, inFile map[string]struct{}) {
	s.some++
	if _, twice := inFile[customer]; twice {
		s.again++
	}
	inFile[customer], s.seen[customer] = struct{}{}, struct{}{}
}

// csv reads the beginning of a file, and takes the rest to be like it.
func (s *sampled) csv(ctx context.Context, f ledger.Source) error {
	file, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer file.Close()
	packed := &counted{r: bufio.NewReaderSize(file, 1<<16)}
	plain, err := decompressed(f.Name, packed)
	if err != nil {
		return err
	}
	defer plain.Close()
	head, err := io.ReadAll(io.LimitReader(plain, sampleBytes))
	if err != nil {
		return errors.New("it does not decompress")
	}
	part := max(f.Size, 1)
	if len(head) == sampleBytes { // there is more, and the last row may be cut
		head = head[:bytes.LastIndexByte(head, '\n')+1]
		part = max(mulDiv(packed.n, int64(len(head)), sampleBytes), 1)
	}
	t, err := s.rows(head)
	if err != nil {
		return err
	}
	s.entries += mulDiv(t.entries, f.Size, part)
	s.bytes += mulDiv(t.bytes, f.Size, part)
	s.runs += mulDiv(t.runs, f.Size, part)
	return nil
}

// rows counts what the beginning of a CSV file has.
func (s *sampled) rows(head []byte) (t sampled, err error) {
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = -1, true, true
	names, err := in.Read()
	if err != nil {
		return t, errors.New("it has no header")
	}
	names = slices.Clone(names)
	customer, class, asset := slices.Index(names, "customer"), slices.Index(names, "class"), slices.Index(names, "asset")
	if customer < 0 {
		return t, errors.New("its header has no column customer")
	}
	inFile, last := map[string]struct{}{}, ""
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(row) != len(names) {
			return t, errors.New("its rows are not those of a ledger")
		}
		if id := row[customer]; t.runs == 0 || id != last {
			last = strings.Clone(id)
			t.runs++
			s.run(last, inFile)
		}
		of := 0
		if class >= 0 {
			of = len(row[class])
		}
		for i, cell := range row {
			label := names[i]
			switch {
			case i == customer || i == class || i == asset:
				continue
			case asset >= 0:
				label = row[asset]
			case cell == "": // no entry
				continue
			}
			t.entries++
			t.bytes += int64(len(last) + len(label) + len(cell) + of + 3)
		}
	}
	s.squares += t.runs * t.runs
	return t, nil
}

// decompressed opens what a file's ending says it is.
func decompressed(name string, r *counted) (io.ReadCloser, error) {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return gzip.NewReader(r)
	case strings.HasSuffix(name, ".zst"):
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(r), nil
}

// counted counts the bytes that were taken out of a file. As it gives single bytes, gzip takes no more than it needs.
type counted struct {
	r *bufio.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counted) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// parquet reads a file's footer, which knows how many rows there are, and the first of its customers.
func (s *sampled) parquet(ctx context.Context, f ledger.Source) (err error) {
	defer func() {
		if recover() != nil { // some files that are damaged
			err = errors.New("it does not decode")
		}
	}()
	file, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer file.Close()
	at, ok := file.(io.ReaderAt)
	if !ok {
		return errors.New("it cannot be read at any place")
	}
	p, err := parquet.OpenFile(at, f.Size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return errors.New("it does not decode")
	}
	var customer *parquet.Column
	var cells []int
	long := false
	for _, c := range p.Root().Columns() {
		switch c.Name() {
		case "customer":
			customer = c
		case "class":
		case "asset":
			long = true
		default:
			cells = append(cells, c.Index())
		}
	}
	if customer == nil {
		return errors.New("it has no column customer")
	}
	entries := p.NumRows()
	if !long {
		entries = 0
		for _, g := range p.Metadata().RowGroups {
			for _, i := range cells {
				entries += g.NumRows - g.Columns[i].MetaData.Statistics.NullCount
			}
		}
	}
	s.entries, s.bytes = s.entries+entries, s.bytes+entries*entryBytes
	return s.parquetCustomers(p, customer.Index())
}

func (s *sampled) parquetCustomers(p *parquet.File, column int) error {
	groups := p.RowGroups()
	if len(groups) == 0 {
		return nil
	}
	pages := groups[0].ColumnChunks()[column].Pages()
	defer pages.Close()
	inFile, last, rows, runs := map[string]struct{}{}, "", int64(0), int64(0)
	buf := make([]parquet.Value, 1024)
	for rows < sampleRows {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.New("it does not decode")
		}
		values := page.Values()
		for n, err := 0, error(nil); err == nil && rows < sampleRows; {
			n, err = values.ReadValues(buf)
			for _, v := range buf[:n] {
				if id := v.String(); rows == 0 || id != last {
					last = id
					runs++
					s.run(id, inFile)
				}
				rows++
			}
		}
		parquet.Release(page)
	}
	s.squares += runs * runs
	if rows > 0 {
		s.runs += mulDiv(runs, p.NumRows(), rows)
	}
	return nil
}
