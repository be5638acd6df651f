package verifier

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/watch"
)

// watching is a monitor with a policy: what it saw stays, through its file, as it would between runs.
type watching struct {
	policy *claim.Policy
	seen   *watch.Seen
}

func watchFor(t testing.TB, l *lookLog) *watching {
	return &watching{l.lookPolicy(t, 2), watch.NewSeen()}
}

// look looks once, at sources a, b, …
func (w *watching) look(t testing.TB, sources ...tlog.Source) Monitored {
	t.Helper()
	in := MonitorInput{Policy: w.policy, Now: parsedTime(lookTime), Seen: w.seen}
	for i, read := range sources {
		in.Sources = append(in.Sources, LogSource{string(rune('a' + i)), read})
	}
	found, err := Monitor(in)
	if err != nil {
		t.Fatal(err)
	}
	if w.seen, err = watch.ParseSeen(found.Seen.JSON()); err != nil {
		t.Fatal(err)
	}
	for _, c := range found.Checks {
		if c.Title == c.Name || c.Detail == "" {
			t.Errorf("%s: a check has a title and a sentence: %+v", c.Name, c)
		}
	}
	return found
}

func (m Monitored) check(name string) Check { return find(Verdict{Checks: m.Checks}, name) }

// inOrder asserts that nothing was found.
func inOrder(t testing.TB, m Monitored) {
	t.Helper()
	if !m.Holds || m.Exit != ExitProven || len(m.Evidence) > 0 {
		t.Errorf("exit %d: %s", m.Exit, m.Summary)
	}
}

// failing asserts that exactly these checks fail, the first for this reason.
func failing(t testing.TB, m Monitored, exit int, reason string, names ...string) {
	t.Helper()
	var failed []string
	for _, c := range m.Checks {
		if c.Result == Fail {
			failed = append(failed, c.Name)
		}
	}
	if diff := cmp.Diff(names, failed); diff != "" || m.Holds || m.Exit != exit || !strings.Contains(m.check(names[0]).Detail, reason) {
		t.Errorf("exit %d, want %d; failed (-want +got): %s; %s: %q, want %q", m.Exit, exit, diff, names[0], m.check(names[0]).Detail, reason)
	}
}

func TestMonitor_Grows(t *testing.T) {
	a, b := statementEntry("a", 0, "2026-08", "", ""), statementEntry("b", 1, "2026-09", "a", "")
	l := newLookLog(append(foreign(2), byExchange(a)...)...)
	w := watchFor(t, l)
	found := w.look(t, l.serve(3).read)
	inOrder(t, found)
	for _, name := range []string{"log.a.history", "log.sources"} {
		if c := found.check(name); c.Result != Skipped || c.Required {
			t.Errorf("%s has nothing to compare with: %+v", name, c)
		}
	}
	if len(found.News) != 1 || found.News[0].Index != 2 || found.News[0].Statement != digestOf("a") || found.News[0].Period != "2026-08" {
		t.Errorf("news %+v", found.News)
	}
	if c := found.check("log.entries"); !strings.Contains(c.Detail, "1 entries of Demo Exchange, none against the rules; 2 of others passed over") {
		t.Errorf("got %+v", c)
	}
	found = w.look(t, l.serve(3).read)
	inOrder(t, found)
	if c := found.check("log.a.history"); len(found.News) != 0 || c.Result != Pass || !strings.Contains(c.Detail, "from 3 to 3 entries since this source was last seen") {
		t.Errorf("news %+v; %+v", found.News, c)
	}
	l.entries = append(l.entries, byExchange(b, b, wordsEntry("erratum", "b", "for spot read all"), wordsEntry("withdrawal", "a", "why"))...)
	found = w.look(t, l.serve(7).read)
	inOrder(t, found)
	var kinds []string
	for _, n := range found.News {
		kinds = append(kinds, fmt.Sprint(n.Index, " ", n.Kind))
	}
	if diff := cmp.Diff([]string{"3 statement", "5 erratum", "6 withdrawal"}, kinds); diff != "" || found.News[2].Text != "why" {
		t.Errorf("an entry that stands twice is no news: %s %+v", diff, found.News)
	}
}

