package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"filippo.io/age"
)

// seal seals what a build keeps in its store for itself alone.
func seal(to age.Recipient, v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err == nil {
		_, err = w.Write(raw)
	}
	if err == nil {
		err = w.Close()
	}
	return sealed.Bytes(), err
}

// unseal opens what seal sealed. No error holds any of it.
func unseal(identity age.Identity, sealed []byte, v any) error {
	r, err := age.Decrypt(bytes.NewReader(sealed), identity)
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if json.Unmarshal(raw, v) != nil {
		return errors.New("what is sealed is of another version")
	}
	return nil
}
