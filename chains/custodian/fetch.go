package custodian

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// ErrNotThere is the error of a statement that the custodian has not put up yet.
var ErrNotThere = errors.New("the custodian has not put up its statement yet")

// place stands in a URL for the id of the snapshot.
const place = "{snapshot}"

// CheckURL refuses a URL that statements are not fetched from: any but https.
func CheckURL(url string) error {
	if !strings.HasPrefix(url, "https://") {
		return errors.New("a custodian's url begins with https://")
	}
	_, err := egress.New(strings.ReplaceAll(url, place, "0"), egress.Limits{})
	return err
}

// Fetch gets a signed custody statement over HTTPS. {snapshot} in the URL stands
// for the snapshot's id. No redirect is followed, and no more is read than a
// statement may be long (SPEC part 20). A 404 is [ErrNotThere].
func Fetch(ctx context.Context, url, snapshot string) ([]byte, error) {
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	endpoint, err := egress.New(strings.ReplaceAll(url, place, snapshot), egress.Limits{Bytes: MaxStatement, Timeout: time.Minute})
	if err != nil {
		return nil, err
	}
	defer endpoint.HTTP.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint.URL, http.NoBody)
	if err != nil {
		return nil, errors.New("a custodian's url is malformed")
	}
	resp, err := endpoint.HTTP.Do(req)
	if err != nil {
		return nil, unreachable(ctx, endpoint, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, ErrNotThere
	default:
		return nil, unreachable(ctx, endpoint, fmt.Errorf("HTTP status %d", resp.StatusCode))
	}
	file, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, unreachable(ctx, endpoint, err)
	}
	return file, nil
}

func unreachable(ctx context.Context, e *egress.Endpoint, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &chains.UnreachableError{Node: e.Label, Err: egress.Cause(err)}
}
