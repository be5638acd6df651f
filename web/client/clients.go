package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
)

// Registered is a client of a server, as its exchange knows them (GET /v1/clients).
type Registered struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	State   string   `json:"state"` // good, disabled or expired
	Roles   []string `json:"roles"`
	Tier    string   `json:"tier"`
	Scope   Scope    `json:"scope"`
	Created string   `json:"created"`
	Expires string   `json:"expires,omitempty"` // empty: it does not

	// Version is what ChangeClient must name: that of the answer which told of it.
	Version string `json:"-"`
}

// Scope is which statements a client is for; of each filter that is empty, all.
type Scope struct {
	Entities []string `json:"entities,omitempty"` // legal entities that the statement is of
	Reports  []string `json:"reports,omitempty"`  // digests of statements
	From     string   `json:"from,omitempty"`     // day of the first instant: 2026-11-30
	Until    string   `json:"until,omitempty"`    // and of the last
}

// Registration says what a client is to be.
type Registration struct {
	Name    string   `json:"name"`
	Roles   []string `json:"roles"`
	Tier    string   `json:"tier,omitempty"` // empty: standard
	Scope   Scope    `json:"scope"`
	Expires string   `json:"expires,omitempty"` // 2027-03-31T00:00:00Z; auditors need one
}

// APIKey is an API key. Secret is there once, when it was made or rotated, and has one.
type APIKey struct {
	ID          string   `json:"id"`
	Client      string   `json:"client"`
	Name        string   `json:"name"`
	State       string   `json:"state"` // good, revoked, expired or unused
	By          string   `json:"by"`    // how its client shows that it has it: secret, signature or certificate
	Permissions []string `json:"permissions"`
	Reports     []string `json:"reports,omitempty"`
	Networks    []string `json:"networks,omitempty"`
	Created     string   `json:"created"`
	Expires     string   `json:"expires"`
	Former      string   `json:"former,omitempty"` // until when the credential before is good still
	Used        string   `json:"used,omitempty"`
	Secret      string   `json:"key,omitempty"`
}

// String is for logs: it has no secret.
func (k APIKey) String() string { return "API key " + k.ID }

// GoString is for logs.
func (k APIKey) GoString() string { return k.String() }

// APIKeyWish says what a key is to be.
type APIKeyWish struct {
	Client      string   `json:"client"`
	Name        string   `json:"name"`
	Permissions []string `json:"permissions"`
	Reports     []string `json:"reports,omitempty"`
	Networks    []string `json:"networks,omitempty"`
	Days        int      `json:"days,omitempty"`      // 0: 90
	PublicKey   string   `json:"publicKey,omitempty"` // ed25519:…, instead of a secret
}

// Rotation says what the next credential of a key is to be.
type Rotation struct {
	Days      int    `json:"days,omitempty"`    // 0: 90
	Overlap   *int   `json:"overlap,omitempty"` // hours that the former one is good still; nil: 24
	PublicKey string `json:"publicKey,omitempty"`
}

// Self is who asks, as the server sees them.
type Self struct {
	Client      Registered `json:"client"`
	Key         APIKey     `json:"key"`
	Permissions []string   `json:"permissions"`
}

// Me asks who asks.
func (c *Client) Me(ctx context.Context) (Self, error) {
	var me Self
	_, err := c.call(ctx, question{http.MethodGet, "/v1/me", nil, "", ""}, &me)
	return me, err
}

// Clients are the clients that there are, oldest first.
func (c *Client) Clients(ctx context.Context) iter.Seq2[Registered, error] {
	return pages(ctx, c, "/v1/clients", url.Values{}, func(p struct {
		Clients []Registered `json:"clients"`
		Next    string       `json:"next"`
	}) ([]Registered, string) {
		return p.Clients, p.Next
	})
}

// Client is one client.
func (c *Client) Client(ctx context.Context, id string) (Registered, error) {
	return c.registered(ctx, question{http.MethodGet, "/v1/clients/" + url.PathEscape(id), nil, "", ""})
}

// CreateClient makes a client. The wish is a name for it, 16 to 64 random letters, digits, - and _: sent again within a day it is
// answered as before, and no second one is made.
func (c *Client) CreateClient(ctx context.Context, wish string, r Registration) (Registered, error) {
	return c.registered(ctx, question{http.MethodPost, "/v1/clients", r, wish, ""})
}

// ChangeClient makes a client another one, if it is still as it was when version was told: else it is a [*Problem] of status 412.
func (c *Client) ChangeClient(ctx context.Context, id, version string, r Registration) (Registered, error) {
	return c.registered(ctx, question{http.MethodPut, "/v1/clients/" + url.PathEscape(id), r, "", version})
}

