package verifier

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

// Tokens and accounts of the vectors of SPEC part 12.
const (
	flagged  = 0x11 + iota // 255 bits behind a zeppelinos proxy
	behind                 // an eip1967 proxy
	shares                 // pool and total of several terms
	aaveUp                 // half-up
	aaveDown               // down
	unproved               // no recipe: attested by two nodes
	lending                // the pool of the aave tokens
	library                // what the proxies borrow
	vault                  // the contract of a term
	holding1               // holds the tokens
	safe                   // a Safe with coins, three owners, two of whom must sign
	singleton
)

const evmTime = 1793491190 // 2026-10-31T23:59:50Z

// evmMaker is the evidence of one chain in the making, with its lines.
type evmMaker struct {
	state    stateOf
	tokens   []obj
	attested []obj
	safes    []string
	lines    []obj
	evidence func(obj)
	more     [][]byte // items of the header after the first fifteen
}

// holds adds the line of a token that an account has.
func (m *evmMaker) holds(account byte, token, units, grade string) {
	at := evmChain + ":" + textOf(addressOf(account))
	m.lines = append(m.lines, obj{"account": at, "amount": units, "control": "none", "custody": "own-cold", "evidence": grade, "token": token})
}

// token adds a token with its recipe, and the word of its holder.
func (m *evmMaker) token(n byte, slot int64, recipe obj, value *big.Int, units string) *accountOf {
	at := m.state.at(addressOf(n))
	at.code = codeOf(fmt.Sprintf("token %d", n))
	at.put(keccak(pad32(addressOf(holding1)), slotAt(slot)), value)
	recipe["layout"], recipe["slot"], recipe["token"] = "solidity", hex.EncodeToString(slotAt(slot)), erc20(n)
	m.tokens = append(m.tokens, recipe)
	m.holds(holding1, erc20(n), units, "state-proved")
	return at
}

var (
	proxySlotOf = map[string][]byte{
		"eip1967":    unhexed("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"),
		"zeppelinos": unhexed("7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3"),
	}
)

// add adds one of the kinds above. Amounts are computed by hand.
func (m *evmMaker) add(kind byte) {
	aave := func(rounding string) obj {
		pool := m.state.at(addressOf(lending))
		pool.code = codeOf("lending")
		pool.put(slotAt(0x201), word("40000000000000000000000000", "1050000000000000000000000000")) // 4 % a year, index 1.05
		pool.put(slotAt(0x203), word(fmt.Sprint(evmTime-15_768_000), "77"))                         // half a year ago
		return obj{"aave": obj{"pool": textOf(addressOf(lending)), "rounding": rounding, "slot": hex.EncodeToString(slotAt(0x200))}, "bits": 128}
	}
	term := func(slot int64, shift, bits int, minus bool, times string) obj {
		return obj{"bits": bits, "minus": minus, "shift": shift, "slot": hex.EncodeToString(slotAt(slot)), "times": times}
	}
	switch kind {
	case flagged:
		m.state.at(addressOf(library)).code = codeOf("library")
		value := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(77_000_000))
		m.token(flagged, 9, obj{"bits": 255, "proxy": "zeppelinos"}, value, "77000000").put(proxySlotOf["zeppelinos"], pointer(addressOf(library)))
	case behind:
		m.state.at(addressOf(library)).code = codeOf("library")
		m.token(behind, 51, obj{"proxy": "eip1967"}, big.NewInt(5), "5").put(proxySlotOf["eip1967"], pointer(addressOf(library)))
	case shares:
		of := m.state.at(addressOf(vault))
		of.code = codeOf("vault")
		of.put(slotAt(5), amount("7700000000000000000000013"))
		total := term(5, 0, 256, false, "1")
		total["contract"] = textOf(addressOf(vault))
		at := m.token(shares, 0, obj{"share": obj{"total": []obj{total}, "pool": []obj{
			term(100, 0, 128, false, "1"), term(100, 128, 128, false, "1"),
			term(101, 0, 128, false, "32000000000000000000"), term(101, 128, 128, true, "32000000000000000000"),
		}}}, amount("5000000000000000000"), "5844205419272013788")
		at.put(slotAt(100), word("9000000000000000000000007", "12345678901234567890"))
		at.put(slotAt(101), word("298", "300"))
	case aaveUp: // 500 × 1.071 = 535.5
		m.token(aaveUp, 52, aave("half-up"), word("9", "500"), "536")
	case aaveDown:
		m.token(aaveDown, 52, aave("down"), word("9", "500"), "535")
	case unproved:
		m.holds(holding1, erc20(unproved), "12", "node-attested")
		for _, node := range []string{"node 1", "node 2"} {
			m.attested = append(m.attested, obj{"node": node, "answers": []obj{{"account": evmChain + ":" + textOf(addressOf(holding1)), "amount": "12", "token": erc20(unproved)}}})
		}
	case safe:
		at := m.state.at(addressOf(safe))
		at.code, at.balance = unhexed("d7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c"), big.NewInt(1e18)
		m.state.at(addressOf(singleton)).code = unhexed("1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4")
		at.put(slotAt(0), pointer(addressOf(singleton)))
		at.put(slotAt(3), big.NewInt(3))
		at.put(slotAt(4), big.NewInt(2))
		at.put(ownerSlot(1), big.NewInt(0xa))
		at.put(ownerSlot(0xa), big.NewInt(0xb))
		at.put(ownerSlot(0xb), big.NewInt(0xc))
		at.put(ownerSlot(0xc), big.NewInt(1))
		m.holds(safe, evmChain+"/slip44:60", "1000000000000000000", "state-proved")
		m.safes = append(m.safes, evmChain+":"+textOf(addressOf(safe)))
	}
}

