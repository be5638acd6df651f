package ledger

import (
	"bufio"
	"fmt"
	"io"
	"math/bits"
	"strconv"

	"github.com/assay-por/assay/merkle"
)

// SynthOptions say what ledger [Synth] writes.
type SynthOptions struct {
	Customers int
	Assets    int     // of the registry; 0 for as many as IDs
	Held      int     // assets that a customer holds on average; 0 for at most 8
	Seed      uint64  // the same options write the same bytes
	IDs       []Asset // the registry; nil for [SynthAssets]
	Wide      bool    // the wide form
}

// SynthAssets returns a registry of n assets: BTC, ETH, USDT, then SYN004 and so on.
func SynthAssets(n int) []Asset {
	assets := []Asset{{ID: "BTC", Decimals: 8}, {ID: "ETH", Decimals: 18}, {ID: "USDT", Decimals: 6}}
	for i := len(assets); i < n; i++ {
		assets = append(assets, Asset{ID: fmt.Sprintf("SYN%03d", i+1), Decimals: [...]uint8{8, 18, 6}[i%3]})
	}
	return assets[:n]
}

// Synth writes a made-up ledger as CSV (SPEC part 7), of a shape that real ones have: most customers hold little of a few
// assets, some hold very much, and some hold nothing. Balances are drawn as integers of base units from first to last.
func Synth(w io.Writer, opt SynthOptions) error {
	if opt.Assets == 0 {
		opt.Assets = len(opt.IDs)
	}
	if opt.Customers < 1 || opt.Assets < 1 || opt.Assets > merkle.MaxAssets {
		return fmt.Errorf("synthetic ledger of %d customers and %d assets, want at least 1, and at most %d assets",
			opt.Customers, opt.Assets, merkle.MaxAssets)
	}
	if opt.IDs == nil {
		opt.IDs = SynthAssets(opt.Assets)
	}
	if opt.Held == 0 {
		opt.Held = min(opt.Assets, 8)
	}
	if len(opt.IDs) != opt.Assets || opt.Held < 0 || opt.Held > opt.Assets {
		return fmt.Errorf("synthetic ledger of %d assets names %d and has customers hold %d", opt.Assets, len(opt.IDs), opt.Held)
	}
	s := synth{opt: opt, random: splitmix(opt.Seed), held: make([]bool, opt.Assets)}
	out := bufio.NewWriterSize(w, 1<<16)
	if _, err := out.Write(s.header()); err != nil {
		return err
	}
	for i := range opt.Customers {
		if _, err := out.Write(s.customer(i)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// synth writes one customer after the other.
type synth struct {
	opt    SynthOptions
	random splitmix
	held   []bool
	id     []byte
	buf    []byte
}

func (s *synth) header() []byte {
	if !s.opt.Wide {
		return []byte("customer,asset,balance\n")
	}
	b := []byte("customer")
	for _, a := range s.opt.IDs {
		b = append(append(b, ','), a.ID...)
	}
	return append(b, '\n')
}

// customer returns the rows of customer i.
func (s *synth) customer(i int) []byte {
	s.id = s.appendID(s.id[:0], i)
	n := s.choose()
	b := s.buf[:0]
	if s.opt.Wide {
		b = append(b, s.id...)
		for asset, a := range s.opt.IDs {
			b = append(b, ',')
			if s.held[asset] {
				b = appendDecimal(b, s.amount(a.Decimals), int(a.Decimals))
			}
		}
		b = append(b, '\n')
	} else {
		if n == 0 {
			b = append(append(append(append(b, s.id...), ','), s.opt.IDs[0].ID...), ",0\n"...)
		}
		for asset, a := range s.opt.IDs {
			if s.held[asset] {
				b = append(append(append(append(b, s.id...), ','), a.ID...), ',')
				b = append(appendDecimal(b, s.amount(a.Decimals), int(a.Decimals)), '\n')
			}
		}
	}
	s.buf = b
	return b
}

// choose picks the assets that a customer holds, the first of the registry more often than the last, and returns how many.
func (s *synth) choose() int {
	clear(s.held)
	// Even around the mean, as far as the registry reaches on both sides.
	spread := min(s.opt.Held, s.opt.Assets-s.opt.Held)
	n := s.opt.Held - spread + int(s.random.below(uint64(2*spread+1))) //nolint:gosec // below 2,049
	inverse := 2*n > s.opt.Assets                                      // then it is quicker to pick those not held
	picks := n
	if inverse {
		picks = s.opt.Assets - n
	}
	for left := picks; left > 0; {
		asset := min(s.random.below(uint64(s.opt.Assets)), s.random.below(uint64(s.opt.Assets))) //nolint:gosec // at least 1
		if inverse {
			asset = uint64(s.opt.Assets) - 1 - asset //nolint:gosec // at least 1
		}
		if !s.held[asset] {
			s.held[asset] = true
			left--
		}
	}
	if inverse {
		for i := range s.held {
			s.held[i] = !s.held[i]
		}
	}
	return n
}

// amount draws a balance whose number of bits is binomial, so that the balance is as good as log-normal: the median is about
// a hundredth of the asset's unit for assets of many decimals and a hundred for those of few, and one in a million is a
// million times that.
func (s *synth) amount(decimals uint8) merkle.Amount {
	median := bits.Len64(powersOfTen[min(decimals, 19)]) + 7 // a hundred units
	if decimals > 6 {
		median -= 13 // a hundredth of one
	}
	size := min(max(median+bits.OnesCount64(s.random.next())-32, 1), 110)
	a := merkle.Amount{Hi: s.random.next(), Lo: s.random.next() | 1}
	if size <= 64 {
		return merkle.Amount{Lo: (a.Lo | 1<<63) >> (64 - size)}
	}
	a.Hi = (a.Hi | 1<<63) >> (128 - size)
	return a
}

// appendDecimal appends an amount in units of its asset.
func appendDecimal(b []byte, a merkle.Amount, decimals int) []byte {
	return setPoint(a.AppendText(b), len(b), decimals)
}

// setPoint puts a dot before the last decimals of the digits that begin at start, and takes away the zeros after it. Requires
// at most maxScale decimals.
func setPoint(b []byte, start, decimals int) []byte {
	if decimals == 0 {
		return b
	}
	if pad := decimals + 1 - (len(b) - start); pad > 0 {
		b = append(b, zeros[:pad]...)
		copy(b[start+pad:], b[start:])
		copy(b[start:], zeros[:pad])
	}
	dot := len(b) - decimals
	b = append(b, 0)
	copy(b[dot+1:], b[dot:])
	b[dot] = '.'
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// appendID appends an id as exchanges have them: e-mail addresses, and account numbers. The customer's number in it makes it
// unique.
func (s *synth) appendID(b []byte, i int) []byte {
	r := s.random.next()
	if r%4 == 0 {
		return strconv.AppendUint(b, 1_000_000_000+uint64(i), 10) //nolint:gosec // an index
	}
	b = append(b, givenNames[r>>8%uint64(len(givenNames))]...)
	b = append(b, '.')
	b = append(b, familyNames[r>>24%uint64(len(familyNames))]...)
	b = strconv.AppendUint(b, uint64(i), 10) //nolint:gosec // an index
	return append(b, mailDomains[r>>40%uint64(len(mailDomains))]...)
}

var (
	givenNames = []string{"ada", "amir", "ana", "bela", "carol", "chen", "dave", "elif", "erik", "fatou", "grace", "hana",
		"ines", "ivan", "jun", "kofi", "lena", "luca", "maya", "nils", "olga", "pablo", "priya", "quinn", "rosa", "sami",
		"tara", "umar", "vera", "wei", "yara", "zoe"}
	familyNames = []string{"abe", "berg", "costa", "diaz", "evans", "fischer", "garcia", "haddad", "ito", "jansen", "kim",
		"lopez", "mensah", "novak", "okafor", "patel", "rossi", "silva", "tanaka", "umarov", "vega", "weber", "yilmaz", "zhang"}
	mailDomains = []string{"@example.com", "@example.net", "@example.org"}
)

// splitmix is Steele, Lea and Flood's SplitMix64. It is written out so that a seed gives the same ledger under every release
// of Go; nothing secret comes of it.
type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number under n.
func (s *splitmix) below(n uint64) uint64 {
	high, _ := bits.Mul64(s.next(), n)
	return high
}
