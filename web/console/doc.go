// Package console is where people who run an exchange's reports look at them, and decide: pages that a server makes, below
// /console/.
//
// It is a client of the API, in process: what a page shows it asks for with the session of whoever looks, and what a form asks for
// it asks the API for. So it knows nothing and may nothing that the person may not, the table of permissions stays the one
// truth, and what is done here is counted, recorded and refused as it is elsewhere. Where the API asks for a passkey (RFC 9470) the
// console does, and then goes on with the form that was sent.
//
// Pages work without script, but for passkeys, which one small file asks the browser for. Nothing is inline, nothing comes from
// elsewhere, and a form counts only if the browser says that a page of this very server sent it.
package console
