package control

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/assay-por/assay/chains"
)

// The well-known first key of local Ethereum test nodes.
const testKey = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

const testAccount = chains.Account("eip155:1:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")

// verified checks a signature over any text.
func verified(account chains.Account, text, signature string) (method, normalized string, grade chains.ControlGrade, err error) {
	s, err := verify([]chains.Account{account}, text, signature, Facts{})
	if err != nil {
		return s.Method, s.Signature, chains.NoControl, err
	}
	return s.Method, s.Signature, s.Grade, nil
}

func signEIP191(t *testing.T, text string) []byte {
	t.Helper()
	key, err := crypto.HexToECDSA(testKey)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := crypto.Sign(eip191Digest(ethereumWords, text), key)
	if err != nil {
		t.Fatal(err)
	}
	sig[64] += 27
	return sig
}

func TestEIP191(t *testing.T) {
	text := demoChallenge(testAccount).Text()
	sig := signEIP191(t, text)
	want := "0x" + hex.EncodeToString(sig)
	low := bytes.Clone(sig)
	low[64] -= 27
	for name, good := range map[string]string{
		"as wallets write it": want, "v of 0 or 1": "0x" + hex.EncodeToString(low), "no 0x": want[2:],
		"upper case": "0x" + strings.ToUpper(want[2:]), "line feed": want + "\n",
	} {
		method, normalized, grade, err := verified(testAccount, text, good)
		if err != nil || method != EIP191 || normalized != want || grade != chains.Bound {
			t.Errorf("%s: got %s, %s, %s, %v", name, method, normalized, grade, err)
		}
	}
	order, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	high := bytes.Clone(sig)
	new(big.Int).Sub(order, new(big.Int).SetBytes(sig[32:64])).FillBytes(high[32:64])
	high[64] = 27 + 28 - high[64]
	edit := func(i int, b byte) string {
		bad := bytes.Clone(sig)
		bad[i] = b
		return "0x" + hex.EncodeToString(bad)
	}
	for name, bad := range map[string]string{
		"empty": "", "not hex": "0x" + strings.Repeat("zz", 65), "short": want[:len(want)-2], "long": want + "00",
		"high s": "0x" + hex.EncodeToString(high), "v of 29": edit(64, 29), "v of 2": edit(64, 2), "v of 26": edit(64, 26),
		"other v": edit(64, 27+28-sig[64]), "another r": edit(0, sig[0]^1), "another s": edit(40, sig[40]^1),
		"zero r": "0x" + strings.Repeat("00", 32) + want[66:], "all zero": "0x" + strings.Repeat("00", 65),
	} {
		if method, normalized, grade, err := verified(testAccount, text, bad); err == nil || grade != chains.NoControl || method+normalized != "" {
			t.Errorf("%s: accepted: %s %s %s", name, method, normalized, grade)
		}
	}
}

// TestB24_AnotherChallenge: a signature is good for one account, block and root.
func TestB24_AnotherChallenge(t *testing.T) {
	signed := demoChallenge(testAccount)
	sig := "0x" + hex.EncodeToString(signEIP191(t, signed.Text()))
	for name, edit := range map[string]func(c *Challenge){
		"exchange": func(c *Challenge) { c.Exchange = "Demo exchange" },
		"snapshot": func(c *Challenge) { c.Snapshot = strings.Repeat("00", 32) },
		"account":  func(c *Challenge) { c.Accounts[0].Account = "eip155:10:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266" },
		"block":    func(c *Challenge) { c.Accounts[0].Block = "0x" + strings.Repeat("00", 32) },
		"more": func(c *Challenge) {
			c.Accounts = append(c.Accounts, Pinned{Account: "eip155:10:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266", Block: "0x00"})
		},
		"root": func(c *Challenge) { c.Root = strings.Repeat("00", 32) },
	} {
		c := demoChallenge(testAccount)
		edit(&c)
		if _, _, grade, err := verified(testAccount, c.Text(), sig); err == nil || grade != chains.NoControl {
			t.Errorf("another %s: accepted with grade %s", name, grade)
		}
	}
	if _, _, _, err := verified("eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052", signed.Text(), sig); err == nil {
		t.Error("another account: accepted")
	}
}

// A wallet of the tests: a script and what signs for it.
type wallet struct {
	account chains.Account
	script  []byte
}

func bitcoinKey(t *testing.T) *btcec.PrivateKey {
	t.Helper()
	raw, err := hex.DecodeString(testKey)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := btcec.PrivKeyFromBytes(raw)
	return key
}

