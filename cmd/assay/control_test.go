package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
	"github.com/assay-por/assay/report"
)

const controlConfig = `[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[[asset]]
id = "ETH"
decimals = 18
tokens = [
  { id = "eip155:1/slip44:60", decimals = 18, class = "native" },
  { id = "eip155:10/slip44:60", decimals = 18, class = "native" },
]
[[asset]]
id = "BTC"
decimals = 8
tokens = [{ id = "bip122:000000000019d6689c085ae165831e93/slip44:0", decimals = 8, class = "native" }]
`

// signer is a key of the tests, and its address.
type signer struct {
	key     *ecdsa.PrivateKey
	address string
}

func newSigner(t *testing.T, name string) signer {
	t.Helper()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte(name)))
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, strings.ToLower(crypto.PubkeyToAddress(key.PublicKey).Hex())}
}

func (s signer) sign(t *testing.T, digest []byte) string {
	t.Helper()
	sig, err := crypto.Sign(digest, s.key)
	if err != nil {
		t.Fatal(err)
	}
	sig[64] += 27
	return "0x" + hex.EncodeToString(sig)
}

func personal(text string) []byte {
	return crypto.Keccak256([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(text)) + text))
}

// pinnedRun is a run with a snapshot and a tree, as the stages before control leave it.
func pinnedRun(t *testing.T, wallets ...chains.Account) *stages {
	t.Helper()
	dir := t.TempDir()
	c, err := parseConfig([]byte(controlConfig))
	if err != nil {
		t.Fatal(err)
	}
	c.path = filepath.Join(dir, "assay.toml")
	byChain := map[chains.Chain][]string{}
	for _, w := range wallets {
		byChain[w.Chain()] = append(byChain[w.Chain()], w.Address())
	}
	for chain, accounts := range byChain {
		c.Wallets = append(c.Wallets, WalletConfig{Chain: string(chain), Accounts: accounts, Custody: "own-hot"})
	}
	run, err := openRun(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Close() })
	s := &stages{ctx: t.Context(), app: &app{quiet: true}, config: c, run: run, progress: newProgress(io.Discard, true)}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	snap, err := registry(c, "2026-11", at)
	if err != nil {
		t.Fatal(err)
	}
	var pins []chains.BlockRef
	for i, chain := range snap.Chains() {
		hash := fmt.Sprintf("%064x", i+1)
		if chain.Namespace() == chains.EIP155 {
			hash = "0x" + hash
		}
		pins = append(pins, chains.BlockRef{Chain: chain, Hash: hash, Number: 7, Time: at})
	}
	if snap, err = snap.WithBlocks(pins...); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(run.writeJSON(fileSnapshot, snap), writeTree(s, 1)); err != nil {
		t.Fatal(err)
	}
	return s
}

// writeTree leaves a tree whose root has this last byte.
func writeTree(s *stages, last byte) error {
	ledger := report.Ledger{Classes: []report.LedgerClass{}, Negatives: report.Negatives{Sum: []report.AssetAmount{}}, UnknownAssets: report.UnknownAssets{Sums: []report.UnknownSum{}}}
	return s.run.writeJSON(fileBuild, buildRecord{Input: "x", Ledger: ledger, Tree: report.Tree{Kind: report.KindPlain, Leaves: 1, Root: report.Digest{31: last}, Shards: 1}})
}

// proveOwners leaves evidence that proves the owners of Safes.
func proveOwners(t *testing.T, s *stages, threshold uint64, owners []signer, safes ...chains.Account) {
	t.Helper()
	var snap report.Snapshot
	if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
		t.Fatal(err)
	}
	of := map[chains.Chain]*gathered{}
	for _, safe := range safes {
		block, _ := snap.Block(safe.Chain())
		g := of[safe.Chain()]
		if g == nil {
			g = &gathered{Balances: []gatheredBalance{}, Block: block}
			of[safe.Chain()] = g
		}
		o := gatheredOwners{Account: safe, Threshold: threshold}
		for _, one := range owners {
			o.Addresses = append(o.Addresses, one.address)
		}
		g.Owners = append(g.Owners, o)
	}
	for chain, g := range of {
		if err := s.run.writeJSON(fileGathered(chain), g); err != nil {
			t.Fatal(err)
		}
	}
}

