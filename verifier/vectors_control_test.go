package verifier

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const otherEVM = "eip155:31337"

// walletKey is a key of secp256k1 by name.
func walletKey(name string) *btcec.PrivateKey {
	key, _ := btcec.PrivKeyFromBytes(h([]byte(name)))
	return key
}

func hex20(key *btcec.PrivateKey) string {
	return hex.EncodeToString(keccak(key.PubKey().SerializeUncompressed()[1:])[12:])
}

// rsv signs a digest with the key of an Ethereum or Tron address.
func rsv(key *btcec.PrivateKey, digest []byte) string {
	compact := ecdsa.SignCompact(key, digest, false)
	return hex.EncodeToString(append(compact[1:], compact[0]))
}

// personal is the digest that wallets sign, after words.
func personal(words, text string) []byte {
	return keccak([]byte(words+strconv.Itoa(len(text))), []byte(text))
}

const ethereumWords, tronWords = "\x19Ethereum Signed Message:\n", "\x19TRON Signed Message:\n"

// typed is the digest of EIP-712, written down from the SPEC.
func typed(text string) []byte {
	domain := keccak(keccak([]byte("EIP712Domain(string name,string version)")), keccak([]byte("Assay")), keccak([]byte("1")))
	return keccak([]byte{0x19, 0x01}, domain, keccak(keccak([]byte("Control(string challenge)")), keccak([]byte(text))))
}

// maker makes vectors of control whose signatures are of their own text.
type maker struct{ put putter }

// made puts a vector: signed over its message, if it has one, else over its challenge. edit comes last.
func (m maker) made(name, attack, comment string, v vector, sign func(text string) string, edit func(v *vector)) {
	v.Attack, v.Comment, v.Exchange = attack, comment, "Demo Exchange"
	v.Snapshot, v.Root = strings.Repeat("5", 64), strings.Repeat("7", 64)
	v.Blocks = map[string]string{}
	for _, account := range v.Accounts {
		chain := account[:strings.LastIndexByte(account, ':')]
		switch namespace, _, _ := strings.Cut(chain, ":"); namespace {
		case "eip155":
			v.Blocks[chain] = "0x" + strings.Repeat("b", 64)
		case "solana":
			v.Blocks[chain] = base58.Encode(h([]byte("block")))
		case "xrpl":
			v.Blocks[chain] = strings.Repeat("B", 64)
		default:
			v.Blocks[chain] = strings.Repeat("b", 64)
		}
	}
	text := v.challenge()
	if v.Message != "" {
		v.Signature = sign(v.Message)
	} else {
		v.Signature = sign(text)
	}
	if edit == nil {
		v.Expect, v.Text = "pass", text
	} else {
		v.Expect, v.Grade = "refused", ""
		edit(&v)
	}
	m.put("control", name, v)
}

// methodVectors are the vectors of the methods of SPEC part 14 that bitcoinVectors and controlVectors do not have.
func methodVectors(put putter) {
	m := maker{put}
	m.ethereum()
	m.safes()
	m.tron()
	m.solana()
	m.xrpl()
	m.multisig()
	m.funds()
}

func nothing(*vector) {}

