package evidence

import (
	"encoding/hex"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/gethclient"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/rpc"
)

// mappingToken is a contract with one mapping(address => uint256) at slot 0, as solidity lays it out. Called with a holder and
// an amount, 32 bytes each, it stores the amount:
//
//	CALLDATACOPY(0, 0, 32) · SSTORE(KECCAK256(0, 64), CALLDATALOAD(32)) · STOP
//
// The first line deploys what follows.
const mappingToken = "6011600c60003960116000f3" + "6020600060003760203560406000205500"

// nodeState is a state in a real go-ethereum node, with what the node says of it.
type nodeState struct {
	sim     *simulated.Backend
	geth    *gethclient.Client
	sender  common.Address
	nonce   uint64
	send    func(to *common.Address, value int64, data []byte) *types.Receipt
	holders []common.Address
	token   common.Address
}

func newNodeState(t testing.TB) *nodeState {
	t.Helper()
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	n := &nodeState{sender: crypto.PubkeyToAddress(key.PublicKey)}
	socket := filepath.Join(t.TempDir(), "geth.ipc")
	n.sim = simulated.NewBackend(types.GenesisAlloc{n.sender: {Balance: new(big.Int).Mul(big.NewInt(1000), big.NewInt(1e18))}}, func(c *node.Config, _ *ethconfig.Config) {
		c.IPCPath = socket
	})
	t.Cleanup(func() { _ = n.sim.Close() })
	client, err := rpc.DialContext(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	n.geth = gethclient.New(client)
	n.send = func(to *common.Address, value int64, data []byte) *types.Receipt {
		t.Helper()
		tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(1337)), &types.DynamicFeeTx{
			ChainID: big.NewInt(1337), Nonce: n.nonce, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(1e11), Gas: 1_000_000, To: to, Value: big.NewInt(value), Data: data,
		})
		if err != nil {
			t.Fatal(err)
		}
		n.nonce++
		if err := n.sim.Client().SendTransaction(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		n.sim.Commit()
		receipt, err := n.sim.Client().TransactionReceipt(t.Context(), tx.Hash())
		if err != nil || receipt.Status != types.ReceiptStatusSuccessful {
			t.Fatalf("receipt %+v, %v", receipt, err)
		}
		return receipt
	}
	n.token = n.send(nil, 0, common.FromHex(mappingToken)).ContractAddress
	for i := range 20 {
		h := holder(i)
		n.holders = append(n.holders, h)
		if i > 1 {
			n.send(&n.token, 0, append(common.LeftPadBytes(h.Bytes(), 32), common.LeftPadBytes(new(big.Int).Lsh(big.NewInt(int64(i)), uint(10*i)).Bytes(), 32)...))
		}
		if i%3 == 1 {
			n.send(&h, int64(i)*1e9, nil)
		}
	}
	return n
}

// evidence is the file of eth_getProof's answers at the latest block, built from the node's words.
func (n *nodeState) evidence(t testing.TB, chain string) *evmFixture {
	t.Helper()
	header, err := n.sim.Client().HeaderByNumber(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := rlp.EncodeToBytes(header)
	if err != nil {
		t.Fatal(err)
	}
	bag := nodeBag{}
	collect := func(proof []string) {
		for _, node := range proof {
			b := hexutil.MustDecode(node)
			_ = bag.Put(crypto.Keccak256(b), b)
		}
	}
	id, native := chain+"/erc20:"+lower(n.token), chain+"/slip44:60"
	var lines []any
	code := ""
	slices.SortFunc(n.holders, func(a, b common.Address) int { return strings.Compare(lower(a), lower(b)) })
	for _, h := range n.holders {
		ether, err := n.geth.GetProof(t.Context(), h, nil, header.Number)
		if err != nil {
			t.Fatal(err)
		}
		tokens, err := n.geth.GetProof(t.Context(), n.token, []string{mappingSlot(layoutSolidity, h, 0).Hex(), common.Hash(implementationSlot(proxyEIP1967)).Hex(), common.Hash(implementationSlot(proxyZeppelinOS)).Hex()}, header.Number)
		if err != nil {
			t.Fatal(err)
		}
		collect(ether.AccountProof)
		collect(tokens.AccountProof)
		for _, slot := range tokens.StorageProof {
			collect(slot.Proof)
		}
		code = tokens.CodeHash.Hex()
		lines = append(lines,
			doc{"account": chain + ":" + lower(h), "amount": tokens.StorageProof[0].Value.String(), "token": id},
			doc{"account": chain + ":" + lower(h), "amount": ether.Balance.String(), "token": native})
	}
	slot := strings.Repeat("0", 64)
	return &evmFixture{
		file: doc{"attested": []any{}, "chain": chain, "header": hex.EncodeToString(raw), "nodes": bag.sorted(), "safes": []any{}, "snapshot": testSnapshot,
			"tokens": []any{doc{"layout": layoutSolidity, "slot": slot, "token": id}}, "type": kindEVM},
		lines: lines,
		block: Block{Chain: chain, Hash: header.Hash().Hex(), Number: header.Number.Uint64(), Time: time.Unix(int64(header.Time), 0)},
		pins:  map[string]TokenPin{id: {Layout: layoutSolidity, Slot: slot, Code: code}},
	}
}

// What a real node proves is proven here, absences included, and comes out as the node says.
func TestEVM_RealNode(t *testing.T) {
	f := newNodeState(t).evidence(t, ethereum)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	zero := 0
	for i, got := range result.Balances {
		if want := f.line(i)["amount"]; got.Amount.String() != want {
			t.Errorf("balance %d: got %s, want %s", i, got.Amount, want)
		}
		if got.Amount.Sign() == 0 {
			zero++
		}
	}
	if len(result.Balances) != 40 || zero < 10 || zero > 20 {
		t.Errorf("got %d balances, %d of them zero: this test shows too little", len(result.Balances), zero)
	}
}