// ownerSlot is where a Safe keeps who comes after an owner.
func ownerSlot(owner int64) []byte { return keccak(slotAt(owner), slotAt(2)) }

// recipeWorld is a bundle whose reserves are of some of the kinds above, after an edit of their state and evidence.
func recipeWorld(edit func(m *evmMaker), kinds ...byte) *world {
	w := newWorld()
	m := &evmMaker{state: stateOf{}, tokens: []obj{}, attested: []obj{}, safes: []string{}}
	for _, k := range kinds {
		m.add(k)
	}
	ether, dollars := []obj{}, []obj{}
	for _, l := range m.lines {
		t := obj{"class": "issued", "decimals": 6, "id": l["token"]}
		switch l["token"] {
		case evmChain + "/slip44:60":
			t["class"], t["decimals"] = "native", 18
			ether = append(ether, t)
		case evmChain + "/staked:60":
			t["class"], t["decimals"] = "staked", 18
			ether = append(ether, t)
		case erc20(shares):
			t["decimals"] = 18
			ether = append(ether, t)
		default:
			dollars = append(dollars, t)
		}
	}
	w.assets[1]["tokens"], w.assets[2]["tokens"] = ether, dollars
	if edit != nil {
		edit(m)
	}
	header, nodes := m.state.header(100, evmTime, m.more...)
	w.blocks = []obj{{"chain": evmChain, "hash": "0x" + hex.EncodeToString(keccak(header)), "number": 100, "time": "2026-10-31T23:59:50Z"}}
	w.lines = m.lines
	file := obj{
		"attested": m.attested, "chain": evmChain, "header": hex.EncodeToString(header), "nodes": append([]string{}, nodes...),
		"safes": m.safes, "tokens": m.tokens, "type": "assay/v1/evidence/evm",
	}
	if m.evidence != nil {
		m.evidence(file)
	}
	w.evidence = map[string]obj{evmChain: file}
	return w
}

// pins is the entry of a policy for a token, as SPEC part 16 has it; the edit may change a key, or leave it out by "".
func pins(n byte, recipe obj, change map[string]string) string {
	entry := map[string]string{
		"id": `"` + erc20(n) + `"`, "layout": `"solidity"`, "slot": `"` + recipe["slot"].(string) + `"`,
		"code": `"0x` + hex.EncodeToString(codeOf(fmt.Sprintf("token %d", n))) + `"`,
	}
	if bits, ok := recipe["bits"]; ok {
		entry["bits"] = fmt.Sprint(bits)
	}
	if proxy, ok := recipe["proxy"]; ok {
		entry["proxy"], entry["implementation"] = `"`+proxy.(string)+`"`, `"0x`+hex.EncodeToString(codeOf("library"))+`"`
	}
	for _, key := range []string{"aave", "share"} {
		if formula, ok := recipe[key]; ok {
			entry["formula"] = `"` + hex.EncodeToString(h(encode(formula))) + `"`
		}
	}
	for key, value := range change {
		entry[key] = value
	}
	text := "[[token]]\n"
	for _, key := range []string{"id", "layout", "slot", "code", "bits", "proxy", "implementation", "formula"} {
		if entry[key] != "" {
			text += key + " = " + entry[key] + "\n"
		}
	}
	return text
}

