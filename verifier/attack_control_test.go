package verifier

import (
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/verifier/evidence"
)

// TestB01_StaticTextInABundle: a text that can be shown again is worth the grade static, which the policy need not count.
func TestB01_StaticTextInABundle(t *testing.T) {
	key := walletKey("wallet")
	w := newFullWorld()
	w.policy = strings.Replace(w.policy, `["bound", "none"]`, `["bound"]`, 1)
	honest := w.signAs
	w.signAs = func(root, snapshot string) []obj {
		list := honest(root, snapshot)
		list[0]["message"], list[0]["signature"] = "I am an OKX address", signEIP191(key, "I am an OKX address")
		return list
	}
	refused(t, verify(t, w.make(t)), "reserves.lines", "it claims the control grade bound, the signatures reach static")
	w.lines[1]["control"], w.lines[2]["control"] = "static", "static"
	v := verify(t, w.make(t))
	proven(t, v)
	if v.Coverage[1].Counted != "0" {
		t.Errorf("a static text counts: %+v", v.Coverage[1])
	}
}

// TestB11_OwnersNotProved: owners of a contract sign, and nothing in the state shows that they are its owners.
func TestB11_OwnersNotProved(t *testing.T) {
	w := newFullWorld()
	honest := w.signAs
	w.signAs = func(root, snapshot string) []obj {
		list := honest(root, snapshot)
		list[0]["method"] = evidence.MethodSafe
		return list
	}
	refused(t, verify(t, w.make(t)), "control", "its owners are not proved")
	w.evidence[evmChain]["nodes"] = w.evidence[evmChain]["nodes"].([]string)[1:]
	v := verify(t, w.make(t))
	if c := find(v, "control"); c.Result != Skipped || !strings.Contains(c.Detail, "the check evidence."+evmChain+", which proves the owners") || v.Proven {
		t.Errorf("without evidence: %+v", c)
	}
}

// What a contract accepts is the nodes' word: the grade and a note say so.
func TestB11_ContractsWord(t *testing.T) {
	w := newFullWorld()
	honest := w.signAs
	w.signAs = func(root, snapshot string) []obj {
		list := honest(root, snapshot)
		list[0]["method"], list[0]["nodes"], list[0]["signature"] = evidence.MethodEIP1271, []string{"node one", "node two"}, "0x"
		return list
	}
	refused(t, verify(t, w.make(t)), "reserves.lines", "the signatures reach contract-attested")
	w.lines[1]["control"], w.lines[2]["control"] = "contract-attested", "contract-attested"
	v := verify(t, w.make(t))
	proven(t, v)
	if !strings.Contains(strings.Join(v.Notes, "\n"), "what these nodes are said to have answered: node one, node two") {
		t.Errorf("notes %q", v.Notes)
	}
}

// ownedWorld has coins that a key can sign for, by a proof of funds that names a fortune.
func ownedWorld(method string, sign func(text string) string) *world {
	w := newFullWorld()
	utxo := utxoFixtureOf(address.Hash160(walletKey("wallet").PubKey().SerializeCompressed()))
	w.blocks[0], w.evidence[utxoChain], w.lines[0] = utxo.block, utxo.evidence, utxo.lines[0]
	w.lines[0]["control"] = "script"
	w.policy = strings.Replace(w.policy, `["bound", "none"]`, `["bound", "script"]`, 1)
	account, honest := utxo.lines[0]["account"].(string), w.signAs
	w.signAs = func(root, snapshot string) []obj {
		text := evidence.Challenge("Demo Exchange", snapshot, root, evidence.Pinned{Chain: utxoChain, Account: account, Block: utxo.block["hash"].(string)})
		return append([]obj{{"accounts": []string{account}, "method": method, "signature": sign(text)}}, honest(root, snapshot)...)
	}
	return w
}

