package render

import "strings"

// chainName returns the common name of a chain; others keep their CAIP-2 name.
func chainName(chain string) string {
	switch chain {
	case "eip155:1":
		return "Ethereum"
	case "eip155:10":
		return "OP Mainnet"
	case "eip155:56":
		return "BNB Smart Chain"
	case "eip155:137":
		return "Polygon"
	case "eip155:8453":
		return "Base"
	case "eip155:42161":
		return "Arbitrum One"
	case "eip155:43114":
		return "Avalanche C-Chain"
	case "eip155:1337":
		return "local EVM chain"
	case "bip122:000000000019d6689c085ae165831e93":
		return "Bitcoin"
	case "bip122:000000000933ea01ad0ee984209779ba":
		return "Bitcoin testnet3"
	case "bip122:0f9188f13cb7b2c71f2a335e3a4fc328":
		return "Bitcoin regtest"
	case "bip122:683e86bd5c6d110d91b94b97137ba6bf":
		return "Bitcoin simnet"
	}
	return chain
}

// tokenName returns the chain of a token and its kind in few words; its CAIP-19 name
// stands beside them in full.
func tokenName(token string) (chain, kind string) {
	chain, asset, _ := strings.Cut(token, "/")
	if contract, ok := strings.CutPrefix(asset, "erc20:"); ok && len(contract) == 42 {
		return chainName(chain), "ERC-20 " + contract[:6] + "…" + contract[38:]
	}
	return chainName(chain), "native coin"
}

// word is a term that the tables use, in plain words.
type word struct{ Term, Meaning string }

// evidenceWords are the evidence grades of SPEC part 15, weakest first.
func evidenceWords() []word {
	return []word{
		{"claimed", "The exchange says so."},
		{"node-attested", "Named nodes answered so."},
		{"inclusion-proved", "The coins were created, under proof of work. That they were not spent since is what named nodes answered."},
		{"filter-checked", "As before, and compact filters of all later blocks show no spending."},
		{"state-proved", "The balance is proved out of the state of the pinned block."},
	}
}

// controlWords are the control grades of SPEC part 15.
func controlWords() []word {
	return []word{
		{"none", "Nobody signed for the account."},
		{"static", "Signed a fixed text, which could have been signed at any time."},
		{"bound", "Signed this very report: its exchange, snapshot, block and root."},
		{"script", "As bound, and all of the address's spending conditions were met."},
		{"owner-proved", "The owners of a contract signed, and the chain shows that they own it."},
		{"contract-attested", "A contract accepted the signature; that it is the exchange's is not shown."},
		{"spend", "The account moved coins as announced."},
		{"custodian-statement", "An outside custodian signed a statement."},
	}
}

// classWords are the token classes of SPEC part 3.
func classWords() []word {
	return []word{
		{"native", "The chain's own coin."},
		{"issued", "Issued by a third party, who owes the value behind it."},
		{"wrapped", "Stands for a coin that is locked elsewhere."},
		{"staked", "Bound in staking; it may take time to set free."},
		{"own", "The exchange's own token."},
	}
}

// custodyWords are the kinds of custody of SPEC part 15.
func custodyWords() []word {
	return []word{
		{"own-hot", "Kept by the exchange, connected."},
		{"own-cold", "Kept by the exchange, offline."},
		{"own-other", "Kept by the exchange in another way."},
	}
}
