package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/report"
)

func newProve(a *app) *cobra.Command {
	var customer, out, list string
	cmd := &cobra.Command{
		Use:   "prove (--customer ID --out FILE | --customers FILE --out DIR)",
		Short: "Make customers' inclusion proofs",
		Long: `Make the proof of one customer, or of every customer listed in a file, one id a line. A proof holds no customer id, and neither does its file's name:
with --customers each is named by the customer's look-up handle. Once the statement is published, proofs show its place in the log too. --customer - reads the id from standard input, where no process list shows it.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (customer == "") == (list == "") {
				return usage("prove needs either --customer or --customers")
			}
			if out == "" {
				return usage("--out is missing: say where the proof goes")
			}
			return a.inRun(cmd, func(s *stages) error {
				p, err := s.openProver()
				if err != nil {
					return err
				}
				defer p.inner.Close()
				if list != "" {
					return p.proveList(cmd, list, out)
				}
				if customer == "-" {
					if customer, err = firstLine(cmd.InOrStdin()); err != nil {
						return err
					}
				}
				if err := p.prove(customer, func(string) string { return out }); err != nil {
					return err
				}
				return a.say(cmd, map[string]string{"proof": out}, "proof written to %s", out)
			})
		},
	}
	cmd.Flags().StringVar(&customer, "customer", "", "the customer's id as the ledger has it, or - to read it from standard input")
	cmd.Flags().StringVar(&list, "customers", "", "file with one customer id a line")
	cmd.Flags().StringVar(&out, "out", "", "file for the proof, or folder with --customers")
	return cmd
}

// prover makes proofs for the run's signed statement.
type prover struct {
	s        *stages
	snap     report.Snapshot
	keys     merkle.Keys
	inner    *build.Prover
	tree     build.Result
	envelope []byte
	log      *merkle.InLog // the statement's place, once it is published
}

func (s *stages) openProver() (*prover, error) {
	snap, tree, err := s.snapshotAndTree()
	if err != nil {
		return nil, err
	}
	envelope, err := s.run.read(fileEnvelope, "sign")
	if err != nil {
		return nil, err
	}
	e, err := attest.ParseEnvelope(envelope)
	if err != nil {
		return nil, unreadable("%s: %v", s.run.join(fileEnvelope), err)
	}
	if err := s.sameTree(envelope, tree); err != nil {
		return nil, err
	}
	result, err := s.shardList(snap)
	if err != nil {
		return nil, err
	}
	derived, err := s.derivedKeys(snap)
	if err != nil {
		return nil, err
	}
	identity, err := s.shardIdentity()
	if err != nil {
		return nil, err
	}
	plan, err := s.builtPlan()
	if err != nil {
		return nil, err
	}
	inner, err := build.NewProver(s.treeFiles(plan), result, len(snap.Assets), sha256.Sum256(e.Payload), identity)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	p := &prover{s: s, snap: snap, keys: derived, inner: inner, tree: result, envelope: envelope}
	entry, shown, err := s.logAttachments(envelope)
	if shown != nil {
		p.log = &merkle.InLog{Entry: entry, Proof: shown}
	}
	return p, err
}

// sameTree makes sure that the signed statement speaks of the tree that is here.
func (s *stages) sameTree(envelope []byte, tree report.Tree) error {
	signed, err := report.Read(envelope)
	if err != nil {
		return unreadable("%s: %v", s.run.join(fileEnvelope), err)
	}
	if signed.Statement.Predicate.Tree != tree {
		return hinted(refused("the tree was built anew since the statement was signed"), "run assay run, so that a statement of this tree is signed")
	}
	return nil
}

// prove writes one customer's proof to the file that name gives for the customer's handle.
func (p *prover) prove(customer string, name func(handle string) string) error {
	id, err := merkle.NormalizeCustomer(customer)
	if err != nil {
		return usage("the customer id cannot be one: %v", err)
	}
	handle := p.keys.Handle(id)
	proof, err := p.inner.Prove(p.s.ctx, handle, build.ShardOf(p.keys.Order(id), len(p.tree.Shards)))
	if errors.Is(err, build.ErrNotFound) {
		return refused("no such customer in this snapshot's ledger")
	}
	if err != nil {
		return unreadable("%v", err)
	}
	// The prover held the row's identity to the root. That it is this customer's, only who has the id can tell.
	if root, err := proof.Root(id); err != nil || root.Hash != p.tree.Root {
		return unreadable("shard #%d: its row for this customer is not this customer's: the file is damaged", proof.Shard.Index)
	}
	raw, err := proof.JSON(p.snap.AssetIDs(), p.envelope, p.log)
	if err != nil {
		return err
	}
	path := name(fmt.Sprintf("%x", handle[:8]))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return unreadable("%v", err)
	}
	if err := renameio.WriteFile(path, raw, 0o600); err != nil {
		return unreadable("%v", err)
	}
	return nil
}

func (p *prover) proveList(cmd *cobra.Command, list, dir string) error {
	f, err := os.Open(list)
	if err != nil {
		return unreadable("--customers: %v", err)
	}
	defer f.Close()
	n, line := 0, 0
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		line++
		if strings.TrimSpace(scan.Text()) == "" {
			continue
		}
		if err := p.prove(scan.Text(), func(handle string) string { return filepath.Join(dir, handle+".json") }); err != nil {
			return fmt.Errorf("%s:%d: %w", list, line, err)
		}
		n++
	}
	if err := scan.Err(); err != nil {
		return unreadable("%s:%d: %v", list, line+1, err)
	}
	return p.s.app.say(cmd, map[string]any{"proofs": n, "dir": dir}, "%d proofs written to %s", n, dir)
}

// firstLine reads a line and nothing beyond it.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", unreadable("standard input: %v", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
