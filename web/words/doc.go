// Package words holds what the public pages say, in each language that they speak.
//
// A language is a folder, a set of pages a file in it: en/site.json, es/site.json. A file is
// flat JSON, key → text:
//
//	"site.reports": "Reports",
//	"state.withdrawn": "Withdrawn: {reason}",
//	"customers#one": "{n} customer",
//	"customers#other": "{n} customers"
//
// {name} is filled in. A plural has one key a category of its language (CLDR; Arabic has six),
// told by the number that is filled in as n. **strong** and `code` are the only marks.
// English is complete by definition; a language without a file is not offered, and a test
// holds every other file to English: the same keys, the same {names}, its own categories.
package words
