package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/hidden"
	shelves "github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/watch"
)

// checkProofs refuses what proofs could not be served with.
func (s ServerConfig) checkProofs() error {
	switch {
	case s.Proofs != "" && s.ProofsKey == "":
		return errors.New("server.proofs: it goes with proofs_key, which opens what is handed over")
	case s.Proofs != "" && s.Key == "":
		return errors.New("server.proofs: proofs are served signed or not at all: server.key is missing")
	case s.ProofsKey == "":
		return nil
	}
	if _, err := keys.FilePath(s.ProofsKey); err != nil {
		return fmt.Errorf("server.proofs_key: %w", err)
	}
	return nil
}

// serveProofs gives a server the customers' proofs of what was handed over to it.
func (a *app) serveProofs(ctx context.Context, c *Config, config *web.Config, buckets *reader) error {
	if c.Server.Proofs == "" {
		return nil
	}
	unlock, err := a.unlock()
	if err != nil {
		return err
	}
	key, err := keys.OpenIdentity(c.keyRef(c.Server.ProofsKey), unlock)
	if err != nil {
		return keyError("server.proofs_key", err)
	}
	own, err := c.knownKeys()
	if err != nil {
		return err
	}
	all := &handovers{ctx: ctx, config: c, key: key, own: own, now: time.Now, logger: config.Logger}
	if inS3(c.Server.Proofs) != "" {
		sets, err := buckets.sets("server.proofs", c.Server.Proofs, "handover")
		if err != nil {
			return err
		}
		all.places = func() (map[string]handoverFiles, error) { return handoversOf(sets) }
	} else {
		all.places = func() (map[string]handoverFiles, error) { return handoversIn(c.resolve(c.Server.Proofs)) }
	}
	if err := all.look(); err != nil && inS3(c.Server.Proofs) == "" {
		return unreadable("server.proofs: %v", err)
	}
	config.Proofs = all
	return nil
}

// handoverFiles are the files of one handover. What is no file is an fs.ErrNotExist.
type handoverFiles interface {
	Mark() (string, error) // another one when the handover is
	Read(path string) ([]byte, error)
}

// handovers are those of a folder, or of a bucket, as they are by now: one that is removed is not served any more.
type handovers struct {
	ctx    context.Context // of the server
	config *Config
	places func() (map[string]handoverFiles, error) // by name
	key    age.Identity
	own    []attest.PublicKey // who may have signed a statement
	now    func() time.Time
	logger *slog.Logger

	looking sync.Mutex // for the two that follow
	next    time.Time
	seen    map[string]glimpse // by name

	mu   sync.RWMutex
	held map[string]*handed // by name
}

// glimpse is what a handover looked like when it was opened, or refused and until when.
type glimpse struct {
	mark  string
	again time.Time // zero if it is open
}

// handed is a handover that is open.
type handed struct {
	statement report.Digest
	proofs    build.Server
}

