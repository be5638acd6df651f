package main

import (
	"cmp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
	"github.com/assay-por/assay/report"
)

func newControl(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "control",
		Short: "Show that the exchange can move its wallets: texts out, signatures in",
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("control needs a verb: challenge, import, okx or bip127")
		},
	}
	cmd.AddCommand(newControlChallenge(a), newControlImport(a), newControlOKX(a), newControlBIP127(a))
	return cmd
}

// signed is the one signature of its accounts' owner, checked when it came in and again whenever it is read.
type signed struct {
	Accounts  []chains.Account    `json:"accounts"`
	Grade     chains.ControlGrade `json:"grade"`
	Message   string              `json:"message,omitempty"` // what was signed, if it is not the challenge
	Method    string              `json:"method"`
	Nodes     []string            `json:"nodes,omitempty"`
	Signature string              `json:"signature"`
}

type signatures struct {
	Root       report.Digest `json:"root"` // that the challenges were made for
	Signatures []*signed     `json:"signatures"`
}

// kept are the signatures of a run, by account; one for several accounts stands under each of them.
type kept map[chains.Account]*signed

func newSigned(accounts []chains.Account, message string, s control.Signature) *signed {
	return &signed{Accounts: accounts, Grade: s.Grade, Message: message, Method: s.Method, Nodes: s.Nodes, Signature: s.Signature}
}

// published is the signature as the bundle holds it.
func (one *signed) published() report.ControlSignature {
	return report.ControlSignature{Accounts: one.Accounts, Message: one.Message, Method: one.Method, Nodes: one.Nodes, Signature: one.Signature}
}

// add puts a signature in the place of those that its accounts had.
func (k kept) add(one *signed) {
	for _, account := range one.Accounts {
		if old, ok := k[account]; ok {
			for _, a := range old.Accounts {
				delete(k, a)
			}
		}
	}
	for _, account := range one.Accounts {
		k[account] = one
	}
}

// list is every signature once, by its first account.
func (k kept) list() []*signed {
	all := []*signed{}
	for account, one := range k {
		if one.Accounts[0] == account {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b *signed) int { return cmp.Compare(a.Accounts[0], b.Accounts[0]) })
	return all
}

// challengeOf is the text that the owner of these accounts signs in this run.
func challengeOf(snap report.Snapshot, root report.Digest, accounts []chains.Account) (control.Challenge, error) {
	c := control.Challenge{Exchange: snap.Exchange.Name, Snapshot: snap.ID.String(), Root: root.String()}
	for _, account := range accounts {
		block, ok := snap.Block(account.Chain())
		if !ok {
			return c, refused("account %s: its chain is not pinned by the snapshot", account)
		}
		c.Accounts = append(c.Accounts, control.Pinned{Account: account, Block: block.Hash})
	}
	return c, nil
}

// signatures are those kept for this very root; made for another they are void, but for those over texts of others.
func (s *stages) signatures(snap report.Snapshot, tree report.Tree) (kept, error) {
	have := kept{}
	if !s.run.has(fileSignatures) {
		return have, nil
	}
	var all signatures
	if err := s.run.readJSON(fileSignatures, "control", &all); err != nil {
		return nil, err
	}
	owners, err := s.owners(snap)
	if err != nil {
		return nil, err
	}
	void := 0
	for _, one := range all.Signatures {
		if all.Root != tree.Root && one.Message == "" {
			void++
			continue
		}
		if err := one.again(snap, tree.Root, owners); err != nil {
			return nil, unreadable("%s: a signature does not verify (any more), the file was altered: %v", s.run.join(fileSignatures), err)
		}
		have.add(one)
	}
	if void > 0 {
		s.progress.say("control: the tree was built anew; %d signatures made for the old root are void", void)
	}
	return have, nil
}

// again verifies a signature that was kept, as it was when it came in.
func (one *signed) again(snap report.Snapshot, root report.Digest, owners map[chains.Account]chains.Owners) error {
	text := one.Message
	if text == "" {
		c, err := challengeOf(snap, root, one.Accounts)
		if err != nil {
			return err
		}
		text = c.Text()
	}
	got, err := control.Verify(one.Accounts, text, one.Signature, control.Facts{Owners: owners, Nodes: one.Nodes})
	if err != nil {
		return err
	}
	if got.Grade != one.Grade || got.Method != one.Method {
		return refused("account %s: its signature is %s of grade %s, not %s of grade %s", one.Accounts[0], got.Method, got.Grade, one.Method, one.Grade)
	}
	return nil
}

// keep writes the signatures of a run.
func (s *stages) keep(tree report.Tree, have kept) error {
	return s.run.writeJSON(fileSignatures, signatures{Root: tree.Root, Signatures: have.list()})
}

// unsigned are the accounts that have not signed, or only some text of others that the rule does not count.
func (s *stages) unsigned(wallets []wallet, have kept) []chains.Account {
	static := slices.Contains(s.config.Coverage.Control, string(chains.Static))
	var missing []chains.Account
	for _, w := range wallets {
		if one, ok := have[w.account]; !ok || one.Grade == chains.Static && !static {
			missing = append(missing, w.account)
		}
	}
	return missing
}

// controlled is what the verbs of control start from: the stages before, the wallets, and the signatures so far.
type controlled struct {
	snap    report.Snapshot
	tree    report.Tree
	wallets []wallet
	have    kept
}

func (s *stages) controlled() (controlled, error) {
	var c controlled
	var err error
	if c.snap, c.tree, err = s.snapshotAndTree(); err != nil {
		return c, err
	}
	if c.wallets, err = s.wallets(); err != nil {
		return c, err
	}
	c.have, err = s.signatures(c.snap, c.tree)
	return c, err
}

// lists reports whether the account is in a [[wallet]].
func (c controlled) lists(account chains.Account) bool {
	return slices.ContainsFunc(c.wallets, func(w wallet) bool { return w.account == account })
}

// snapshotAndTree reads what the two stages before left; control makes neither.
func (s *stages) snapshotAndTree() (report.Snapshot, report.Tree, error) {
	var snap report.Snapshot
	if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
		return snap, report.Tree{}, err
	}
	var b buildRecord
	err := s.run.readJSON(fileBuild, "build", &b)
	return snap, b.Tree, err
}
