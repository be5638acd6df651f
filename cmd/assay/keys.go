package main

import (
	"context"
	"crypto/rand"
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
)

func newKeyring(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List, make, rotate and revoke the keys that sign",
		Long: `Keys lie in sealed files, in PKCS#11 tokens or in a Vault or OpenBao server, and are named by references:

  file:keys/statement.age
  pkcs11:token=assay;object=statement?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:pin.txt
  transit:https://vault.example:8200/transit/statement?version=2&token-source=file:token.txt`,
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("keys needs a verb: list, new, show, rotate or revoke")
		},
	}
	cmd.AddCommand(newKeysList(a), newKeysNew(a), newKeysShow(a), newKeysRotate(a), newKeysRevoke(a))
	return cmd
}

// keyShown is the public side of a key. Fault says why it could not be shown.
type keyShown struct {
	Use       string `json:"use,omitempty"`
	Reference string `json:"reference,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	Key       string `json:"key,omitempty"`
	KeyID     string `json:"keyid,omitempty"` // not of the snapshot key, which signs nothing
	Fault     string `json:"fault,omitempty"`
}

func (k *keyShown) is(public attest.PublicKey) {
	k.Algorithm, k.Key, k.KeyID = string(public.Algorithm()), public.String(), public.KeyID()
}

func (k keyShown) String() string {
	var b strings.Builder
	for _, line := range [][2]string{{"use", k.Use}, {"reference", k.Reference}, {"algorithm", k.Algorithm}, {"public key", k.Key}, {"key id", k.KeyID}, {"fault", k.Fault}} {
		if line[1] != "" {
			fmt.Fprintf(&b, "%-11s %s\n", line[0]+":", line[1])
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// signing are the references of the configuration that name a key to sign with, by their use.
func (c *Config) signing() map[string]string {
	return map[string]string{useStatement: c.Keys.Statement}
}

const (
	useStatement = "statement"
	useSnapshot  = "snapshot"
)

// show tells the public side of what an argument names: a key of the configuration by its use, or any by its reference.
func (a *app) show(ctx context.Context, arg string) (keyShown, error) {
	shown, ref := keyShown{Use: arg}, arg
	if strings.Contains(arg, ":") {
		shown = keyShown{Reference: arg}
	} else {
		c, err := a.load()
		if err != nil {
			return shown, err
		}
		if arg == useSnapshot {
			shown.Reference, shown.Algorithm = c.Keys.Snapshot, "x25519"
			recipient, err := keys.Recipient(c.keyRef(c.Keys.Snapshot))
			if err != nil {
				return shown, keyError("keys.snapshot", err)
			}
			shown.Key = recipient.String()
			return shown, nil
		}
		ok := false
		if shown.Reference, ok = c.signing()[arg]; !ok {
			return shown, usage("%q is no key of %s and no reference: name %s, %s, or file:PATH", arg, a.configPath, useStatement, useSnapshot)
		}
		ref = c.keyRef(shown.Reference)
	}
	public, err := a.publicKey(ctx, arg, ref)
	if err == nil {
		shown.is(public)
	}
	return shown, err
}

func newKeysList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List every key that the configuration names",
		Long: `List use, reference, algorithm, public key and key id of every key in assay.toml, custodians' too. Sealed files stay closed: their public half lies beside
them. Tokens and servers are asked. Ends with exit code 1 if one could not be shown.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			var all []keyShown
			faults := 0
			for _, use := range []string{useStatement, useSnapshot} {
				shown, err := a.show(cmd.Context(), use)
				if err != nil {
					shown.Fault = err.Error()
					faults++
				}
				all = append(all, shown)
			}
			for _, custodian := range c.Custodians {
				shown := keyShown{Use: "custodian " + custodian.Name}
				public, err := attest.ParsePublicKey(custodian.Key)
				if err != nil { // such a configuration does not load
					return unreadable("custodian %s: %v", custodian.Name, err)
				}
				shown.is(public)
				all = append(all, shown)
			}
			var lines []string
			for _, shown := range all {
				lines = append(lines, shown.String())
			}
			if err := a.say(cmd, all, "%s", strings.Join(lines, "\n\n")); err != nil {
				return err
			}
			if faults > 0 {
				return refused("%d of %d keys could not be shown", faults, len(all))
			}
			return nil
		},
	}
}

