package hidden_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/hidden"
)

const canary = "canary-7@customers.example"

type asked struct {
	Customer hidden.Customer `json:"customer"`
	secret   hidden.Secret
	list     []hidden.Customer
}

// TestRedacted: by every verb, as part of whatever holds it, in logs and in JSON.
func TestRedacted(t *testing.T) {
	c, s := hidden.NewCustomer(canary), hidden.NewSecret(canary)
	if c.Reveal() != canary || s.Reveal() != canary || (hidden.Customer{}).Reveal() != "" {
		t.Error("it cannot be revealed")
	}
	holds := asked{c, s, []hidden.Customer{c}}
	var said bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%T %v"} {
		for _, v := range []any{c, s, &c, holds, &holds, []any{c}, map[string]hidden.Secret{"a": s}, map[hidden.Customer]int{c: 1}, fmt.Errorf("%w: %v", errors.New("x"), c)} {
			fmt.Fprintf(&said, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&said, nil), slog.NewTextHandler(&said, nil)} {
		slog.New(h).Info("x", "customer", c, "secret", s, "holds", holds, "group", slog.GroupValue(slog.Any("c", c)))
	}
	raw, err := json.Marshal([]any{c, s, holds, map[hidden.Customer]int{c: 1}})
	if err != nil {
		t.Fatal(err)
	}
	said.Write(raw)
	for _, spelling := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary)} {
		if strings.Contains(said.String(), spelling) {
			t.Errorf("%q stands in %s", spelling, said.String())
		}
	}
	if strings.Count(said.String(), hidden.Redacted) < 50 {
		t.Errorf("nothing is redacted: %s", said.String())
	}
}
