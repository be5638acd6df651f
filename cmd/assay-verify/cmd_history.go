package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
)

func historyCommand(out *output) *cobra.Command {
	var policyPath, customer, logPlace string
	var proofs []string
	c := &cobra.Command{
		Use:   "history PATH... --policy FILE [--proof FILE]... [--customer ID] [--log SOURCE]",
		Short: "Check that an exchange's statements follow from one another, and in which of them you are",
		Long: `Check that an exchange's statements, over months, follow from one another: numbered without a gap, each naming the one before,
none of them twice, and that a statement which takes the place of another says so.

Each PATH is a bundle (a folder, a zip file, or the URL of a zip file) or a signed statement alone (statement.dsse.json). All are of
one series. That what a statement says is true, assay-verify bundle says of each.

With --proof, as often as you have proofs, each is checked against its own statement, and you are told in which of the statements you
are inside the totals. Your customer id must come from you, as with assay-verify proof. Of a confidential tree the proof of your shard must hold
too: it is checked where PATH is a bundle that has it.

With --log, the exchange's log is looked at too: each statement must stand in it as published, or be superseded by another of those given.

Exit codes:
  0  whole: the statements follow from one another, none is missing, and every proof holds
  1  they do not, or a proof does not hold
  2  usage, statements of two series among it
  3  unreadable input: a file is missing, truncated, or not of its format
  4  unsupported version: use a newer assay-verify
  5  network`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := readPolicy(policyPath)
			if err != nil {
				return err
			}
			given, err := readProofs(proofs)
			if err != nil {
				return err
			}
			if len(proofs) > 0 {
				if given.Customer, err = askCustomer(customer, cmd.Flags().Changed("customer"), cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
					return err
				}
			} else if cmd.Flags().Changed("customer") {
				return &failure{verifier.ExitUsage, errors.New("a customer id, and no proof of that customer"), "give your proofs with --proof FILE"}
			}
			inputs, done, err := openStatements(cmd.Context(), args)
			defer done()
			if err != nil {
				return err
			}
			look, release, err := lookAt(cmd, out, logPlace, policy)
			if err != nil {
				return err
			}
			defer release()
			past, err := verifier.History(inputs, given, policy, look)
			var other *verifier.OtherSeriesError
			if errors.As(err, &other) {
				return &failure{verifier.ExitUsage, err, "give the statements of one series at a time"}
			}
			if err != nil {
				return err
			}
			return out.printHistory(cmd.OutOrStdout(), past)
		},
	}
	policyFlag(c, &policyPath)
	logFlag(c, &logPlace)
	c.Flags().StringArrayVar(&proofs, "proof", nil, "an inclusion proof that the exchange gave you; as often as you have one")
	c.Flags().StringVar(&customer, "customer", "", "your customer id at the exchange; - reads it from standard input")
	return c
}

func readProofs(paths []string) (given verifier.CustomerProofs, err error) {
	for _, path := range paths {
		raw, err := readFile(path, 28<<20)
		if err != nil {
			return given, err
		}
		given.Proofs = append(given.Proofs, verifier.HistoryProof{Name: path, Proof: raw})
	}
	return given, nil
}

// openStatements opens all; done releases what was opened, of a failure too.
func openStatements(ctx context.Context, paths []string) (inputs []verifier.HistoryInput, done func(), err error) {
	var opened []func()
	done = func() {
		for _, release := range opened {
			release()
		}
	}
	for _, path := range paths {
		input, release, err := openStatement(ctx, path)
		if err != nil {
			return nil, done, err
		}
		inputs, opened = append(inputs, input), append(opened, release)
	}
	return inputs, done, nil
}

// openStatement opens a bundle, or reads an envelope: a file that begins as JSON does, which no zip file can.
func openStatement(ctx context.Context, path string) (input verifier.HistoryInput, done func(), err error) {
	input.Name = path
	if alone, err := beginsAsJSON(path); err != nil || alone {
		if err == nil {
			input.Envelope, err = readFile(path, 24<<20)
		}
		return input, func() {}, err
	}
	input.Files, done, err = openBundle(ctx, path)
	return input, done, err
}

func beginsAsJSON(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, nil // a folder or a URL; or whoever opens it says what is wrong
	}
	file, err := os.Open(path)
	if err != nil {
		return false, unreadable(path, err)
	}
	defer file.Close()
	var first [1]byte
	if _, err := io.ReadFull(file, first[:]); err != nil {
		return false, unreadable(path, errors.New("the file is empty or cannot be read"))
	}
	return first[0] == '{', nil
}

// printHistory writes what came of a history.
func (o *output) printHistory(w io.Writer, past verifier.Past) error {
	return o.write(w, past, past.Exit, func(p *page) {
		if !o.quiet {
			p.history(past)
		}
		word := p.paint("1;32", "WHOLE")
		if !past.Holds {
			word = p.paint("1;31", "NOT WHOLE")
		}
		p.WriteString(word)
		p.line(": %s", past.Summary)
	})
}

func (p *page) history(past verifier.Past) {
	for _, s := range past.Statements {
		p.line("%s", s.Name)
		p.standing(s.Verdict.State)
		p.checks(s.Verdict.Checks)
		if d := s.Verdict.Statement; d != nil {
			p.line("             number %d of %s: period %s, instant %s, statement %s", d.Number, d.Series, d.Period, d.Instant, d.Digest)
			if d.Supersedes != "" {
				p.line("             it supersedes statement %s: %s", d.Supersedes, d.Reason)
			}
			if b := s.Verdict.NotAfter; b != nil {
				p.line("             it was there by %s: %s", b.Time, b.By)
			}
		}
	}
	p.line("\nTogether")
	p.checks(past.Checks)
	if len(past.Proofs) > 0 {
		var in []string
		for _, s := range past.Statements {
			word := "no proof given that holds"
			switch {
			case s.Included:
				word = "inside the totals"
			case s.Committed:
				word = "committed to; nobody checked here that the row is counted"
			}
			in = append(in, s.Name+": "+word)
		}
		p.list("The customer", in)
	}
	for _, proof := range past.Proofs {
		if c := proof.Verdict.Customer; c != nil {
			p.list("Found by "+proof.Name, append(append([]string{c.Row}, c.Found...), "counted, as checked by: "+cmp.Or(c.CountedBy, "nobody")))
		}
	}
	p.list("Notes", notesOf(past.Statements))
	if past.Holds {
		p.list("What this does not show", past.NotShown)
	}
	p.list("What was trusted", []string{"the trust policy with digest " + past.Policy})
	p.line("")
}

// notesOf gives each statement's notes with its name.
func notesOf(list []verifier.PastStatement) (notes []string) {
	for _, s := range list {
		for _, note := range s.Verdict.Notes {
			notes = append(notes, fmt.Sprintf("%s: %s", s.Name, note))
		}
	}
	return notes
}