// Whatever the sizes, a log that changes its past is caught, and the evidence convinces anybody.
func TestC11_ForkOverTime(t *testing.T) {
	one, other := newLookLog(foreign(17)...), newLookLog(append([]string{"another beginning"}, foreign(17)...)...)
	policy := watchFor(t, one).policy
	for m := 1; m <= 17; m++ {
		for n := m; n <= 17; n++ {
			w := &watching{policy, watch.NewSeen()}
			inOrder(t, w.look(t, one.serve(m).read))
			found := w.look(t, other.serve(n).read)
			failing(t, found, ExitFalse, "signed two histories", "log.a.history")
			if len(found.Evidence) != 1 {
				t.Fatalf("%d and %d entries: %d pieces of evidence", m, n, len(found.Evidence))
			}
			caughtBy(t, found.Evidence[0], policy)
			again := w.look(t, other.serve(n).read)
			if len(again.Evidence) != 1 || again.Evidence[0].Name != found.Evidence[0].Name {
				t.Errorf("%d and %d entries: at the next look %+v", m, n, again.Evidence)
			}
			inOrder(t, w.look(t, one.serve(n).read)) // what was seen first is still what counts
		}
	}
}

func TestC11_SplitViewOfTwoSources(t *testing.T) {
	one, other := newLookLog(foreign(17)...), newLookLog(append([]string{"another beginning"}, foreign(17)...)...)
	policy := watchFor(t, one).policy
	for m := 1; m <= 17; m++ {
		for n := 1; n <= 17; n++ {
			w := &watching{policy, watch.NewSeen()}
			found := w.look(t, one.serve(m).read, other.serve(n).read)
			failing(t, found, ExitFalse, "signed two histories", "log.sources")
			if len(found.Evidence) != 1 || found.check("log.entries").Result != Skipped {
				t.Fatalf("%d and %d entries: %d pieces of evidence, %+v", m, n, len(found.Evidence), found.check("log.entries"))
			}
			caughtBy(t, found.Evidence[0], policy)
			if after := w.look(t, one.serve(17).read); after.Holds && n <= 17 {
				t.Errorf("%d and %d entries: the other history is forgotten", m, n)
			}
		}
	}
	// Two that part late, and without the entries of either: of one size, the checkpoints are enough.
	late := one.of(append(slices.Clone(one.entries[:16]), "another end")...)
	without := func(l *lookLog) tlog.Source { return served{"checkpoint": l.serve(17)["checkpoint"]}.read }
	w := &watching{policy, watch.NewSeen()}
	found := w.look(t, without(one), without(late))
	failing(t, found, ExitFalse, "does not exist", "log.a.entries", "log.b.entries", "log.sources")
	caughtBy(t, found.Evidence[0], policy)
	found = w.look(t, one.serve(17).read, late.serve(17).read, one.serve(9).read)
	failing(t, found, ExitFalse, "signed two histories", "log.sources")
	caughtBy(t, found.Evidence[0], policy)
}

func TestC01_TwoSources(t *testing.T) {
	l := newLookLog(append(foreign(20), byExchange(statementEntry("a", 0, "2026-08", "", ""))...)...)
	for m := 0; m <= 21; m++ {
		for _, order := range [][2]int{{m, 21}, {21, m}} {
			w := watchFor(t, l)
			found := w.look(t, l.serve(order[0]).read, l.serve(order[1]).read)
			inOrder(t, found)
			if behind := strings.Contains(strings.Join(found.Notes, "\n"), fmt.Sprintf("and of the same log: it shows %d of 21 entries", m)); behind != (m < 21) || len(found.News) != 1 {
				t.Errorf("%d entries behind 21: notes %q, news %+v", m, found.Notes, found.News)
			}
			inOrder(t, w.look(t, l.serve(order[0]).read, l.serve(order[1]).read))
		}
	}
	w := watchFor(t, l)
	silent := func(string) ([]byte, error) { return nil, &watch.Unreachable{Err: errors.New("nobody answers")} }
	found := w.look(t, l.serve(21).read, silent)
	if found.Holds || found.Exit != ExitNetwork || found.check("log.a.entries").Result != Pass || found.check("log.b.checkpoint").Result != Skipped || found.check("log.sources").Result != Skipped {
		t.Errorf("one of two answers: exit %d, %+v", found.Exit, found.Checks)
	}
	other := newLookLog(foreign(3)...)
	other.name = "other.example/log"
	failing(t, w.look(t, l.serve(21).read, other.serve(3).read), ExitFalse, `has no key of log "other.example/log"`, "log.b.checkpoint")
	_, key := noteKey(other.name, 1, other.key)
	both := newWorld()
	both.full = strings.Replace(l.policy(2), "keys = [", fmt.Sprintf("keys = [%q, ", key), 1)
	w.policy = both.make(t).policy
	failing(t, w.look(t, l.serve(21).read, other.serve(3).read), ExitFalse, "the sources show two logs", "log.sources")
	failing(t, w.look(t, other.serve(3).read), ExitFalse, "showed the log exchange.example/log before, now it shows other.example/log", "log.a.history")
}

