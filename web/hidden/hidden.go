// Package hidden holds texts that no log, error, metric or trace may show: a customer's
// id, a secret. Whatever prints one, prints
//
//	[redacted]
//
// also as part of something else, whether its field is exported or not; so does what
// writes JSON. Whoever needs the text says so: [Customer.Reveal], [Secret.Reveal].
package hidden

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what is printed in place of the text.
const Redacted = "[redacted]"

// Customer is a customer's id. The zero value is the empty text.
type Customer struct{ text }

// Secret is what lets in whoever shows it. The zero value is the empty text.
type Secret struct{ text }

// NewCustomer hides a customer's id.
func NewCustomer(id string) Customer { return Customer{text{&id}} }

// NewSecret hides a secret.
func NewSecret(secret string) Secret { return Secret{text{&secret}} }

// text is behind a pointer: package fmt asks no method of a field that is not exported, and prints what it finds there.
type text struct{ at *string }

// Reveal is the text.
func (t text) Reveal() string {
	if t.at == nil {
		return ""
	}
	return *t.at
}

// Format prints nothing of the text, whatever the verb.
func (text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// String is for who asks for a text.
func (text) String() string { return Redacted }

// LogValue is for package slog.
func (text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText is for JSON, XML and whatever else writes texts.
func (text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
