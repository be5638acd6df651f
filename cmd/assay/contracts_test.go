package main

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/report"
)

// safeArtefacts are those of Safe 1.4.1, whose licence keeps them out of this repository.
const safeArtefacts = "../../build/npm/node_modules/@safe-global/safe-contracts/build/artifacts/contracts/"

// initCode reads a compiled contract of Safe's, or skips the test.
func initCode(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(safeArtefacts + path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("skipped: Safe's contracts are not there; type: make anvil")
	}
	var artefact struct{ Bytecode hexutil.Bytes }
	if err = errors.Join(err, json.Unmarshal(raw, &artefact)); err != nil || len(artefact.Bytecode) == 0 {
		t.Fatalf("%s: %v", path, err)
	}
	return artefact.Bytecode
}

// words encodes the arguments of a call.
func words(values ...[]byte) []byte {
	var all []byte
	for _, v := range values {
		all = append(all, common.LeftPadBytes(v, 32)...)
	}
	return all
}

// safeOf makes a Safe of these owners, by transactions of the devnet's deployer.
func safeOf(t *testing.T, threshold byte, owners []signer) (common.Address, []devnet.Transaction) {
	t.Helper()
	made := func(n uint64) common.Address { return crypto.CreateAddress(devnet.Deployer("test"), n) }
	logic, safe := made(0), made(1)
	setup := crypto.Keccak256([]byte("setup(address[],uint256,address,bytes,address,address,uint256,address)"))[:4]
	count := byte(len(owners))
	setup = append(setup, words([]byte{1, 0}, []byte{threshold}, nil, []byte{1, 32 * (1 + count)}, nil, nil, nil, nil, []byte{count})...)
	for _, o := range owners {
		setup = append(setup, words(common.FromHex(o.address))...)
	}
	setup = append(setup, words(nil)...) // no bytes for nobody to call
	return safe, []devnet.Transaction{
		{Block: 2, Data: initCode(t, "Safe.sol/Safe.json")},
		{Block: 3, Data: append(initCode(t, "proxies/SafeProxy.sol/SafeProxy.json"), words(logic[:])...)},
		{Block: 4, To: &safe, Data: setup},
	}
}

// walletOf is a contract of whose keys no evidence knows: its isValidSignature takes what one key signed.
func walletOf(owner signer) types.Account {
	code := "60206004600037" + // the hash of the call to memory at 0
		"60a43560001a602052" + // the signature's last byte, v, at 32
		"604060646040 37" + // r and s at 64
		"602060806080600060015afa50" + // have the key recovered
		"60805173" + owner.address[2:] + "14" + // whether it is the owner
		"631626ba7e60e01b02" + // times the answer
		"60005260206000f3"
	return types.Account{Code: common.FromHex(strings.ReplaceAll(code, " ", "")), Balance: big.NewInt(3_000_000), Nonce: 1}
}

