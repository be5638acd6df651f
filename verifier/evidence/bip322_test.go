package evidence

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

const (
	mainnet = "bip122:000000000019d6689c085ae165831e93"
	testnet = "bip122:000000000933ea01ad0ee984209779ba"
	regtest = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
	simnet  = "bip122:683e86bd5c6d110d91b94b97137ba6bf"
)

type bip322Vectors struct {
	Hashes []struct {
		Message     string `json:"message"`
		Address     string `json:"address"`
		MessageHash string `json:"message_hash"`
		ToSpend     string `json:"to_spend_tx_hash"`
		ToSign      string `json:"to_sign_tx_hash"`
	} `json:"tx_hashes"`
	Simple []bip322Case `json:"simple"`
	Full   []bip322Case `json:"full"`
	Proofs []bip322Case `json:"proof_of_funds"`
	Errors []struct {
		Description string `json:"description"`
		Message     string `json:"message"`
		Address     string `json:"address"`
		Signature   string `json:"signature"`
	} `json:"error"`
}

type bip322Case struct {
	Message    string   `json:"message"`
	Address    string   `json:"address"`
	Type       string   `json:"type"`
	Signatures []string `json:"bip322_signatures"`
	LockTime   uint32   `json:"lock_time"`
	Sequence   uint32   `json:"sequence"`
	Additional [][]struct {
		PkScript string `json:"pk_script"`
	} `json:"additional_inputs"`
}

func readBIP322(t testing.TB) (all bip322Vectors) {
	t.Helper()
	for _, name := range []string{"testdata/bip322-basic.json", "testdata/bip322-generated.json"} {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v bip322Vectors
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		all.Hashes = append(all.Hashes, v.Hashes...)
		all.Simple = append(all.Simple, v.Simple...)
		all.Full = append(all.Full, v.Full...)
		all.Proofs = append(all.Proofs, v.Proofs...)
		all.Errors = append(all.Errors, v.Errors...)
	}
	if len(all.Hashes) != 3 || len(all.Simple) != 8 || len(all.Full) != 10 || len(all.Proofs) != 3 || len(all.Errors) != 36 {
		t.Fatalf("got %d hashes, %d simple, %d full, %d proofs, %d errors", len(all.Hashes), len(all.Simple), len(all.Full), len(all.Proofs), len(all.Errors))
	}
	return all
}

func TestBIP322_TransactionHashes(t *testing.T) {
	for _, v := range readBIP322(t).Hashes {
		script, _, err := accountScript(mainnet + ":" + v.Address)
		if err != nil {
			t.Fatal(err)
		}
		toSpend, toSign := simpleTransactions(script, v.Message, nil)
		if got := legacyID(toSpend).String(); got != v.ToSpend {
			t.Errorf("%q: to_spend: got %s, want %s", v.Message, got, v.ToSpend)
		}
		if got := legacyID(toSign).String(); got != v.ToSign {
			t.Errorf("%q: to_sign: got %s, want %s", v.Message, got, v.ToSign)
		}
		if got := hex.EncodeToString(toSpend.TxIn[0].SignatureScript[2:]); got != v.MessageHash {
			t.Errorf("%q: message hash: got %s, want %s", v.Message, got, v.MessageHash)
		}
	}
}

func TestBIP322_SimpleVectors(t *testing.T) {
	for _, v := range readBIP322(t).Simple {
		for _, signature := range v.Signatures {
			account := mainnet + ":" + v.Address
			if !strings.HasPrefix(signature, "smp") {
				_, err := verifyOne(MethodBIP322, account, v.Message, signature)
				wantFormat(t, err, "signature", "not a simple signature")
				signature = "smp" + signature // the same witness, told by its prefix
			}
			grade, err := verifyOne(MethodBIP322, account, v.Message, signature)
			if err != nil || grade != GradeScript {
				t.Errorf("%s %q: got %q, %v; want %q", v.Type, v.Message, grade, err, GradeScript)
			}
		}
	}
}

