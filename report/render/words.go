package render

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/assay-por/assay/report"
)

// Words says what a page says, in one language. Keys and what they are filled in with are the
// page's; {name} in a text stands for what args has of that name: a string, a whole number, or HTML.
type Words interface {
	Lang() (tag string, rtl bool)
	Text(key string, args map[string]any) string
	HTML(key string, args map[string]any) template.HTML // escaped, but for marks of its own and what is filled in as HTML
	Number(decimal string) string                       // grouped, exactly
	Percent(ratio string) string
	Instant(at time.Time) string
}

// Functions are what templates of such pages call: w "key" "name" value … for a text, time for an instant.
func Functions(w Words) template.FuncMap {
	return template.FuncMap{
		"w": func(key string, pairs ...any) (template.HTML, error) {
			args := map[string]any{}
			for i := 0; i+1 < len(pairs); i += 2 {
				name, ok := pairs[i].(string)
				if !ok {
					return "", fmt.Errorf("the name #%d of %s is no string", i, key)
				}
				switch v := pairs[i+1].(type) {
				case string, int, uint64, template.HTML:
					args[name] = v
				default: // a chain, a digest, a time
					args[name] = fmt.Sprint(v)
				}
			}
			return w.HTML(key, args), nil
		},
		"amount": figure.html, "percent": w.Percent,
		"time": func(t report.Time) template.HTML {
			return template.HTML(`<time datetime="` + t.String() + `">` + template.HTMLEscapeString(w.Instant(t.Time)) + `</time>`) //nolint:gosec // digits, and our own words escaped
		},
		"of":    func(accounts []account, name template.HTML) accountTable { return accountTable{accounts, name} },
		"count": func(n uint64) string { return count(w, n) },
		"plain": func(n uint64) string { return fmt.Sprint(n) },
		"term":  func(s string) template.HTML { return template.HTML("<em>" + template.HTMLEscapeString(s) + "</em>") }, //nolint:gosec // escaped
		"codes": func(ids []string) template.HTML {
			return template.HTML("<code>" + strings.Join(ids, "</code>, <code>") + "</code>") //nolint:gosec // ids of keys are hex
		},
	}
}

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
func tokenName(w Words, token string) (chain, kind string) {
	chain, asset, _ := strings.Cut(token, "/")
	if contract, ok := strings.CutPrefix(asset, "erc20:"); ok && len(contract) == 42 {
		return chainName(chain), "ERC-20 " + contract[:6] + "…" + contract[38:]
	}
	return chainName(chain), w.Text("native", nil)
}

// word is a term that the tables use, in plain words.
type word struct{ Term, Meaning string }

// newWords explains the terms of SPEC parts 3 and 15; of evidence the weakest comes first.
func newWords(w Words) []wordList {
	var lists []wordList
	for _, l := range []struct {
		name  string
		terms []string
	}{
		{"evidence", []string{"claimed", "node-attested", "inclusion-proved", "filter-checked", "state-proved"}},
		{"control", []string{"none", "static", "bound", "script", "owner-proved", "contract-attested", "spend", "custodian-statement"}},
		{"class", []string{"native", "issued", "wrapped", "staked", "own"}},
		{"custody", []string{"own-hot", "own-cold", "own-other"}},
	} {
		list := wordList{Title: w.Text("words."+l.name, nil)}
		for _, term := range l.terms {
			list.Words = append(list.Words, word{term, w.Text(l.name+"."+term, nil)})
		}
		lists = append(lists, list)
	}
	return lists
}