// attesting is a policy's [evidence] section under which the word of nodes counts.
func attesting(w *world, nodes string) *world {
	w.policy = strings.Replace(strings.Replace(w.policy, `"inclusion-proved"`, `"node-attested"`, 1), "anchored = false", "anchored = false\nnodes = "+nodes, 1)
	return w
}

// covered is a world that owes one base unit of USDT to each customer, and whose policy wants it covered.
func covered(w *world) *world {
	for _, shard := range w.shards {
		for i := range shard {
			shard[i].owed = amounts{2: big.NewInt(1)}
		}
	}
	w.full += "[coverage]\nleast = \"100.00\"\n"
	return w
}

const nearValue = "feedface"

// nearProxySlot sets a storage value whose place in the trie is the one where the slot of an eip1967 proxy would be.
func nearProxySlot(m *evmMaker) {
	want := keccak(proxySlotOf["eip1967"])
	for n := int64(1000); ; n++ {
		if got := keccak(slotAt(n)); got[0] == want[0] {
			m.state.at(addressOf(shares)).put(slotAt(n), new(big.Int).SetBytes(unhexed(nearValue)))
			return
		}
	}
}

func evmVectors(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, w *world) {
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	happy := func(name, comment string, kinds ...byte) {
		add("happy-"+name, "", "pass", 0, comment, recipeWorld(nil, kinds...))
	}
	happy("recipe-bits", "the low 255 bits behind a zeppelinos proxy; the holder is flagged", flagged)
	happy("recipe-eip1967", "the address of the token's code is proved, and the code's hash", behind)
	happy("recipe-share", "shares × pool ÷ total, pool and total sums of parts of storage values, one of another contract", shares)
	happy("recipe-aave-half-up", "500 × 1.071 = 535.5, rounded up", aaveUp)
	happy("recipe-aave-down", "500 × 1.071 = 535.5, rounded down", aaveDown)
	happy("attested-token", "a token without recipe, as two nodes answered; the policy counts no such line", unproved)
	happy("safe", "three owners, two of whom must sign", safe)
	add("happy-attested-by-enough", "B4", "pass", 0, "the policy counts what two nodes say, and wants all to be covered", covered(attesting(recipeWorld(nil, unproved), "2")))
	add("attested-by-too-few", "B4", "coverage.policy", 1, "the policy wants three nodes to say so, two did", covered(attesting(recipeWorld(nil, unproved), "3")))
	add("happy-proxy-slots-absent", "B8", "pass", 0, "a storage value near the slot of a proxy shows that the slot is empty", recipeWorld(nearProxySlot, shares))
	add("proxy-slots-not-proved", "B8", "evidence."+evmChain, 1, "no recipe for a proxy, and no proof that there is none", recipeWorld(func(m *evmMaker) {
		nearProxySlot(m)
		m.evidence = func(file obj) {
			file["nodes"] = slices.DeleteFunc(file["nodes"].([]string), func(n string) bool { return bytes.HasSuffix(unbased(n), unhexed(nearValue)) })
		}
	}, shares))

	on := func(check string) evmFault {
		return func(name, attack, comment string, kind byte, edit func(m *evmMaker)) {
			add(name, attack, check, 1, comment, recipeWorld(edit, kind))
		}
	}
	fault := on("evidence." + evmChain)
	recipeFaults(fault)
	amountFaults(on("reserves.lines"))
	attestedFaults(fault)
	safeFaults(fault)
	pinFaults(add)

	add("attested-called-proved", "B20", "reserves.lines", 1, "a line that claims more than the word of nodes", recipeWorld(func(m *evmMaker) {
		m.lines[0]["evidence"] = "state-proved"
	}, unproved))
	add("recipe-share-and-aave", "E5", "headers."+evmChain, 3, "one formula, not two", recipeWorld(func(m *evmMaker) {
		m.tokens[0]["share"] = obj{"pool": []obj{}, "total": []obj{}}
	}, aaveUp))
	add("evidence-without-safes", "E5", "headers."+evmChain, 3, "a key that is not optional", recipeWorld(func(m *evmMaker) {
		m.evidence = func(file obj) { delete(file, "safes") }
	}, unproved))
}

