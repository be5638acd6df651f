// Package attest turns a claim into signed bytes that have one spelling only.
//
// Three things stand here, each a small layer on the one before:
//
//   - canonical JSON (SPEC part 2): [Canonical] writes it, [Decode] reads it
//     and refuses every other spelling of the same value;
//   - the in-toto [Statement] (SPEC part 9), which names a predicate and binds
//     files by digest through one manifest;
//   - the DSSE [Envelope] (SPEC part 10), in which one or more distinct
//     keys, Ed25519 or P-256, sign the statement's exact bytes.
//
// An envelope looks like this, on one line (base64 shortened):
//
//	{"payload":"eyJfdHlwZSI6…","payloadType":"application/vnd.in-toto+json",
//	 "signatures":[{"keyid":"5d41…","sig":"q83v…"}]}
//
// What a statement says is not decided here: the predicate is a type parameter. The
// payloads whose words are at home here are [ResponseKeys] and [AuditHead] (SPEC part
// 28), as rooms that read no statements must read them.
// Keys come in as a [Signer]; where they are kept is the business of package
// attest/keys. This package reads no clock, no file and no network.
package attest
