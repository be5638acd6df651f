package verifier

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/watch"
)

// conclude gathers what was found, and what is to be remembered.
func (m *monitor) conclude() Monitored {
	v := m.run.conclude(m.inOrder())
	out := Monitored{
		Holds: v.Proven, Exit: v.Exit, Summary: v.Summary, Checks: v.Checks, Notes: v.Notes, Logs: []LogShown{}, News: m.news(),
		Evidence: append(m.forkEvidence(), m.found...), Policy: v.Policy, NotShown: notShownByMonitor(), Seen: m.remember(),
	}
	for _, v := range m.views {
		if v.checkpoint == nil {
			continue
		}
		shown := LogShown{Source: v.Name, Log: v.checkpoint.Origin, Size: v.checkpoint.Size, Root: v.checkpoint.Root.String()}
		if at := v.checkpoint.Witnessed; !at.IsZero() {
			shown.Witnessed = at.Format(timeForm)
		}
		out.Logs = append(out.Logs, shown)
	}
	return out
}

func (m *monitor) inOrder() string {
	if len(m.logs) == 0 {
		return ""
	}
	c, past := m.logs[0].Checkpoint, "is what it signed (nothing was seen of it before)"
	if len(m.past[c.Origin].All()) > 0 {
		past = "goes on from what was seen before"
	}
	return fmt.Sprintf("the log %s with %d entries %s, and %s keeps its rules", c.Origin, c.Size, past, m.policy.Exchange)
}

// forkEvidence gives one evidence for a log, the one with the smallest first checkpoint: it stays the same from look to look.
func (m *monitor) forkEvidence() []Evidence {
	out, caught := []Evidence{}, map[string]bool{}
	slices.SortStableFunc(m.forks, func(a, b *watch.ForkError) int { return cmp.Compare(a.First.Size, b.First.Size) })
	for _, f := range m.forks {
		if f.Evidence != nil && !caught[f.First.Origin] {
			caught[f.First.Origin] = true
			out = append(out, forkEvidence(f))
		}
	}
	return out
}

// news are what the exchange entered in the longest history of each log.
func (m *monitor) news() []LogNews {
	out, seen := []LogNews{}, map[string]bool{}
	for _, log := range m.logs {
		if seen[log.Checkpoint.Origin] {
			continue
		}
		seen[log.Checkpoint.Origin] = true
		for _, n := range log.News {
			e := n.Entry
			news := LogNews{Index: n.Index, Kind: e.Kind, Statement: e.Statement.String(), Issued: e.Issued.Format(timeForm), Text: e.Text}
			if e.Kind == claim.KindStatement {
				news.Series, news.Number, news.Period, news.Text = e.Series.Name, e.Series.Number, e.Period, e.Series.Reason
			}
			if e.Series.Reason != "" {
				news.Supersedes = e.Series.Supersedes.String()
			}
			out = append(out, news)
		}
		for _, n := range m.said[log].news {
			if n.Index >= log.Known() {
				out = append(out, n)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b LogNews) int { return cmp.Compare(a.Index, b.Index) })
	return out
}

// remember adds what is in order to what was seen. Where a log signed two histories, both stay: neither is ever put in the other's place.
func (m *monitor) remember() *watch.Seen {
	next := m.in.Seen.Clone()
	var kept []*tlog.Checkpoint
	for _, v := range m.views {
		if v.refused != nil || v.log == nil {
			continue
		}
		before := m.before(v)
		if _, moved := before.Elsewhere[v.Name]; moved || before.fault != nil {
			continue
		}
		if own := before.Sources[v.Name]; own == nil || own.Size <= v.checkpoint.Size && v.log.Extends(own) == nil {
			next.Saw(v.Name, v.checkpoint)
			kept = append(kept, v.checkpoint)
		}
	}
	slices.SortStableFunc(kept, func(a, b *tlog.Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	for _, c := range kept {
		next.Keep(c)
	}
	return next
}

// titleOfLogs is title for checks of a log that is looked at.
func titleOfLogs(name string) string {
	switch name {
	case stateCheck:
		return "the statement stands in the log as published"
	case "log.sources":
		return "all sources show one log"
	case "log.keys":
		return "the list of response keys is entered in the log"
	case "log.entries":
		return "what the exchange entered keeps the rules"
	}
	rest, ok := strings.CutPrefix(name, "log.")
	if !ok {
		return ""
	}
	for suffix, asks := range map[string]string{
		".checkpoint": "the log signed what %s shows, and enough witnesses saw it lately",
		".entries":    "the entries that %s serves are those that the log signed",
		".history":    "what %s shows goes on from what was seen before",
	} {
		if source, ok := strings.CutSuffix(rest, suffix); ok {
			return fmt.Sprintf(asks, source)
		}
	}
	return ""
}

func notShownByMonitor() []string {
	return []string{
		"that what the exchange's statements say is true: check each report with assay-verify bundle, each customer's proof with assay-verify proof",
		"that others are shown the same log: that is what witnesses are for, and what several sources and what was seen before can show",
	}
}
