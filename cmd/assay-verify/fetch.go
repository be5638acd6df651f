package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/assay-por/assay/verifier"
)

const (
	fetchTime  = 30 * time.Minute
	headerTime = 30 * time.Second
	fetchSize  = 1<<32 - 1 // a bundle over 4 GiB is a folder (SPEC part 11)
)

// fetchZip downloads a zip to a temporary file. What is fetched is checked like any other bundle: the URL is trusted for nothing.
func fetchZip(ctx context.Context, url string) (files *verifier.Files, done func(), err error) {
	file, err := os.CreateTemp("", "assay-verify-*.zip")
	if err != nil {
		return nil, nil, &failure{code: verifier.ExitUnreadable, err: err}
	}
	remove := func() {
		file.Close()
		os.Remove(file.Name())
	}
	if err := download(ctx, url, file); err != nil {
		remove()
		return nil, nil, &failure{verifier.ExitNetwork, err, "download the zip by other means, and give its path"}
	}
	files, _, err = openZip(file)
	if err != nil {
		remove()
		return nil, nil, &failure{code: verifier.ExitUnreadable, err: fmt.Errorf("%s: %w", url, err)}
	}
	return files, remove, nil
}

func download(ctx context.Context, url string, to io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	return get(ctx, newClient(), url, fetchSize, to)
}

// newClient follows few redirects, and none that gives up https.
func newClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.ResponseHeaderTimeout = headerTime
	return &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("more than 5 redirects")
		}
		if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
			return errors.New("a redirect away from https")
		}
		return nil
	}}
}

// get reads at most limit bytes. What a server does not have is fs.ErrNotExist.
func get(ctx context.Context, client *http.Client, url string, limit int64, to io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept-Encoding", "identity")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%s: the server answers %q (%w)", url, response.Status, fs.ErrNotExist)
	default:
		return fmt.Errorf("%s: the server answers %q", url, response.Status)
	}
	if response.ContentLength > limit {
		return fmt.Errorf("%s: %d bytes, the limit is %d", url, response.ContentLength, limit)
	}
	n, err := io.Copy(to, io.LimitReader(response.Body, limit+1))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if n > limit {
		return fmt.Errorf("%s: more than %d bytes, the limit", url, limit)
	}
	return nil
}
