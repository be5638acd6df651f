package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/httpsig"
)

// TypeReceipt is the type of receipts (SPEC part 28).
const TypeReceipt = "assay/v1/receipt"

// receipt is an answer as it is kept (SPEC part 28).
type receipt struct {
	Asked   []byte  `json:"asked,omitempty"`
	Content []byte  `json:"content"`
	Headers []field `json:"headers"`
	Method  string  `json:"method"`
	Status  int     `json:"status"`
	Type    string  `json:"type"`
	URL     string  `json:"url"`
}

type field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// keptFields are those that a receipt keeps where the answer has them, sorted: those that a
// signature covers, and the signature. Others say nothing that was signed, and may be secret.
var keptFields = []string{"cache-control", "content-digest", "content-encoding", "content-type", "etag", "signature", "signature-input"}

// Receipt returns the canonical receipt of an answer that a [Client] gave (SPEC part 28),
// with the content that its body had. It keeps no other fields than those that are signed,
// and of what was asked method, URL and, where the answer covers it, the signature alone.
func Receipt(resp *http.Response, content []byte) ([]byte, error) {
	r := resp.Request
	if r == nil || r.URL == nil {
		return nil, errors.New("receipt: the answer does not say what was asked")
	}
	if err := checkScheme(r.URL); err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if httpsig.KeyID(resp.Header) == "" {
		return nil, fmt.Errorf("receipt: %w", httpsig.ErrUnsigned)
	}
	if len(content) > MaxContent {
		return nil, fmt.Errorf("receipt: content of %d bytes, want at most %d", len(content), MaxContent)
	}
	a := answerOf(r, resp)
	a.Content = content
	if err := a.CheckContent(httpsig.Signed{Digest: resp.Header.Get("Content-Digest")}); err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	kept := receipt{Content: append([]byte{}, content...), Headers: []field{}, Method: a.Method, Status: a.Status, Type: TypeReceipt, URL: urlOf(r.URL)}
	if !isText(kept.URL) || strings.Contains(kept.URL, " ") {
		return nil, fmt.Errorf("receipt: a URL of %d bytes, want at most %d, of printable ASCII", len(kept.URL), maxText)
	}
	if len(a.Method) > maxMethod || strings.Trim(a.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil, fmt.Errorf("receipt: the method is not 1 to %d of A-Z", maxMethod)
	}
	if httpsig.IsPrivate(resp.Header) {
		kept.Asked = a.Asked
	}
	for _, name := range keptFields {
		for _, value := range resp.Header.Values(name) {
			if !isText(value) {
				return nil, fmt.Errorf("receipt: %s has %d bytes, want 1 to %d, of printable ASCII", name, len(value), maxText)
			}
			kept.Headers = append(kept.Headers, field{name, value})
		}
	}
	out, err := attest.Canonical(kept)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	return out, nil
}

// urlOf spells what was asked as a receipt has it: no user, no fragment, host and port as they are signed.
func urlOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host + u.RequestURI()
}

const (
	maxText   = 8192 // bytes of a URL or of a field
	maxMethod = 16
)

// isText reports whether s is printable ASCII that a receipt holds.
func isText(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxText
}

// checkScheme holds a URL to https, or http at a loopback address (SPEC part 28).
func checkScheme(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("a URL of %q at %s, want https, or http at a loopback address", u.Scheme, u.Host)
}

func isLoopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback()
	}
	return host == "localhost"
}
