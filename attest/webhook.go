package attest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// TypeWebhook is the type of what a webhook tells (SPEC part 28).
const TypeWebhook = "assay/v1/webhook"

// MaxWebhook is how many bytes that has at most.
const MaxWebhook = 4096

// Webhook is what a server tells others: that something happened, and to what (SPEC part 28).
type Webhook struct {
	At       time.Time `json:"at"`    // UTC, whole seconds
	Event    string    `json:"event"` // such as run.published
	Exchange string    `json:"exchange"`
	ID       string    `json:"id"`     // of the event; the same however often it is told
	Object   string    `json:"object"` // the id or digest of what it is about
	Type     string    `json:"type"`
}

// JSON returns the content that is sent and signed (SPEC part 28).
func (w Webhook) JSON() ([]byte, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	return Canonical(w)
}

// ParseWebhook reads content whose signature was verified (SPEC part 28).
func ParseWebhook(content []byte) (Webhook, error) {
	if len(content) > MaxWebhook {
		return Webhook{}, fmt.Errorf("webhook: %d bytes, want at most %d", len(content), MaxWebhook)
	}
	var w Webhook
	if err := Decode(content, &w); err != nil {
		return Webhook{}, fmt.Errorf("webhook: %w", err)
	}
	return w, w.check()
}

func (w Webhook) check() error {
	const lower, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	of := func(s, set string, most int) bool { return s != "" && len(s) <= most && strings.Trim(s, set) == "" }
	switch {
	case w.Type != TypeWebhook:
		return fmt.Errorf("webhook: type is %q, want %q", clip([]byte(w.Type), 0, 64), TypeWebhook)
	case !isTime(w.At):
		return errors.New("webhook: at: want a time in UTC, whole seconds")
	case !of(w.Event, lower+digits+".-", 64):
		return errors.New("webhook: event: want 1 to 64 of a-z 0-9 . -")
	case !isName(w.Exchange):
		return errors.New("webhook: exchange: want 1 to 64 printable ASCII characters without a blank at either end")
	case !of(w.ID, lower+strings.ToUpper(lower)+digits+"-_", 64):
		return errors.New("webhook: id: want 1 to 64 of A-Z a-z 0-9 - _")
	case len(w.Object) < 1 || len(w.Object) > 128:
		return errors.New("webhook: object: want 1 to 128 characters")
	}
	for _, c := range []byte(w.Object) {
		if c <= ' ' || c > '~' {
			return errors.New("webhook: object: want printable ASCII without blanks")
		}
	}
	return nil
}
