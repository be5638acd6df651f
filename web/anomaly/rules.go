package anomaly

import "time"

// The rules.
const (
	Origin      = "origin"
	Burst       = "burst"
	Failures    = "failures"
	Mix         = "mix"
	Reuse       = "reuse"
	Enumeration = "enumeration"
	Parallel    = "parallel"
	Dormant     = "dormant"
)

// Rules are all of them.
var Rules = []string{Origin, Burst, Failures, Mix, Reuse, Enumeration, Parallel, Dormant}

// What is done about a finding.
const (
	Alert    = "alert"    // somebody is told
	Hold     = "hold"     // from that network the client changes nothing
	Halve    = "halve"    // its requests count twice
	Throttle = "throttle" // and ten times
	Lock     = "lock"     // that credential lets nobody in from that network
	Suspend  = "suspend"  // that credential is of no use
	StepUp   = "step-up"  // the person shows a passkey again
)

// undo says what somebody does who undoes each of them.
var undo = map[string]string{
	Alert:    "Nothing was done; undoing it says that it was looked at.",
	Hold:     "The client may make changes from that network again.",
	Halve:    "The client's limits are whole again.",
	Throttle: "The client's limits are whole again.",
	Lock:     "That credential lets in from that network again.",
	Suspend:  "That credential is of use again.",
	StepUp:   "The session goes on without a passkey.",
}

// weights are how many requests one counts as.
var weights = map[string]int{Halve: 2, Throttle: 10}

// How long it takes until a rule knows enough, and what it holds to what.
const (
	settled = 7 * day // a client that was first seen before is not only told of
	known   = day     // and of one seen after that nothing is usual

	newOrigin    = 30 * day // of history, before a network is a new one
	idle         = 30 * day // and of no use, before a key is a dormant one
	manyFailures = 20       // within failing
	failing      = 5        // minutes
	locked       = time.Hour

	burstTimes   = 3
	burstLeast   = 100 // requests of a minute that are never many
	mixLeast     = 30  // requests of an hour, before what they are for tells anything
	manyTimes    = 5
	manyLeast    = 100 // customers of an hour that are never many
	missedLeast  = 50  // look-ups of an hour, before what is not found tells anything
	missedShare  = 5   // one of so many
	parallelEach = 50  // requests of a minute from each of two networks

	day = 24 * time.Hour
)

// quiet is how long a rule says nothing more about the same after somebody has undone a finding.
var quiet = map[string]time.Duration{
	Origin: 180 * day, Burst: day, Failures: time.Hour, Mix: 7 * day, Reuse: time.Hour, Enumeration: day, Parallel: 90 * day, Dormant: day,
}

// longest is the longest of them.
const longest = 180 * day
