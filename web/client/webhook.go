package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/httpsig"
)

// Webhook reads what the exchange's server tells (SPEC part 28), and checks that it did, lately and to this receiver: at is
// the URL that the exchange was given. The error is one of package httpsig where the signature does not hold. What it tells
// is a hint to ask; keep its ID, and pass over one that was told before, which may come again.
func (c *Client) Webhook(r *http.Request, at string) (attest.Webhook, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host == "" {
		return attest.Webhook{}, errors.New("client: the URL of the webhook is none")
	}
	if r.Method != http.MethodPost {
		return attest.Webhook{}, fmt.Errorf("client: a webhook is a POST, and this a %s", r.Method)
	}
	content, err := io.ReadAll(io.LimitReader(r.Body, attest.MaxWebhook+1))
	if err != nil {
		return attest.Webhook{}, fmt.Errorf("client: the webhook broke off: %w", err)
	}
	exchange, err := c.verifyWebhook(r.Context(), u, r.Header, content)
	if err != nil {
		return attest.Webhook{}, fmt.Errorf("client: %w", err)
	}
	w, err := attest.ParseWebhook(content)
	if err == nil && w.Exchange != exchange {
		err = fmt.Errorf("webhook: it is of the exchange %q, want %q", w.Exchange, exchange)
	}
	if err != nil {
		return attest.Webhook{}, fmt.Errorf("client: %w", err)
	}
	return w, nil
}

// verifyWebhook checks a webhook with the key list, which is looked at again where it does not name the key, and returns whose list it is.
func (c *Client) verifyWebhook(ctx context.Context, at *url.URL, header http.Header, content []byte) (exchange string, err error) {
	verify := func(renew bool) (string, error) {
		l, err := c.known(ctx, renew)
		if err != nil {
			return "", err
		}
		_, err = httpsig.VerifyWebhook(at, header, content, l.only(httpsig.KeyID(header)), c.now())
		return l.exchange, err
	}
	if exchange, err = verify(false); errors.Is(err, httpsig.ErrKey) {
		return verify(true)
	}
	return exchange, err
}
