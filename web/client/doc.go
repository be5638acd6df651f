// Package client asks the server of an exchange, and takes no answer that is not signed
// (SPEC part 28). What it knows beforehand is the exchange's public key and nothing of the
// server: the list of the keys that sign answers comes from the server itself,
// /.well-known/assay-keys, and is believed as the exchange's key signed it.
//
//	c, err := client.New(client.Config{URL: "https://por.exchange.example", Keys: []string{"ed25519:…"}})
//	resp, err := c.Get(ctx, "/v1/reports")    // checked
//	content, err := io.ReadAll(resp.Body)     // checked
//	receipt, err := client.Receipt(resp, content)
//
// With an API key, [Client.Proof] asks for a customer's inclusion proof, [Client.Me] who one
// is, and [Client.Clients] and [Client.APIKeys] and what is beside them manage who else may ask.
//
// What the server tells by itself, [Client.Webhook] checks.
//
// A receipt, and the key list beside it, shows anybody later what the server answered:
// assay-verify response checks both. A [Client] is an [http.RoundTripper] too, so that
// whatever takes an http.Client can ask through it.
//
// The same in TypeScript, for browsers and node, is ts/assay-client.ts: one file to copy, which
// needs nothing but fetch and WebCrypto.
//
// Who answered what when: that is what is checked. Whether it is true, assay-verify checks.
package client
