package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"golang.org/x/term"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/chains/egress"
)

// signer opens the key that a reference names, wherever it lies, for whoever signs with it. It is opened once, and closed when
// the command ends. name is what errors call it: a key of the configuration, or a flag.
func (a *app) signer(ctx context.Context, name, ref string) (attest.Signer, error) {
	if s, ok := a.signers[ref]; ok {
		return s, nil
	}
	parsed, err := keys.ParseRef(ref)
	if err != nil {
		return nil, usage("%s: %v", name, err)
	}
	s, err := a.open(ctx, parsed)
	switch {
	case err != nil && parsed.File != "":
		return nil, keyError(name, err)
	case err != nil:
		return nil, heldError(name, err)
	}
	if a.signers == nil {
		a.signers = map[string]attest.Signer{}
	}
	a.signers[ref] = s
	return s, nil
}

func (a *app) open(ctx context.Context, ref keys.Ref) (attest.Signer, error) {
	switch {
	case ref.Token != nil:
		s, err := keys.OpenToken(*ref.Token, func() ([]byte, error) { return a.askPIN(*ref.Token) })
		if err != nil {
			return nil, err
		}
		a.opened = append(a.opened, s)
		return s, nil
	case ref.Transit != nil:
		client, token, err := a.toTransit(*ref.Transit)
		if err != nil {
			return nil, err
		}
		return keys.OpenTransit(ctx, *ref.Transit, client, token)
	}
	unlock, err := a.unlock()
	if err != nil {
		return nil, err
	}
	return keys.OpenSigner(ref.String(), unlock)
}

// close ends the sessions with tokens, the last one opened first.
func (a *app) close() error {
	var errs []error
	for i := len(a.opened) - 1; i >= 0; i-- {
		errs = append(errs, a.opened[i].Close())
	}
	a.opened, a.signers = nil, nil
	return errors.Join(errs...)
}

// publicKey is the public half of a key: of a sealed file the one beside it, so that nothing is opened; else it is asked for.
func (a *app) publicKey(ctx context.Context, name, ref string) (attest.PublicKey, error) {
	if _, err := keys.FilePath(ref); err == nil {
		k, err := keys.PublicKey(ref)
		if err == nil {
			return k, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return k, keyError(name, err)
		}
	}
	s, err := a.signer(ctx, name, ref)
	if err != nil {
		return attest.PublicKey{}, err
	}
	return s.PublicKey(), nil
}

// askPIN reads a token's PIN. It never comes from the environment: a passphrase meant for files would count as a wrong PIN, and
// tokens lock themselves after a few.
func (a *app) askPIN(ref keys.TokenRef) (pin []byte, err error) {
	switch {
	case ref.PINSource != "":
		pin, err = secretFile(ref.PINSource, "pin-source")
	case term.IsTerminal(int(os.Stdin.Fd())):
		pin, err = prompted(os.Stdin, os.Stderr, "PIN of the token: ", "the PIN")
	default:
		err = hinted(usage("the token wants a PIN and there is no terminal to ask at"), "write it to a file and name that in the reference: &pin-source=file:PATH")
	}
	a.secrets = append(a.secrets, pin)
	return pin, err
}

// toTransit is the way to a Transit server, and the token that it is asked with.
func (a *app) toTransit(ref keys.TransitRef) (client *http.Client, token string, err error) {
	secret, err := a.transitToken(ref)
	if err != nil {
		return nil, "", err
	}
	endpoint, err := egress.New(ref.Server, egress.Limits{Bytes: 1 << 20})
	if err != nil {
		return nil, "", err
	}
	return endpoint.HTTP, string(secret), nil
}

// transitToken reads what a Transit server is asked with.
func (a *app) transitToken(ref keys.TransitRef) (token []byte, err error) {
	switch bao, vault := os.Getenv("BAO_TOKEN"), os.Getenv("VAULT_TOKEN"); {
	case ref.TokenSource != "":
		token, err = secretFile(ref.TokenSource, "token-source")
	case bao != "":
		token = []byte(bao)
	case vault != "":
		token = []byte(vault)
	default:
		err = hinted(usage("the Transit server wants a token"), "set BAO_TOKEN or VAULT_TOKEN, or name a file in the reference: ?token-source=file:PATH")
	}
	a.secrets = append(a.secrets, token)
	return token, err
}

// secretFile reads a secret that is alone in its file.
func secretFile(path, what string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable("%s: %v", what, err)
	}
	return nonEmpty(bytes.TrimRight(raw, "\r\n"), what+" "+path)
}

// prompted asks at the terminal, without echo.
func prompted(in *os.File, prompt io.Writer, question, what string) ([]byte, error) {
	fmt.Fprint(prompt, question)
	p, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(prompt)
	if err != nil {
		return nil, refused("reading %s: %v", what, err)
	}
	return nonEmpty(p, what)
}

// heldError says which key it was that lies in a token or a server, and what to do.
func heldError(name string, err error) error {
	var f *failure
	switch {
	case errors.As(err, &f):
		return &failure{code: f.code, err: fmt.Errorf("%s: %w", name, err), hint: f.hint}
	case errors.Is(err, keys.ErrPIN):
		return hinted(refused("%s: %v", name, err), "the PIN comes from the file that pin-source names, or from the terminal")
	case errors.Is(err, keys.ErrUnreachable), errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", name, err)
	}
	return unreadable("%s: %v", name, err)
}

// keyRef puts the paths in a key reference of the configuration where they belong.
func (c *Config) keyRef(ref string) string {
	parsed, err := keys.ParseRef(ref)
	if err != nil { // it was refused when the configuration was read
		return ref
	}
	return parsed.Place(c.resolve).String()
}

// checkKeys refuses references that nothing can be opened with.
func (c *Config) checkKeys() error {
	if _, err := keys.FilePath(c.Keys.Snapshot); err != nil {
		return fmt.Errorf("keys.snapshot: %w", err)
	}
	for _, key := range []struct{ name, ref string }{{"keys.statement", c.Keys.Statement}, {"log.key", c.Log.Key}, {"witness.key", c.Witness.Key}} {
		if _, err := keys.ParseRef(key.ref); err != nil {
			return fmt.Errorf("%s: %w", key.name, err)
		}
	}
	return nil
}
