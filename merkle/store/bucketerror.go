package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/minio/minio-go/v7"
)

// ErrUnreachable is among the errors of a server that gives no answer.
var ErrUnreachable = errors.New("the server gives no answer")

// BucketError tells what went wrong with an object, in words of this package: it repeats nothing that a server writes freely, and
// no credentials. Err is fs.ErrNotExist, [ErrUnreachable], the context's error, or nil.
type BucketError struct {
	Name    string // s3://bucket/key
	Problem string
	Err     error
}

// Error names bucket and object, and what is wrong.
func (e *BucketError) Error() string { return e.Name + ": " + e.Problem }

// Unwrap returns Err.
func (e *BucketError) Unwrap() error { return e.Err }

// codeOf is the code of an answer of the server, empty if there was none.
func codeOf(err error) string {
	var said minio.ErrorResponse
	errors.As(err, &said)
	return said.Code
}

// failed tells err of an object; nil stays nil.
func (b *Bucket) failed(ctx context.Context, key string, err error) error {
	if err == nil {
		return nil
	}
	e := &BucketError{Name: b.url(key)}
	var said minio.ErrorResponse
	answered := errors.As(err, &said)
	switch code := said.Code; {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), !answered && errors.Is(err, os.ErrDeadlineExceeded):
		e.Problem, e.Err = "the server does not answer in time", ErrUnreachable
	case ctx.Err() != nil:
		e.Problem, e.Err = ctx.Err().Error(), ctx.Err()
	case code == minio.NoSuchKey:
		e.Problem, e.Err = "there is no such object", fs.ErrNotExist
	case code == minio.NoSuchBucket:
		e.Problem = "there is no such bucket"
	case code == minio.PreconditionFailed, code == minio.InvalidRange: // no range is asked for that the object did not have
		e.Problem = "the object is another one than when it was opened or listed"
	case said.StatusCode == http.StatusForbidden, said.StatusCode == http.StatusUnauthorized:
		e.Problem = fmt.Sprintf("the server refuses the credentials, or they do not allow this (%s)", code)
	case code == "AuthorizationHeaderMalformed", code == minio.InvalidRegion, code == "PermanentRedirect":
		e.Problem = fmt.Sprintf("the bucket is in another region than was said (%s)", code)
	case answered && said.StatusCode >= http.StatusInternalServerError:
		e.Problem, e.Err = fmt.Sprintf("the server fails with status %d (%s), several times", said.StatusCode, code), ErrUnreachable
	case answered:
		e.Problem = fmt.Sprintf("the server says %q", code)
	default:
		var request *url.Error // it holds the whole URL
		if errors.As(err, &request) {
			err = request.Err
		}
		e.Problem, e.Err = err.Error(), ErrUnreachable
		if request != nil && strings.Contains(e.Problem, request.URL) { // minio-go's words for io.EOF
			e.Problem = "the server closes the connection"
		}
	}
	return e
}
