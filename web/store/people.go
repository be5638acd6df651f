package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrChanged says that somebody else changed a record between when it was read and when it was to be written.
var ErrChanged = errors.New("it was changed meanwhile")

// ErrTaken says that another person has that name already.
var ErrTaken = errors.New("another person signs in by that name")

// Account is how a person shows who they are. A MAC is one under the server's pepper, in hex.
type Account struct {
	Client   string // id of the client that the person is
	Login    string // the name that they sign in by
	LoginMAC string // of it
	Passkeys []Passkey
	Password string   // its hash, as argon2id writes it; empty: they have none
	TOTP     []byte   // seed of the second factor that goes with it
	Step     int64    // of the last code of it that was taken
	Recovery []string // MACs of the codes that are left

	version int64
}

// Passkey is a public key of WebAuthn, and what is known of whoever has the private one.
type Passkey struct {
	ID         []byte    `json:"id"`
	Name       string    `json:"name"`
	PublicKey  []byte    `json:"publicKey"` // COSE
	Model      []byte    `json:"model"`     // of the authenticator (AAGUID), as it says itself
	Transports []string  `json:"transports,omitempty"`
	Count      uint32    `json:"count"`  // of signatures, as of the last one
	Synced     bool      `json:"synced"` // it may lie on several devices
	Cloned     time.Time `json:"cloned"` // since when the count went back: it lets nobody in; zero: it did not
	Created    time.Time `json:"created"`
	Used       time.Time `json:"used"` // zero: never
}

// accountContent is an account as its column has it sealed.
type accountContent struct {
	Login    string    `json:"login"`
	LoginMAC string    `json:"loginMac"`
	Passkeys []Passkey `json:"passkeys,omitempty"`
	Password string    `json:"password,omitempty"`
	TOTP     []byte    `json:"totp,omitempty"`
	Step     int64     `json:"step,omitempty"`
	Recovery []string  `json:"recovery,omitempty"`
}

func (s seals) sealAccount(a Account) ([]byte, error) {
	plain, err := json.Marshal(accountContent{a.Login, a.LoginMAC, a.Passkeys, a.Password, a.TOTP, a.Step, a.Recovery})
	if err != nil {
		return nil, err
	}
	return s.seal(accountRecord, a.Client, plain)
}

// CreateAccount adds the account of a client that is a person, or returns [ErrTaken].
func (t *Tx) CreateAccount(ctx context.Context, a Account) error {
	record, err := t.seals.sealAccount(a)
	if err != nil {
		return err
	}
	res, err := t.tx.ExecContext(ctx, "INSERT INTO people (client, login, record, version) VALUES (?, ?, ?, 1) ON CONFLICT (login) DO NOTHING", a.Client, a.LoginMAC, record)
	return affected(res, err, ErrTaken)
}

// ChangeAccount lets change alter an account, but for whose it is. The error is [ErrUnknown], [ErrTaken], or [ErrChanged] if
// somebody else was faster.
func (t *Tx) ChangeAccount(ctx context.Context, client string, change func(*Account) error) error {
	a, err := t.Account(ctx, client)
	if err != nil {
		return err
	}
	if err := change(&a); err != nil {
		return err
	}
	a.Client = client
	record, err := t.seals.sealAccount(a)
	if err != nil {
		return err
	}
	var others int
	if err := t.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM people WHERE login = ? AND client <> ?", a.LoginMAC, client).Scan(&others); err != nil {
		return err
	}
	if others > 0 {
		return ErrTaken
	}
	res, err := t.tx.ExecContext(ctx, "UPDATE people SET login = ?, record = ?, version = version + 1 WHERE client = ? AND version = ?", a.LoginMAC, record, client, a.version)
	return affected(res, err, ErrChanged)
}

// affected is the error of a change that was to be of one row, and was of none.
func affected(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = none
	}
	return err
}

const selectAccounts = "SELECT client, login, record, version FROM people"

// Account is the account of a client, or [ErrUnknown].
func (s *Store) Account(ctx context.Context, client string) (Account, error) {
	return s.seals.oneAccount(s.read.QueryRowContext(ctx, selectAccounts+" WHERE client = ?", client))
}

// Account is [Store.Account] as the change has it.
func (t *Tx) Account(ctx context.Context, client string) (Account, error) {
	return t.seals.oneAccount(t.tx.QueryRowContext(ctx, selectAccounts+" WHERE client = ?", client))
}

// AccountOf is the account of whoever signs in by a name, by its MAC, or [ErrUnknown].
func (s *Store) AccountOf(ctx context.Context, login string) (Account, error) {
	return s.seals.oneAccount(s.read.QueryRowContext(ctx, selectAccounts+" WHERE login = ?", login))
}

// Accounts are those after a client of that id, or from the first where it is empty, by their ids, and no more than most.
func (s *Store) Accounts(ctx context.Context, after string, most int) ([]Account, error) {
	rows, err := s.read.QueryContext(ctx, selectAccounts+" WHERE client > ? ORDER BY client LIMIT ?", after, most)
	return collect(rows, err, s.seals.scanAccount)
}

// HasPeople reports whether there are any.
func (t *Tx) HasPeople(ctx context.Context) (there bool, err error) {
	err = t.tx.QueryRowContext(ctx, hasPeople).Scan(&there)
	return there, err
}

// HasPeople is the same, as it is by now.
func (s *Store) HasPeople(ctx context.Context) (there bool, err error) {
	err = s.read.QueryRowContext(ctx, hasPeople).Scan(&there)
	return there, err
}

const hasPeople = "SELECT EXISTS (SELECT 1 FROM people)"

func (s seals) oneAccount(row *sql.Row) (Account, error) {
	a, err := s.scanAccount(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: no such person", ErrUnknown)
	}
	return a, err
}

func (s seals) scanAccount(row interface{ Scan(...any) error }) (a Account, err error) {
	var record []byte
	if err := row.Scan(&a.Client, &a.LoginMAC, &record, &a.version); err != nil {
		return a, err
	}
	plain, err := s.open(accountRecord, a.Client, record)
	if err != nil {
		return a, err
	}
	var c accountContent
	if err := json.Unmarshal(plain, &c); err != nil {
		return a, err
	}
	if c.LoginMAC != a.LoginMAC {
		return a, fmt.Errorf("people.record of %s: %w: the person signs in by another name than it says", a.Client, ErrAltered)
	}
	a.Login, a.Passkeys, a.Password, a.TOTP, a.Step, a.Recovery = c.Login, c.Passkeys, c.Password, c.TOTP, c.Step, c.Recovery
	return a, nil
}