func (m maker) ethereum() {
	key := walletKey("wallet")
	one, two := evmChain+":0x"+hex20(key), otherEVM+":0x"+hex20(key)
	eip191 := func(text string) string { return "0x" + rsv(key, personal(ethereumWords, text)) }
	hashed := func(text string) string {
		return "0x" + rsv(key, personal(ethereumWords, string(keccak([]byte(text)))))
	}
	struct712 := func(text string) string { return "0x" + rsv(key, typed(text)) }
	of := func(method string, accounts ...string) vector {
		return vector{Method: method, Accounts: accounts, Grade: "bound"}
	}
	m.made("happy-eip191-two-chains", "", "one signature for an address on two chains", of("eip191", one, two), eip191, nil)
	m.made("happy-eip191-hash", "", "personal_sign over the text's hash, as some custodians do", of("eip191-hash", one), hashed, nil)
	m.made("happy-eip712", "", "a typed struct of one string", of("eip712", one), struct712, nil)
	static := of("eip191", one)
	static.Message, static.Grade = "I am an OKX address", "static"
	m.made("happy-static", "B1", "a text that can be shown again for ever is worth only that", static, eip191, nil)
	contract := of("eip1271", one)
	contract.Nodes, contract.Grade = []string{"own node", "public node"}, "contract-attested"
	empty := func(string) string { return "0x" }
	m.made("happy-eip1271", "B11", "a contract's word, by the names of those who passed it on", contract, empty, nil)

	m.made("digest-of-eip191-hash", "B12", "signed over the text's hash, shown as over the text", of("eip191", one), hashed, nothing)
	m.made("digest-of-eip191", "B12", "the other way round", of("eip191-hash", one), eip191, nothing)
	m.made("digest-of-eip712", "B12", "a typed struct, shown as a personal message", of("eip191", one), struct712, nothing)
	m.made("eip712-high-s", "B13", "s in the upper half of the order", of("eip712", one), struct712, func(v *vector) { v.Signature = highS(v.Signature) })
	m.made("v-29", "E2", "v is 27 or 28", of("eip191", one), eip191, func(v *vector) { v.Signature = v.Signature[:130] + "1d" })
	m.made("two-accounts-one-left-out", "B24", "the lines of the second account were not signed", of("eip191", one), eip191, func(v *vector) {
		v.Accounts = append(v.Accounts, two)
		v.Blocks[otherEVM] = v.Blocks[evmChain]
	})
	m.made("accounts-unsorted", "E2", "accounts ascend", of("eip191", two, one), eip191, nothing)
	m.made("account-twice", "E3", "one account twice in an entry", of("eip191", one, one), eip191, nothing)
	m.made("second-account-by-another-key", "B12", "one signature is not both accounts'", of("eip191", one, otherEVM+":0x"+hex20(walletKey("another"))), eip191, nothing)
	static.Message = "Assay proof of control v2, of last year"
	m.made("static-looks-like-a-challenge", "B1", "it could be some other challenge, passed off as a text", static, eip191, nothing)
	static.Message = "I am an OKX address"
	m.made("static-other-message", "B1", "the message beside the signature is not the one that was signed", static, eip191, func(v *vector) { v.Message += "." })
	m.made("eip1271-without-nodes", "B11", "somebody answered for the contract", of("eip1271", one), empty, nothing)
	m.made("nodes-without-eip1271", "E5", "", of("eip191", one), eip191, func(v *vector) { v.Nodes = []string{"own node"} })
	m.made("eip1271-odd-hex", "E2", "", contract, empty, func(v *vector) { v.Signature = "0x0" })
}

func (m maker) safes() {
	type owner struct {
		address string
		key     *btcec.PrivateKey
	}
	var owners []owner
	for _, name := range []string{"owner 1", "owner 2", "owner 3", "stranger"} {
		owners = append(owners, owner{"0x" + hex20(walletKey(name)), walletKey(name)})
	}
	stranger := owners[3]
	slices.SortFunc(owners[:3], func(a, b owner) int { return strings.Compare(a.address, b.address) })
	safe := evmChain + ":0x" + strings.Repeat("5afe", 10)
	v := vector{Method: "safe", Accounts: []string{safe}, Grade: "owner-proved", Safes: map[string]vectorSafe{
		safe: {Owners: []string{owners[2].address, owners[0].address, owners[1].address}, Threshold: 2},
	}}
	by := func(list ...owner) func(string) string {
		return func(text string) string {
			out := "0x"
			for _, o := range list {
				out += rsv(o.key, personal(ethereumWords, text))
			}
			return out
		}
	}
	withStranger := []owner{owners[0], stranger}
	slices.SortFunc(withStranger, func(a, b owner) int { return strings.Compare(a.address, b.address) })
	m.made("happy-safe", "", "two of three owners, which the state proves", v, by(owners[0], owners[2]), nil)
	m.made("happy-safe-all-owners", "", "more than the threshold asks", v, by(owners[:3]...), nil)
	m.made("safe-one-of-two-needed", "B11", "one owner where the threshold is two", v, by(owners[0]), nothing)
	m.made("safe-same-owner-twice", "B11", "one owner is not two", v, by(owners[0], owners[0]), nothing)
	m.made("safe-out-of-order", "E2", "signers ascend", v, by(owners[2], owners[0]), nothing)
	m.made("safe-not-an-owner", "B11", "enough signatures, and one of them by a stranger", v, by(withStranger...), nothing)
	m.made("safe-owners-not-proved", "B11", "owners sign, and nothing shows that they are", v, by(owners[0], owners[2]), func(v *vector) { v.Safes = nil })
	m.made("safe-digest-of-eip712", "B12", "", v, func(text string) string {
		return "0x" + rsv(owners[0].key, typed(text)) + rsv(owners[2].key, typed(text))
	}, nothing)
	m.made("safe-owner-as-eip191", "B11", "an owner's signature, shown as the contract's", v, by(owners[0]), func(v *vector) { v.Method = "eip191" })
}

