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

	"filippo.io/age"
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/report"
)

// proving is what prove is asked for.
type proving struct {
	customer, list, handles string
	all                     bool
	out                     string
	to                      []string
}

func newProve(a *app) *cobra.Command {
	var w proving
	cmd := &cobra.Command{
		Use:   "prove (--customer ID --out FILE | --customers FILE --out DIR | --all --out DIR [--to RECIPIENT…] | --handles FILE)",
		Short: "Make customers' inclusion proofs",
		Long: `Make the proof of one customer, of every customer listed in a file, one id a line, or of all. A proof holds no customer id, and neither does its file's name:
with --customers and --all each is named by the customer's look-up handle. Once the statement is published, proofs show its place in the log too. --customer - reads the id from standard input, where no process list shows it.

--all writes an archive a shard, DIR/proofs-00000.tar.zst.age and so on, sealed to the age recipients of whoever sends the proofs out (--to: age1… or a file of them; by default the snapshot
key). DIR/proofs.json lists those that are whole. After an interrupt it goes on; archives of another statement, place in the log or recipient are made anew. To read one:

  age -d -i KEY DIR/proofs-00000.tar.zst.age | zstd -d | tar -x

--handles prints the handle of every id in a file (or - for standard input), line by line, so that whoever knows the customers knows whose file is whose; no id is written.

Of a confidential tree a proof shows a row that is committed to. That it is counted, customers see by what the bundle has of their shard (its folder liabilities), which
assay-verify proof takes with --shard: hand it on with the proof, or say where it is published.

The run directory is only read: a read-only copy will do.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := w.check(); err != nil {
				return err
			}
			return a.readRun(cmd, func(s *stages) error { return s.makeProofs(cmd, w) })
		},
	}
	cmd.Flags().StringVar(&w.customer, "customer", "", "the customer's id as the ledger has it, or - to read it from standard input")
	cmd.Flags().StringVar(&w.list, "customers", "", "file with one customer id a line")
	cmd.Flags().BoolVar(&w.all, "all", false, "make the proofs of all customers, in sealed archives")
	cmd.Flags().StringVar(&w.handles, "handles", "", "print the look-up handles of the customers in a file, one id a line, or - for standard input")
	cmd.Flags().StringVar(&w.out, "out", "", "file for the proof, or folder with --customers and --all")
	cmd.Flags().StringArrayVar(&w.to, "to", nil, "with --all: age recipient (age1…) that the archives are sealed to, or a file of them; more than once for several")
	return cmd
}

func (w proving) check() error {
	asked := 0
	for _, is := range []bool{w.customer != "", w.list != "", w.all, w.handles != ""} {
		if is {
			asked++
		}
	}
	switch {
	case asked != 1:
		return usage("prove needs one of --customer, --customers, --all and --handles")
	case w.to != nil && !w.all:
		return usage("--to goes with --all: other proofs are not sealed")
	case w.handles != "" && w.out != "":
		return usage("--handles prints to standard output and takes no --out")
	case w.handles == "" && w.out == "":
		return usage("--out is missing: say where the proof goes")
	}
	return nil
}

func (s *stages) makeProofs(cmd *cobra.Command, w proving) (err error) {
	if w.handles != "" {
		return s.printHandles(cmd, w.handles)
	}
	p, err := s.openProver()
	if err != nil {
		return err
	}
	if w.all {
		return p.proveAll(cmd, w.out, w.to)
	}
	if p.inner, err = p.open(); err != nil {
		return err
	}
	defer p.inner.Close()
	if w.list != "" {
		return p.proveList(cmd, w.list, w.out)
	}
	if w.customer == "-" {
		if w.customer, err = firstLine(cmd.InOrStdin()); err != nil {
			return err
		}
	}
	if err := p.prove(w.customer, func([32]byte) string { return w.out }); err != nil {
		return err
	}
	return s.app.say(cmd, map[string]string{"proof": w.out}, "proof written to %s", w.out)
}

// prover makes proofs for the run's signed statement. Others may be at work in the run's directory meanwhile: its files are whole,
// and what does not belong together is refused, as every proof is held to the root that the statement has.
type prover struct {
	s         *stages
	snap      report.Snapshot
	keys      merkle.Keys
	tree      build.Result
	customers uint64
	statement merkle.Hash
	files     store.Store  // of the build
	identity  age.Identity // opens the shard files
	envelope  []byte
	log       *merkle.InLog // the statement's place, once it is published
	built     *build.Built  // of all this
	inner     build.Maker
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
	if report.Digest(result.Root) != tree.Root {
		return nil, hinted(refused("the tree was built anew since the statement was signed, or is being built"), "run assay run, so that a statement of this tree is signed")
	}
	derived, err := s.derivedKeys(snap)
	if err != nil {
		return nil, err
	}
	identity, err := s.shardIdentity()
	if err != nil {
		return nil, err
	}
	var record buildRecord
	if err := s.run.readJSON(fileBuild, "build", &record); err != nil {
		return nil, err
	}
	files, err := s.treeFiles(record.Plan)
	if err != nil {
		return nil, err
	}
	p := &prover{
		s: s, snap: snap, keys: derived, tree: result, customers: record.Ledger.Customers,
		statement: sha256.Sum256(e.Payload), files: files, identity: identity, envelope: envelope,
	}
	entry, shown, err := s.logAttachments(envelope)
	if shown != nil && err == nil {
		if err = tlog.Shows(shown, entry); err != nil {
			return nil, unreadable("%s: %v", s.run.join(report.PathLogProof), err)
		}
		p.log = &merkle.InLog{Entry: entry, Proof: shown}
	}
	p.built = &build.Built{
		Files: files, Result: result, Assets: snap.Columns(), Statement: p.statement, Identity: identity, Envelope: envelope, Log: p.log,
	}
	return p, err
}

// open returns what reads the shard files, for one goroutine.
func (p *prover) open() (build.Maker, error) {
	inner, err := p.built.Maker(p.keys.Lookup())
	if err != nil {
		return nil, unreadable("%v", err)
	}
	return inner, nil
}

// unproved is the error of files that give no proof: they are at fault, or a network is.
func unproved(err error) error {
	if errors.Is(err, store.ErrUnreachable) {
		return err
	}
	return unreadable("%w", err)
}

// proofFile names a proof's file by the customer's look-up handle.
func proofFile(handle [32]byte) string { return shortHandle(handle) + ".json" }

func shortHandle(handle [32]byte) string { return fmt.Sprintf("%x", handle[:8]) }

// sameTree makes sure that the signed statement speaks of the tree that is here.
func (s *stages) sameTree(envelope []byte, tree report.Tree) error {
	signed, err := report.Read(envelope)
	if err != nil {
		return unreadable("%s: %v", s.run.join(fileEnvelope), err)
	}
	tree.Surplus = signed.Statement.Predicate.Tree.Surplus // that is of reserves too
	if signed.Statement.Predicate.Tree != tree {
		return hinted(refused("the tree was built anew since the statement was signed"), "run assay run, so that a statement of this tree is signed")
	}
	return nil
}

// prove writes one customer's proof to the file that name gives for the customer's handle.
func (p *prover) prove(customer string, name func(handle [32]byte) string) error {
	id, err := merkle.NormalizeCustomer(customer)
	if err != nil {
		return usage("the customer id cannot be one: %v", err)
	}
	raw, err := p.inner.Prove(p.s.ctx, id)
	if errors.Is(err, build.ErrNotFound) {
		return refused("no such customer in this snapshot's ledger")
	}
	if err != nil {
		return unproved(err)
	}
	path := name(p.keys.Handle(id))
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
		if err := p.prove(scan.Text(), func(handle [32]byte) string { return filepath.Join(dir, proofFile(handle)) }); err != nil {
			return fmt.Errorf("%s:%d: %w", list, line, err)
		}
		n++
	}
	if err := scan.Err(); err != nil {
		return unreadable("%s:%d: %v", list, line+1, err)
	}
	return p.s.app.say(cmd, map[string]any{"proofs": n, "dir": dir}, "%d proofs written to %s", n, dir)
}

// printHandles prints a line for each line of a list, so that one can be laid beside the other.
func (s *stages) printHandles(cmd *cobra.Command, list string) error {
	var snap report.Snapshot
	if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
		return err
	}
	derived, err := s.derivedKeys(snap)
	if err != nil {
		return err
	}
	in, name := cmd.InOrStdin(), "standard input"
	if list != "-" {
		f, err := os.Open(list)
		if err != nil {
			return unreadable("--handles: %v", err)
		}
		defer f.Close()
		in, name = f, list
	}
	out := bufio.NewWriter(cmd.OutOrStdout())
	line := 0
	scan := bufio.NewScanner(in)
	for scan.Scan() {
		line++
		id, err := merkle.NormalizeCustomer(scan.Text())
		if err != nil {
			return errors.Join(unreadable("%s:%d: %v", name, line, err), out.Flush())
		}
		fmt.Fprintln(out, shortHandle(derived.Handle(id)))
	}
	if err := scan.Err(); err != nil {
		return unreadable("%s:%d: %v", name, line+1, err)
	}
	return out.Flush()
}

// firstLine reads a line and nothing beyond it.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", unreadable("standard input: %v", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