func newKeysNew(a *app) *cobra.Command {
	var algorithm, recipient string
	cmd := &cobra.Command{
		Use:   "new PATH",
		Short: "Make a key to sign with, in a sealed file",
		Long:  `Make a new key, sealed with a passphrase or to an age recipient, with its public half beside it. Nothing is written over.`,
		Args:  oneArg("keys new takes one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			signer, err := a.newSigner(args[0], algorithm, recipient)
			if err != nil {
				return err
			}
			shown := keyShown{Reference: "file:" + args[0]}
			shown.is(signer.PublicKey())
			return a.say(cmd, shown, "%s", shown)
		},
	}
	cmd.Flags().StringVar(&algorithm, "algorithm", string(attest.Ed25519), "ed25519 or p256")
	cmd.Flags().StringVar(&recipient, "recipient", "", "seal the key to this age recipient (age1…) instead of a passphrase")
	return cmd
}

// newSigner makes a key in a new sealed file.
func (a *app) newSigner(path, algorithm, recipient string) (*keys.Signer, error) {
	kind, err := attest.ParseAlgorithm(algorithm)
	if err != nil {
		return nil, usage("--algorithm: %v", err)
	}
	lock, err := a.newLock(recipient)
	if err != nil {
		return nil, err
	}
	signer, err := keys.GenerateSigner(rand.Reader, kind)
	if err != nil {
		return nil, refused("%v", err)
	}
	if err := signer.Save(path, lock); err != nil {
		return nil, refused("%v", err)
	}
	return signer, nil
}

func newKeysShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show REF",
		Short: "Show the public half of one key",
		Long:  `Show algorithm, public key and key id of a key, named by its reference, or of one in assay.toml: statement or snapshot.`,
		Args:  oneArg("keys show takes one reference, or the name of a key in assay.toml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			shown, err := a.show(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.say(cmd, shown, "%s", shown)
		},
	}
}

func newKeysRevoke(a *app) *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "revoke KEY --at TIME",
		Short: "Print what verifiers put into their policies once a key may be in other hands",
		Long: `Print the lines with which a trust policy revokes a key, given as a public key, by its reference, or by its name in assay.toml. From that time on its
signatures count only with evidence that they are older. Nothing is changed: publish the lines where your verifiers look.`,
		Args: oneArg("keys revoke takes one key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			when, err := report.ParseTime(at)
			if err != nil {
				return usage("--at: %v", err)
			}
			public, err := attest.ParsePublicKey(args[0])
			if err != nil {
				shown, err := a.show(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if public, err = attest.ParsePublicKey(shown.Key); err != nil {
					return usage("%s: it signs nothing, so nobody believes it", args[0])
				}
			}
			lines := limit(public, "revoked", when)
			return a.say(cmd, map[string]string{"key": public.String(), "keyid": public.KeyID(), "revoked": when.String(), "policy": lines},
				"# key id %s\n%s", public.KeyID(), strings.TrimSuffix(lines, "\n"))
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "since when the key may be in other hands, such as 2026-11-05T00:00:00Z")
	return cmd
}

// limit is a [[key]] of a trust policy (SPEC part 23).
func limit(key attest.PublicKey, what string, when report.Time) string {
	return fmt.Sprintf("[[key]]\nkey = %q\n%s = %q\n", key, what, when)
}

// overlap is how long an old key signs beside its successor, if nothing is said.
const overlap = 7 * 24 * time.Hour

// rotation is what keys rotate is asked for.
type rotation struct{ algorithm, recipient, to, from, until string }

func newKeysRotate(a *app) *cobra.Command {
	var r rotation
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Make a key's successor; print the lines to change in assay.toml and in trust policies",
		Long: `Make the successor of a key in assay.toml beside it (keys/statement-2.age), and print the line of assay.toml to change and the lines of trust policies that
let both keys sign for some days. Nothing else is changed. The old key stays: what it signed in its time holds.

A key in a token or a server gets its successor there; name that with --to, and the lines are printed.`,
		Args: oneArg("keys rotate takes the name of a key in assay.toml: statement or snapshot"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if args[0] == useSnapshot {
				return a.rotateSnapshot(cmd, c, r)
			}
			ref, ok := c.signing()[args[0]]
			if !ok {
				return usage("%q is no key of %s: want statement or snapshot", args[0], a.configPath)
			}
			return a.rotate(cmd, c, args[0], ref, r)
		},
	}
	cmd.Flags().StringVar(&r.algorithm, "algorithm", "", "ed25519 or p256 (default: the old key's)")
	cmd.Flags().StringVar(&r.recipient, "recipient", "", "seal the new key to this age recipient (age1…) instead of a passphrase")
	cmd.Flags().StringVar(&r.to, "to", "", "reference of the successor, if it was made already")
	cmd.Flags().StringVar(&r.from, "from", "", "from when the new key signs (default: now)")
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
		signer, err := a.newSigner(c.resolve(successor(parsed.File)), r.algorithm, r.recipient)
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
