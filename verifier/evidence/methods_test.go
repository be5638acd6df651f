package evidence

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/crypto"
)

const (
	tronChain   = "tron:0x2b6653dc"
	solanaChain = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
	xrplChain   = "xrpl:0"
)

// edwardsKey is a key of Ed25519 and its account on Solana.
func edwardsKey(seed byte) (key ed25519.PrivateKey, account string) {
	key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	return key, solanaChain + ":" + base58.Encode(key.Public().(ed25519.PublicKey))
}

// rippleAddress writes base58check in the XRP Ledger's alphabet.
func rippleAddress(version byte, hash []byte) string {
	return strings.Map(func(r rune) rune { return rune(rippleDigits[strings.IndexRune(bitcoinDigits, r)]) }, base58.CheckEncode(hash, version))
}

func tronAccountOf(address string) string {
	raw, err := hex.DecodeString(address[2:])
	if err != nil {
		panic(err)
	}
	return tronChain + ":" + base58.CheckEncode(raw, 0x41)
}

// signedBytes are the words and the text of the lists of OKX, written down apart from what is tested.
func okxBytes(text string) []byte {
	return append(append([]byte("\x14OKX Signed Message:\n"), compactSize(uint64(len(text)))...), text...)
}

// makers sign a text by every method, each for one account, two or three: nothing of a maker is taken from what is tested.
func makers(t testing.TB) map[string]func(text string) Control {
	t.Helper()
	secp, edwards := keyOf(5), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	entry := func(method, signature string, accounts ...string) Control {
		return Control{Accounts: accounts, Method: method, Signature: signature}
	}
	evm := func(method string) func(string) Control {
		return func(text string) Control {
			address, signature := signDigest(t, 7, ethereumDigests(t, text)[method])
			return entry(method, signature, "eip155:1:"+address, "eip155:10:"+address)
		}
	}
	tron := func(method string, hashed bool) func(string) Control {
		return func(text string) Control {
			body := []byte(text)
			if hashed {
				body = crypto.Keccak256(body)
			}
			address, signature := signDigest(t, 7, crypto.Keccak256(fmt.Appendf(nil, "\x19TRON Signed Message:\n%d", len(body)), body))
			return entry(method, signature, tronAccountOf(address))
		}
	}
	s := func(text string) signer { return newSigner(text) }
	script := multisigScript(t, 2, 1, 2, 3)
	return map[string]func(string) Control{
		MethodEIP191: evm(MethodEIP191), MethodEIP191Hash: evm(MethodEIP191Hash), MethodEIP712: evm(MethodEIP712),
		MethodSafe: func(text string) Control {
			c := entry(MethodSafe, signedBy(t, text, true, 1, 2), safeAccount)
			c.Safes = map[string]Safe{safeAccount: {Owners: ownersOf(t, 1, 2, 3), Threshold: 2}}
			return c
		},
		MethodBIP322: func(text string) Control {
			account, signature := signP2WPKH(t, text)
			return entry(MethodBIP322, signature, account)
		},
		MethodFull: func(text string) Control {
			account, tx := s(text).fullLegacy(t, txscript.SigHashAll, func(*wire.MsgTx) {})
			return entry(MethodFull, ful(t, tx), account)
		},
		MethodFunds: func(text string) Control {
			first, x := spend{pk: s(text).p2pkh(), hashType: txscript.SigHashAll}, all(s(text).p2tr(t))
			return entry(MethodFunds, encoded(t, "pof", s(text).funds(t, nil, first, x)), accountsOf(t, first, x)...)
		},
		MethodBIP127: func(text string) Control {
			x, y := all(s(text).p2wpkh()), all(s(text).p2tr(t))
			return entry(MethodBIP127, encoded(t, "", s(text).bip127(t, nil, x, y)), accountsOf(t, x, y)...)
		},
		MethodCompact: func(text string) Control {
			signer := s(text)
			return entry(MethodCompact, base64.StdEncoding.EncodeToString(signer.compact(t, 3)), signer.accountsOfKey(t)[3])
		},
		MethodCompactMultisig: func(text string) Control {
			list := compactBy(t, "Bitcoin Signed Message:\n", text, 1, true) + "," + compactBy(t, "Bitcoin Signed Message:\n", text, 3, true)
			return entry(MethodCompactMultisig, hex.EncodeToString(script)+":"+list, mainnetAccount(t, wshScript(script)))
		},
		MethodTron: tron(MethodTron, false), MethodTronV1: tron(MethodTronV1, true),
		MethodEd25519: func(text string) Control {
			key, account := edwardsKey(5)
			return entry(MethodEd25519, hex.EncodeToString(ed25519.Sign(key, []byte(text))), account)
		},
		MethodEd25519OKX: func(text string) Control {
			key, account := edwardsKey(5)
			return entry(MethodEd25519OKX, hex.EncodeToString(ed25519.Sign(key, okxBytes(text))), account)
		},
		MethodXRPL: func(text string) Control {
			digest := sha512.Sum512([]byte(text))
			pub := secp.PubKey().SerializeCompressed()
			return entry(MethodXRPL, hex.EncodeToString(pub)+":"+hex.EncodeToString(ecdsa.Sign(secp, digest[:32]).Serialize()), xrplChain+":"+rippleAddress(0, address.Hash160(pub)))
		},
		"xrpl, Ed25519": func(text string) Control {
			pub := append([]byte{0xed}, edwards.Public().(ed25519.PublicKey)...)
			return entry(MethodXRPL, hex.EncodeToString(pub)+":"+hex.EncodeToString(ed25519.Sign(edwards, []byte(text))), xrplChain+":"+rippleAddress(0, address.Hash160(pub)))
		},
	}
}

