package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Answers as a server of the Demo Exchange signs them, straight from SPEC part 28: the base is put together line by line.

func serverThumbprint() string {
	x := base64.RawURLEncoding.EncodeToString(seed("server").Public().(ed25519.PublicKey))
	return base64.RawURLEncoding.EncodeToString(h([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`)))
}

// serverKeys is the list of the servers' keys, signed by the key that signs statements.
func serverKeys() []byte {
	const kind = "application/vnd.assay.response-keys+json"
	key := "ed25519:" + hex.EncodeToString(seed("server").Public().(ed25519.PublicKey))
	payload := encode(obj{
		"exchange": "Demo Exchange", "issued": "2026-01-01T00:00:00Z", "type": "assay/v1/response-keys",
		"keys": []obj{{"from": "2026-01-01T00:00:00Z", "key": key, "until": "2126-01-01T00:00:00Z"}},
	})
	exchange := "ed25519:" + hex.EncodeToString(seed("exchange").Public().(ed25519.PublicKey))
	signature := ed25519.Sign(seed("exchange"), fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
	return encode(obj{
		"payload": base64.StdEncoding.EncodeToString(payload), "payloadType": kind,
		"signatures": []obj{{"keyid": hex.EncodeToString(h([]byte("assay/v1/key\x00" + exchange))), "sig": base64.StdEncoding.EncodeToString(signature)}},
	})
}

// signedFields gives the fields of an answer for one caller.
func signedFields(host, path, query string, status int, content []byte, created time.Time, nonce string) map[string]string {
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(h(content)) + ":"
	input := `("@status" "content-type" "content-digest" "cache-control" "@method";req "@path";req "@query";req "@authority";req)` +
		fmt.Sprintf(`;created=%d;expires=%d%s;keyid="%s";alg="ed25519";tag="assay-response-1"`, created.Unix(), created.Unix()+300, nonce, serverThumbprint())
	base := fmt.Sprintf("\"@status\": %d\n\"content-type\": application/json\n\"content-digest\": %s\n\"cache-control\": no-store\n\"@method\";req: GET\n\"@path\";req: %s\n\"@query\";req: %s\n\"@authority\";req: %s\n\"@signature-params\": %s",
		status, digest, path, "?"+query, host, input)
	return map[string]string{
		"cache-control": "no-store", "content-digest": digest, "content-type": "application/json",
		"signature": "assay=:" + base64.StdEncoding.EncodeToString(ed25519.Sign(seed("server"), []byte(base))) + ":", "signature-input": "assay=" + input,
	}
}

// keptAnswer is an answer of long ago as a receipt.
func keptAnswer(path string, content []byte) []byte {
	created := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	headers := []obj{}
	for name, value := range signedFields("exchange.example", path, "", 200, content, created, "") {
		headers = append(headers, obj{"name": name, "value": value})
	}
	slices.SortFunc(headers, func(a, b obj) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	return encode(obj{
		"content": base64.StdEncoding.EncodeToString(content), "headers": headers, "method": "GET", "status": 200, "type": "assay/v1/receipt",
		"url": "https://exchange.example" + path,
	})
}

// serveSigned answers below /signed/, now; some of it as a server should not.
func serveSigned(w http.ResponseWriter, r *http.Request) {
	status, content, created, nonce := http.StatusOK, []byte(`{"reports":[]}`), time.Now(), ""
	what := strings.TrimPrefix(r.URL.Path, "/signed/")
	switch what {
	case "moved":
		status = http.StatusFound
		w.Header().Set("Location", "/signed/list")
	case "replayed":
		created = created.Add(-10 * time.Minute)
	case "of-somebody-else":
		nonce = `;nonce="0123456789abcdef"`
	}
	for name, value := range signedFields(r.Host, r.URL.EscapedPath(), r.URL.RawQuery, status, content, created, nonce) {
		w.Header().Set(name, value)
	}
	switch what {
	case "altered":
		content = []byte(`{"reports":{}}`)
	case "unsigned":
		w.Header().Del("Signature")
	case "twice":
		w.Header().Add("Cache-Control", "public")
	case "cut":
		w.Header().Set("Content-Length", "1000")
	}
	if r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
		status = http.StatusTeapot
	}
	w.WriteHeader(status)
	_, _ = w.Write(content)
}
