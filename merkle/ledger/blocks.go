package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// blockSize is how much text one goroutine parses at a time.
const blockSize = 1 << 18

// block is a text of whole rows.
type block struct {
	text   []byte
	number int // of the block
	lines  int // line breaks before it
}

// cutter cuts a stream into blocks.
type cutter struct {
	r      io.Reader
	rest   []byte // read, but behind the last whole row
	number int
	lines  int
	ended  bool
}

// next returns the next block, in buf or a longer buffer, or io.EOF. A row longer than any may be comes cut off, for who parses it
// to refuse.
func (c *cutter) next(buf []byte) (block, error) {
	buf = append(buf[:0], c.rest...)
	c.rest = c.rest[:0]
	for size := blockSize; ; size *= 2 {
		var err error
		if buf, err = c.fill(buf, size); err != nil {
			return block{}, err
		}
		if c.number == 0 {
			buf = bytes.TrimPrefix(buf, []byte("\xef\xbb\xbf")) // a byte-order mark
		}
		end := len(buf)
		if !c.ended {
			end = rowsEnd(buf)
		}
		if end == 0 && len(buf) > maxRow {
			end = len(buf)
		}
		if end > 0 {
			b := block{buf[:end], c.number, c.lines}
			c.rest = append(c.rest, buf[end:]...)
			c.number++
			c.lines += bytes.Count(b.text, []byte{'\n'})
			return b, nil
		}
		if c.ended {
			return block{}, io.EOF
		}
	}
}

// fill reads until buf has size bytes or there are no more.
func (c *cutter) fill(buf []byte, size int) ([]byte, error) {
	if len(buf) >= size || c.ended {
		return buf, nil
	}
	have := len(buf)
	buf = append(buf, make([]byte, size-have)...)
	for have < size {
		n, err := c.r.Read(buf[have:])
		have += n
		if errors.Is(err, io.EOF) {
			c.ended = true
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return buf[:have], nil
}

// rowsEnd returns where the last whole row of a text ends: behind the last line break that an even number of quotes stands before.
func rowsEnd(text []byte) int {
	quote := []byte{'"'}
	quotes := bytes.Count(text, quote)
	for end := len(text); ; {
		i := bytes.LastIndexByte(text[:end], '\n')
		if i < 0 {
			return 0
		}
		quotes -= bytes.Count(text[i:end], quote)
		if quotes%2 == 0 {
			return i + 1
		}
		end = i
	}
}

// parsing has blocks parsed by all tallies of a scan, and keeps the first failure.
type parsing struct {
	header *header
	work   chan block
	free   chan []byte // buffers
	done   sync.WaitGroup

	mu     sync.Mutex
	err    error
	line   int // where err stands
	number int // of the block that it stands in
}

func newParsing(h *header, tallies []*tally) *parsing {
	p := &parsing{header: h, work: make(chan block), free: make(chan []byte, 2*len(tallies)+1)}
	for range cap(p.free) {
		p.free <- nil
	}
	for _, t := range tallies {
		p.done.Go(func() {
			for b := range p.work {
				if !p.failedBefore(b.number) {
					if line, err := t.rows(p.header, newRows(b.text, b.lines)); err != nil {
						p.fail(b.number, line, err)
					}
				}
				p.free <- b.text
			}
		})
	}
	return p
}

// failedBefore reports whether a block before that one failed, so that nothing which this one holds matters.
func (p *parsing) failedBefore(number int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil && p.number < number
}

func (p *parsing) fail(number, line int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || number < p.number {
		p.number, p.line, p.err = number, line, err
	}
}

// readRows reads the header, which decides the form, and then the rows, block by block on all tallies. It returns the first failure
// and its line.
func (s *scan) readRows(r io.Reader) (line int, err error) {
	c := &cutter{r: r}
	first, err := c.next(nil)
	if errors.Is(err, io.EOF) {
		return 1, &fault{problem: "the file is empty: it needs a header"}
	}
	if err != nil {
		return 1, err
	}
	top := newRows(first.text, 0)
	h, err := readHeader(top, s.tallies[0])
	if err != nil {
		return top.line, err
	}
	p := newParsing(h, s.tallies)
	b := block{top.text, 0, top.lines}
	for {
		p.work <- b
		buf := <-p.free
		if p.failedBefore(c.number) {
			break
		}
		if b, err = c.next(buf); err != nil {
			break
		}
	}
	close(p.work)
	p.done.Wait()
	switch {
	case p.err != nil:
		return p.line, p.err
	case errors.Is(err, io.EOF):
		return 0, nil
	}
	return c.lines + 1, err
}

// readHeader reads the header of a CSV file.
func readHeader(s *rows, t *tally) (*header, error) {
	names, err := s.next()
	if err != nil {
		return nil, err
	}
	h, problem := parseHeader(names, t, func(i int) string { return fmt.Sprintf("column %d of the header", i+1) })
	if problem != "" {
		return nil, &fault{problem: problem}
	}
	return h, nil
}

// rows takes rows that follow a header, and returns the line of the first that is wrong.
func (t *tally) rows(h *header, s *rows) (line int, err error) {
	for {
		fields, err := s.next()
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		if err != nil {
			return s.line, err
		}
		if len(fields) != h.width {
			if len(fields) == 1 && len(fields[0]) == 0 {
				return s.line, &fault{problem: "is an empty line: remove it"}
			}
			return s.line, &fault{problem: fmt.Sprintf("has %d fields, the header %d", len(fields), h.width)}
		}
		if err := h.row(fields, t); err != nil {
			return s.line, err
		}
	}
}