// gradesOf are the grades of SPEC part 14's table.
func gradeOf(method string) string {
	switch method {
	case MethodBIP322, MethodFull, MethodFunds, MethodBIP127, MethodCompactMultisig:
		return "script"
	case MethodSafe:
		return "owner-proved"
	}
	return "bound"
}

func TestControl_EveryMethod(t *testing.T) {
	made := makers(t)
	if len(made) != 16 { // of the 16 methods all but eip1271, which nobody signs, and xrpl twice
		t.Errorf("%d makers", len(made))
	}
	for name, sign := range made {
		for _, text := range []string{testChallenge, strings.Repeat("a", 253), strings.Repeat("long ", 20_000)} {
			c := sign(text)
			c.Challenge = text
			if grade, err := c.Verify(); err != nil || grade != gradeOf(c.Method) {
				t.Errorf("%s: got %q, %v", name, grade, err)
			}
		}
	}
}

// TestB01_StaticTextIsStatic: what can be shown again for ever reaches the grade static and no other, by whatever method; it is not the
// challenge, and cannot look like one.
func TestB01_StaticTextIsStatic(t *testing.T) {
	const static = "I am an OKX address"
	made := makers(t)
	made[MethodEIP1271] = func(string) Control {
		return Control{Accounts: []string{safeAccount}, Method: MethodEIP1271, Signature: "0x"}
	}
	for name, sign := range made {
		t.Run(name, func(t *testing.T) {
			c := sign(static)
			c.Challenge, c.Message = testChallenge, static
			if grade, err := c.Verify(); err != nil || grade != "static" {
				t.Errorf("got %q, %v; want static", grade, err)
			}
			if c.Message = ""; c.Method != MethodEIP1271 {
				if grade, err := c.Verify(); err == nil {
					t.Errorf("over the challenge: got %q", grade)
				}
			}
			old := strings.Replace(testChallenge, "root: 04", "root: 05", 1)
			c = sign(old)
			c.Challenge, c.Message = testChallenge, old
			_, err := c.Verify()
			wantFormat(t, err, "message", "it begins as a challenge does")
		})
	}
}

