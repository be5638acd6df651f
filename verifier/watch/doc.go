// Package watch looks at logs as a reader sees them, through sources that may lie, lag or leave out, and remembers what it saw (SPEC
// parts 24 and 25, "Looking at a log" and "Monitoring").
//
//	trust, err := watch.TrustOf(policy.Log)
//	checkpoint, err := watch.Latest(source, trust, policy.Log.Fresh, now)
//	log, err := watch.Reading{Policy: policy, Trust: trust}.Read(source, checkpoint)   // all entries, hashed, give the root
//	standing, entered := log.Record.Standing(statement)                                // what the exchange said of it
//	err = log.Extends(earlier)                                                         // *ForkError: the log signed two histories
//
// What is found against a log or an exchange is a Fork or an Equivocation of package tlog; Judge checks such a file. Seen is what a monitor
// keeps from one run to the next. The package has no network and no clock: sources and the time come from the caller.
package watch
