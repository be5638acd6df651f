// Package authz names what whoever asks a server may have been given. What each route
// needs stands in the table of package web, and who has what in package authn.
package authz

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Permission is what a route needs.
type Permission string

// The permissions that there are.
const (
	Public Permission = "public" // what nobody needs to be given
	Self   Permission = "self"   // what whoever has a good credential may: see and end what is their own

	ProofReadAny   Permission = "proof:read:any"  // a proof of inclusion, of any customer
	RunRead        Permission = "run:read"        // runs, their progress and drafts
	RunStart       Permission = "run:start"       // ask for a run, and cancel one
	ApprovalSubmit Permission = "approval:submit" // hand in an approver's signature
	ReportPublish  Permission = "report:publish"
	ReportWithdraw Permission = "report:withdraw"
	FindingSubmit  Permission = "finding:submit" // hand in an auditor's countersignature
	ClientRead     Permission = "client:read"    // clients and their keys, without secrets
	ClientWrite    Permission = "client:write"
	KeyWrite       Permission = "key:write" // keys of any client
	LimitRead      Permission = "limit:read"
	LimitWrite     Permission = "limit:write"
	AuditRead      Permission = "audit:read"
	UsageRead      Permission = "usage:read" // everybody's
)

// Role is what a client is to the exchange.
type Role string

// The roles that there are.
const (
	Viewer    Role = "viewer"
	Auditor   Role = "auditor"
	Operator  Role = "operator"
	Publisher Role = "publisher"
	Admin     Role = "admin"
	Service   Role = "service"
)

// roles says what each role may. A client may what its roles may, and a key of it a part of that. What is in no role cannot be given.
var roles = map[Role][]Permission{
	Viewer:    {RunRead},
	Auditor:   {RunRead, AuditRead, FindingSubmit},
	Operator:  {RunRead, RunStart, ApprovalSubmit},
	Publisher: {RunRead, ApprovalSubmit, ReportPublish, ReportWithdraw},
	Admin:     {ClientRead, ClientWrite, KeyWrite, LimitRead, LimitWrite, AuditRead, UsageRead},
	Service:   {ProofReadAny},
}

// Roles are all roles, in alphabetical order.
func Roles() []Role { return slices.Sorted(maps.Keys(roles)) }

// Of are the permissions of roles, each once, in alphabetical order.
func Of(given ...Role) []Permission {
	var all []Permission
	for _, r := range given {
		all = append(all, roles[r]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// grantable are the permissions that can be given. A route that needs another one keeps a server from starting.
var grantable = Of(Roles()...)

// Scope is which reports somebody may see of what is not public; of each filter that is empty, all.
type Scope struct {
	Reports []string // digests of statements, 64 hex digits
}

// Sees reports whether the report of a statement is in the scope.
func (s Scope) Sees(statement string) bool {
	return len(s.Reports) == 0 || slices.Contains(s.Reports, statement)
}

// Known reports whether this version knows the permission.
func Known(p Permission) bool { return p == Public || p == Self || slices.Contains(grantable, p) }

// Parse reads permissions that are to be given, each once; the error names those that can be.
func Parse(names []string) ([]Permission, error) {
	var all []Permission
	for _, name := range names {
		p := Permission(name)
		if !slices.Contains(grantable, p) {
			return nil, fmt.Errorf("%q is no permission that can be given, which are %s", name, list())
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all, nil
}

func list() string {
	names := make([]string, len(grantable))
	for i, p := range grantable {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

// Allows reports whether somebody with a good credential, who was given these permissions, has what is needed. Nothing is implied by anything.
func Allows(given []Permission, needed Permission) bool {
	return needed == Public || needed == Self || slices.Contains(given, needed)
}