// Full signatures and proofs of funds are good signatures, and not simple ones.
func TestBIP322_OtherFormsAreRefused(t *testing.T) {
	v := readBIP322(t)
	for _, c := range append(v.Full, v.Proofs...) {
		for _, signature := range c.Signatures {
			_, err := verifyOne(MethodBIP322, mainnet+":"+c.Address, c.Message, signature)
			if strings.HasPrefix(c.Address, "bc1") {
				wantFormat(t, err, "signature", "not a simple signature")
			} else {
				wantFormat(t, err, "account", "is for P2WPKH, P2WSH and P2TR")
			}
		}
	}
}

func TestBIP322_ErrorVectors(t *testing.T) {
	simple := 0
	for _, v := range readBIP322(t).Errors {
		t.Run(v.Description, func(t *testing.T) {
			_, err := verifyOne(MethodBIP322, mainnet+":"+v.Address, v.Message, v.Signature)
			switch {
			case !strings.HasPrefix(v.Address, "bc1"):
				wantFormat(t, err, "account", "is for P2WPKH, P2WSH and P2TR")
			case !strings.HasPrefix(v.Signature, "smp"):
				wantFormat(t, err, "signature", "not a simple signature")
			default:
				simple++
				wantCheck(t, err, "signature", "not this account's signature of this text")
			}
		})
	}
	if simple < 10 {
		t.Errorf("%d error vectors are simple signatures, want 10 or more", simple)
	}
}

// signer makes simple signatures of any script and any hash type, so that each rule can be broken alone.
type signer struct {
	key     *btcec.PrivateKey
	message string
}

func newSigner(message string) signer {
	key, _ := btcec.PrivKeyFromBytes([]byte("a key for tests, of 32 bytes.   "))
	return signer{key: key, message: message}
}

func (s signer) pub() []byte   { return s.key.PubKey().SerializeCompressed() }
func (s signer) xOnly() []byte { return schnorr.SerializePubKey(s.key.PubKey()) }

func (s signer) transactions(pkScript []byte) (*wire.MsgTx, *txscript.TxSigHashes) {
	_, toSign := simpleTransactions(pkScript, s.message, nil)
	fetcher := txscript.NewCannedPrevOutputFetcher(pkScript, 0)
	return toSign, txscript.NewTxSigHashes(toSign, fetcher)
}

func (s signer) ecdsa(t testing.TB, pkScript, script []byte, hashType txscript.SigHashType) []byte {
	t.Helper()
	tx, hashes := s.transactions(pkScript)
	sig, err := txscript.RawTxInWitnessSignature(tx, hashes, 0, 0, script, hashType, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func (s signer) tapscript(t testing.TB, pkScript, script []byte, hashType txscript.SigHashType) []byte {
	t.Helper()
	tx, hashes := s.transactions(pkScript)
	sig, err := txscript.RawTxInTapscriptSignature(tx, hashes, 0, 0, pkScript, txscript.NewBaseTapLeaf(script), hashType, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func (s signer) keySpend(t testing.TB, pkScript []byte, hashType txscript.SigHashType) []byte {
	t.Helper()
	tx, hashes := s.transactions(pkScript)
	sig, err := txscript.RawTxInTaprootSignature(tx, hashes, 0, 0, pkScript, nil, hashType, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func smp(witness ...[]byte) string {
	raw := compactSize(uint64(len(witness)))
	for _, item := range witness {
		raw = append(append(raw, compactSize(uint64(len(item)))...), item...)
	}
	return "smp" + base64.StdEncoding.EncodeToString(raw)
}

func scriptOf(t testing.TB, build func(b *txscript.ScriptBuilder)) []byte {
	t.Helper()
	b := txscript.NewScriptBuilder()
	build(b)
	script, err := b.Script()
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// taproot makes the output of one script leaf and the control block that opens it.
func (s signer) taproot(t testing.TB, script []byte) (pkScript, control []byte) {
	t.Helper()
	tree := txscript.AssembleTaprootScriptTree(txscript.NewBaseTapLeaf(script))
	root := tree.RootNode.TapHash()
	output := txscript.ComputeTaprootOutputKey(s.key.PubKey(), root[:])
	block := tree.LeafMerkleProofs[0].ToControlBlock(s.key.PubKey())
	control, err := block.ToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{txscript.OP_1, txscript.OP_DATA_32}, schnorr.SerializePubKey(output)...), control
}
