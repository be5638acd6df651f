// Package timestamp asks time-stamping authorities to sign when a file was there
// (RFC 3161, SPEC part 26), and looks at what they answer before anybody else has to.
//
//	TimeStampReq                      TimeStampResp
//	  SHA-256 of the file      →        status: granted
//	  nonce                             CMS SignedData, by the authority's certificate
//	  certificates, please                TSTInfo: the same SHA-256, the nonce, genTime
//
// The authority learns a digest and nothing else. The nonce binds an answer to its
// query, so that nobody on the way replays an older one; an answer that comes by other
// ways speaks of the file by the digest alone, and an older one shows no less.
//
// What is refused here is what a verifier would call false. Guests read the formats;
// where they are lax (they take BER, do not look at the signing certificate's name in
// the signature, nor at what it may be used for) this package looks itself.
package timestamp
