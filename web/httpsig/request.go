package httpsig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// RequestTag is the tag of a signed request.
const RequestTag = "assay-request-1"

// Limits of what a request may carry in Signature-Input.
const (
	maxSignatures = 4
	maxComponents = 32
)

// ErrRequest says that a request is not signed as it must be. It comes with a sentence that says more.
var ErrRequest = errors.New("the request is not signed as it must be")

// AcceptRequest is the value of Accept-Signature by which a server says what the signature of a request must cover, with
// content or without. It cannot say that keyid and nonce must be there too, and of [RequestFields] those that are sent.
func AcceptRequest(content bool) string {
	more := ""
	if content {
		more = ` "content-type" "content-digest"`
	}
	return label + `=("@method" "@authority" "@path" "@query"` + more + `);created;alg="ed25519";tag="` + RequestTag + `"`
}

// RequestFields are the fields that the signature of a request covers where they are sent; with content the first two must be.
var RequestFields = [...]string{"content-type", "content-digest", "authorization", "assay-key", "dpop", "idempotency-key", "if-match"}

// Request is what the signature of a request says, before it was verified.
type Request struct {
	KeyID   string // what the caller's key is known by
	Nonce   string // 16 to 64 of A-Z a-z 0-9 - _
	Created time.Time

	message   []byte
	signature []byte
	digests   map[string][]byte // of Content-Digest, by algorithm
}

// IsSigned reports whether a request has a member of ours among its signatures, which must then be verified.
func IsSigned(r *http.Request) bool {
	for _, name := range []string{"Signature", "Signature-Input"} {
		for _, line := range r.Header[name] {
			for _, m := range split(line) {
				key, _, _ := strings.Cut(m, "=")
				if key, _, _ = strings.Cut(key, ";"); strings.Trim(key, " \t") == label {
					return true
				}
			}
		}
	}
	return false
}

// ReadRequest reads the signature of a request that a server received (RFC 9421): one member assay, which covers the
// method, authority, path and query, content-type and content-digest where there is content, those of [RequestFields] that
// are sent, in any order, and nothing else; with the parameters created, nonce, keyid, alg="ed25519" and
// tag="assay-request-1", and no others. The error is [ErrRequest]. Nothing is verified yet: that takes [Request.Verify] with
// the key's public half, [Request.CheckContent] with the content, and looking at Created and Nonce.
func ReadRequest(r *http.Request) (*Request, error) {
	s, err := readRequest(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	return s, nil
}

func readRequest(r *http.Request) (*Request, error) {
	input, sig, err := members(r.Header)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Signature", "Signature-Input"} {
		if len(split(r.Header[name][0])) > maxSignatures {
			return nil, fmt.Errorf("%s has more than %d members", name, maxSignatures)
		}
	}
	list, err := innerList(input)
	if err != nil {
		return nil, err
	}
	s := &Request{signature: sig}
	if err := s.readParams(list.Params); err != nil {
		return nil, err
	}
	q := asked(r)
	q.method = sentMethod(r)
	want, err := mustCover(q, r.Header, r.ContentLength != 0)
	if err != nil {
		return nil, err
	}
	components, err := inOrder(list, want)
	if err != nil {
		return nil, err
	}
	if s.digests, err = digests(r.Header); err != nil {
		return nil, err
	}
	s.message = []byte(base(components, strings.TrimPrefix(input, identifiers(components))))
	return s, nil
}

// innerList reads our member of Signature-Input. Spelt in another way than the one that all serialise, it may not say to all the same.
func innerList(input string) (httpsfv.InnerList, error) {
	parsed, err := httpsfv.UnmarshalDictionary([]string{label + "=" + input})
	if err != nil {
		return httpsfv.InnerList{}, err
	}
	m, _ := parsed.Get(label)
	list, ok := m.(httpsfv.InnerList)
	if !ok || list.Params == nil {
		return list, errors.New("Signature-Input is no inner list")
	}
	if text, err := httpsfv.Marshal(parsed); err != nil || text != label+"="+input {
		return list, errors.New("Signature-Input is not spelt as RFC 9651 serialises it")
	}
	if len(list.Items) > maxComponents {
		return list, fmt.Errorf("more than %d components", maxComponents)
	}
	return list, nil
}

// readParams reads the parameters of a signature, of which there must be five.
func (s *Request) readParams(p *httpsfv.Params) error {
	if names := slices.Sorted(slices.Values(p.Names())); !slices.Equal(names, []string{"alg", "created", "keyid", "nonce", "tag"}) {
		return fmt.Errorf("its parameters are %s; want created, nonce, keyid, alg, tag", strings.Join(names, ", "))
	}
	text := func(name string) string {
		v, _ := p.Get(name)
		s, _ := v.(string)
		return s
	}
	v, _ := p.Get("created")
	created, ok := v.(int64)
	if !ok || created <= 0 || created > lastSecond {
		return errors.New("created is no time")
	}
	s.Created, s.Nonce, s.KeyID = time.Unix(created, 0).UTC(), text("nonce"), text("keyid")
	switch {
	case text("alg") != "ed25519":
		return errors.New("alg is not ed25519")
	case text("tag") != RequestTag:
		return errors.New("tag is not " + RequestTag)
	case !isNonce(s.Nonce):
		return errors.New("nonce is not 16 to 64 of A-Z a-z 0-9 - _")
	case s.KeyID == "" || len(s.KeyID) > 64:
		return errors.New("keyid is not of 1 to 64 characters")
	}
	return nil
}

