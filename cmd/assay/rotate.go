package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/store"
)

// limit is a [[key]] of a trust policy (SPEC part 23).
func limit(key attest.PublicKey, what string, when report.Time) string {
	return fmt.Sprintf("[[key]]\nkey = %q\n%s = %q\n", key, what, when)
}

// overlap is how long an old key signs beside its successor, if nothing is said.
const overlap = 7 * 24 * time.Hour

// rotation is what keys rotate is asked for.
type rotation struct{ algorithm, recipient, to, from, until, purpose string }

func newKeysRotate(a *app) *cobra.Command {
	var r rotation
	cmd := &cobra.Command{
		Use:   "rotate NAME | --purpose PURPOSE",
		Short: "Make a key's successor; print the lines to change in assay.toml and in trust policies",
		Long: `Make the successor of a key in assay.toml beside it (keys/statement-2.age), and print the line of assay.toml to change and the lines of trust policies that
let both keys sign for some days. Nothing else is changed. The old key stays: what it signed in its time holds.

A key in a token or a server gets its successor there; name that with --to, and the lines are printed.

With --purpose it gives the keyset of that purpose in server.database a new key instead, which seals from then on.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if r.purpose != "" {
				return noArgs(cmd, args)
			}
			return oneArg("keys rotate takes the name of a key in assay.toml: statement, snapshot, response or audit; or --purpose")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.purpose != "" {
				return a.rotateKeyset(cmd, r.purpose)
			}
			c, err := a.load()
			if err != nil {
				return err
			}
			if args[0] == useSnapshot {
				return a.rotateSnapshot(cmd, c, r)
			}
			if args[0] == useLog || args[0] == useWitness {
				return hinted(refused("a log and a witness keep their key: verifiers know them by it"), "make another one with a name of its own, and have policies list its verifier key beside the old one")
			}
			ref, ok := c.signing()[args[0]]
			if !ok {
				return usage("%q is no key of %s: want statement, snapshot, response or audit", args[0], a.configPath)
			}
			switch args[0] {
			case useResponse:
				return a.rotateResponse(cmd, c, r)
			case useAudit:
				return a.rotateAudit(cmd, c, r)
			}
			return a.rotate(cmd, c, args[0], ref, r)
		},
	}
	cmd.Flags().StringVar(&r.algorithm, "algorithm", "", "ed25519 or p256 (default: the old key's)")
	cmd.Flags().StringVar(&r.recipient, "recipient", "", "seal the new key to this age recipient (age1…) instead of a passphrase")
	cmd.Flags().StringVar(&r.to, "to", "", "reference of the successor, if it was made already")
	cmd.Flags().StringVar(&r.from, "from", "", "from when the new key signs (default: now)")
	cmd.Flags().StringVar(&r.purpose, "purpose", "", "what a keyset of server.database seals: "+strings.Join(store.Purposes(), ", "))
	cmd.Flags().StringVar(&r.until, "until", "", "until when the old one may (default: 7 days later)")
	return cmd
}

// times are those of the overlap.
func (r rotation) times(now time.Time) (from, until report.Time, err error) {
	if from, err = report.NewTime(now.UTC().Truncate(time.Second)); r.from != "" {
		from, err = report.ParseTime(r.from)
	}
	if err != nil {
		return from, until, usage("--from: %v", err)
	}
	if until, err = report.NewTime(from.Add(overlap)); r.until != "" {
		until, err = report.ParseTime(r.until)
	}
	if err != nil {
		return from, until, usage("--until: %v", err)
	}
	if until.Before(from.Time) {
		return from, until, usage("--until: %s is before --from, %s", until, from)
	}
	return from, until, nil
}

// rotate makes the successor of a key that signs, or takes the one that was made.
func (a *app) rotate(cmd *cobra.Command, c *Config, use, ref string, r rotation) error {
	from, until, err := r.times(time.Now())
	if err != nil {
		return err
	}
	parsed, err := keys.ParseRef(ref)
	if err != nil {
		return unreadable("keys.%s: %v", use, err)
	}
	if parsed.File == "" && r.to == "" {
		return a.say(cmd, map[string]string{"reference": ref, "next": elsewhere(parsed)}, "%s\nthen: assay keys rotate %s --to 'REFERENCE'", elsewhere(parsed), use)
	}
	old, err := a.publicKey(cmd.Context(), "keys."+use, c.keyRef(ref))
	if err != nil {
		return err
	}
	next := keyShown{Use: use, Reference: r.to}
	if r.to == "" {
		if r.algorithm == "" {
			r.algorithm = string(old.Algorithm())
		}
		next.Reference = "file:" + successor(parsed.File)
		lock, err := a.newLock(r.recipient)
		if err != nil {
			return err
		}
		signer, err := makeSigner(c.resolve(successor(parsed.File)), r.algorithm, lock)
		if err != nil {
			return err
		}
		next.is(signer.PublicKey())
	} else {
		public, err := a.publicKey(cmd.Context(), "--to", c.keyRef(r.to))
		if err != nil {
			return err
		}
		next.is(public)
	}
	if next.Key == old.String() {
		return refused("the successor is the same key, %s", old)
	}
	public, err := attest.ParsePublicKey(next.Key)
	if err != nil {
		return refused("%v", err)
	}
	line := fmt.Sprintf("%s = %q", use, next.Reference)
	policy := fmt.Sprintf("[exchange]\nkeys = [%q, %q]\n\n", old, public) + limit(old, "until", until) + "\n" + limit(public, "from", from)
	return a.say(cmd, map[string]any{"successor": next, "config": line, "policy": policy},
		"%s\n\nin %s, from %s on:\n\n[keys]\n%s\n\nin trust policies, before that; the old key goes out of keys with its last statement:\n\n%s",
		next, a.configPath, from, line, strings.TrimSuffix(policy, "\n"))
}

// rotateSnapshot makes a new snapshot key. No policy names one.
func (a *app) rotateSnapshot(cmd *cobra.Command, c *Config, r rotation) error {
	if r.algorithm != "" || r.to != "" || r.from != "" || r.until != "" {
		return usage("the snapshot key signs nothing: rotate it with --recipient alone, or with nothing")
	}
	path, err := keys.FilePath(c.Keys.Snapshot)
	if err != nil {
		return unreadable("keys.snapshot: %v", err)
	}
	lock, err := a.newLock(r.recipient)
	if err != nil {
		return err
	}
	id, err := keys.GenerateIdentity()
	if err != nil {
		return refused("%v", err)
	}
	if err := id.Save(c.resolve(successor(path)), lock); err != nil {
		return refused("%v", err)
	}
	next := keyShown{Use: useSnapshot, Reference: "file:" + successor(path), Algorithm: "x25519", Key: id.Recipient().String()}
	line := fmt.Sprintf("%s = %q", useSnapshot, next.Reference)
	return a.say(cmd, map[string]any{"successor": next, "config": line},
		"%s\n\nin %s, for the next run directory:\n\n[keys]\n%s\n\nkeep the old key: it opens the runs and seeds that are sealed to it", next, a.configPath, line)
}

var numbered = regexp.MustCompile(`^(.*)-([1-9][0-9]{0,3})$`)

// successor is where the next key lies: keys/statement-2.age after keys/statement.age.
func successor(path string) string {
	ext := filepath.Ext(path)
	stem, n := strings.TrimSuffix(path, ext), 1
	if m := numbered.FindStringSubmatch(stem); m != nil {
		stem = m[1]
		n, _ = strconv.Atoi(m[2]) // four digits at most
	}
	return stem + "-" + strconv.Itoa(n+1) + ext
}

// elsewhere says how a key that is not ours to make gets its successor.
func elsewhere(ref keys.Ref) string {
	if t := ref.Transit; t != nil {
		return fmt.Sprintf("the server makes the successor: bao write -f %s/keys/%s/rotate; pin the new version in the reference with ?version=", t.Mount, t.Name)
	}
	return fmt.Sprintf("the token makes the successor: pkcs11-tool --module %s --login --keypairgen --key-type EC:edwards25519 (or EC:prime256v1) --label statement-2 --id 02; "+
		"name it in a reference with object= and id=", ref.Token.Module)
}
