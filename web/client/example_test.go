package client_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
)

// Who knows the exchange's public key asks its server, reads what was checked, and keeps a receipt.
func Example() {
	server, statement := serve()
	defer server.Close()

	c, err := client.New(client.Config{URL: server.URL, Keys: []string{statement.String()}, Exchange: "Demo Exchange", HTTP: server.Client()})
	if err != nil {
		log.Fatal(err)
	}
	resp, err := c.Get(context.Background(), "/v1/reports")
	if err != nil {
		log.Fatal(err) // also where the answer was not signed, or altered on the way
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := client.Receipt(resp, content)
	if err != nil {
		log.Fatal(err)
	}
	list, err := c.Keys(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", content)
	fmt.Println("to keep: a receipt and a key list, both there:", len(receipt) > 0, len(list) > 0)

	// A page that the server's own signer did not make.
	forged, err := c.Get(context.Background(), "/forged")
	if err == nil {
		defer forged.Body.Close()
	}
	fmt.Println(errors.Is(err, httpsig.ErrUnsigned), errors.Unwrap(err))
	// Output:
	// {"reports":["2026-10"]}
	// to keep: a receipt and a key list, both there: true true
	// true client: the answer is not signed: it has not both Signature and Signature-Input
}

// serve is an exchange's server: what it answers is signed by a response key, which the statement's key lists.
func serve() (*httptest.Server, attest.PublicKey) {
	statement, response := statementKey{key(1)}, key(2)
	signer, err := httpsig.NewSigner(response, time.Now)
	if err != nil {
		log.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	payload, err := attest.ResponseKeys{
		Exchange: "Demo Exchange", Issued: now, Type: attest.TypeResponseKeys,
		Keys: []attest.ResponseKey{{From: now, Key: attest.Ed25519Key([32]byte(response.Public().(ed25519.PublicKey))), Until: now.AddDate(0, 0, 30)}},
	}.JSON()
	if err != nil {
		log.Fatal(err)
	}
	envelope, err := attest.Sign(attest.PayloadResponseKeys, payload, statement)
	if err != nil {
		log.Fatal(err)
	}
	list, err := envelope.JSON()
	if err != nil {
		log.Fatal(err)
	}
	signed := http.NewServeMux()
	signed.HandleFunc("/.well-known/assay-keys", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) })
	signed.HandleFunc("/v1/reports", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"reports":["2026-10"]}`) })

	all := http.NewServeMux()
	all.Handle("/", httpsig.Handler(signed, signer))
	all.HandleFunc("/forged", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"reports":[]}`) })
	return httptest.NewTLSServer(all), statement.PublicKey()
}
