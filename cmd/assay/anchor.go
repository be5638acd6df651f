package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/utxo"
	"github.com/assay-por/assay/report"
)

const (
	dirAnchor    = "anchor" // proofs that wait for their transaction, by what it must name
	suffixAnchor = ".tlog-proof"
)

const longAnchor = `Anchor the log in a block of Bitcoin (SPEC part 26): a transaction names the log's checkpoint, and with it every entry below. Any wallet can pay it; no key of
the exchange is needed and none is shown. What stands in a block was there when the block was made.

  assay publish            the statement's entry is in the log
  assay anchor request     prints the output that a transaction must have
  assay anchor import TXID once it is confirmed: attaches the block's header, the work on top, and the transaction's place in it`

func newAnchor(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "anchor",
		Short: "Show by a block of Bitcoin that the statement was there",
		Long:  longAnchor,
		RunE:  func(_ *cobra.Command, _ []string) error { return usage("anchor needs a verb: request or import") },
	}
	cmd.AddCommand(newAnchorRequest(a), newAnchorImport(a))
	return cmd
}

func newAnchorRequest(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "request",
		Short: "Print the output that a transaction must have to anchor the log as it is",
		Long: `Print the script of an output, of no value, that names the log's present checkpoint, and its data as wallets ask for it. Exactly one output of the transaction may
have it. The proof that the statement's entry is below that checkpoint is kept in the run until import.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := a.loadLog(); err != nil {
				return err
			}
			return a.inRun(cmd, func(s *stages) error { return s.anchorRequest(cmd) })
		},
	}
}

func newAnchorImport(a *app) *cobra.Command {
	var chain string
	var height uint64
	cmd := &cobra.Command{
		Use:   "import TXID",
		Short: "Attach the block that a transaction is in, once it has its confirmations",
		Long: `Ask the nodes of a bip122 chain of the configuration for the transaction and its block, check them, and attach the anchor to the bundle, in place of one that is there.
While the block has too few confirmations it waits: run it again. A node without an index of transactions (txindex=1) must be told the height.`,
		Args: oneArg("anchor import takes the id of one transaction"),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := utxo.Place{Txid: args[0]}
			if cmd.Flags().Changed("height") {
				at.Height = &height
			}
			c, err := a.loadLog()
			if err != nil {
				return err
			}
			on, err := c.anchorChain(chain)
			if err != nil {
				return err
			}
			return a.inRun(cmd, func(s *stages) error { return s.anchorImport(cmd, on, at) })
		},
	}
	cmd.Flags().StringVar(&chain, "chain", "", "which chain, if the configuration has several of bip122")
	cmd.Flags().Uint64Var(&height, "height", 0, "height of the transaction's block")
	return cmd
}

// anchorChain is the chain named, or the only one there is.
func (c *Config) anchorChain(named string) (chains.Chain, error) {
	var have []string
	for _, chain := range c.Chains {
		if chain.ID == named || named == "" && strings.HasPrefix(chain.ID, chains.BIP122+":") {
			have = append(have, chain.ID)
		}
	}
	switch {
	case named != "" && !strings.HasPrefix(named, chains.BIP122+":"):
		return "", usage("--chain: got %q, want a bip122 chain", named)
	case len(have) == 0:
		return "", hinted(unreadable("%s: no [[chain]] of bip122 %s", c.path, named), "say which node to ask")
	case len(have) > 1:
		return "", usage("name one with --chain: %s", strings.Join(have, ", "))
	}
	return chains.Chain(have[0]), nil
}

// publishedEntry is the statement's entry, as it stands in the log.
func (s *stages) publishedEntry() ([]byte, error) {
	if !s.run.has(report.PathEntry) || !s.run.has(report.PathLogProof) {
		return nil, hinted(refused("the statement is in no log yet"), "assay publish enters it")
	}
	return s.run.read(report.PathEntry, "publish")
}

func (s *stages) anchorRequest(cmd *cobra.Command) error {
	entry, err := s.publishedEntry()
	if err != nil {
		return err
	}
	vkey, err := s.app.logKey(s.ctx, s.config)
	if err != nil {
		return err
	}
	dir := os.DirFS(s.config.resolve(s.config.Log.Dir))
	head, err := tlog.ReadCheckpoint(dir, vkey, s.config.witnessKeys()...)
	if errors.Is(err, fs.ErrNotExist) {
		return noLog(s.config)
	}
	if err != nil {
		return refused("%v", err)
	}
	place, err := tlog.Prove(dir, head, entry)
	if err != nil {
		return hinted(refused("%v", err), "the statement's entry must be in this log: assay publish enters it")
	}
	digest := sha256.Sum256(head.Text())
	if err := s.run.write(fmt.Sprintf("%s/%x%s", dirAnchor, digest, suffixAnchor), place.Proof); err != nil {
		return err
	}
	script := utxo.AnchorScript(digest)
	data := script[2:] // behind OP_RETURN and the length
	return s.app.say(cmd, map[string]any{"origin": head.Origin, "size": head.Size, "root": fmt.Sprintf("%x", head.Root), "script": fmt.Sprintf("%x", script), "data": fmt.Sprintf("%x", data)},
		"checkpoint: %s, %d entries\nscript: %x\ndata: %x\nA transaction needs exactly one output with this script, of no value. A PSBT for it, by a wallet of Bitcoin Core:\n\n"+
			"bitcoin-cli walletcreatefundedpsbt '[]' '[{\"data\":\"%[4]x\"}]'\n\nOnce it is signed and sent: assay anchor import TXID", head.Origin, head.Size, script, data)
}

func (s *stages) anchorImport(cmd *cobra.Command, chain chains.Chain, at utxo.Place) error {
	envelope, signed, err := s.signedStatement()
	if err != nil {
		return err
	}
	scripts, proofs, err := s.requested()
	if err != nil {
		return err
	}
	got, err := s.anchored(chain, at, scripts)
	if err != nil {
		return err
	}
	file, err := report.AnchorJSON(got.File)
	if err != nil {
		return refused("%v", err)
	}
	if err := s.keepAnchor(file, proofs[got.Script]); err != nil {
		return err
	}
	if err := s.publishAttachments(envelope, signed); err != nil {
		return err
	}
	if err := s.showAgain(signed); err != nil {
		return err
	}
	const policy = "[[anchor]]\nchain = %q\nnumber = %d\nhash = %q"
	lines := fmt.Sprintf(policy, got.Block.Chain, got.Block.Number, got.Block.Hash)
	when := got.Block.Time.Format("2006-01-02T15:04:05Z")
	return s.app.say(cmd, map[string]any{"statement": signed.Digest.String(), "chain": chain, "block": got.Block.Number, "hash": got.Block.Hash, "time": when, "policy": lines},
		"anchored in block %d of %s, of %s (which may be two hours off)\nfor a policy, after a look at a node of one's own:\n\n%s", got.Block.Number, chain, when, lines)
}

// keepAnchor writes both files; at no moment does one of before stand beside one of now.
func (s *stages) keepAnchor(file, proof []byte) error {
	if err := os.Remove(s.run.join(report.PathAnchor)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadable("%v", err)
	}
	if err := s.run.write(report.PathAnchorProof, proof); err != nil {
		return err
	}
	return s.run.write(report.PathAnchor, file)
}

// requested are the scripts that were asked for while the statement was in the log, and what each of them shows.
func (s *stages) requested() (scripts, proofs [][]byte, err error) {
	entry, err := s.publishedEntry()
	if err != nil {
		return nil, nil, err
	}
	vkey, err := s.app.logKey(s.ctx, s.config)
	if err != nil {
		return nil, nil, err
	}
	files, err := filepath.Glob(s.run.join(dirAnchor, "*"+suffixAnchor))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, unreadable("%v", err)
		}
		_, head, err := tlog.Verify(raw, entry, vkey, s.config.witnessKeys()...)
		if err != nil {
			s.progress.say("anchor: note: %s does not show this statement, and is passed over: %v", s.rel(file), err)
			continue
		}
		scripts, proofs = append(scripts, utxo.AnchorScript(sha256.Sum256(head.Text()))), append(proofs, raw)
	}
	if len(scripts) == 0 {
		return nil, nil, hinted(refused("no anchor of this statement was asked for"), "assay anchor request says what the transaction must hold")
	}
	return scripts, proofs, nil
}

// anchored asks the nodes, and waits where there is nothing wrong yet.
func (s *stages) anchored(chain chains.Chain, at utxo.Place, scripts [][]byte) (utxo.Anchored, error) {
	source, err := s.source(s.ctx, chain)
	if err != nil {
		return utxo.Anchored{}, err
	}
	nodes, ok := source.(interface {
		Anchor(context.Context, utxo.Place, ...[]byte) (utxo.Anchored, error)
	})
	if !ok {
		return utxo.Anchored{}, usage("%s is no chain to anchor in", chain)
	}
	got, err := nodes.Anchor(s.ctx, at, scripts...)
	var unconfirmed *utxo.UnconfirmedError
	var early *chains.NotFinalError
	switch {
	case errors.As(err, &unconfirmed):
		return got, waiting("run it again then", "waiting for a block of %s with transaction %s", chain, at.Txid)
	case errors.As(err, &early):
		return got, waiting("run it again then", "waiting for at least %d more blocks on block %d of %s", early.Blocks, early.Number, chain)
	}
	return got, err
}

// signedStatement is the run's signed statement.
func (s *stages) signedStatement() ([]byte, report.Signed, error) {
	envelope, err := s.run.read(fileEnvelope, "sign")
	if err != nil {
		return nil, report.Signed{}, err
	}
	signed, err := report.Read(envelope)
	if err != nil {
		return nil, signed, unreadable("%s: %v", s.run.join(fileEnvelope), err)
	}
	return envelope, signed, nil
}
