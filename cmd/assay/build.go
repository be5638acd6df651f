package main

import (
	"crypto/rand"
	"errors"
	"runtime/debug"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/report"
)

// buildRecord is build.json: from what the tree was built, and what the statement says of it. It is written last: shard files and shard
// list are whole when it is there.
type buildRecord struct {
	Input  string        `json:"input"` // digest of the ledger and of the rules
	Plan   string        `json:"plan"`  // of the build, which names the folder of its files
	Ledger report.Ledger `json:"ledger"`
	Tree   report.Tree   `json:"tree"`
	// Totals are what is owed, by asset, where the shard list does not tell: that of a confidential tree whose totals are open.
	Totals merkle.Plain `json:"totals,omitempty"`
	Hidden bool         `json:"hidden,omitempty"` // totals are, and nothing here tells them
}

func newBuild(a *app) *cobra.Command {
	var again bool
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Read the ledger and build the tree of liabilities",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				if err := s.mustFit(again); err != nil {
					return err
				}
				in, err := openLedger(s.ctx, s.config)
				if err != nil {
					return err
				}
				snap, err := s.snapshot(instant{})
				if err != nil {
					return err
				}
				b, err := s.build(snap, in, again)
				if err != nil {
					return err
				}
				return a.say(cmd, b.Tree, "tree of %d customers, root %s", b.Ledger.Customers, b.Tree.Root)
			})
		},
	}
	cmd.Flags().BoolVar(&again, "again", false, "build anew; if the ledger changed, signatures of control made for the old root become void")
	return cmd
}

// build builds the tree, or returns the one built from this very ledger before.
func (s *stages) build(snap report.Snapshot, in *ledgerInput, again bool) (buildRecord, error) {
	var before buildRecord
	if s.run.has(fileBuild) {
		if err := s.run.readJSON(fileBuild, "build", &before); err != nil {
			return buildRecord{}, err
		}
		if !again {
			if err := s.sameTotals(before); err != nil {
				return before, err
			}
			return before, s.sameLedger(in, before)
		}
	}
	// Keys before the ledger: a wrong passphrase shows at once, and what opening a key takes (256 MiB) is free again by then.
	derived, err := s.derivedKeys(snap)
	if err != nil {
		return buildRecord{}, err
	}
	identity, err := s.shardIdentity()
	if err != nil {
		return buildRecord{}, err
	}
	recipient, err := keys.Recipient("file:" + s.run.join(fileShardKey))
	if err != nil {
		return buildRecord{}, unreadable("%v", err)
	}
	debug.FreeOSMemory()
	w := in.worker(snap, derived, recipient, identity)
	if w.Store, err = s.treeFiles(w.Plan.ID()); err != nil {
		return buildRecord{}, err
	}
	w.Progress = s.progress.step
	if again {
		if err := s.forget(w.Plan.ID(), before); err != nil {
			return buildRecord{}, err
		}
	}
	if err := s.begin(w, before.Plan); err != nil {
		return buildRecord{}, err
	}
	runner, end, err := s.runner(w)
	if err != nil {
		return buildRecord{}, err
	}
	result, read, err := build.Run(s.ctx, w, runner)
	s.progress.finish()
	if err = errors.Join(err, end()); err != nil {
		return buildRecord{}, queueError(s.ctx, err)
	}
	if in.database != nil {
		if err := in.identifiedRows(read.Contents[0]); err != nil {
			return buildRecord{}, err
		}
	}
	section, err := ledgerSection(snap, read.Summary)
	if err != nil {
		return buildRecord{}, err
	}
	list, err := build.ShardsJSON(result, snap.Columns())
	if err != nil {
		return buildRecord{}, err
	}
	if err := s.run.write(published(report.PathShards), list); err != nil {
		return buildRecord{}, err
	}
	b := buildRecord{Input: in.digest, Plan: w.Plan.ID(), Ledger: section,
		Tree: report.Tree{Kind: snap.Kind, Leaves: result.Leaves, Root: report.Digest(result.Root), Shards: uint64(len(result.Shards))}}
	switch {
	case w.Plan.Hidden:
		b.Ledger, b.Hidden = section.Hidden(), true
	case result.Kind == merkle.KindConfidential:
		b.Totals = result.Totals
	}
	if err := s.run.writeJSON(fileBuild, b); err != nil {
		return buildRecord{}, err
	}
	if before.Plan != "" && before.Plan != b.Plan {
		if err := s.dropTree(before.Plan); err != nil {
			return b, err
		}
	}
	return b, s.run.remove(fileBegun)
}