// Prove implements [api.Prover].
func (h *handovers) Prove(ctx context.Context, statement report.Digest, customer hidden.Customer) ([]byte, error) {
	ctx, end := watch.Part(ctx, "proof")
	defer end()
	id, err := merkle.NormalizeCustomer(customer.Reveal())
	if err != nil {
		return nil, api.ErrCustomer
	}
	if err := h.look(); err != nil {
		return nil, err
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, one := range h.held {
		if one.statement != statement {
			continue
		}
		raw, err := one.proofs.Prove(ctx, id)
		var absent build.AbsentError
		if errors.As(err, &absent) {
			return nil, api.AbsentError{Size: absent.Size}
		}
		if err != nil { // a shard file that is missing is not a customer who is
			return nil, fmt.Errorf("statement %s: %v", statement, err) //nolint:errorlint // as said
		}
		return raw, nil
	}
	return nil, fs.ErrNotExist
}

// patience is how long a handover that was refused, and is as it was, is left alone: its files may lie in a bucket that was away.
const patience = time.Minute

// look sees once a second which handovers there are, and opens and closes them accordingly. What is not whole, or not right, is told
// and looked at again when it changes, and after a while.
func (h *handovers) look() error {
	if !h.looking.TryLock() {
		return nil // somebody does
	}
	defer h.looking.Unlock()
	now := h.now()
	if now.Before(h.next) {
		return nil
	}
	h.next = now.Add(time.Second)
	places, err := h.places()
	if err != nil {
		return errors.Join(err, h.set("", nil, func(string) bool { return false }))
	}
	if h.seen == nil {
		h.seen = map[string]glimpse{}
	}
	marks := map[string]string{}
	for name, files := range places {
		if mark, err := files.Mark(); err == nil {
			marks[name] = mark
		}
	}
	// What is gone is closed before what is new is opened, which takes long where there are many shards.
	if err := h.set("", nil, func(name string) bool { _, there := marks[name]; return there }); err != nil {
		h.logger.Warn("closing a handover", "fault", err)
	}
	for name, mark := range marks {
		if last := h.seen[name]; last.mark == mark && (last.again.IsZero() || now.Before(last.again)) {
			continue
		}
		h.seen[name] = glimpse{mark: mark}
		one, err := h.open(places[name])
		if err != nil {
			h.seen[name] = glimpse{mark, now.Add(patience)}
			h.logger.Warn("a handover is not served", "handover", name, "fault", err)
		} else {
			h.logger.Info("the proofs of a statement are served", "statement", one.statement, "handover", name)
		}
		if err := h.set(name, one, func(string) bool { return true }); err != nil {
			h.logger.Warn("closing a handover", "fault", err)
		}
	}
	return nil
}

// set puts one in its place, and closes what is not kept.
func (h *handovers) set(name string, one *handed, keep func(name string) bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []error
	if h.held == nil {
		h.held = map[string]*handed{}
	}
	for at, before := range h.held {
		if at == name || !keep(at) {
			delete(h.held, at)
			all = append(all, before.proofs.Close())
		}
	}
	for at := range h.seen {
		if !keep(at) {
			delete(h.seen, at)
		}
	}
	if one != nil {
		h.held[name] = one
	}
	return errors.Join(all...)
}

// handoversOf are those of a bucket.
func handoversOf(sets *shelves.Bucket) (map[string]handoverFiles, error) {
	there, err := sets.Sets()
	all := map[string]handoverFiles{}
	for name, set := range there {
		all[name] = set
	}
	return all, err
}

// handoversIn are those of a folder, a folder each.
func handoversIn(dir string) (map[string]handoverFiles, error) {
	entries, err := os.ReadDir(dir)
	all := map[string]handoverFiles{}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			all[e.Name()] = handoverFolder(filepath.Join(dir, e.Name()))
		}
	}
	return all, err
}

// handoverFolder are the files of a folder.
type handoverFolder string

func (f handoverFolder) path(name string) string {
	return filepath.Join(string(f), filepath.FromSlash(name))
}

// Read implements [handoverFiles].
func (f handoverFolder) Read(path string) ([]byte, error) { return os.ReadFile(f.path(path)) }

// Mark implements [handoverFiles]; without the sealed file there is no handover.
func (f handoverFolder) Mark() (string, error) {
	var marks []string
	for _, name := range []string{fileHandoverSealed, fileHandover, fileHandoverShards, fileEnvelope, report.PathEntry, report.PathLogProof, filepath.Dir(build.ShardFile(0))} {
		info, err := os.Stat(f.path(name))
		switch {
		case err == nil:
			marks = append(marks, fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size()))
		case name == fileHandoverSealed:
			return "", err
		default:
			marks = append(marks, "")
		}
	}
	return strings.Join(marks, "\n"), nil
}

