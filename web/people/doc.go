// Package people lets people in: those who run the exchange's reports, and its auditors. A person is a client of the
// server (package web/authn) without API keys. They sign in by
//
//   - a passkey (WebAuthn), which knows who they are and whose authenticator verifies them: class phr;
//   - or a password and a code of a second factor (TOTP), together: class mfa, which is never enough where a passkey is asked for.
//
// and have a session from then on, whose cookie the browser keeps to one host and sends along with no other site's request. It ends after
// half an hour without use, and after half a day in any case. Where much hangs on who asks, they show a passkey again ([People.StepUp]).
//
// Nobody makes themselves a person. They are invited: whoever has the token of an invitation, which is good once and for a quarter of
// an hour, registers a passkey, and is given ten codes for the day on which it is lost. Without those two others reset their factors.
//
// Who fails to sign in five times is not looked at for a while, from that network, as that account; passkeys go on letting them in, so that
// nobody locks a colleague out. A name that nobody has is treated as one that somebody has.
//
// Nothing of it opens for who has the database alone: tokens, codes and names lie there as MACs, and all else is sealed.
package people
