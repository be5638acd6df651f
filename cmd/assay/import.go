package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
	"github.com/assay-por/assay/report"
)

// contractSource asks a chain's nodes whether a contract wallet takes a signature: those that answered so, and an error if
// one of them answered otherwise.
type contractSource interface {
	Accepts(ctx context.Context, block chains.BlockRef, account chains.Account, hash [32]byte, signature []byte) ([]string, error)
}

func newControlImport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import DIR",
		Short: "Check the signatures in a folder and keep them",
		Long: `Read the signature of every NAME.txt that has one beside it, check it, and keep it: NAME.sig, or a photo or scan of a QR code that holds it,
NAME.sig.png or NAME.sig.jpg. One that does not verify is refused by name, and none of the folder is kept.

A Safe's owners sign one a line, in any order. For a contract wallet whose owners no evidence proves, the chain's nodes are asked whether it takes the
signature at the pinned block (EIP-1271): such accounts have the control grade contract-attested.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("control import takes one folder")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inRun(cmd, func(s *stages) error {
				signed, missing, err := s.importSignatures(args[0])
				if err != nil {
					return err
				}
				return a.say(cmd, map[string]int{"signed": signed, "missing": missing}, "%d accounts signed, %d missing", signed, missing)
			})
		},
	}
}

// signatureEndings are those of files that hold a signature.
var signatureEndings = []string{".sig", ".sig.png", ".sig.jpg", ".sig.jpeg"}

// importSignatures checks the signatures of a folder and adds them to those kept.
func (s *stages) importSignatures(dir string) (signed, missing int, err error) {
	c, err := s.controlled()
	if err != nil {
		return 0, 0, err
	}
	owners, err := s.owners(c.snap)
	if err != nil {
		return 0, 0, err
	}
	var files []string
	for _, ending := range signatureEndings {
		found, err := filepath.Glob(filepath.Join(dir, "*"+ending))
		if err != nil {
			return 0, 0, unreadable("%s: %v", dir, err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return 0, 0, hinted(unreadable("%s: no signatures there", dir), "each is a file NAME.sig beside its NAME.txt")
	}
	slices.Sort(files)
	from := map[chains.Account]string{}
	for _, file := range files {
		one, err := s.readSignature(c, owners, file)
		if err != nil {
			return 0, 0, err
		}
		for _, account := range one.Accounts {
			if !c.lists(account) {
				return 0, 0, refused("%s: account %s is in no [[wallet]]", file, account)
			}
			if first, ok := from[account]; ok {
				return 0, 0, hinted(refused("%s: account %s signed in %s too", file, account, first), "leave one of them in the folder")
			}
			from[account] = file
		}
		c.have.add(one)
	}
	missing = len(s.unsigned(c.wallets, c.have))
	return len(c.wallets) - missing, missing, s.keep(c.tree, c.have)
}

// readSignature reads a signature and checks it over this run's own challenge; NAME.txt only says for which accounts.
func (s *stages) readSignature(c controlled, owners map[chains.Account]chains.Owners, file string) (*signed, error) {
	at := strings.LastIndex(file, ".sig")
	textFile := file[:at] + ".txt"
	text, err := os.ReadFile(textFile)
	if err != nil {
		return nil, hinted(unreadable("%s: its text is not beside it: %v", file, err), "keep NAME.txt and NAME.sig together")
	}
	asked, err := control.ParseChallenge(string(text))
	if err != nil {
		return nil, unreadable("%s: %v", textFile, err)
	}
	accounts := asked.Names()
	ours, err := challengeOf(c.snap, c.tree.Root, accounts)
	if err != nil {
		return nil, err
	}
	if ours.Text() != string(text) {
		return nil, hinted(refused("%s: the text beside it is not this run's challenge (another snapshot, block or root)", file),
			"write the challenges again with assay control challenge and have them signed anew")
	}
	signature, err := signatureText(file)
	if err != nil {
		return nil, unreadable("%s: %v", file, err)
	}
	verified, err := control.Verify(accounts, ours.Text(), signature, control.Facts{Owners: owners})
	if err != nil {
		if verified, err = askContracts(s.ctx, s.contracts, ours, c.snap, signature, err); err != nil {
			return nil, refusedFile(s, file, accounts, err)
		}
	}
	return newSigned(accounts, "", verified), nil
}

func signatureText(file string) (string, error) {
	if filepath.Ext(file) != ".sig" {
		return readQR(file)
	}
	raw, err := os.ReadFile(file)
	return control.PSBTText(raw), err
}

// refusedFile names the file, and what may be missing where an account could be a Safe.
func refusedFile(s *stages, file string, accounts []chains.Account, err error) error {
	for _, a := range accounts {
		if a.Chain().Namespace() == chains.EIP155 && !s.run.has(fileGathered(a.Chain())) {
			return hinted(refused("%s: %v", file, err), "if the account is a Safe, run assay reserves first: its evidence proves the owners")
		}
	}
	return refused("%s: %v", file, err)
}

// contracts connects to a chain's nodes to ask about contract wallets; nil if there are none to ask.
func (s *stages) contracts(chain chains.Chain) (contractSource, error) {
	if !s.hasNodes(chain) {
		return nil, nil
	}
	source, err := s.source(s.ctx, chain)
	if err != nil {
		return nil, err
	}
	contracts, _ := source.(contractSource)
	return contracts, nil
}

// askContracts has the nodes say whether the accounts are contract wallets that take a signature which is of no key. Where
// they cannot be, it returns why the signature is of no key.
func askContracts(ctx context.Context, connect func(chains.Chain) (contractSource, error), c control.Challenge, snap report.Snapshot, signature string, notKey error) (control.Signature, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil {
		return control.Signature{}, notKey
	}
	var nodes []string
	for _, account := range c.Names() {
		block, pinned := snap.Block(account.Chain())
		if account.Chain().Namespace() != chains.EIP155 || !pinned {
			return control.Signature{}, notKey
		}
		contracts, err := connect(account.Chain())
		if err != nil {
			return control.Signature{}, err
		}
		if contracts == nil {
			return control.Signature{}, notKey
		}
		answered, err := contracts.Accepts(ctx, block.Ref(), account, control.ContractDigest(c.Text()), raw)
		if err == nil && len(answered) == 0 {
			err = errors.New("no node answered")
		}
		if err != nil {
			return control.Signature{}, fmt.Errorf("%w; and as the signature of a contract wallet: %w", notKey, err)
		}
		nodes = append(nodes, answered...)
	}
	return control.Verify(c.Names(), c.Text(), signature, control.Facts{Nodes: nodes})
}
