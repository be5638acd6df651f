// Package httpsig signs the answers of a server, and checks them (SPEC part 28): HTTP
// Message Signatures (RFC 9421) and digest fields (RFC 9530), narrowed so that one answer
// is signed in one way.
//
// A signed answer carries, beside its own fields:
//
//	Content-Digest: sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:
//	Signature-Input: assay=("@status" "content-type" "content-digest" "cache-control" "@method";req "@path";req "@query";req)
//	                 ;created=1793620800;expires=1793620860;keyid="poqk…";alg="ed25519";tag="assay-response-1"   (one line)
//	Signature: assay=:wqcAqb…:
//
// The server puts [Handler] around all that it answers, with a [Signer]. What is below it
// answers as any http.Handler does and never gives an answer that is not signed: errors,
// panics and refusals are signed too, and where no signature can be had the connection is
// cut. Who asks holds an answer to [Verify], with keys that came by another way: the list
// of /.well-known/assay-keys, which the exchange's own key signed.
//
// Requests may be signed too, by whoever has no other credential ([SignRequest], [ReadRequest]): with the tag
// assay-request-1 and a nonce, so that a server takes each once. An answer for one caller then covers the request's
// signature: it is to that request and no other.
//
// A signature shows who answered what when. Whether what was answered is true it does not show.
package httpsig