// worker does the build's tasks. Where its files lie, and who is told of the progress, is the caller's.
func (in *ledgerInput) worker(snap report.Snapshot, derived merkle.Keys, recipient *age.X25519Recipient, identity age.Identity) *build.Worker {
	memory, _ := parseSize(in.config.Run.Memory) // the configuration was checked
	plan := build.NewPlan(in.planned(), merkle.Hash(snap.ID), in.config.treeKind(), ledgerAssets(in.config), in.config.rules(), in.sources, memory)
	plan.Recipient, plan.Shards, plan.Leaves = recipient.String(), in.config.Run.Shards, true
	plan.Hidden, plan.Margin = in.config.hidesTotals(), snap.MarginPrices()
	return &build.Worker{Plan: plan, Sources: in.sources, Keys: derived, Recipient: recipient, Identity: identity, Random: rand.Reader, Memory: memory}
}

// treeKind is the kind of the tree: of a snapshot that was taken it is the same.
func (c *Config) treeKind() merkle.Kind {
	if c.Run.Kind == report.KindConfidential {
		return merkle.KindConfidential
	}
	return merkle.KindPlain
}

// builtPlan is the plan of the tree that was built.
func (s *stages) builtPlan() (string, error) {
	var b buildRecord
	if err := s.run.readJSON(fileBuild, "build", &b); err != nil {
		return "", err
	}
	return b.Plan, nil
}

// treeFiles is where the files of a build lie.
func (s *stages) treeFiles(plan string) (store.Store, error) {
	files, err := s.config.store(s.run.path)
	if err != nil {
		return nil, err
	}
	return store.Within(files, build.Folder(plan)), nil
}

// forget removes what was built by the same plan, so that it is built anew. Were it the tree of the run, that one is unbuilt first.
func (s *stages) forget(plan string, before buildRecord) error {
	if before.Plan == plan {
		if err := s.run.remove(fileBuild); err != nil {
			return err
		}
	}
	return s.dropTree(plan)
}

// begun is begun.json: a build that ends early leaves files, which a build by the same plan goes on with.
type begun struct {
	Plan string `json:"plan"`
}

// begin notes the plan, and removes what a build by another one left that never ended, or a killed one by this. The run's tree, built
// by a plan before, stays.
func (s *stages) begin(w *build.Worker, before string) error {
	plan := w.Plan.ID()
	var last begun
	if s.run.has(fileBegun) {
		if err := s.run.readJSON(fileBegun, "build", &last); err != nil {
			return err
		}
	}
	if last.Plan != "" && last.Plan != plan && last.Plan != before {
		if err := errors.Join(s.dropTree(last.Plan), s.dropOrder(s.ctx, last.Plan)); err != nil {
			return err
		}
	}
	if s.config.Worker.Database == "" { // nobody else is at it
		if err := w.Tidy(s.ctx); err != nil {
			return err
		}
	}
	return s.run.writeJSON(fileBegun, begun{plan})
}

// dropTree removes the files of a build.
func (s *stages) dropTree(plan string) error {
	files, err := s.treeFiles(plan)
	if err != nil {
		return err
	}
	return store.RemoveAll(s.ctx, files, "")
}

// shardIdentity opens the identity that the snapshot's shard files and spools are sealed to.
func (s *stages) shardIdentity() (age.Identity, error) {
	key, err := s.openSnapshotKey()
	if err != nil {
		return nil, err
	}
	identity, err := keys.OpenIdentity("file:"+s.run.join(fileShardKey), openedBy(key))
	if err != nil {
		return nil, unreadable("%s: %v", s.run.join(fileShardKey), err)
	}
	return identity, nil
}

// sameLedger refuses to go on with a tree of another ledger.
func (s *stages) sameLedger(in *ledgerInput, before buildRecord) error {
	if err := in.identify(s.ctx); err != nil {
		return err
	}
	if in.digest != before.Input {
		return hinted(refused("the ledger or its rules changed since the tree was built"),
			"assay build --again builds a new tree; every signature of control is then void and asked for again")
	}
	return nil
}

// derivedKeys opens the snapshot's secret and derives its keys.
func (s *stages) derivedKeys(snap report.Snapshot) (merkle.Keys, error) {
	key, err := s.openSnapshotKey()
	if err != nil {
		return merkle.Keys{}, err
	}
	secret, err := keys.OpenSecret(s.run.join(fileSecret), openedBy(key))
	if err != nil {
		return merkle.Keys{}, unreadable("%s: %v", s.run.join(fileSecret), err)
	}
	return merkle.DeriveKeys(secret, merkle.Hash(snap.ID))
}

// shardList reads back what the build stage published.
func (s *stages) shardList(snap report.Snapshot) (build.Result, error) {
	raw, err := s.run.read(published(report.PathShards), "build")
	if err != nil {
		return build.Result{}, err
	}
	result, err := build.ParseShards(raw, snap.Columns())
	if err != nil {
		return build.Result{}, unreadable("%v", err)
	}
	return result, nil
}
