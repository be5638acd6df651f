package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/httpsig"
)

// MaxContent is the largest content that is checked before any of it is handed out, and
// that a receipt holds (SPEC part 28).
const MaxContent = 64 << 20

// Config says whom to ask and whom to believe.
type Config struct {
	URL      string           // of the server, as https://por.exchange.example; http at a loopback address only
	Keys     []string         // the exchange's public keys (SPEC part 2), each of which may sign its key list
	Exchange string           // the name that the key list must have; empty: the key says who it is
	APIKey   string           // for what is not for everybody alone ([Client.Proof], [Client.Me] and what follows), and sent nowhere else; a secret
	Signer   *Signer          // in its place, an API key of which the server has a public key
	HTTP     *http.Client     // asks; nil: http.DefaultClient
	Now      func() time.Time // the reader's clock; nil: time.Now
}

// Client asks one server. It may be used by many at once.
type Client struct {
	base     *url.URL
	exchange string
	trusted  []attest.PublicKey
	asks     *http.Client // below the checks
	checked  *http.Client // above them
	now      func() time.Time

	credential credential

	mu     sync.Mutex
	list   keyList
	looked time.Time // when the list was last asked for
}

// New returns the client of a server, and asks nothing yet.
func New(c Config) (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" || base.User != nil || strings.Trim(base.Path, "/") != "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("client: the URL is not that of a server, as https://por.exchange.example, without path, query and password")
	}
	if err := checkScheme(base); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if len(c.Keys) == 0 {
		return nil, errors.New("client: no public key of the exchange is given, so that nothing could be believed")
	}
	made := &Client{base: base, exchange: c.Exchange, asks: c.HTTP, now: c.Now}
	if made.credential, err = newCredential(c.APIKey, c.Signer); err != nil {
		return nil, err
	}
	for i, text := range c.Keys {
		key, err := attest.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("client: key #%d: %w", i, err)
		}
		made.trusted = append(made.trusted, key)
	}
	if made.asks == nil {
		made.asks = http.DefaultClient
	}
	if made.now == nil {
		made.now = time.Now
	}
	above := *made.asks
	above.Transport = made
	made.checked = &above
	return made, nil
}

// Get asks for a path of the server, with its query if there is one. What it returns is checked, as by [Client.RoundTrip].
func (c *Client) Get(ctx context.Context, path string) (*http.Response, error) {
	u, err := c.base.Parse(path)
	if err != nil || !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("client: %q is no path of a server", path)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return c.Do(r)
}

// Do sends a request to the server, as [http.Client.Do] does: redirections within the
// server are followed, and each answer on the way is checked.
func (c *Client) Do(r *http.Request) (*http.Response, error) { return c.checked.Do(r) }

// RoundTrip sends one request and checks the answer (SPEC part 28). An answer that is not
// signed, or wrongly, is an error, one of package httpsig; so is a request to another
// server. Content up to [MaxContent] has been checked when RoundTrip returns. Of larger
// content the head has; the content is handed on as it comes, and its last Read fails with
// [httpsig.ErrDigest] where it was not what was signed: do not use what was read before.
//
// Where the request asks for a nonce ([httpsig.AcceptSignature]) the answer must have it.
// Content comes as it was sent: where the request does not set Accept-Encoding, uncoded.
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != c.base.Scheme || !strings.EqualFold(r.URL.Host, c.base.Host) || r.Host != "" && !strings.EqualFold(r.Host, c.base.Host) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fmt.Errorf("client: a request to another server than %s", c.base.Host)
	}
	if _, err := c.known(r.Context(), false); err != nil { // before the answer, which may keep the only connection busy
		return nil, fmt.Errorf("client: %w", err)
	}
	resp, err := c.send(r)
	if err != nil {
		return nil, err
	}
	if err := c.check(r, resp); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// send puts the question, in such a way that content comes as it was signed.
func (c *Client) send(r *http.Request) (*http.Response, error) {
	out := r
	if r.Header.Get("Accept-Encoding") == "" {
		out = r.Clone(r.Context())
		if out.Header == nil {
			out.Header = http.Header{}
		}
		out.Header.Set("Accept-Encoding", "identity") // else net/http asks for gzip, decodes it and hides that it did
	}
	transport := c.asks.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Request = r
	return resp, nil
}

func answerOf(r *http.Request, resp *http.Response) httpsig.Answer {
	return httpsig.Answer{Method: methodOf(r), URL: r.URL, Nonce: httpsig.Nonce(r), Asked: httpsig.Asked(r), Status: resp.StatusCode, Header: resp.Header}
}

// methodOf is the method that is sent: net/http takes none for GET.
func methodOf(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// check verifies an answer, and makes its body one that was checked or that checks itself.
func (c *Client) check(r *http.Request, resp *http.Response) error {
	a := answerOf(r, resp)
	content, err := io.ReadAll(io.LimitReader(resp.Body, MaxContent+1))
	if err != nil {
		return fmt.Errorf("client: the answer broke off: %w", err)
	}
	signed, err := c.verifyHead(r.Context(), a)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if len(content) > MaxContent {
		resp.Body = &checking{from: io.MultiReader(bytes.NewReader(content), resp.Body), close: resp.Body, sum: sha256.New(), want: signed.Digest}
		return nil
	}
	a.Content = content
	if err := a.CheckContent(signed); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(content))
	return nil
}

// checking is the body of content that is too large to be held: its end is an error where it is not what was signed.
type checking struct {
	from  io.Reader
	close io.Closer
	sum   hash.Hash
	want  string
}

func (b *checking) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && httpsig.ContentDigest([sha256.Size]byte(b.sum.Sum(nil))) != b.want {
		return n, fmt.Errorf("client: %w", httpsig.ErrDigest)
	}
	return n, err
}

func (b *checking) Close() error { return b.close.Close() }