func walletOf(t *testing.T, a address.Address, err error) wallet {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	script, err := txscript.PayToAddrScript(a)
	if err != nil {
		t.Fatal(err)
	}
	return wallet{chains.Account(mainnet + ":" + a.EncodeAddress()), script}
}

// toSign returns the virtual transaction of a wallet, with its hashes.
func (w wallet) toSign(text string) (*wire.MsgTx, *txscript.TxSigHashes) {
	tx := virtualSpend(w.script, text)
	return tx, txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(w.script, 0))
}

func encoded(t *testing.T, witness wire.TxWitness) string {
	t.Helper()
	var b bytes.Buffer
	if err := encodeWitness(&b, witness); err != nil {
		t.Fatal(err)
	}
	return simplePrefix + base64.StdEncoding.EncodeToString(b.Bytes())
}

func expect(t *testing.T, what string, account chains.Account, text, signature, says string) {
	t.Helper()
	_, normalized, grade, err := verified(account, text, signature)
	if says == "" {
		if err != nil || grade != chains.Script || normalized != signature {
			t.Errorf("%s: got %s, %s, %v, want it accepted", what, normalized, grade, err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), says) || grade != chains.NoControl {
		t.Errorf("%s: got %s, %v, want an error about %q", what, grade, err, says)
	}
}

func TestB13_P2WPKH(t *testing.T) {
	key := bitcoinKey(t)
	a, err := address.NewAddressWitnessPubKeyHash(address.Hash160(key.PubKey().SerializeCompressed()), &chaincfg.MainNetParams)
	w := walletOf(t, a, err)
	text := demoChallenge(w.account).Text()
	tx, hashes := w.toSign(text)
	for hashType, says := range map[txscript.SigHashType]string{
		txscript.SigHashAll: "", txscript.SigHashNone: "hash type", txscript.SigHashSingle: "hash type",
		txscript.SigHashAll | txscript.SigHashAnyOneCanPay: "hash type", txscript.SigHashNone | txscript.SigHashAnyOneCanPay: "hash type",
	} {
		witness, err := txscript.WitnessSignature(tx, hashes, 0, 0, w.script, hashType, key, true)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, hashTypeError(0, byte(hashType)).Error(), w.account, text, encoded(t, witness), says)
	}
	witness, err := txscript.WitnessSignature(tx, hashes, 0, 0, w.script, txscript.SigHashAll, key, true)
	if err != nil {
		t.Fatal(err)
	}
	good := encoded(t, witness)
	expect(t, "another text", w.account, text+" ", good, "not this account's")
	expect(t, "an item more", w.account, text, encoded(t, append(wire.TxWitness{{}}, witness...)), "not this account's")
	expect(t, "no signature", w.account, text, encoded(t, wire.TxWitness{{}, witness[1]}), "not this account's")
	expect(t, "bytes left over", w.account, text, good[:3]+base64.StdEncoding.EncodeToString(append(decoded(t, good), 0)), "left over")
	expect(t, "cut off", w.account, text, good[:3]+base64.StdEncoding.EncodeToString(decoded(t, good)[:50]), "cut off")
	expect(t, "no items", w.account, text, "smpAA==", "no witness stack")
	expect(t, "a count of billions", w.account, text, "smp/v////8=", "no witness stack")
	expect(t, "full variant", w.account, text, "ful"+good[3:], "no whole transaction")
	expect(t, "proof of funds", w.account, text, "pof"+good[3:], "no whole PSBT")
	for name, pasted := range map[string]string{"without prefix": good[3:], "wrapped": good[:40] + "\n" + good[40:] + "\n"} {
		if _, normalized, _, err := verified(w.account, text, pasted); err != nil || normalized != good {
			t.Errorf("%s: got %s, %v", name, normalized, err)
		}
	}
	// The last digit before the padding has two bits that say nothing.
	const vector = "smpAkcwRAIgM2gBAQqvZX15ZiysmKmQpDrG83avLIT492QBzLnQIxYCIBaTpOaD20qRlEylyxFSeEA2ba9YOixpX8z46TSDtS40ASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI="
	const signer = chains.Account(mainnet + ":bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l")
	expect(t, "tight base64", signer, "", vector, "")
	expect(t, "loose base64", signer, "", strings.Replace(vector, "I=", "J=", 1), "base64")
	testnet := chains.Account("bip122:000000000933ea01ad0ee984209779ba:" + w.account.Address())
	expect(t, "address of another network", testnet, text, good, "not one of testnet3")
	dogecoin := chains.Account("bip122:1a91e3dace36e2be3bf030a65679fe82:" + w.account.Address())
	expect(t, "another chain", dogecoin, text, good, "no Bitcoin network")
	expect(t, "P2PKH", mainnet+":1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", text, good, "only P2WPKH, P2WSH and P2TR")
}