// texts writes the challenges and returns them by the name of their file.
func texts(t *testing.T, s *stages, h handing) map[string]string {
	t.Helper()
	if h.out == "" {
		h.out = t.TempDir()
	}
	n, _, err := s.challenge(h)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(h.out, "*.txt"))
	if err != nil || len(files) != n {
		t.Fatalf("%d texts, %d files, %v", n, len(files), err)
	}
	all := map[string]string{}
	for _, file := range files {
		all[file] = read(t, file)
	}
	return all
}

func save(t *testing.T, content string, elem ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(elem...), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keptNow reads what the run has, through every check.
func keptNow(t *testing.T, s *stages) kept {
	t.Helper()
	c, err := s.controlled()
	if err != nil {
		t.Fatal(err)
	}
	return c.have
}

const genesisAccount = chains.Account("bip122:000000000019d6689c085ae165831e93:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")

// TestOneTextForOneAddress: one address on several chains signs once, and the signature stands for each of its accounts.
func TestOneTextForOneAddress(t *testing.T) {
	me := newSigner(t, "me")
	one, ten := chains.Account("eip155:1:"+me.address), chains.Account("eip155:10:"+me.address)
	s := pinnedRun(t, ten, genesisAccount, one)
	dir := t.TempDir()
	all := texts(t, s, handing{out: dir, qr: true, typed: true})
	name := filepath.Join(dir, "eip155-10-"+me.address+"-and-1-more") // by their bytes, 10 comes first
	if len(all) != 2 || !strings.Contains(all[name+".txt"], "account: "+string(one)+"\nblock: 0x") || !strings.Contains(all[name+".txt"], "account: "+string(ten)) {
		t.Fatalf("texts %v", all)
	}
	if got, err := readQR(name + ".png"); err != nil || got != all[name+".txt"] {
		t.Errorf("the QR code holds %q, %v", got, err)
	}
	var typed struct{ Message struct{ Challenge string } }
	if err := json.Unmarshal([]byte(read(t, name+".eip712.json")), &typed); err != nil || typed.Message.Challenge != all[name+".txt"] {
		t.Errorf("the typed data holds %q, %v", typed.Message.Challenge, err)
	}
	if others, err := filepath.Glob(filepath.Join(dir, "bip122*.json")); err != nil || len(others) > 0 {
		t.Errorf("typed data for a chain that has none: %v, %v", others, err)
	}
	sig := me.sign(t, personal(all[name+".txt"]))
	save(t, sig+"\n", name+".sig")
	signed, missing, err := s.importSignatures(dir)
	if err != nil || signed != 2 || missing != 1 {
		t.Fatalf("%d signed, %d missing, %v", signed, missing, err)
	}
	have := keptNow(t, s)
	if have[one] == nil || have[one] != have[ten] || len(have.list()) != 1 || have[one].Grade != chains.Bound || !slices.Equal(have[one].Accounts, []chains.Account{ten, one}) {
		t.Errorf("kept %+v", have)
	}
	if left := texts(t, s, handing{}); len(left) != 1 {
		t.Errorf("still asked for: %v", left)
	}
	// Every account's line has the grade, and the signature stands once.
	var snap report.Snapshot
	if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
		t.Fatal(err)
	}
	var balances []chains.Balance
	for _, h := range []chains.Holding{{Account: one, Token: "eip155:1/slip44:60"}, {Account: ten, Token: "eip155:10/slip44:60"}, {Account: genesisAccount, Token: "bip122:000000000019d6689c085ae165831e93/slip44:0"}} {
		balances = append(balances, chains.Balance{Account: h.Account, Token: h.Token, Amount: uint256.NewInt(5), Grade: chains.NodeAttested})
	}
	lines, err := s.writeLines(snap, report.Tree{Root: report.Digest{31: 1}}, balances)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if want := map[bool]chains.ControlGrade{true: chains.NoControl, false: chains.Bound}[l.Account == genesisAccount]; l.Control != want {
			t.Errorf("%s: control %s, want %s", l.Account, l.Control, want)
		}
	}
	want := `"signatures":[{"accounts":["` + string(ten) + `","` + string(one) + `"],"method":"eip191","signature":"` + sig + `"}]`
	if got := read(t, s.run.join(published(report.PathControl))); !strings.Contains(got, want) {
		t.Errorf("control file %s, want %s", got, want)
	}
}

