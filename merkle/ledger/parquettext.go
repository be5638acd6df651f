package ledger

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/assay-por/assay/merkle"
)

// maxScale bounds the decimals of a DECIMAL column: no type of a database has more.
const maxScale = 76

// zeros are as many as a number of maxScale decimals may need in front.
var zeros = strings.Repeat("0", maxScale+1)

// textOf says how the values of a column become text: by append, or as they are where it is nil. What could not be told exactly
// is refused, floating-point numbers first of all.
func textOf(t parquet.Type) (appendText func([]byte, *parquet.Value) ([]byte, string), decimal bool, problem string) {
	var logical format.LogicalTypeValue
	if l := t.LogicalType(); l != nil {
		logical = l.Value
	}
	kind := t.Kind()
	switch l := logical.(type) {
	case nil:
		if kind == parquet.Int32 || kind == parquet.Int64 {
			return integerText(kind, true), false, ""
		}
		if kind == parquet.ByteArray {
			return nil, false, ""
		}
	case *format.StringType, *format.EnumType:
		if kind == parquet.ByteArray {
			return nil, false, ""
		}
	case *format.IntType:
		return integerText(kind, l.IsSigned), false, ""
	case *format.DecimalType:
		if l.Scale < 0 || l.Scale > maxScale {
			return nil, false, fmt.Sprintf("is DECIMAL with a scale of %d, want 0 to %d", l.Scale, maxScale)
		}
		return decimalTextOf(kind, int(l.Scale)), true, ""
	}
	if kind == parquet.Float || kind == parquet.Double {
		return nil, false, "holds floating-point numbers, which do not hold money: write text, DECIMAL or integers"
	}
	return nil, false, "is of type " + t.String() + ": want text, DECIMAL or integers"
}

// integerText prints values of INT32 and INT64.
func integerText(kind parquet.Kind, signed bool) func([]byte, *parquet.Value) ([]byte, string) {
	switch {
	case kind == parquet.Int32 && signed:
		return func(b []byte, v *parquet.Value) ([]byte, string) {
			return strconv.AppendInt(b, int64(v.Int32()), 10), ""
		}
	case kind == parquet.Int32:
		return func(b []byte, v *parquet.Value) ([]byte, string) {
			return strconv.AppendUint(b, uint64(v.Uint32()), 10), ""
		}
	case signed:
		return func(b []byte, v *parquet.Value) ([]byte, string) { return strconv.AppendInt(b, v.Int64(), 10), "" }
	}
	return func(b []byte, v *parquet.Value) ([]byte, string) { return strconv.AppendUint(b, v.Uint64(), 10), "" }
}

// decimalTextOf prints unscaled values with scale decimals.
func decimalTextOf(kind parquet.Kind, scale int) func([]byte, *parquet.Value) ([]byte, string) {
	if kind == parquet.Int32 {
		return func(b []byte, v *parquet.Value) ([]byte, string) { return appendScaled(b, int64(v.Int32()), scale), "" }
	}
	if kind == parquet.Int64 {
		return func(b []byte, v *parquet.Value) ([]byte, string) { return appendScaled(b, v.Int64(), scale), "" }
	}
	return func(b []byte, v *parquet.Value) ([]byte, string) { return appendBytes(b, v.ByteArray(), scale) }
}

func appendScaled(b []byte, v int64, scale int) []byte {
	magnitude := uint64(v)
	if v < 0 {
		b, magnitude = append(b, '-'), -magnitude
	}
	return setPoint(strconv.AppendUint(b, magnitude, 10), len(b), scale)
}

// appendBytes prints two's complement, most significant byte first.
func appendBytes(b, v []byte, scale int) ([]byte, string) {
	if len(v) == 0 {
		return b, "is a decimal of no bytes: write 0 where nothing is owed"
	}
	negative := v[0]&0x80 != 0
	var fill byte
	if negative {
		fill = 0xff
		b = append(b, '-')
	}
	for len(v) > 16 && v[0] == fill && v[1]&0x80 == fill&0x80 {
		v = v[1:]
	}
	if len(v) > 32 {
		return b, "is 2^128 base units or more: correct the ledger"
	}
	if len(v) > 16 {
		n := new(big.Int).SetBytes(v)
		if negative {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(v)))).Neg(n) //nolint:gosec // at most 32 bytes
		}
		return setPoint(n.Append(b, 10), len(b), scale), ""
	}
	var wide [16]byte
	for i := range wide[:16-len(v)] {
		wide[i] = fill
	}
	copy(wide[16-len(v):], v)
	a := merkle.Amount{Hi: binary.BigEndian.Uint64(wide[:8]), Lo: binary.BigEndian.Uint64(wide[8:])}
	if negative {
		a.Hi, a.Lo = ^a.Hi, -a.Lo
		if a.Lo == 0 {
			a.Hi++
		}
	}
	return appendDecimal(b, a, scale), ""
}
