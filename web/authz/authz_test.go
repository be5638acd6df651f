package authz

import (
	"slices"
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
		if got, err := Parse([]string{"proof:read:any", name}); err == nil || got != nil || !strings.Contains(err.Error(), "which are anomaly:read, anomaly:undo, approval:submit, audit:read") {
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

// TestLeast: what is wanted is given by the least that has it, and nothing by what is unknown.
func TestLeast(t *testing.T) {
	for _, p := range Of(Roles()...) {
		got := RolesFor([]Permission{p, p})
		if len(got) != 1 || !Within(Of(got...), []Permission{p}) {
			t.Errorf("%s: %v", p, got)
		}
	}
	if diff := cmp.Diff([]Role{Service, Viewer, Admin}, RolesFor([]Permission{ProofReadAny, RunRead, AuditRead, Public, "x"})); diff != "" {
		t.Error(diff)
	}
	if len(byLeast) != len(roles) {
		t.Errorf("%d roles by what they may, of %d", len(byLeast), len(roles))
	}
	if got, err := ParseRoles([]string{"viewer", "admin", "viewer"}); err != nil || !cmp.Equal(got, []Role{Viewer, Admin}) {
		t.Errorf("%v %v", got, err)
	}
	for _, name := range []string{"", "root", "Admin", "admin "} {
		if got, err := ParseRoles([]string{"viewer", name}); err == nil || got != nil || !strings.Contains(err.Error(), "which are admin, auditor") {
			t.Errorf("%q: %v %v", name, got, err)
		}
	}
	if Within([]Permission{RunRead}, []Permission{RunRead, RunStart}) || !Within([]Permission{RunRead}, nil) {
		t.Error("what is within")
	}
}

// TestScope: each filter holds, all of them hold, and what is not known is not seen.
func TestScope(t *testing.T) {
	of := Subject{Statement: "aa", Entity: "Demo Ltd", Day: "2026-11-30"}
	for _, tt := range []struct {
		scopes Scopes
		of     Subject
		want   bool
	}{
		{nil, Subject{}, true},
		{Scopes{{}, {}}, of, true},
		{Scopes{{Reports: []string{"bb", "aa"}}}, of, true},
		{Scopes{{Reports: []string{"bb"}}}, of, false},
		{Scopes{{Reports: []string{"aa"}}, {Reports: []string{"bb"}}}, of, false},
		{Scopes{{Entities: []string{"Demo Ltd"}}}, of, true},
		{Scopes{{Entities: []string{"Demo"}}}, of, false},
		{Scopes{{From: "2026-11-30", Until: "2026-11-30"}}, of, true},
		{Scopes{{From: "2026-12-01"}}, of, false},
		{Scopes{{Until: "2026-11-29"}}, of, false},
		{Scopes{{Entities: []string{"Demo Ltd"}}}, Subject{Statement: "aa"}, false},
		{Scopes{{From: "2026-11-30"}}, Subject{Statement: "aa"}, false},
		{Scopes{{Until: "2026-11-30"}}, Subject{Statement: "aa"}, false},
		{Scopes{{Reports: []string{"aa"}}}, Subject{}, false},
	} {
		if got := tt.scopes.Sees(tt.of); got != tt.want {
			t.Errorf("%+v sees %+v: %t", tt.scopes, tt.of, got)
		}
		if got := tt.scopes.Bounded(); !got && !tt.want {
			t.Errorf("%+v is bounded by nothing", tt.scopes)
		}
	}
}

// TestWrites: every permission that can be given is to read, or held to more.
func TestWrites(t *testing.T) {
	reads := []Permission{ProofReadAny, ProofReadSelf, RunRead, ClientRead, LimitRead, AuditRead, UsageRead, AnomalyRead}
	for _, p := range grantable {
		if Writes(p) == slices.Contains(reads, p) {
			t.Errorf("%s: it writes is %t", p, Writes(p))
		}
	}
	if Writes() || Writes(Public, Self) || !Writes(RunRead, KeyWrite) {
		t.Error("of several, one that writes is enough, and none is none")
	}
}
