package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
	"github.com/assay-por/assay/report"
)

// signed is one account's signature, checked when it came in and again whenever it is read.
type signed struct {
	Account   chains.Account      `json:"account"`
	Grade     chains.ControlGrade `json:"grade"`
	Method    string              `json:"method"`
	Signature string              `json:"signature"`
}

type signatures struct {
	Root       report.Digest `json:"root"` // that the signatures were made for
	Signatures []signed      `json:"signatures"`
}

func newControl(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "control",
		Short: "Show that the exchange can move its wallets: texts out, signatures in",
		RunE:  func(_ *cobra.Command, _ []string) error { return usage("control needs a verb: challenge or import") },
	}
	cmd.AddCommand(newControlChallenge(a), newControlImport(a))
	return cmd
}

func newControlChallenge(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "challenge",
		Short: "Write one text file per account, to be signed offline",
		Long: `Write the challenge of every account that has not signed yet, one file each: NAME.txt, to be signed byte for byte (there is no line feed at its
end). Put each signature into NAME.sig, on one line, and give the folder to assay control import.
Accounts of eip155 chains sign with personal_sign (EIP-191). Bitcoin accounts sign with BIP-322, simple (segwit) or full (every address, with lock time 0
and sequence 0), or, where one key is the address (P2PKH, P2SH-P2WPKH, P2WPKH), with a signed message of 65 bytes as Electrum and others make it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				if out == "" {
					out = s.run.join(dirChallenges)
				}
				n, err := s.challenge(out)
				if err != nil {
					return err
				}
				return a.say(cmd, map[string]any{"challenges": n, "dir": out}, "%d challenges to sign in %s", n, out)
			})
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder for the texts (default: control/challenges in the run directory)")
	return cmd
}

func newControlImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import DIR",
		Short: "Check the signatures in a folder and keep them",
		Long:  `Read every NAME.sig beside its NAME.txt, check it, and keep it. One that does not verify is refused by name, and none of the folder is kept.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("control import takes one folder")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inRun(cmd, func(s *stages) error {
				kept, missing, err := s.importSignatures(args[0])
				if err != nil {
					return err
				}
				return a.say(cmd, map[string]int{"signed": kept, "missing": missing}, "%d accounts signed, %d missing", kept, missing)
			})
		},
	}
}

// challengeOf is the text that an account signs in this run.
func challengeOf(snap report.Snapshot, root report.Digest, account chains.Account) (control.Challenge, error) {
	block, ok := snap.Block(account.Chain())
	if !ok {
		return control.Challenge{}, refused("account %s: its chain is not pinned by the snapshot", account)
	}
	return control.Challenge{
		Exchange: snap.Exchange.Name, Snapshot: snap.ID.String(), Chain: account.Chain(), Account: account,
		Block: block.Hash, Root: root.String(),
	}, nil
}

// challenge writes the texts of all accounts that have not signed, and returns how many.
func (s *stages) challenge(dir string) (int, error) {
	snap, tree, err := s.snapshotAndTree()
	if err != nil {
		return 0, err
	}
	have, err := s.signatures(snap, tree)
	if err != nil {
		return 0, err
	}
	wallets, err := s.wallets()
	if err != nil {
		return 0, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, unreadable("%v", err)
	}
	n := 0
	for _, w := range wallets {
		if _, ok := have[w.account]; ok {
			continue
		}
		text, err := challengeOf(snap, tree.Root, w.account)
		if err != nil {
			return 0, err
		}
		name := strings.ReplaceAll(string(w.account), ":", "-") + ".txt"
		if err := renameio.WriteFile(filepath.Join(dir, name), []byte(text.Text()), 0o600); err != nil {
			return 0, unreadable("%v", err)
		}
		n++
	}
	return n, nil
}

