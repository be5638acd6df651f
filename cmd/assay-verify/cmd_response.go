package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/respsig"
)

const (
	maxKeyList = 1 << 20 // SPEC part 18
	timeForm   = "2006-01-02T15:04:05Z"
)

func responseCommand(out *output) *cobra.Command {
	var policyPath, keysPath, now, place, keep string
	c := &cobra.Command{
		Use:   "response (RECEIPT --keys FILE [--now TIME] | --url URL [--keys FILE] [--keep FILE]) --policy FILE",
		Short: "Check that a server of the exchange signed an answer",
		Long: `Check that a server of the exchange signed an answer: who answered what, when. Whether what was answered is true, it does not show:
that is what statement, log and proofs are for.

RECEIPT is an answer as somebody kept it, FILE of --keys the list of the servers' keys, which the exchange signed with the key that your
policy has; the server has it at /.well-known/assay-keys, keys of the past included. An answer may be shown when it has expired; with
--now TIME (2026-11-01T01:00:00Z) the reader's clock is set to TIME, and the answer must not have expired by then.

With --url, the answer is fetched now, over https (http from a loopback address), and so is the key list, from the same server, unless
--keys names one. No redirect is followed: it is an answer too. With --keep NAME.json the answer is kept as a receipt in that file and the
key list in NAME.keys.dsse.json beside it, whatever comes of the checks; no file is ever written over. Nothing is sent but the question.

Exit codes:
  0  signed: every check passed (whether what was answered is true is another question)
  1  checked and false
  2  usage
  3  unreadable input: a file is missing, truncated, or not of its format; an answer that is not signed is one
  4  unsupported version: use a newer assay-verify
  5  network`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := readPolicy(policyPath)
			if err != nil {
				return err
			}
			var answer verifier.Answer
			switch fetched := cmd.Flags().Changed("url"); {
			case fetched == (len(args) == 1):
				return usage("either a receipt or --url", "assay-verify response --help")
			case fetched && now != "":
				return usage("--now: an answer that is fetched is one of now", "leave out --now")
			case fetched:
				answer, err = fetchAnswer(cmd.Context(), place, keysPath, keep)
			case keep != "":
				return usage("--keep: the receipt is kept already", "--keep is for --url")
			default:
				answer, err = readAnswer(args[0], keysPath)
			}
			if err != nil {
				return err
			}
			if now != "" {
				if answer.Now, err = parseNow(now); err != nil {
					return err
				}
				answer.Fresh = true
			}
			return out.printResponse(cmd.OutOrStdout(), verifier.Response(answer, policy))
		},
	}
	policyFlag(c, &policyPath)
	c.Flags().StringVar(&keysPath, "keys", "", "the list of the servers' keys that the exchange signed")
	c.Flags().StringVar(&now, "now", "", "the time at which the answer must not have expired")
	c.Flags().StringVar(&place, "url", "", "ask this URL now, in place of a receipt")
	c.Flags().StringVar(&keep, "keep", "", "keep the answer that is fetched, and the key list beside it")
	return c
}

func usage(problem, hint string) error {
	return &failure{verifier.ExitUsage, errors.New(problem), hint}
}

// parseNow reads a time as the files have it.
func parseNow(s string) (time.Time, error) {
	now, err := time.Parse(timeForm, s)
	if err != nil {
		return now, usage("--now: not a time: want YYYY-MM-DDThh:mm:ssZ", "--now 2026-11-01T01:00:00Z")
	}
	return now, nil
}

// readAnswer reads an answer that was kept, and the key list to hold it against.
func readAnswer(receiptPath, keysPath string) (answer verifier.Answer, err error) {
	if receiptPath == "" {
		return answer, usage("--keys without --receipt: there is no answer to hold against them", "give --receipt FILE")
	}
	if keysPath == "" {
		return answer, usage("no --keys: an answer is held against the list of the servers' keys", "the exchange's servers have it at /.well-known/assay-keys; give --keys FILE")
	}
	if answer.Receipt, err = readFile(receiptPath, respsig.MaxReceipt); err != nil {
		return answer, err
	}
	answer.Keys, err = readFile(keysPath, maxKeyList)
	answer.Now = time.Now().UTC()
	return answer, err
}

// printResponse writes what came of checking an answer. It is never said to be proven: what it says may be false.
func (o *output) printResponse(w io.Writer, v verifier.Verdict) error {
	return o.write(w, told{"assay-verify " + version, v}, v.Exit, func(p *page) {
		if !o.quiet {
			p.verdict(v)
		}
		word := p.paint("1;32", "SIGNED")
		if !v.Proven {
			word = p.paint("1;31", "NOT SHOWN")
		}
		fmt.Fprint(p, word)
		p.line(": %s", v.Summary)
	})
}

// answer prints what a server signed.
func (p *page) answer(a *verifier.Answered) {
	p.line("\nAnswer")
	content := fmt.Sprintf("status %d, %d bytes", a.Status, a.Bytes)
	if !a.Shown {
		content = fmt.Sprintf("status %d, without content", a.Status)
	}
	for _, row := range [][2]string{
		{"asked", a.Method + " " + a.URL},
		{"answered", content},
		{"signed", a.Created},
		{"expires", a.Expires},
		{"nonce", a.Nonce},
		{"by key", a.Key},
		{"listed by", signers(a.ListedBy)},
	} {
		if row[1] != "" {
			p.line("  %-11s %s", row[0], row[1])
		}
	}
}
