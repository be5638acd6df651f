// Package egress is the one way out: an HTTP client that talks to a single
// configured origin and believes nothing of its manners.
//
// The list of allowed places is what the operator configured, one [Endpoint] for
// each URL. A request to another scheme, host or port is refused, and so is
// every redirect, so that no answer of a node can send the program elsewhere.
// An answer is cut off at a number of bytes and at a time, however slowly it
// drips. Where it must be public, a name that leads into a private network leads
// nowhere. User name and password of the URL become a header and stand in no
// label and no error.
package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Limits bounds one answer. A zero field means the default.
type Limits struct {
	Bytes   int64         // most bytes of a body, after decompression; 64 MiB by default
	Timeout time.Duration // from dialling to the body's last byte; 2 minutes by default

	Public  bool           // only https, and only addresses that are neither loopback nor private nor link-local
	Private []netip.Prefix // with Public: others that are allowed
	Roots   *x509.CertPool // who vouches for the place; nil: whom the system believes
}

const (
	defaultBytes   = 64 << 20
	defaultTimeout = 2 * time.Minute
	maxLabel       = 64 // SPEC part 13
)

// An Endpoint is one configured place to ask.
type Endpoint struct {
	Label string // host and port, as reports and errors name it
	URL   string // without user name and password
	HTTP  *http.Client
}

// New returns the endpoint of a URL with scheme http or https.
func New(rawURL string, limits Limits) (*Endpoint, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// The parser's error repeats the text, which may hold a password.
		return nil, errors.New("a node's URL is malformed: want http://host:port or https://host/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("a node's URL has scheme %q: want http or https", u.Scheme)
	}
	if limits.Public && u.Scheme != "https" {
		return nil, errors.New("the URL's scheme is http: want https")
	}
	if u.Hostname() == "" || len(u.Host) > maxLabel || strings.Trim(u.Host, hostBytes) != "" {
		return nil, errors.New("a node's URL names no host of at most 64 plain characters")
	}
	if limits.Bytes == 0 {
		limits.Bytes = defaultBytes
	}
	if limits.Timeout == 0 {
		limits.Timeout = defaultTimeout
	}
	t := &transport{scheme: u.Scheme, host: u.Host, bytes: limits.Bytes, base: &http.Transport{
		DialContext:            limits.dialer().DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: limits.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}}
	if u.User != nil {
		t.user = u.User.Username()
		t.password, _ = u.User.Password()
		t.auth = true
		u.User = nil
	}
	return &Endpoint{Label: u.Host, URL: u.String(), HTTP: &http.Client{
		Transport:     t,
		Timeout:       limits.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return ErrRedirect },
	}}, nil
}

// dialer connects. The address is looked at when it is known, right before it is used: what a name meant before, or means to
// others, does not matter.
func (l Limits) dialer() *net.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second}
	if l.Public {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !l.allows(at.Addr().Unmap()) {
				return ErrAddress
			}
			return nil
		}
	}
	return d
}

func (l Limits) allows(a netip.Addr) bool {
	for _, p := range l.Private {
		if p.Contains(a) {
			return true
		}
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// special are addresses that lead to machines of one's own, though some count as global unicast: carriers' networks (RFC 6598), IPv6 with
// an address of IPv4 in it (RFC 6052, 3056, 4380, 4291), sites' own (RFC 3879), and what no network uses (RFC 1122, 2544, 5737, 6890, 1112).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10"),
}

const hostBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"

// ErrRedirect is the error of an answer that points elsewhere.
var ErrRedirect = errors.New("answered with a redirect, which is never followed")

// ErrAddress is the error of a name that leads to an address which is not allowed.
var ErrAddress = errors.New("its address is one of a private network, which is not allowed")

// ErrPlace is the error of a request to a place that is not the endpoint's.
var ErrPlace = errors.New("not the configured place")

// A TooLongError says that an answer was cut off.
type TooLongError struct{ Limit int64 }

// Error says how much was taken at most.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("the answer is longer than %d bytes", e.Limit)
}

type transport struct {
	scheme, host   string
	user, password string
	auth           bool
	bytes          int64
	base           http.RoundTripper
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != t.scheme || req.URL.Host != t.host {
		return nil, ErrPlace
	}
	if t.auth {
		req = req.Clone(req.Context())
		req.SetBasicAuth(t.user, t.password)
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &capped{body: resp.Body, left: t.bytes, limit: t.bytes}
	return resp, nil
}

// CloseIdleConnections lets http.Client close what is kept alive.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// capped fails, where io.LimitReader would end, so that a cut answer is never
// taken for a whole one.
type capped struct {
	body        io.ReadCloser
	left, limit int64
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.body.Read(p)
	if int64(n) > c.left {
		return int(c.left), &TooLongError{c.limit}
	}
	c.left -= int64(n)
	return n, err
}

func (c *capped) Close() error { return c.body.Close() }

// Cause returns what went wrong in err without the URL that http.Client puts
// before it: a URL may hold a secret in its path.
func Cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return Cause(u.Err)
	}
	return err
}

// Quote makes a text from outside fit for one line of an error: printable
// ASCII, and not long.
func Quote(s string) string {
	const most = 200
	var b strings.Builder
	for _, r := range s {
		if b.Len() == most {
			b.WriteString("...")
			break
		}
		if r < 0x20 || r > 0x7e {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
