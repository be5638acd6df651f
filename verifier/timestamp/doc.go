// Package timestamp checks time stamps of RFC 3161, offline and from SPEC.md alone (SPEC part 26): an authority signed that it saw a
// digest at a time.
//
//	token, err := timestamp.Parse(der)        // *canon.FormatError: unreadable; another error: the authority gave no time
//	err = token.Check(digest)                 // of these bytes, and signed as it must be
//	err = token.Trusted(policyCertificates)   // by an authority that the reader believes
//
// The first two hold or the time stamp is false. The last may fail of a sound one: then its time is the word of somebody whom the reader
// does not know. Certificates are judged at the time that the token names, so that a time stamp outlives them; nobody is asked whether
// one was revoked.
package timestamp