// TestSafesTogether: several Safes of the same owners share one text; the owners' signatures come in any order.
func TestSafesTogether(t *testing.T) {
	owners := []signer{newSigner(t, "a"), newSigner(t, "b"), newSigner(t, "c")}
	slices.SortFunc(owners, func(a, b signer) int { return strings.Compare(a.address, b.address) })
	safes := []chains.Account{"eip155:1:0x5afe000000000000000000000000000000000001", "eip155:1:0x5afe000000000000000000000000000000000002"}
	other := chains.Account("eip155:10:" + safes[0].Address())
	s := pinnedRun(t, safes[0], safes[1], other)
	proveOwners(t, s, 2, owners, safes...)
	if all := texts(t, s, handing{}); len(all) != 3 {
		t.Errorf("a Safe and an account of which nothing is proven share a text: %v", all)
	}
	list := filepath.Join(t.TempDir(), "safes.txt")
	save(t, "# two of three\n"+string(safes[1])+"\neip155:1:0x5AFe000000000000000000000000000000000001\n", list)
	if _, _, err := s.challenge(handing{out: t.TempDir(), together: []string{list}}); err == nil || !strings.Contains(err.Error(), "safes.txt:3: ") || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a wrong checksum: %v", err)
	}
	save(t, "# two of three\n"+string(safes[1])+"\n\n"+string(safes[0])+"\n", list)
	dir := t.TempDir()
	all := texts(t, s, handing{out: dir, together: []string{list}, typed: true})
	name := filepath.Join(dir, "eip155-1-"+safes[0].Address()+"-and-1-more")
	text, ok := all[name+".txt"]
	if len(all) != 2 || !ok {
		t.Fatalf("texts %v", all)
	}
	if _, err := os.Stat(name + ".eip712.json"); err == nil {
		t.Error("typed data for Safes, whose owners do not sign it")
	}
	sign := func(o signer) string { return o.sign(t, personal(text)) }
	for name, c := range map[string]struct{ lines, says string }{
		"one of two":  {sign(owners[2]) + "\n", "signatures of 1 owners, the Safe asks for 2 of its 3"},
		"one twice":   {sign(owners[2]) + "\n" + sign(owners[2]), "signed twice"},
		"no owner":    {sign(owners[0]) + "\n" + sign(newSigner(t, "d")), "no owner of the Safe"},
		"no evidence": {"", "owners, got 0"},
	} {
		save(t, c.lines, filepath.Join(dir, "eip155-1-"+safes[0].Address()+"-and-1-more.sig"))
		if _, _, err := s.importSignatures(dir); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	save(t, sign(owners[2])+"\n"+sign(owners[0])+"\n", name+".sig")
	if signed, missing, err := s.importSignatures(dir); err != nil || signed != 2 || missing != 1 {
		t.Fatalf("%d signed, %d missing, %v", signed, missing, err)
	}
	one := keptNow(t, s)[safes[1]]
	if one == nil || one.Method != control.Safe || one.Grade != chains.OwnerProved || one.Signature != sign(owners[0])+sign(owners[2])[2:] {
		t.Errorf("kept %+v", one)
	}
	// Without the evidence that proves the owners the signature is void.
	if err := os.Remove(s.run.join(fileGathered("eip155:1"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.controlled(); err == nil || !strings.Contains(err.Error(), "does not verify (any more)") {
		t.Errorf("without evidence: %v", err)
	}
}

// TestTogetherRefused: lists of accounts that cannot sign one text.
func TestTogetherRefused(t *testing.T) {
	a, b := chains.Account("eip155:1:0x0000000000000000000000000000000000000001"), chains.Account("eip155:1:0x0000000000000000000000000000000000000002")
	s := pinnedRun(t, a, b)
	dir := t.TempDir()
	for name, c := range map[string]struct{ first, second, says string }{
		"no account":       {"# none\n", "", "it lists no account"},
		"malformed":        {"0x01\n", "", "first:1: "},
		"of no wallet":     {string(a) + "\neip155:1:0x0000000000000000000000000000000000000003\n", "", "first:2: account eip155:1:0x0000000000000000000000000000000000000003 is in no [[wallet]]"},
		"twice":            {string(a) + "\n" + string(a) + "\n", "", "first:2: account " + string(a) + " is listed before, at "},
		"in another group": {string(a) + "\n", string(b) + "\n" + string(a) + "\n", "second:2: account " + string(a) + " is listed before, at "},
	} {
		save(t, c.first, dir, "first")
		save(t, c.second, dir, "second")
		h := handing{out: t.TempDir(), together: []string{filepath.Join(dir, "first"), filepath.Join(dir, "second")}}
		if c.second == "" {
			h.together = h.together[:1]
		}
		if _, _, err := s.challenge(h); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// TestB24_RebuiltTree: signatures made for another root are void; those over texts of others stay.
func TestB24_RebuiltTree(t *testing.T) {
	me, you := newSigner(t, "me"), newSigner(t, "you")
	mine, yours := chains.Account("eip155:1:"+me.address), chains.Account("eip155:1:"+you.address)
	s := pinnedRun(t, mine, yours)
	dir := t.TempDir()
	all := texts(t, s, handing{out: dir})
	name := filepath.Join(dir, "eip155-1-"+me.address)
	save(t, me.sign(t, personal(all[name+".txt"])), name+".sig")
	if _, _, err := s.importSignatures(dir); err != nil {
		t.Fatal(err)
	}
	c, err := s.controlled()
	if err != nil {
		t.Fatal(err)
	}
	const text = "I am yours"
	sig, err := control.Verify([]chains.Account{yours}, text, you.sign(t, personal(text)), control.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	c.have.add(newSigned([]chains.Account{yours}, text, sig))
	if err := s.keep(c.tree, c.have); err != nil {
		t.Fatal(err)
	}
	if left := s.unsigned(c.wallets, keptNow(t, s)); !slices.Equal(left, []chains.Account{yours}) {
		t.Errorf("still to sign: %v, want the account with a static text", left)
	}
	s.config.Coverage.Control = append(s.config.Coverage.Control, "static")
	if left := s.unsigned(c.wallets, keptNow(t, s)); len(left) != 0 {
		t.Errorf("where the rule counts static, still to sign: %v", left)
	}
	if err := writeTree(s, 2); err != nil {
		t.Fatal(err)
	}
	have := keptNow(t, s)
	if have[mine] != nil || have[yours] == nil || have[yours].Grade != chains.Static || have[yours].Message != text {
		t.Errorf("after another tree: %+v", have)
	}
	if _, _, err := s.importSignatures(dir); err == nil || !strings.Contains(err.Error(), "is not this run's challenge") {
		t.Errorf("the old folder: %v", err)
	}
}

// TestImportRefused: what is wrong with a folder is said by the file's name, and nothing of it is kept.
func TestImportRefused(t *testing.T) {
	me, you := newSigner(t, "me"), newSigner(t, "you")
	mine := chains.Account("eip155:1:" + me.address)
	s := pinnedRun(t, mine, chains.Account("eip155:1:"+you.address))
	dir := t.TempDir()
	all := texts(t, s, handing{out: dir})
	name := filepath.Join(dir, "eip155-1-"+me.address)
	good := me.sign(t, personal(all[name+".txt"]))
	stranger := strings.ReplaceAll(all[name+".txt"], me.address, "0x0000000000000000000000000000000000000009")
	for what, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"none":            {nil, "no signatures there"},
		"no text":         {map[string]string{"x.sig": good}, "its text is not beside it"},
		"not a challenge": {map[string]string{"x.sig": good, "x.txt": "I am the owner"}, "x.txt: challenge: want 7 lines"},
		"of no wallet":    {map[string]string{"x.sig": newSigner(t, "me").sign(t, personal(stranger)), "x.txt": stranger}, "x.sig: "},
		"by another":      {map[string]string{"x.sig": you.sign(t, personal(all[name+".txt"])), "x.txt": all[name+".txt"]}, "x.sig: control of " + string(mine) + ": signature is not this account's"},
		"twice":           {map[string]string{"x.sig": good, "x.txt": all[name+".txt"], "y.sig": good, "y.txt": all[name+".txt"]}, "y.sig: account " + string(mine) + " signed in "},
		"no image":        {map[string]string{"x.sig.png": good, "x.txt": all[name+".txt"]}, "x.sig.png: it is no PNG or JPEG image"},
		"another root":    {map[string]string{"x.sig": good, "x.txt": strings.Replace(all[name+".txt"], "root: 0", "root: 1", 1)}, "is not this run's challenge"},
	} {
		folder := t.TempDir()
		for file, content := range c.files {
			save(t, content, folder, file)
		}
		if _, _, err := s.importSignatures(folder); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
	if have := keptNow(t, s); len(have) != 0 {
		t.Errorf("kept %v", have)
	}
}

// TestAlteredSignatures: what stands in the run's own file is checked again each time.
func TestAlteredSignatures(t *testing.T) {
	me := newSigner(t, "me")
	s := pinnedRun(t, chains.Account("eip155:1:"+me.address))
	dir := t.TempDir()
	for name, text := range texts(t, s, handing{out: dir}) {
		save(t, me.sign(t, personal(text)), strings.TrimSuffix(name, ".txt")+".sig")
	}
	if _, _, err := s.importSignatures(dir); err != nil {
		t.Fatal(err)
	}
	good := read(t, s.run.join(fileSignatures))
	for old, with := range map[string]string{`"bound"`: `"script"`, `"eip191"`: `"eip712"`, `"signature":"0x`: `"signature":"0x0`, `"method"`: `"message":"hello","method"`} {
		save(t, strings.Replace(good, old, with, 1), s.run.join(fileSignatures))
		if c, err := s.controlled(); err == nil {
			t.Errorf("%s for %s: kept %+v", with, old, c.have)
		}
	}
}

// asked is a chain whose contract wallets answer as the function does.
type asked func(account chains.Account, hash [32]byte, signature []byte) ([]string, error)

func (f asked) Accepts(_ context.Context, _ chains.BlockRef, account chains.Account, hash [32]byte, signature []byte) ([]string, error) {
	return f(account, hash, signature)
}

// TestB11_UnknownContract: a contract wallet of which nothing is proven is taken on the word of nodes, named, at its own grade.
func TestB11_UnknownContract(t *testing.T) {
	one, ten := chains.Account("eip155:1:0x00000000000000000000000000000000000000c0"), chains.Account("eip155:10:0x00000000000000000000000000000000000000c0")
	s := pinnedRun(t, one, ten, genesisAccount)
	c, err := s.controlled()
	if err != nil {
		t.Fatal(err)
	}
	text, err := challengeOf(c.snap, c.tree.Root, []chains.Account{ten, one})
	if err != nil {
		t.Fatal(err)
	}
	notKey := errors.New("of no key")
	no := errors.New("node b says no")
	yes := asked(func(account chains.Account, hash [32]byte, signature []byte) ([]string, error) {
		if hash != [32]byte(personal(text.Text())) || string(signature) != "\xab\xcd" {
			t.Errorf("asked for %x over %x", signature, hash)
		}
		return []string{"node of " + string(account.Chain()), "a"}, nil
	})
	from := func(source contractSource) func(chains.Chain) (contractSource, error) {
		return func(chains.Chain) (contractSource, error) { return source, nil }
	}
	got, err := askContracts(t.Context(), from(yes), text, c.snap, "0xabcd", notKey)
	want := control.Signature{Method: control.EIP1271, Nodes: []string{"a", "node of eip155:1", "node of eip155:10"}, Signature: "0xabcd", Grade: chains.ContractAttested}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	bitcoin, err := challengeOf(c.snap, c.tree.Root, []chains.Account{genesisAccount})
	if err != nil {
		t.Fatal(err)
	}
	for name, c2 := range map[string]struct {
		source    contractSource
		text      control.Challenge
		signature string
		want      error
	}{
		"not hex":    {yes, text, "smpAA==", notKey},
		"on Bitcoin": {yes, bitcoin, "0xabcd", notKey},
		"no nodes":   {nil, text, "0xabcd", notKey},
		"refused":    {asked(func(chains.Account, [32]byte, []byte) ([]string, error) { return nil, no }), text, "0xabcd", no},
		"nobody":     {asked(func(chains.Account, [32]byte, []byte) ([]string, error) { return nil, nil }), text, "0xabcd", notKey},
	} {
		if got, err := askContracts(t.Context(), from(c2.source), c2.text, c.snap, c2.signature, notKey); !errors.Is(err, c2.want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	kept := newSigned(text.Names(), "", got)
	if err := kept.again(c.snap, c.tree.Root, nil); err != nil {
		t.Errorf("kept and read again: %v", err)
	}
	kept.Nodes = nil
	if err := kept.again(c.snap, c.tree.Root, nil); err == nil {
		t.Error("without the nodes that answered it is taken still")
	}
}
