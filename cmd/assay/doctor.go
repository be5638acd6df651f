package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/merkle/store"
)

// finding is one thing that the doctor looked at.
type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func newDoctor(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Look at configuration, keys, ledger, wallets and nodes before a run",
		Long: `Look at everything that a run needs and change nothing. From samples of the ledger's files, or a query's plan, estimate what the build takes: a disk that cannot
hold it is a fault, and assay build and run refuse it too. Ends with exit code 1 if something is not as it should be.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			s := &stages{ctx: cmd.Context(), app: a, config: c, progress: newProgress(cmd.ErrOrStderr(), true), run: &runDir{path: c.resolve(c.Run.Dir)}}
			found := s.examine()
			if err := a.sayFindings(cmd, found); err != nil {
				return err
			}
			bad := slices.DeleteFunc(slices.Clone(found), func(f finding) bool { return f.OK })
			if len(bad) > 0 {
				return refused("%d of %d checks failed", len(bad), len(found))
			}
			return nil
		},
	}
}

func (a *app) sayFindings(cmd *cobra.Command, found []finding) error {
	if a.json {
		return a.say(cmd, found, "")
	}
	for _, f := range found {
		mark := "ok  "
		if !f.OK {
			mark = "FAIL"
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s  %-10s %s\n", mark, f.Name, f.Detail); err != nil {
			return err
		}
	}
	return nil
}

func (s *stages) examine() []finding {
	found := []finding{s.look("config", s.lookRegistry), s.look("keys", s.lookKeys), s.look("approvers", s.lookApprovers), s.look("series", s.lookSeries), s.look("ledger", s.lookLedger), s.look("build", s.lookBuild), s.look("wallets", s.lookWallets)}
	if slices.ContainsFunc(s.config.Wallets, func(w WalletConfig) bool { return w.derives() }) {
		found = append(found, s.look("derived", s.lookDerived))
	}
	if s.config.Margin != nil {
		found = append(found, s.look("margin", s.lookMargin))
	}
	if s.config.Log.Origin != "" {
		found = append(found, s.look("log", s.lookLog))
	}
	if s.config.Server.Key != "" {
		found = append(found, s.look("server", s.lookServer))
	}
	if len(s.config.Timestamps) > 0 {
		found = append(found, s.look("timestamps", s.lookTimestamps))
	}
	snap, err := registry(s.config, "doctor", time.Unix(0, 0).UTC())
	if err != nil {
		return found
	}
	for _, chain := range snap.Chains() {
		found = append(found, s.look("node", func() (string, error) { return s.lookNode(chain) }))
		if s.config.chain(chain).hasCheckpoint() {
			found = append(found, s.look("beacon", func() (string, error) { return s.lookBeacon(chain) }))
		}
		if s.config.hasValidators(chain) {
			found = append(found, s.look("validators", func() (string, error) { return s.lookValidators(chain) }))
		}
	}
	if s.config.Run.Store != "" {
		found = append(found, s.look("store", s.lookStore))
	}
	for key, folder := range s.config.shownBuckets() {
		found = append(found, s.look("bucket", func() (string, error) { return s.lookBucket(key, folder) }))
	}
	return append(found, s.look("disk", s.lookDisk))
}

// shownBuckets are the buckets that servers show, by the key that names them.
func (c *Config) shownBuckets() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, b := range [][2]string{{"server.reports", inS3(c.Server.Reports)}, {"server.proofs", inS3(c.Server.Proofs)}, {"log.bucket", c.Log.Bucket}} {
			if b[1] != "" && !yield(b[0], b[1]) {
				return
			}
		}
	}
}

// lookBucket lists what is there as servers do, and tries to write as who publishes must, and servers need not.
func (s *stages) lookBucket(key, folder string) (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	b, err := s.config.bucket(folder, s3Prompt)
	if err != nil {
		return "", err
	}
	there, _, err := objects{b}.Level(ctx)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	may := "can be read and written"
	if _, err := b.Probe(ctx, ".doctor-"+rand.Text()); errors.Is(err, store.ErrUnreachable) {
		return "", fmt.Errorf("%s: %w", key, err)
	} else if err != nil {
		may = "can be read and not written, which is enough for a server"
	}
	return fmt.Sprintf("%s: %s %s; it has %d objects", key, folder, may, len(there)), nil
}

func (s *stages) look(name string, at func() (string, error)) finding {
	detail, err := at()
	var f *failure
	switch {
	case errors.As(err, &f) && f.hint != "":
		return finding{Name: name, Detail: err.Error() + " (" + f.hint + ")"}
	case err != nil:
		return finding{Name: name, Detail: err.Error()}
	}
	return finding{Name: name, OK: true, Detail: detail}
}

func (s *stages) lookRegistry() (string, error) {
	snap, err := registry(s.config, "doctor", time.Unix(0, 0).UTC())
	return fmt.Sprintf("%s: %d assets on %d chains", s.config.path, len(snap.Assets), len(snap.Chains())), err
}

// lookMargin reads the prices; which customers are under water by them, assay ledger check tells.
func (s *stages) lookMargin() (string, error) {
	snap, err := registry(s.config, "doctor", time.Unix(0, 0).UTC())
	if err != nil {
		return "", err
	}
	if snap, err = s.config.withMargin(snap); err != nil {
		return "", err
	}
	m := snap.Margin
	return fmt.Sprintf("%s: prices of %d of %d assets in %s; assay ledger check counts customers under water", s.config.resolve(s.config.Margin.Prices), len(m.Prices), len(snap.Assets), m.Currency), nil
}

func (s *stages) lookKeys() (string, error) {
	public, err := s.app.publicKey(s.ctx, "keys.statement", s.config.keyRef(s.config.Keys.Statement))
	if err != nil {
		return "", err
	}
	if _, err := keys.Recipient(s.config.keyRef(s.config.Keys.Snapshot)); err != nil {
		return "", keyError("keys.snapshot", err)
	}
	return "statement key " + public.KeyID() + " and snapshot key are there", nil
}

func (s *stages) lookLedger() (string, error) {
	if s.config.Ledger.Query != "" {
		return s.lookQuery()
	}
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	files, err := ledgerFiles(s.config)
	if err != nil {
		return "", err
	}
	var size int64
	for _, f := range files {
		info, err := stampOf(f)
		if err != nil {
			return "", err
		}
		size += info.size
	}
	objects, err := ledgerObjects(ctx, s.config)
	if err != nil {
		return "", err
	}
	for _, o := range objects {
		size += o.Size
	}
	return fmt.Sprintf("%d files, %d MiB; assay ledger check reads them whole", len(files)+len(objects), size>>20), nil
}

// lookQuery has the server plan the query; assay ledger check asks for the rows.
func (s *stages) lookQuery() (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	d, err := openDatabase(s.config)
	if err != nil {
		return "", err
	}
	names, err := d.check(ctx)
	for i := range names {
		names[i] = egress.Quote(names[i])
	}
	return fmt.Sprintf("a query of a database, with columns %s; assay ledger check reads it whole", strings.Join(names, ", ")), err
}

func (s *stages) lookWallets() (string, error) {
	wallets, _, err := s.listed()
	return fmt.Sprintf("%d accounts listed", len(wallets)), err
}

// lookDerived reads the descriptors and derives all addresses; the first of each is shown, to be compared with the wallet's own.
func (s *stages) lookDerived() (string, error) {
	all, err := s.descriptors("")
	if err != nil {
		return "", err
	}
	if err := s.deriveAll(all); err != nil {
		return "", err
	}
	var addresses int
	var first []string
	for _, d := range all {
		addresses += len(d.accounts)
		first = append(first, d.accounts[0].Address()+" of "+d.name)
	}
	return fmt.Sprintf("%d addresses of %d descriptors, which begin with %s", addresses, len(all), strings.Join(first, ", ")), nil
}

// lookLog reads the log's folder; the witnesses are not asked.
func (s *stages) lookLog() (string, error) {
	log, err := s.seen()
	if err != nil {
		return "", err
	}
	have, want := len(log.head.Witnesses), s.config.Log.Quorum
	if log.head.Size > 0 && have < want {
		return "", hinted(refused("the checkpoint of %s has the cosignatures of %d witnesses of [log], want %d", log.head.Origin, have, want), "assay log cosign asks them")
	}
	return fmt.Sprintf("%s: %d entries, cosigned by %d of %d witnesses", log.head.Origin, log.head.Size, have, len(s.config.Log.Witnesses)), nil
}

// lookTimestamps reads the authorities' certificates; the authorities are not asked.
func (s *stages) lookTimestamps() (string, error) {
	var said []string
	for _, t := range s.config.Timestamps {
		certificate, err := s.config.authority(t)
		if err != nil {
			return "", err
		}
		by := "any certificate"
		if certificate != nil {
			by = "certificates of " + egress.Quote(certificate.Subject.String()) + " until " + certificate.NotAfter.UTC().Format(time.DateOnly)
		}
		said = append(said, t.Name+" with "+by)
	}
	return strings.Join(said, "; "), nil
}

// lookNode asks the chain's nodes for the block of an hour ago, which exercises all but the proofs themselves.
func (s *stages) lookNode(chain chains.Chain) (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	source, err := s.source(ctx, chain)
	if err != nil {
		return "", err
	}
	ref, err := source.Pin(ctx, time.Now().UTC().Truncate(time.Second))
	var early *chains.NotFinalError
	if errors.As(err, &early) {
		return fmt.Sprintf("%s answers; its last final block is %d", chain, early.Final), nil
	}
	return fmt.Sprintf("%s answers; block %d", chain, ref.Number), err
}

// lookStore writes a small file where the build will, and removes it.
func (s *stages) lookStore() (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 30*time.Second)
	defer cancel()
	b, err := s.config.storeBucket()
	if err != nil {
		return "", err
	}
	firstStays, err := b.Probe(ctx, ".doctor-"+rand.Text())
	if err != nil {
		return "", fmt.Errorf("run.store: %w", err)
	}
	if !firstStays {
		return s.config.Run.Store + " can be written; its server replaces files whatever is there (no conditional puts), which does no harm", nil
	}
	return s.config.Run.Store + " can be written; the first file of a name stays (conditional puts)", nil
}

// lookDisk tries to write where the run will.
func (s *stages) lookDisk() (string, error) {
	if err := os.MkdirAll(s.run.path, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(s.run.path, ".doctor-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(make([]byte, 1<<20))
	if err = errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return s.run.path + " can be written", nil
}
