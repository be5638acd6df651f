package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/report"
)

const longLog = `The transparency log (SPEC part 25): a folder of entries that only grows, whose checkpoints outside witnesses cosign. What is in it cannot be taken back, nor
shown to some and not to others. One process at a time writes; assay serve shows it below /log/, and any web server can.`

func newLog(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Keep the transparency log of what was published",
		Long:  longLog,
		RunE:  func(_ *cobra.Command, _ []string) error { return usage("log needs a verb: init, add, cosign or show") },
	}
	cmd.AddCommand(newLogInit(a), newLogAdd(a), newLogCosign(a), newLogShow(a))
	return cmd
}

func newLogInit(a *app) *cobra.Command {
	var recipient string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the log's folder and, if it is not there, its sealed key",
		Long: `Make the folder of [log] and, if log.key is a file that is not there, a new sealed key. Prints what verifiers put into their policies; who is to be believed as a
witness, and how many, is for them to say.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadLog()
			if err != nil {
				return err
			}
			signer, err := a.signerOrNew(cmd.Context(), "log.key", c.keyRef(c.Log.Key), recipient)
			if err != nil {
				return err
			}
			config, err := c.log(signer)
			if err != nil {
				return err
			}
			if err := tlog.Create(config); err != nil {
				return refused("%v", err)
			}
			if err := c.showLog(cmd.Context(), signer.PublicKey()); err != nil {
				return err
			}
			vkey, err := tlog.VerifierKey(config.Origin, signer.PublicKey())
			if err != nil {
				return refused("%v", err)
			}
			policy := c.logPolicy(vkey)
			return a.say(cmd, map[string]string{"origin": config.Origin, "key": vkey, "dir": config.Dir, "policy": policy},
				"log %s in %s\nverifier key: %s\nfor a policy:\n\n%s", config.Origin, config.Dir, vkey, policy)
		},
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "seal a new key to this age recipient (age1…) instead of a passphrase")
	return cmd
}

func newLogAdd(a *app) *cobra.Command {
	var proof string
	cmd := &cobra.Command{
		Use:   "add FILE…",
		Short: "Enter envelopes, and come back once they are public, cosigned and proved",
		Long: `Enter envelopes (entries of SPEC part 24, commitments of part 21, lists of response keys and heads of the audit log of part 28). It comes back once the witnesses cosigned a checkpoint that holds them, they were read back,
and each one's proof was verified. What is there already is not entered again. Nothing can be taken out; so an entry in the name of [exchange] that does not follow from
what the log holds is refused, if this machine knows an [exchange].`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("log add takes at least one file")
			}
			if proof != "" && len(args) > 1 {
				return usage("--proof is for one file, got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			entries := make([][]byte, len(args))
			for i, name := range args {
				var err error
				if entries[i], err = readEntry(name); err != nil {
					return err
				}
			}
			places, err := withLog(cmd.Context(), a, func(l *tlog.Log) ([]tlog.Place, error) {
				if own := a.config.ownEntries(entries); len(own) > 0 {
					if err := a.follow(cmd.Context(), own...); err != nil {
						return nil, err
					}
				}
				return l.Add(cmd.Context(), entries...)
			})
			if err != nil {
				return err
			}
			if proof != "" {
				if err := renameio.WriteFile(proof, places[0].Proof, 0o644); err != nil {
					return unreadable("%v", err)
				}
			}
			var lines []string
			var indexes []uint64
			for i, p := range places {
				lines, indexes = append(lines, fmt.Sprintf("#%d %s", p.Index, args[i])), append(indexes, p.Index)
			}
			return a.say(cmd, map[string]any{"indexes": indexes}, "%s", strings.Join(lines, "\n"))
		},
	}
	cmd.Flags().StringVar(&proof, "proof", "", "file for the proof (log.tlog-proof) of one entry")
	return cmd
}

func newLogCosign(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "cosign",
		Short: "Have the witnesses cosign the log as it is, so that it is fresh",
		Long:  `Publish the checkpoint anew with new cosignatures. Who looks at a log may ask that it was cosigned lately; run this at least so often.`,
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			head, err := withLog(cmd.Context(), a, func(l *tlog.Log) (tlog.Checkpoint, error) { return l.Cosign(cmd.Context()) })
			if err != nil {
				return err
			}
			return a.say(cmd, shown(head), "%s", headLines(head))
		},
	}
}

func newLogShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show the log's checkpoint and entries",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.loadLog()
			if err != nil {
				return err
			}
			vkey, err := a.logKey(cmd.Context(), c)
			if err != nil {
				return err
			}
			dir := os.DirFS(c.resolve(c.Log.Dir))
			head, err := tlog.ReadCheckpoint(dir, vkey, c.witnessKeys()...)
			if errors.Is(err, fs.ErrNotExist) {
				return noLog(c)
			}
			if err != nil {
				return refused("%v", err)
			}
			all, lines := shown(head), headLines(head)
			entries := []entryShown{}
			for raw, err := range tlog.Entries(dir, head) {
				if err != nil {
					return refused("%v", err)
				}
				e := showEntry(raw)
				lines += fmt.Sprintf("\n#%d %s", len(entries), e)
				entries = append(entries, e)
			}
			all["entries"] = entries
			return a.say(cmd, all, "%s", lines)
		},
	}
}

// readEntry reads a file that may be entered: an envelope of a kind that belongs into the log.
func readEntry(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	defer f.Close()
	entry, err := io.ReadAll(io.LimitReader(f, tlog.MaxEntry+1))
	if err != nil {
		return nil, unreadable("%v", err)
	}
	if len(entry) > tlog.MaxEntry {
		return nil, refused("%s: an entry has at most %d bytes", name, tlog.MaxEntry)
	}
	if _, err := parseEntry(entry); err != nil {
		return nil, hinted(refused("%s: %v", name, err), "a log takes entries (%s), commitments to draw (%s), lists of response keys (%s) and heads of the audit log (%s), each as one DSSE envelope",
			attest.PayloadEntry, attest.PayloadDraw, attest.PayloadResponseKeys, attest.PayloadAuditHead)
	}
	return entry, nil
}

func parseEntry(entry []byte) (attest.Envelope, error) {
	for _, kind := range []string{attest.PayloadDraw, attest.PayloadResponseKeys, attest.PayloadAuditHead} {
		if e, err := attest.ParseEnvelopeOf(kind, entry); err == nil {
			return e, nil
		}
	}
	return attest.ParseEnvelopeOf(attest.PayloadEntry, entry)
}

// isServers reports whether an entry is of the exchange's servers: a list of response keys, or a head of the audit log.
func isServers(entry []byte) bool {
	e, err := parseEntry(entry)
	return err == nil && (e.PayloadType == attest.PayloadResponseKeys || e.PayloadType == attest.PayloadAuditHead)
}

// ownEntries are those in the exchange's name; a machine that only keeps the log knows no exchange.
func (c *Config) ownEntries(entries [][]byte) [][]byte {
	var own [][]byte
	for _, raw := range entries {
		if isServers(raw) && c.Exchange.Name != "" {
			own = append(own, raw)
			continue
		}
		if e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, raw); err == nil && c.Exchange.Name != "" {
			if entry, err := report.ParseEntry(e.Payload); err == nil && entry.Exchange == c.Exchange.Name {
				own = append(own, raw)
			}
		}
	}
	return own
}

// entryShown is what an entry of the log is, in a word, and which statement it is about.
type entryShown struct {
	Kind      string `json:"kind"`
	Statement string `json:"statement,omitempty"`
}

// String is one line, whatever the entry holds.
func (e entryShown) String() string {
	if e.Statement == "" {
		return e.Kind
	}
	return fmt.Sprintf("%s %q", e.Kind, e.Statement)
}

func showEntry(raw []byte) entryShown {
	e, err := parseEntry(raw)
	if err != nil {
		return entryShown{Kind: "no envelope"}
	}
	switch e.PayloadType {
	case attest.PayloadDraw:
		return entryShown{Kind: "draw"}
	case attest.PayloadResponseKeys:
		return entryShown{Kind: "response-keys"}
	case attest.PayloadAuditHead:
		return entryShown{Kind: "audit-head"}
	}
	var payload struct{ Kind, Statement string }
	if err := json.Unmarshal(e.Payload, &payload); err != nil {
		return entryShown{Kind: "unreadable"}
	}
	switch kind := report.EntryKind(payload.Kind); kind {
	case report.EntryStatement, report.EntryWithdrawal, report.EntryErratum:
		return entryShown{payload.Kind, payload.Statement[:min(len(payload.Statement), 64)]}
	}
	return entryShown{Kind: "of a kind that this version does not know"}
}

func headLines(head tlog.Checkpoint) string {
	lines := fmt.Sprintf("%s: %d entries, root %x", head.Origin, head.Size, head.Root)
	for _, w := range head.Witnesses {
		name, _, _ := strings.Cut(w.Key, "+")
		lines += fmt.Sprintf("\nwitnessed by %s at %s", name, w.Time.Format("2006-01-02T15:04:05Z"))
	}
	return lines
}

// shown is the same as JSON.
func shown(head tlog.Checkpoint) map[string]any {
	witnesses := map[string]string{}
	for _, w := range head.Witnesses {
		witnesses[w.Key] = w.Time.Format("2006-01-02T15:04:05Z")
	}
	return map[string]any{"origin": head.Origin, "size": head.Size, "root": fmt.Sprintf("%x", head.Root), "witnesses": witnesses}
}