// contractTown is a node with a Safe, two of whose three owners must sign, and another contract wallet of the first of them;
// and a folder whose configuration reads it, with tree and evidence.
func contractTown(t *testing.T, assay string, owners []signer) (dir string, safe, wallet chains.Account) {
	t.Helper()
	safeAt, txs := safeOf(t, 2, owners)
	walletAt := common.HexToAddress("0x1271")
	moment := devnet.Instant(time.Now())
	node, err := devnet.StartEthereum(devnet.EthereumOptions{
		Seed: "test", Instant: moment, Transactions: txs,
		Alloc: types.GenesisAlloc{safeAt: {Balance: big.NewInt(5_000_000)}, walletAt: walletOf(owners[0])},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	dir = t.TempDir()
	var accounts []string
	for _, at := range []common.Address{safeAt, walletAt} {
		accounts = append(accounts, strings.ToLower(at.Hex()))
	}
	configure(t, dir, string(devnet.EthereumChain), node.URL(), accounts)
	add(t, dir, "[bands]\nbefore = [\"500s\"]\n")
	for _, args := range [][]string{
		{"init"}, {"ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv"},
		{"snapshot", "--at", moment.Format(time.RFC3339)}, {"reserves"}, {"build"},
	} {
		must(t, dir, assay, args...)
	}
	of := func(i int) chains.Account { return chains.Account(string(devnet.EthereumChain) + ":" + accounts[i]) }
	return dir, of(0), of(1)
}

func must(t *testing.T, dir, assay string, args ...string) string {
	t.Helper()
	code, stdout, stderr := call(t, dir, assay, args...)
	if code != exitDone {
		t.Fatalf("assay %s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

func unmarshal(t *testing.T, content string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(content), v); err != nil {
		t.Fatal(err)
	}
}

// TestB11_ContractWallets takes a Safe and another contract wallet from the evidence to the statement: the one's owners are
// proved and sign, the other is asked through the node. A verifier reaches the grades that the builder gives.
func TestB11_ContractWallets(t *testing.T) {
	assay, verify := programs(t)
	owners := []signer{newSigner(t, "a"), newSigner(t, "b"), newSigner(t, "c")}
	slices.SortFunc(owners, func(a, b signer) int { return strings.Compare(a.address, b.address) })
	dir, safe, wallet := contractTown(t, assay, owners)
	run := filepath.Join(dir, "run")
	var kept gathered
	unmarshal(t, read(t, run, fileGathered(devnet.EthereumChain)), &kept)
	if len(kept.Owners) != 1 || kept.Owners[0].Account != safe || kept.Owners[0].Threshold != 2 || len(kept.Owners[0].Addresses) != 3 ||
		slices.ContainsFunc(owners, func(o signer) bool { return !slices.Contains(kept.Owners[0].Addresses, o.address) }) {
		t.Fatalf("owners kept beside the evidence: %+v, want 2 of %v for %s", kept.Owners, owners, safe)
	}

	must(t, dir, assay, "control", "challenge", "--out", "texts")
	sign := func(account chains.Account, by ...signer) (lines []string) {
		name := filepath.Join(dir, "texts", challengeName([]chains.Account{account}))
		for _, o := range by {
			lines = append(lines, o.sign(t, personal(read(t, name+".txt"))))
		}
		save(t, strings.Join(lines, "\n")+"\n", name+".sig")
		return lines
	}
	stranger := newSigner(t, "stranger")
	for _, c := range []struct {
		ofSafe, ofWallet []signer
		says             string
	}{
		{owners[2:], owners[:1], "signatures of 1 owners, the Safe asks for 2 of its 3"},
		{[]signer{owners[2], stranger}, owners[:1], "who is no owner of the Safe"},
		{owners[1:], []signer{stranger}, "does not accept the signature"},
		{owners[1:], owners[1:2], "does not accept the signature"},
	} {
		sign(safe, c.ofSafe...)
		sign(wallet, c.ofWallet...)
		expect(t, dir, assay, exitRefused, c.says, "control", "import", "texts", "--quiet")
	}
	ofSafe, ofWallet := sign(safe, owners[2], owners[0]), sign(wallet, owners[0])
	if out := must(t, dir, assay, "control", "import", "texts"); !strings.HasPrefix(out, "2 accounts signed, 0 missing") {
		t.Errorf("import says %q", out)
	}
	must(t, dir, assay, "report")

	var reserves struct{ Lines []report.Line }
	unmarshal(t, read(t, run, published(report.PathLines)), &reserves)
	grades := map[chains.Account]chains.ControlGrade{}
	for _, l := range reserves.Lines {
		grades[l.Account] = l.Control
	}
	if d := cmp.Diff(map[chains.Account]chains.ControlGrade{safe: chains.OwnerProved, wallet: chains.ContractAttested}, grades); d != "" {
		t.Errorf("control of the lines (-want +got):\n%s", d)
	}
	var signed report.ControlFile
	unmarshal(t, read(t, run, published(report.PathControl)), &signed)
	want := []report.ControlSignature{
		{Accounts: []chains.Account{safe}, Method: control.Safe, Signature: ofSafe[1] + ofSafe[0][2:]},
		{Accounts: []chains.Account{wallet}, Method: control.EIP1271, Nodes: []string{"node 1"}, Signature: ofWallet[0]},
	}
	slices.SortFunc(want, func(a, b report.ControlSignature) int {
		return strings.Compare(string(a.Accounts[0]), string(b.Accounts[0]))
	})
	if d := cmp.Diff(want, signed.Signatures); d != "" {
		t.Errorf("control file (-want +got):\n%s", d)
	}

	must(t, dir, assay, "run", "--quiet")
	v := judged(t, dir, verify, exitDone)
	v.detail(t, "bands")
	counted := map[string]bool{}
	for _, g := range v.Reserves[0].Groups {
		counted[g.Control] = g.Counted
	}
	if d := cmp.Diff(map[string]bool{"owner-proved": true, "contract-attested": false}, counted); d != "" {
		t.Errorf("control grades that the verifier reached, and counts (-want +got):\n%s", d)
	}
	v = judged(t, dir, verify, exitDone, `"bound", "owner-proved"`, `"bound", "contract-attested"`)
	if g := v.Reserves[0].Groups; len(g) != 2 || g[0].Counted == g[1].Counted || g[0].Counted != (g[0].Control == "contract-attested") {
		t.Errorf("a policy that takes a node's word: %+v", g)
	}
}
