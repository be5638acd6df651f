// Package oauth lets apps in by tokens (OAuth 2.0): for themselves, or for a customer of the exchange who allowed it. The customer signs in at
// the exchange's own identity provider, is told in plain words what the app may and until when, and takes it back whenever they like.
//
//	POST /oauth/par          an app says what it asks for (RFC 9126), and is given a name for that
//	GET  /oauth/authorize    the customer's browser brings the name; from there it is sent to sign in, and to the question
//	GET  /oauth/grants       the customer sees what they have allowed, once they signed in, and takes it back
//	POST /oauth/token        a code, or a refresh token, is changed for tokens; or an app asks for itself (client_credentials)
//	POST /oauth/introspect   an app asks what a token of its own is (RFC 7662)
//	POST /oauth/revoke       and gives one back, with all of its grant (RFC 7009)
//	GET  /.well-known/oauth-authorization-server
//
// Apps show a signed assertion (private_key_jwt) or a certificate (tls_client_auth), or nothing if they run on the customer's own device. Whoever
// shows nothing has tokens that are bound to a key of theirs (DPoP, RFC 9449), and so has everybody else, to that or to the certificate
// (RFC 8705), unless it is said of an app that it need not.
//
// The rules of OAuth are ory/fosite's: its handlers for the code, PKCE, PAR, the client's own grant and refreshing are in use here, each by name,
// and nothing else of it. What it leaves open is done here: who the app is, what a token is bound to, that each thing is taken
// once, that a family of tokens has an end, and what becomes of it when an old one turns up again.
//
// [Server.Who] knows who asks by such a token, or by one of the exchange's identity provider ([Issuer]). A token says nothing by itself:
// it is 256 random bits, and its MAC names a sealed row. Who has the database alone has none of it.
package oauth
