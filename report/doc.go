// Package report joins what is owed with what is held and says both in one
// signed statement.
//
// It holds the model of a report with the exact JSON of the specification, the
// arithmetic of solvency, and the bundle:
//
//   - [NewSnapshot] fixes the instant, the registry of assets and the snapshot's
//     id (SPEC part 3);
//   - [NewLines] makes the reserve lines out of balances, custody and control
//     (SPEC part 15);
//   - [Draft] draws up the statement and the manifest of all files (SPEC parts 9
//     and 11), which package attest signs;
//   - [Diff] and [Warnings] say what changed since the former statement, and what to look
//     at twice, for those who approve it (SPEC part 23); [Drifts] what moved too far for nobody
//     to look;
//   - [WriteDir] and [WriteZip] publish the bundle, [Attach] adds to it what was made after
//     it was signed (SPEC part 11);
//   - [Entry] is what stands of it in a log (SPEC part 24), [Finding] what an auditor says
//     of it (SPEC part 27);
//   - [Read] takes a signed report apart again, for those who show it.
//
// A rule decides which lines count. What one asset looks like in the end, in
// its own base units:
//
//	{"asset":"BTC","counted":"1210000000","coverage":"97.31","liabilities":"1243449000","shortfall":"33449000"}
//
// Amounts are integers; ratios are floored and never netted across assets. No
// line counts without both an evidence grade and a control grade that the rule
// accepts: a rich address that nobody signed for backs nothing.
package report
