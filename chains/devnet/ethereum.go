package devnet

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/tracers"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"

	"github.com/assay-por/assay/chains"
)

// EthereumChain is the chain that an Ethereum is of.
const EthereumChain chains.Chain = "eip155:1337"

// EthereumNative names its own coin.
const EthereumNative = chains.Token(EthereumChain + "/slip44:60")

// The blocks of the chain, 12 seconds apart: pinnedBlock is the last one not
// later than the instant.
const (
	blockTime   = 12
	pinnedBlock = 64
	headBlock   = 74
	finalBlock  = 70
)

// EthereumOptions say how to start an Ethereum.
type EthereumOptions struct {
	Seed         string
	Instant      time.Time
	Alloc        types.GenesisAlloc // further accounts, for tests
	Transactions []Transaction      // further transactions, for tests
	BeaconRoot   common.Hash        // of the beacon block before every block (EIP-4788), for tests
}

// A Transaction is sent by a devnet's [Deployer]. Its n-th that makes a contract,
// all others counted, makes it at crypto.CreateAddress(Deployer(seed), n).
type Transaction struct {
	Block uint64          // from 2 on, never descending
	To    *common.Address // nil makes a contract
	Data  []byte
}

// Deployer is the account that sends the transactions of tests.
func Deployer(seed string) common.Address { return addressOf(deriveKey(seed, "deployer")) }

// An Ethereum is go-ethereum in this process, with a chain of its own.
type Ethereum struct {
	stack   *node.Node
	backend *eth.Ethereum
	config  *params.ChainConfig
	states  ethdb.Database // of the blocks made here; the node makes its own
	token   common.Address
	signer  types.Signer
	seed    string
}

// StartEthereum starts the node and gives it its chain.
func StartEthereum(opts EthereumOptions) (*Ethereum, error) {
	config := *params.MergedTestChainConfig
	config.ChainID = big.NewInt(1337)
	e := &Ethereum{config: &config, signer: types.LatestSigner(&config), seed: opts.Seed}
	e.token = crypto.CreateAddress(addressOf(e.issuer()), 0)
	genesis := &core.Genesis{
		Config:    &config,
		GasLimit:  30_000_000,
		Timestamp: uint64(opts.Instant.Unix() - pinnedBlock*blockTime - 5), //nolint:gosec // the instant is near now
		Alloc:     core.SystemContractAllocs(),
	}
	genesis.Alloc[addressOf(e.issuer())] = types.Account{Balance: ether(1_000_000)}
	genesis.Alloc[Deployer(opts.Seed)] = types.Account{Balance: ether(1_000_000)}
	for address, account := range opts.Alloc {
		genesis.Alloc[address] = account
	}
	if err := e.startNode(genesis); err != nil {
		return nil, err
	}
	if err := e.build(genesis, opts.Transactions, opts.BeaconRoot); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Ethereum) startNode(genesis *core.Genesis) error {
	stackConfig := node.DefaultConfig
	stackConfig.DataDir = "" // in memory
	stackConfig.P2P = p2p.Config{NoDiscovery: true, NoDial: true}
	stackConfig.HTTPHost = "127.0.0.1"
	stackConfig.HTTPPort = 0 // any free one
	stackConfig.HTTPModules = []string{"eth", "net", "web3", "debug"}
	stack, err := node.New(&stackConfig)
	if err != nil {
		return fmt.Errorf("go-ethereum: %w", err)
	}
	ethConfig := ethconfig.Defaults
	ethConfig.Genesis = genesis
	ethConfig.SyncMode = ethconfig.FullSync
	// The path scheme proves only recent states; this one proves every block's.
	ethConfig.StateScheme = rawdb.HashScheme
	ethConfig.NoPruning = true
	ethConfig.SnapshotCache = 0
	ethConfig.TxPool.NoLocals = true
	ethConfig.TxPool.Journal = ""
	ethConfig.LogNoHistory = true
	e.backend, err = eth.New(stack, &ethConfig)
	if err == nil {
		stack.RegisterAPIs(tracers.APIs(e.backend.APIBackend))
		err = stack.Start()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("go-ethereum: %w", err), stack.Close())
	}
	e.stack = stack
	return nil
}

