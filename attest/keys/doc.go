// Package keys keeps secrets in sealed files, and lends out keys to sign with,
// wherever they lie.
//
// A configuration names a key by a reference ([ParseRef]), of one of three kinds:
//
//	file:keys/statement.age
//	pkcs11:token=assay;object=statement?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:pin.txt
//	transit:https://vault.example:8200/transit/statement?version=2
//
// A key of the second kind stays in a token ([OpenToken], in programs built with
// the tag pkcs11), one of the third in a Vault or OpenBao server ([OpenTransit]):
// what is to be signed goes there and a signature comes back. All sign alike, with
// Ed25519 or P-256 (SPEC part 10).
//
// A sealed file is an armored age file whose first line inside says what it
// holds. There are six kinds: a key that signs, the age identity
// that opens shard files (the snapshot key), the secret of one snapshot, the
// seed of a drawn instant, what a server has to serve proofs with, and a key that
// wraps other keys. Each is sealed to a passphrase or to age recipients, has mode 0600, and is
// never written over. Beside the first two lies the public half in clear, so
// that showing a key needs no passphrase:
//
//	keys/statement.age    -----BEGIN AGE ENCRYPTED FILE----- …
//	keys/statement.pub    ed25519:3b6a27bc…
//	keys/snapshot.age     -----BEGIN AGE ENCRYPTED FILE----- …
//	keys/snapshot.pub     age1ql3z7hjy…
//
// A key that wraps others ([KEK]) is named by the same references: it lies in a sealed
// file ([OpenKEK]), is an AES key of a token ([OpenTokenKEK]) or of a Transit server
// ([OpenTransitKEK]).
//
// What is opened prints as its public half only, whatever the verb; the secret half
// is in no error and in no String. The age command opens these files too.
package keys
