package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds what a zstd file may ask for; it is that of zstd --long.
const maxWindow = 128 << 20

// Scan reads the entries of a ledger (SPEC part 7) and hands them to the sinks, each of which one goroutine calls: so many parse
// at once. The assets stand in registry order. Faults of the rows and files are a [*RowError], the first one only; that a customer
// has two entries of one asset and class is not seen here: whoever folds the entries sees it, and asks [Locate] where. progress, if not nil, is told now and then how many
// bytes of all files, compressed as they are, have been read.
func Scan(ctx context.Context, sources []Source, assets []Asset, rules Rules, sinks []Sink, progress func(bytes int64)) (Counts, error) {
	s := &scan{in: &input{ctx: ctx, progress: progress}}
	for _, sink := range sinks {
		t, err := newTally(assets, rules, sink)
		if err != nil {
			return Counts{}, err
		}
		s.tallies = append(s.tallies, t)
	}
	if err := s.read(sources); err != nil {
		return Counts{}, err
	}
	var all Counts
	for _, t := range s.tallies {
		if err := t.flush(); err != nil {
			return Counts{}, err
		}
		if err := all.Merge(t.counted()); err != nil {
			// Each goroutine's part is within the bounds. One alone comes upon the row that is not.
			return Counts{}, cmp.Or(Locate(ctx, sources, assets, rules, ""), err)
		}
	}
	return all, nil
}

// Empty is the error of a ledger in which no sink was handed a customer: a tree has at least one.
func Empty(sources []Source) error {
	return &RowError{File: sources[0].Name, Problem: "the ledger has no rows: a tree needs at least one customer"}
}

// Locate reads a ledger again, row after row, for the place of a fault that others came upon: a total that only several scans
// together take too far, or a customer who has two entries of one asset and class, where one is named. It returns a [*RowError], or
// nil if there is no such fault any more.
func Locate(ctx context.Context, sources []Source, assets []Asset, rules Rules, customer string) error {
	t, err := newTally(assets, rules, nil)
	if err != nil {
		return err
	}
	if customer != "" {
		t.watched, t.seen = []byte(customer), map[watchedEntry]bool{}
	}
	s := &scan{in: &input{ctx: ctx}, tallies: []*tally{t}}
	return s.read(sources)
}

// scan reads sources, one after the other.
type scan struct {
	in      *input
	tallies []*tally // one a goroutine
}

func (s *scan) read(sources []Source) error {
	if len(sources) == 0 {
		return errors.New("the ledger has no files: name at least one")
	}
	for _, source := range sources {
		if err := s.readSource(source); err != nil {
			return err
		}
	}
	return nil
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

func (s *scan) readSource(source Source) error {
	in := s.in
	read := decompressed(decompressor(source.Name))
	switch {
	case source.Query:
		read = queried
	case strings.HasSuffix(source.Name, ".parquet"):
		read = readParquet
	case read == nil:
		return &RowError{File: source.Name, Problem: "the name ends in none of .csv, .csv.gz, .csv.zst and .parquet"}
	}
	file, err := source.Open(s.in.ctx)
	if err != nil {
		return source.failed(err)
	}
	defer file.Close()
	at := &RowError{File: source.Name}
	err = read(s, file, at)
	var bad *fault
	var lost *sinkError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &bad):
		at.Column, at.Problem = bad.column, bad.problem
		return at
	case errors.As(err, &lost):
		return lost.error
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
type reader func(s *scan, file io.ReadCloser, at *RowError) error

// decompressed reads CSV out of what open unpacks.
func decompressed(open func(io.Reader) (io.ReadCloser, error)) reader {
	if open == nil {
		return nil
	}
	return func(s *scan, file io.ReadCloser, at *RowError) error {
		s.in.r = file
		r, err := open(s.in)
		if err != nil {
			return err
		}
		defer r.Close()
		at.Line, err = s.readRows(r)
		return err
	}
}

// queried reads a query's result. No row of it has two lines without being refused, so that rows count as lines do.
func queried(s *scan, file io.ReadCloser, at *RowError) error {
	s.in.r = file
	line, err := s.readRows(s.in)
	at.Row = int64(line) - 1 // the first line is the header
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
