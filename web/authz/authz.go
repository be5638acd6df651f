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
	ProofReadSelf  Permission = "proof:read:self" // of the one customer that a token is for
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
	AnomalyRead    Permission = "anomaly:read"
	AnomalyUndo    Permission = "anomaly:undo"
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
	Delegate  Role = "delegate" // of apps: what customers may allow them
)

// roles says what each role may. A client may what its roles may, and a key of it a part of that. What is in no role cannot be given.
var roles = map[Role][]Permission{
	Viewer:    {RunRead},
	Auditor:   {RunRead, AuditRead, FindingSubmit},
	Operator:  {RunRead, RunStart, ApprovalSubmit},
	Publisher: {RunRead, ApprovalSubmit, ReportPublish, ReportWithdraw},
	Admin:     {ClientRead, ClientWrite, KeyWrite, LimitRead, LimitWrite, AuditRead, UsageRead, AnomalyRead, AnomalyUndo},
	Service:   {ProofReadAny},
	Delegate:  {ProofReadSelf},
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

// byLeast are the roles, those that may least first.
var byLeast = []Role{Delegate, Service, Viewer, Operator, Publisher, Admin, Auditor}

// RolesFor are roles that together may what is wanted: of each permission, the least that has it.
func RolesFor(wanted []Permission) []Role {
	var all []Role
	for _, p := range wanted {
		i := slices.IndexFunc(byLeast, func(r Role) bool { return slices.Contains(roles[r], p) })
		if i >= 0 && !slices.Contains(all, byLeast[i]) {
			all = append(all, byLeast[i])
		}
	}
	return all
}

// ParseRoles reads roles that are to be given, each once; the error names those that there are.
func ParseRoles(names []string) ([]Role, error) {
	var all []Role
	for _, name := range names {
		r := Role(name)
		if _, ok := roles[r]; !ok {
			return nil, fmt.Errorf("%q is no role, which are %s", name, joined(Roles()))
		}
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all, nil
}

// Tiers are what clients' limits are by, the narrowest first.
var Tiers = []string{"basic", "standard", "partner"}

// Subject is a statement as scopes look at it. What is not known of it is zero, and in no scope that asks for it.
type Subject struct {
	Statement string // digest, 64 hex digits
	Entity    string // that it is of
	Day       string // of its instant: 2026-11-30
}

// Scope is which statements somebody may see of what is not public; of each filter that is empty, all.
type Scope struct {
	Entities []string
	Reports  []string // digests of statements, 64 hex digits
	From     string   // day of the first instant: 2026-11-30
	Until    string   // and of the last
}

// Sees reports whether a statement is in the scope.
func (s Scope) Sees(of Subject) bool {
	return within(s.Reports, of.Statement) && within(s.Entities, of.Entity) && (s.From == "" || of.Day >= s.From) && (s.Until == "" || of.Day != "" && of.Day <= s.Until)
}

func within(filter []string, what string) bool {
	return len(filter) == 0 || slices.Contains(filter, what)
}

// Bounded reports whether there is anything that the scope does not see.
func (s Scope) Bounded() bool {
	return len(s.Entities) > 0 || len(s.Reports) > 0 || s.From != "" || s.Until != ""
}

// Scopes are several, each of which must see what is seen: a client's, and its key's.
type Scopes []Scope

// Sees reports whether a statement is in all of them.
func (all Scopes) Sees(of Subject) bool {
	return !slices.ContainsFunc(all, func(s Scope) bool { return !s.Sees(of) })
}

// Bounded reports whether one of them is.
func (all Scopes) Bounded() bool { return slices.ContainsFunc(all, Scope.Bounded) }

// Known reports whether this version knows the permission.
func Known(p Permission) bool { return p == Public || p == Self || slices.Contains(grantable, p) }

// Parse reads permissions that are to be given, each once; the error names those that can be.
func Parse(names []string) ([]Permission, error) {
	var all []Permission
	for _, name := range names {
		p := Permission(name)
		if !slices.Contains(grantable, p) {
			return nil, fmt.Errorf("%q is no permission that can be given, which are %s", name, joined(grantable))
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all, nil
}

func joined[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = string(one)
	}
	return strings.Join(names, ", ")
}

// writing are the permissions to change something, or to speak for the exchange.
var writing = []Permission{RunStart, ApprovalSubmit, ReportPublish, ReportWithdraw, FindingSubmit, ClientWrite, KeyWrite, LimitWrite, AnomalyUndo}

// Writes reports whether one of these permissions is to change something. Keys with such are held to more (package web/authn).
func Writes(given ...Permission) bool {
	return slices.ContainsFunc(given, func(p Permission) bool { return slices.Contains(writing, p) })
}

// Allows reports whether somebody with a good credential, who was given these permissions, has what is needed. Nothing is implied by anything.
func Allows(given []Permission, needed Permission) bool {
	return needed == Public || needed == Self || slices.Contains(given, needed)
}

// Within reports whether all of these permissions are among those that were given: nobody gives what they have not.
func Within(given, wanted []Permission) bool {
	return !slices.ContainsFunc(wanted, func(p Permission) bool { return !slices.Contains(given, p) })
}
