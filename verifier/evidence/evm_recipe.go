package evidence

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"strconv"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Words of a recipe (SPEC part 12).
const (
	layoutSolidity = "solidity"
	layoutVyper    = "vyper"

	proxyEIP1967    = "eip1967"
	proxyZeppelinOS = "zeppelinos"

	roundHalfUp = "half-up"
	roundDown   = "down"

	maxTerms  = 8
	maxDigits = 38 // of a term's factor
)

// recipe is how the balances of an ERC-20 token follow from its storage, by the file (SPEC part 12).
type recipe struct {
	token    string
	contract [20]byte
	layout   string
	slot     [32]byte
	bits     int    // how many low bits of the word are the balance; 0: all
	proxy    string // empty: the token's account holds its own code
	share    *shareFormula
	aave     *aaveFormula
	formula  string // hex32: SHA-256 of the canonical JSON of share or aave; empty without
}

// shareFormula: balance = ⌊word × pool ÷ total⌋.
type shareFormula struct{ pool, total []term }

// term is a part of a storage value, times a factor.
type term struct {
	bits, shift int
	minus       bool
	slot        [32]byte
	times       *big.Int
	contract    *[20]byte // nil: the token's own
}

// aaveFormula: the word grows with the income index of a reserve of the pool.
type aaveFormula struct {
	pool     [20]byte
	rounding string
	slot     [32]byte
}

func (e *EVM) readRecipes(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		x := e.readRecipe(r)
		if i > 0 {
			ascending(r, i, strings.Compare(x.token, e.recipes[i-1].token), "token")
		}
		e.recipes = append(e.recipes, x)
		e.byToken[x.token] = x
	})
}

func (e *EVM) readRecipe(r *canon.Reader) *recipe {
	x := new(recipe)
	r.Object(
		canon.Optional("aave", func() { x.formula = digestOf(r, func() { x.aave = readAave(r) }) }),
		canon.Optional("bits", func() { x.bits = readFrom1(r, 255) }),
		canon.Key("layout", func() { x.layout = readOneOf(r, "layout", layoutSolidity, layoutVyper) }),
		canon.Optional("proxy", func() { x.proxy = readOneOf(r, "proxy", proxyEIP1967, proxyZeppelinOS) }),
		canon.Optional("share", func() {
			if x.aave != nil {
				r.Fail("a token has a share or an aave formula, never both")
			}
			x.formula = digestOf(r, func() { x.share = readShare(r) })
		}),
		canon.Key("slot", func() { x.slot = r.Hash() }),
		canon.Key("token", func() {
			x.token = r.Text()
			var kind tokenKind
			var ok bool
			if kind, x.contract, ok = e.tokenOf(x.token); !ok || kind != erc20Token {
				r.Fail("%q is not an ERC-20 token of %s: want erc20:0x and 40 lower-case hex digits", x.token, e.chain)
			}
		}),
	)
	return x
}

// digestOf reads a value and gives the SHA-256 of its bytes, which are its canonical JSON.
func digestOf(r *canon.Reader, read func()) string {
	from := r.Offset()
	read()
	if r.Failed() {
		return ""
	}
	sum := sha256.Sum256(r.Bytes(from, r.Offset()))
	return hex.EncodeToString(sum[:])
}

func readAave(r *canon.Reader) *aaveFormula {
	f := new(aaveFormula)
	r.Object(
		canon.Key("pool", func() { f.pool = readAddress(r) }),
		canon.Key("rounding", func() { f.rounding = readOneOf(r, "rounding", roundHalfUp, roundDown) }),
		canon.Key("slot", func() { f.slot = r.Hash() }),
	)
	return f
}

func readShare(r *canon.Reader) *shareFormula {
	f := new(shareFormula)
	r.Object(
		canon.Key("pool", func() { f.pool = readTerms(r) }),
		canon.Key("total", func() { f.total = readTerms(r) }),
	)
	return f
}

func readTerms(r *canon.Reader) (terms []term) {
	r.Array(maxTerms, func(int) {
		var t term
		r.Object(
			canon.Key("bits", func() { t.bits = readFrom1(r, 256) }),
			canon.Optional("contract", func() {
				address := readAddress(r)
				t.contract = &address
			}),
			canon.Key("minus", func() { t.minus = readBool(r) }),
			canon.Key("shift", func() {
				if t.shift = int(r.Number(255)); t.bits+t.shift > 256 { //nolint:gosec // at most 255
					r.Fail("%d bits above the lowest %d, more than 256", t.bits, t.shift)
				}
			}),
			canon.Key("slot", func() { t.slot = r.Hash() }),
			canon.Key("times", func() {
				if t.times = readAmount(r, 256); t.times != nil && (t.times.Sign() == 0 || len(t.times.String()) > maxDigits) {
					r.Fail("a factor is an amount from 1, of at most %d digits", maxDigits)
				}
			}),
		)
		terms = append(terms, t)
	})
	if len(terms) == 0 {
		r.Fail("no term: want 1 to %d", maxTerms)
	}
	return terms
}

func readOneOf(r *canon.Reader, what, one, other string) string {
	text := r.Text()
	if text != one && text != other {
		r.Fail("%s %q is neither %s nor %s", what, text, one, other)
	}
	return text
}

// key is the storage slot of a holder's word (SPEC part 12, step 4).
func (x *recipe) key(holder [20]byte) [32]byte {
	padded := padAddress(holder)
	if x.layout == layoutVyper {
		return keccak256(x.slot[:], padded[:])
	}
	return keccak256(padded[:], x.slot[:])
}

func padAddress(address [20]byte) (padded [32]byte) {
	copy(padded[12:], address[:])
	return padded
}

// pin is the policy's entry that this recipe and these codes would meet.
func (x *recipe) pin(code, implementation string) TokenPin {
	return TokenPin{
		Layout: x.layout, Slot: hex.EncodeToString(x.slot[:]), Bits: x.bits, Formula: x.formula,
		Code: code, Proxy: x.proxy, Implementation: implementation,
	}
}

// pinned is one key of a token's entry in a policy. Its value is empty where the entry has none.
type pinned struct{ key, value string }

func (p TokenPin) keys() []pinned {
	bits := ""
	if p.Bits > 0 {
		bits = strconv.Itoa(p.Bits)
	}
	return []pinned{
		{"layout", p.Layout}, {"slot", p.Slot}, {"bits", bits}, {"formula", p.Formula},
		{"code", p.Code}, {"proxy", p.Proxy}, {"implementation", p.Implementation},
	}
}

// differs names the first key in which a recipe and its codes are not the policy's entry.
func (p TokenPin) differs(got TokenPin) (key, has, want string) {
	theirs := got.keys()
	for i, k := range p.keys() {
		if theirs[i] != k {
			return k.key, cmp.Or(theirs[i].value, "none"), cmp.Or(k.value, "none")
		}
	}
	return "", "", ""
}

// String lists what the entry holds, in words.
func (p TokenPin) String() string {
	var list []string
	for _, k := range p.keys() {
		if k.value != "" {
			list = append(list, k.key+" "+k.value)
		}
	}
	return strings.Join(list, ", ")
}
