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
		if got, err := Parse([]string{"proof:read:any", name}); err == nil || got != nil || !strings.Contains(err.Error(), "which are approval:submit, audit:read") {
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
	if !Known(Public) || !Known(Self) || !Known(ProofReadAny) || Known("") || Known("reports:read") {
		t.Error("what is known")
	}
}

// TestRoles: what can be given is in a role, and nobody's role has what is everybody's.
func TestRoles(t *testing.T) {
	for _, r := range Roles() {
		for _, p := range Of(r) {
			if !Known(p) || p == Public || p == Self {
				t.Errorf("%s may %q", r, p)
			}
		}
	}
	if diff := cmp.Diff([]Permission{AuditRead, FindingSubmit, RunRead}, Of(Viewer, Auditor)); diff != "" {
		t.Error(diff)
	}
	if got := Of("nobody"); len(got) != 0 {
		t.Errorf("an unknown role may %v", got)
	}
}