func (m maker) tron() {
	key := walletKey("wallet")
	raw := must(hex.DecodeString(hex20(key)))
	v := vector{Method: "tron", Accounts: []string{tronChain + ":" + base58.CheckEncode(raw, 0x41)}, Grade: "bound"}
	sign := func(text string) string { return "0x" + rsv(key, personal(tronWords, text)) }
	signV1 := func(text string) string { return "0x" + rsv(key, personal(tronWords, string(keccak([]byte(text))))) }
	v1 := v
	v1.Method = "tron-v1"
	m.made("happy-tron", "", "signMessageV2 of Tron's wallets", v, sign, nil)
	m.made("happy-tron-v1", "", "over the text's hash", v1, signV1, nil)
	m.made("tron-digest-of-v1", "B12", "", v, signV1, nothing)
	m.made("tron-v1-digest-of-v2", "B12", "", v1, sign, nothing)
	m.made("tron-words-of-ethereum", "B12", "the same key, over Ethereum's words", v, func(text string) string { return "0x" + rsv(key, personal(ethereumWords, text)) }, nothing)
	m.made("tron-high-s", "B13", "s in the upper half of the order", v, sign, func(v *vector) { v.Signature = highS(v.Signature) })
	other := v
	other.Accounts = []string{tronChain + ":" + base58.CheckEncode(raw, 0x00)}
	m.made("tron-address-of-another-prefix", "B12", "the same key's hash behind a version that is not Tron's", other, sign, nothing)
	other.Accounts = []string{strings.TrimSuffix(v.Accounts[0], v.Accounts[0][len(v.Accounts[0])-1:]) + "z"}
	m.made("tron-address-checksum", "B21", "the last letter changed", other, sign, nothing)
}

