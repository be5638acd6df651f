package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

var (
	// ErrPassphrase is returned when the passphrase does not open the file.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrNoIdentity is returned when a file is sealed to recipients and none of the identities given is one of them.
	ErrNoIdentity = errors.New("sealed to recipients, and no identity given opens it")
	// ErrNotSealed is returned for a file that is not a sealed file at all.
	ErrNotSealed = errors.New("not a sealed key file")
	// ErrAltered is returned for a sealed file whose bytes were changed or cut off.
	ErrAltered = errors.New("altered or cut off")
	// ErrExists is returned instead of writing over a file.
	ErrExists = errors.New("a file is there already and is never written over: move it away or choose another name")

	errNoPassphrase = errors.New("sealed to a passphrase, and none was given")
)

// KindError is returned when a sealed file holds another kind of secret.
type KindError struct{ Got, Want string }

// Error says which kind was found and which was wanted.
func (e *KindError) Error() string { return fmt.Sprintf("it holds a %s, want a %s", e.Got, e.Want) }

// The kinds of sealed file, as the first line inside spells them.
const (
	kindSigner   = "signing key"
	kindIdentity = "snapshot key"
	kindSecret   = "snapshot secret"
	kindDrawSeed = "draw seed"
	kindHandover = "handover"
	kindKEK      = "key-encryption key"
)

const (
	firstLine = "# assay/v1 "
	maxSealed = 64 << 10 // a sealed file is a few hundred bytes; recipients add to it
)

// seal returns a sealed file of that kind with one line of content.
func seal(kind, line string, lock Lock) ([]byte, error) {
	recipients, err := lock.recipients()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	arm := armor.NewWriter(&out)
	w, err := age.Encrypt(arm, recipients...)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if _, err := io.WriteString(w, firstLine+kind+"\n"+line+"\n"); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	if err := arm.Close(); err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return out.Bytes(), nil
}

// openFile opens the sealed file at path and returns its line of content.
func openFile(path, kind string, unlock Unlock) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, maxSealed+1))
	if err != nil {
		return "", err
	}
	line, err := open(file, kind, unlock)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return line, nil
}

func open(file []byte, kind string, unlock Unlock) (string, error) {
	if len(file) > maxSealed || !bytes.HasPrefix(bytes.TrimLeft(file, " \t\r\n"), []byte(armor.Header)) {
		return "", ErrNotSealed
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(file)), unlock.identities()...)
	if err != nil {
		return "", openFault(err)
	}
	content, err := io.ReadAll(io.LimitReader(r, maxSealed))
	if err != nil {
		return "", ErrAltered
	}
	head, line, ok := strings.Cut(string(content), "\n")
	got, marked := strings.CutPrefix(head, firstLine)
	line, ended := strings.CutSuffix(line, "\n")
	if !ok || !marked || !ended {
		return "", ErrNotSealed
	}
	if got != kind {
		return "", &KindError{Got: got, Want: kind}
	}
	return line, nil
}

// openFault turns age's error into one of ours; none carries bytes of the file.
func openFault(err error) error {
	var ask *askError
	var none *age.NoIdentityMatchError
	switch {
	case errors.Is(err, ErrPassphrase):
		return ErrPassphrase
	case errors.Is(err, errNoPassphrase):
		return errNoPassphrase
	case errors.As(err, &ask):
		return ask
	case errors.As(err, &none):
		return ErrNoIdentity
	}
	return ErrAltered
}
