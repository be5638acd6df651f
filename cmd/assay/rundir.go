package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"github.com/assay-por/assay/attest"
)

// Files of a run's directory; package build adds tree/. Those under published keep their names in the bundle.
const (
	fileSnapshot   = "snapshot.json"      // the snapshot with its pinned blocks
	fileSecret     = "secret.age"         // its secret, sealed to the snapshot key
	fileShardKey   = "shards.age"         // the identity that opens its shard files, sealed likewise
	fileBuild      = "build.json"         // inputs and result of the build stage
	fileCovered    = "covered.json"       // where totals are hidden, what shows that the counted reserves of the last draft cover them
	fileBegun      = "begun.json"         // the plan of a build that did not end yet
	dirDerived     = "derived"            // which addresses of derived wallets hold coins, a file a chain
	dirGathered    = "gathered"           // balances and evidence, a pair of files a chain
	dirChallenges  = "control/challenges" // texts to sign
	fileSignatures = "control/signatures.json"
	dirBands       = "gathered/bands"      // the same at other instants, a folder each
	dirCustody     = "custody"             // what is asked of custodians, and what they signed
	fileMoment     = "moment.json"         // when the statement was drawn up first, and the last blocks then
	fileAsked      = "asked.json"          // of a run that was asked for over the API, what was asked
	fileFormer     = "former.dsse.json"    // of a run that was asked for over the API, the statement before this one
	fileDraft      = "draft.json"          // the statement's payload
	fileConfirmed  = "confirmed.json"      // what moved since the former statement, once somebody confirmed it
	dirApprovals   = "approvals"           // what approvers signed, a file a key
	fileEnvelope   = "statement.dsse.json" // the signed statement
	fileEntry      = "entry.dsse.json"     // the signed statement's entry for a log
	dirAttachments = "attachments"         // what was attached since, by its paths in the bundle
	dirPublished   = "published"           // core files of the bundle, by their paths there
)

// published is where a file of the bundle lies in the run's directory.
func published(path string) string { return dirPublished + "/" + path }

// runDir is the run's directory, held by this process alone until it is closed; without a lock, it is only read.
type runDir struct {
	path string
	lock *flock.Flock
}

// errBusy says that somebody else holds a run's directory.
var errBusy = errors.New("another assay is at work")

// openRun takes the run's directory; a second assay in the same directory is refused.
func openRun(path string) (*runDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, unreadable("run directory: %v", err)
	}
	lock := flock.New(filepath.Join(path, ".lock"))
	got, err := lock.TryLock()
	if err != nil {
		return nil, unreadable("run directory %s: %v", path, err)
	}
	if !got {
		return nil, hinted(refused("%w in %s", errBusy, path), "wait for it to end, or give this run a directory of its own")
	}
	return &runDir{path: path, lock: lock}, nil
}

func (r *runDir) Close() error { return r.lock.Unlock() }

func (r *runDir) join(elem ...string) string {
	return filepath.Join(append([]string{r.path}, elem...)...)
}

func (r *runDir) has(name string) bool {
	_, err := os.Stat(r.join(name))
	return err == nil
}

// write stores a file whole or not at all. What a killed process left of it goes: the run is this one's alone.
func (r *runDir) write(name string, data []byte) error {
	path := r.join(name)
	dir, base := filepath.Split(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unreadable("%v", err)
	}
	there, err := os.ReadDir(dir)
	for _, f := range there {
		if strings.HasPrefix(f.Name(), "."+base) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
		}
	}
	if err != nil {
		return unreadable("%v", err)
	}
	if err := renameio.WriteFile(path, data, 0o600); err != nil {
		return unreadable("writing %s: %v", path, err)
	}
	return nil
}

// remove removes a file, if it is there.
func (r *runDir) remove(name string) error {
	if err := os.Remove(r.join(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadable("%v", err)
	}
	return nil
}

func (r *runDir) writeJSON(name string, v any) error {
	data, err := attest.Canonical(v)
	if err != nil {
		return refused("%s: %v", name, err)
	}
	return r.write(name, data)
}

// read opens a file that an earlier stage wrote; if it is not there, the error names the stage to run first.
func (r *runDir) read(name, stage string) ([]byte, error) {
	data, err := os.ReadFile(r.join(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted(refused("%s is missing: the stage %q was not done yet", r.join(name), stage), "run assay %s, or assay run", stage)
	}
	if err != nil {
		return nil, unreadable("%v", err)
	}
	return data, nil
}

func (r *runDir) readJSON(name, stage string, v any) error {
	data, err := r.read(name, stage)
	if err != nil {
		return err
	}
	if err := attest.Decode(data, v); err != nil {
		return unreadable("%s was altered or is not of this version: %v", r.join(name), err)
	}
	return nil
}