type evmFault func(name, attack, comment string, kind byte, edit func(m *evmMaker))

func recipeFaults(fault evmFault) {
	fault("proxy-hidden-zeppelinos", "B8", "the slot is set, the recipe does not say so", flagged, func(m *evmMaker) {
		delete(m.tokens[0], "proxy")
		delete(m.state, string(addressOf(library)))
	})
	fault("proxy-hidden-eip1967", "B8", "the slot is set, the recipe does not say so", behind, func(m *evmMaker) {
		delete(m.tokens[0], "proxy")
		delete(m.state, string(addressOf(library)))
	})
	fault("proxy-slot-empty", "B8", "a proxy by its recipe only", behind, func(m *evmMaker) {
		m.state.at(addressOf(behind)).put(proxySlotOf["eip1967"], new(big.Int))
	})
	fault("proxy-slot-no-address", "B8", "bits above the address", behind, func(m *evmMaker) {
		m.state.at(addressOf(behind)).put(proxySlotOf["eip1967"], new(big.Int).Add(pointer(addressOf(library)), new(big.Int).Lsh(big.NewInt(1), 160)))
	})
	fault("implementation-without-code", "B8", "the address in the proxy's slot is no contract", behind, func(m *evmMaker) { m.state.at(addressOf(library)).code = keccak() })
	fault("recipe-share-pool-below-zero", "A1", "terms that are taken away exceed the others", shares, func(m *evmMaker) {
		m.state.at(addressOf(shares)).put(slotAt(101), word("1000000", "300"))
	})
	fault("recipe-share-total-zero", "A9", "shares of a token that has none", shares, func(m *evmMaker) { m.state.at(addressOf(vault)).put(slotAt(5), new(big.Int)) })
	fault("recipe-share-contract-without-code", "B8", "a term of an account that is no contract", shares, func(m *evmMaker) { m.state.at(addressOf(vault)).code = keccak() })
	fault("recipe-aave-updated-later", "B2", "the reserve's last update is after the pinned block", aaveUp, func(m *evmMaker) {
		m.state.at(addressOf(lending)).put(slotAt(0x203), word(fmt.Sprint(evmTime+1), "0"))
	})
	fault("recipe-aave-pool-without-code", "B8", "", aaveUp, func(m *evmMaker) { m.state.at(addressOf(lending)).code = keccak() })
	fault("recipe-aave-index-of-another-reserve", "B8", "another slot of the pool", aaveUp, func(m *evmMaker) {
		m.tokens[0]["aave"].(obj)["slot"] = hex.EncodeToString(slotAt(0x400))
	})
	fault("recipe-without-line", "X12", "a recipe that serves no line", behind, func(m *evmMaker) { m.lines = []obj{} })
	fault("recipe-share-beyond-an-amount", "A1", "2^255 shares of five units each and more", shares, func(m *evmMaker) {
		at := m.state.at(addressOf(shares))
		at.put(keccak(pad32(addressOf(holding1)), slotAt(0)), new(big.Int).Lsh(big.NewInt(1), 255))
		m.state.at(addressOf(vault)).put(slotAt(5), amount("1800000000000000000000000"))
	})
}