func (m maker) solana() {
	key := ed25519.NewKeyFromSeed(h([]byte("wallet")))
	v := vector{Method: "ed25519", Accounts: []string{solanaChain + ":" + base58.Encode(key.Public().(ed25519.PublicKey))}, Grade: "bound"}
	okx := v
	okx.Method = "ed25519-okx"
	sign := func(text string) string { return hex.EncodeToString(ed25519.Sign(key, []byte(text))) }
	words := func(text string) string {
		length := append([]byte{0xfd}, binary.LittleEndian.AppendUint16(nil, uint16(len(text)))...)
		return hex.EncodeToString(ed25519.Sign(key, []byte("\x14OKX Signed Message:\n"+string(length)+text)))
	}
	m.made("happy-ed25519", "", "the address is the key", v, sign, nil)
	m.made("happy-ed25519-okx", "", "over words and the text, each with its length", okx, words, nil)
	m.made("ed25519-words-of-okx", "B12", "", v, words, nothing)
	m.made("ed25519-okx-without-words", "B12", "", okx, sign, nothing)
	m.made("ed25519-high-s", "B13", "the same signature with s above the group order", v, sign, func(v *vector) {
		raw := must(hex.DecodeString(v.Signature))
		slices.Reverse(raw[32:])
		order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
		order.Add(order, new(big.Int).SetBytes(raw[32:])).FillBytes(raw[32:])
		slices.Reverse(raw[32:])
		v.Signature = hex.EncodeToString(raw)
	})
	forged := v
	forged.Accounts = []string{solanaChain + ":" + strings.Repeat("1", 32)}
	m.made("ed25519-key-of-small-order", "B1", "the system's program: a signature made of nothing fits every fourth text", forged, func(string) string {
		return "01" + strings.Repeat("00", 63)
	}, func(v *vector) {
		zero := make([]byte, 32)
		for i := 0; !ed25519.Verify(zero, []byte(v.challenge()), must(hex.DecodeString(v.Signature))); i++ {
			v.Root = hex.EncodeToString(h([]byte(strconv.Itoa(i))))
		}
	})
	short := v
	short.Accounts = []string{solanaChain + ":" + base58.Encode(key.Public().(ed25519.PublicKey)[:31])}
	m.made("ed25519-address-of-31-bytes", "B21", "", short, sign, nothing)
}

// rippleAddress writes base58check in the XRP Ledger's alphabet.
func rippleAddress(hash []byte) string {
	const from, to = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
	return strings.Map(func(r rune) rune { return rune(to[strings.IndexRune(from, r)]) }, base58.CheckEncode(hash, 0))
}

func (m maker) xrpl() {
	key, edwards := walletKey("wallet"), ed25519.NewKeyFromSeed(h([]byte("wallet")))
	pub, edPub := key.PubKey().SerializeCompressed(), append([]byte{0xed}, edwards.Public().(ed25519.PublicKey)...)
	of := func(pub []byte) vector {
		return vector{Method: "xrpl", Accounts: []string{xrplChain + ":" + rippleAddress(address.Hash160(pub))}, Grade: "bound"}
	}
	der := func(key *btcec.PrivateKey, text string) []byte {
		digest := sha512.Sum512([]byte(text))
		return ecdsa.Sign(key, digest[:32]).Serialize()
	}
	with := func(key *btcec.PrivateKey, change func([]byte) []byte) func(string) string {
		return func(text string) string {
			return hex.EncodeToString(key.PubKey().SerializeCompressed()) + ":" + hex.EncodeToString(change(der(key, text)))
		}
	}
	same := func(b []byte) []byte { return b }
	m.made("happy-xrpl", "", "a key of secp256k1, over half of SHA-512", of(pub), with(key, same), nil)
	m.made("happy-xrpl-ed25519", "", "a key of Ed25519, over the text", of(edPub), func(text string) string {
		return hex.EncodeToString(edPub) + ":" + hex.EncodeToString(ed25519.Sign(edwards, []byte(text)))
	}, nil)
	m.made("xrpl-other-key", "B12", "a good signature by a key that is not the account's", of(pub), with(walletKey("another"), same), nothing)
	m.made("xrpl-der-not-canonical", "E2", "r with a needless zero before it", of(pub), with(key, func(b []byte) []byte {
		return append([]byte{0x30, b[1] + 1, 0x02, b[3] + 1, 0x00}, b[4:]...)
	}), nothing)
	m.made("xrpl-high-s", "B13", "s in the upper half of the order", of(pub), with(key, func(b []byte) []byte {
		size := int(b[3])
		s := new(big.Int).Sub(btcec.S256().N, new(big.Int).SetBytes(b[6+size:])).Bytes()
		if s[0]&0x80 != 0 {
			s = append([]byte{0}, s...)
		}
		out := append(append(bytes.Clone(b[:4+size]), 0x02, byte(len(s))), s...)
		out[1] = byte(len(out) - 2)
		return out
	}), nothing)
	m.made("xrpl-trailing-byte", "E7", "", of(pub), with(key, func(b []byte) []byte { return append(b, 0) }), nothing)
	m.made("xrpl-over-the-whole-hash", "B12", "the second half of SHA-512", of(pub), func(text string) string {
		digest := sha512.Sum512([]byte(text))
		return hex.EncodeToString(pub) + ":" + hex.EncodeToString(ecdsa.Sign(key, digest[32:]).Serialize())
	}, nothing)
	m.made("xrpl-address-in-bitcoins-alphabet", "B21", "", vector{Method: "xrpl", Accounts: []string{xrplChain + ":" + base58.CheckEncode(address.Hash160(pub), 0)}}, with(key, same), nothing)
}