// open opens a handover, and refuses one whose parts are not of one statement, that nobody known signed, or whose shards are not there.
func (h *handovers) open(from handoverFiles) (*handed, error) {
	envelope, err := from.Read(fileEnvelope)
	if err != nil {
		return nil, err
	}
	e, err := attest.ParseEnvelope(envelope)
	if err != nil {
		return nil, err
	}
	signed, err := report.Read(envelope)
	if err != nil {
		return nil, err
	}
	if err := signedBy(e, h.own); err != nil {
		return nil, err
	}
	raw, err := from.Read(fileHandoverSealed)
	if err != nil {
		return nil, err
	}
	sealed, err := keys.OpenHandover(fileHandoverSealed, raw, keys.Unlock{Identities: []age.Identity{h.key}})
	if err != nil {
		return nil, err
	}
	if report.Digest(sealed.Statement) != signed.Digest {
		return nil, fmt.Errorf("%s is of the statement %s, and the envelope holds %s", fileHandoverSealed, report.Digest(sealed.Statement), signed.Digest)
	}
	snap, tree := signed.Statement.Predicate.Snapshot, signed.Statement.Predicate.Tree
	list, err := from.Read(fileHandoverShards)
	if err != nil {
		return nil, err
	}
	result, err := build.ParseShards(list, snap.Columns())
	if err != nil {
		return nil, err
	}
	if report.Digest(result.Root) != tree.Root || report.Digest(result.Snapshot) != snap.ID {
		return nil, fmt.Errorf("%s has the root %v, and the statement another one", fileHandoverShards, result.Root)
	}
	log, err := handedLog(from, envelope)
	if err != nil {
		return nil, err
	}
	files, err := h.files(from)
	if err != nil {
		return nil, err
	}
	built := &build.Built{
		Files: files, Result: result, Assets: snap.Columns(), Statement: sha256.Sum256(e.Payload), Identity: sealed.Files, Envelope: envelope, Log: log,
	}
	server, err := built.Server(merkle.ParseLookup(sealed.Lookup))
	if err != nil {
		return nil, err
	}
	if err := server.Check(h.ctx); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return &handed{signed.Digest, server}, nil
}

// signedBy wants a signature by one of the exchange's keys; those of approvers are passed over.
func signedBy(e attest.Envelope, own []attest.PublicKey) error {
	for _, s := range e.Signatures {
		e.Signatures = []attest.Signature{s}
		if e.Verify(own...) == nil {
			return nil
		}
	}
	return errors.New("the statement is signed by no key that this server knows: keys.statement, keys.former")
}

// handedLog is the statement's place in the log, if it was handed over.
func handedLog(from handoverFiles, envelope []byte) (*merkle.InLog, error) {
	entry, err := from.Read(report.PathEntry)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	proof, err := from.Read(report.PathLogProof)
	if err != nil {
		return nil, err
	}
	if err := checkEntry(entry, envelope); err != nil {
		return nil, err
	}
	return &merkle.InLog{Entry: entry, Proof: proof}, tlog.Shows(proof, entry)
}

// files is where a handover's shard files lie.
func (h *handovers) files(from handoverFiles) (store.Store, error) {
	raw, err := from.Read(fileHandover)
	if err != nil {
		return nil, err
	}
	var place handoverPlace
	if err := attest.Decode(raw, &place); err != nil {
		return nil, fmt.Errorf("%s: %w", fileHandover, err)
	}
	if place.Type != typeHandover {
		return nil, fmt.Errorf("%s is of type %q, and this version reads %s", fileHandover, place.Type, typeHandover)
	}
	if folder, ok := from.(handoverFolder); ok && place.Bucket == "" {
		return store.Dir(folder), nil
	}
	if h.config.S3.Endpoint == "" {
		return nil, fmt.Errorf("its shard files lie in %s: say under [s3] which server that is", place.Bucket)
	}
	b, err := h.config.bucket(place.Bucket, s3Prompt)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", fileHandover, err)
	}
	return b, nil
}
