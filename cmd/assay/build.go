package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/report"
)

// buildRecord is build.json: from what the tree was built, and what the statement says of it. It is written last: shard files and shard
// list are whole when it is there.
type buildRecord struct {
	Input  string        `json:"input"` // digest of the ledger and of the rules
	Ledger report.Ledger `json:"ledger"`
	Tree   report.Tree   `json:"tree"`
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
				return a.say(cmd, b.Tree, "tree of %d customers, root %s", b.Tree.Leaves, b.Tree.Root)
			})
		},
	}
	cmd.Flags().BoolVar(&again, "again", false, "build anew; if the ledger changed, signatures of control made for the old root become void")
	return cmd
}

// build builds the tree, or returns the one built from this very ledger before.
func (s *stages) build(snap report.Snapshot, in *ledgerInput, again bool) (buildRecord, error) {
	if s.run.has(fileBuild) {
		var before buildRecord
		if err := s.run.readJSON(fileBuild, "build", &before); err != nil {
			return buildRecord{}, err
		}
		if !again {
			return before, s.sameLedger(in, before)
		}
	}
	// Keys before the ledger: a wrong passphrase shows at once, and what opening a key takes (256 MiB) is free again by then.
	derived, err := s.derivedKeys(snap)
	if err != nil {
		return buildRecord{}, err
	}
	debug.FreeOSMemory()
	book, err := in.read(s.ctx, s.progress)
	if err != nil {
		return buildRecord{}, err
	}
	section, err := ledgerSection(snap, book.Summary())
	if err != nil {
		return buildRecord{}, err
	}
	recipient, err := keys.Recipient("file:" + s.run.join(fileShardKey))
	if err != nil {
		return buildRecord{}, unreadable("%v", err)
	}
	result, err := build.Run(s.ctx, build.Input{
		Ledger: book, Keys: derived, Snapshot: merkle.Hash(snap.ID), Assets: len(snap.Assets),
		Dir: s.run.path, Recipient: recipient, LeavesFile: true, Progress: s.progress.step,
	})
	s.progress.finish()
	if err != nil {
		return buildRecord{}, err
	}
	list, err := build.ShardsJSON(result, snap.AssetIDs())
	if err != nil {
		return buildRecord{}, err
	}
	if err := s.run.write(published(report.PathShards), list); err != nil {
		return buildRecord{}, err
	}
	b := buildRecord{Input: in.digest, Ledger: section,
		Tree: report.Tree{Kind: snap.Kind, Leaves: result.Leaves, Root: report.Digest(result.Root), Shards: uint64(len(result.Shards))}}
	return b, s.run.writeJSON(fileBuild, b)
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
	result, err := build.ParseShards(raw, snap.AssetIDs())
	if err != nil {
		return build.Result{}, unreadable("%v", err)
	}
	return result, nil
}
