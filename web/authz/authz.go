// Package authz names what whoever asks a server may have been given. What each route
// needs stands in the table of package web, and who has what in package authn.
package authz

import (
	"fmt"
	"slices"
	"strings"
)

// Permission is what a route needs.
type Permission string

// The permissions that there are.
const (
	Public       Permission = "public"         // what nobody needs to be given
	ProofReadAny Permission = "proof:read:any" // a proof of inclusion, of any customer
)

// grantable are the permissions that can be given. A route that needs another one keeps a server from starting.
var grantable = []Permission{ProofReadAny}

// Known reports whether this version knows the permission.
func Known(p Permission) bool { return p == Public || slices.Contains(grantable, p) }

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

// Allows reports whether somebody who was given these permissions has what is needed. Nothing is implied by anything.
func Allows(given []Permission, needed Permission) bool {
	return needed == Public || slices.Contains(given, needed)
}
