// Package anomaly notices where a client does what it never did: each rule is one sentence
// that a person can check, with a page of its own in docs/anomalies.md.
//
//	origin       a network that was never used before, after 30 days of others
//	burst        a minute with more than three times the requests of the week's fullest
//	failures     more than 20 credentials within five minutes that are not good
//	mix          more than half of an hour's requests for what was not asked for in the week before
//	reuse        what is good once comes again, or what was ended
//	enumeration  five times as many customers within an hour as in the week's fullest, or a fifth of them not there
//	parallel     one credential from two networks, each more than 50 times within a minute
//	dormant      a key that was not used for 30 days
//
// A [Watch] is told of each request of somebody who was let in, and of each that was not. What a client
// usually does ([habits]: counts of a minute, an hour and the seven days before) it keeps in the
// server's database each minute, and at the end. Servers that share it add up every ten seconds what each has
// counted ([Watch.Add]), so that none sees a part alone. In a client's first seven days a rule only tells.
//
// What a rule finds is a row of the database with its figures and what they were held to, and one
// of the audit log; who runs the server is told by webhook. What is done about it holds in memory at
// once, and until a person undoes it: the undoing is a row too. Customers are counted by keyed hashes, of
// which no more than a few hundred are held, for an hour, in memory alone.
package anomaly
