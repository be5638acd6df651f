package control

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/assay-por/assay/chains"
)

const mainnet = "bip122:000000000019d6689c085ae165831e93"

type vectors struct {
	Simple []struct {
		Message    string   `json:"message"`
		Address    string   `json:"address"`
		Signatures []string `json:"bip322_signatures"`
	} `json:"simple"`
	Full []struct {
		Message    string   `json:"message"`
		Address    string   `json:"address"`
		Signatures []string `json:"bip322_signatures"`
		LockTime   uint32   `json:"lock_time"`
		Sequence   uint32   `json:"sequence"`
	} `json:"full"`
	Proofs []struct {
		Message    string   `json:"message"`
		Address    string   `json:"address"`
		Signatures []string `json:"bip322_signatures"`
		LockTime   uint32   `json:"lock_time"`
		Sequence   uint32   `json:"sequence"`
		Further    [][]struct {
			Script string `json:"pk_script"`
		} `json:"additional_inputs"`
	} `json:"proof_of_funds"`
	Error []struct {
		Description string `json:"description"`
		Message     string `json:"message"`
		Address     string `json:"address"`
		Signature   string `json:"signature"`
	} `json:"error"`
	TxHashes []struct {
		Message string `json:"message"`
		Address string `json:"address"`
		ToSpend string `json:"to_spend_tx_hash"`
		ToSign  string `json:"to_sign_tx_hash"`
	} `json:"tx_hashes"`
}

func readVectors(t testing.TB, name string) vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// accountOf is the account of an output's script.
func accountOf(t *testing.T, script string) chains.Account {
	t.Helper()
	raw, err := hex.DecodeString(script)
	if err != nil {
		t.Fatal(err)
	}
	_, addresses, _, err := txscript.ExtractPkScriptAddrs(raw, &chaincfg.MainNetParams)
	if err != nil || len(addresses) != 1 {
		t.Fatalf("script %s: %d addresses, %v", script, len(addresses), err)
	}
	return chains.Account(mainnet + ":" + addresses[0].EncodeAddress())
}

func TestBIP322Vectors(t *testing.T) {
	simple, full, funds, refused := 0, 0, 0, 0
	for _, name := range []string{"basic-test-vectors.json", "generated-test-vectors.json"} {
		v := readVectors(t, name)
		for _, h := range v.TxHashes {
			a, _, err := bitcoinAddress(chains.Account(mainnet + ":" + h.Address))
			if err != nil {
				t.Fatal(err)
			}
			script, err := txscript.PayToAddrScript(a)
			if err != nil {
				t.Fatal(err)
			}
			tx := virtualSpend(script, h.Message)
			if got := tx.TxHash().String(); got != h.ToSign {
				t.Errorf("to_sign of %q: got %s, want %s", h.Message, got, h.ToSign)
			}
			if got := tx.TxIn[0].PreviousOutPoint.Hash.String(); got != h.ToSpend {
				t.Errorf("to_spend of %q: got %s, want %s", h.Message, got, h.ToSpend)
			}
		}
		for _, s := range v.Simple {
			for _, signature := range s.Signatures {
				method, normalized, grade, err := verified(chains.Account(mainnet+":"+s.Address), s.Message, signature)
				if err != nil || method != BIP322Simple || grade != chains.Script {
					t.Errorf("%s: got %s %s %v", s.Address, method, grade, err)
					continue
				}
				if _, again, _, err := verified(chains.Account(mainnet+":"+s.Address), s.Message, normalized); err != nil || again != normalized {
					t.Errorf("%s: normalized signature %q gives %q, %v", s.Address, normalized, again, err)
				}
				simple++
			}
		}
		for _, f := range v.Full {
			for _, signature := range f.Signatures {
				expect(t, f.Address, chains.Account(mainnet+":"+f.Address), f.Message, signature, fmt.Sprintf("valid only at time %d and age %d,", f.LockTime, f.Sequence))
				full++
			}
		}
		for _, p := range v.Proofs {
			for _, signature := range p.Signatures {
				var further []chains.Account
				for _, of := range p.Further {
					for _, input := range of {
						further = append(further, accountOf(t, input.Script))
					}
				}
				slices.Sort(further)
				accounts := append([]chains.Account{chains.Account(mainnet + ":" + p.Address)}, further...)
				_, err := verify(accounts, p.Message, signature, Facts{})
				if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("valid only at time %d and age %d,", p.LockTime, p.Sequence)) {
					t.Errorf("%s: got %v", p.Address, err)
				}
				_, err = verify(accounts[:len(accounts)-1], p.Message, signature, Facts{})
				if err == nil || !strings.Contains(err.Error(), "which is of none of the accounts") {
					t.Errorf("%s, one account less: got %v", p.Address, err)
				}
				funds++
			}
		}
		for _, e := range v.Error {
			_, _, grade, err := verified(chains.Account(mainnet+":"+e.Address), e.Message, e.Signature)
			if err == nil || grade != chains.NoControl {
				t.Errorf("%s: accepted with grade %s", e.Description, grade)
			} else if strings.Contains(err.Error(), "valid only") || strings.Contains(err.Error(), "inconclusive") {
				t.Errorf("%s: got %v, and it is invalid", e.Description, err)
			}
			refused++
		}
	}
	if simple != 10 || full != 10 || funds != 3 || refused != 36 {
		t.Errorf("ran %d simple and %d full signatures, %d proofs of funds and %d errors, want 10, 10, 3 and 36", simple, full, funds, refused)
	}
}