func TestC11_LogThatWentBack(t *testing.T) {
	l := newLookLog(foreign(12)...)
	w := watchFor(t, l)
	inOrder(t, w.look(t, l.serve(10).read))
	for range 2 { // it is not forgotten
		found := w.look(t, l.serve(8).read)
		failing(t, found, ExitFalse, "the log went back from 10 to 8 entries: this source showed a checkpoint of 10 entries with root "+fmt.Sprintf("%x", hashOf(foreign(10))), "log.a.history")
		if len(found.Evidence) > 0 {
			t.Errorf("less of one history is no second one: %+v", found.Evidence)
		}
	}
	failing(t, w.look(t, l.serve(8).read, l.serve(12).read), ExitFalse, "which the log signed; b still shows it", "log.a.history")
	inOrder(t, w.look(t, l.serve(12).read, l.serve(12).read))
	// A source that was always behind is not one that went back.
	found := w.look(t, l.serve(12).read, l.serve(12).read, l.serve(9).read)
	inOrder(t, found)
	if !strings.Contains(strings.Join(found.Notes, "\n"), "c shows 9 entries of the log, fewer than the 12 that another source showed before") {
		t.Errorf("notes %q", found.Notes)
	}
	inOrder(t, w.look(t, l.serve(12).read, l.serve(12).read, l.serve(10).read))
	failing(t, w.look(t, l.serve(12).read, l.serve(12).read, l.serve(9).read), ExitFalse, "went back from 10 to 9", "log.c.history")
	failing(t, w.look(t, l.serve(0).read), ExitFalse, "went back from 12 to 0 entries", "log.a.history")
}

func TestC11_LogNotWatchable(t *testing.T) {
	l := newLookLog(foreign(300)...)
	n := len(l.entries)
	with := func(edit func(served)) tlog.Source {
		s := l.serve(n)
		edit(s)
		return s.read
	}
	for name, c := range map[string]struct {
		edit   func(served)
		exit   int
		reason string
		failed []string
	}{
		"an entry altered": {func(s served) { s["tile/entries/000"][5] ^= 1 }, ExitFalse, "an entry was altered, left out or put in", []string{"log.b.entries"}},
		"a tile missing":   {func(s served) { delete(s, "tile/entries/000") }, ExitUnreadable, "tile/entries/000: file does not exist", []string{"log.b.entries"}},
		"a tile cut off":   {func(s served) { s["tile/entries/001.p/44"] = s["tile/entries/001.p/44"][:9] }, ExitUnreadable, "ends inside entry 0", []string{"log.b.entries"}},
		"stale":            {func(s served) { s["checkpoint"] = l.checkpoint(n, "2026-11-29T00:00:00Z", "w1", "w2") }, ExitFalse, "the log stands still", []string{"log.b.checkpoint"}},
		"one witness":      {func(s served) { s["checkpoint"] = l.checkpoint(n, seenTime, "w2") }, ExitFalse, "cosigned by 1 of the policy's witnesses", []string{"log.b.checkpoint"}},
		"no checkpoint":    {func(s served) { delete(s, "checkpoint") }, ExitUnreadable, "checkpoint: file does not exist", []string{"log.b.checkpoint"}},
	} {
		w := watchFor(t, l)
		found := w.look(t, l.serve(n).read, with(c.edit))
		failing(t, found, c.exit, c.reason, c.failed...)
		if len(found.Evidence) > 0 || found.check("log.a.entries").Result != Pass || found.check("log.entries").Result != Pass {
			t.Errorf("%s: %+v", name, found.Checks)
		}
	}
	// Alone, a source that does not show its entries leaves nothing to look at.
	w := watchFor(t, l)
	found := w.look(t, with(func(s served) { delete(s, "tile/entries/000") }))
	failing(t, found, ExitUnreadable, "file does not exist", "log.a.entries")
	if found.check("log.entries").Result != Skipped || string(found.Seen.JSON()) != string(watch.NewSeen().JSON()) {
		t.Errorf("%+v, kept %s", found.check("log.entries"), found.Seen.JSON())
	}
}