// amountFaults are lines whose amount is not what the recipe, or the nodes, make of their balance.
func amountFaults(fault evmFault) {
	line := func(name, attack, comment string, kind byte, units string) {
		fault(name, attack, comment, kind, func(m *evmMaker) { m.lines[0]["amount"] = units })
	}
	fault("recipe-bits-left-out", "B8", "the flag in the top bit, and no word of it in the recipe", flagged, func(m *evmMaker) { delete(m.tokens[0], "bits") })
	fault("recipe-bits-too-few", "B8", "26 bits of a balance that has 27", flagged, func(m *evmMaker) { m.tokens[0]["bits"] = 26 })
	fault("recipe-vyper-for-solidity", "B8", "the other layout finds nothing", behind, func(m *evmMaker) { m.tokens[0]["layout"] = "vyper" })
	line("recipe-share-rounded-up", "A8", "a unit more than the floor", shares, "5844205419272013789")
	line("recipe-aave-rounding-wrong", "B8", "rounded up where the recipe says down", aaveDown, "536")
	line("attested-below-the-line", "B4", "the line says more than both nodes", unproved, "13")
}

func attestedFaults(fault evmFault) {
	answers := func(m *evmMaker, node int) []obj { return m.attested[node]["answers"].([]obj) }
	fault("attested-nodes-disagree", "B4", "one node says more than the other", unproved, func(m *evmMaker) { answers(m, 1)[0]["amount"] = "13" })
	fault("attested-silent-zero", "B3", "one node answers 0", unproved, func(m *evmMaker) { answers(m, 0)[0]["amount"] = "0" })
	fault("attested-line-left-out", "B4", "one node did not answer", unproved, func(m *evmMaker) { m.attested[1]["answers"] = []obj{} })
	fault("attested-answer-without-line", "B4", "a node answered for an account that is not there", unproved, func(m *evmMaker) {
		m.attested[0]["answers"] = append(answers(m, 0), obj{"account": evmChain + ":0x" + strings.Repeat("f", 40), "amount": "1", "token": erc20(unproved)})
	})
	fault("token-neither-proved-nor-attested", "B4", "", unproved, func(m *evmMaker) { m.attested = []obj{} })
	fault("token-proved-and-attested", "B4", "which of the two would count?", behind, func(m *evmMaker) {
		m.attested = []obj{{"node": "node 1", "answers": []obj{{"account": m.lines[0]["account"], "amount": "5", "token": erc20(behind)}}}}
	})
	fault("attested-by-nodes-without-answers", "B4", "a name beside the proof", behind, func(m *evmMaker) { m.attested = []obj{{"node": "node 1", "answers": []obj{}}} })
}

func safeFaults(fault evmFault) {
	of := func(name, comment string, edit func(at *accountOf)) {
		fault(name, "B11", comment, safe, func(m *evmMaker) { edit(m.state.at(addressOf(safe))) })
	}
	of("safe-owner-missing", "the ring leaves out an owner that the count has", func(at *accountOf) {
		at.put(ownerSlot(0xa), big.NewInt(0xc))
		at.put(ownerSlot(0xb), new(big.Int))
	})
	of("safe-owner-count-wrong", "the ring is longer than the count", func(at *accountOf) { at.put(slotAt(3), big.NewInt(2)) })
	of("safe-threshold-zero", "", func(at *accountOf) { at.put(slotAt(4), new(big.Int)) })
	of("safe-threshold-above-owners", "", func(at *accountOf) { at.put(slotAt(4), big.NewInt(4)) })
	of("safe-ring-broken", "an owner after whom none comes", func(at *accountOf) { at.put(ownerSlot(0xb), new(big.Int)) })
	of("safe-ring-into-itself", "an owner after whom an earlier one comes", func(at *accountOf) { at.put(ownerSlot(0xc), big.NewInt(0xb)) })
	of("safe-owner-no-address", "bits above an owner's address", func(at *accountOf) { at.put(ownerSlot(0xc), new(big.Int).Lsh(big.NewInt(1), 160)) })
	of("safe-code-unknown", "a contract that calls itself a Safe", func(at *accountOf) { at.code = codeOf("a Safe of our own") })
	fault("safe-singleton-unknown", "B11", "the true proxy of something else", safe, func(m *evmMaker) { m.state.at(addressOf(singleton)).code = codeOf("a Safe of our own") })
	fault("safe-without-line", "B11", "owners of an account that holds nothing here", safe, func(m *evmMaker) {
		other := *m.state.at(addressOf(safe))
		other.balance = new(big.Int)
		m.state[string(addressOf(0x77))] = &other
		m.safes = append(m.safes, evmChain+":"+textOf(addressOf(0x77)))
	})
}

