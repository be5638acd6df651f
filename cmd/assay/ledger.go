package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"filippo.io/age"
	"github.com/google/renameio/v2"
	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/report"
)

func newLedger(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Look at the ledger before a run, or make one to try things with",
		RunE:  func(_ *cobra.Command, _ []string) error { return usage("ledger needs a verb: check or synth") },
	}
	cmd.AddCommand(newLedgerCheck(a), newLedgerSynth(a))
	return cmd
}

func newLedgerCheck(a *app) *cobra.Command {
	var underwater string
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Read the whole ledger by the rules of the configuration and print counts and totals",
		Long: `Read the whole ledger by the rules of the configuration and print counts and totals. Nothing of it stays; meanwhile it lies, sealed to a key that nobody keeps, in the
folder for temporary files (TMPDIR), where it takes about a third of its size.

With [margin], customers whose debts are worth more than their collateral are counted, at the prices that the file has now, and --underwater writes who they are to a file that only
you can read.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if underwater != "" && c.Margin == nil {
				return usage("--underwater is for margin accounts: %s has no [margin]", c.path)
			}
			snap, err := registry(c, "check", time.Unix(0, 0))
			if err != nil {
				return err
			}
			if snap, err = c.withMargin(snap); err != nil {
				return err
			}
			in, err := openLedger(cmd.Context(), c)
			if err != nil {
				return err
			}
			summary, err := in.checked(cmd.Context(), snap, underwater, newProgress(cmd.ErrOrStderr(), a.quiet))
			if err != nil {
				return err
			}
			sum, err := ledgerSection(snap, summary)
			if err != nil {
				return err
			}
			if a.json {
				return a.say(cmd, sum, "")
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d customers, %d entries\n", sum.Customers, sum.Entries)
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', tabwriter.AlignRight)
			for _, class := range sum.Classes {
				for _, amount := range class.Sum {
					fmt.Fprintf(w, "%s\t%s\t%s\t\n", class.Class, amount.Asset, amount.Amount.Decimal(c.decimals(amount.Asset)))
				}
			}
			if err := w.Flush(); err != nil {
				return err
			}
			return sayMoved(cmd.OutOrStdout(), c, sum)
		},
	}
	cmd.Flags().StringVar(&underwater, "underwater", "", "write the ids of customers under water to this file")
	return cmd
}

// sayMoved prints what became no credit.
func sayMoved(out io.Writer, c *Config, sum report.Ledger) error {
	below := sum.Negatives.Entries
	if sum.Negatives.Rule == report.RuleDebit {
		below = 0
		fmt.Fprintf(out, "debits: %d entries\n", sum.Negatives.Entries)
		for _, a := range sum.Negatives.Sum {
			fmt.Fprintf(out, "  %s %s\n", a.Amount.Decimal(c.decimals(a.Asset)), a.Asset)
		}
	}
	if u := sum.Underwater; u != nil && u.Customers > 0 {
		fmt.Fprintf(out, "under water: %d customers, whose debits are written off\n", u.Customers)
		for _, a := range u.Sum {
			fmt.Fprintf(out, "  %s %s\n", a.Amount.Decimal(c.decimals(a.Asset)), a.Asset)
		}
	}
	if below+sum.UnknownAssets.Entries > 0 {
		fmt.Fprintf(out, "excluded: %d entries below zero, %d entries of assets not in the configuration\n", below, sum.UnknownAssets.Entries)
	}
	return nil
}

// checked is summary, and lists customers under water in a file, if one is named: also where they are an error.
func (in *ledgerInput) checked(ctx context.Context, snap report.Snapshot, underwater string, p *progress) (ledger.Summary, error) {
	if underwater == "" {
		return in.summary(ctx, snap, nil, p)
	}
	list, err := newUnderwaterFile(underwater)
	if err != nil {
		return ledger.Summary{}, err
	}
	defer list.file.Cleanup() //nolint:errcheck // after a successful replace there is nothing left to clean
	sum, err := in.summary(ctx, snap, list.add, p)
	var under *build.UnderwaterError
	if err == nil || errors.As(err, &under) {
		err = errors.Join(err, list.commit())
	}
	return sum, err
}

// ledgerFiles expands the patterns of the configuration, in order and each file once. Of those at s3:// see ledgerObjects.
func ledgerFiles(c *Config) ([]string, error) {
	var files []string
	for _, pattern := range c.Ledger.Files {
		if strings.HasPrefix(pattern, s3Scheme) {
			continue
		}
		found, err := filepath.Glob(c.resolve(pattern))
		if err != nil {
			return nil, unreadable("ledger.files: %q is not a pattern", pattern)
		}
		if len(found) == 0 {
			return nil, unreadable("ledger.files: nothing matches %s", c.resolve(pattern))
		}
		for _, path := range found {
			inside, err := filesIn(path)
			if err != nil {
				return nil, err
			}
			files = append(files, inside...)
		}
	}
	if len(c.Ledger.Files) == 0 {
		return nil, unreadable("ledger.files is empty: name the files with the customers' balances, or a query and its database")
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// filesIn returns a file itself, and of a folder all of its files but those that programs leave beside the data: their names
// begin with a dot or an underscore.
func filesIn(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable("ledger.files: %v", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, unreadable("ledger.files: %v", err)
	}
	var files []string
	for _, e := range entries {
		inside := filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."), strings.HasPrefix(e.Name(), "_"):
		case e.IsDir():
			return nil, unreadable("ledger.files: %s is a folder in a folder: name it by itself", inside)
		default:
			files = append(files, inside)
		}
	}
	if len(files) == 0 {
		return nil, unreadable("ledger.files: the folder %s has no files", path)
	}
	return files, nil
}

// summary reads the whole ledger and tells what a statement would say of it. Meanwhile it lies in the system's folder for temporary
// files (TMPDIR), sealed to a key that nobody keeps. told, if not nil, is handed the customers under water.
func (in *ledgerInput) summary(ctx context.Context, snap report.Snapshot, told func(customer []byte) error, p *progress) (ledger.Summary, error) {
	dir, err := os.MkdirTemp("", "assay-check-")
	if err != nil {
		return ledger.Summary{}, unreadable("%v", err)
	}
	defer os.RemoveAll(dir)
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return ledger.Summary{}, err
	}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return ledger.Summary{}, err
	}
	once, err := merkle.DeriveKeys(secret, merkle.Hash(snap.ID))
	if err != nil {
		return ledger.Summary{}, err
	}
	w := in.worker(snap, once, identity.Recipient(), identity)
	w.Store, w.Progress, w.Underwater = store.Dir(dir), p.step, told
	defer p.finish()
	return build.Summarize(ctx, w)
}

// rules are those of the configuration.
func (c *Config) rules() ledger.Rules {
	rules := ledger.Rules{Negatives: c.Ledger.Negatives, Duplicates: c.Ledger.Duplicates, UnknownAssets: c.Ledger.UnknownAssets}
	if c.Margin != nil {
		rules.Underwater = c.Margin.Underwater
	}
	return rules
}

func ledgerAssets(c *Config) []ledger.Asset {
	assets := make([]ledger.Asset, len(c.Assets))
	for i, a := range c.Assets {
		assets[i] = ledger.Asset{ID: a.ID, Decimals: a.Decimals}
	}
	return assets
}

func newLedgerSynth(a *app) *cobra.Command {
	var opt ledger.SynthOptions
	var out string
	cmd := &cobra.Command{
		Use:   "synth --customers N --assets M --held K --seed S --out PATH",
		Short: "Make a seeded, realistic ledger of any size",
		Long: `Make a ledger to try things with: heavy-tailed balances, K assets a customer on average, the same file for the same seed.
PATH ends in .csv, .csv.gz, .csv.zst or .parquet; "-" writes to standard output. The assets are those of the configuration file, if there is one and --assets does not ask for another number.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(a.configPath); err == nil || cmd.Flags().Changed("config") {
				c, err := a.load()
				if err != nil {
					return err
				}
				if own := ledgerAssets(c); len(own) == opt.Assets || !cmd.Flags().Changed("assets") {
					opt.IDs, opt.Assets = own, len(own)
				}
			}
			if out == "" {
				return usage("--out is missing: say where the ledger goes")
			}
			return writeLedger(cmd, out, opt)
		},
	}
	cmd.Flags().IntVar(&opt.Customers, "customers", 10_000, "number of customers")
	cmd.Flags().IntVar(&opt.Assets, "assets", 8, "number of assets")
	cmd.Flags().IntVar(&opt.Held, "held", 3, "assets that a customer holds, on average")
	cmd.Flags().Uint64Var(&opt.Seed, "seed", 1, "the same seed makes the same ledger")
	cmd.Flags().BoolVar(&opt.Wide, "wide", false, "one line a customer, one column an asset")
	cmd.Flags().StringVar(&out, "out", "", "file to write")
	return cmd
}