// A victim of a split view is shown what too few witnesses saw. It counts for nothing, and against the log all the same.
func TestC11_ForkWithoutAQuorum(t *testing.T) {
	l := newLookLog(foreign(9)...)
	hidden := l.of(append([]string{"another beginning"}, foreign(9)...)...)
	w := watchFor(t, l)
	inOrder(t, w.look(t, l.serve(5).read))
	found := w.look(t, hidden.under(7, hidden.checkpoint(7, seenTime)).read)
	failing(t, found, ExitFalse, "cosigned by 0 of the policy's witnesses, want 2", "log.a.checkpoint", "log.a.history")
	if len(found.Evidence) != 1 {
		t.Fatalf("got %d pieces of evidence", len(found.Evidence))
	}
	caughtBy(t, found.Evidence[0], w.policy)
	inOrder(t, w.look(t, l.serve(9).read))
}

// A log does not leave its past behind with a key that the policy forgets.
func TestC11_ForkWithANewKey(t *testing.T) {
	l := newLookLog(foreign(9)...)
	w := watchFor(t, l)
	inOrder(t, w.look(t, l.serve(5).read))
	next := l.of(append([]string{"another beginning"}, foreign(9)...)...)
	next.key = witnessKey("the log's next key")
	w.policy = next.lookPolicy(t, 2)
	failing(t, w.look(t, next.serve(9).read), ExitFalse, "keep the keys that a log had", "log.a.history")
	_, key := noteKey(next.name, 1, next.key)
	both := newWorld()
	both.full = strings.Replace(l.policy(2), "keys = [", fmt.Sprintf("keys = [%q, ", key), 1)
	w.policy = both.make(t).policy
	found := w.look(t, next.serve(9).read)
	failing(t, found, ExitFalse, "no evidence for others: the two checkpoints are not signed with one key", "log.a.history")
	if len(found.Evidence) > 0 {
		t.Errorf("got %+v", found.Evidence)
	}
	next.entries = foreign(9)
	inOrder(t, w.look(t, next.serve(9).read))
}

func TestC09_TwoStatementsOfOnePeriod(t *testing.T) {
	a := statementEntry("a", 0, "2026-08", "", "")
	l := newLookLog(append(foreign(5), byExchange(a, statementEntry("b", 1, "2026-08", "a", ""))...)...)
	w := watchFor(t, l)
	var name string
	for n := 7; n <= 9; n++ { // the log goes on
		found := w.look(t, l.serve(n).read, l.serve(7).read)
		failing(t, found, ExitFalse, "the exchange broke the rules of its log: entry 6: two statements of the period 2026-08 in the series monthly, and the later does not supersede", "log.entries")
		if len(found.Evidence) != 1 || name != "" && name != found.Evidence[0].Name {
			t.Fatalf("evidence %+v, before it was %s", found.Evidence, name)
		}
		name = found.Evidence[0].Name
		caughtBy(t, found.Evidence[0], w.policy)
		if !strings.HasPrefix(name, "equivocation-") {
			t.Errorf("kept as %s", name)
		}
		l.entries = append(l.entries, "of somebody else, later")
	}
	// In a log that is forked too, each is shown by itself: no checkpoint of the other history gets into it.
	w = watchFor(t, l)
	other := l.of(append([]string{"another beginning"}, l.entries...)...)
	w.look(t, other.under(8, other.checkpoint(8, "2026-11-30T20:00:00Z", "w1", "w2")).read)
	found := w.look(t, l.serve(9).read)
	failing(t, found, ExitFalse, "signed two histories", "log.a.history", "log.entries")
	if len(found.Evidence) != 2 {
		t.Fatalf("%d pieces of evidence, notes %q", len(found.Evidence), found.Notes)
	}
	for _, e := range found.Evidence {
		caughtBy(t, e, w.policy)
	}
	honest := newLookLog(byExchange(a, statementEntry("b", 1, "2026-08", "a", "a"), statementEntry("c", 2, "2026-08", "b", "b"))...)
	inOrder(t, watchFor(t, honest).look(t, honest.serve(3).read))
	breach := newLookLog(byExchange(a, statementEntry("c", 2, "2026-09", "a", ""))...)
	found = watchFor(t, breach).look(t, breach.serve(2).read)
	failing(t, found, ExitFalse, "number 2 of the series monthly, after number 0", "log.entries")
	if len(found.Evidence) > 0 {
		t.Errorf("a gap is no equivocation: %+v", found.Evidence)
	}
}

