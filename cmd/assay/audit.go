package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

func newAudit(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Look at the record of what was done on the server, and whether it was changed",
		Long: `A server keeps on record who did what, from which network and with what outcome, what was denied too; so does assay admin. Each row is chained to the one before, and
what cannot be recorded is not done. Every 10 seconds assay serve signs with server.audit_key how far the chain reaches, and puts that head into the folder server.audit:
copy the heads to where nobody who can write to server.database can, and nobody changes a row unnoticed.`,
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("audit needs a verb: verify, head, address or anchor")
		},
	}
	cmd.AddCommand(newAuditVerify(a), newAuditHead(a), newAuditAddress(a), newAuditAnchor(a))
	return cmd
}

func newAuditVerify(a *app) *cobra.Command {
	var heads string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Look at every row of the audit log, and hold it to the heads that were signed",
		Long: `Look whether every row is chained to the one before and none is missing, and whether each head of server.audit is of the chain that is there. Rows that were edited,
deleted or put elsewhere are found by the chain; rows cut off at the end, or a chain that was written anew, by heads from before. So it does with the heads that the
transparency log holds (assay audit anchor), where that is on this machine. The server may run meanwhile.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			return a.verifyAudit(cmd, c, heads)
		},
	}
	cmd.Flags().StringVar(&heads, "heads", "", "folder of heads instead of server.audit, such as a copy that lies elsewhere")
	return cmd
}

func (a *app) verifyAudit(cmd *cobra.Command, c *Config, dir string) error {
	log, err := a.auditLog(cmd.Context(), c)
	if err != nil {
		return err
	}
	if dir == "" {
		dir = c.resolve(c.Server.Audit)
	} else if _, err := os.Stat(dir); err != nil {
		return unreadable("--heads: %v", err)
	}
	known, err := a.auditKeys(cmd.Context(), c)
	if err != nil {
		return err
	}
	heads := audit.Heads{Dir: dir}.All(known...)
	if len(known) == 0 {
		heads = func(func(audit.Head, error) bool) {}
	}
	logged, err := a.loggedHeads(cmd.Context(), c, known)
	if err != nil {
		return err
	}
	v, err := audit.Verify(cmd.Context(), log, withLogged(heads, logged))
	if err != nil {
		return unreadable("server.database: %v", err)
	}
	if err := a.sayAudit(cmd, v, dir, len(logged), len(known) > 0); err != nil {
		return err
	}
	if n := len(v.Faults); n > 0 {
		return hinted(refused("the audit log was changed"), "keep database and heads as they are, and compare with copies of both")
	}
	return nil
}

func (a *app) sayAudit(cmd *cobra.Command, v audit.Verdict, dir string, logged int, keyed bool) error {
	if a.json {
		faults := v.Faults
		if faults == nil {
			faults = []string{}
		}
		return a.say(cmd, map[string]any{"rows": v.Rows, "last": v.Last, "heads": v.Heads, "logged": logged, "faults": faults}, "")
	}
	lines := v.Faults
	if len(lines) == 0 {
		lines = []string{fmt.Sprintf("%d rows, each chained to the one before; the last has the hash %s", v.Rows, orElse(v.Last, "of nothing"))}
	}
	switch {
	case !keyed:
		lines = append(lines, "no head was compared: server.audit_key is missing, and whoever could write to the database could have made the whole chain anew")
	case v.Heads == 0:
		lines = append(lines, fmt.Sprintf("no head was compared: there is none in %s", dir))
	default:
		lines = append(lines, fmt.Sprintf("%d signed heads of %s were compared, and %d that the transparency log holds", v.Heads-logged, dir, logged))
	}
	return a.say(cmd, nil, "%s", strings.Join(lines, "\n"))
}

func newAuditHead(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "head",
		Short: "Tell how far the audit log reaches, and the newest head that was signed of it",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			log, err := a.auditLog(cmd.Context(), c)
			if err != nil {
				return err
			}
			last, err := log.NewestEvent(cmd.Context())
			if err != nil {
				return unreadable("server.database: %v", err)
			}
			known, err := a.auditKeys(cmd.Context(), c)
			if err != nil {
				return err
			}
			var head audit.Head
			if len(known) > 0 {
				if head, err = (audit.Heads{Dir: c.resolve(c.Server.Audit)}).Last(known...); err != nil {
					return unreadable("server.audit: %v", err)
				}
			}
			return a.sayHead(cmd, last, head)
		},
	}
}

func (a *app) sayHead(cmd *cobra.Command, last store.Event, head audit.Head) error {
	shown := map[string]any{"rows": last.Seq, "hash": fmt.Sprintf("%x", last.Hash)}
	signed := "no head was signed"
	if head.Seq > 0 {
		at := head.At.Format(time.RFC3339)
		shown["head"] = map[string]any{"at": at, "file": head.File, "hash": head.Hash, "seq": head.Seq}
		signed = fmt.Sprintf("signed at %s: row %d, hash %s, %s", at, head.Seq, head.Hash, head.File)
	}
	return a.say(cmd, shown, "%d rows, the last has the hash %s\n%s", last.Seq, orElse(fmt.Sprintf("%x", last.Hash), "of nothing"), signed)
}

func newAuditAddress(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "address ROW",
		Short: "Open the address that the act of a row came from, which is itself put on record",
		Long:  `The audit log tells the network that an act came from. Its whole address lies sealed beside it, for 30 days; to open it takes the KEK (server.kek), and is an act of its own.`,
		Args:  oneArg("audit address takes the number of one row"),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || seq < 1 {
				return usage("%q is no number of a row", args[0])
			}
			c, err := a.load()
			if err != nil {
				return err
			}
			return a.openAddress(cmd, c, seq)
		},
	}
}

func (a *app) openAddress(cmd *cobra.Command, c *Config, seq int64) error {
	records, _, err := a.unsealed(cmd.Context(), c)
	if err != nil {
		return err
	}
	var address string
	ctx := audit.With(cmd.Context(), audit.Local())
	err = records.Write(ctx, func(tx *store.Tx) error {
		if address, err = tx.Address(ctx, seq); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Act{At: time.Now(), Action: "address.open", Object: strconv.FormatInt(seq, 10), Outcome: audit.Done})
	})
	if errors.Is(err, store.ErrNoAddress) {
		return refused("row %d: no address is kept: it is older than %d days, came from the command line, or is not there", seq, audit.KeptDays)
	}
	if err != nil {
		return unreadable("server.database: %v", err)
	}
	return a.say(cmd, map[string]any{"row": seq, "address": address}, "%s", address)
}

// auditLog opens the server's database, which must be there: what is made anew is no record of anything.
func (a *app) auditLog(ctx context.Context, c *Config) (*store.Store, error) {
	records, err := a.databaseThere(ctx, c)
	if err == nil && records == nil {
		err = unreadable("server.database: nothing is kept at %s yet", cmp.Or(c.Server.Database, defaultDatabase))
	}
	return records, err
}

// auditKeys are the public keys that sign or signed heads; none without server.audit_key.
func (a *app) auditKeys(ctx context.Context, c *Config) ([]attest.PublicKey, error) {
	if c.Server.AuditKey == "" {
		return nil, nil
	}
	public, err := a.publicKey(ctx, "server.audit_key", c.keyRef(c.Server.AuditKey))
	if err != nil {
		return nil, err
	}
	former, err := c.formerAuditKeys()
	return append(former, public), err
}

func (c *Config) formerAuditKeys() ([]attest.PublicKey, error) {
	var all []attest.PublicKey
	for _, path := range c.Server.AuditFormer {
		public, err := keys.ReadPublicKey(c.resolve(path))
		if err != nil {
			return nil, unreadable("server.audit_former: %v", err)
		}
		all = append(all, public)
	}
	return all, nil
}

// checkAudit refuses what heads could not be signed with.
func (s ServerConfig) checkAudit() error {
	if s.AuditKey == "" {
		if len(s.AuditFormer) > 0 {
			return errors.New("server.audit_former: those are keys before audit_key, which is missing")
		}
		return nil
	}
	if s.Audit == "" {
		return errors.New("server.audit is missing: the folder of the heads that audit_key signs")
	}
	if s.AuditKey == s.Key {
		return errors.New("server.audit_key: it signs answers too, and heads need a key that signs nothing else")
	}
	if _, err := keys.ParseRef(s.AuditKey); err != nil {
		return fmt.Errorf("server.audit_key: %w", err)
	}
	return nil
}

// keepAudit begins to keep the audit log of a server, whose heads are signed where there is a key. It ends with the command, when
// all is written that was to be.
func (a *app) keepAudit(ctx context.Context, c *Config, records *store.Store, logger *slog.Logger) (*audit.Keeper, error) {
	config := audit.Config{Log: records, Heads: audit.Heads{Dir: c.resolve(c.Server.Audit)}, Logger: logger, Now: time.Now}
	if c.Server.AuditKey == "" {
		logger.Warn("no head of the audit log is signed: whoever can write to server.database could make all of it anew", "hint", "server.audit_key")
	} else if err := a.openAuditKey(ctx, c, &config); err != nil {
		return nil, err
	}
	keeper, err := audit.NewKeeper(ctx, config)
	if err != nil {
		return nil, hinted(refused("%v", err), "assay audit verify says more; if the database was taken back to a backup on purpose, name another folder under server.audit, and keep the old one")
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // it goes on while the last requests are answered
	done := make(chan struct{})
	go func() { defer close(done); keeper.Run(running) }()
	a.opened = append(a.opened, ending(func() { stop(); <-done }))
	return keeper, nil
}

// ending is what a command ends with.
type ending func()

// Close ends it.
func (e ending) Close() error { e(); return nil }

// openAuditKey opens the key that signs heads, and refuses one that signs anything else.
func (a *app) openAuditKey(ctx context.Context, c *Config, config *audit.Config) (err error) {
	if config.Signer, err = a.signer(ctx, "server.audit_key", c.keyRef(c.Server.AuditKey)); err != nil {
		return err
	}
	own, err := c.knownKeys()
	if err != nil {
		return err
	}
	for _, k := range own {
		if k == config.Signer.PublicKey() {
			return refused("server.audit_key signs statements too, and heads need a key that signs nothing else")
		}
	}
	if config.Former, err = c.formerAuditKeys(); err != nil {
		return err
	}
	dir := config.Heads.Dir
	if err := os.MkdirAll(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return unreadable("server.audit: %v", err)
	}
	return nil
}

// rotateAudit makes the audit key's successor. What the old one signed is known by its public half.
func (a *app) rotateAudit(cmd *cobra.Command, c *Config, r rotation) error {
	if r.algorithm != "" || r.to != "" || r.until != "" || r.from != "" {
		return usage("the audit key's successor signs once assay.toml names it: rotate it with --recipient alone, or with nothing")
	}
	parsed, err := keys.ParseRef(c.Server.AuditKey)
	if err != nil {
		return unreadable("server.audit_key: %v", err)
	}
	if parsed.File == "" {
		return a.say(cmd, map[string]string{"reference": c.Server.AuditKey, "next": elsewhere(parsed)}, "%s\nthen name it under server.audit_key, and a file with the old public key under server.audit_former", elsewhere(parsed))
	}
	lock, err := a.newLock(r.recipient)
	if err != nil {
		return err
	}
	signer, err := makeSigner(c.resolve(successor(parsed.File)), string(attest.Ed25519), lock)
	if err != nil {
		return err
	}
	next := keyShown{Use: useAudit, Reference: "file:" + successor(parsed.File)}
	next.is(signer.PublicKey())
	former := append(append([]string{}, c.Server.AuditFormer...), keys.PublicPath(parsed.File))
	lines := fmt.Sprintf("audit_key = %q\naudit_former = [%s]", next.Reference, quotedList(former))
	return a.say(cmd, map[string]any{"successor": next, "config": lines}, "%s\n\nin %s, then start assay serve again:\n\n[server]\n%s", next, a.configPath, lines)
}

func quotedList(all []string) string {
	quoted := make([]string, len(all))
	for i, one := range all {
		quoted[i] = fmt.Sprintf("%q", one)
	}
	return strings.Join(quoted, ", ")
}
