package devnet

import (
	_ "embed"
	"encoding/json"
	"math/big"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/assay-por/assay/chains"
)

// tokenArtefact is the compiled token contract; token/README.md says how it
// was made.
//
//go:embed token/DemoDollar.json
var tokenArtefact []byte

// tokenUnit is one of the token, which has 6 decimals.
const tokenUnit = 1_000_000

// tokenSupply is what the token's issuer mints for itself, in units.
const tokenSupply = 100_000_000

// deployment returns the init code of the token.
func deployment() []byte {
	var artefact struct {
		Bytecode hexutil.Bytes `json:"bytecode"`
	}
	if err := json.Unmarshal(tokenArtefact, &artefact); err != nil {
		panic("devnet: the embedded token artefact is damaged: " + err.Error())
	}
	return append(artefact.Bytecode, word(tokens(tokenSupply))...)
}

func tokens(units int64) *big.Int { return new(big.Int).Mul(big.NewInt(units), big.NewInt(tokenUnit)) }

func word(n *big.Int) []byte { return common.LeftPadBytes(n.Bytes(), 32) }

// transfer returns the call data of transfer(to, amount).
func transfer(to common.Address, amount *big.Int) []byte {
	selector := []byte{0xa9, 0x05, 0x9c, 0xbb}
	return append(append(selector, common.LeftPadBytes(to[:], 32)...), word(amount)...)
}

// ethereumWallets are the demo exchange's accounts on Ethereum.
func ethereumWallets(seed string) []Wallet {
	var wallets []Wallet
	for _, w := range []struct{ name, custody string }{
		{"evm-hot-1", "own-hot"}, {"evm-cold-1", "own-cold"}, {"evm-cold-2", "own-cold"}, {"evm-cold-3", "own-cold"},
	} {
		key := deriveKey(seed, w.name)
		account := chains.Account(string(EthereumChain) + ":" + strings.ToLower(addressOf(key).Hex()))
		wallets = append(wallets, Wallet{Name: w.name, Account: account, Custody: w.custody, key: key})
	}
	return wallets
}

// A payment is one transaction of the demo's chain.
type payment struct {
	block uint64
	from  *btcec.PrivateKey
	to    common.Address
	wei   *big.Int
	data  []byte
}

// payments are the demo's transactions: the issuer pays the wallets, the hot
// one pays a customer, and after the pinned block everything moves once more,
// so that balances of the wrong block show.
func (e *Ethereum) payments() []payment {
	wallets := ethereumWallets(e.seed)
	address := func(i int) common.Address { return addressOf(wallets[i].key) }
	customer := addressOf(deriveKey(e.seed, "customer"))
	coin := func(block uint64, from *btcec.PrivateKey, to common.Address, n int64) payment {
		return payment{block, from, to, ether(n), nil}
	}
	token := func(block uint64, from *btcec.PrivateKey, to common.Address, n int64) payment {
		return payment{block, from, e.token, nil, transfer(to, tokens(n))}
	}
	return []payment{
		coin(2, e.issuer(), address(0), 410),
		coin(2, e.issuer(), address(1), 3_200),
		coin(5, e.issuer(), address(2), 2_000),
		coin(5, e.issuer(), customer, 3),
		token(6, e.issuer(), address(0), 3_500_000),
		token(6, e.issuer(), address(1), 12_000_000),
		token(9, e.issuer(), address(2), 7_200_000),
		token(9, e.issuer(), address(3), 250_000), // and no coin at all
		token(20, wallets[0].key, customer, 1_200),
		coin(31, wallets[0].key, customer, 7),
		coin(pinnedBlock+2, wallets[1].key, address(0), 1_000),
		token(pinnedBlock+2, wallets[1].key, address(0), 5_000_000),
	}
}