// TestB24_EveryMethod: what was signed before root or block changed does not verify.
func TestB24_EveryMethod(t *testing.T) {
	for name, sign := range makers(t) {
		for _, old := range []string{"root: 05", "block: 0x04"} {
			kind, _, _ := strings.Cut(old, ":")
			before := strings.Replace(testChallenge, map[string]string{"root": "root: 04", "block": "block: 0x03"}[kind], old, 1)
			c := sign(before)
			c.Challenge = testChallenge
			if grade, err := c.Verify(); before == testChallenge || err == nil {
				t.Errorf("%s, %s: got %q", name, old, grade)
			}
			c.Challenge = before
			if _, err := c.Verify(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestB12_OfAnotherMethod: a signature is good for its own method alone.
func TestB12_OfAnotherMethod(t *testing.T) {
	made := makers(t)
	for name, sign := range made {
		for _, other := range made {
			c, method := sign(testChallenge), other(testChallenge).Method
			if method == c.Method {
				continue
			}
			c.Method, c.Challenge = method, testChallenge
			if grade, err := c.Verify(); err == nil {
				t.Errorf("%s as %s: got %q", name, method, grade)
			}
		}
	}
}

func TestTron_Refused(t *testing.T) {
	good := makers(t)[MethodTron](testChallenge)
	address := good.Accounts[0]
	raw, _, err := base58.CheckDecode(address[len(tronChain)+1:])
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, account, signature, field, problem string }{
		{"another version", tronChain + ":" + base58.CheckEncode(raw, 0x00), good.Signature, "account", "of version 0x00, want 0x41"},
		{"Tron's testnet of old", tronChain + ":" + base58.CheckEncode(raw, 0xa0), good.Signature, "account", "of version 0xa0, want 0x41"},
		{"checksum", address[:len(address)-1] + "1", good.Signature, "account", "checksum"},
		{"19 bytes", tronChain + ":" + base58.CheckEncode(raw[:19], 0x41), good.Signature, "account", "it holds 19 bytes, want 20"},
		{"hex", tronChain + ":0x" + hex.EncodeToString(raw), good.Signature, "account", "invalid format"},
		{"another chain", "eip155:1:0x" + hex.EncodeToString(raw), good.Signature, "account", "is not of tron, which this method is for"},
		{"no address", tronChain, good.Signature, "account", "is not of tron"},
		{"v 29", address, good.Signature[:130] + "1d", "signature", "v is 29, want 27 or 28"},
		{"high s", address, "0x" + good.Signature[2:66] + strings.Repeat("f", 31) + "0" + strings.Repeat("0", 32) + "1b", "signature", "s is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, method := range []string{MethodTron, MethodTronV1} {
				_, err := verifyOne(method, tt.account, testChallenge, tt.signature)
				wantFormat(t, err, tt.field, tt.problem)
			}
		})
	}
	stranger, _ := signDigest(t, 8, make([]byte, 32))
	_, err = verifyOne(MethodTron, tronAccountOf(stranger), testChallenge, good.Signature)
	wantCheck(t, err, "signature", "want the key of "+stranger)
	// the text's own digest of Ethereum, by the right key
	_, ethereum := signDigest(t, 7, accounts.TextHash([]byte(testChallenge)))
	_, err = verifyOne(MethodTron, address, testChallenge, ethereum)
	wantCheck(t, err, "signature", "not this account's signature of this text")
}

func TestEd25519_Refused(t *testing.T) {
	key, account := edwardsKey(5)
	good := hex.EncodeToString(ed25519.Sign(key, []byte(testChallenge)))
	for _, tt := range []struct{ name, account, signature, field, problem string }{
		{"short", account, good[:126], "signature", "want 128 lower-case hex digits"},
		{"prefix", account, "0x" + good, "signature", "want 128 lower-case hex digits"},
		{"upper case", account, strings.ToUpper(good), "signature", "want 128 lower-case hex digits"},
		{"31 bytes", solanaChain + ":" + base58.Encode(key[:31]), good, "account", "not base58 of 32 bytes"},
		{"33 bytes", solanaChain + ":" + base58.Encode(key[:33]), good, "account", "not base58 of 32 bytes"},
		{"no base58", solanaChain + ":0OIl", good, "account", "not base58 of 32 bytes"},
		{"a 1 before", solanaChain + ":1" + account[len(solanaChain)+1:], good, "account", "not base58 of 32 bytes"},
		{"another chain", "tron" + account[6:], good, "account", "is not of solana"},
		{"the system's program", solanaChain + ":" + strings.Repeat("1", 32), good, "account", "of small order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, method := range []string{MethodEd25519, MethodEd25519OKX} {
				_, err := verifyOne(method, tt.account, testChallenge, tt.signature)
				wantFormat(t, err, tt.field, tt.problem)
			}
		})
	}
	_, stranger := edwardsKey(6)
	wantGrade(t, MethodEd25519, stranger, good, "not this account's signature of this text", "")
	wantGrade(t, MethodEd25519OKX, account, good, "not this account's signature of this text", "")
	wantGrade(t, MethodEd25519, account, hex.EncodeToString(above(mustHex(t, good))), "not this account's signature of this text", "")
}

