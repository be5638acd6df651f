package verifier

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// responder makes the vector of an answer that was edited before it was signed, or after.
type responder func(name, attack, check string, exit int, comment string, edit func(a *answerFixture))

func responseVectors(t testing.TB, put putter) {
	w := newWorld()
	exchange := w.exchange()
	policy := w.make(t).raw
	add := func(name, attack, check string, exit int, comment string, edit func(a *answerFixture)) {
		a := newAnswer(exchange)
		edit(a)
		v := vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: policy, Now: a.now, Fresh: a.fresh}
		if limits, ok := a.list["limits"].(string); ok { // of the policy
			delete(a.list, "limits")
			v.Policy += limitOfKey(exchange.text, limits)
		}
		v.Receipt, v.Keys = a.make()
		put("response", name, v)
	}
	happyResponses(add, exchange)
	happyTimes(add)
	receiptFaults(add)
	askedFaults(add)
	urlFaults(add)
	coveredFaults(add)
	fieldFaults(add)
	parameterFaults(add)
	digestFaults(add)
	keyListFaults(add, exchange)
	answerFaults(add)
	timeFaults(add)
}

func happyResponses(add responder, exchange signer) {
	happy := func(name, comment string, edit func(a *answerFixture)) {
		add("happy-"+name, "", "pass", 0, comment, edit)
	}
	target := func(name, comment, url, authority, path, query string) {
		happy(name, comment, func(a *answerFixture) {
			a.private()
			a.url, a.authority, a.path, a.query = url, authority, path, query
		})
	}
	happy("list", "a page of a list, valid for a minute", func(*answerFixture) {})
	happy("for-one-caller", "no-store: the host is covered", (*answerFixture).private)
	happy("immutable", "read a year later: it does not expire", func(a *answerFixture) { a.immutable(); a.now = readLater })
	happy("immutable-with-etag", "", func(a *answerFixture) {
		a.immutable()
		a.set("etag", `"0123abcd"`)
		a.cover(`"cache-control"`, `"cache-control" "etag"`)
	})
	happy("compressed", "the digest is that of the compressed content", func(a *answerFixture) {
		a.set("content-encoding", "gzip")
		a.cover(`"content-type"`, `"content-type" "content-encoding"`)
		a.content = gzipped(a.content)
	})
	happy("head", "the digest of what GET would have brought, and nothing to hold it against", func(a *answerFixture) { a.method = "HEAD" })
	happy("not-modified", "status 304 has neither content nor digest", func(a *answerFixture) { a.status = 304; a.cover(` "content-digest"`, "") })
	happy("not-found", "errors are signed too", func(a *answerFixture) { a.status, a.content = 404, `{"status":404}` })
	happy("no-content", "the digest of no bytes, no content type", func(a *answerFixture) {
		a.status, a.content, a.fields = 204, "", a.fields[1:]
		a.cover(` "content-type"`, "")
	})
	happy("post", "", func(a *answerFixture) { a.private(); a.method, a.status = "POST", 202 })
	happy("to-a-signed-request", "its signature is covered", (*answerFixture).toSigned)
	happy("to-a-signed-request-with-a-nonce", "", func(a *answerFixture) { a.toSigned(); a.nonce("0123456789-_abcDEF") })
	happy("with-a-nonce", "the caller's own", func(a *answerFixture) { a.nonce("0123456789-_abcDEF") })
	happy("nonce-of-16", "", func(a *answerFixture) { a.nonce(strings.Repeat("n", 16)) })
	happy("nonce-of-64", "", func(a *answerFixture) { a.nonce(strings.Repeat("n", 64)) })
	happy("beside-other-signatures", "members of other names are passed over, with commas and quotes in their strings", func(a *answerFixture) {
		a.answered = func(f [][2]string) [][2]string {
			f = field("signature-input", func(s string) string { return `proxy=("@status");keyid="a, assay=\"b\", c", ` + s + `,z.*=()` })(f)
			return field("signature", func(s string) string { return "proxy=:AAAA:,  " + s + " , z.*=:AAAA:" })(f)
		}
	})
	happy("fields-not-covered", "they may be kept, and count for nothing", func(a *answerFixture) {
		a.answered = with([2]string{"date", "Sun, 01 Nov 2026 01:00:00 GMT"}, [2]string{"vary", "accept"}, [2]string{"vary", "origin"}, [2]string{"x-1", `a "b" \c`})
	})
	happy("content-of-any-bytes", "", func(a *answerFixture) { a.content = "\x00\xff\r\n" })
	target("no-query", "its question mark is signed all the same", "https://exchange.example/v1/keys", "exchange.example", "/v1/keys", "?")
	target("empty-query", "likewise", "https://exchange.example/v1/keys?", "exchange.example", "/v1/keys", "?")
	target("root", "", "https://exchange.example/", "exchange.example", "/", "?")
	target("path-not-decoded", "", "https://exchange.example/a%2Fb/../%C3%A9;x=1?q=%20&q=a/b?c", "exchange.example", "/a%2Fb/../%C3%A9;x=1", "?q=%20&q=a/b?c")
	target("port", "", "https://exchange.example:8443/", "exchange.example:8443", "/", "?")
	target("loopback-name", "", "http://localhost:8080/", "localhost:8080", "/", "?")
	target("loopback-4", "", "http://127.0.0.1:8080/", "127.0.0.1:8080", "/", "?")
	target("loopback-6", "", "http://[::1]:8080/", "[::1]:8080", "/", "?")
	target("address-6", "", "https://[2001:db8::7]/", "[2001:db8::7]", "/", "?")
	happy("beside-a-key-for-the-audit-log", "", func(a *answerFixture) {
		a.list["keys"] = sortKeys(append(a.list["keys"].([]obj), auditKey("now", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"))...)
	})
	happy("keys-signed-by-two", "by a stranger too, who is passed over", func(a *answerFixture) { a.listedBy = []signer{exchange, person("stranger")} })
	happy("keys-within-their-signers-time", "to the second", func(a *answerFixture) {
		a.list["limits"] = "from = \"2026-09-30T23:59:59Z\"\nuntil = \"2026-10-01T00:00:00Z\"\n"
	})
}

func (a *answerFixture) nonce(s string) {
	a.params = strings.Replace(a.params, `;keyid`, `;nonce="`+s+`";keyid`, 1)
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return b.String()
}

func happyTimes(add responder) {
	happy := func(name, comment string, edit func(a *answerFixture)) {
		add("happy-"+name, "", "pass", 0, comment, edit)
	}
	happy("read-later", "who keeps an answer may show it when it has expired", func(a *answerFixture) { a.now = readLater })
	happy("fresh-to-the-second", "with --now it must not have expired", func(a *answerFixture) { a.now, a.fresh = "2026-11-01T01:01:00Z", true })
	happy("fresh-for-one-caller", "", func(a *answerFixture) { a.private(); a.now, a.fresh = "2026-11-01T01:05:00Z", true })
	happy("fresh-immutable", "it does not expire", func(a *answerFixture) { a.immutable(); a.now, a.fresh = readLater, true })
	happy("clock-behind", "the reader's is a minute behind the server's", func(a *answerFixture) { a.now, a.fresh = "2026-11-01T00:59:00Z", true })
	happy("expires-at-once", "", func(a *answerFixture) {
		a.params = strings.Replace(a.params, "expires=1793494860", "expires=1793494800", 1)
	})
	happy("first-second-of-the-key", "", func(a *answerFixture) { a.between(createdIs, "2027-01-01T00:00:00Z") })
	happy("last-second-of-the-key", "", func(a *answerFixture) { a.between("2026-10-01T00:00:00Z", createdIs) })
}

// between limits the server's key.
func (a *answerFixture) between(from, until string) {
	a.list["keys"] = []obj{serverKey(a.key, from, until)}
}

func receiptFaults(add responder) {
	const check = "response.format"
	fault := func(name, attack, comment string, edit func(r obj)) {
		add("receipt-"+name, attack, check, 3, comment, func(a *answerFixture) { a.receipt = edit })
	}
	add("receipt-of-version-2", "C8", check, 4, "", func(a *answerFixture) { a.receipt = func(r obj) { r["type"] = "assay/v2/receipt" } })
	add("receipt-white-space", "E2", check, 3, "", func(a *answerFixture) {
		a.raw = func(s string) string { return strings.Replace(s, `,"type"`, `, "type"`, 1) }
	})
	add("receipt-trailing-data", "E7", check, 3, "", func(a *answerFixture) { a.raw = func(s string) string { return s + "\n" } })
	add("receipt-escaped", "E2", check, 3, "an escape that nothing needs", func(a *answerFixture) {
		a.raw = func(s string) string { return strings.Replace(s, `"GET"`, `"\u0047ET"`, 1) }
	})
	fault("without-status", "E5", "", func(r obj) { delete(r, "status") })
	fault("with-another-key", "E5", "", func(r obj) { r["seen"] = true })
	fault("content-without-padding", "E2", "", func(r obj) { r["content"] = strings.TrimRight(r["content"].(string), "=") })
	fault("content-trailing-bits", "E2", "a bit beyond the last byte", func(r obj) { r["content"] = strings.Replace(r["content"].(string), "0=", "1=", 1) })
	fault("status-a-text", "E5", "", func(r obj) { r["status"] = "200" })
	fault("method-lower-case", "E2", "", func(r obj) { r["method"] = "get" })
	fault("method-empty", "E5", "", func(r obj) { r["method"] = "" })
	fault("method-of-17", "E9", "", func(r obj) { r["method"] = strings.Repeat("M", 17) })
	fault("headers-unsorted", "E2", "", func(r obj) { slices.Reverse(r["headers"].([]obj)) })
	fault("headers-none", "E5", "", func(r obj) { r["headers"] = []obj{} })
	fault("name-upper-case", "E2", "", func(r obj) { r["headers"].([]obj)[0]["name"] = "Cache-Control" })
	fault("name-of-65", "E9", "", func(r obj) {
		r["headers"] = append(r["headers"].([]obj), obj{"name": strings.Repeat("z", 65), "value": "x"})
	})
	value := func(name, v string) {
		fault("value-"+name, "E5", "", func(r obj) { r["headers"] = append(r["headers"].([]obj), obj{"name": "z", "value": v}) })
	}
	value("empty", "")
	value("blank-before", " x")
	value("blank-after", "x ")
	value("not-ascii", "é")
	value("of-8193", strings.Repeat("v", 8193))
	for _, c := range []struct {
		name, comment string
		status        int
	}{{"100", "no final answer", 100}, {"199", "", 199}, {"600", "", 600}, {"206", "a part, of which no field that is covered says which", 206}} {
		add("receipt-status-"+c.name, "E5", check, 3, c.comment, func(a *answerFixture) { a.status = c.status })
	}
	add("receipt-head-with-content", "E5", check, 3, "", func(a *answerFixture) { a.method, a.sent = "HEAD", a.content })
	add("receipt-not-modified-with-content", "E5", check, 3, "", func(a *answerFixture) { a.status, a.sent = 304, "x"; a.cover(` "content-digest"`, "") })
}

func askedFaults(add responder) {
	format := func(name, attack, comment string, edit func(a *answerFixture)) {
		add("asked-"+name, attack, "response.format", 3, comment, func(a *answerFixture) { a.toSigned(); edit(a) })
	}
	says := func(text string) func(a *answerFixture) {
		return func(a *answerFixture) { a.receipt = func(r obj) { r["asked"] = text } }
	}
	cover := func(from, to string) func(a *answerFixture) {
		return func(a *answerFixture) { a.cover(from, to) }
	}
	const ours = ` "signature";key="assay";req`
	format("not-covered", "E11", "the receipt names a request, the signature none", cover(ours, ""))
	format("not-kept", "E11", "the signature covers a request that the receipt left out", func(a *answerFixture) { a.receipt = func(r obj) { delete(r, "asked") } })
	format("first", "E2", "before the authority", cover(`"@authority";req`+ours, ours[1:]+` "@authority";req`))
	format("parameters-in-another-order", "E2", "which RFC 9421 allows", cover(`;key="assay";req`, `;req;key="assay"`))
	format("of-another-name", "E11", "a proxy's signature of the request", cover(`key="assay"`, `key="proxy"`))
	format("of-the-answer", "E11", "", cover(`;key="assay";req`, `;key="assay"`))
	format("whole", "E11", "all of the request's field", cover(`;key="assay";req`, `;req`))
	format("empty", "E5", "", says(""))
	format("of-63-bytes", "E5", "", says(base64.StdEncoding.EncodeToString(make([]byte, 63))))
	format("of-65-bytes", "E5", "", says(base64.StdEncoding.EncodeToString(make([]byte, 65))))
	format("trailing-bits", "E2", "64 bytes and a bit", says(strings.Repeat("A", 85)+"B=="))
	format("between-colons", "E2", "as the field has it", says(":"+base64.StdEncoding.EncodeToString(make([]byte, 64))+":"))
	add("asked-of-a-public-answer", "E11", "response.format", 3, "it is for all who ask", func(a *answerFixture) {
		a.asked = make([]byte, ed25519.SignatureSize)
		a.cover(`"@query";req`, `"@query";req`+ours)
	})
	add("asked-another", "C12", "response.signature", 1, "an answer to the caller's other request, of the same method and path", func(a *answerFixture) {
		a.toSigned()
		a.receipt = func(r obj) {
			r["asked"] = base64.StdEncoding.EncodeToString(ed25519.Sign(server("caller"), []byte("another request")))
		}
	})
}

func urlFaults(add responder) {
	for _, c := range []struct{ name, url, authority, path, query string }{
		{"with-a-fragment", "https://exchange.example/a#b", "exchange.example", "/a", "?"},
		{"with-a-user", "https://me@exchange.example/a", "exchange.example", "/a", "?"},
		{"with-a-blank", "https://exchange.example/a b", "exchange.example", "/a b", "?"},
		{"with-a-line-in-it", "https://exchange.example/a\n\"@query\";req: ?", "exchange.example", "/a\n\"@query\";req: ?", "?"},
		{"not-ascii", "https://exchange.example/é", "exchange.example", "/é", "?"},
		{"http", "http://exchange.example/a", "exchange.example", "/a", "?"},
		{"http-to-a-name-like-loopback", "http://127.0.0.1.exchange.example/a", "127.0.0.1.exchange.example", "/a", "?"},
		{"ftp", "ftp://exchange.example/a", "exchange.example", "/a", "?"},
		{"relative", "/a", "", "/a", "?"},
		{"without-a-host", "https:///a", "", "/a", "?"},
		{"without-a-path", "https://exchange.example", "exchange.example", "/", "?"},
		{"query-without-a-path", "https://exchange.example?a=/", "exchange.example", "/", "?a=/"},
		{"host-upper-case", "https://Exchange.example/a", "exchange.example", "/a", "?"},
		{"scheme-upper-case", "HTTPS://exchange.example/a", "exchange.example", "/a", "?"},
		{"usual-port", "https://exchange.example:443/a", "exchange.example", "/a", "?"},
		{"usual-port-of-http", "http://localhost:80/a", "localhost", "/a", "?"},
		{"port-leading-zero", "https://exchange.example:08443/a", "exchange.example:8443", "/a", "?"},
		{"port-empty", "https://exchange.example:/a", "exchange.example", "/a", "?"},
		{"port-beyond", "https://exchange.example:65536/a", "exchange.example:65536", "/a", "?"},
		{"address-6-bare", "https://2001:db8::7/a", "2001:db8::7", "/a", "?"},
		{"address-6-open", "https://[2001:db8::7/a", "[2001:db8::7", "/a", "?"},
		{"address-4-in-brackets", "http://[127.0.0.1]/a", "[127.0.0.1]", "/a", "?"},
		{"of-8193", "https://exchange.example/" + strings.Repeat("a", 8193-25), "exchange.example", "/" + strings.Repeat("a", 8193-25), "?"},
	} {
		add("url-"+c.name, "E2", "response.format", 3, "", func(a *answerFixture) {
			a.private()
			a.url, a.authority, a.path, a.query = c.url, c.authority, c.path, c.query
		})
	}
}

func coveredFaults(add responder) {
	fault := func(name, comment string, edit func(a *answerFixture)) {
		add("covered-"+name, "E11", "response.format", 3, comment, edit)
	}
	replaced := func(name, comment, from, to string) {
		fault(name, comment, func(a *answerFixture) { a.cover(from, to) })
	}
	for _, id := range []string{`"@status" `, `"content-type" `, `"content-digest" `, `"cache-control" `, `"@method";req `, `"@path";req `, ` "@query";req`} {
		name := strings.Trim(strings.TrimSuffix(strings.Trim(id, " "), ";req"), `"@`)
		replaced("without-"+name, "", id, "")
	}
	replaced("out-of-order", "", `"@status" "content-type"`, `"content-type" "@status"`)
	replaced("twice", "", `"@status"`, `"@status" "@status"`)
	replaced("one-more", "a field that no part covers", `"@method"`, `"date" "@method"`)
	replaced("etag-that-is-not-there", "", `"cache-control"`, `"cache-control" "etag"`)
	replaced("authority-of-a-public-answer", "which comes from wherever it is cached", `"@query";req`, `"@query";req "@authority";req`)
	replaced("method-of-the-answer", "an answer has none", `"@method";req`, `"@method"`)
	replaced("status-of-the-request", "", `"@status"`, `"@status";req`)
	replaced("field-as-a-structured-one", "", `"content-type"`, `"content-type";sf`)
	replaced("field-upper-case", "", `"content-type"`, `"Content-Type"`)
	replaced("two-blanks", "one list, one spelling", `"@status" `, `"@status"  `)
	replaced("nothing", "", ofResponse, "()")
	fault("without-etag", "the answer has one", func(a *answerFixture) { a.set("etag", `"0123abcd"`) })
	fault("without-content-encoding", "", func(a *answerFixture) { a.set("content-encoding", "gzip") })
	fault("content-encoding-first", "it stands after content-type", func(a *answerFixture) {
		a.set("content-encoding", "gzip")
		a.cover(`"content-type"`, `"content-encoding" "content-type"`)
	})
	fault("without-authority", "the answer was for one caller", func(a *answerFixture) { a.private(); a.cover(` "@authority";req`, "") })
	fault("field-that-the-receipt-left-out", "", func(a *answerFixture) { a.answered = without("content-type") })
	fault("digest-of-not-modified", "a 304 has none", func(a *answerFixture) { a.status = 304; a.set("content-digest", digestField("")) })
}

func fieldFaults(add responder) {
	fault := func(name, comment string, edit func(a *answerFixture)) {
		add("field-"+name, "E2", "response.format", 3, comment, edit)
	}
	for _, name := range []string{"signature", "signature-input", "content-digest", "cache-control"} {
		fault("without-"+name, "", func(a *answerFixture) { a.answered = without(name) })
	}
	for _, name := range []string{"signature", "signature-input", "content-digest", "cache-control", "content-type"} {
		fault(name+"-twice", "the same line again", func(a *answerFixture) {
			a.answered = func(f [][2]string) [][2]string {
				i := slices.IndexFunc(f, func(f [2]string) bool { return f[0] == name })
				return append(f, f[i])
			}
		})
	}
	edited := func(name, comment, of string, to func(string) string) {
		fault(name, comment, func(a *answerFixture) { a.answered = field(of, to) })
	}
	swap := func(from, to string) func(string) string {
		return func(s string) string { return strings.Replace(s, from, to, 1) }
	}
	for _, name := range []string{"signature", "signature-input"} {
		edited(name+"-of-another-name", "", name, swap("assay=", "sig1="))
		edited(name+"-member-twice", "", name, func(s string) string { return s + ", " + s })
		edited(name+"-member-without-value", "", name, func(string) string { return "assay" })
		edited(name+"-trailing-comma", "", name, func(s string) string { return s + "," })
		edited(name+"-open-string", "", name, func(s string) string { return s + `, x="` })
		edited(name+"-member-upper-case", "", name, func(s string) string { return s + `, X=()` })
		edited(name+"-parameter", "", name, func(s string) string { return s + `;x=1` })
	}
	edited("signature-without-colons", "", "signature", func(s string) string { return strings.ReplaceAll(s, ":", "") })
	edited("signature-as-a-text", "", "signature", func(s string) string { return strings.ReplaceAll(s, ":", `"`) })
	edited("signature-trailing-bits", "64 bytes and a bit", "signature", func(s string) string {
		last := s[len(s)-4] // before ==:
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		return s[:len(s)-4] + string(alphabet[strings.IndexByte(alphabet, last)+1]) + s[len(s)-3:]
	})
	fault("signature-of-63-bytes", "", func(a *answerFixture) { a.signed = func(s []byte) []byte { return s[:63] } })
	fault("signature-of-65-bytes", "", func(a *answerFixture) { a.signed = func(s []byte) []byte { return append(s, 0) } })
	fault("signature-empty", "", func(a *answerFixture) { a.signed = func([]byte) []byte { return nil } })
	signed := func(name, comment, field, value string) {
		fault(name, comment, func(a *answerFixture) { a.set(field, value) })
	}
	sum := base64.StdEncoding.EncodeToString(h([]byte(`{"reports":[]}`)))
	signed("digest-sha-512", "", "content-digest", "sha-512=:"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 64))+":")
	signed("digest-two", "two digests of one content", "content-digest", "sha-256=:"+sum+":, sha-512=:AAAA:")
	signed("digest-upper-case", "", "content-digest", "SHA-256=:"+sum+":")
	signed("digest-without-colons", "as of before RFC 9530", "content-digest", "sha-256="+sum)
	signed("digest-in-hex", "", "content-digest", "sha-256=:"+hex.EncodeToString(h([]byte(`{"reports":[]}`)))+":")
	signed("digest-of-31-bytes", "", "content-digest", "sha-256=:"+base64.StdEncoding.EncodeToString(make([]byte, 31))+":")
	signed("caching-upper-case", "a cache reads No-Store as no-store", "cache-control", "No-Store")
	signed("caching-quoted", "", "cache-control", `private="a, no-store"`)
	fault("caching-immutable-and-no-store", "", func(a *answerFixture) { a.private(); a.set("cache-control", "no-store, immutable") })
}

func parameterFaults(add responder) {
	replaced := func(name, comment, from, to string) {
		add("parameter-"+name, "E2", "response.format", 3, comment, func(a *answerFixture) { a.params = strings.Replace(a.params, from, to, 1) })
	}
	replaced("created-missing", "", ";created=1793494800", "")
	replaced("created-leading-zero", "", "created=1", "created=01")
	replaced("created-negative", "", "created=1", "created=-1")
	replaced("created-decimal", "", "created=1793494800", "created=1793494800.0")
	replaced("created-after-the-year-9999", "", "created=1793494800", "created=253402300800")
	replaced("created-of-13-digits", "milliseconds", "created=1793494800", "created=1793494800000")
	replaced("created-a-text", "", "created=1793494800", `created="1793494800"`)
	replaced("expires-missing", "the answer may change", ";expires=1793494860", "")
	replaced("expires-first", "", ";created=1793494800;expires=1793494860", ";expires=1793494860;created=1793494800")
	replaced("expires-empty", "", "expires=1793494860", "expires=")
	replaced("expires-twice", "", ";expires=1793494860", ";expires=1793494860;expires=1793494860")
	replaced("keyid-missing", "", `;keyid="KEYID"`, "")
	replaced("keyid-of-42", "", "KEYID", strings.Repeat("k", 42))
	replaced("keyid-of-44", "", "KEYID", strings.Repeat("k", 44))
	replaced("keyid-padded", "", "KEYID", strings.Repeat("k", 42)+"=")
	replaced("keyid-a-token", "", `"KEYID"`, "KEYID")
	replaced("alg-missing", "", `;alg="ed25519"`, "")
	replaced("alg-another", "", `"ed25519"`, `"hmac-sha256"`)
	replaced("alg-before-keyid", "", `;keyid="KEYID";alg="ed25519"`, `;alg="ed25519";keyid="KEYID"`)
	replaced("tag-missing", "", `;tag="assay-response-1"`, "")
	replaced("tag-of-version-2", "", "assay-response-1", "assay-response-2")
	replaced("one-more", "", `;tag="assay-response-1"`, `;tag="assay-response-1";x`)
	replaced("nonce-of-15", "", ";keyid", `;nonce="`+strings.Repeat("n", 15)+`";keyid`)
	replaced("nonce-of-65", "", ";keyid", `;nonce="`+strings.Repeat("n", 65)+`";keyid`)
	replaced("nonce-of-other-characters", "", ";keyid", `;nonce="aaaaaaaaaaaaaaa+";keyid`)
	replaced("nonce-last", "", `-1"`, `-1";nonce="aaaaaaaaaaaaaaaa"`)
	replaced("blank-between", "which RFC 8941 allows", ";keyid", "; keyid")
	add("parameter-expires-missing-for-one-caller", "E2", "response.format", 3, "", func(a *answerFixture) { a.private(); a.params = forever })
	add("parameter-expires-of-an-immutable-answer", "E2", "response.format", 3, "it is as true later", func(a *answerFixture) { a.immutable(); a.params = parameters })
}

func digestFaults(add responder) {
	fault := func(name, comment string, edit func(a *answerFixture)) {
		add("digest-"+name, "E7", "response.digest", 1, comment, edit)
	}
	fault("of-another-content", "", func(a *answerFixture) { a.sent = `{"reports":{}}` })
	fault("of-less", "a byte was added", func(a *answerFixture) { a.sent = a.content + "\n" })
	fault("of-more", "cut off", func(a *answerFixture) { a.sent = a.content[:5] })
	fault("of-the-compressed-content", "kept after it was unpacked", func(a *answerFixture) {
		a.set("content-encoding", "gzip")
		a.cover(`"content-type"`, `"content-type" "content-encoding"`)
		a.sent, a.content = a.content, gzipped(a.content)
	})
	fault("of-no-bytes", "", func(a *answerFixture) { a.set("content-digest", digestField("")) })
}

func keyListFaults(add responder, exchange signer) {
	const check = "response.keys"
	stranger := person("stranger")
	fault := func(name, attack string, exit int, comment string, edit func(a *answerFixture)) {
		add("keys-"+name, attack, check, exit, comment, edit)
	}
	fault("by-a-stranger", "C12", 1, "", func(a *answerFixture) { a.listedBy = []signer{stranger} })
	fault("by-the-servers-key", "C12", 1, "a server lists itself", func(a *answerFixture) { a.listedBy = []signer{edSigner(a.key)} })
	fault("altered", "E11", 1, "a key was added after signing", func(a *answerFixture) {
		a.envelope = func(e obj) {
			list := sortKeys(serverKey(server("now"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"), serverKey(server("stranger"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"))
			e["payload"] = base64.StdEncoding.EncodeToString(encode(obj{"exchange": "Demo Exchange", "issued": "2026-10-01T00:00:00Z", "keys": list, "type": "assay/v1/response-keys"}))
		}
	})
	fault("signed-as-a-statement", "C12", 1, "the same bytes, signed as another type", func(a *answerFixture) {
		a.envelope = func(e obj) { e["signatures"] = []obj{exchange.signature(dsseType, encode(a.list))} }
	})
	fault("in-a-statements-envelope", "C12", 3, "", func(a *answerFixture) { a.envelope = func(e obj) { e["payloadType"] = dsseType } })
	fault("one-signature-false", "E11", 1, "by the exchange's other key", func(a *answerFixture) {
		a.envelope = func(e obj) { e["signatures"].([]obj)[0]["sig"] = base64.StdEncoding.EncodeToString(make([]byte, 64)) }
	})
	limited := func(name, comment, limits string) {
		fault(name, "C12", 1, comment, func(a *answerFixture) { a.list["limits"] = limits })
	}
	limited("by-a-key-no-longer-believed", "", "until = \"2026-09-30T23:59:59Z\"\n")
	limited("by-a-key-not-yet-believed", "", "from = \"2026-10-01T00:00:01Z\"\n")
	limited("by-a-revoked-key", "nothing shows when the list was there", "revoked = \"2030-01-01T00:00:00Z\"\n")
	edited := func(name, attack string, exit int, comment string, edit func(list obj)) {
		fault(name, attack, exit, comment, func(a *answerFixture) { edit(a.list) })
	}
	edited("of-another-exchange", "C12", 1, "which has the same key", func(l obj) { l["exchange"] = "Other Exchange" })
	edited("of-version-2", "C8", 4, "", func(l obj) { l["type"] = "assay/v2/response-keys" })
	edited("none", "E5", 3, "", func(l obj) { l["keys"] = []obj{} })
	edited("unsorted", "E2", 3, "", func(l obj) { slices.Reverse(l["keys"].([]obj)) })
	edited("twice", "E3", 3, "one key, two times", func(l obj) {
		l["keys"] = []obj{serverKey(server("now"), "2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"), serverKey(server("now"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z")}
	})
	edited("with-p256", "E5", 3, "servers sign with Ed25519 alone", func(l obj) {
		l["keys"] = append(l["keys"].([]obj), obj{"from": "2026-10-01T00:00:00Z", "key": device("server").text, "until": "2027-01-01T00:00:00Z"})
	})
	edited("with-a-key-of-small-order", "B13", 3, "everybody can sign for it", func(l obj) {
		l["keys"] = append([]obj{{"from": "2026-10-01T00:00:00Z", "key": "ed25519:01" + strings.Repeat("0", 62), "until": "2027-01-01T00:00:00Z"}}, l["keys"].([]obj)...)
	})
	edited("with-a-key-of-an-unknown-use", "E5", 3, "", func(l obj) { l["keys"].([]obj)[0]["use"] = "answers" })
	edited("key-upper-case", "E2", 3, "", func(l obj) {
		k := l["keys"].([]obj)[1]
		k["key"] = "ed25519:" + strings.ToUpper(k["key"].(string)[8:])
	})
	edited("from-not-before-until", "E5", 3, "", func(l obj) { l["keys"].([]obj)[0]["until"] = l["keys"].([]obj)[0]["from"] })
	edited("without-until", "E5", 3, "", func(l obj) { delete(l["keys"].([]obj)[0], "until") })
	edited("until-no-time", "E2", 3, "", func(l obj) { l["keys"].([]obj)[0]["until"] = "2027-01-01" })
	edited("without-issued", "E5", 3, "", func(l obj) { delete(l, "issued") })
}

func answerFaults(add responder) {
	const check = "response.signature"
	fault := func(name, comment string, edit func(a *answerFixture)) {
		add("signature-"+name, "E11", check, 1, comment, edit)
	}
	fault("by-a-key-that-is-not-listed", "", func(a *answerFixture) { a.key = server("stranger") })
	fault("by-another-listed-key", "the key of before signs in the name of the one of now", func(a *answerFixture) {
		a.params = strings.Replace(a.params, "KEYID", thumbprintOf(server("now")), 1)
		a.key = server("before")
	})
	fault("by-a-key-for-the-audit-log", "it signs no answers", func(a *answerFixture) {
		for _, k := range a.list["keys"].([]obj) {
			if k["key"] == edSigner(a.key).text {
				k["use"] = "audit"
			}
		}
	})
	fault("by-the-key-of-before", "after its time", func(a *answerFixture) { a.key = server("before") })
	fault("a-second-before-the-key", "", func(a *answerFixture) { a.between("2026-11-01T01:00:01Z", "2027-01-01T00:00:00Z") })
	fault("a-second-after-the-key", "", func(a *answerFixture) { a.between("2026-10-01T00:00:00Z", "2026-11-01T00:59:59Z") })
	fault("respelled", "s plus the group order: the same signature, written by somebody else", func(a *answerFixture) {
		a.signed = func(s []byte) []byte {
			order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
			scalar := slices.Clone(s[32:])
			slices.Reverse(scalar)
			order.Add(order, new(big.Int).SetBytes(scalar)).FillBytes(scalar)
			slices.Reverse(scalar)
			return append(slices.Clone(s[:32]), scalar...)
		}
	})
	fault("of-zeros", "", func(a *answerFixture) { a.signed = func([]byte) []byte { return make([]byte, ed25519.SignatureSize) } })
	for _, c := range []struct{ name, id, says string }{
		{"status", `"@status"`, "404"}, {"method", `"@method";req`, "HEAD"}, {"path", `"@path";req`, "/v1/report"}, {"query", `"@query";req`, "?limit=3"},
		{"content-type", `"content-type"`, "text/html"}, {"content-digest", `"content-digest"`, digestField("")}, {"cache-control", `"cache-control"`, "no-cache"},
		{"query-without-its-mark", `"@query";req`, "limit=2"},
	} {
		fault("of-another-"+c.name, "", func(a *answerFixture) { a.says = map[string]string{c.id: c.says} })
	}
	fault("of-another-host", "an answer of the exchange's test server", func(a *answerFixture) {
		a.private()
		a.says = map[string]string{`"@authority";req`: "test.exchange.example"}
	})
	fault("of-a-decoded-path", "", func(a *answerFixture) { a.url, a.path = "https://exchange.example/a%2Fb?limit=2", "/a/b" })
	based := func(name, comment string, edit func(string) string) {
		fault(name, comment, func(a *answerFixture) { a.base = edit })
	}
	based("of-later-parameters", "created was changed", func(s string) string { return strings.Replace(s, "created=1793494800", "created=1793494799", 1) })
	based("of-another-nonce", "an answer to somebody else", func(s string) string { return strings.Replace(s, ";keyid", `;nonce="aaaaaaaaaaaaaaaa";keyid`, 1) })
	based("with-a-line-more", "a newline at the end of the base", func(s string) string { return s + "\n" })
	based("without-parameters", "", func(s string) string { return s[:strings.Index(s, "\n\"@signature-params\"")] })
	based("with-windows-lines", "", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") })
	based("of-its-digest", "", func(s string) string { return string(h([]byte(s))) })
}

func timeFaults(add responder) {
	fault := func(name, comment string, edit func(a *answerFixture)) {
		add("time-"+name, "C10", "response.time", 1, comment, edit)
	}
	fault("to-come", "61 seconds ahead of the reader's clock", func(a *answerFixture) { a.now = "2026-11-01T00:58:59Z" })
	fault("expired", "asked for as of now", func(a *answerFixture) { a.now, a.fresh = "2026-11-01T01:01:01Z", true })
	fault("expired-for-one-caller", "", func(a *answerFixture) { a.private(); a.now, a.fresh = "2026-11-01T01:05:01Z", true })
	fault("expires-before-created", "", func(a *answerFixture) { a.params = strings.Replace(a.params, "1793494860", "1793494799", 1) })
	fault("valid-for-61-seconds", "an answer that may change within a minute", func(a *answerFixture) { a.params = strings.Replace(a.params, "1793494860", "1793494861", 1) })
	fault("valid-for-301-seconds", "", func(a *answerFixture) {
		a.private()
		a.params = strings.Replace(a.params, "1793495100", "1793495101", 1)
	})
}

func checkResponse(t testing.TB, v vector) {
	policy, err := ReadPolicy([]byte(v.Policy))
	if err != nil {
		t.Fatal(err)
	}
	now, err := time.Parse(timeForm, v.Now)
	if err != nil {
		t.Fatal(err)
	}
	expectVerdict(t, v, Response(Answer{Receipt: []byte(v.Receipt), Keys: []byte(v.Keys), Now: now, Fresh: v.Fresh}, policy))
}
