// Package site draws what an exchange has published as pages for everybody: static files
// that any server, CDN or mirror can host, below any path, or a customer's own disk.
//
//	index.html, page-2.html …        the reports, the newest first
//	index.json                       the same for programs
//	feed.xml                         the same as an Atom feed, with withdrawals and errata
//	how.html                         how all this works, in plain words
//	verify.html                      the page that checks a customer's proof, if there is one
//	404.html, robots.txt
//	reports/NAME/index.html          one report; NAME is its series and number: main-12
//	reports/NAME/report.json
//	reports/NAME/bundle/…            the bundle's files, and bundle.zip
//	log/…                            the transparency log
//	es/…, tr/…                       the pages and the feed in other languages
//
// A page is one file with its style inside. It asks nothing of anybody, and its own policy
// forbids it to; the one script there is searches a table, and is let in by its hash. Links
// are relative and name files, so that they hold below any prefix and on a disk.
//
// The page of a report is that of report/render, with the site around it: there is one
// truth. What became of a statement stands before all it says. The same reports and the same
// log give the same bytes: a server draws what is asked for, [Export] writes all of it.
package site
