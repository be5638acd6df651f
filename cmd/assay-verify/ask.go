package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/respsig"
)

const (
	askTime   = 5 * time.Minute
	wellKnown = "/.well-known/assay-keys" // SPEC part 28
)

// fetchAnswer asks a server now, and for its key list unless there is a file of it. What it answers is trusted for nothing.
func fetchAnswer(ctx context.Context, place, keyFile, keep string) (answer verifier.Answer, err error) {
	target, err := parseTarget(place)
	if err != nil {
		return answer, err
	}
	kept := keptFiles(keep)
	for _, path := range kept {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return answer, usage(path+" is there already", "no file is written over: give --keep another name")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	client := newClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if keyFile != "" {
		answer.Keys, err = readFile(keyFile, maxKeyList)
	} else {
		answer.Keys, err = askKeys(ctx, client, target)
	}
	if err != nil {
		return answer, err
	}
	receipt, err := ask(ctx, client, target)
	if err != nil {
		return answer, &failure{code: verifier.ExitNetwork, err: err}
	}
	answer.Receipt, answer.Now, answer.Fresh, answer.Fetched = receipt.JSON(), time.Now().UTC(), true, true
	for i, path := range kept {
		if err := writeWhole(path, [][]byte{answer.Receipt, answer.Keys}[i], os.Link); err != nil {
			return answer, err
		}
	}
	return answer, nil
}

// keptFiles names receipt and key list, if they are to be kept.
func keptFiles(keep string) []string {
	if keep == "" {
		return nil
	}
	return []string{keep, strings.TrimSuffix(keep, ".json") + ".keys.dsse.json"}
}

// parseTarget spells a url that a person typed as it will be asked for and kept.
func parseTarget(place string) (*url.URL, error) {
	u, err := url.Parse(place)
	if err != nil {
		return nil, usage("not a URL", "https://exchange.example/v1/reports") // the error would repeat it, with a password perhaps
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	u.Host = strings.TrimSuffix(u.Host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	if u.User != nil || u.Fragment != "" {
		return nil, usage("a URL to ask has no user and no fragment", "https://exchange.example/v1/reports")
	}
	if err := respsig.CheckURL(spelled(u)); err != nil {
		return nil, usage(err.Error(), "https://exchange.example/v1/reports")
	}
	return u, nil
}

func spelled(u *url.URL) string { return u.Scheme + "://" + u.Host + u.RequestURI() }

func askKeys(ctx context.Context, client *http.Client, target *url.URL) ([]byte, error) {
	place := target.Scheme + "://" + target.Host + wellKnown
	var raw bytes.Buffer
	if err := get(ctx, client, place, maxKeyList, &raw); err != nil {
		return nil, &failure{verifier.ExitNetwork, err, "if you have the list from elsewhere, give --keys FILE"}
	}
	return raw.Bytes(), nil
}

// ask gives a server's answer as it came, and of its fields those that may be signed and the signature.
func ask(ctx context.Context, client *http.Client, target *url.URL) (*respsig.Receipt, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	place := spelled(target)
	content, err := io.ReadAll(io.LimitReader(response.Body, respsig.MaxContent+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if len(content) > respsig.MaxContent {
		return nil, fmt.Errorf("%s: more than %d bytes, the limit of an answer that is kept", place, respsig.MaxContent)
	}
	receipt := &respsig.Receipt{Content: content, Method: http.MethodGet, Status: response.StatusCode, URL: place}
	for _, name := range []string{"cache-control", "content-digest", "content-encoding", "content-type", "etag", "signature", "signature-input"} {
		for _, value := range response.Header.Values(name) {
			receipt.Headers = append(receipt.Headers, respsig.Header{Name: name, Value: value})
		}
	}
	return receipt, nil
}