// inOrder are the components that must be covered, in the order in which a signature names them.
func inOrder(list httpsfv.InnerList, want []component) ([]component, error) {
	components := make([]component, 0, len(list.Items))
	for _, item := range list.Items {
		name, ok := item.Value.(string)
		if !ok || item.Params != nil && len(item.Params.Names()) > 0 {
			return nil, errors.New("a component is no name without parameters")
		}
		at := slices.IndexFunc(want, func(c component) bool { return c.id == `"`+name+`"` })
		if at < 0 {
			return nil, fmt.Errorf("%q is covered twice, is not in the request, or is none that is covered", name)
		}
		components, want = append(components, want[at]), slices.Delete(want, at, at+1)
	}
	if len(want) > 0 {
		return nil, fmt.Errorf("%s is not covered", want[0].id)
	}
	return components, nil
}

// mustCover are the components that the signature of a request covers.
func mustCover(q question, header http.Header, content bool) ([]component, error) {
	all := []component{{`"@method"`, q.method}, {`"@authority"`, q.authority}, {`"@path"`, q.path}, {`"@query"`, q.query}}
	for i, name := range RequestFields {
		value, there, err := field(header, name)
		if err != nil {
			return nil, err
		}
		if there {
			all = append(all, component{`"` + name + `"`, value})
		} else if content && i < 2 {
			return nil, fmt.Errorf("there is content and no %s", name)
		}
	}
	return all, nil
}

// digests reads Content-Digest: of sha-256, of sha-512, or both.
func digests(header http.Header) (map[string][]byte, error) {
	value, there, err := field(header, "content-digest")
	if err != nil || !there {
		return nil, err
	}
	parsed, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil {
		return nil, fmt.Errorf("Content-Digest: %w", err)
	}
	all := map[string][]byte{}
	for _, name := range parsed.Names() {
		m, _ := parsed.Get(name)
		item, _ := m.(httpsfv.Item)
		sum, ok := item.Value.([]byte)
		if name != "sha-256" && name != "sha-512" || !ok {
			return nil, errors.New("Content-Digest is not of sha-256 or sha-512 alone")
		}
		all[name] = sum
	}
	return all, nil
}

// Verify reports whether that key signed the request.
func (s *Request) Verify(public ed25519.PublicKey) bool {
	return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, s.message, s.signature)
}

// CheckContent reports, by [ErrRequest], that the content is not what was signed.
func (s *Request) CheckContent(content []byte) error {
	if len(content) > 0 && len(s.digests) == 0 {
		return fmt.Errorf("%w: there is content, and none was signed", ErrRequest)
	}
	short, long := sha256.Sum256(content), sha512.Sum512(content)
	for name, sum := range s.digests {
		if want := map[string][]byte{"sha-256": short[:], "sha-512": long[:]}[name]; !bytes.Equal(sum, want) {
			return fmt.Errorf("%w: the content is not that of Content-Digest", ErrRequest)
		}
	}
	return nil
}

// SignRequest signs a request that a client is about to send, with content or without, under the id that the server knows
// the key by. The nonce is of 16 to 64 of A-Z a-z 0-9 - _, drawn anew for each request.
func SignRequest(r *http.Request, content []byte, key crypto.Signer, id, nonce string, created time.Time) error {
	if !isNonce(nonce) {
		return fmt.Errorf("httpsig: the nonce %q is not 16 to 64 of A-Z a-z 0-9 - _", nonce)
	}
	if len(content) > 0 {
		r.Header.Set("Content-Digest", ContentDigest(sha256.Sum256(content)))
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	components, err := mustCover(questionOf(r.Method, r.URL.RequestURI(), r.URL.Scheme, host), r.Header, len(content) > 0)
	if err != nil {
		return fmt.Errorf("httpsig: the request cannot be signed: %w", err)
	}
	text := fmt.Sprintf(`;created=%d;nonce="%s";keyid="%s";alg="ed25519";tag="%s"`, created.Unix(), nonce, id, RequestTag)
	sig, err := key.Sign(nil, []byte(base(components, text)), crypto.Hash(0)) // Ed25519 needs no randomness
	if err != nil {
		return fmt.Errorf("httpsig: the key did not sign: %w", err)
	}
	r.Header.Set("Signature-Input", label+"="+identifiers(components)+text)
	r.Header.Set("Signature", label+"="+binary(sig))
	return nil
}
