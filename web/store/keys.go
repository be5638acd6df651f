package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrUnknown says that there is no key, or no client, of that id.
var ErrUnknown = errors.New("there is nothing of that id")

// Key is the record of an API key. Times are of whole seconds, in UTC.
type Key struct {
	ID, Name    string
	Client      string // id of whose it is
	Permissions []string
	Reports     []string // digests of the statements that it is for; empty: of all
	Networks    []string // prefixes of the addresses that it is used from; empty: any
	Created     time.Time
	Used        time.Time // about when it was last used; zero: never
	Revoked     time.Time // zero: it is not

	Credentials []Credential // oldest first; all there ever were
}

// Credential is what shows that whoever asks has the key: one of MAC, Public and Certificate.
type Credential struct {
	MAC         []byte // of a secret
	Public      []byte // a public key of Ed25519
	Certificate []byte // SHA-256 of a certificate that the client shows (x5t#S256 of RFC 8705)
	Created     time.Time
	Until       time.Time
}

// CreateKey adds a key with its first credential.
func (t *Tx) CreateKey(ctx context.Context, k Key) error {
	record, err := t.seals.sealRecord(k)
	if err != nil {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, "INSERT INTO keys (id, client, record, created) VALUES (?, ?, ?, ?)", k.ID, k.Client, record, k.Created.Unix()); err != nil {
		return err
	}
	return t.put(ctx, k)
}

// ChangeKey lets change alter the credentials of a key, of which none is ever deleted.
func (t *Tx) ChangeKey(ctx context.Context, id string, change func(*Key) error) error {
	k, err := t.one(ctx, id)
	if err != nil {
		return err
	}
	if err := change(&k); err != nil {
		return err
	}
	return errors.Join(t.put(ctx, k), t.bind(ctx, k))
}

// bind seals a key's record anew, as it vouches for what lies beside it.
func (t *Tx) bind(ctx context.Context, k Key) error {
	record, err := t.seals.sealRecord(k)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, "UPDATE keys SET record = ? WHERE id = ?", record, k.ID)
	return err
}

// RevokeKey ends a key for good, which is told. One that is revoked already stays as it is.
func (t *Tx) RevokeKey(ctx context.Context, id string, at time.Time) error {
	k, err := t.one(ctx, id)
	if err != nil || !k.Revoked.IsZero() {
		return err
	}
	if _, err := t.tx.ExecContext(ctx, "UPDATE keys SET revoked = ? WHERE id = ?", at.Unix(), id); err != nil {
		return err
	}
	k.Revoked = at
	return errors.Join(t.bind(ctx, k), t.AddHookEvent(ctx, at, KeyRevoked, id))
}

// KeyUsed notes when a key was used.
func (t *Tx) KeyUsed(ctx context.Context, id string, at time.Time) error {
	_, err := t.tx.ExecContext(ctx, "UPDATE keys SET used = ? WHERE id = ? AND (used IS NULL OR used < ?)", at.Unix(), id, at.Unix())
	return err
}

// Key is the record of a key as it is now, or [ErrUnknown].
func (s *Store) Key(ctx context.Context, id string) (Key, error) {
	k, err := only(id)(s.seals.collect(s.key.QueryContext(ctx, id)))
	if errors.Is(err, ErrUnknown) {
		err = errors.Join(err, s.openDecoy())
	}
	return k, err
}

// KeyAndClient are the records of a key and of whose it is, as they are now, in one look, or [ErrUnknown]. They are shared with all who look
// for the same key at this moment, and are not to be changed.
func (s *Store) KeyAndClient(ctx context.Context, id string) (Key, Client, error) {
	if !isText(id) {
		return Key{}, Client{}, errors.Join(fmt.Errorf("%w: %q", ErrUnknown, id), s.openDecoy(), s.openDecoy())
	}
	both, err := s.looks.look(ctx, id)
	if err != nil {
		return Key{}, Client{}, err
	}
	return both.key, both.client, both.err
}

// keyAndClient are a key and its client, or why not.
type keyAndClient struct {
	key    Key
	client Client
	err    error
}

// keysAndClients are those of some ids. One that was altered is a fault of that one. It takes as much to find that there is none.
func (s *Store) keysAndClients(ctx context.Context, ids []string) (map[string]keyAndClient, error) {
	var rows *sql.Rows
	var err error
	if len(ids) == 1 { // whose plan PostgreSQL makes once: of several it makes one each time
		rows, err = s.both.QueryContext(ctx, ids[0])
	} else {
		var list any
		if list, err = s.read.texts(ids); err != nil {
			return nil, err
		}
		rows, err = s.several.QueryContext(ctx, list)
	}
	found, err := readKeys(rows, err, true)
	if err != nil {
		return nil, err
	}
	all := make(map[string]keyAndClient, len(ids))
	for i := range found {
		one := keyAndClient{key: found[i].Key}
		if one.err = s.seals.openRecord(&one.key, found[i].record); one.err == nil {
			one.client, one.err = s.seals.openClient(found[i].client)
		}
		all[one.key.ID] = one
	}
	for _, id := range ids {
		if _, there := all[id]; !there {
			all[id] = keyAndClient{err: errors.Join(fmt.Errorf("%w: %q", ErrUnknown, id), s.openDecoy(), s.openDecoy())}
		}
	}
	return all, nil
}

