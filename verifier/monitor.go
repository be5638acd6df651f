package verifier

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/watch"
)

// LogSource is a place where a log is served.
type LogSource struct {
	Name string // by which the verdict speaks of it, and by which it is remembered
	Read tlog.Source
}

// MonitorInput is what a look at a log needs: one log, by all its sources. Names are distinct.
type MonitorInput struct {
	Sources []LogSource
	Policy  *claim.Policy
	Keys    []byte // envelope of the list of response keys that the reader was given; nil: none
	Now     time.Time
	Seen    *watch.Seen // before; it is left as it is
}

// Monitored is what came of it (SPEC part 25, "Monitoring").
type Monitored struct {
	Holds    bool       `json:"holds"`
	Exit     int        `json:"exit"`
	Summary  string     `json:"summary"`
	Checks   []Check    `json:"checks"`
	Notes    []string   `json:"notes"`
	Logs     []LogShown `json:"logs"`
	News     []LogNews  `json:"news"` // entries of the exchange since the last look, or all at the first
	Evidence []Evidence `json:"evidence"`
	Policy   string     `json:"policy"`
	NotShown []string   `json:"not_shown"`

	Seen *watch.Seen `json:"-"` // to be kept for the next look
}

// LogShown is what a source showed.
type LogShown struct {
	Source    string `json:"source"`
	Log       string `json:"log"`
	Size      uint64 `json:"size"`
	Root      string `json:"root"`
	Witnessed string `json:"witnessed,omitempty"`
}

// LogNews is an entry of the exchange that changed something.
type LogNews struct {
	Index      uint64 `json:"index"`
	Kind       string `json:"kind"`
	Statement  string `json:"statement,omitempty"`
	Issued     string `json:"issued"`
	Series     string `json:"series,omitempty"`
	Number     uint64 `json:"number,omitempty"`
	Period     string `json:"period,omitempty"`
	Supersedes string `json:"supersedes,omitempty"`
	Text       string `json:"text,omitempty"` // of a withdrawal or erratum; the reason for superseding

	List string   `json:"list,omitempty"` // H of the payload of a list of response keys
	Keys []string `json:"keys,omitempty"` // of that list
	Seq  uint64   `json:"seq,omitempty"`  // of a head of the audit log
	Hash string   `json:"hash,omitempty"` // of the row of that number
}

// Monitor looks at a log once, and compares what its sources show with one another and with what was seen before. Errors are
// watch.ErrNoLog, or *canon.FormatError about the policy's keys.
func Monitor(in MonitorInput) (Monitored, error) {
	trust, err := watch.TrustOf(in.Policy.Log)
	if err != nil {
		return Monitored{}, err
	}
	m := &monitor{run: newRun(in.Policy), in: in, trust: trust, past: map[string]*seenBefore{}, said: map[*watch.Log]*servers{}}
	for _, s := range in.Sources {
		v := &view{LogSource: s}
		v.checkpoint, v.refused = watch.Latest(s.Read, trust, in.Policy.Log.Fresh, in.Now)
		m.views = append(m.views, v)
	}
	m.read()
	for _, v := range m.views {
		m.checkCheckpoint(v)
	}
	for _, v := range m.views {
		m.checkEntriesOf(v)
	}
	for _, v := range m.views {
		m.checkHistoryOf(v)
	}
	m.checkSources()
	m.check("log.entries", nil, m.checkRecords)
	m.checkKeys()
	return m.conclude(), nil
}

type monitor struct {
	run
	in    MonitorInput
	trust tlog.Trust
	views []*view      // as given
	logs  []*watch.Log // with records of their own: one a history, the largest of a log first
	said  map[*watch.Log]*servers
	past  map[string]*seenBefore // by origin
	forks []*watch.ForkError
	found []Evidence // of equivocation
}

// view is a log as one source shows it.
type view struct {
	LogSource
	checkpoint *tlog.Checkpoint // nil: none that a log of the policy signed
	refused    error            // why it is not believed
	log        *watch.Log       // nil: its entries are not known
	unread     error
}

type seenBefore struct {
	*watch.Before
	fault error
}

// before is what was seen of the log that a source shows.
func (m *monitor) before(v *view) *seenBefore {
	origin := v.checkpoint.Origin
	if m.past[origin] == nil {
		before, err := m.in.Seen.Of(origin, m.trust)
		if err != nil {
			before = &watch.Before{}
		}
		m.past[origin] = &seenBefore{before, err}
	}
	return m.past[origin]
}

