package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/tree"
)

func proofCommand(out *output) *cobra.Command {
	var policyPath, statementPath, customer, logPlace, receiptPath, keysPath, shardPath string
	var findings []string
	c := &cobra.Command{
		Use:   "proof FILE --policy FILE [--customer ID] [--log SOURCE] [--shard PATH] [--finding FILE] [--receipt FILE --keys FILE]",
		Short: "Check that you are inside the totals that an exchange signed",
		Long: `Check that you are inside the totals that an exchange signed.

FILE is the inclusion proof that the exchange gave you. Your customer id (the account number or e-mail address that the exchange
told you to use) is never read from it: it must come from you, or you could be shown the balances of someone else. Without
--customer you are asked for it; with --customer - it is read from standard input, so that no shell history keeps it.

If the proof shows the statement's place in a transparency log, that is checked, by the logs and witnesses in [log] of your policy; with
required = true there, a proof without it fails. It is what keeps an exchange from showing you another statement than everybody else.

The verdict keeps three things apart: that your row, with these balances, is under the signed root; who checked that this row is counted in the
totals; and what is not shown.

Of a plain tree your proof shows that the row is counted, and --shard is not read. Of a confidential one it does not: the proof of your shard
does, the part of the tree that your row is in, and anybody may check it. With --shard this program does: give it the bundle's folder
liabilities, or of that folder the leaves of your shard alone (shard-00003.leaves, with shard-00003.proof beside them; your proof says which
shard). shards.json and top.proof, if they lie there too, show the totals. With --finding, an auditor of your policy says that they checked it.
What your policy asks for stands in [liabilities]:

  recompute = true     it must be shown by --shard, or the verdict is "not proven"
  finding = true       or by an auditor's finding
  recompute = false    it need not; the verdict says that nobody checked, and that the row is counted is the exchange's word

If you kept the signed answer by which you had the proof, --receipt shows it, held against the list of the servers' keys in --keys: then
the verdict says when the exchange gave you this proof. assay-verify response --help says more of them.

` + logHelp + exitCodes,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := readPolicy(policyPath)
			if err != nil {
				return err
			}
			input := verifier.ProofInput{Policy: policy}
			if input.Proof, err = readFile(args[0], 28<<20); err != nil {
				return err
			}
			if cmd.Flags().Changed("statement") {
				if input.Statement, err = readFile(statementPath, 24<<20); err != nil {
					return err
				}
			}
			if err := readShard(&input, shardPath); err != nil {
				return err
			}
			for _, path := range findings {
				raw, err := readFile(path, 1<<20)
				if err != nil {
					return err
				}
				input.Findings = append(input.Findings, raw)
			}
			if receiptPath != "" || keysPath != "" {
				answer, err := readAnswer(receiptPath, keysPath)
				if err != nil {
					return err
				}
				input.Answer = &answer
			}
			if input.Customer, err = askCustomer(customer, cmd.Flags().Changed("customer"), cmd.InOrStdin(), cmd.ErrOrStderr()); err != nil {
				return err
			}
			var release func()
			if input.Log, release, err = lookAt(cmd, out, logPlace, policy); err != nil {
				return err
			}
			defer release()
			return out.print(cmd.OutOrStdout(), verifier.Proof(input))
		},
	}
	policyFlag(c, &policyPath)
	logFlag(c, &logPlace)
	c.Flags().StringVar(&customer, "customer", "", "your customer id at the exchange; - reads it from standard input")
	c.Flags().StringVar(&receiptPath, "receipt", "", "the signed answer by which you had the proof")
	c.Flags().StringVar(&keysPath, "keys", "", "the list of the servers' keys that the exchange signed, for --receipt")
	c.Flags().StringVar(&shardPath, "shard", "", "of a confidential tree: the bundle's folder liabilities, or the leaves of your shard, with its proof beside them")
	c.Flags().StringArrayVar(&findings, "finding", nil, "of a confidential tree: an auditor's finding about the statement (in the bundle: attachments/findings); may be given again")
	c.Flags().StringVar(&statementPath, "statement", "", "the signed statement, if the proof does not hold it or to compare both")
	return c
}

// readShard takes the files of the customer's shard, and those of the top if they lie in the same folder.
func readShard(input *verifier.ProofInput, path string) error {
	if path == "" {
		return nil
	}
	proof, err := tree.ParseProof(input.Proof)
	if err != nil || proof.Kind != tree.KindConfidential {
		return nil // the verdict says what is wrong with it; of a plain tree it shows itself that the row is counted
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, fmt.Sprintf("shard-%05d.leaves", proof.Shard.Index))
	}
	name, ok := strings.CutSuffix(path, ".leaves")
	if !ok {
		return &failure{verifier.ExitUsage, fmt.Errorf("--shard %s: not a shard's leaves", path),
			"give the bundle's folder liabilities, or the file in it whose name ends in .leaves; the shard's proof must lie beside it"}
	}
	input.Shard = &verifier.ShardFiles{Leaves: func() (io.ReadCloser, error) {
		if err := regular(path); err != nil {
			return nil, err
		}
		return os.Open(path)
	}}
	if input.Shard.Proof, err = readRegular(name+".proof", 16<<20); err != nil {
		return err
	}
	var top verifier.TopFiles
	for _, file := range []struct {
		name  string
		limit int64
		to    *[]byte
	}{{"shards.json", 64 << 20, &top.List}, {"top.proof", 16 << 20, &top.Proof}} {
		beside := filepath.Join(filepath.Dir(path), file.name)
		if _, err := os.Stat(beside); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if *file.to, err = readRegular(beside, file.limit); err != nil {
			return err
		}
	}
	input.Top = &top
	return nil
}

// askCustomer takes the customer id from the flag, from standard input, or from the person at the terminal.
func askCustomer(flag string, given bool, stdin io.Reader, stderr io.Writer) (string, error) {
	if !given {
		file, ok := stdin.(*os.File)
		if !ok || !isatty.IsTerminal(file.Fd()) {
			return "", &failure{verifier.ExitUsage, errors.New("no customer id"), "give it with --customer ID, or --customer - to read it from standard input"}
		}
		fmt.Fprint(stderr, "Your customer id at the exchange (account number or e-mail address): ")
		flag = "-"
	}
	if flag == "-" {
		line, err := bufio.NewReader(io.LimitReader(stdin, 4097)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", &failure{code: verifier.ExitUnreadable, err: fmt.Errorf("standard input: %w", err)}
		}
		flag = line
	}
	id, err := tree.NormalizeCustomer(flag)
	if err != nil {
		return "", &failure{code: verifier.ExitUsage, err: err}
	}
	return id, nil
}