// above is the same signature with s above the group order, which lax verifiers take.
func above(signature []byte) []byte {
	order := []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	out, carry := bytes.Clone(signature), 0
	for i := range order {
		sum := int(out[32+i]) + int(order[i]) + carry
		out[32+i], carry = byte(sum), sum>>8
	}
	return out
}

// A key of small order is everybody's: the signature R = identity, s = 0 fits every eighth text, at least.
func TestEd25519_SmallOrder(t *testing.T) {
	forged := make([]byte, 64)
	forged[0] = 1
	for _, digits := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		key, fits := mustHex(t, digits), 0
		for i := range 400 {
			text := fmt.Sprint("text ", i)
			if !ed25519.Verify(key, []byte(text), forged) {
				continue
			}
			fits++
			_, err := verifyOne(MethodEd25519, solanaChain+":"+base58.Encode(key), text, hex.EncodeToString(forged))
			wantFormat(t, err, "account", "of small order")
			pub := append([]byte{0xed}, key...)
			_, err = verifyOne(MethodXRPL, xrplChain+":"+rippleAddress(0, address.Hash160(pub)), text, hex.EncodeToString(pub)+":"+hex.EncodeToString(forged))
			wantFormat(t, err, "account", "of small order")
		}
		if fits < 20 {
			t.Errorf("%s: the forged signature fits %d of 400 texts: this test shows nothing", digits, fits)
		}
		key[31] |= 0x80
		if !isSmallOrder([32]byte(key)) {
			t.Errorf("%s with the other sign passes", digits)
		}
	}
	if _, account := edwardsKey(5); isSmallOrder([32]byte(base58.Decode(account[len(solanaChain)+1:]))) {
		t.Error("a good key is taken for one of small order")
	}
}

// TestXRPL_Fixture: the accounts, keys and signatures that the ledger's own library (ripple-keypairs) publishes for its tests.
func TestXRPL_Fixture(t *testing.T) {
	for account, signature := range map[string]string{
		"rU6K7V3Po4snVhBBaU29sesqs2qTQJWDw1": "030d58eb48b4420b1f7b9df55087e0e29fef0e8468f9a6825b01ca2c361042d435:" +
			"30440220583a91c95e54e6a651c47bec22744e0b101e2c4060e7b08f6341657dad9bc3ee02207d1489c7395db0188d3a56a977ecba54b36fa9371b40319655b1b4429e33ef2d",
		"rLUEXYuLiQptky37CqLcm9USQpPiz5rkpD": "ed01fa53fa5a7e77798f882ece20b1abc00bb358a9e55a202d0d0676bd0ce37a63:" +
			"cb199e1bfd4e3daa105e4832eedfa36413e1f44205e4efb9e27e826044c21e3e2e848bbc8195e8959badf887599b7310ad1b7047ef11b682e0d068f73749750e",
	} {
		c := Control{Accounts: []string{xrplChain + ":" + account}, Method: MethodXRPL, Challenge: testChallenge, Message: "test message", Signature: signature}
		if grade, err := c.Verify(); err != nil || grade != GradeStatic {
			t.Errorf("%s: got %q, %v", account, grade, err)
		}
	}
}