func (m maker) multisig() {
	key := func(i int) *btcec.PrivateKey { return walletKey("signer " + strconv.Itoa(i)) }
	script := func(k int64, keys ...int) []byte {
		b := txscript.NewScriptBuilder().AddInt64(k)
		for _, i := range keys {
			b.AddData(key(i).PubKey().SerializeCompressed())
		}
		return must(b.AddInt64(int64(len(keys))).AddOp(txscript.OP_CHECKMULTISIG).Script())
	}
	program := func(script []byte) []byte { return h(script) }
	by := func(script []byte, keys ...int) func(string) string {
		return func(text string) string {
			var list []string
			for _, i := range keys {
				sig := must(base64.StdEncoding.DecodeString(bitcoinSigner{key: key(i)}.compact(text, 1)))
				list = append(list, base64.StdEncoding.EncodeToString(sig))
			}
			return hex.EncodeToString(script) + ":" + strings.Join(list, ",")
		}
	}
	of := func(account string) vector {
		return vector{Method: "compact-multisig", Accounts: []string{account}, Grade: "script"}
	}
	two := script(2, 1, 2, 3)
	wsh := segwitAccount(program(two))
	m.made("happy-compact-multisig", "", "two of three keys of P2WSH", of(wsh), by(two, 1, 3), nil)
	m.made("happy-compact-multisig-p2sh", "", "P2SH", of(scriptAccount(two)), by(two, 1, 2), nil)
	m.made("happy-compact-multisig-nested", "", "P2SH of P2WSH", of(scriptAccount(append([]byte{0x00, 0x20}, program(two)...))), by(two, 1, 2, 3), nil)
	m.made("compact-multisig-one-key-twice", "B11", "one key is not two", of(wsh), by(two, 2, 2), nothing)
	m.made("compact-multisig-out-of-order", "E2", "in the script's order", of(wsh), by(two, 3, 1), nothing)
	m.made("compact-multisig-key-not-in-script", "B11", "a stranger's signature beside a good one", of(wsh), by(two, 1, 4), nothing)
	m.made("compact-multisig-one-of-two-needed", "B11", "one signature where the script asks for two", of(wsh), by(two, 1), nothing)
	m.made("compact-multisig-script-of-one-of-two", "B11", "1 of 2 presented as the account's 2 of 3", of(wsh), by(script(1, 1, 2), 1), nothing)
	m.made("compact-multisig-script-of-others", "B12", "a good script that is not the account's", of(wsh), by(script(2, 4, 5, 6), 4, 5), nothing)
	doubled := script(2, 1, 1)
	m.made("compact-multisig-key-twice-in-script", "B11", "a script that holds one key twice", of(segwitAccount(program(doubled))), by(doubled, 1, 1), nothing)
	m.made("compact-multisig-header-of-p2wpkh", "B12", "a header that names no key of a script", of(wsh), by(two, 1, 3), func(v *vector) {
		at := strings.LastIndexByte(v.Signature, ',') + 1
		raw := must(base64.StdEncoding.DecodeString(v.Signature[at:]))
		raw[0] += 8
		v.Signature = v.Signature[:at] + base64.StdEncoding.EncodeToString(raw)
	})
	m.made("compact-multisig-trailing-comma", "E7", "", of(wsh), by(two, 1, 3), func(v *vector) { v.Signature += "," })
}

