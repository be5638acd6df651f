// Package authz names the permissions that routes need.
package authz

// Permission is what whoever asks must have been given.
type Permission string

const (
	Public       Permission = "public"         // needs none
	ProofReadAny Permission = "proof:read:any" // every customer's proof
)
