// Package authn knows who asks: machines, by an API key of one of three kinds. A client
// has roles, a tier and a scope; a key of it may a part of what its roles may.
//
//	Assay-Key: asy1.mzxw6ytboi4dqnbr.<52 characters>.<7 characters>
//
// is a key with a secret, in base32: its id, 256 bits that are shown once, and a checksum by
// which scanners tell keys from other text. Kept is the id and HMAC-SHA-256 of the whole
// under a pepper, which lies sealed in the database, where a key's sealed record vouches for all
// its credentials: who can write to that alone makes no key.
//
// The other kind has no secret here at all: the client signs each request with a key of
// Ed25519 (RFC 9421, see [httpsig.SignRequest]), of which the record has the public half.
// Such a request is taken once, until 30 seconds after it says that it was made.
//
// The third kind is bound to a certificate that the client shows when it connects (RFC 8705),
// if the server takes such. A key that may change something is of the second or third kind, and names the networks that it is used from.
//
// Whoever is let in otherwise, by a session or a token, is so by a [Way] that the gate is given; a
// request shows one credential, of whichever kind.
//
// [Gate.Who] answers who asks; whatever is wrong with a credential, it says the same and does
// the same work, so that a thief cannot test a key. It looks the key up for each request:
// one that is revoked is of no use from then on. A [Maker] makes and ends keys.
package authn
