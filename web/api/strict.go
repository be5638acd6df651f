package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode"
	uni "unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"golang.org/x/text/unicode/norm"
)

// names are told apart by their case, as JSON does.
func init() { huma.ValidateStrictCasing = true }

// maxDepth is how deep JSON that is sent may be nested.
const maxDepth = 16

// content reads what is sent: application/json and nothing else, no more than most bytes; or nothing, where most is zero.
func content(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) && most == 0:
		return nil, refused(http.StatusRequestEntityTooLarge, "", "nothing is sent along here: leave the content out")
	case errors.As(err, &large):
		return nil, refused(http.StatusRequestEntityTooLarge, "", "the content has too many bytes")
	case err != nil:
		return nil, refused(http.StatusBadRequest, "", "the content broke off")
	case most == 0:
		return nil, nil
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	delete(params, "charset") // JSON is UTF-8, which is looked at
	if err != nil || kind != kindJSON || len(params) > 0 || r.Header.Get("Content-Encoding") != "" {
		return nil, refused(http.StatusUnsupportedMediaType, "", "the content must be application/json, without a content coding")
	}
	return raw, nil
}

// decode reads content that must be of a schema, strictly. No refusal quotes it.
func decode(registry huma.Registry, schema *huma.Schema, raw []byte, v any) error {
	if err := wellFormed(raw); err != nil {
		return refused(http.StatusBadRequest, "", err.Error())
	}
	var loose any
	if err := json.Unmarshal(raw, &loose); err != nil {
		return refused(http.StatusBadRequest, "", errNoJSON.Error())
	}
	var found huma.ValidateResult
	huma.Validate(registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, loose, &found)
	if len(found.Errors) > 0 {
		return invalid(found.Errors)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return refused(http.StatusUnprocessableEntity, "", "a value of the content is none that it can be")
	}
	return nil
}

// invalid says which members of the content are not what the document says, and not what they are.
func invalid(found []error) error {
	r := &refusal{status: http.StatusUnprocessableEntity, sentence: "the content is not what the document says"}
	for _, err := range found {
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) && len(r.details) < maxDetails {
			location := strings.Trim("body."+clipped(detail.Location), ".")
			if detail.Message == validation.MsgUnexpectedProperty {
				location = "body" // the name of a member that is not known is whoever's who asks
			}
			r.details = append(r.details, &huma.ErrorDetail{Message: detail.Message, Location: location})
		}
	}
	return r
}

const (
	maxDetails  = 16
	maxLocation = 128 // bytes
)

// clipped is a text of which no more is told than has room: names of members come from whoever asks.
func clipped(text string) string {
	if len(text) <= maxLocation {
		return text
	}
	return strings.ToValidUTF8(text[:maxLocation], "") + "…"
}

var errNoJSON = errors.New("the content is not one JSON value in UTF-8")

// wellFormed holds content to what JSON alone leaves open: each name once, no null, no deeper than 16, and text in the one
// spelling that Unicode calls NFC, without control characters.
func wellFormed(raw []byte) error {
	if !uni.Valid(raw) {
		return errNoJSON
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := value(dec, 1); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errNoJSON
	}
	return nil
}

func value(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return errNoJSON
	}
	switch token := token.(type) {
	case nil:
		return errors.New("null stands for nothing here: leave the member out")
	case string:
		return plainText(token)
	case json.Delim:
		if depth > maxDepth {
			return errors.New("the content is nested deeper than 16")
		}
		return nested(dec, depth, token == '{')
	}
	return nil
}

// nested reads an object or array to its end.
func nested(dec *json.Decoder, depth int, object bool) error {
	seen := map[string]bool{}
	for dec.More() {
		if object {
			name, err := dec.Token()
			text, ok := name.(string)
			if err != nil || !ok {
				return errNoJSON
			}
			if seen[text] {
				return errors.New("a member of the content stands twice")
			}
			seen[text] = true
			if err := plainText(text); err != nil {
				return err
			}
		}
		if err := value(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return errNoJSON
	}
	return nil
}

func plainText(text string) error {
	if !norm.NFC.IsNormalString(text) {
		return errors.New("a text of the content is not in Unicode's form NFC")
	}
	for _, c := range text {
		if unicode.IsControl(c) || c == uni.RuneError { // the latter is what JSON's halves of a character become
			return errors.New("a text of the content has a control character in it, or half of a character")
		}
		if c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
			return errors.New("a text of the content has a character in it that turns the order of others round: whoever reads it would read something else")
		}
	}
	return nil
}
