package verifier

import (
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// claimVectors are bundles with attested chains, claims, bands and drawn instants (SPEC parts 19 to 21).
func claimVectors(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, w *world) {
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	faults := func(base func() *world) faulty {
		return func(name, attack, check string, exit int, comment string, edit func(*world)) {
			w := base()
			edit(w)
			add(name, attack, check, exit, comment, w)
		}
	}
	add("happy-attested-chains", "", "pass", 0, "Tron, Solana and the XRP Ledger, each told by two nodes", newAttestedWorld())
	attestedChainFaults(faults(newAttestedWorld))
	add("happy-claims", "", "pass", 0, "a custodian's DSSE statement whose key the policy has, and coins that nothing shows", newClaimsWorld())
	add("happy-claims-jws", "", "pass", 0, "the same as a JWS", newJWSWorld())
	unknown := newClaimsWorld()
	unknown.full = ""
	add("happy-custodian-not-in-the-policy", "B16", "pass", 0, "the verdict says that it is the exchange's word", unknown)
	claimFaults(faults(newClaimsWorld))
	jwsFaults(faults(newJWSWorld))
	add("happy-bands", "", "pass", 0, "a band before and one after, with other amounts", newBandsWorld())
	add("happy-band-of-proved-balances", "", "pass", 0, "state proofs and outputs at another instant", newProvedBandWorld())
	bandFaults(faults(newBandsWorld))
	add("happy-drawn-instant", "", "pass", 0, "seed and block give the instant", newDrawnWorld())
	drawFaults(faults(newDrawnWorld))
}

func attestedChainFaults(fault faulty) {
	answer := func(w *world, chain string, node int) obj {
		return w.evidence[chain]["attested"].([]obj)[node]["answers"].([]obj)[0]
	}
	fault("attested-chain-nodes-disagree", "B4", "evidence."+tronChain, 1, "the second node says less", func(w *world) { answer(w, tronChain, 1)["amount"] = "1" })
	fault("attested-balance-of-nobody", "B4", "evidence."+tronChain, 1, "a balance that no node said", func(w *world) {
		w.evidence[tronChain]["balances"].([]obj)[0]["amount"], w.lines[1]["amount"] = "999000001", "999000001"
	})
	fault("attested-answer-missing", "B3", "evidence."+tronChain, 1, "one node said nothing of the account", func(w *world) {
		w.evidence[tronChain]["attested"].([]obj)[1]["answers"] = []obj{}
	})
	fault("attested-answer-of-another-account", "B4", "evidence."+xrplChain, 1, "", func(w *world) {
		answer(w, xrplChain, 0)["account"] = xrplChain + ":rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B"
	})
	fault("attested-block-other", "B2", "headers."+solanaChain, 1, "a node that does not know the pinned block", func(w *world) {
		w.evidence[solanaChain]["attested"].([]obj)[0]["block"].(obj)["hash"] = "3NZ9JMVBmGAqocybic2c7LQCJScmgsAZ6vQqTDzcqmJh"
	})
	fault("attested-answer-of-the-past", "B2", "evidence."+solanaChain, 1, "a slot before the pinned one", func(w *world) { answer(w, solanaChain, 0)["number"] = 4999 })
	fault("attested-ledger-later", "C13", "evidence."+xrplChain, 1, "the XRP Ledger's nodes can tell the past, so they must", func(w *world) { answer(w, xrplChain, 0)["number"] = 5001 })
	fault("attested-native-tron-later", "C13", "evidence."+tronChain, 1, "the native token is told at the pinned block", func(w *world) {
		token := tronChain + "/slip44:195"
		w.assets[2]["tokens"].([]obj)[0]["id"], w.lines[1]["token"] = token, token
		w.evidence[tronChain]["balances"].([]obj)[0]["token"] = token
		for i := range 2 {
			answer(w, tronChain, i)["token"], answer(w, tronChain, i)["number"] = token, 5002
		}
	})
	fault("attested-by-nobody", "B4", "headers."+tronChain, 3, "no node at all", func(w *world) { w.evidence[tronChain]["attested"] = []obj{} })
	fault("attested-one-node-twice", "B4", "headers."+tronChain, 3, "one label, two witnesses", func(w *world) {
		w.evidence[tronChain]["attested"].([]obj)[1]["node"] = "node 1"
	})
	fault("attested-chain-line-left-out", "X12", "reserves.lines", 1, "a balance without a line", func(w *world) { w.lines = w.lines[:2] })
	fault("attested-passed-off-as-proved", "B20", "reserves.lines", 1, "what nodes said, called a state proof", func(w *world) { w.lines[1]["evidence"] = "state-proved" })
}

func newClaimsWorld() *world {
	w := newWorld()
	w.claims, w.full = claimsOf(func(obj) {}, custodianKey()), custodianPolicy()
	return w
}

func newJWSWorld() *world {
	w := newClaimsWorld()
	w.claims = asJWS(custodianKey(), `{"alg":"EdDSA","kid":"2026","typ":"JWT"}`)
	return w
}

func asJWS(key ed25519.PrivateKey, header string) func(string) []obj {
	return func(snapshot string) []obj {
		list := claimsOf(func(obj) {}, key)(snapshot)
		delete(list[0], "dsse")
		list[0]["jws"] = jwsOf(key, header, encode(custodyOf(snapshot)))
		return list
	}
}

func claimFaults(fault faulty) {
	stranger := ed25519.NewKeyFromSeed(h([]byte("stranger")))
	custody := func(name, attack, comment string, exit int, edit func(obj)) {
		fault("custody-"+name, attack, "reserves.claims", exit, comment, func(w *world) { w.claims = claimsOf(edit, custodianKey()) })
	}
	edited := func(name, comment string, exit int, edit func([]obj) []obj) {
		fault("claims-"+name, "B16", "reserves.claims", exit, comment, func(w *world) {
			honest := w.claims
			w.claims = func(snapshot string) []obj { return edit(honest(snapshot)) }
		})
	}
	custody("of-last-period", "C10", "made for another snapshot", 1, func(c obj) { c["snapshot"] = strings.Repeat("0", 64) })
	custody("for-another-exchange", "B15", "", 1, func(c obj) { c["exchange"] = "Other Exchange" })
	custody("by-another-custodian", "C1", "", 1, func(c obj) { c["custodian"] = "Another Trust" })
	custody("of-another-instant", "C13", "", 1, func(c obj) { c["instant"] = "2026-10-31T00:00:00Z" })
	custody("expired", "C13", "it ended at the snapshot's instant", 1, func(c obj) { c["expires"] = "2026-11-01T00:00:00Z" })
	custody("of-a-smaller-balance", "B9", "the claim is larger than what the custodian signed", 1, func(c obj) { c["balances"].([]obj)[0]["amount"] = "1.4" })
	custody("with-too-many-decimals", "A7", "no rounding", 1, func(c obj) { c["balances"].([]obj)[0]["amount"] = "1.500000001" })
	custody("with-a-balance-unclaimed", "B9", "part of what the custodian signed is left out", 1, func(c obj) {
		c["balances"] = append(c["balances"].([]obj), obj{"amount": "1", "asset": "USDT"})
	})
	custody("without-the-balance", "B9", "", 1, func(c obj) { c["balances"] = c["balances"].([]obj)[1:] })
	custody("of-version-2", "C8", "", 3, func(c obj) { c["type"] = "assay/v2/custody" })
	fault("custody-signed-by-a-stranger", "C1", "reserves.claims", 1, "not the key that the policy has", func(w *world) { w.claims = claimsOf(func(obj) {}, stranger) })
	edited("dsse-of-another-payload-type", "a statement's envelope is no custody statement", 3, func(list []obj) []obj {
		list[0]["dsse"].(obj)["payloadType"] = dsseType
		return list
	})
	edited("custodian-without-statement", "", 3, func(list []obj) []obj { delete(list[0], "dsse"); return list })
	edited("unprovable-with-statement", "", 3, func(list []obj) []obj { list[1]["dsse"] = list[0]["dsse"]; return list })
	edited("amount-beyond-the-statement", "", 1, func(list []obj) []obj { list[0]["amount"] = "150000001"; return list })
	edited("asset-unknown", "an asset that the registry does not list", 1, func(list []obj) []obj { list[1]["asset"] = "XMR"; return list })
	fault("claims-not-stated", "B16", "reserves.claims", 1, "the statement is silent about them", func(w *world) {
		w.predicate = func(p obj) { at(p, "reserves")["claims"] = []obj{} }
	})
	fault("claims-file-missing", "X12", "bundle.files", 1, "", func(w *world) { w.files = func(f map[string][]byte) { delete(f, "reserves/claims.json") } })
}

func jwsFaults(fault faulty) {
	for name, header := range map[string]string{
		"none": `{"alg":"none"}`, "hs256": `{"alg":"HS256"}`, "with-its-own-key": `{"alg":"EdDSA","jwk":"x"}`, "critical": `{"alg":"EdDSA","crit":["exp"]}`,
	} {
		fault("custody-jws-"+name, "C1", "reserves.claims", 3, "the one algorithm, and no header that changes what is checked", func(w *world) { w.claims = asJWS(custodianKey(), header) })
	}
	fault("custody-jws-signed-by-a-stranger", "C1", "reserves.claims", 1, "", func(w *world) {
		w.claims = asJWS(ed25519.NewKeyFromSeed(h([]byte("stranger"))), `{"alg":"EdDSA"}`)
	})
}

// newBandsWorld has the attested chains an hour before and an hour after, with other amounts.
func newBandsWorld() *world {
	w := newAttestedWorld()
	for _, b := range []struct{ instant, at, amount string }{
		{"2026-10-31T23:00:00Z", "2026-10-31T22:59:50Z", "600000000"}, {"2026-11-01T01:00:00Z", "2026-11-01T00:59:50Z", "650000000"},
	} {
		blocks, evidence, lines, _ := attestedFixture()
		for _, block := range blocks {
			block["time"] = b.at
		}
		for i, l := range lines {
			chain := blocks[i]["chain"].(string)
			l["amount"] = b.amount
			evidence[chain]["balances"].([]obj)[0]["amount"] = b.amount
			for _, n := range evidence[chain]["attested"].([]obj) {
				n["block"].(obj)["time"] = b.at
				n["answers"].([]obj)[0]["amount"] = b.amount
			}
		}
		w.bands = append(w.bands, bandFixture{instant: b.instant, blocks: blocks, lines: bandLines(lines), evidence: evidence})
	}
	return w
}

// newProvedBandWorld has a band five seconds before the instant, when the same blocks were the last.
func newProvedBandWorld() *world {
	w := newFullWorld()
	evidence := map[string]obj{}
	for chain, e := range w.evidence {
		evidence[chain] = maps.Clone(e)
	}
	w.bands = []bandFixture{{instant: "2026-10-31T23:59:55Z", blocks: w.blocks, lines: bandLines(w.lines), evidence: evidence}}
	return w
}

func bandFaults(fault faulty) {
	band := func(name, attack, comment string, exit int, edit func(*bandFixture)) {
		fault("band-"+name, attack, "bands", exit, comment, func(w *world) { edit(&w.bands[0]) })
	}
	band("line-inflated", "C6", "more than the evidence of that instant shows", 1, func(b *bandFixture) { b.lines[0]["amount"] = "600000001" })
	band("line-left-out", "C6", "a wallet that was empty before is not left out", 1, func(b *bandFixture) { b.lines = b.lines[1:] })
	band("line-of-another-wallet", "C6", "", 1, func(b *bandFixture) { b.lines[2]["account"] = xrplChain + ":rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B" })
	band("grade-too-high", "B20", "", 1, func(b *bandFixture) { b.lines[1]["evidence"] = "state-proved" })
	band("total-wrong", "A5", "", 1, func(b *bandFixture) { b.totals = func(t []obj) { t[0]["amount"] = "600000001" } })
	band("total-left-out", "A5", "", 1, func(b *bandFixture) {
		b.totals = func(t []obj) { t[0]["asset"] = "USDT" }
	})
	band("block-after-its-instant", "C13", "", 1, func(b *bandFixture) { b.instant = "2026-10-31T22:59:49Z" })
	band("block-stale", "C13", "older than the policy's window", 1, func(b *bandFixture) { b.instant = "2026-11-01T00:59:51Z" })
	band("at-the-snapshots-instant", "C6", "the same instant twice shows nothing", 1, func(b *bandFixture) { b.instant = "2026-11-01T00:00:00Z" })
	band("chain-left-out", "C6", "", 1, func(b *bandFixture) {
		delete(b.evidence, xrplChain)
		b.blocks = b.blocks[:2]
	})
	band("node-of-another-block", "B2", "", 1, func(b *bandFixture) {
		b.evidence[tronChain]["attested"].([]obj)[0]["block"].(obj)["number"] = 5001
	})
	fault("bands-out-of-order", "E3", "statement.format", 3, "", func(w *world) { slices.Reverse(w.bands) })
	fault("band-anchor-contradicts", "B20", "bands", 1, "the policy knows another block of that number", func(w *world) {
		w.bands[0].blocks[1]["number"] = 4000
		for _, n := range w.bands[0].evidence[tronChain]["attested"].([]obj) {
			n["block"].(obj)["number"], n["answers"].([]obj)[0]["number"] = 4000, 4000
		}
		w.full = "[[anchor]]\nchain = \"" + tronChain + "\"\nnumber = 4000\nhash = \"" + strings.Repeat("9", 64) + "\"\n"
	})
	fault("band-file-missing", "X12", "bundle.files", 1, "", func(w *world) { w.files = func(f map[string][]byte) { delete(f, "reserves/bands/0/lines.json") } })
}

// newDrawnWorld draws its instant out of the day around it.
func newDrawnWorld() *world {
	w := newWorld()
	seed, block := h([]byte("seed")), strings.Repeat("0", 63)+"7"
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	const span = 24*3600 + 1
	seconds := binary.BigEndian.Uint64(tagged("assay/v1/instant", seed, []byte(block))) % span
	w.snapshot = func(s obj) {
		s["instant"] = from.Add(time.Duration(seconds) * time.Second).Format("2006-01-02T15:04:05Z")
		s["draw"] = obj{
			"chain": "bip122:000000000019d6689c085ae165831e93", "commitment": hex.EncodeToString(tagged("assay/v1/draw", seed)), "from": "2026-11-01T00:00:00Z",
			"hash": block, "number": 920000, "seed": hex.EncodeToString(seed), "to": "2026-11-02T00:00:00Z",
		}
	}
	return w
}

func drawFaults(fault faulty) {
	draw := func(name, comment string, edit func(snapshot, draw obj)) {
		fault("draw-"+name, "C6", "snapshot", 1, comment, func(w *world) {
			honest := w.snapshot
			w.snapshot = func(s obj) { honest(s); edit(s, s["draw"].(obj)) }
		})
	}
	draw("instant-chosen", "an instant a second off", func(s, _ obj) {
		at, _ := time.Parse("2006-01-02T15:04:05Z", s["instant"].(string))
		s["instant"] = at.Add(time.Second).Format("2006-01-02T15:04:05Z")
	})
	draw("seed-of-another-commitment", "another seed, chosen after the block was known", func(_, d obj) { d["seed"] = strings.Repeat("1", 64) })
	draw("block-other", "another block's hash", func(_, d obj) { d["hash"] = strings.Repeat("0", 63) + "8" })
	draw("window-empty", "", func(_, d obj) { d["to"] = d["from"] })
	fault("draw-anchor-contradicts", "B20", "snapshot", 1, "the policy knows another block of that number", func(w *world) {
		w.full = "[[anchor]]\nchain = \"bip122:000000000019d6689c085ae165831e93\"\nnumber = 920000\nhash = \"" + strings.Repeat("9", 64) + "\"\n"
	})
}
