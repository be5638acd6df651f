package ledger

import (
	"bytes"
	"errors"
	"io"
)

// maxRow bounds one row of a file, line breaks inside quotes included.
const maxRow = 1 << 20

// scanner cuts a CSV file (RFC 4180) into rows. A row without a quote, which is nearly every row of a ledger, is cut at its
// commas in place. The fields of a row are good until the next one is asked for.
type scanner struct {
	r      io.Reader
	buf    []byte
	start  int // of what is not cut yet
	end    int
	ended  bool // r has no more
	line   int  // of the current row
	lines  int  // line breaks passed
	fields [][]byte
}

func newScanner(r io.Reader) *scanner {
	return &scanner{r: r, buf: make([]byte, 1<<17)}
}

var errTooLong = &fault{problem: "is longer than 1 MiB: is a quote missing?"}

// skipMark steps over a byte-order mark. Requires that nothing was read yet.
func (s *scanner) skipMark() error {
	mark := []byte("\xef\xbb\xbf")
	for s.end < len(mark) && !s.ended {
		if err := s.fill(); err != nil {
			return err
		}
	}
	if bytes.HasPrefix(s.buf[:s.end], mark) {
		s.start = len(mark)
	}
	return nil
}

// next returns the fields of the next row, or io.EOF.
func (s *scanner) next() ([][]byte, error) {
	s.line = s.lines + 1
	row, quoted, err := s.cut()
	if err != nil {
		return nil, err
	}
	s.fields = s.fields[:0]
	if quoted {
		return s.splitQuoted(row)
	}
	if bytes.IndexByte(row, '\r') >= 0 {
		return nil, &fault{problem: "has a carriage return inside: end rows with LF or CR LF"}
	}
	for {
		comma := bytes.IndexByte(row, ',')
		if comma < 0 {
			s.fields = append(s.fields, row)
			return s.fields, nil
		}
		s.fields = append(s.fields, row[:comma])
		row = row[comma+1:]
	}
}

// cut returns the next row without its line break, and whether it holds a quote. Line breaks within quotes belong to the row:
// it ends at the first one that an even number of quotes stands before.
func (s *scanner) cut() (row []byte, quoted bool, err error) {
	for scanned, quotes := 0, 0; ; {
		rest := s.buf[s.start+scanned : s.end]
		i := bytes.IndexByte(rest, '\n')
		switch {
		case i >= 0:
			s.lines++
			scanned += i + 1
			if quotes += bytes.Count(rest[:i], []byte{'"'}); quotes%2 == 1 {
				continue
			}
			row = s.buf[s.start : s.start+scanned-1]
			s.start += scanned
			if len(row) > maxRow {
				return nil, false, errTooLong
			}
			return bytes.TrimSuffix(row, []byte{'\r'}), quotes > 0, nil
		case s.ended:
			row = s.buf[s.start:s.end]
			s.start = s.end
			if len(row) == 0 {
				return nil, false, io.EOF
			}
			return row, bytes.IndexByte(row, '"') >= 0, nil
		case s.end-s.start > maxRow:
			return nil, false, errTooLong
		}
		if err := s.fill(); err != nil {
			return nil, false, err
		}
	}
}

// fill makes room and reads on.
func (s *scanner) fill() error {
	rest := s.buf[s.start:s.end]
	if len(rest) > len(s.buf)/2 {
		s.buf = make([]byte, 2*len(s.buf))
	}
	s.start, s.end = 0, copy(s.buf, rest)
	n, err := io.ReadAtLeast(s.r, s.buf[s.end:], 1)
	s.end += n
	if errors.Is(err, io.EOF) {
		s.ended = true
		return nil
	}
	return err
}

// splitQuoted splits a row that holds a quote, by the letter of RFC 4180.
func (s *scanner) splitQuoted(row []byte) ([][]byte, error) {
	for {
		var field []byte
		if bytes.HasPrefix(row, []byte{'"'}) {
			var err error
			if field, row, err = unquote(row); err != nil {
				return nil, err
			}
		} else {
			field = row
			if comma := bytes.IndexByte(row, ','); comma >= 0 {
				field = row[:comma]
			}
			if bytes.ContainsAny(field, "\"\r\n") {
				return nil, &fault{problem: "has a quote or a line break inside a field that is not quoted: quote the field, and double the quotes in it"}
			}
			row = row[len(field):]
		}
		s.fields = append(s.fields, field)
		if len(row) == 0 {
			return s.fields, nil
		}
		if row[0] != ',' {
			return nil, &fault{problem: "has text after a closing quote: double the quotes inside a quoted field"}
		}
		row = row[1:]
	}
}

// unquote reads the quoted field at the front of row, takes its quotes away in place, and returns what follows it.
func unquote(row []byte) (field, rest []byte, err error) {
	w := 0
	for i := 1; i < len(row); i++ {
		if row[i] == '"' {
			if i+1 == len(row) || row[i+1] != '"' {
				return row[:w], row[i+1:], nil
			}
			i++
		}
		row[w] = row[i]
		w++
	}
	return nil, nil, &fault{problem: "has a quote that is not closed"}
}
