package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// notice is what is said of a statement after it was published: an entry of the log.
type notice struct {
	kind      report.EntryKind
	statement string // a file, or a digest in hex
	text      string
	out       string
	signOnly  bool
	approved  *report.Entry // what is said, to the letter; nil: what follows from the rest
}

func newWithdraw(a *app) *cobra.Command {
	return newNotice(a, &notice{kind: report.EntryWithdrawal}, "withdraw", "reason", "why it is withdrawn",
		"Take back a statement that was published, for good", `Enter in the log, signed, that a statement does not hold any more, and why. It keeps its place in its series; whoever looks at the log is told first of all that it was
withdrawn. A statement that takes its place is published as such (series.supersedes) and needs no withdrawal.`)
}

func newErratum(a *app) *cobra.Command {
	return newNotice(a, &notice{kind: report.EntryErratum}, "erratum", "text", "what is wrong, and how it should read",
		"Mend the words of a statement that was published", `Enter in the log, signed, what is wrong in the words of a statement and how it should read. The statement stays published, and whoever looks at the log is shown its
errata. Figures are not mended: withdraw the statement, or publish one that takes its place.`)
}

func newNotice(a *app, n *notice, verb, textFlag, textHelp, short, long string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   fmt.Sprintf("%s --statement FILE|DIGEST --%s TEXT", verb, textFlag),
		Short: short,
		Long: long + `

It needs no run. The entry and its proof are kept in notices/ beside the log's folder, or in --out; in one file (.notice.json) they are for customers, whose page verify.html takes it. Interrupted, or without the witnesses' quorum, it is finished by
the same command. Where the log is on another machine: --sign-only --out FILE here, then assay log add FILE there.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case n.statement == "":
				return usage("--statement is missing: the statement.dsse.json, or the statement's digest")
			case n.text == "":
				return usage("--%s is missing: say %s", textFlag, textHelp)
			case n.signOnly && n.out == "":
				return usage("--out is missing: say where the signed entry goes")
			}
			return a.giveNotice(cmd, *n)
		},
	}
	cmd.Flags().StringVar(&n.statement, "statement", "", "the signed statement (statement.dsse.json), or its digest")
	cmd.Flags().StringVar(&n.text, textFlag, "", textHelp)
	cmd.Flags().StringVar(&n.out, "out", "", "folder for the entry and its proof; file for the entry with --sign-only")
	cmd.Flags().BoolVar(&n.signOnly, "sign-only", false, "only sign the entry, to be entered elsewhere")
	return cmd
}

func (a *app) giveNotice(cmd *cobra.Command, n notice) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	about, err := n.about(c)
	if err != nil {
		return err
	}
	if n.signOnly {
		raw, err := a.signNotice(cmd.Context(), c, n, about)
		if err != nil {
			return err
		}
		if err := writePublic(n.out, raw); err != nil {
			return err
		}
		return a.say(cmd, map[string]string{"entry": n.out, "statement": about.String()}, "signed %s of statement %s: %s; enter it with assay log add", n.kind, about, n.out)
	}
	if c, err = a.loadLog(); err != nil {
		return err
	}
	if n.out == "" {
		n.out = c.notices()
	}
	return a.enterNotice(cmd, c, n, about)
}

// notices is the folder of what was said of statements.
func (c *Config) notices() string {
	return filepath.Join(filepath.Dir(c.resolve(c.Log.Dir)), "notices")
}

// enterNotice keeps the signed entry before it enters it: so what was interrupted goes on with the same entry.
func (a *app) enterNotice(cmd *cobra.Command, c *Config, n notice, about report.Digest) error {
	file, proof, handout := n.files(about)
	raw, err := a.keptNotice(cmd.Context(), c, n, file, about)
	if err != nil {
		return err
	}
	if _, err := os.Stat(proof); err == nil && raw != nil {
		return refused("%s of the statement %s was entered already: %s", n.kind, about, file)
	}
	if raw == nil {
		if raw, err = a.signNotice(cmd.Context(), c, n, about); err != nil {
			return err
		}
	}
	if err := writePublic(file, raw); err != nil {
		return err
	}
	place, err := enterOwn(cmd.Context(), a, raw)
	if err != nil {
		return err
	}
	if err := errors.Join(writePublic(handout, handedToCustomers(raw, place.Proof)), writePublic(proof, place.Proof)); err != nil {
		return err
	}
	return a.say(cmd, map[string]any{"statement": about.String(), "kind": n.kind, "index": place.Index, "entry": file, "proof": proof, "notice": handout},
		"%s of statement %s: entry #%d of %s\nkept in %s\nfor customers, whose page takes it: %s", n.kind, about, place.Index, c.Log.Origin, file, handout)
}

// handedToCustomers is an entry with its place in the log, as a customer's proof has that of its statement (SPEC part 10).
func handedToCustomers(entry, proof []byte) []byte {
	return fmt.Appendf(nil, `{"entry":%s,"proof":"%s"}`, entry, base64.StdEncoding.EncodeToString(proof))
}

// about is the digest of the statement that is meant, one of this exchange's.
func (n notice) about(c *Config) (report.Digest, error) {
	var d report.Digest
	if d.UnmarshalText([]byte(n.statement)) == nil {
		return d, nil
	}
	signed, err := readStatement(n.statement)
	if err != nil {
		return d, err
	}
	if by := signed.Statement.Predicate.Snapshot.Exchange.Name; by != c.Exchange.Name {
		return d, refused("%s is a statement of %q, %s is of %q", n.statement, by, c.path, c.Exchange.Name)
	}
	return signed.Digest, nil
}

// files are where the entry is kept, its proof, and both in one: named by what is said, so that saying it again finds them.
func (n notice) files(about report.Digest) (entry, proof, handout string) {
	name := fmt.Sprintf("%s-%s", n.kind, about.String()[:16])
	if n.kind == report.EntryErratum {
		name += fmt.Sprintf("-%.4x", sha256.Sum256([]byte(n.text)))
	}
	path := filepath.Join(n.out, name)
	return path + ".dsse.json", path + ".tlog-proof", path + ".notice.json"
}

// keptNotice is the entry that was signed before and says this, or nothing. Before any key is opened the log is asked whether it
// takes such an entry.
func (a *app) keptNotice(ctx context.Context, c *Config, n notice, file string, about report.Digest) ([]byte, error) {
	log, err := a.seeLog(ctx, c)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unreadable("%v", err)
	}
	if e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, raw); err == nil {
		if before, err := report.ParseEntry(e.Payload); err == nil && before.Kind == n.kind && before.Statement == about {
			if log.register.Holds(before) || before.Text == n.text && log.register.Follows(before) == nil {
				return raw, nil
			}
		}
	}
	entry, err := n.entry(c, about)
	if err != nil {
		return nil, err
	}
	return nil, refusedBy(log.register.Follows(entry))
}

func refusedBy(err error) error {
	if err != nil {
		return refused("%v", err)
	}
	return nil
}

func (n notice) entry(c *Config, about report.Digest) (report.Entry, error) {
	if n.approved != nil {
		return *n.approved, nil
	}
	issued, err := now()
	if err != nil {
		return report.Entry{}, err
	}
	say := report.NewWithdrawal
	if n.kind == report.EntryErratum {
		say = report.NewErratum
	}
	entry, err := say(c.Exchange.Name, about, n.text, issued)
	return entry, refusedBy(err)
}

func (a *app) signNotice(ctx context.Context, c *Config, n notice, about report.Digest) ([]byte, error) {
	entry, err := n.entry(c, about)
	if err != nil {
		return nil, err
	}
	payload, err := entry.JSON()
	if err != nil {
		return nil, refused("%v", err)
	}
	signer, err := a.signer(ctx, "keys.statement", c.keyRef(c.Keys.Statement))
	if err != nil {
		return nil, err
	}
	return envelopeOf(attest.PayloadEntry, payload, signer)
}

// writePublic writes a file that others are given, whole or not at all.
func writePublic(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return unreadable("%v", err)
	}
	if err := renameio.WriteFile(path, data, 0o644); err != nil {
		return unreadable("%v", err)
	}
	return nil
}