// TestB13_Litecoin: the same key has other addresses on Litecoin, and each
// signature is over the text that names its chain.
func TestB13_Litecoin(t *testing.T) {
	key := bitcoinKey(t)
	program := address.Hash160(key.PubKey().SerializeCompressed())
	for reference, hrp := range map[string]string{
		"12a765e31ffd4059bada1e25190f6e98": "ltc", "4966625a4b2851d9fdee139e56211a0d": "tltc", "530827f38f93b43ed12af0b3ad25a288": "rltc",
	} {
		a, err := address.NewAddressWitnessPubKeyHash(program, &chaincfg.Params{Bech32HRPSegwit: hrp})
		w := walletOf(t, a, err)
		account := chains.Account("bip122:" + reference + ":" + a.EncodeAddress())
		text := demoChallenge(account).Text()
		tx, hashes := w.toSign(text)
		witness, err := txscript.WitnessSignature(tx, hashes, 0, 0, w.script, txscript.SigHashAll, key, true)
		if err != nil {
			t.Fatal(err)
		}
		good := encoded(t, witness)
		expect(t, hrp, account, text, good, "")
		expect(t, hrp+", another text", account, text+" ", good, "not this account's")
		expect(t, hrp+", an address of Bitcoin", chains.Account("bip122:"+reference+":bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l"), text, good, "not one of litecoin")
		expect(t, hrp+", wrong checksum", account[:len(account)-1]+"q", text, good, "checksum")
	}
	expect(t, "P2PKH", "bip122:12a765e31ffd4059bada1e25190f6e98:LS6BYnYPNvGYtLTmMYAEJWaTC1zZZvJXGx", "", "smp", "only P2WPKH, P2WSH and P2TR")
}

func decoded(t *testing.T, signature string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(signature[3:])
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestB13_P2TR(t *testing.T) {
	key := bitcoinKey(t)
	a, err := address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(key.PubKey())), &chaincfg.MainNetParams)
	w := walletOf(t, a, err)
	text := demoChallenge(w.account).Text()
	tx, hashes := w.toSign(text)
	for hashType, says := range map[txscript.SigHashType]string{
		txscript.SigHashDefault: "", txscript.SigHashAll: "", txscript.SigHashNone: "hash type", txscript.SigHashSingle: "hash type",
		txscript.SigHashAll | txscript.SigHashAnyOneCanPay: "hash type",
	} {
		witness, err := txscript.TaprootWitnessSignature(tx, hashes, 0, 0, w.script, hashType, key)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, hashTypeError(0, byte(hashType)).Error(), w.account, text, encoded(t, witness), says)
		expect(t, "an annex", w.account, text, encoded(t, append(witness, []byte{0x50, 1})), "annex")
	}
}

// TestB13_Tapscript spends by a script: a signature, and a code separator.
func TestB13_Tapscript(t *testing.T) {
	key := bitcoinKey(t)
	for name, c := range map[string]struct {
		before   []byte
		hashType txscript.SigHashType
		says     string
	}{
		"a signature":    {nil, txscript.SigHashDefault, ""},
		"ALL":            {nil, txscript.SigHashAll, ""},
		"SINGLE":         {nil, txscript.SigHashSingle, "hash type"},
		"CODESEPARATOR":  {[]byte{txscript.OP_CODESEPARATOR}, txscript.SigHashDefault, "OP_CODESEPARATOR"},
		"unused success": {[]byte{0x50}, txscript.SigHashDefault, "inconclusive"},
	} {
		script := append(bytes.Clone(c.before), txscript.OP_DATA_32)
		script = append(append(script, schnorr.SerializePubKey(key.PubKey())...), txscript.OP_CHECKSIG)
		leaf := txscript.NewBaseTapLeaf(script)
		tree := txscript.AssembleTaprootScriptTree(leaf)
		root := tree.RootNode.TapHash()
		a, err := address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootOutputKey(key.PubKey(), root[:])), &chaincfg.MainNetParams)
		w := walletOf(t, a, err)
		text := demoChallenge(w.account).Text()
		tx, hashes := w.toSign(text)
		sig, err := txscript.RawTxInTapscriptSignature(tx, hashes, 0, 0, w.script, leaf, c.hashType, key)
		if err != nil {
			t.Fatal(err)
		}
		controlBlock := tree.LeafMerkleProofs[0].ToControlBlock(key.PubKey())
		block, err := controlBlock.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		expect(t, name, w.account, text, encoded(t, wire.TxWitness{sig, script, block}), c.says)
	}
}