// fortune is a proof of funds in BIP-127's form whose input says that it spends 21 million coins.
func fortune(key *btcec.PrivateKey, coins int64) func(text string) string {
	return func(text string) string {
		script := payToKeyHash(address.Hash160(key.PubKey().SerializeCompressed()))
		tx := wire.NewMsgTx(2)
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: sha256.Sum256([]byte("Proof-of-Reserves: " + text))}})
		tx.AddTxIn(&wire.TxIn{PreviousOutPoint: wire.OutPoint{Hash: sha256.Sum256([]byte("made up"))}})
		tx.AddTxOut(wire.NewTxOut(coins, script))
		tx.TxIn[1].SignatureScript = must(txscript.SignatureScript(tx, 1, script, txscript.SigHashAll, key, true))
		return psbtOf(tx, []*wire.TxOut{nil, wire.NewTxOut(coins, script)}, "")
	}
}

// TestB14_ProofOfFundsSaysNothingOfFunds: a proof of funds shows control. Whatever it says that it spends is in no amount and no sentence
// of the verdict, and raises no grade of evidence.
func TestB14_ProofOfFundsSaysNothingOfFunds(t *testing.T) {
	key := walletKey("wallet")
	const coins = 2_099_999_997_690_000
	for method, sign := range map[string]func(string) string{evidence.MethodBIP127: fortune(key, coins), evidence.MethodFunds: fundsPlan{}.pof(key)} {
		w := ownedWorld(method, sign)
		v := verify(t, w.make(t))
		proven(t, v)
		if v.Coverage[0].Counted != "2" {
			t.Errorf("%s: %+v", method, v.Coverage[0])
		}
		told, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`(?i)funds|209999999769|20999999\.9769|solven`).FindAllString(string(told), -1); found != nil {
			t.Errorf("%s: the verdict says %q: %s", method, found, told)
		}
		w.lines[0]["amount"] = "2099999997690000"
		refused(t, verify(t, w.make(t)), "reserves.lines", "the evidence gives 200000000")
		w.lines[0]["amount"], w.lines[0]["evidence"] = "200000000", "filter-checked"
		refused(t, verify(t, w.make(t)), "reserves.lines", "the evidence reaches inclusion-proved")
	}
	w := ownedWorld(evidence.MethodBIP127, func(text string) string { return fortune(key, coins)(text + ".") })
	refused(t, verify(t, w.make(t)), "control", "the first input is the commitment of another text")
}

// TestB24_OfSeveralAccounts: the challenge of an entry names all of its accounts, each with the pinned block of its own chain.
func TestB24_OfSeveralAccounts(t *testing.T) {
	w := newFullWorld()
	account, block := w.lines[1]["account"].(string), w.blocks[1]["hash"].(string)
	key := walletKey("wallet")
	signed := func(accounts []string, pinned ...evidence.Pinned) {
		w.signAs = func(root, snapshot string) []obj {
			return []obj{{"accounts": accounts, "method": "eip191", "signature": signEIP191(key, evidence.Challenge("Demo Exchange", snapshot, root, pinned...))}}
		}
	}
	ours := evidence.Pinned{Chain: evmChain, Account: account, Block: block}
	signed([]string{account}, ours)
	proven(t, verify(t, w.make(t)))
	signed([]string{account}, ours, evidence.Pinned{Chain: otherEVM, Account: otherEVM + account[len(evmChain):], Block: block})
	refused(t, verify(t, w.make(t)), "control", "not this account's signature of this text")
	signed([]string{account}, evidence.Pinned{Chain: evmChain, Account: account, Block: w.blocks[0]["hash"].(string)})
	refused(t, verify(t, w.make(t)), "control", "not this account's signature of this text")
	other := w.lines[0]["account"].(string)
	signed([]string{other, account}, evidence.Pinned{Chain: utxoChain, Account: other, Block: w.blocks[0]["hash"].(string)}, ours)
	refused(t, verify(t, w.make(t)), "control", "signature 0, by "+other+" and 1 more")
	signed([]string{account, otherEVM + account[len(evmChain):]}, ours)
	refused(t, verify(t, w.make(t)), "control", "signature 0 is by "+otherEVM+account[len(evmChain):]+", which has no reserve line")
}
