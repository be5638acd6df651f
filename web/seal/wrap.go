package seal

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/assay-por/assay/web/store"
)

// WrappedError is returned for a keyset that the KEK does not unwrap.
type WrappedError struct {
	Purpose string
	KEK     string // reference of the one that wrapped it, as it was then
	Err     error  // the KEK's own word
}

// Error says which KEK it takes.
func (e *WrappedError) Error() string {
	return fmt.Sprintf("the keyset %s was wrapped by %s: %v", e.Purpose, e.KEK, e.Err)
}

// Unwrap returns the KEK's own word.
func (e *WrappedError) Unwrap() error { return e.Err }

// frank is a KEK that keeps its own word, of which Tink repeats the text alone.
type frank struct {
	KEK
	err error
}

func (f *frank) Encrypt(key, associated []byte) (wrapped []byte, err error) {
	wrapped, err = f.KEK.Encrypt(key, associated)
	f.err = err
	return wrapped, err
}

func (f *frank) Decrypt(wrapped, associated []byte) (key []byte, err error) {
	key, err = f.KEK.Decrypt(wrapped, associated)
	f.err = err
	return key, err
}

func wrap(kek KEK, purpose string, handle *keyset.Handle) ([]byte, error) {
	var out bytes.Buffer
	f := &frank{KEK: kek}
	err := handle.WriteWithAssociatedData(keyset.NewJSONWriter(&out), f, place("wrapped", purpose))
	if f.err != nil {
		err = f.err
	}
	if err != nil {
		return nil, fmt.Errorf("the keyset %s could not be wrapped: %w", purpose, err)
	}
	return out.Bytes(), nil
}

func unwrap(kek KEK, row store.Keyset) (*keyset.Handle, error) {
	f := &frank{KEK: kek}
	handle, err := keyset.ReadWithAssociatedData(keyset.NewJSONReader(bytes.NewReader(row.Wrapped)), f, place("wrapped", row.Purpose))
	if f.err != nil {
		err = f.err
	}
	if err != nil {
		return nil, &WrappedError{row.Purpose, row.KEK, err}
	}
	return handle, nil
}

func (k *Keys) read(row store.Keyset) (opened, error) {
	handle, err := unwrap(k.kek, row)
	if err != nil {
		return opened{}, err
	}
	primitive, err := aead.New(handle)
	return opened{row.Wrapped, handle, primitive}, err
}

// Rotate gives a purpose a new key, which seals from now on. The ones before it open what they sealed.
func (k *Keys) Rotate(ctx context.Context, tx *store.Tx, purpose string, now time.Time) error {
	row, err := only(ctx, tx, purpose)
	if err != nil {
		return err
	}
	handle, err := unwrap(k.kek, row)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	if err := manager.SetPrimary(id); err != nil {
		return err
	}
	if handle, err = manager.Handle(); err != nil {
		return err
	}
	row.Rotated = now
	return put(ctx, tx, k.kek, row, handle)
}

func only(ctx context.Context, tx *store.Tx, purpose string) (store.Keyset, error) {
	rows, err := tx.Keysets(ctx)
	if err != nil {
		return store.Keyset{}, err
	}
	i := slices.IndexFunc(rows, func(row store.Keyset) bool { return row.Purpose == purpose })
	if i < 0 {
		return store.Keyset{}, fmt.Errorf("there is no keyset %s", purpose)
	}
	return rows[i], nil
}

// Rewrap has another KEK wrap all keysets, whose reference is name; then the one before unwraps none of them. It is one change:
// all of them are, or none.
func Rewrap(ctx context.Context, tx *store.Tx, from, to KEK, name string) (int, error) {
	rows, err := tx.Keysets(ctx)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		handle, err := unwrap(from, row)
		if err != nil {
			return 0, err
		}
		if row.Wrapped, err = wrap(to, row.Purpose, handle); err != nil {
			return 0, err
		}
		row.KEK = name
		if err := tx.PutKeyset(ctx, row); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// Wraps reports whether a KEK unwraps every keyset that there is.
func Wraps(kek KEK, rows []store.Keyset) bool {
	for _, row := range rows {
		if _, err := unwrap(kek, row); err != nil {
			return false
		}
	}
	return len(rows) > 0
}

// Key is a key of a keyset, as much of it as is no secret.
type Key struct {
	ID     uint32
	Newest bool // it seals
}

// Inventory tells the keys of a keyset, which stays wrapped, oldest first.
func Inventory(row store.Keyset) ([]Key, error) {
	wrapped, err := keyset.NewJSONReader(bytes.NewReader(row.Wrapped)).ReadEncrypted()
	if err != nil {
		return nil, fmt.Errorf("the keyset %s: %w", row.Purpose, err)
	}
	info := wrapped.GetKeysetInfo()
	var all []Key
	for _, k := range info.GetKeyInfo() {
		all = append(all, Key{k.GetKeyId(), k.GetKeyId() == info.GetPrimaryKeyId()})
	}
	return all, nil
}
