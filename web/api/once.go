package api

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// keptFor is how long the answer to an act is kept for whoever asks again with the same Idempotency-Key.
const keptFor = 24 * time.Hour

// idempotencyKey is what a client names an act by, quoted (RFC 9651) or not.
var idempotencyKey = regexp.MustCompile(`^(?:"([A-Za-z0-9_-]{16,64})"|([A-Za-z0-9_-]{16,64}))$`)

// secret is drawn from the pepper for one purpose.
func (a *api) secret(purpose string) []byte {
	drawn, err := hkdf.Key(sha256.New, a.config.Acts.Pepper[:], nil, "assay/v1/"+purpose, sha256.Size)
	if err != nil { // it is neither too long nor too short
		panic(err)
	}
	return drawn
}

// onlyOnce is an act that is done once under its Idempotency-Key. What it was answered with is kept sealed, by a key that takes
// the server's pepper and the client's Idempotency-Key: the database alone opens none of it.
type onlyOnce struct {
	name    [sha256.Size]byte // stands for who asked and their key
	request [sha256.Size]byte // and this for what they asked
	seal    cipher.AEAD
	random  io.Reader
	leave   func()
}

// once begins an act; whoever asks for the same at the same time is refused.
func (a *api) once(r *http.Request, who *authn.Principal, content []byte) (*onlyOnce, error) {
	lines := r.Header.Values("Idempotency-Key")
	if len(lines) == 0 {
		return nil, refused(http.StatusBadRequest, "idempotency-key-missing", "this makes something: name your wish in Idempotency-Key, by 16 to 64 random letters, digits, - or _, so that it is granted once however often you send it")
	}
	m := idempotencyKey.FindStringSubmatch(lines[0])
	if m == nil || len(lines) > 1 {
		return nil, refused(http.StatusBadRequest, "", "Idempotency-Key: want one of 16 to 64 letters, digits, - or _")
	}
	o := &onlyOnce{random: a.config.Acts.Random}
	derived := hmac.New(sha256.New, a.secret("idempotency"))
	derived.Write([]byte(who.Asker() + " " + m[1] + m[2]))
	key := derived.Sum(nil)
	o.name = sha256.Sum256(key)
	asked := sha256.Sum256(content)
	o.request = sha256.Sum256(append([]byte(r.Method+" "+r.URL.Path+" "), asked[:]...))
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if o.seal, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	if _, busy := a.flights.LoadOrStore(o.name, nil); busy {
		return nil, refused(http.StatusConflict, "in-progress", "what you named by that Idempotency-Key is being done: ask again in a moment")
	}
	o.leave = func() { a.flights.Delete(o.name) }
	return o, nil
}

// former is what the act was answered with before; nil if it was not done yet.
func (o *onlyOnce) former(ctx context.Context, c *call) (*done, error) {
	if err := c.tx.ForgetResults(ctx, c.now); err != nil {
		return nil, err
	}
	kept, err := c.tx.Result(ctx, o.name[:])
	if err != nil || kept == nil {
		return nil, err
	}
	if !hmac.Equal(kept.Request, o.request[:]) {
		return nil, refused(http.StatusUnprocessableEntity, "idempotency-mismatch", "that Idempotency-Key names another wish of yours: draw a new one for this")
	}
	size := o.seal.NonceSize()
	raw, err := o.seal.Open(nil, kept.Sealed[:min(size, len(kept.Sealed))], kept.Sealed[min(size, len(kept.Sealed)):], o.request[:])
	if err != nil {
		return nil, err
	}
	before := new(done)
	return before, json.Unmarshal(raw, before)
}

// keep keeps what the act is answered with.
func (o *onlyOnce) keep(ctx context.Context, c *call, answer done) error {
	raw, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	nonce := make([]byte, o.seal.NonceSize())
	if _, err := io.ReadFull(o.random, nonce); err != nil {
		return err
	}
	return c.tx.KeepResult(ctx, store.Result{Name: o.name[:], Request: o.request[:], Sealed: o.seal.Seal(nonce, nonce, raw, o.request[:]), Until: c.now.Add(keptFor)})
}