// build makes the demo's chain: the token is deployed, then wallets are paid in
// block after block, with empty ones between.
func (e *Ethereum) build(genesis *core.Genesis, more []Transaction, beacon common.Hash) error {
	payments := e.payments()
	states, blocks, receipts := core.GenerateChainWithGenesis(genesis, e.backend.Engine(), headBlock, func(i int, b *core.BlockGen) {
		b.OffsetTime(blockTime - 10) // 10 is what the generator counts itself
		b.SetParentBeaconRoot(beacon)
		if i == 0 {
			e.send(b, e.issuer(), nil, nil, deployment())
			return
		}
		for _, p := range payments {
			if p.block == b.Number().Uint64() {
				e.send(b, p.from, &p.to, p.wei, p.data)
			}
		}
		for _, t := range more {
			if t.Block == b.Number().Uint64() {
				e.send(b, deriveKey(e.seed, "deployer"), t.To, nil, t.Data)
			}
		}
	})
	for i, of := range receipts {
		for _, r := range of {
			if r.Status != types.ReceiptStatusSuccessful {
				return fmt.Errorf("devnet: a transaction of block %d failed", i+1)
			}
		}
	}
	e.states = states
	if _, err := e.backend.BlockChain().InsertChain(blocks); err != nil {
		return fmt.Errorf("devnet: %w", err)
	}
	return e.Finalize(finalBlock)
}

// maxGas is enough for the largest contract.
const maxGas = 7_000_000

// send adds a transaction to a block that is being made. A nil receiver makes a
// contract.
func (e *Ethereum) send(b *core.BlockGen, from *btcec.PrivateKey, to *common.Address, wei *big.Int, data []byte) {
	tx := types.MustSignNewTx(ethereumKey(from), e.signer, &types.LegacyTx{
		Nonce: b.TxNonce(addressOf(from)), To: to, Value: wei, Data: data, Gas: maxGas, GasPrice: new(big.Int).Add(b.BaseFee(), big.NewInt(params.GWei)),
	})
	b.AddTx(tx)
}

// Mine adds n empty blocks on top.
func (e *Ethereum) Mine(n int) error {
	return e.extend(e.backend.BlockChain().CurrentBlock().Number.Uint64(), n, "")
}

// Reorg replaces the blocks after a number by others, one more than there were.
func (e *Ethereum) Reorg(after uint64) error {
	head := e.backend.BlockChain().CurrentBlock().Number.Uint64()
	return e.extend(after, int(head-after)+1, "another branch") //nolint:gosec // a short chain
}

func (e *Ethereum) extend(parent uint64, n int, extra string) error {
	chain := e.backend.BlockChain()
	from := chain.GetBlockByNumber(parent)
	if from == nil {
		return fmt.Errorf("devnet: no block %d", parent)
	}
	blocks, _ := core.GenerateChain(e.config, from, e.backend.Engine(), e.states, n, func(_ int, b *core.BlockGen) {
		b.OffsetTime(blockTime - 10)
		b.SetExtra([]byte(extra))
	})
	if _, err := chain.InsertChain(blocks); err != nil {
		return fmt.Errorf("devnet: %w", err)
	}
	_, err := chain.SetCanonical(blocks[len(blocks)-1])
	return err
}

// Finalize makes a block the node's finalized one.
func (e *Ethereum) Finalize(number uint64) error {
	h := e.backend.BlockChain().GetHeaderByNumber(number)
	if h == nil {
		return fmt.Errorf("devnet: no block %d", number)
	}
	e.backend.BlockChain().SetFinalized(h)
	e.backend.BlockChain().SetSafe(h)
	return nil
}

// URL is where the node listens.
func (e *Ethereum) URL() string { return e.stack.HTTPEndpoint() }

// Token is the demo's ERC-20 token.
func (e *Ethereum) Token() chains.Token {
	return chains.Token(string(EthereumChain) + "/erc20:" + strings.ToLower(e.token.Hex()))
}

// Close stops the node.
func (e *Ethereum) Close() error {
	err := e.stack.Close()
	if e.states != nil {
		err = errors.Join(err, e.states.Close())
	}
	return err
}

func (e *Ethereum) issuer() *btcec.PrivateKey { return deriveKey(e.seed, "issuer") }

func addressOf(key *btcec.PrivateKey) common.Address {
	return crypto.PubkeyToAddress(ethereumKey(key).PublicKey)
}

// ethereumKey is the same key on go-ethereum's own curve, which it insists on.
func ethereumKey(key *btcec.PrivateKey) *ecdsa.PrivateKey {
	own, err := crypto.ToECDSA(key.Serialize())
	if err != nil {
		panic("devnet: key out of range: " + err.Error()) // not by deriveKey
	}
	return own
}

func ether(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(params.Ether)) }