// DisableClient lets in no key of a client any more, until [Client.EnableClient].
func (c *Client) DisableClient(ctx context.Context, id string) (Registered, error) {
	return c.registered(ctx, question{http.MethodPost, "/v1/clients/" + url.PathEscape(id) + ":disable", nil, "", ""})
}

// EnableClient lets in the keys of a client again.
func (c *Client) EnableClient(ctx context.Context, id string) (Registered, error) {
	return c.registered(ctx, question{http.MethodPost, "/v1/clients/" + url.PathEscape(id) + ":enable", nil, "", ""})
}

// APIKeys are the API keys of a client, oldest first; where it is empty, all that whoever asks may see.
func (c *Client) APIKeys(ctx context.Context, client string) iter.Seq2[APIKey, error] {
	query := url.Values{}
	if client != "" {
		query.Set("client", client)
	}
	return pages(ctx, c, "/v1/keys", query, func(p struct {
		Keys []APIKey `json:"keys"`
		Next string   `json:"next"`
	}) ([]APIKey, string) {
		return p.Keys, p.Next
	})
}

// APIKey is one API key.
func (c *Client) APIKey(ctx context.Context, id string) (APIKey, error) {
	return c.apiKey(ctx, question{http.MethodGet, "/v1/keys/" + url.PathEscape(id), nil, "", ""})
}

// CreateAPIKey makes an API key; of the wish see [Client.CreateClient].
func (c *Client) CreateAPIKey(ctx context.Context, wish string, k APIKeyWish) (APIKey, error) {
	return c.apiKey(ctx, question{http.MethodPost, "/v1/keys", k, wish, ""})
}

// RotateAPIKey gives an API key another secret, or another public key; of the wish see [Client.CreateClient].
func (c *Client) RotateAPIKey(ctx context.Context, wish, id string, r Rotation) (APIKey, error) {
	return c.apiKey(ctx, question{http.MethodPost, "/v1/keys/" + url.PathEscape(id) + ":rotate", r, wish, ""})
}

// RevokeAPIKey ends an API key for good.
func (c *Client) RevokeAPIKey(ctx context.Context, id string) (APIKey, error) {
	return c.apiKey(ctx, question{http.MethodPost, "/v1/keys/" + url.PathEscape(id) + ":revoke", nil, "", ""})
}

func (c *Client) registered(ctx context.Context, q question) (r Registered, err error) {
	r.Version, err = c.call(ctx, q, &r)
	return r, err
}

func (c *Client) apiKey(ctx context.Context, q question) (k APIKey, err error) {
	_, err = c.call(ctx, q, &k)
	return k, err
}

// pages asks for a list page by page.
func pages[P, T any](ctx context.Context, c *Client, path string, query url.Values, of func(P) ([]T, string)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			var page P
			var none T
			at := path
			if len(query) > 0 {
				at += "?" + query.Encode()
			}
			if _, err := c.call(ctx, question{http.MethodGet, at, nil, "", ""}, &page); err != nil {
				yield(none, err)
				return
			}
			items, next := of(page)
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("cursor", next)
		}
	}
}

// question is what is asked of a server by whoever has a credential.
type question struct {
	method, path string
	content      any // nil: none
	wish         string
	version      string // that is to be changed
}

// call asks, and reads the answer into out; it returns the answer's version. What the server refuses is a [*Problem].
func (c *Client) call(ctx context.Context, q question, out any) (version string, err error) {
	var content []byte
	if q.content != nil {
		if content, err = json.Marshal(q.content); err != nil {
			return "", err
		}
	}
	resp, err := c.ask(ctx, q, content)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := wholeOf(resp)
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return "", fmt.Errorf("client: the answer to %s: %w", q.path, err)
	}
	return resp.Header.Get("ETag"), nil
}

// ask sends a question with the credential that there is.
func (c *Client) ask(ctx context.Context, q question, content []byte) (*http.Response, error) {
	at, err := c.base.Parse(q.path)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, q.method, at.String(), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if len(content) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.wish != "" {
		r.Header.Set("Idempotency-Key", q.wish)
	}
	if q.version != "" {
		r.Header.Set("If-Match", q.version)
	}
	if err := c.credential.show(r, content, c.now()); err != nil {
		return nil, err
	}
	return c.Do(r)
}

// wholeOf is the content of an answer that grants what was asked; else the error is its [*Problem].
func wholeOf(resp *http.Response) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, MaxContent))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return raw, nil
	}
	problem := &Problem{}
	if err := json.Unmarshal(raw, problem); err != nil || problem.Status != resp.StatusCode {
		return nil, fmt.Errorf("client: the server answers %s, and does not say why", resp.Status)
	}
	return nil, problem
}

// errNoCredential says that what was asked for is not for everybody.
var errNoCredential = errors.New("client: this is for who has an API key: Config.APIKey, or Config.Signer")
