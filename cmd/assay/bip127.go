package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
)

// bip127Chain is whose addresses a PSBT is read as, if nothing else is said.
const bip127Chain = "bip122:000000000019d6689c085ae165831e93"

func newControlBIP127(a *app) *cobra.Command {
	var message, chain string
	var keep bool
	cmd := &cobra.Command{
		Use:   "bip127 FILE --message TEXT",
		Short: "Check a proof of reserves of BIP-127 over a text of its own",
		Long: `Read a finalised PSBT of BIP-127, in base64 or as its bytes, and check that the owners of all the outputs it spends signed for the text. It is read for
control only: it shows neither that the outputs exist nor that they are unspent. A PSBT over this run's own challenge is for assay control import.

Nothing is written; with --keep the signature is kept, with the control grade static, if all its accounts are in [[wallet]] and none has signed yet.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("control bip127 takes one file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			one, err := readBIP127(args[0], chain, message)
			if err != nil {
				return err
			}
			if err := a.say(cmd, one, "signed for %d accounts by %s over %q, which binds no snapshot: control %s; nothing is shown of the outputs themselves: %s",
				len(one.Accounts), one.Method, message, one.Grade, one.Accounts); err != nil || !keep {
				return err
			}
			return a.inRun(cmd, func(s *stages) error { return s.keepBIP127(cmd, one) })
		},
	}
	cmd.Flags().StringVar(&message, "message", "", "the text that was signed for")
	cmd.Flags().StringVar(&chain, "chain", bip127Chain, "whose addresses the scripts are read as")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the signature")
	return cmd
}

func readBIP127(file, chainText, message string) (*signed, error) {
	if message == "" {
		return nil, usage("control bip127 needs --message, the text that was signed for")
	}
	chain, err := chains.ParseChain(chainText)
	if err != nil {
		return nil, usage("--chain: %v", err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	signature := control.PSBTText(raw)
	accounts, err := control.ProofAccounts(chain, signature)
	if err != nil {
		return nil, unreadable("%s: %v", file, err)
	}
	s, err := control.Verify(accounts, message, signature, control.Facts{})
	if err != nil {
		return nil, refused("%s: %v", file, err)
	}
	return newSigned(accounts, message, s), nil
}

func (s *stages) keepBIP127(cmd *cobra.Command, one *signed) error {
	c, err := s.controlled()
	if err != nil {
		return err
	}
	for _, account := range one.Accounts {
		if !c.lists(account) {
			return refused("account %s is in no [[wallet]], so a signature that is for it too cannot be kept", account)
		}
		if old, has := c.have[account]; has {
			return refused("account %s signed already, by %s of control grade %s", account, old.Method, old.Grade)
		}
	}
	c.have.add(one)
	if err := s.keep(c.tree, c.have); err != nil {
		return err
	}
	return s.app.say(cmd, map[string]int{"kept": 1}, "kept, of control grade %s", one.Grade)
}
