package verifier

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// bandFixture is the same wallets at another instant (SPEC part 21).
type bandFixture struct {
	instant  string
	blocks   []obj
	lines    []obj
	evidence map[string]obj
	totals   func([]obj)
}

func (b bandFixture) put(files map[string][]byte, n int, snapshot string) {
	files[fmt.Sprintf("reserves/bands/%d/lines.json", n)] = encode(obj{"lines": b.lines, "snapshot": snapshot, "type": "assay/v1/band"})
	for chain, e := range b.evidence {
		e["snapshot"] = snapshot
		files[fmt.Sprintf("reserves/bands/%d/%s.json", n, strings.ReplaceAll(chain, ":", "-"))] = encode(e)
	}
}

func (w *world) bandsOf() []obj {
	out := []obj{}
	for _, b := range w.bands {
		totals := []obj{}
		for i, a := range w.assets {
			sum := new(big.Int)
			for _, t := range a["tokens"].([]obj) {
				for _, l := range b.lines {
					if l["token"] == t["id"] {
						scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a["decimals"].(int)-t["decimals"].(int))), nil)
						sum.Add(sum, scale.Mul(scale, amount(l["amount"].(string))))
					}
				}
			}
			totals = append(totals, obj{"amount": sum.String(), "asset": w.id(i)})
		}
		edit(b.totals, totals)
		out = append(out, obj{"blocks": b.blocks, "instant": b.instant, "totals": totals})
	}
	return out
}

// bandLines are the reserve lines without what a band does not say.
func bandLines(lines []obj) []obj {
	out := []obj{}
	for _, l := range lines {
		out = append(out, obj{"account": l["account"], "amount": l["amount"], "evidence": l["evidence"], "token": l["token"]})
	}
	return out
}

func statedClaims(claims []obj) []obj {
	out := []obj{}
	for _, c := range claims {
		out = append(out, obj{"amount": c["amount"], "asset": c["asset"], "holder": c["holder"], "kind": c["kind"]})
	}
	return out
}

func custodianKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(h([]byte("custodian"))) }

func keyText(key ed25519.PrivateKey) string {
	return "ed25519:" + hex.EncodeToString(key.Public().(ed25519.PublicKey))
}

// custodyOf is what a custodian holds: 1.5 BTC, and something that the exchange does not owe.
func custodyOf(snapshot string) obj {
	return obj{
		"balances":  []obj{{"amount": "1.5", "asset": "BTC"}, {"amount": "7", "asset": "DOGE"}},
		"custodian": "Example Trust", "exchange": "Demo Exchange", "expires": "2026-11-08T00:00:00Z", "instant": "2026-11-01T00:00:00Z",
		"snapshot": snapshot, "type": "assay/v1/custody",
	}
}

func dsseOf(key ed25519.PrivateKey, kind string, payload []byte) obj {
	return obj{
		"payload": base64.StdEncoding.EncodeToString(payload), "payloadType": kind,
		"signatures": []obj{{"keyid": keyID(keyText(key)), "sig": base64.StdEncoding.EncodeToString(ed25519.Sign(key, pae(kind, payload)))}},
	}
}

func jwsOf(key ed25519.PrivateKey, header string, payload []byte) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
}

const custodyKind = "application/vnd.assay.custody+json"

// claimsOf has a custodian's claim in DSSE and one that nothing shows; edit works on the custody statement before it is signed.
func claimsOf(edit func(obj), key ed25519.PrivateKey) func(string) []obj {
	return func(snapshot string) []obj {
		statement := custodyOf(snapshot)
		edit(statement)
		return []obj{
			{"amount": "150000000", "asset": "BTC", "dsse": dsseOf(key, custodyKind, encode(statement)), "holder": "Example Trust", "kind": "custodian"},
			{"amount": "1000000000000000000", "asset": "ETH", "holder": "validators not yet active", "kind": "unprovable"},
		}
	}
}

func custodianPolicy() string {
	return "[[custodian]]\nname = \"Example Trust\"\nkey = \"" + keyText(custodianKey()) + "\"\n"
}

const tronChain, solanaChain, xrplChain = "tron:0x2b6653dc", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "xrpl:0"

// attestedFixture has balances on three chains that no proof shows, told by two nodes.
func attestedFixture() (blocks []obj, evidence map[string]obj, lines []obj, tokens map[int]obj) {
	evidence = map[string]obj{}
	tokens = map[int]obj{}
	add := func(asset int, chain, hash, address, token string, decimals int, amount string, class string, later int) {
		const at = "2026-10-31T23:59:40Z"
		block := obj{"chain": chain, "hash": hash, "number": 5000, "time": at}
		account := chain + ":" + address
		node := func(label string) obj {
			return obj{
				"answers": []obj{{"account": account, "amount": amount, "number": 5000 + later, "token": chain + token}},
				"block":   obj{"hash": hash, "number": 5000, "time": at}, "node": label,
			}
		}
		blocks = append(blocks, block)
		evidence[chain] = obj{
			"attested": []obj{node("node 1"), node("node 2")}, "balances": []obj{{"account": account, "amount": amount, "token": chain + token}},
			"chain": chain, "type": "assay/v1/evidence/attested",
		}
		lines = append(lines, obj{"account": account, "amount": amount, "control": "none", "custody": "own-hot", "evidence": "node-attested", "token": chain + token})
		tokens[asset] = obj{"class": class, "decimals": decimals, "id": chain + token}
	}
	add(0, solanaChain, "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY", "7v91N7iZ9mNicL8WfG6cgSCKyRXydQjLh6UYBWwm6y1Q", "/token:3NZ9JMVBmGAqocybic2c7LQCJScmgsAZ6vQqTDzcqmJh", 8, "700000000", "wrapped", 3)
	add(2, tronChain, strings.Repeat("0", 60)+"1388", "TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL", "/trc20:TR7NHqjeKQGYTpLfMCm3vN8eQPkfZwL4qe", 6, "999000000", "issued", 0)
	add(1, xrplChain, strings.Repeat("AB", 32), "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh", "/slip44:144", 6, "42000000", "native", 0)
	return blocks, evidence, lines, tokens
}

// newAttestedWorld has reserves on Tron, Solana and the XRP Ledger only.
func newAttestedWorld() *world {
	w := newWorld()
	blocks, evidence, lines, tokens := attestedFixture()
	w.blocks, w.evidence, w.lines = blocks, evidence, lines
	for i, t := range tokens {
		w.assets[i]["tokens"] = []obj{t}
	}
	w.policy = strings.Replace(w.policy, `least = "inclusion-proved"`, `least = "node-attested"`, 1)
	return w
}