func pinFaults(add func(name, attack, check string, exit int, comment string, w *world)) {
	kinds := []byte{flagged, behind, shares, aaveUp}
	pinned := func(changes map[byte]map[string]string) *world {
		w := recipeWorld(nil, kinds...)
		for i, n := range kinds {
			w.full += pins(n, w.evidence[evmChain]["tokens"].([]obj)[i], changes[n])
		}
		return w
	}
	add("happy-recipes-pinned", "B8", "pass", 0, "the policy knows every recipe", pinned(nil))
	other := `"` + strings.Repeat("1", 64) + `"`
	for _, c := range []struct {
		name, comment string
		token         byte
		change        map[string]string
	}{
		{"token-bits-not-the-policys", "254 bits in the policy", flagged, map[string]string{"bits": "254"}},
		{"token-bits-not-in-the-policy", "a recipe that cuts what the policy takes whole", flagged, map[string]string{"bits": ""}},
		{"token-proxy-not-the-policys", "the policy knows another kind of proxy", behind, map[string]string{"proxy": `"zeppelinos"`}},
		{"token-proxy-not-in-the-policy", "the policy knows no proxy", behind, map[string]string{"proxy": "", "implementation": ""}},
		{"token-implementation-not-the-policys", "upgraded since the policy was written", behind, map[string]string{"implementation": `"0x` + other[1:]}},
		{"token-formula-not-the-policys", "another sum of terms", shares, map[string]string{"formula": other}},
		{"token-formula-not-in-the-policy", "the policy knows the word as the balance", aaveUp, map[string]string{"formula": ""}},
		{"token-code-not-the-policys", "", aaveUp, map[string]string{"code": `"0x` + other[1:]}},
	} {
		add(c.name, "B8", "evidence."+evmChain, 1, c.comment, pinned(map[byte]map[string]string{c.token: c.change}))
	}
}

// refusedPolicies are policies whose new keys are not of their form (SPEC part 16).
func refusedPolicies(policy string) []struct{ name, comment, policy string } {
	entry := func(more string) string {
		return policy + "[[token]]\nid = \"" + erc20(1) + "\"\nlayout = \"solidity\"\nslot = \"" + strings.Repeat("0", 64) + "\"\ncode = \"0x" + strings.Repeat("0", 64) + "\"\n" + more
	}
	return []struct{ name, comment, policy string }{
		{"policy-nodes-zero", "nobody's word", strings.Replace(policy, "anchored = false", "anchored = false\nnodes = 0", 1)},
		{"policy-token-bits-256", "", entry("bits = 256\n")},
		{"policy-token-proxy-without-implementation", "which code?", entry("proxy = \"eip1967\"\n")},
		{"policy-token-formula-malformed", "", entry("formula = \"0x00\"\n")},
	}
}

// The evidence tells grades, flags and whose word is what, and never an amount that it cut away.
func TestEVMNotes(t *testing.T) {
	v := verify(t, recipeWorld(nil, flagged, behind, unproved, safe).make(t))
	proven(t, v)
	if c := find(v, "evidence."+evmChain); c.Detail != "balances: 1 of grade node-attested, 3 of grade state-proved" {
		t.Errorf("got %q", c.Detail)
	}
	notes := strings.Join(v.Notes, "\n")
	for _, want := range []string{"1 of 1 holders have bits set above the lowest 255", `the word of 2 nodes, which answered the same, "node 1", "node 2"`, "proxy eip1967, implementation 0x"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes are\n%s\nwant …%s…", notes, want)
		}
	}
	whole := new(big.Int).Lsh(big.NewInt(1), 255).String()
	if strings.Contains(notes, whole[:20]) || strings.Contains(notes, "77000000") {
		t.Errorf("a note tells an amount:\n%s", notes)
	}
}

