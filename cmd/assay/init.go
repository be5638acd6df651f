package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
)

//go:embed policy.toml
var policyTemplate string

func newInit(a *app) *cobra.Command {
	var recipient, name string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write assay.toml, new sealed keys, and a trust policy to hand out",
		Long: `Write assay.toml with a comment for each key, two new sealed keys beside it (one signs statements, one seals the snapshots' secrets),
and policy.toml, a trust policy with your public key for verifiers to complete. Nothing that exists is written over.

The keys are sealed with a passphrase (asked for, or ASSAY_PASSPHRASE, or --passphrase-file), or with --recipient to an age recipient.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lock, err := a.newLock(recipient)
			if err != nil {
				return err
			}
			dir := filepath.Dir(a.configPath)
			if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
				return unreadable("%v", err)
			}
			config, policy := a.configPath, filepath.Join(dir, "policy.toml")
			for _, path := range []string{policy, filepath.Join(dir, "keys", "statement.age"), filepath.Join(dir, "keys", "snapshot.age")} {
				if _, err := os.Lstat(path); err == nil {
					return hinted(refused("%s exists already and is not written over", path), "choose another folder with --config DIR/assay.toml")
				}
			}
			if err := writeNew(config, strings.Replace(configTemplate, `name = "Demo Exchange" `, fmt.Sprintf("name = %q ", name), 1)); err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
			key, err := a.newKeys(cmd.Context(), dir, lock)
			if err != nil {
				return err
			}
			text := strings.NewReplacer("{{name}}", name, "{{key}}", key.String()).Replace(policyTemplate)
			if err := writeNew(policy, text); err != nil {
				return err
			}
			return a.say(cmd, map[string]string{"config": config, "policy": policy, "key": key.String(), "keyid": key.KeyID()},
				"wrote %s, %s and keys/\npublic key: %s\nkey id:     %s\nnext: edit %s, then assay doctor", config, policy, key, key.KeyID(), config)
		},
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "seal the keys to this age recipient (age1…) instead of a passphrase")
	cmd.Flags().StringVar(&name, "name", "Demo Exchange", "name of the exchange")
	return cmd
}

// newLock says how new keys are sealed.
func (a *app) newLock(recipient string) (keys.Lock, error) {
	if recipient != "" {
		r, err := age.ParseX25519Recipient(recipient)
		if err != nil {
			return keys.Lock{}, usage("--recipient: %q is not an age recipient", recipient)
		}
		return keys.Lock{Recipients: []age.Recipient{r}}, nil
	}
	p, err := a.askPassphrase()
	return keys.Lock{Passphrase: p}, err
}

// newKeys makes both keys and returns the one that signs. Where the configuration names one in a token or a server, that one
// is asked for and none is made.
func (a *app) newKeys(ctx context.Context, dir string, lock keys.Lock) (attest.PublicKey, error) {
	c, err := a.load()
	if err != nil {
		return attest.PublicKey{}, err
	}
	snapshot, err := keys.GenerateIdentity()
	if err != nil {
		return attest.PublicKey{}, err
	}
	var public attest.PublicKey
	if _, err := keys.FilePath(c.Keys.Statement); err != nil {
		if public, err = a.publicKey(ctx, "keys.statement", c.keyRef(c.Keys.Statement)); err != nil {
			return attest.PublicKey{}, err
		}
	} else {
		signer, err := makeSigner(filepath.Join(dir, "keys", "statement.age"), string(attest.Ed25519), lock)
		if err != nil {
			return attest.PublicKey{}, err
		}
		public = signer.PublicKey()
	}
	return public, snapshot.Save(filepath.Join(dir, "keys", "snapshot.age"), lock)
}

// writeNew writes a file that is not there yet; an existing one is an error that wraps os.ErrExist.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