// KeyByCertificate is the record of the key that is bound to a certificate, or of one that was and is over, or [ErrUnknown].
func (s *Store) KeyByCertificate(ctx context.Context, sum []byte) (Key, error) {
	var id string
	err := s.read.QueryRowContext(ctx, `SELECT c.key_id FROM credentials c JOIN keys k ON k.id = c.key_id WHERE c.certificate = ?
		ORDER BY k.revoked IS NOT NULL, c.until DESC, c.key_id LIMIT 1`, sum).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return Key{}, ErrUnknown
	}
	if err != nil {
		return Key{}, err
	}
	return s.Key(ctx, id)
}

// KeysByCertificate are all that were ever bound to a certificate.
func (t *Tx) KeysByCertificate(ctx context.Context, sum []byte) ([]Key, error) {
	return t.seals.collect(t.tx.QueryContext(ctx, selectKeys+" WHERE k.id IN (SELECT key_id FROM credentials WHERE certificate = ?)"+order, sum))
}

// Keys are all records, oldest first.
func (s *Store) Keys(ctx context.Context) ([]Key, error) {
	return s.seals.collect(s.read.QueryContext(ctx, selectKeys+order))
}

// Key is [Store.Key] as the change has it.
func (t *Tx) Key(ctx context.Context, id string) (Key, error) { return t.one(ctx, id) }

// KeysOf are the records of a client's keys, or of all where client is empty, oldest first: those after a key of that id, or
// from the first where it is empty, and no more than most.
func (s *Store) KeysOf(ctx context.Context, client, after string, most int) ([]Key, error) {
	return s.seals.collect(s.read.QueryContext(ctx, selectKeys+` WHERE k.id IN (SELECT id FROM keys WHERE (? = '' OR client = ?) AND
		(? = '' OR (created, id) > (SELECT created, id FROM keys WHERE id = ?)) ORDER BY created, id LIMIT ?)`+order, client, client, after, after, most))
}

// KeysOf are the records of all keys of a client, oldest first.
func (t *Tx) KeysOf(ctx context.Context, client string) ([]Key, error) {
	return t.seals.collect(t.tx.QueryContext(ctx, selectKeys+" WHERE k.client = ?"+order, client))
}

// put writes a key's credentials.
func (t *Tx) put(ctx context.Context, k Key) error {
	for i, c := range k.Credentials {
		_, err := t.tx.ExecContext(ctx, `INSERT INTO credentials (key_id, number, mac, public, certificate, created, until) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key_id, number) DO UPDATE SET until = excluded.until`, k.ID, i+1, c.MAC, c.Public, c.Certificate, c.Created.Unix(), c.Until.Unix())
		if err != nil {
			return err
		}
	}
	return nil
}

// What reads keys, each with all its credentials: a row is a credential.
const (
	keyColumns = "SELECT k.id, k.client, k.record, k.created, k.used, k.revoked, c.mac, c.public, c.certificate, c.created, c.until"
	selectKeys = keyColumns + " FROM keys k JOIN credentials c ON c.key_id = k.id"
	selectBoth = keyColumns + ", l.id, l.record, l.created, l.expires, l.disabled FROM keys k JOIN credentials c ON c.key_id = k.id JOIN clients l ON l.id = k.client"
	ofOne      = " WHERE k.id = ?"
	order      = " ORDER BY k.created, k.id, c.number"
)

func (t *Tx) one(ctx context.Context, id string) (Key, error) {
	return only(id)(t.seals.collect(t.tx.QueryContext(ctx, selectKeys+ofOne+order, id)))
}

// only takes the one key that was asked for.
func only(id string) func([]Key, error) (Key, error) {
	return func(keys []Key, err error) (Key, error) {
		if err == nil && len(keys) == 0 {
			err = fmt.Errorf("%w: %q", ErrUnknown, id)
		}
		if err != nil {
			return Key{}, err
		}
		return keys[0], nil
	}
}

// collect reads rows of selectKeys.
func (s seals) collect(rows *sql.Rows, err error) ([]Key, error) {
	found, err := readKeys(rows, err, false)
	if err != nil {
		return nil, err
	}
	var all []Key
	for i := range found {
		if err := s.openRecord(&found[i].Key, found[i].record); err != nil {
			return nil, err
		}
		all = append(all, found[i].Key)
	}
	return all, nil
}