// read reads what the sources show, the largest first: a source whose checkpoint is of a history that is known only has to serve the same
// entries, and what they say is not read again.
func (m *monitor) read() {
	views := slices.DeleteFunc(slices.Clone(m.views), func(v *view) bool { return v.checkpoint == nil })
	slices.SortStableFunc(views, func(a, b *view) int { return cmp.Compare(b.checkpoint.Size, a.checkpoint.Size) })
	for _, v := range views {
		if known := m.known(v.checkpoint); known != nil {
			if _, v.unread = watch.Hash(v.Read, v.checkpoint, nil); v.unread == nil {
				v.log = known.At(v.checkpoint)
			}
			continue
		}
		before := m.before(v)
		said := newServers(m.policy)
		reading := watch.Reading{Policy: m.policy, Trust: m.trust, Times: before.All(), Others: said.add}
		for _, other := range views {
			if other != v && other.refused == nil && other.checkpoint.Origin == v.checkpoint.Origin {
				reading.Times = append(reading.Times, other.checkpoint)
			}
		}
		for _, c := range before.All() {
			reading.Known = max(reading.Known, c.Size)
		}
		if v.log, v.unread = reading.Read(v.Read, v.checkpoint); v.unread == nil {
			m.logs, m.said[v.log] = append(m.logs, v.log), said
		}
	}
}

// known is a history read already that a checkpoint is of.
func (m *monitor) known(c *tlog.Checkpoint) *watch.Log {
	for _, log := range m.logs {
		if log.Checkpoint.Origin == c.Origin && log.Extends(c) == nil {
			return log
		}
	}
	return nil
}

// skip says that there was nothing to check, and that nothing of the kind was asked.
func (m *monitor) skip(name, because string) {
	m.verdict.Checks = append(m.verdict.Checks, Check{Name: name, Title: title(name), Result: Skipped, Detail: because})
}

func (m *monitor) checkCheckpoint(v *view) {
	m.check("log."+v.Name+".checkpoint", nil, func() (string, error) {
		if v.refused != nil {
			return "", v.refused
		}
		c := v.checkpoint
		return fmt.Sprintf("the log %s with %d entries and root %s%s", c.Origin, c.Size, c.Root, witnessedAt(c)), nil
	})
}

func (m *monitor) checkEntriesOf(v *view) {
	m.check("log."+v.Name+".entries", nil, func() (string, error) {
		if v.checkpoint == nil {
			return "", &notRun{"no checkpoint says how many there are"}
		}
		return fmt.Sprintf("%d entries, which give the checkpoint's root", v.checkpoint.Size), v.unread
	})
}

// checkHistoryOf is the check `log.SOURCE.history`.
func (m *monitor) checkHistoryOf(v *view) {
	name := "log." + v.Name + ".history"
	if v.checkpoint == nil {
		m.check(name, []string{"log." + v.Name + ".checkpoint"}, nil)
		return
	}
	before := m.before(v)
	all, own := before.All(), before.Sources[v.Name]
	other, moved := before.Elsewhere[v.Name]
	if before.fault == nil && !moved && len(all) == 0 {
		m.skip(name, "nothing was seen of this log before")
		return
	}
	m.check(name, []string{"log." + v.Name + ".entries"}, func() (string, error) {
		switch {
		case before.fault != nil:
			return "", before.fault
		case moved:
			return "", fmt.Errorf("the source showed the log %s before, now it shows %s (if that is right, begin a new state file)", other, v.checkpoint.Origin)
		}
		compared := 0
		for _, c := range all {
			if c.Size > v.checkpoint.Size {
				break
			}
			if err := v.log.Extends(c); err != nil {
				return "", m.fork(err)
			}
			compared++
		}
		if own != nil && own.Size > v.checkpoint.Size {
			return "", m.wentBack(v, own)
		}
		detail := fmt.Sprintf("%d checkpoints seen before are of its first entries", compared)
		if own != nil {
			detail += fmt.Sprintf("; from %d to %d entries since this source was last seen", own.Size, v.checkpoint.Size)
		}
		if last := all[len(all)-1]; last.Size > v.checkpoint.Size {
			m.note("%s shows %d entries of the log, fewer than the %d that another source showed before", v.Name, v.checkpoint.Size, last.Size)
		}
		return detail, nil
	})
}

// wentBack says that a source shows less than it did, and whether another still shows what it hides.
func (m *monitor) wentBack(v *view, own *tlog.Checkpoint) error {
	text := fmt.Sprintf("the log went back from %d to %d entries: this source showed a checkpoint of %d entries with root %s%s, which the log signed", own.Size, v.checkpoint.Size, own.Size, own.Root, witnessedAt(own))
	for _, other := range m.views {
		if other.log != nil && other.checkpoint.Size >= own.Size && other.log.Extends(own) == nil {
			return fmt.Errorf("%s; %s still shows it", text, other.Name)
		}
	}
	return errors.New(text)
}

