package descriptor

import (
	"fmt"
	"strings"
)

// The characters of descriptors and of their checksums (BIP-380). The place of
// a character within its group of 32 and the group itself are summed apart.
const (
	charset     = `0123456789()[],'/*abcdefgh@:$%{}` + `IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~` + "ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	sumCharset  = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	sumLength   = 8
	bitsOfPlace = 5
)

// Checksum returns the eight characters that follow a descriptor's # (BIP-380).
func Checksum(expression string) (string, error) {
	sum := uint64(1)
	group, inGroup := 0, 0
	for i := range len(expression) {
		at := strings.IndexByte(charset, expression[i])
		if at < 0 {
			return "", fmt.Errorf("character %d is none that a descriptor may hold", i+1)
		}
		sum = polymod(sum, at&(1<<bitsOfPlace-1))
		group = group*3 + at>>bitsOfPlace
		if inGroup++; inGroup == 3 {
			sum = polymod(sum, group)
			group, inGroup = 0, 0
		}
	}
	if inGroup > 0 {
		sum = polymod(sum, group)
	}
	for range sumLength {
		sum = polymod(sum, 0)
	}
	sum ^= 1
	text := make([]byte, sumLength)
	for i := range text {
		text[i] = sumCharset[sum>>(bitsOfPlace*(sumLength-1-i))&(1<<bitsOfPlace-1)]
	}
	return string(text), nil
}

func polymod(sum uint64, symbol int) uint64 {
	generator := [...]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd}
	top := sum >> 35
	sum = sum&(1<<35-1)<<bitsOfPlace ^ uint64(symbol) //nolint:gosec // a symbol is from 0 to 31
	for i, g := range generator {
		if top>>i&1 == 1 {
			sum ^= g
		}
	}
	return sum
}

// cutChecksum returns the expression before a right checksum. A wrong one is
// not put right in the error: the descriptor itself may be what is wrong.
func cutChecksum(text string) (string, error) {
	expression, sum, found := strings.Cut(text, "#")
	want, err := Checksum(expression)
	if err != nil {
		return "", err
	}
	switch {
	case !found:
		return "", fmt.Errorf("it has no checksum: if it is right, put #%s after it", want)
	case len(sum) != sumLength:
		return "", fmt.Errorf("its checksum has %d characters, want %d", len(sum), sumLength)
	case sum != want:
		return "", fmt.Errorf("its checksum #%s is not that of the descriptor: one of both was altered; take it again from where it came", sum)
	}
	return expression, nil
}