// keyRow is a key with all its credentials, of which what is sealed is not opened, and its client if that was asked for.
type keyRow struct {
	Key
	record []byte
	client clientRow
}

// readKeys reads rows of selectKeys, or of selectBoth.
func readKeys(rows *sql.Rows, err error, both bool) ([]keyRow, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []keyRow
	for rows.Next() {
		var k keyRow
		var c Credential
		var created, from, until int64
		var used, revoked sql.NullInt64
		into := []any{&k.ID, &k.Client, &k.record, &created, &used, &revoked, &c.MAC, &c.Public, &c.Certificate, &from, &until}
		if both {
			into = append(into, k.client.into()...)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if n := len(all); n == 0 || all[n-1].ID != k.ID {
			k.Created, k.Used, k.Revoked = second(created), maybe(used), maybe(revoked)
			all = append(all, k)
		}
		c.Created, c.Until = second(from), second(until)
		last := &all[len(all)-1]
		last.Credentials = append(last.Credentials, c)
	}
	return all, rows.Err()
}

// record is what a key is for, as its column has it sealed.
type record struct {
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
	Reports     []string `json:"reports"`
	Networks    []string `json:"networks"`
	Beside      []byte   `json:"beside"` // digest of what lies beside it in clear
}

// beside is the digest of what lies in clear beside a key's record: whose it is, what shows that somebody has it, and its times but
// for when it was used. Whoever can write to the database alone lets nobody in by that.
func (k Key) beside() ([]byte, error) {
	type shown struct {
		MAC, Public, Certificate []byte
		Created, Until           int64
	}
	all := struct {
		Client           string
		Created, Revoked int64
		Credentials      []shown
	}{k.Client, unix(k.Created), unix(k.Revoked), nil}
	for _, c := range k.Credentials {
		all.Credentials = append(all.Credentials, shown{c.MAC, c.Public, c.Certificate, c.Created.Unix(), c.Until.Unix()})
	}
	text, err := json.Marshal(all)
	sum := sha256.Sum256(text)
	return sum[:], err
}

func (s seals) sealRecord(k Key) ([]byte, error) {
	beside, err := k.beside()
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(record{k.Name, k.Permissions, k.Reports, k.Networks, beside})
	if err != nil {
		return nil, err
	}
	return s.seal(keyRecord, k.ID, plain)
}

// openRecord tells a key, of which all else is known, what it is for.
func (s seals) openRecord(k *Key, sealed []byte) error {
	plain, err := s.open(keyRecord, k.ID, sealed)
	if err != nil {
		return err
	}
	var r record
	if err := json.Unmarshal(plain, &r); err != nil {
		return err
	}
	if beside, err := k.beside(); err != nil || !bytes.Equal(beside, r.Beside) {
		return fmt.Errorf("keys.record of %s: %w: its client, credentials or times are others than it says", k.ID, errors.Join(ErrAltered, err))
	}
	k.Name, k.Permissions, k.Reports, k.Networks = r.Name, r.Permissions, r.Reports, r.Networks
	return nil
}

// sealKeys seals the records that an earlier version kept in clear.
func (t *Tx) sealKeys(ctx context.Context) error {
	rows, err := t.tx.QueryContext(ctx, `SELECT u.id, u.name, u.permissions, u.reports, u.networks, k.client, k.created, k.revoked, c.mac, c.public, c.created, c.until
		FROM unsealed_keys u JOIN keys k ON k.id = u.id JOIN credentials c ON c.key_id = u.id ORDER BY u.id, c.number`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []Key
	for rows.Next() {
		var k Key
		var c Credential
		var permissions, reports, networks string
		var created, from, until int64
		var revoked sql.NullInt64
		if err := rows.Scan(&k.ID, &k.Name, &permissions, &reports, &networks, &k.Client, &created, &revoked, &c.MAC, &c.Public, &from, &until); err != nil {
			return err
		}
		if n := len(all); n == 0 || all[n-1].ID != k.ID {
			k.Permissions, k.Reports, k.Networks = strings.Fields(permissions), strings.Fields(reports), strings.Fields(networks)
			k.Created, k.Revoked = second(created), maybe(revoked)
			all = append(all, k)
		}
		c.Created, c.Until = second(from), second(until)
		last := &all[len(all)-1]
		last.Credentials = append(last.Credentials, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, k := range all {
		if err := t.bind(ctx, k); err != nil {
			return err
		}
	}
	_, err = t.tx.ExecContext(ctx, "DELETE FROM unsealed_keys")
	return err
}

func second(s int64) time.Time { return time.Unix(s, 0).UTC() }

func maybe(s sql.NullInt64) time.Time {
	if !s.Valid {
		return time.Time{}
	}
	return second(s.Int64)
}
