package main

import (
	"context"
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
)

// kek opens the key that a reference names, wherever it lies, for what wraps keysets with it. name is what errors call it.
func (a *app) kek(ctx context.Context, name, ref string) (keys.KEK, error) {
	parsed, err := keys.ParseRef(ref)
	if err != nil {
		return nil, usage("%s: %v", name, err)
	}
	k, err := a.openKEK(ctx, parsed)
	switch {
	case err == nil:
		return k, nil
	case parsed.File == "":
		return nil, heldError(name, err)
	}
	if err = keyError(name, err); exitCode(err) != exitUnreadable {
		return nil, err
	}
	return nil, hinted(err, "put it back, or, for a new database, make one: assay keys new %s --algorithm %s; without it nothing in the database opens, so keep a copy of it apart", parsed.File, kekAlgorithm)
}

func (a *app) openKEK(ctx context.Context, ref keys.Ref) (keys.KEK, error) {
	switch {
	case ref.Token != nil:
		k, err := keys.OpenTokenKEK(*ref.Token, func() ([]byte, error) { return a.askPIN(*ref.Token) })
		if err != nil {
			return nil, err
		}
		a.opened = append(a.opened, k)
		return k, nil
	case ref.Transit != nil:
		client, token, err := a.toTransit(*ref.Transit)
		if err != nil {
			return nil, err
		}
		return keys.OpenTransitKEK(ctx, *ref.Transit, client, token)
	}
	unlock, err := a.unlock()
	if err != nil {
		return nil, err
	}
	return keys.OpenKEK(ref.String(), unlock)
}

// kekAlgorithm is that of keys that wrap others.
const kekAlgorithm = "aes256"

// newKEK makes one in a new sealed file.
func (a *app) newKEK(cmd *cobra.Command, path string, lock keys.Lock) error {
	kek, err := keys.GenerateKEK(rand.Reader)
	if err != nil {
		return refused("%v", err)
	}
	if err := kek.Save(path, lock); err != nil {
		return refused("%v", err)
	}
	shown := keyShown{Reference: "file:" + path, Algorithm: kekAlgorithm}
	return a.say(cmd, shown, "%s", shown)
}