// Coverage counts the word of nodes only if enough of them gave it.
func TestB04_NodesOfThePolicy(t *testing.T) {
	for nodes, counted := range map[string]string{"1": "0.000012", "2": "0.000012", "3": "0"} {
		v := verify(t, attesting(recipeWorld(nil, unproved), nodes).make(t))
		proven(t, v)
		if v.Coverage[2].Counted != counted {
			t.Errorf("nodes = %s: counted %s, want %s", nodes, v.Coverage[2].Counted, counted)
		}
	}
	low := attesting(recipeWorld(nil, unproved), "3")
	low.policy = strings.Replace(low.policy, `"node-attested"`, `"claimed"`, 1)
	v := verify(t, low.make(t))
	if proven(t, v); v.Coverage[2].Counted != "0" {
		t.Errorf("a lower least grade counts what too few nodes said: %s", v.Coverage[2].Counted)
	}
	if v := verify(t, recipeWorld(nil, unproved).make(t)); v.Coverage[2].Counted != "0" {
		t.Errorf("node-attested counts under inclusion-proved: %s", v.Coverage[2].Counted)
	}
}

// A block under an anchor makes proved lines header-trusted; the word of nodes stays what it is.
func TestB20_AnchorDoesNotRaiseTheWordOfNodes(t *testing.T) {
	w := recipeWorld(nil, behind, unproved)
	w.policy = strings.Replace(w.policy, "inclusion-proved", "header-trusted", 1)
	w.full = "[[anchor]]\nchain = \"" + evmChain + "\"\nnumber = 100\nhash = \"" + w.blocks[0]["hash"].(string) + "\"\n"
	v := verify(t, w.make(t))
	if proven(t, v); v.Coverage[2].Counted != "0.000005" {
		t.Errorf("counted %s, want the proved line alone", v.Coverage[2].Counted)
	}
}

// Amounts beside the proof are compared, one by one: none of them counts by being written down, nor by a node's saying so.
func TestB09_AmountsBesideTheProof(t *testing.T) {
	for i := range 5 {
		var was, raised string
		edit := func(m *evmMaker) {
			was = m.lines[i]["amount"].(string)
			raised = new(big.Int).Add(amount(was), big.NewInt(1)).String()
			m.lines[i]["amount"] = raised
		}
		kinds := []byte{flagged, behind, shares, aaveUp, aaveDown}
		v := verify(t, recipeWorld(edit, kinds...).make(t))
		refused(t, v, "reserves.lines", fmt.Sprintf("line %d, %s:%s: it claims %s base units of %s, the evidence gives %s", i, evmChain, textOf(addressOf(holding1)), raised, erc20(kinds[i]), was))
		v = verify(t, recipeWorld(func(m *evmMaker) {
			edit(m)
			m.attested = []obj{{"node": "node 1", "answers": []obj{{"account": m.lines[i]["account"], "amount": raised, "token": m.lines[i]["token"]}}}}
		}, kinds...).make(t))
		refused(t, v, "evidence."+evmChain, "is proved here, so no node's answer counts for it")
	}
}

// The owners of a Safe are there for the check of control, by account; an account without a line has none.
func TestSafesReached(t *testing.T) {
	w := recipeWorld(nil, safe)
	made := w.make(t)
	lines, err := claim.ParseLines(made.files[claim.LinesPath])
	if err != nil {
		t.Fatal(err)
	}
	file, err := parseEvidence(made.files[evidencePath(evmChain)], made.snapshot, evmChain)
	if err != nil {
		t.Fatal(err)
	}
	b := &bundleRun{run: newRun(made.policy), reached: newReached(), lines: lines.Lines}
	block := evidence.Block{Chain: evmChain, Hash: w.blocks[0]["hash"].(string), Number: 100, Time: time.Unix(evmTime, 0)}
	if _, err := file.check(block, b, b.reached); err != nil {
		t.Fatal(err)
	}
	want := map[string]evidence.Safe{evmChain + ":" + textOf(addressOf(safe)): {Owners: []string{textOf(slotAt(0xa)[12:]), textOf(slotAt(0xb)[12:]), textOf(slotAt(0xc)[12:])}, Threshold: 2}}
	if diff := cmp.Diff(want, b.reached.safes); diff != "" {
		t.Error(diff)
	}
	b = &bundleRun{run: newRun(made.policy), reached: newReached()}
	if _, err := file.check(block, b, b.reached); err == nil || !strings.Contains(err.Error(), "has no reserve line") {
		t.Errorf("without a line: got %v", err)
	}
}