// psbtOf writes a finalised PSBT by the letter of BIP-174. spent are the outputs that the inputs spend, as Witness UTXO; nil for none.
func psbtOf(tx *wire.MsgTx, spent []*wire.TxOut, message string) string {
	var out bytes.Buffer
	field := func(kind byte, value []byte) {
		out.Write([]byte{1, kind})
		if err := wire.WriteVarBytes(&out, 0, value); err != nil {
			panic(err)
		}
	}
	bare := tx.Copy()
	for _, in := range bare.TxIn {
		in.SignatureScript, in.Witness = nil, nil
	}
	var b bytes.Buffer
	if err := bare.SerializeNoWitness(&b); err != nil {
		panic(err)
	}
	out.WriteString("psbt\xff")
	field(0x00, b.Bytes())
	if message != "" {
		field(0x09, []byte(message))
	}
	out.WriteByte(0)
	for i, in := range tx.TxIn {
		if spent[i] != nil {
			b.Reset()
			if err := wire.WriteTxOut(&b, 0, 0, spent[i]); err != nil {
				panic(err)
			}
			field(0x01, b.Bytes())
		}
		if len(in.SignatureScript) > 0 {
			field(0x07, in.SignatureScript)
		}
		if len(in.Witness) > 0 {
			raw := []byte{byte(len(in.Witness))}
			for _, item := range in.Witness {
				raw = append(append(raw, byte(len(item))), item...)
			}
			field(0x08, raw)
		}
		out.WriteByte(0)
	}
	out.Write(make([]byte, len(tx.TxOut)))
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// fundsPlan says what is wrong with a proof of funds, if anything.
type fundsPlan struct {
	keys     []*btcec.PrivateKey // of the further inputs, P2WPKH
	hashType txscript.SigHashType
	edit     func(tx *wire.MsgTx)
	message  func(text string) string
	without  func(tx *wire.MsgTx) // after signing
}

// finish adds the further inputs, signs, and writes the PSBT. first signs input 0, or leaves it.
func (p fundsPlan) finish(tx *wire.MsgTx, text string, spent []*wire.TxOut, first func(*wire.MsgTx)) string {
	for i, key := range p.keys {
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: sha256.Sum256([]byte("coin " + strconv.Itoa(i))), Index: uint32(i)}})
		spent = append(spent, wire.NewTxOut(int64(100_000+i), append([]byte{0x00, 0x14}, address.Hash160(key.PubKey().SerializeCompressed())...)))
	}
	if p.edit != nil {
		p.edit(tx)
	}
	outputs := map[wire.OutPoint]*wire.TxOut{}
	for i, in := range tx.TxIn {
		if outputs[in.PreviousOutPoint] = spent[i]; spent[i] == nil {
			outputs[in.PreviousOutPoint] = &wire.TxOut{}
		}
	}
	hashes := txscript.NewTxSigHashes(tx, txscript.NewMultiPrevOutFetcher(outputs))
	first(tx)
	for i, key := range p.keys {
		out := spent[1+i]
		tx.TxIn[1+i].Witness = must(txscript.WitnessSignature(tx, hashes, 1+i, out.Value, out.PkScript, p.hashType, key, true))
	}
	if p.without != nil {
		p.without(tx)
	}
	message := ""
	if p.message != nil {
		message = p.message(text)
	}
	return psbtOf(tx, spent, message)
}

// pof is a proof of funds of BIP-322 whose first account is P2PKH.
func (p fundsPlan) pof(owner *btcec.PrivateKey) func(string) string {
	return func(text string) string {
		script := payToKeyHash(address.Hash160(owner.PubKey().SerializeCompressed()))
		return "pof" + p.finish(toSign(script, text), text, []*wire.TxOut{wire.NewTxOut(0, script)}, func(tx *wire.MsgTx) {
			tx.TxIn[0].SignatureScript = must(txscript.SignatureScript(tx, 0, script, txscript.SigHashAll, owner, true))
		})
	}
}