func TestB13_P2WSH(t *testing.T) {
	key := bitcoinKey(t)
	checksig := append(append([]byte{txscript.OP_DATA_33}, key.PubKey().SerializeCompressed()...), txscript.OP_CHECKSIG)
	for name, c := range map[string]struct {
		script   []byte
		hashType txscript.SigHashType
		says     string
	}{
		"a signature":   {checksig, txscript.SigHashAll, ""},
		"NONE":          {checksig, txscript.SigHashNone, "hash type"},
		"CODESEPARATOR": {append([]byte{txscript.OP_CODESEPARATOR}, checksig...), txscript.SigHashAll, "OP_CODESEPARATOR"},
		"upgradable":    {append([]byte{txscript.OP_NOP10}, checksig...), txscript.SigHashAll, "inconclusive"},
	} {
		program := chainhash.HashB(c.script)
		a, err := address.NewAddressWitnessScriptHash(program, &chaincfg.MainNetParams)
		w := walletOf(t, a, err)
		text := demoChallenge(w.account).Text()
		tx, hashes := w.toSign(text)
		sig, err := txscript.RawTxInWitnessSignature(tx, hashes, 0, 0, c.script, c.hashType, key)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, name, w.account, text, encoded(t, wire.TxWitness{sig, c.script}), c.says)
		if c.says == "" {
			expect(t, "an item that is not consumed", w.account, text, encoded(t, wire.TxWitness{{1}, sig, c.script}), "not this account's")
		}
	}
}

// TestB13_NoSignature: what a script takes without any signature fits every
// challenge.
func TestB13_NoSignature(t *testing.T) {
	hash := address.Hash160([]byte("secret"))
	for name, c := range map[string]struct {
		script  []byte
		witness wire.TxWitness
	}{
		"anyone":    {[]byte{txscript.OP_1}, nil},
		"hash lock": {append(append([]byte{txscript.OP_HASH160, txscript.OP_DATA_20}, hash...), txscript.OP_EQUAL), wire.TxWitness{[]byte("secret")}},
	} {
		a, err := address.NewAddressWitnessScriptHash(chainhash.HashB(c.script), &chaincfg.MainNetParams)
		w := walletOf(t, a, err)
		expect(t, name, w.account, demoChallenge(w.account).Text(), encoded(t, append(c.witness, c.script)), "no signature is checked")
	}
}

func FuzzVerify(f *testing.F) {
	const p2wpkh = mainnet + ":bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l"
	f.Add("smpAkcwRAIgM2gBAQqvZX15ZiysmKmQpDrG83avLIT492QBzLnQIxYCIBaTpOaD20qRlEylyxFSeEA2ba9YOixpX8z46TSDtS40ASECx/EgAxlkQpQ9hYjgGu6EBCPMVPwVIVJqO4XCsMvViHI=")
	f.Add("0x" + strings.Repeat("11", 65))
	f.Add("smpAA==")
	f.Add("fulAgAAAAABAUrfzHHOLAKmgCIFSTT3krp+cQxj1BDPBN4GBg3tRmFXAAAAAAAAAAAAAQAAAAAAAAAAAWoAAAAAAA==")
	f.Add("ICbtzQ0/Pjg2d8Gqm00HcbVs7FtvfCFi8oYJ78vJ9k7INK+LeuPmLT2IWB1V4nFznUuw7MyPY1Xnj7Md4rmCmgc=")
	f.Fuzz(func(t *testing.T, signature string) {
		for _, account := range []chains.Account{testAccount, p2wpkh, mainnet + ":bc1pss0zhytly75awhm6x2hhvd5lnzv3vssgrf9axfheq8ldyzn88ges79fler",
			mainnet + ":bc1qp0ahvfh83088w49k405szqgg4f3pptr7p2g06tdxfjcd40z4lh4q95lsz9",
			mainnet + ":1G5Bg6w4srw965M1JSYTFNtDg4fXpeYh3r", mainnet + ":3GYyRHMxumGtBptFNgxSGGQQwDJwnphTYf"} {
			_, normalized, _, err := verified(account, "", signature)
			if err != nil {
				continue
			}
			if _, again, _, err := verified(account, "", normalized); err != nil || again != normalized {
				t.Errorf("%s: %q became %q, which became %q, %v", account, signature, normalized, again, err)
			}
		}
	})
}