// fork keeps what an error has of evidence.
func (m *monitor) fork(err error) error {
	var fork *watch.ForkError
	if errors.As(err, &fork) {
		m.forks = append(m.forks, fork)
	}
	return err
}

// checkSources is the check `log.sources`.
func (m *monitor) checkSources() {
	if len(m.views) == 1 {
		m.skip("log.sources", "one source: there is nothing to compare it with")
		return
	}
	m.check("log.sources", nil, func() (string, error) {
		var open []string
		shown := slices.Clone(m.views)
		for _, v := range m.views {
			if v.checkpoint == nil {
				open = append(open, v.Name+" shows no checkpoint of a log of the policy")
			}
		}
		shown = slices.DeleteFunc(shown, func(v *view) bool { return v.checkpoint == nil })
		slices.SortStableFunc(shown, func(a, b *view) int { return cmp.Compare(a.checkpoint.Size, b.checkpoint.Size) })
		for i, large := range shown {
			for _, small := range shown[:i] {
				if small.checkpoint.Origin != large.checkpoint.Origin {
					return "", fmt.Errorf("the sources show two logs: %s shows %s, %s shows %s", small.Name, small.checkpoint.Origin, large.Name, large.checkpoint.Origin)
				}
				compared, err := m.compare(small, large)
				if err != nil {
					return "", fmt.Errorf("%s and %s: %w", small.Name, large.Name, m.fork(err))
				}
				if !compared {
					open = append(open, fmt.Sprintf("%s and %s could not be compared without the entries of the larger", small.Name, large.Name))
				}
			}
		}
		if len(open) > 0 {
			return "", &notRun{strings.Join(open, "; ")}
		}
		last := shown[len(shown)-1]
		for _, v := range shown {
			if v.checkpoint.Size < last.checkpoint.Size {
				m.note("%s is behind %s, and of the same log: it shows %d of %d entries", v.Name, last.Name, v.checkpoint.Size, last.checkpoint.Size)
			}
		}
		return fmt.Sprintf("%d sources show one log, %s, the longest with %d entries", len(shown), last.checkpoint.Origin, last.checkpoint.Size), nil
	})
}

// compare says whether two checkpoints could be compared, and with an error that they are not of one log.
func (m *monitor) compare(small, large *view) (bool, error) {
	switch {
	case large.log != nil:
		return true, large.log.Extends(small.checkpoint)
	case small.checkpoint.Size == large.checkpoint.Size:
		return true, watch.SameSize(small.checkpoint, large.checkpoint, m.trust)
	}
	return false, nil
}

const maxCaught = 16 // equivocations of one history that evidence is made of: the first ones, and one is enough

// checkRecords is the check `log.entries`, of every history that was shown.
func (m *monitor) checkRecords() (string, error) {
	var told []string
	var breaches []claim.Breach
	for _, log := range m.logs {
		said := m.said[log]
		breaches = slices.SortedStableFunc(slices.Values(append(slices.Concat(breaches, log.Record.Breaches), said.breaches...)), func(a, b claim.Breach) int { return cmp.Compare(a.Index, b.Index) })
		pairs := log.Record.Equivocations
		for _, e := range pairs[:min(len(pairs), maxCaught)] {
			if err := m.equivocation(log, e); err != nil {
				return "", err
			}
		}
		if more := len(pairs) - maxCaught; more > 0 {
			m.note("%d more pairs of entries contradict one another: no evidence is made of them", more)
		}
		m.noteOtherNames(log.Record)
		told = append(told, fmt.Sprintf("%d entries of %s, none against the rules; %d of others passed over", log.Record.Entries+said.counted, m.policy.Exchange, log.Record.PassedOver-said.counted))
	}
	switch {
	case len(breaches) > 0:
		return "", breachError(breaches)
	case len(m.logs) == 0:
		return "", &notRun{"no source shows entries that give a checkpoint's root"}
	case len(m.forks) > 0:
		return "", &notRun{"there are two histories"}
	}
	return strings.Join(told, "; "), nil
}

// equivocation keeps evidence, if it stands by itself.
func (m *monitor) equivocation(log *watch.Log, found claim.Equivocation) error {
	e, err := log.Equivocation(found)
	if err != nil {
		return err
	}
	says, err := watch.CheckEquivocation(*e, m.policy, m.trust)
	if err != nil {
		m.note("entries %d and %d contradict one another, and evidence of it would not convince others: %v", found.First, found.Second, err)
		return nil
	}
	name := nameOf("equivocation", append(slices.Clone(e.Entries[0].Entry), e.Entries[1].Entry...))
	if !slices.ContainsFunc(m.found, func(have Evidence) bool { return have.Name == name }) {
		m.found = append(m.found, Evidence{name, says, string(e.JSON())})
	}
	return nil
}