// What a monitor saw in time keeps the entries of a key that was revoked later.
func TestC12_EntriesBeforeARevocation(t *testing.T) {
	l := newLookLog(byExchange(statementEntry("a", 0, "2026-08", "", ""))...)
	w := watchFor(t, l)
	inOrder(t, w.look(t, l.under(1, l.checkpoint(1, "2026-11-30T20:00:00Z", "w1", "w2")).read))
	l.entries = append(l.entries, byExchange(statementEntry("b", 1, "2026-09", "a", ""))...)
	revoked := newWorld()
	revoked.full = l.policy(2) + limitOfKey("KEY", "revoked = \"2026-11-30T22:00:00Z\"\n")
	w.policy = revoked.make(t).policy
	inOrder(t, w.look(t, l.serve(1).read))
	failing(t, w.look(t, l.serve(2).read), ExitFalse, "entry 1: key", "log.entries")
	fresh := &watching{w.policy, watch.NewSeen()}
	failing(t, fresh.look(t, l.serve(1).read), ExitFalse, "entry 0: key", "log.entries")
	// What a source says that shows no entries dates none of another's.
	alone := l.of("another beginning", "x", "y")
	early := served{"checkpoint": alone.checkpoint(3, "2026-11-30T20:00:00Z", "w1", "w2")}
	fresh = &watching{w.policy, watch.NewSeen()}
	failing(t, fresh.look(t, early.read, l.serve(1).read), ExitFalse, "file does not exist", "log.a.entries", "log.entries")
	// Evidence takes the checkpoint that shows most, or would not stand by itself.
	twice := newLookLog(byExchange(statementEntry("a", 0, "2026-08", "", ""), statementEntry("z", 0, "2026-09", "", ""))...)
	w = watchFor(t, twice)
	w.look(t, twice.under(2, twice.checkpoint(2, "2026-11-30T20:00:00Z", "w1", "w2")).read)
	w.policy = revoked.make(t).policy
	twice.entries = append(twice.entries, "of somebody else")
	found := w.look(t, twice.serve(3).read)
	failing(t, found, ExitFalse, "entry 1: number 0 of the series monthly twice", "log.entries")
	if len(found.Evidence) != 1 {
		t.Fatalf("notes %q", found.Notes)
	}
	caughtBy(t, found.Evidence[0], w.policy)
}

func TestMonitor_RefusesAPolicy(t *testing.T) {
	l := newLookLog(foreign(1)...)
	none := newWorld().make(t).policy
	if _, err := Monitor(MonitorInput{Policy: none, Seen: watch.NewSeen()}); !errors.Is(err, watch.ErrNoLog) {
		t.Errorf("got %v", err)
	}
	policy := l.lookPolicy(t, 1)
	policy.Log.Keys = []string{"x"}
	if _, err := Monitor(MonitorInput{Policy: policy, Seen: watch.NewSeen()}); ExitCode(err) != ExitUnreadable {
		t.Errorf("got %v", err)
	}
}

// Ten thousand entries, all of the exchange.
func TestMonitor_TenThousandEntries(t *testing.T) {
	l := newLookLog()
	previous := ""
	for i := range 10_000 {
		name := fmt.Sprint(i)
		l.entries = append(l.entries, byExchange(statementEntry(name, i, parsedTime("2020-01-01T00:00:00Z").Add(time.Duration(i)*time.Hour).Format("2006-01-02T15"), previous, ""))...)
		previous = name
	}
	w, s := watchFor(t, l), l.serve(len(l.entries))
	start := time.Now()
	found := w.look(t, s.read, s.read)
	t.Logf("10,000 entries from two sources: %v", time.Since(start))
	inOrder(t, found)
	if len(found.News) != 10_000 {
		t.Errorf("%d news", len(found.News))
	}
}
