package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control/lists"
)

func newControlOKX(a *app) *cobra.Command {
	var keep bool
	cmd := &cobra.Command{
		Use:   "okx FILE.csv",
		Short: "Check the signatures of a list of addresses in the form that OKX publishes",
		Long: `Read a list of addresses with signatures as OKX publishes it, check each signature over the row's own message, and print what was found of each row.
Checked are BTC (one key, or a k-of-n script), TRX, SOL, and eip155 networks; other networks are named as not supported. Where owners signed for a
contract or a stake, it is said that their ownership is not shown.

Such messages bind no snapshot: whoever has the list can show them again for ever. Nothing is written, but with --keep the signatures of accounts in
[[wallet]] that have none yet are kept, with the control grade static, which coverage.control does not count unless it says so. If a row is false, none is.

Exit codes: 0 no row is false, 1 some row is, 3 the file is not of that form.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("control okx takes one file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			outcomes, err := a.okx(cmd, args[0])
			if err != nil || !keep {
				return err
			}
			return a.inRun(cmd, func(s *stages) error { return s.keepOKX(cmd, outcomes) })
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the signatures of accounts in [[wallet]] that have none")
	return cmd
}

// okxRow is what is printed of a row.
type okxRow struct {
	Line    int            `json:"line"`
	State   lists.State    `json:"state"`
	Account chains.Account `json:"account,omitempty"`
	Address string         `json:"address"`
	Method  string         `json:"method,omitempty"`
	Says    string         `json:"says"`
}

// okx prints what is found of each row, and returns those that verified, with their messages.
func (a *app) okx(cmd *cobra.Command, file string) ([]*signed, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	defer f.Close()
	rows, err := lists.ReadOKX(f)
	if err != nil {
		return nil, unreadable("%s: %v", file, err)
	}
	var verified []*signed
	var printed []okxRow
	count := map[lists.State]int{}
	for _, row := range rows {
		o := row.Verify()
		count[o.State]++
		printed = append(printed, okxRow{Line: row.Number, State: o.State, Account: o.Account, Address: row.Address, Method: o.Signature.Method, Says: o.Says})
		if o.State == lists.Verified {
			verified = append(verified, newSigned([]chains.Account{o.Account}, row.Message, o.Signature))
		}
	}
	if err := a.sayOKX(cmd, printed, count); err != nil {
		return nil, err
	}
	if n := count[lists.False]; n > 0 {
		return nil, refused("%s: %d of %d rows are false", file, n, len(rows))
	}
	return verified, nil
}

func (a *app) sayOKX(cmd *cobra.Command, rows []okxRow, count map[lists.State]int) error {
	if a.json {
		return a.say(cmd, map[string]any{"rows": rows, "counts": count}, "")
	}
	for _, r := range rows {
		if err := a.say(cmd, nil, "line %d: %s: %s: %s", r.Line, r.Address, r.State, r.Says); err != nil {
			return err
		}
	}
	return a.say(cmd, nil, "%d rows: %d signed by the account's own keys, %d whose ownership is not shown, %d not supported, %d false; nothing is shown of amounts",
		len(rows), count[lists.Verified], count[lists.OwnersOnly], count[lists.NotSupported], count[lists.False])
}

// keepOKX keeps the signatures of accounts that are the exchange's and have none.
func (s *stages) keepOKX(cmd *cobra.Command, all []*signed) error {
	c, err := s.controlled()
	if err != nil {
		return err
	}
	added := 0
	for _, one := range all {
		account := one.Accounts[0]
		if _, has := c.have[account]; !has && c.lists(account) {
			c.have.add(one)
			added++
		}
	}
	if err := s.keep(c.tree, c.have); err != nil {
		return err
	}
	return s.app.say(cmd, map[string]int{"kept": added}, "%d signatures kept, of control grade %s; the others are of accounts in no [[wallet]], or that signed already", added, chains.Static)
}
