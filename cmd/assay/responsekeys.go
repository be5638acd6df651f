package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/httpsig"
)

// How long a response key signs if nothing is said, and how long before that its successor should be listed.
const (
	responseLife = 30 * 24 * time.Hour
	responseSoon = 7 * 24 * time.Hour
)

// listing is what keys response is asked for.
type listing struct {
	key, from, until, recipient string
	audit, signOnly             bool
}

func newKeysResponse(a *app) *cobra.Command {
	var l listing
	cmd := &cobra.Command{
		Use:   "response",
		Short: "List the key that signs a server's answers, with the statement key's signature",
		Long: `Put the response key, server.key or the one of --key, into the list of server.keys with the times between which it signs, and sign the list with the statement key.
Whoever checks an answer asks the server for this list and believes it by the statement key alone. If the key's file is not there, it is made. Keys that are listed stay
listed, so that old answers can be checked; a key that is listed already gets other times, such as an earlier --until once it may be in other hands.

A successor is listed before it signs: assay keys response --key file:keys/response-2.age --from TIME; then server.key names it, and assay serve is started again.

Where there is a [log], the list is entered there before it is shown, so that nobody can be shown other keys unnoticed. Where the log is on another machine: --sign-only
here, then assay log add with the list there. With --audit it is a key that signs heads of the audit log, server.audit_key, and no answers.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			return a.listResponseKey(cmd, c, l)
		},
	}
	cmd.Flags().StringVar(&l.key, "key", "", "reference of the key (default: server.key, with --audit server.audit_key)")
	cmd.Flags().StringVar(&l.from, "from", "", "from when it signs (default: now)")
	cmd.Flags().StringVar(&l.until, "until", "", "until when (default: 30 days later)")
	cmd.Flags().BoolVar(&l.audit, "audit", false, "the key signs heads of the audit log, and no answers")
	cmd.Flags().BoolVar(&l.signOnly, "sign-only", false, "only sign the list, to be entered in the log elsewhere")
	cmd.Flags().StringVar(&l.recipient, "recipient", "", "seal a new key to this age recipient (age1…) instead of a passphrase")
	return cmd
}

func (a *app) listResponseKey(cmd *cobra.Command, c *Config, l listing) error {
	if l.key == "" {
		l.key = map[bool]string{false: c.Server.Key, true: c.Server.AuditKey}[l.audit]
	}
	switch {
	case l.key == "" && l.audit:
		return hinted(usage("there is no key that signs heads of the audit log: server.audit_key is missing"), `set audit_key = "file:keys/audit.age" in [server], or give --key`)
	case l.key == "":
		return hinted(usage("there is no response key: server.key is missing"), `set key = "file:keys/response.age" in [server], or give --key`)
	}
	own, err := a.ownKeys(cmd.Context(), c)
	if err != nil {
		return err
	}
	key, err := a.responseKeyOrNew(cmd, c, l)
	if err != nil {
		return err
	}
	public, err := responsePublic(key, own)
	if err != nil {
		return err
	}
	path := c.resolve(c.Server.Keys)
	_, list, err := readKeyList(path, c.Exchange.Name, own)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadable("%v", err)
	}
	entry, err := l.times(list, key, time.Now())
	if err != nil {
		return err
	}
	list.Exchange, list.Type, list.Issued = c.Exchange.Name, attest.TypeResponseKeys, time.Now().UTC().Truncate(time.Second)
	list.Keys = withKey(list.Keys, entry)
	raw, err := a.signKeyList(cmd, c, list)
	if err != nil {
		return err
	}
	place := "not entered in a log"
	switch {
	case c.Log.Origin != "" && l.signOnly:
		place = "not entered yet: assay log add does that, on the log's machine"
	case c.Log.Origin != "":
		if place, err = a.enterKeyList(cmd.Context(), c, raw); err != nil {
			return err
		}
	}
	if err := writePublic(path, raw); err != nil {
		return err
	}
	return a.sayListed(cmd, path, list, entry, public, place)
}

// enterKeyList puts a list into the log, before anybody is shown it.
func (a *app) enterKeyList(ctx context.Context, c *Config, raw []byte) (string, error) {
	if len(raw) > tlog.MaxEntry {
		return "", refused("the list has %d bytes, and a log takes entries of %d at most: it lists %d keys too many for it", len(raw), tlog.MaxEntry, (len(raw)-tlog.MaxEntry)/bytesOfKey+1)
	}
	at, err := enterOwn(ctx, a, raw)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("entry #%d of %s", at.Index, c.Log.Origin), nil
}

// bytesOfKey is about what a key takes in a signed list.
const bytesOfKey = 200

// responseKeyOrNew is the key's public half; a key whose file is not there is made.
func (a *app) responseKeyOrNew(cmd *cobra.Command, c *Config, l listing) (attest.PublicKey, error) {
	ref := c.keyRef(l.key)
	if path, err := keys.FilePath(ref); err == nil {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			signer, err := a.signerOrNew(cmd.Context(), "server.key", ref, l.recipient)
			if err != nil {
				return attest.PublicKey{}, err
			}
			return signer.PublicKey(), nil
		}
	}
	return a.publicKey(cmd.Context(), "server.key", ref)
}

// times are those of the key in the list: as they are asked for, else as they are listed.
func (l listing) times(list attest.ResponseKeys, key attest.PublicKey, now time.Time) (attest.ResponseKey, error) {
	entry := attest.ResponseKey{Key: key, From: now.UTC().Truncate(time.Second)}
	if l.audit {
		entry.Use = attest.UseAudit
	}
	i := slices.IndexFunc(list.Keys, func(k attest.ResponseKey) bool { return k.Key == key })
	if i >= 0 {
		if list.Keys[i].Use != entry.Use {
			return entry, refused("the key is listed already, for another use: a key signs answers or the audit log, and never both")
		}
		entry = list.Keys[i]
		if l.from == "" && l.until == "" {
			return entry, hinted(refused("the key is listed already, until %s", entry.Until.Format(time.RFC3339)), "give it other times with --until or --from")
		}
	}
	if l.from != "" {
		from, err := report.ParseTime(l.from)
		if err != nil {
			return entry, usage("--from: %v", err)
		}
		entry.From = from.Time
	}
	if i < 0 {
		entry.Until = entry.From.Add(responseLife)
	}
	if l.until != "" {
		until, err := report.ParseTime(l.until)
		if err != nil {
			return entry, usage("--until: %v", err)
		}
		entry.Until = until.Time
	}
	if !entry.From.Before(entry.Until) {
		return entry, usage("--until: %s is not after --from, %s", entry.Until.Format(time.RFC3339), entry.From.Format(time.RFC3339))
	}
	return entry, nil
}

// withKey puts a key among the others, in place of itself if it is there.
func withKey(all []attest.ResponseKey, entry attest.ResponseKey) []attest.ResponseKey {
	all = slices.DeleteFunc(slices.Clone(all), func(k attest.ResponseKey) bool { return k.Key == entry.Key })
	all = append(all, entry)
	slices.SortFunc(all, func(a, b attest.ResponseKey) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	return all
}

// signKeyList signs the list with the statement key.
func (a *app) signKeyList(cmd *cobra.Command, c *Config, list attest.ResponseKeys) ([]byte, error) {
	payload, err := list.JSON()
	if err != nil {
		return nil, refused("%v", err)
	}
	signer, err := a.signer(cmd.Context(), "keys.statement", c.keyRef(c.Keys.Statement))
	if err != nil {
		return nil, err
	}
	return envelopeOf(attest.PayloadResponseKeys, payload, signer)
}

func (a *app) sayListed(cmd *cobra.Command, path string, list attest.ResponseKeys, entry attest.ResponseKey, public ed25519.PublicKey, place string) error {
	from, until, id := entry.From.Format(time.RFC3339), entry.Until.Format(time.RFC3339), httpsig.Thumbprint(public)
	return a.say(cmd, map[string]any{"list": path, "keys": len(list.Keys), "key": entry.Key.String(), "keyid": id, "from": from, "until": until, "log": place},
		"listed %s\nsignatures name it %s\nit signs from %s until %s\n%s: %d keys, signed by the statement key; assay serve shows it at /.well-known/assay-keys\n%s", entry.Key, id, from, until, path, len(list.Keys), place)
}

// readKeyList reads a list of response keys that one of the exchange's keys signed (SPEC part 28).
func readKeyList(path, exchange string, own []attest.PublicKey) (raw []byte, list attest.ResponseKeys, err error) {
	if raw, err = os.ReadFile(path); err != nil {
		return nil, list, err
	}
	e, err := attest.ParseEnvelopeOf(attest.PayloadResponseKeys, raw)
	if err == nil {
		err = e.Verify(own...)
	}
	if err == nil {
		list, err = attest.ParseResponseKeys(e.Payload)
	}
	if err == nil && list.Exchange != exchange {
		err = fmt.Errorf("it is of the exchange %q, want %q", list.Exchange, exchange)
	}
	if err != nil {
		return nil, attest.ResponseKeys{}, fmt.Errorf("%s: %w", path, err)
	}
	return raw, list, nil
}

// lookServer holds the response key to its list; a key that soon runs out needs a successor there.
func (s *stages) lookServer() (string, error) {
	own, err := s.app.ownKeys(s.ctx, s.config)
	if err != nil {
		return "", err
	}
	key, err := s.app.publicKey(s.ctx, "server.key", s.config.keyRef(s.config.Server.Key))
	if err != nil {
		return "", err
	}
	if _, err := responsePublic(key, own); err != nil {
		return "", err
	}
	path, now := s.config.resolve(s.config.Server.Keys), time.Now()
	list := &keyList{path: path, exchange: s.config.Exchange.Name, own: own, key: key, now: func() time.Time { return now }}
	if _, err := list.read(); err != nil {
		return "", hinted(refused("%v", err), "assay keys response lists it")
	}
	until := list.place.Until
	if until.Sub(now) > responseSoon {
		return fmt.Sprintf("the response key is listed in %s until %s", path, until.Format(time.RFC3339)), nil
	}
	_, all, err := readKeyList(path, s.config.Exchange.Name, own)
	if err != nil {
		return "", err
	}
	for _, k := range all.Keys {
		if k.Use == "" && k.Until.After(until) && !k.From.After(until) {
			return fmt.Sprintf("the response key is listed in %s until %s, and then its successor %s until %s", path, until.Format(time.RFC3339), k.Key, k.Until.Format(time.RFC3339)), nil
		}
	}
	return "", hinted(refused("%s lists the response key until %s only, and no successor", path, until.Format(time.RFC3339)), "assay keys rotate response makes one")
}

// rotateResponse makes the response key's successor, to be listed before it signs. No policy names one.
func (a *app) rotateResponse(cmd *cobra.Command, c *Config, r rotation) error {
	if r.algorithm != "" || r.to != "" || r.until != "" {
		return usage("a response key's times stand in its list: rotate it with --recipient and --from alone, or with nothing")
	}
	parsed, err := keys.ParseRef(c.Server.Key)
	if err != nil {
		return unreadable("server.key: %v", err)
	}
	from, _, err := r.times(time.Now())
	if err != nil {
		return err
	}
	if parsed.File == "" {
		return a.say(cmd, map[string]string{"reference": c.Server.Key, "next": elsewhere(parsed)}, "%s\nthen: assay keys response --key 'REFERENCE' --from %s", elsewhere(parsed), from)
	}
	lock, err := a.newLock(r.recipient)
	if err != nil {
		return err
	}
	signer, err := makeSigner(c.resolve(successor(parsed.File)), string(attest.Ed25519), lock)
	if err != nil {
		return err
	}
	next := keyShown{Use: useResponse, Reference: "file:" + successor(parsed.File)}
	next.is(signer.PublicKey())
	line, list := fmt.Sprintf("key = %q", next.Reference), fmt.Sprintf("assay keys response --key %s --from %s", next.Reference, from)
	return a.say(cmd, map[string]any{"successor": next, "config": line, "next": list},
		"%s\n\nlist it:\n\n%s\n\nin %s, from %s on:\n\n[server]\n%s\n\nthe old key stays in the list: what it signed in its time holds", next, list, a.configPath, from, line)
}
