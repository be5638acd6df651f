package oauth

import (
	"encoding/json"
	"maps"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/store"
)

// cnf is what a token is bound to (RFC 7800): a key of DPoP, or a certificate. Zero: whoever has it may use it.
type cnf struct {
	Key         string `json:"jkt,omitempty"`      // RFC 7638 thumbprint
	Certificate string `json:"x5t#S256,omitempty"` // RFC 8705
}

// session is what fosite carries from a code to its tokens, and from each of those to the next.
type session struct {
	Customer string // the ledger's id; empty: the app asks for itself
	Cnf      cnf
	Expires  map[fosite.TokenType]time.Time
}

// SetExpiresAt implements [fosite.Session].
func (s *session) SetExpiresAt(key fosite.TokenType, at time.Time) {
	if s.Expires == nil {
		s.Expires = map[fosite.TokenType]time.Time{}
	}
	s.Expires[key] = at
}

// GetExpiresAt implements [fosite.Session].
func (s *session) GetExpiresAt(key fosite.TokenType) time.Time { return s.Expires[key] }

// GetUsername implements [fosite.Session]: nobody has one here.
func (s *session) GetUsername() string { return "" }

// GetSubject implements [fosite.Session]. The customer is nobody's business but the proof's.
func (s *session) GetSubject() string { return "" }

// Clone implements [fosite.Session].
func (s *session) Clone() fosite.Session {
	other := *s
	other.Expires = maps.Clone(s.Expires)
	return &other
}

// content is a request as the rows of its tokens have it sealed.
type content struct {
	App       string     `json:"app"`
	Requested []string   `json:"requested"`
	Granted   []string   `json:"granted"`
	At        int64      `json:"at"`
	Form      url.Values `json:"form,omitempty"`
	Customer  string     `json:"customer,omitempty"`
	Cnf       cnf        `json:"cnf"`
}

func encode(r fosite.Requester) ([]byte, error) {
	c := content{App: r.GetClient().GetID(), Requested: r.GetRequestedScopes(), Granted: r.GetGrantedScopes(), At: r.GetRequestedAt().Unix(), Form: r.GetRequestForm()}
	if s, ok := r.GetSession().(*session); ok {
		c.Customer, c.Cnf = s.Customer, s.Cnf
	}
	return json.Marshal(c)
}

// decode is the request of a grant; of the app it knows the id alone.
func decode(raw []byte, id string) (*fosite.Request, error) {
	var c content
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	r := fosite.NewRequest()
	r.ID, r.Client, r.RequestedScope, r.GrantedScope, r.RequestedAt = id, app{Client: store.Client{ID: c.App}}, c.Requested, c.Granted, time.Unix(c.At, 0).UTC()
	if c.Form != nil {
		r.Form = c.Form
	}
	r.Session = &session{Customer: c.Customer, Cnf: c.Cnf}
	return r, nil
}
