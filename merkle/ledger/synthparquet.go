package ledger

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
)

// SynthParquet writes the ledger of [Synth] as Parquet, all columns text, null where a cell is empty.
func SynthParquet(w io.Writer, opt SynthOptions) error {
	r, csv := io.Pipe()
	defer r.Close()
	go func() { csv.CloseWithError(Synth(csv, opt)) }()
	c := &cutter{r: r}
	b, err := c.next(nil)
	if err != nil {
		return err
	}
	text := newRows(b.text, 0)
	names, err := text.next()
	if err != nil {
		return err
	}
	group := parquet.Group{}
	for _, name := range names {
		group[string(name)] = parquet.Encoded(parquet.Optional(parquet.String()), &parquet.Plain)
	}
	group["customer"] = parquet.Encoded(parquet.String(), &parquet.Plain)
	if !opt.Wide {
		group["asset"] = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
		group["balance"] = parquet.Encoded(parquet.String(), &parquet.Plain)
	}
	schema := parquet.NewSchema("ledger", group)
	columns := make([]parquet.LeafColumn, len(names))
	for i, name := range names {
		columns[i], _ = schema.Lookup(string(name)) // it is of the schema
	}
	out := parquet.NewGenericWriter[any](w, schema, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(1<<20), parquet.PageBufferSize(1<<18))
	for err == nil {
		if err = copyRows(out, text, columns); err == nil {
			b, err = c.next(b.text)
			text = newRows(b.text, 0)
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	return out.Close()
}

// copyRows writes the rows of s, each field into its column.
func copyRows(out *parquet.GenericWriter[any], s *rows, columns []parquet.LeafColumn) error {
	row := make(parquet.Row, len(columns))
	for {
		fields, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i, c := range columns {
			v, level := parquet.ByteArrayValue(fields[i]), c.MaxDefinitionLevel
			if len(fields[i]) == 0 {
				v, level = parquet.NullValue(), 0
			}
			row[c.ColumnIndex] = v.Level(0, level, c.ColumnIndex)
		}
		if _, err := out.WriteRows([]parquet.Row{row}); err != nil {
			return err
		}
	}
}
