// Package seal keeps the keys that the columns of a server's database are sealed with.
//
// There is a keyset for each purpose, of AES-256-GCM (Tink): its newest key seals, all of them open. The
// keysets lie in the database itself, each wrapped by the KEK, which lies elsewhere: in a sealed file, a token or a Transit server.
// Beside each lies a canary, which the newest key sealed. So a copy of the database tells nothing, and one
// key in one place opens it.
//
//	keysets.wrapped = KEK(keyset)                     associated: keysets|wrapped|PURPOSE|PURPOSE
//	keys.record     = newest key of PURPOSE(content)  associated: keys|record|ID|PURPOSE
//
// What is sealed for one place opens there alone: a value that was altered, or moved to another row, column or
// table, is an error and never a part of what it was.
package seal

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/assay-por/assay/web/store"
)

// KEK wraps keysets, and unwraps them only with the same associated text.
type KEK interface {
	Encrypt(key, associated []byte) ([]byte, error)
	Decrypt(wrapped, associated []byte) ([]byte, error)
}

// Life is how long a key seals before another should (assay keys list says so).
const Life = 90 * 24 * time.Hour

// Keys are the open keysets of a database: what its columns are sealed with. They may be used by many at once. A keyset that
// another process gave a new key meanwhile is read again when something does not open.
type Keys struct {
	records *store.Store
	kek     KEK

	mu   sync.RWMutex
	open map[string]opened // by purpose
}

// opened is a keyset, open.
type opened struct {
	wrapped []byte // its row
	handle  *keyset.Handle
	aead    tink.AEAD
}

// Open opens the keysets of a database, makes those that are not there, proves by canaries that they seal and open, and has
// the store seal with them from then on. name is the KEK's reference. That keysets were wrapped by another KEK is a [WrappedError].
func Open(ctx context.Context, records *store.Store, kek KEK, name string, now time.Time) (*Keys, error) {
	k := &Keys{records: records, kek: kek, open: map[string]opened{}}
	rows, err := records.Keysets(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) < len(store.Purposes()) {
		if err := records.Write(ctx, func(tx *store.Tx) error { return k.complete(ctx, tx, name, now) }); err != nil {
			return nil, err
		}
		if err := records.Checkpoint(ctx); err != nil { // what was in clear before
			return nil, err
		}
		if rows, err = records.Keysets(ctx); err != nil {
			return nil, err
		}
	}
	for _, row := range rows {
		o, err := k.read(row)
		if err != nil {
			return nil, err
		}
		k.open[row.Purpose] = o
		if err := k.try(row); err != nil {
			return nil, err
		}
	}
	return k, records.Unseal(ctx, k)
}

// complete makes the keysets that are not there. If some are, the KEK must be theirs. If none is, what an earlier version kept in clear is sealed.
func (k *Keys) complete(ctx context.Context, tx *store.Tx, name string, now time.Time) error {
	rows, err := tx.Keysets(ctx)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, row := range rows {
		if _, err := k.read(row); err != nil {
			return err
		}
		there[row.Purpose] = true
	}
	for _, purpose := range store.Purposes() {
		if there[purpose] {
			continue
		}
		handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			return err
		}
		row := store.Keyset{Purpose: purpose, KEK: name, Created: now, Rotated: now}
		if err := put(ctx, tx, k.kek, row, handle); err != nil {
			return err
		}
		primitive, err := aead.New(handle)
		if err != nil {
			return err
		}
		k.open[purpose] = opened{handle: handle, aead: primitive} // until its row is read
	}
	if len(rows) > 0 {
		return nil
	}
	return tx.SealOlder(ctx, k)
}

// put wraps a keyset, has its newest key seal a canary, and writes its row.
func put(ctx context.Context, tx *store.Tx, kek KEK, row store.Keyset, handle *keyset.Handle) error {
	primitive, err := aead.New(handle)
	if err != nil {
		return err
	}
	if row.Wrapped, err = wrap(kek, row.Purpose, handle); err != nil {
		return err
	}
	if row.Canary, err = primitive.Encrypt([]byte(canary), place("canary", row.Purpose)); err != nil {
		return err
	}
	return tx.PutKeyset(ctx, row)
}

const canary = "assay/v1/canary"

// place is the associated data of what stands in a keyset's row.
func place(column, purpose string) []byte {
	return []byte("keysets|" + column + "|" + purpose + "|" + purpose)
}

// try opens the canary, and one that is sealed now.
func (k *Keys) try(row store.Keyset) error {
	at := string(place("canary", row.Purpose))
	fresh, err := k.Seal(row.Purpose, at, []byte(canary))
	if err != nil {
		return err
	}
	for _, sealed := range [][]byte{row.Canary, fresh} {
		got, err := k.Open(row.Purpose, at, sealed)
		if err != nil || string(got) != canary {
			return fmt.Errorf("the keyset %s does not open its canary: its row was altered; restore the database (assay restore)", row.Purpose)
		}
	}
	return nil
}

// Seal seals with the newest key of a purpose. What place says is needed to open it.
func (k *Keys) Seal(purpose, place string, plain []byte) ([]byte, error) {
	o, err := k.of(purpose)
	if err != nil {
		return nil, err
	}
	return o.aead.Encrypt(plain, []byte(place))
}

var errNotOpen = errors.New("it was altered or moved, or sealed with a key that is not in its keyset")

// Open opens what was sealed at a place.
func (k *Keys) Open(purpose, place string, sealed []byte) ([]byte, error) {
	o, err := k.of(purpose)
	if err != nil {
		return nil, err
	}
	plain, err := o.aead.Decrypt(sealed, []byte(place))
	if err == nil {
		return plain, nil
	}
	if o, err = k.again(purpose, o); err != nil {
		return nil, fmt.Errorf("%w; the keyset is another one by now, and: %w", errNotOpen, err)
	}
	if plain, err = o.aead.Decrypt(sealed, []byte(place)); err != nil {
		return nil, errNotOpen
	}
	return plain, nil
}

// Newest reports whether the newest key of a purpose sealed it.
func (k *Keys) Newest(purpose string, sealed []byte) bool {
	o, err := k.of(purpose)
	if err != nil {
		return false
	}
	newest, err := o.handle.Primary()
	return err == nil && len(sealed) > prefix && sealed[0] == 1 && binary.BigEndian.Uint32(sealed[1:]) == newest.KeyID()
}

// prefix is how much Tink writes before what it sealed: a one, and the key's id.
const prefix = 5

func (k *Keys) of(purpose string) (opened, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	o, ok := k.open[purpose]
	if !ok {
		return o, fmt.Errorf("there is no keyset %s", purpose)
	}
	return o, nil
}

// again returns the keyset as its row has it by now.
func (k *Keys) again(purpose string, old opened) (opened, error) {
	rows, err := k.records.Keysets(context.Background()) // whoever waits for it has no context to give
	if err != nil {
		return old, err
	}
	for _, row := range rows {
		if row.Purpose != purpose || bytes.Equal(row.Wrapped, old.wrapped) {
			continue
		}
		o, err := k.read(row)
		if err != nil {
			return old, err
		}
		k.mu.Lock()
		k.open[purpose] = o
		k.mu.Unlock()
		return o, nil
	}
	return old, nil
}
