package report_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// statementEntry enters a statement of which nothing else is known.
func statementEntry(id byte, period string, s report.Series) report.Entry {
	at := report.Time{Time: instant}
	return report.Entry{Envelope: &report.Digest{id}, Exchange: "Demo Exchange", Instant: &at, Issued: issued(), Kind: report.EntryStatement, Period: period,
		Series: &s, Snapshot: &report.Digest{id}, Statement: report.Digest{id}, Type: report.TypeEntry}
}

func follows(number uint64, previous byte, supersedes ...byte) report.Series {
	s := report.Series{Name: "main", Number: number}
	if number > 0 {
		s.Previous = &report.Digest{previous}
	}
	for _, id := range supersedes {
		s.Supersedes = &report.Supersedes{Reason: fmt.Sprintf("because of %d", id), Statement: report.Digest{id}}
	}
	return s
}

// enveloped is an entry as the log holds it.
func enveloped(t testing.TB, e report.Entry, by ...attest.Signer) []byte {
	t.Helper()
	payload, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return envelopedRaw(t, attest.PayloadEntry, payload, by...)
}

func envelopedRaw(t testing.TB, payloadType string, payload []byte, by ...attest.Signer) []byte {
	t.Helper()
	e, err := attest.Sign(payloadType, payload, by...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func notice(t testing.TB, say func(string, report.Digest, string, report.Time) (report.Entry, error), about byte, text string) report.Entry {
	t.Helper()
	e, err := say("Demo Exchange", report.Digest{about}, text, issued())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// registerOf is a log with statements 1 and 2 of two periods, and 3 in the place of 2.
func registerOf(t testing.TB, more ...report.Entry) *report.Register {
	t.Helper()
	key := signerOf(1)
	r := report.NewRegister("Demo Exchange", key.PublicKey())
	all := append([]report.Entry{statementEntry(1, "2026-10", follows(0, 0)), statementEntry(2, "2026-11", follows(1, 1)), statementEntry(3, "2026-11", follows(2, 2, 2))}, more...)
	for i, e := range all {
		if err := r.Add(uint64(i), enveloped(t, e, key)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// TestC09_StatesInTheLog: what became of a statement is what later entries say of it, in the order of the log.
func TestC09_StatesInTheLog(t *testing.T) {
	r := registerOf(t,
		notice(t, report.NewErratum, 1, "mended"), notice(t, report.NewErratum, 1, "mended again"),
		notice(t, report.NewWithdrawal, 3, "wrong"), notice(t, report.NewWithdrawal, 3, "wrong, said again"), notice(t, report.NewWithdrawal, 9, "of nothing"),
		statementEntry(4, "2026-12", follows(3, 3)), statementEntry(4, "2026-12", follows(3, 3)))
	one, two, three, four := r.Find(report.Digest{1}), r.Find(report.Digest{2}), r.Find(report.Digest{3}), r.Find(report.Digest{4})
	if one == nil || len(one.Errata) != 2 || one.Errata[1].Entry.Text != "mended again" || one.Errata[1].Index != 4 || one.SupersededBy != nil || one.Withdrawal != nil {
		t.Errorf("the first: %+v", one)
	}
	if two == nil || two.SupersededBy != three || two.Withdrawal != nil {
		t.Errorf("the second: %+v", two)
	}
	if three == nil || three.Withdrawal == nil || three.Withdrawal.Entry.Text != "wrong" || three.SupersededBy != nil {
		t.Errorf("the third: %+v", three)
	}
	if four == nil || four.Index != 8 || r.Last("main") != four || r.Last("hourly") != nil || r.Find(report.Digest{9}) != nil {
		t.Errorf("the fourth: %+v", four)
	}
	if last := r.Before(report.Digest{3}).Last("main"); last != two {
		t.Errorf("before the third: %+v", last)
	}
	if r.Before(report.Digest{9}) != r {
		t.Error("before what is not there is not all of it")
	}
}

// TestC01_EntriesThatContradict: nothing is entered that says two things of one place, one period or one statement.
func TestC01_EntriesThatContradict(t *testing.T) {
	r := registerOf(t, notice(t, report.NewWithdrawal, 1, "wrong"), notice(t, report.NewErratum, 3, "mended"))
	first := statementEntry(1, "2026-10", follows(0, 0))
	again := first
	again.Issued = report.Time{Time: issued().Add(time.Second)}
	other := statementEntry(9, "2026-12", follows(3, 3))
	other.Exchange = "Other Exchange"
	hourly := follows(7, 5)
	hourly.Name = "hourly"
	hourlyInPlace := follows(7, 5, 5)
	hourlyInPlace.Name = "hourly"
	for name, c := range map[string]struct {
		entry report.Entry
		want  string // of the error, or nothing
	}{
		"the next":                       {statementEntry(4, "2026-12", follows(3, 3)), ""},
		"in the last one's place":        {statementEntry(4, "2026-11", follows(3, 3, 3)), ""},
		"the first of another series":    {statementEntry(4, "2026-11", hourly), ""},
		"a number that is taken":         {statementEntry(4, "2026-12", follows(2, 2)), "number 2 does not follow"},
		"a second first one":             {statementEntry(4, "2026-12", follows(0, 0)), "number 0 does not follow"},
		"a number left out":              {statementEntry(4, "2026-12", follows(4, 3)), "number 4 does not follow"},
		"after another one":              {statementEntry(4, "2026-12", follows(3, 2)), "is number 2, 0300"},
		"a period again":                 {statementEntry(4, "2026-11", follows(3, 3)), "another one must take its place"},
		"in the place of one superseded": {statementEntry(4, "2026-11", follows(3, 3, 2)), "another one must take its place"},
		"in the place of nothing":        {statementEntry(4, "2026-12", follows(3, 3, 3)), "whose place this one could take"},
		"in a place before the log":      {statementEntry(4, "2026-11", hourlyInPlace), "whose place this one could take"},
		"a statement dated again":        {again, "a statement is entered once"},
		"another exchange's":             {other, `of the exchange "Other Exchange"`},
		"withdrawn again":                {notice(t, report.NewWithdrawal, 1, "wrong, too"), "is withdrawn already, by entry #3"},
		"withdrawn, not entered":         {notice(t, report.NewWithdrawal, 9, "wrong"), "holds no statement 09"},
		"mended, not entered":            {notice(t, report.NewErratum, 9, "mended"), "holds no statement 09"},
		"mended likewise":                {notice(t, report.NewErratum, 3, "mended"), "holds this erratum"},
		"mended otherwise":               {notice(t, report.NewErratum, 3, "mended too"), ""},
		"mended once withdrawn":          {notice(t, report.NewErratum, 1, "mended"), ""},
		"withdrawn":                      {notice(t, report.NewWithdrawal, 3, "wrong"), ""},
		"withdrawn once superseded":      {notice(t, report.NewWithdrawal, 2, "wrong"), ""},
	} {
		err := r.Follows(c.entry)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		entry report.Entry
		want  bool
	}{
		"a statement": {first, true}, "dated again": {again, false}, "a withdrawal": {notice(t, report.NewWithdrawal, 1, "wrong"), true},
		"another reason": {notice(t, report.NewWithdrawal, 1, "right"), false}, "an erratum": {notice(t, report.NewErratum, 3, "mended"), true}, "of nothing": {statementEntry(9, "2026-12", follows(3, 3)), false},
	} {
		if got := r.Holds(c.entry); got != c.want {
			t.Errorf("%s: it holds it: %v", name, got)
		}
	}
}

// TestRegisterAdds: entries of others are passed over; what speaks in the exchange's name is signed by its keys alone.
func TestRegisterAdds(t *testing.T) {
	own, old, stranger := signerOf(1), signerOf(2), signerOf(3)
	e := statementEntry(1, "2026-10", follows(0, 0))
	other := e
	other.Exchange = "Other Exchange"
	unread := []byte(`{"type":"assay/v1/entry"}`)
	for name, c := range map[string]struct {
		raw   []byte
		want  string
		found bool
	}{
		"own":                      {enveloped(t, e, own), "", true},
		"by a former key":          {enveloped(t, e, old), "", true},
		"by both":                  {enveloped(t, e, own, old), "", true},
		"by a stranger":            {enveloped(t, e, stranger), "entry #7 of the log speaks for Demo Exchange", false},
		"by a stranger beside":     {enveloped(t, e, own, stranger), "entry #7 of the log speaks for Demo Exchange", false},
		"another exchange's":       {enveloped(t, other, stranger), "", false},
		"a draw":                   {envelopedRaw(t, attest.PayloadDraw, unread, own), "", false},
		"no envelope":              {[]byte("hello"), "", false},
		"unreadable":               {envelopedRaw(t, attest.PayloadEntry, unread, own), "entry #7 of the log is signed by the exchange and cannot be read", false},
		"unreadable, a stranger's": {envelopedRaw(t, attest.PayloadEntry, unread, stranger), "", false},
	} {
		r := report.NewRegister("Demo Exchange", own.PublicKey(), old.PublicKey())
		err := r.Add(7, c.raw)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if found := r.Find(report.Digest{1}); (found != nil) != c.found || found != nil && (found.Index != 7 || string(found.Raw) != string(c.raw)) {
			t.Errorf("%s: found %+v", name, found)
		}
	}
}

// TestRegisterNext: the place after the last statement in the log is the one that follows.
func TestRegisterNext(t *testing.T) {
	r := registerOf(t)
	snap := inputs(t).Snapshot
	for period, supersedes := range map[string]string{"2026-12": "", "2026-11": "a wallet was missing", "2026-10": "a wallet was missing"} {
		snap.Period = period
		next, err := r.Next("main", snap, supersedes)
		if err != nil {
			t.Fatalf("%s: %v", period, err)
		}
		if err := r.Follows(statementEntry(4, period, next)); err != nil {
			t.Errorf("%s: it does not follow: %v", period, err)
		}
	}
	for want, c := range map[string]struct {
		series, period, supersedes string
		early                      bool
	}{
		"speaks of the same period 2026-11": {"main", "2026-11", "", false},
		"takes the place of one of its own": {"main", "2026-12", "a wallet was missing", false},
		"after this one's instant":          {"main", "2026-12", "", true},
		"holds no statement of the series":  {"hourly", "2026-12", "", false},
	} {
		snap := snap
		snap.Period = c.period
		if c.early {
			snap.Instant = report.Time{Time: instant.Add(-time.Hour)}
		}
		if _, err := r.Next(c.series, snap, c.supersedes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