// pofSegwit is one whose first account is P2WPKH.
func (p fundsPlan) pofSegwit(owner *btcec.PrivateKey) func(string) string {
	return func(text string) string {
		script := append([]byte{0x00, 0x14}, address.Hash160(owner.PubKey().SerializeCompressed())...)
		return "pof" + p.finish(toSign(script, text), text, []*wire.TxOut{wire.NewTxOut(0, script)}, func(tx *wire.MsgTx) {
			hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(script, 0))
			tx.TxIn[0].Witness = must(txscript.WitnessSignature(tx, hashes, 0, 0, script, txscript.SigHashAll, owner, true))
		})
	}
}

func (p fundsPlan) bip127(text string) string {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: sha256.Sum256([]byte("Proof-of-Reserves: " + text))}, Sequence: wire.MaxTxInSequenceNum})
	tx.AddTxOut(wire.NewTxOut(200_001, []byte{txscript.OP_TRUE}))
	return p.finish(tx, text, []*wire.TxOut{nil}, func(*wire.MsgTx) {})
}

func (m maker) funds() {
	owner, one, two := walletKey("wallet"), walletKey("coin 1"), walletKey("coin 2")
	first := keyAccount(owner.PubKey().SerializeCompressed())
	account := func(key *btcec.PrivateKey) string {
		return segwitAccount(address.Hash160(key.PubKey().SerializeCompressed()))
	}
	if account(two) < account(one) {
		one, two = two, one
	}
	plan := fundsPlan{keys: []*btcec.PrivateKey{one, two}, hashType: txscript.SigHashAll}
	of := func(method string, accounts ...string) vector {
		return vector{Method: method, Accounts: accounts, Grade: "script"}
	}
	both := of("bip322-pof", first, account(one), account(two))
	m.made("happy-bip322-pof", "B14", "control of three accounts: what the inputs spend is not looked at", both, plan.pof(owner), nil)
	named, more := plan, plan
	named.message = func(text string) string { return text }
	m.made("happy-bip322-pof-with-its-message", "", "the PSBT says the text again", both, named.pof(owner), nil)
	more.keys = append(more.keys, one)
	m.made("happy-bip322-pof-two-coins", "", "two inputs of one account", both, more.pof(owner), nil)
	m.made("happy-bip322-pof-alone", "", "no further input", of("bip322-pof", first), fundsPlan{hashType: txscript.SigHashAll}.pof(owner), nil)
	own := fundsPlan{keys: []*btcec.PrivateKey{one, two}, hashType: txscript.SigHashAll}
	m.made("happy-bip322-pof-of-its-own-coins", "B14", "a coin of the first account itself", of("bip322-pof", account(one), account(two)), own.pofSegwit(one), nil)
	pair := of("bip127", account(one), account(two))
	m.made("happy-bip127", "B14", "the commitment is an input that spends nothing", pair, plan.bip127, nil)

	m.made("pof-input-of-no-account", "B13", "a further input of a script that nobody named", of("bip322-pof", first, account(one)), plan.pof(owner), nothing)
	m.made("pof-account-without-input", "B13", "an account named, and no input of it", of("bip322-pof", first, account(one), account(two)), fundsPlan{keys: plan.keys[:1], hashType: txscript.SigHashAll}.pof(owner), nothing)
	m.made("pof-accounts-unsorted", "E2", "after the first they ascend", of("bip322-pof", first, account(two), account(one)), plan.pof(owner), nothing)
	none := plan
	none.hashType = txscript.SigHashNone
	m.made("pof-further-hash-type-none", "B13", "the rules hold for every input", both, none.pof(owner), nothing)
	m.made("bip127-further-hash-type-none", "B13", "", pair, none.bip127, nothing)
	anyone := plan
	anyone.hashType = txscript.SigHashAll | txscript.SigHashAnyOneCanPay
	m.made("bip127-anyone-can-pay", "B13", "signatures that do not cover the commitment fit every text", pair, anyone.bip127, nothing)
	other := plan
	other.without = func(tx *wire.MsgTx) { tx.TxIn[2].Witness = tx.TxIn[1].Witness }
	m.made("pof-witness-of-another-account", "B13", "the second account's witness again for the third", both, other.pof(owner), nothing)
	for _, c := range []struct {
		name, attack, comment string
		edit                  func(tx *wire.MsgTx)
	}{
		{"pof-lock-time", "B13", "valid at time 900,000: not now", func(tx *wire.MsgTx) { tx.LockTime = 900_000 }},
		{"pof-output-value", "B13", "one satoshi", func(tx *wire.MsgTx) { tx.TxOut[0].Value = 1 }},
		{"pof-version-1", "B13", "inconclusive", func(tx *wire.MsgTx) { tx.Version = 1 }},
		{"pof-one-coin-twice", "B13", "two inputs spend one output", func(tx *wire.MsgTx) { tx.TxIn[2].PreviousOutPoint = tx.TxIn[1].PreviousOutPoint }},
	} {
		p := plan
		if p.edit = c.edit; c.name == "pof-one-coin-twice" {
			p.keys = []*btcec.PrivateKey{one, one}
			m.made(c.name, c.attack, c.comment, of("bip322-pof", first, account(one)), p.pof(owner), nothing)
			continue
		}
		m.made(c.name, c.attack, c.comment, both, p.pof(owner), nothing)
	}
	lying := plan
	lying.message = func(string) string { return "another text" }
	m.made("pof-names-another-message", "B24", "the PSBT's own message is not the text", both, lying.pof(owner), nothing)
	m.made("pof-for-another-root", "B24", "signed before the tree was rebuilt", both, plan.pof(owner), func(v *vector) { v.Root = strings.Repeat("8", 64) })
	open := plan
	open.without = func(tx *wire.MsgTx) { tx.TxIn[2].Witness = nil }
	m.made("pof-not-finalised", "E5", "an input without its witness", both, open.pof(owner), nothing)
	edited := func(change func(raw []byte) []byte) func(v *vector) {
		return func(v *vector) {
			raw := must(base64.StdEncoding.DecodeString(v.Signature[3:]))
			v.Signature = "pof" + base64.StdEncoding.EncodeToString(change(raw))
		}
	}
	m.made("pof-trailing-byte", "E7", "", both, plan.pof(owner), edited(func(raw []byte) []byte { return append(raw, 0) }))
	m.made("pof-unknown-field", "E5", "a field that BIP-174 does not know, in the last map", both, plan.pof(owner), edited(func(raw []byte) []byte {
		return append(raw[:len(raw)-1:len(raw)-1], 1, 0x30, 0, 0)
	}))
	m.made("pof-as-full", "B13", "", of("bip322-full", first), plan.pof(owner), func(v *vector) { v.Signature = "ful" + v.Signature[3:] })

	commitment := plan
	m.made("bip127-commitment-of-another-text", "B24", "made before the tree was rebuilt", pair, commitment.bip127, func(v *vector) { v.Root = strings.Repeat("8", 64) })
	commitment.edit = func(tx *wire.MsgTx) { tx.TxIn[0].PreviousOutPoint.Index = 1 }
	m.made("bip127-commitment-index", "B13", "output 1 of the commitment", pair, commitment.bip127, nothing)
	commitment.edit = func(tx *wire.MsgTx) { tx.AddTxOut(wire.NewTxOut(1, []byte{txscript.OP_TRUE})) }
	m.made("bip127-two-outputs", "B13", "", pair, commitment.bip127, nothing)
	m.made("bip127-account-without-input", "B13", "", pair, fundsPlan{keys: plan.keys[:1], hashType: txscript.SigHashAll}.bip127, nothing)
	m.made("bip127-input-of-no-account", "B13", "", of("bip127", account(one)), plan.bip127, nothing)
	m.made("bip127-accounts-unsorted", "E2", "all of them ascend", of("bip127", account(two), account(one)), plan.bip127, nothing)
}
