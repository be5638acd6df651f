package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	cosignatures "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/assay-por/assay/attest"
)

// Config says who witnesses which logs.
type Config struct {
	Dir    string           // what the witness remembers; without it, it must never sign again
	Name   string           // the witness's name
	Signer attest.Signer    // its key, of Ed25519
	Logs   []string         // verifier keys of the logs that it watches; a log may have several
	Now    func() time.Time // its clock
	Log    *slog.Logger     // a line for each checkpoint that is cosigned or refused
}

// Witness remembers the latest checkpoint of each log that it watches (SPEC part 25).
type Witness struct {
	config   Config
	verifier note.Verifier // of its own cosignatures
	lock     *flock.Flock
	logs     map[string]*watched // by origin
}

// watched is one log. The lock is held from looking at the latest checkpoint until the next is on disk.
type watched struct {
	origin string
	keys   []note.Verifier

	mu     sync.Mutex
	latest head
	note   []byte // the latest checkpoint as it was cosigned; nil before the first
}

// Open takes the witness's folder, which may be new, for this process alone. What it
// remembers must be as it was written.
func Open(c Config) (*Witness, error) {
	if c.Dir == "" || c.Signer == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("witness: its folder, key, clock and logger are all needed")
	}
	if len(c.Logs) == 0 {
		return nil, errors.New("witness: it watches no log: name the verifier key of one at least")
	}
	vkey, err := verifierKey(c.Name, c.Signer.PublicKey())
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	w := &Witness{config: c, logs: map[string]*watched{}}
	if w.verifier, err = cosignatures.NewVerifierForCosignatureV1(vkey); err != nil {
		return nil, fmt.Errorf("witness: the name %q: want UTF-8 without white space and +", c.Name)
	}
	for _, key := range c.Logs {
		v, err := note.NewVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("witness: %q is no verifier key of a log", key)
		}
		if w.logs[v.Name()] == nil {
			w.logs[v.Name()] = &watched{origin: v.Name(), latest: head{root: [sha256.Size]byte(rfc6962.DefaultHasher.EmptyRoot())}}
		}
		w.logs[v.Name()].keys = append(w.logs[v.Name()].keys, v)
	}
	if err := os.MkdirAll(filepath.Join(c.Dir, dirEvidence), 0o700); err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	w.lock = flock.New(filepath.Join(c.Dir, ".lock"))
	if got, err := w.lock.TryLock(); err != nil || !got {
		return nil, errors.Join(fmt.Errorf("witness: another process witnesses in %s", c.Dir), err)
	}
	for _, l := range w.logs {
		if err := w.remember(l); err != nil {
			return nil, errors.Join(fmt.Errorf("witness: %w", err), w.Close())
		}
	}
	return w, nil
}

// Close lets go of the folder. No request may be under way.
func (w *Witness) Close() error { return w.lock.Unlock() }

// verifierKey is the witness's own (SPEC part 25).
func verifierKey(name string, key attest.PublicKey) (string, error) {
	kind, digits, _ := strings.Cut(key.String(), ":")
	public, err := hex.DecodeString(digits)
	if kind != "ed25519" || err != nil {
		return "", fmt.Errorf("a key of kind %s: witnesses sign with Ed25519 keys only", kind)
	}
	typed := append([]byte{4}, public...)
	hash := sha256.Sum256(append([]byte(name+"\n"), typed...))
	return fmt.Sprintf("%s+%x+%s", name, hash[:4], base64.StdEncoding.EncodeToString(typed)), nil
}

// remember reads the latest checkpoint of a log. One that this witness did not sign is refused.
func (w *Witness) remember(l *watched) error {
	raw, err := os.ReadFile(w.path(l))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	h, err := parseHead(raw)
	if err != nil {
		return fmt.Errorf("%s was altered: %w", w.path(l), err)
	}
	if _, err := note.Open(raw, note.VerifierList(w.verifier)); err != nil || h.origin != l.origin {
		return fmt.Errorf("%s was altered, or is another witness's or log's: it is not cosigned by this key", w.path(l))
	}
	l.latest, l.note = h, raw
	return nil
}

func (w *Witness) path(l *watched) string {
	return filepath.Join(w.config.Dir, originHash(l.origin)+".checkpoint")
}

// originHash names a log's file, and where monitors find its checkpoint.
func originHash(origin string) string {
	hash := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(hash[:])
}

// refusal says why a checkpoint was not cosigned, and how C2SP tlog-witness answers to that.
type refusal struct {
	status   int
	reason   string
	size     uint64 // the latest size, where isSize: all that the answer says
	isSize   bool
	evidence string // file or folder that keeps it
}

// Error is why it was refused.
func (r *refusal) Error() string { return r.reason }

// cosign answers a request with a cosignature, a *refusal, or an error of this side.
func (w *Witness) cosign(r request, raw []byte) ([]byte, error) {
	l := w.logs[r.head.origin]
	if l == nil {
		return nil, &refusal{status: 404, reason: "this log is not watched here"}
	}
	signed, err := note.Open(r.note, note.VerifierList(l.keys...))
	var unknown *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unknown), errors.As(err, &invalid):
		return nil, &refusal{status: 403, reason: "no signature by a key of this log verifies"}
	case err != nil || signed.Text != r.head.text:
		return nil, &refusal{status: 400, reason: "the checkpoint is no signed note"}
	}
	if r.old > r.head.size {
		return nil, &refusal{status: 400, reason: "the old size is larger than the checkpoint's"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.old != l.latest.size {
		return nil, &refusal{status: 409, reason: fmt.Sprintf("the latest size is %d, not %d", l.latest.size, r.old), size: l.latest.size, isSize: true}
	}
	if r.old == r.head.size && r.head.root != l.latest.root {
		return nil, w.fork(l, r, raw, 409, "another root was cosigned for this size")
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, r.old, r.head.size, r.path, l.latest.root[:], r.head.root[:]); err != nil {
		return nil, w.fork(l, r, raw, 422, "the consistency proof does not verify")
	}
	line, err := w.sign(r.head.text)
	if err != nil {
		return nil, err
	}
	keep := append(signedBy(signed, r.head.text), line...)
	if err := replace(w.path(l), keep); err != nil {
		return nil, err
	}
	l.latest, l.note = r.head, keep
	return line, nil
}

// signedBy is the checkpoint with those signatures alone that were verified.
func signedBy(n *note.Note, text string) []byte {
	var b bytes.Buffer
	b.WriteString(text + "\n")
	for _, sig := range n.Sigs {
		fmt.Fprintf(&b, "— %s %s\n", sig.Name, sig.Base64)
	}
	return b.Bytes()
}

// sign returns a cosignature line over the text (SPEC part 25).
func (w *Witness) sign(text string) ([]byte, error) {
	at := uint64(w.config.Now().Unix()) //nolint:gosec // a clock before 1970 is no clock
	sig, err := w.config.Signer.Sign(fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text))
	if err != nil {
		return nil, fmt.Errorf("the key did not sign: %w", err)
	}
	timed := append(binary.BigEndian.AppendUint64(nil, at), sig...)
	if len(sig) != ed25519.SignatureSize || !w.verifier.Verify([]byte(text), timed) {
		return nil, errors.New("the key's signature does not verify")
	}
	named := append(binary.BigEndian.AppendUint32(nil, w.verifier.KeyHash()), timed...)
	return fmt.Appendf(nil, "— %s %s\n", w.verifier.Name(), base64.StdEncoding.EncodeToString(named)), nil
}
