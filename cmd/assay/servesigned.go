package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	shelves "github.com/assay-por/assay/web/published"
)

// signAnswers gives a server the key that signs its answers (SPEC part 28), the list that it stands in, and what is said under it alone.
func (a *app) signAnswers(ctx context.Context, c *Config, config *web.Config) error {
	own, err := c.knownKeys()
	if err != nil {
		return err
	}
	signer, err := a.signer(ctx, "server.key", c.keyRef(c.Server.Key))
	if err != nil {
		return err
	}
	if config.Key, err = newResponseKey(signer, own); err != nil {
		return err
	}
	list := &keyList{path: c.resolve(c.Server.Keys), exchange: c.Exchange.Name, own: own, key: signer.PublicKey(), now: time.Now}
	if _, err := list.read(); err != nil {
		return hinted(refused("%v", err), "assay keys response lists it")
	}
	config.KeyList = list.read
	if c.Log.Origin == "" {
		return nil
	}
	log, err := a.openLog(ctx, c, config.Log.Files, own)
	if err != nil {
		return err
	}
	config.Register, config.Prove = log.seen, log.prove
	return nil
}

// openLog opens the log of [log] as others see it, and reads what it says of the statements of these keys.
func (a *app) openLog(ctx context.Context, c *Config, files shelves.LogFiles, own []attest.PublicKey) (*servedLog, error) {
	vkey, err := a.logKey(ctx, c)
	if err != nil {
		return nil, err
	}
	log := &servedLog{dir: shelves.FS(files), vkey: vkey, witnesses: c.witnessKeys(), exchange: c.Exchange.Name, own: own}
	if _, err := log.seen(); errors.Is(err, fs.ErrNotExist) {
		return nil, noLog(c)
	} else if err != nil && !errors.Is(err, store.ErrUnreachable) {
		return nil, refused("%v", err)
	}
	return log, nil
}

// knownKeys are the exchange's public keys, from files alone: a server asks no token and no Transit server for its statement key.
func (c *Config) knownKeys() ([]attest.PublicKey, error) {
	var all []attest.PublicKey
	if _, err := keys.FilePath(c.Keys.Statement); err == nil {
		public, err := keys.PublicKey(c.keyRef(c.Keys.Statement))
		if err != nil {
			return nil, keyError("keys.statement", err)
		}
		all = append(all, public)
	}
	for _, path := range c.Keys.Former {
		public, err := keys.ReadPublicKey(c.resolve(path))
		if err != nil {
			return nil, unreadable("keys.former: %v", err)
		}
		all = append(all, public)
	}
	if len(all) == 0 {
		return nil, hinted(refused("the statement key lies in a token or a server, which this server does not ask"), "write the public key that assay keys show statement prints into a file, and name that under keys.former")
	}
	return all, nil
}

// responseKey is the response key as the standard library has signers.
type responseKey struct {
	attest attest.Signer
	public ed25519.PublicKey
}

// newResponseKey refuses a key that is not for this.
func newResponseKey(signer attest.Signer, own []attest.PublicKey) (crypto.Signer, error) {
	public, err := responsePublic(signer.PublicKey(), own)
	return responseKey{signer, public}, err
}

// responsePublic is the response key's public half: of Ed25519, and none that signs statements.
func responsePublic(key attest.PublicKey, own []attest.PublicKey) (ed25519.PublicKey, error) {
	for _, k := range own {
		if k == key {
			return nil, refused("server.key signs statements too, and answers need a key that signs nothing else")
		}
	}
	if key.Algorithm() != attest.Ed25519 {
		return nil, refused("server.key: %s, want a key of ed25519, which alone signs answers", key)
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(key.String(), "ed25519:"))
	if err != nil {
		return nil, refused("server.key: %v", err)
	}
	return raw, nil
}

// Public is the public half.
func (k responseKey) Public() crypto.PublicKey { return k.public }

// Sign signs a message, as Ed25519 has no digest before it.
func (k responseKey) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.attest.Sign(message)
}

// keyList is the signed list of response keys as its file has it by now.
type keyList struct {
	path, exchange string
	own            []attest.PublicKey
	key            attest.PublicKey // the server's
	now            func() time.Time

	mu    sync.Mutex
	next  time.Time // when to look again
	stamp string
	raw   []byte
	place attest.ResponseKey
	fault error
}

// read returns the list, and an error if the server's key is not good now by it.
func (l *keyList) read() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !now.Before(l.next) {
		l.look()
		l.next = now.Add(time.Second)
	}
	if l.fault != nil {
		return l.raw, l.fault
	}
	if now.Before(l.place.From) || now.After(l.place.Until) {
		return l.raw, fmt.Errorf("%s lists the response key from %s until %s, and not for now", l.path, l.place.From.Format(time.RFC3339), l.place.Until.Format(time.RFC3339))
	}
	return l.raw, nil
}

// look reads the file if it is another one by now; one that does not hold leaves the list as it was.
func (l *keyList) look() {
	info, err := os.Stat(l.path)
	if err != nil {
		if l.raw == nil {
			l.fault = err
		}
		return
	}
	stamp := fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano())
	if stamp == l.stamp {
		return
	}
	raw, list, err := readKeyList(l.path, l.exchange, l.own)
	if err != nil {
		if l.raw == nil {
			l.fault = err
		}
		return
	}
	l.stamp, l.raw, l.fault, l.place = stamp, raw, fmt.Errorf("%s does not list the response key %s", l.path, l.key), attest.ResponseKey{}
	for _, k := range list.Keys {
		if k.Key == l.key && k.Use == "" {
			l.place, l.fault = k, nil
		}
	}
}

// servedLog is the log as its folder has it by now.
type servedLog struct {
	dir       fs.FS
	vkey      string
	witnesses []string
	exchange  string
	own       []attest.PublicKey

	mu       sync.Mutex
	head     tlog.Checkpoint
	register *report.Register
}

// seen is what the published entries say. They are read again when the checkpoint is another one.
func (l *servedLog) seen() (api.Seen, error) {
	head, register, err := l.look()
	return api.Seen{Origin: head.Origin, Size: head.Size, Register: register}, err
}

func (l *servedLog) look() (tlog.Checkpoint, *report.Register, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if raw, err := fs.ReadFile(l.dir, "checkpoint"); err == nil && l.register != nil && bytes.Equal(raw, l.head.Note) {
		return l.head, l.register, nil
	}
	head, err := tlog.ReadCheckpoint(l.dir, l.vkey, l.witnesses...)
	if err != nil {
		return head, nil, err
	}
	if l.register != nil && bytes.Equal(head.Text(), l.head.Text()) {
		l.head = head // it may have been cosigned anew
		return head, l.register, nil
	}
	register, index := report.NewRegister(l.exchange, l.own...), uint64(0)
	for entry, err := range tlog.Entries(l.dir, head) {
		if err != nil {
			return head, nil, err
		}
		if err := register.Add(index, entry); err != nil {
			return head, nil, err
		}
		index++
	}
	l.head, l.register = head, register
	return head, register, nil
}

// prove makes the proof of the entry at an index, under the checkpoint as it is.
func (l *servedLog) prove(index uint64) ([]byte, error) {
	head, _, err := l.look()
	if err != nil {
		return nil, err
	}
	place, err := tlog.ProveAt(l.dir, head, index)
	if errors.Is(err, tlog.ErrAbsent) {
		return nil, fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	}
	return place.Proof, err
}