// importSignatures checks the signatures of a folder and adds them to those kept.
func (s *stages) importSignatures(dir string) (kept, missing int, err error) {
	snap, tree, err := s.snapshotAndTree()
	if err != nil {
		return 0, 0, err
	}
	have, err := s.signatures(snap, tree)
	if err != nil {
		return 0, 0, err
	}
	wallets, err := s.wallets()
	if err != nil {
		return 0, 0, err
	}
	listed := map[chains.Account]bool{}
	for _, w := range wallets {
		listed[w.account] = true
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sig"))
	if err != nil || len(files) == 0 {
		return 0, 0, hinted(unreadable("%s: no signatures there", dir), "each is a file NAME.sig beside its NAME.txt")
	}
	for _, file := range files {
		one, err := readSignature(snap, tree.Root, file)
		if err != nil {
			return 0, 0, err
		}
		if !listed[one.Account] {
			return 0, 0, refused("%s: account %s is in no [[wallet]]", file, one.Account)
		}
		have[one.Account] = one
	}
	all := signatures{Root: tree.Root, Signatures: []signed{}}
	for _, w := range wallets {
		if one, ok := have[w.account]; ok {
			all.Signatures = append(all.Signatures, one)
		} else {
			missing++
		}
	}
	return len(all.Signatures), missing, s.run.writeJSON(fileSignatures, all)
}

// readSignature reads NAME.sig and checks it over this run's own challenge; NAME.txt only says for which account.
func readSignature(snap report.Snapshot, root report.Digest, file string) (signed, error) {
	text, err := os.ReadFile(strings.TrimSuffix(file, ".sig") + ".txt")
	if err != nil {
		return signed{}, hinted(unreadable("%s: its text is not beside it: %v", file, err), "keep NAME.txt and NAME.sig together")
	}
	sig, err := os.ReadFile(file)
	if err != nil {
		return signed{}, unreadable("%v", err)
	}
	asked, err := control.ParseChallenge(string(text))
	if err != nil {
		return signed{}, unreadable("%s: %v", strings.TrimSuffix(file, ".sig")+".txt", err)
	}
	ours, err := challengeOf(snap, root, asked.Account)
	if err != nil {
		return signed{}, err
	}
	if asked != ours {
		return signed{}, hinted(refused("%s: the text beside it is not this run's challenge (another snapshot, block or root)", file),
			"write the challenges again with assay control challenge and have them signed anew")
	}
	method, normal, grade, err := control.Verify(asked.Account, ours.Text(), strings.TrimSpace(string(sig)))
	if err != nil {
		return signed{}, refused("%s: account %s: %v", file, asked.Account, err)
	}
	return signed{Account: asked.Account, Grade: grade, Method: method, Signature: normal}, nil
}

// signatures are those kept for this very root; made for another they are void.
func (s *stages) signatures(snap report.Snapshot, tree report.Tree) (map[chains.Account]signed, error) {
	have := map[chains.Account]signed{}
	if !s.run.has(fileSignatures) {
		return have, nil
	}
	var all signatures
	if err := s.run.readJSON(fileSignatures, "control", &all); err != nil {
		return nil, err
	}
	if all.Root != tree.Root {
		s.progress.say("control: the tree was built anew; %d signatures made for the old root are void", len(all.Signatures))
		return have, nil
	}
	for _, one := range all.Signatures {
		text, err := challengeOf(snap, tree.Root, one.Account)
		if err != nil {
			return nil, err
		}
		if _, _, grade, err := control.Verify(one.Account, text.Text(), one.Signature); err != nil || grade != one.Grade {
			return nil, unreadable("%s: the signature of %s does not verify (any more): the file was altered", s.run.join(fileSignatures), one.Account)
		}
		have[one.Account] = one
	}
	return have, nil
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

// unsigned are the accounts that have not signed.
func unsigned(wallets []wallet, have map[chains.Account]signed) []chains.Account {
	var missing []chains.Account
	for _, w := range wallets {
		if _, ok := have[w.account]; !ok {
			missing = append(missing, w.account)
		}
	}
	return missing
}