func writeLedger(cmd *cobra.Command, out string, opt ledger.SynthOptions) error {
	if out == "-" {
		return synth(cmd.OutOrStdout(), out, opt)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o700); err != nil {
		return unreadable("%v", err)
	}
	f, err := renameio.NewPendingFile(out, renameio.WithPermissions(0o600))
	if err != nil {
		return unreadable("writing %s: %v", out, err)
	}
	defer f.Cleanup() //nolint:errcheck // after a successful replace there is nothing left to clean
	buf := bufio.NewWriterSize(f, 1<<20)
	if err := synth(buf, out, opt); err != nil {
		return err
	}
	if err := buf.Flush(); err != nil {
		return unreadable("writing %s: %v", out, err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return unreadable("writing %s: %v", out, err)
	}
	return nil
}

// synth writes the ledger in the compression that the file's name asks for.
func synth(w io.Writer, name string, opt ledger.SynthOptions) error {
	var packed io.WriteCloser
	switch {
	case strings.HasSuffix(name, ".csv"), name == "-":
		return ledger.Synth(w, opt)
	case strings.HasSuffix(name, ".parquet"):
		return ledger.SynthParquet(w, opt)
	case strings.HasSuffix(name, ".csv.gz"):
		packed = gzip.NewWriter(w)
	case strings.HasSuffix(name, ".csv.zst"):
		enc, err := zstd.NewWriter(w)
		if err != nil {
			return err
		}
		packed = enc
	default:
		return usage("--out %s: the name must end in .csv, .csv.gz, .csv.zst or .parquet", name)
	}
	if err := ledger.Synth(packed, opt); err != nil {
		return err
	}
	return packed.Close()
}
