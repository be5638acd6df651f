package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
)

func newKeyring(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List, make, rotate and revoke the keys that sign, and those that seal a server's database",
		Long: `Keys lie in sealed files, in PKCS#11 tokens or in a Vault or OpenBao server, and are named by references:

  file:keys/statement.age
  pkcs11:token=assay;object=statement?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:pin.txt
  transit:https://vault.example:8200/transit/statement?version=2&token-source=file:token.txt`,
		RunE: func(_ *cobra.Command, _ []string) error {
			return usage("keys needs a verb: list, new, show, rotate, revoke, response, rewrap or reencrypt")
		},
	}
	cmd.AddCommand(newKeysList(a), newKeysNew(a), newKeysShow(a), newKeysRotate(a), newKeysRevoke(a), newKeysResponse(a), newKeysRewrap(a), newKeysReencrypt(a))
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
	all := map[string]string{useStatement: c.Keys.Statement}
	if c.Log.Origin != "" {
		all[useLog] = c.Log.Key
	}
	if c.Witness.Name != "" {
		all[useWitness] = c.Witness.Key
	}
	if c.Server.Key != "" {
		all[useResponse] = c.Server.Key
	}
	if c.Server.AuditKey != "" {
		all[useAudit] = c.Server.AuditKey
	}
	return all
}

// sealing are the references of those that things are sealed to.
func (c *Config) sealing() map[string]string {
	all := map[string]string{useSnapshot: c.Keys.Snapshot}
	if c.Server.ProofsKey != "" {
		all[useProofs] = c.Server.ProofsKey
	}
	return all
}

// uses are those of signing, and of the keys that only seal.
func (c *Config) uses() []string {
	signing, sealing := c.signing(), c.sealing()
	return slices.DeleteFunc([]string{useStatement, useSnapshot, useLog, useWitness, useResponse, useAudit, useProofs}, func(use string) bool {
		return signing[use] == "" && sealing[use] == ""
	})
}

const (
	useStatement = "statement"
	useSnapshot  = "snapshot"
	useLog       = "log"
	useWitness   = "witness"
	useResponse  = "response"
	useAudit     = "audit"
	useProofs    = "proofs"
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
		if sealing := c.sealing()[arg]; sealing != "" {
			shown.Reference, shown.Algorithm = sealing, sealingAlgorithm
			recipient, err := keys.Recipient(c.keyRef(sealing))
			if err != nil {
				return shown, keyError(map[string]string{useSnapshot: "keys.snapshot", useProofs: "server.proofs_key"}[arg], err)
			}
			shown.Key = recipient.String()
			return shown, nil
		}
		ok := false
		if shown.Reference, ok = c.signing()[arg]; !ok {
			return shown, usage("%q is no key of %s and no reference: name one of %s, or file:PATH", arg, a.configPath, strings.Join(c.uses(), ", "))
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
them. Tokens and servers are asked. Where there is a server.database its keysets are listed too, with the KEK that wraps them and when each should be rotated; they stay wrapped.
Ends with exit code 1 if a key could not be shown.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			var all []fmt.Stringer
			faults := 0
			for _, use := range c.uses() {
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
			sealed, err := a.keysets(cmd.Context(), c)
			if err != nil {
				return err
			}
			for _, shown := range sealed {
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
		Short: "Make a key to sign with, to seal to, or to wrap others with, in a sealed file",
		Long: `Make a new key, sealed with a passphrase or to an age recipient, with its public half beside it. Nothing is written over. One of x25519 signs nothing: things are sealed to
its public half, such as what a server needs for customers' proofs (server.proofs_key). One of aes256 wraps the keys that a server's database is sealed with (server.kek), and has
no public half.`,
		Args: oneArg("keys new takes one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			lock, err := a.newLock(recipient)
			if err != nil {
				return err
			}
			switch algorithm {
			case sealingAlgorithm:
				return a.newSealing(cmd, args[0], lock)
			case kekAlgorithm:
				return a.newKEK(cmd, args[0], lock)
			}
			signer, err := makeSigner(args[0], algorithm, lock)
			if err != nil {
				return err
			}
			shown := keyShown{Reference: "file:" + args[0]}
			shown.is(signer.PublicKey())
			return a.say(cmd, shown, "%s", shown)
		},
	}
	cmd.Flags().StringVar(&algorithm, "algorithm", string(attest.Ed25519), "ed25519, p256, x25519 or aes256")
	cmd.Flags().StringVar(&recipient, "recipient", "", "seal the key to this age recipient (age1…) instead of a passphrase")
	return cmd
}

// sealingAlgorithm is that of keys that things are sealed to.
const sealingAlgorithm = "x25519"

// newSealing makes one in a new sealed file.
func (a *app) newSealing(cmd *cobra.Command, path string, lock keys.Lock) error {
	identity, err := keys.GenerateIdentity()
	if err != nil {
		return refused("%v", err)
	}
	if err := identity.Save(path, lock); err != nil {
		return refused("%v", err)
	}
	shown := keyShown{Reference: "file:" + path, Algorithm: sealingAlgorithm, Key: identity.Recipient().String()}
	return a.say(cmd, shown, "%s", shown)
}

// makeSigner makes a key in a new sealed file.
func makeSigner(path, algorithm string, lock keys.Lock) (*keys.Signer, error) {
	kind, err := attest.ParseAlgorithm(algorithm)
	if err != nil {
		return nil, usage("--algorithm: %v", err)
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
		Long:  `Show algorithm, public key and key id of a key, named by its reference, or of one in assay.toml: statement, snapshot, log, witness, response or audit.`,
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
