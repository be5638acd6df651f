// Package keys keeps secrets in sealed files and lends them out.
//
// A sealed file is an armored age file whose first line inside says what it
// holds. There are four kinds: the key that signs statements, the age identity
// that opens shard files (the snapshot key), the secret of one snapshot, and the
// seed of a drawn instant. Each is sealed to a passphrase or to age recipients, has mode 0600, and is
// never written over. Beside the first two lies the public half in clear, so
// that showing a key needs no passphrase:
//
//	keys/statement.age    -----BEGIN AGE ENCRYPTED FILE----- …
//	keys/statement.pub    ed25519:3b6a27bc…
//	keys/snapshot.age     -----BEGIN AGE ENCRYPTED FILE----- …
//	keys/snapshot.pub     age1ql3z7hjy…
//
// A configuration names a key by a reference, "file:keys/statement.age". What is
// opened prints as its public half only, whatever the verb; the secret half is in
// no error and in no String. The age command opens these files too.
package keys
