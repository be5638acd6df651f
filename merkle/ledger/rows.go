package ledger

import (
	"bytes"
	"io"
)

// maxRow bounds one row of a file, line breaks inside quotes included.
const maxRow = 1 << 20

// rows cuts a text of whole rows (RFC 4180). A row without a quote, which is nearly every row of a ledger, is cut at its commas in
// place. The fields of a row are good until the next one is asked for.
type rows struct {
	text   []byte // what is not cut yet
	odd    bool   // it holds a quote or a carriage return somewhere
	line   int    // of the current row
	lines  int    // line breaks passed
	fields [][]byte
}

// newRows takes a text that lines line breaks stand before.
func newRows(text []byte, lines int) *rows {
	return &rows{text: text, lines: lines, odd: bytes.IndexByte(text, '"') >= 0 || bytes.IndexByte(text, '\r') >= 0}
}

var errTooLong = &fault{problem: "is longer than 1 MiB: is a quote missing?"}

// next returns the fields of the next row, or io.EOF.
func (s *rows) next() ([][]byte, error) {
	s.line = s.lines + 1
	if len(s.text) == 0 {
		return nil, io.EOF
	}
	row, quoted := s.cut()
	if len(row) > maxRow {
		return nil, errTooLong
	}
	s.fields = s.fields[:0]
	if s.odd {
		if quoted {
			return s.splitQuoted(row)
		}
		if bytes.IndexByte(row, '\r') >= 0 {
			return nil, &fault{problem: "has a carriage return inside: end rows with LF or CR LF"}
		}
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

// cut takes the next row, without its line break, and says whether it holds a quote. Line breaks within quotes belong to the row:
// it ends at the first one that an even number of quotes stands before.
func (s *rows) cut() (row []byte, quoted bool) {
	for end, quotes := 0, 0; ; {
		i := bytes.IndexByte(s.text[end:], '\n')
		if i < 0 {
			row, s.text = s.text, nil
			return row, s.odd && bytes.IndexByte(row, '"') >= 0
		}
		s.lines++
		if s.odd {
			quotes += bytes.Count(s.text[end:end+i], []byte{'"'})
		}
		end += i + 1
		if quotes%2 == 0 {
			row, s.text = s.text[:end-1], s.text[end:]
			if s.odd {
				row = bytes.TrimSuffix(row, []byte{'\r'})
			}
			return row, quotes > 0
		}
	}
}

// splitQuoted splits a row that holds a quote, by the letter of RFC 4180.
func (s *rows) splitQuoted(row []byte) ([][]byte, error) {
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
