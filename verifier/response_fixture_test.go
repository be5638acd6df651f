package verifier

import (
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// An answerFixture is SPEC part 28 written down line by line. Its parts say one thing in several places, as the standard does (url and path, fields
// and what is covered), so that each can be wrong alone.
type answerFixture struct {
	method, url            string
	authority, path, query string // as they are signed
	asked                  []byte // signature of the request
	status                 int
	fields                 [][2]string // but for those that signing adds
	content                string
	sent                   string // in place of content, after it was digested
	covered                string // as signature-input has it
	params                 string // KEYID stands for the thumbprint
	key                    ed25519.PrivateKey
	says                   map[string]string // of a component: what is signed in place of its value
	base                   func(string) string
	signed                 func([]byte) []byte
	answered               func(fields [][2]string) [][2]string // after signing
	receipt                func(obj)
	raw                    func(string) string
	list                   obj
	listedBy               []signer
	envelope               func(obj)
	now                    string
	fresh                  bool
}

const (
	keyListKind = "application/vnd.assay.response-keys+json"

	created    = 1793494800 // 2026-11-01T01:00:00Z
	createdIs  = "2026-11-01T01:00:00Z"
	readAt     = "2026-11-01T01:00:05Z"
	readLater  = "2027-11-01T01:00:00Z"
	ofResponse = `("@status" "content-type" "content-digest" "cache-control" "@method";req "@path";req "@query";req)`
	parameters = `;created=1793494800;expires=1793494860;keyid="KEYID";alg="ed25519";tag="assay-response-1"`
	forOne     = `;created=1793494800;expires=1793495100;keyid="KEYID";alg="ed25519";tag="assay-response-1"`
	forever    = `;created=1793494800;keyid="KEYID";alg="ed25519";tag="assay-response-1"`
)

func server(name string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(h([]byte("server " + name)))
}

func thumbprintOf(key ed25519.PrivateKey) string {
	x := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	return base64.RawURLEncoding.EncodeToString(h([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`)))
}

func serverKey(key ed25519.PrivateKey, from, until string) obj {
	return obj{"from": from, "key": edSigner(key).text, "until": until}
}

func sortKeys(keys ...obj) []obj {
	slices.SortFunc(keys, func(a, b obj) int { return strings.Compare(a["key"].(string), b["key"].(string)) })
	return keys
}

// newAnswer is a page of a list, which may change within a minute.
func newAnswer(exchange signer) *answerFixture {
	return &answerFixture{
		method: "GET", url: "https://exchange.example/v1/reports?limit=2", authority: "exchange.example", path: "/v1/reports", query: "?limit=2",
		status: 200, fields: [][2]string{{"content-type", "application/json"}, {"cache-control", "public, max-age=30"}},
		content: `{"reports":[]}`, covered: ofResponse, params: parameters, key: server("now"),
		list: obj{
			"exchange": "Demo Exchange", "issued": "2026-10-01T00:00:00Z", "type": "assay/v1/response-keys",
			"keys": sortKeys(
				serverKey(server("before"), "2026-01-01T00:00:00Z", "2026-10-02T00:00:00Z"),
				serverKey(server("now"), "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
			),
		},
		listedBy: []signer{exchange}, now: readAt,
	}
}

// private is an answer for one caller.
func (a *answerFixture) private() {
	a.set("cache-control", "no-store")
	a.cover(`"@query";req)`, `"@query";req "@authority";req)`)
	a.params = forOne
}

// toSigned is an answer for one caller, to a request that was signed.
func (a *answerFixture) toSigned() {
	a.private()
	a.method, a.asked = "POST", ed25519.Sign(server("caller"), []byte("a request"))
	a.cover(`"@authority";req`, `"@authority";req "signature";key="assay";req`)
}

// immutable is an answer that is as true later.
func (a *answerFixture) immutable() {
	a.set("cache-control", "public, max-age=31536000, immutable")
	a.params = forever
}

// set gives a field another value, or adds it.
func (a *answerFixture) set(name, value string) {
	for i := range a.fields {
		if a.fields[i][0] == name {
			a.fields[i][1] = value
			return
		}
	}
	a.fields = append(a.fields, [2]string{name, value})
}

// cover puts other text where some stands in what is covered.
func (a *answerFixture) cover(from, to string) { a.covered = strings.Replace(a.covered, from, to, 1) }

func digestField(content string) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(h([]byte(content))) + ":"
}

// value is what a component stands for.
func (a *answerFixture) value(fields [][2]string, id string) string {
	if v, edited := a.says[id]; edited {
		return v
	}
	switch id {
	case `"@status"`:
		return strconv.Itoa(a.status)
	case `"@method";req`, `"@method"`:
		return a.method
	case `"@path";req`:
		return a.path
	case `"@query";req`:
		return a.query
	case `"@authority";req`:
		return a.authority
	case `"signature";key="assay";req`:
		return ":" + base64.StdEncoding.EncodeToString(a.asked) + ":"
	}
	for _, f := range fields {
		if `"`+f[0]+`"` == id {
			return f[1]
		}
	}
	return ""
}

// make signs the answer and its key list, and keeps both.
func (a *answerFixture) make() (receipt, keys string) {
	fields := slices.Clone(a.fields)
	if a.status != 304 && !slices.ContainsFunc(fields, func(f [2]string) bool { return f[0] == "content-digest" }) {
		fields = append(fields, [2]string{"content-digest", digestField(a.content)})
	}
	input := a.covered + strings.Replace(a.params, "KEYID", thumbprintOf(a.key), 1)
	var base strings.Builder
	for _, id := range strings.Split(strings.Trim(a.covered, "()"), " ") {
		base.WriteString(id + ": " + a.value(fields, id) + "\n")
	}
	base.WriteString(`"@signature-params": ` + input)
	text := base.String()
	if a.base != nil {
		text = a.base(text)
	}
	signature := ed25519.Sign(a.key, []byte(text))
	if a.signed != nil {
		signature = a.signed(signature)
	}
	fields = append(fields, [2]string{"signature-input", "assay=" + input}, [2]string{"signature", "assay=:" + base64.StdEncoding.EncodeToString(signature) + ":"})
	if a.answered != nil {
		fields = a.answered(fields)
	}
	slices.SortStableFunc(fields, func(x, y [2]string) int { return strings.Compare(x[0], y[0]) })
	headers := []obj{}
	for _, f := range fields {
		headers = append(headers, obj{"name": f[0], "value": f[1]})
	}
	content := a.content
	if a.method == "HEAD" || a.status == 304 {
		content = ""
	}
	if a.sent != "" {
		content = a.sent
	}
	kept := obj{
		"content": base64.StdEncoding.EncodeToString([]byte(content)), "headers": headers, "method": a.method, "status": a.status,
		"type": "assay/v1/receipt", "url": a.url,
	}
	if a.asked != nil {
		kept["asked"] = base64.StdEncoding.EncodeToString(a.asked)
	}
	edit(a.receipt, kept)
	receipt = string(encode(kept))
	if a.raw != nil {
		receipt = a.raw(receipt)
	}
	envelope := sealedBy(keyListKind, encode(a.list), a.listedBy...)
	edit(a.envelope, envelope)
	return receipt, string(encode(envelope))
}

// field edits one field after signing.
func field(name string, to func(string) string) func([][2]string) [][2]string {
	return func(fields [][2]string) [][2]string {
		for i := range fields {
			if fields[i][0] == name {
				fields[i][1] = to(fields[i][1])
			}
		}
		return fields
	}
}

func without(name string) func([][2]string) [][2]string {
	return func(fields [][2]string) [][2]string {
		return slices.DeleteFunc(fields, func(f [2]string) bool { return f[0] == name })
	}
}

func with(more ...[2]string) func([][2]string) [][2]string {
	return func(fields [][2]string) [][2]string { return append(fields, more...) }
}
