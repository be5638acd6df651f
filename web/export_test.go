package web

// Permissions is the table, for tests that hold the document to it.
var Permissions = permissions
