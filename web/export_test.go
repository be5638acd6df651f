package web

// Permissions is the table, for tests that hold the document to it.
var Permissions = permissions

// Proved are the routes that ask a person for a passkey anew.
var Proved = proved
