package oauth

import (
	"context"
	"strings"

	"github.com/ory/fosite"
)

// What tokens begin with, by which scanners for secrets know them.
const (
	beginsCode    = "asyc."
	beginsAccess  = "asya."
	beginsRefresh = "asyr."
)

// tokens makes them: 256 random bits each. Whether one is good its row says, which its MAC names (fosite calls that its signature).
type tokens struct{ s *Server }

func (t tokens) make(begins string) (token, mac string, err error) {
	drawn, err := t.s.draw(tokenSize)
	return begins + drawn, t.s.tokenMAC(begins + drawn), err
}

// tokenMAC stands for a token in the database.
func (s *Server) tokenMAC(token string) string { return s.mac("token", token) }

// check says that a token is of a kind; all else its row has said.
func (tokens) check(begins, token string) error {
	if !strings.HasPrefix(token, begins) {
		return fosite.ErrInvalidTokenFormat
	}
	return nil
}

// The methods of oauth2.CoreStrategy.

func (t tokens) AccessTokenSignature(_ context.Context, token string) string {
	return t.s.tokenMAC(token)
}
func (t tokens) GenerateAccessToken(context.Context, fosite.Requester) (string, string, error) {
	return t.make(beginsAccess)
}
func (t tokens) ValidateAccessToken(_ context.Context, _ fosite.Requester, token string) error {
	return t.check(beginsAccess, token)
}
func (t tokens) RefreshTokenSignature(_ context.Context, token string) string {
	return t.s.tokenMAC(token)
}
func (t tokens) GenerateRefreshToken(context.Context, fosite.Requester) (string, string, error) {
	return t.make(beginsRefresh)
}
func (t tokens) ValidateRefreshToken(_ context.Context, _ fosite.Requester, token string) error {
	return t.check(beginsRefresh, token)
}
func (t tokens) AuthorizeCodeSignature(_ context.Context, token string) string {
	return t.s.tokenMAC(token)
}
func (t tokens) GenerateAuthorizeCode(context.Context, fosite.Requester) (string, string, error) {
	return t.make(beginsCode)
}
func (t tokens) ValidateAuthorizeCode(_ context.Context, _ fosite.Requester, token string) error {
	return t.check(beginsCode, token)
}
