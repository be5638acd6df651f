package authz

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse([]string{"proof:read:any", "proof:read:any"})
	if diff := cmp.Diff([]Permission{ProofReadAny}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	for _, name := range []string{"", "public", "*", "proof:read:*", "proof:read", "PROOF:READ:ANY", "proof:read:any "} {
		if got, err := Parse([]string{"proof:read:any", name}); err == nil || got != nil || !strings.Contains(err.Error(), "which are proof:read:any") {
			t.Errorf("%q: %v %v", name, got, err)
		}
	}
}

func TestAllows(t *testing.T) {
	for _, tt := range []struct {
		given  []Permission
		needed Permission
		want   bool
	}{
		{nil, Public, true},
		{nil, ProofReadAny, false},
		{[]Permission{Public}, ProofReadAny, false},
		{[]Permission{ProofReadAny}, ProofReadAny, true},
		{[]Permission{"proof:read:*", "proof:read", ""}, ProofReadAny, false},
		{[]Permission{ProofReadAny}, "", false},
	} {
		if got := Allows(tt.given, tt.needed); got != tt.want {
			t.Errorf("%v for %q: %t", tt.given, tt.needed, got)
		}
	}
	if !Known(Public) || !Known(ProofReadAny) || Known("") || Known("reports:read") {
		t.Error("what is known")
	}
}