func TestXRPL_Refused(t *testing.T) {
	good := makers(t)[MethodXRPL](testChallenge)
	account := good.Accounts[0]
	key, der, _ := strings.Cut(good.Signature, ":")
	hash := address.Hash160(mustHex(t, key))
	edwards := makers(t)["xrpl, Ed25519"](testChallenge)
	edKey, edSignature, _ := strings.Cut(edwards.Signature, ":")
	raw := mustHex(t, der)
	padded := append([]byte{0x30, raw[1] + 1, 0x02, raw[3] + 1, 0x00}, raw[4:]...)
	high := highDER(t, append(bytes.Clone(raw), 1))
	owner := func(pub string) string { return xrplChain + ":" + rippleAddress(0, address.Hash160(mustHex(t, pub))) }
	beside := "02" + strings.Repeat("00", 31) + "05" // no point has this x
	for _, tt := range []struct{ name, account, signature, field, problem string }{
		{"Bitcoin's alphabet", xrplChain + ":" + base58.CheckEncode(hash, 0), good.Signature, "account", "in the ledger's own alphabet"},
		{"another version", xrplChain + ":" + rippleAddress(5, hash), good.Signature, "account", "of version 0x05, want 0x00"},
		{"19 bytes", xrplChain + ":" + rippleAddress(0, hash[:19]), good.Signature, "account", "it holds 19 bytes, want 20"},
		{"checksum", account[:len(account)-1] + "r", good.Signature, "account", "checksum"},
		{"another letter", xrplChain + ":r0OIl", good.Signature, "account", "in the ledger's own alphabet"},
		{"another chain", "tron:0x1:" + account[7:], good.Signature, "account", "is not of xrpl"},
		{"no key", account, der, "signature", "want 66 lower-case hex digits of the public key"},
		{"uncompressed key", account, hex.EncodeToString(keyOf(5).PubKey().SerializeUncompressed()) + ":" + der, "signature", "want 66 lower-case hex digits"},
		{"key in capitals", account, strings.ToUpper(key) + ":" + der, "signature", "want 66 lower-case hex digits"},
		{"signature in capitals", account, key + ":" + strings.ToUpper(der), "signature", "not lower-case hex"},
		{"no signature", account, key + ":", "signature", "not DER in its one form"},
		{"trailing byte", account, key + ":" + der + "00", "signature", "not DER in its one form"},
		{"r with a needless zero", account, key + ":" + hex.EncodeToString(padded), "signature", "not DER in its one form"},
		{"high s", account, key + ":" + hex.EncodeToString(high[:len(high)-1]), "signature", "s is in the upper half"},
		{"a key beside the curve", owner(beside), beside + ":" + der, "signature", "the public key: "},
		{"a key of no kind", owner("04" + key[2:]), "04" + key[2:] + ":" + der, "signature", "the public key: "},
		{"Ed25519, short", edwards.Accounts[0], edKey + ":" + edSignature[2:], "signature", "want 128 lower-case hex digits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifyOne(MethodXRPL, tt.account, testChallenge, tt.signature)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
	wantGrade(t, MethodXRPL, edwards.Accounts[0], good.Signature, "the public key is not this account's", "")
	wantGrade(t, MethodXRPL, owner(key), edwards.Signature, "the public key is not this account's", "")
	other := makers(t)[MethodXRPL](testChallenge + "\n")
	wantGrade(t, MethodXRPL, account, other.Signature, "not this account's signature of this text", "")
	wantGrade(t, MethodXRPL, edwards.Accounts[0], edKey+":"+hex.EncodeToString(above(mustHex(t, edSignature))), "not this account's signature of this text", "")
}

// FuzzAddresses: an address that is read has one spelling.
func FuzzAddresses(f *testing.F) {
	for _, sign := range makers(f) {
		f.Add(sign("").Accounts[0])
	}
	f.Fuzz(func(t *testing.T, account string) {
		if hash, err := xrplHash(account); err == nil {
			if again := rippleAddress(0, hash[:]); !strings.HasSuffix(account, ":"+again) {
				t.Fatalf("%s is %s", account, again)
			}
		}
		text := account[strings.LastIndexByte(account, ':')+1:]
		if hash, version, err := base58Hash(text); err == nil && base58.CheckEncode(hash[:], version) != text {
			t.Fatalf("%s is %s", text, base58.CheckEncode(hash[:], version))
		}
	})
}

// FuzzRecoverSigners: what is accepted says its signers once each, in order.
func FuzzRecoverSigners(f *testing.F) {
	f.Add(signedBy(f, testChallenge, true, 1, 2, 3))
	f.Add(signedBy(f, testChallenge, false, 1, 2))
	f.Fuzz(func(t *testing.T, signature string) {
		signers, err := recoverSigners(signature, [32]byte{1})
		if err != nil {
			return
		}
		if len(signature) != 2+130*len(signers) || len(signers) == 0 {
			t.Fatalf("%d signers of %d characters", len(signers), len(signature))
		}
		for i := 1; i < len(signers); i++ {
			if signers[i] <= signers[i-1] {
				t.Fatalf("%v", signers)
			}
		}
	})
}
