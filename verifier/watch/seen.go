package watch

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/tlog"
)

const seenType = "assay/v1/seen"

// Limits of what a monitor keeps.
const (
	MaxSeen    = 1 << 30 // bytes
	maxLogs    = 1 << 10
	maxSources = 1 << 10
	maxKept    = 1 << 14
	maxName    = 4096
)

// Seen is what a monitor saw of logs, from one run to the next: of each log the last checkpoint that each source showed and that was in
// order, and those that witnesses saw first as the log grew. It is the monitor's own file, and no format that Assay publishes; whoever
// changes it changes only what that monitor finds.
type Seen struct{ logs map[string]*seenLog }

type seenLog struct {
	kept    []*tlog.Checkpoint // by ascending size
	sources map[string]*tlog.Checkpoint
}

// NewSeen is what a monitor has seen before its first run.
func NewSeen() *Seen { return &Seen{map[string]*seenLog{}} }

// ParseSeen reads what Seen.JSON wrote. Errors are *canon.FormatError or *canon.VersionError. Signatures are checked when it is used.
func ParseSeen(raw []byte) (*Seen, error) {
	if len(raw) > MaxSeen {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit is %d", len(raw), MaxSeen)}
	}
	s, last := NewSeen(), ""
	err := canon.DecodeTyped(raw, "type", seenType, func(r *canon.Reader) {
		r.Object(
			canon.Key("logs", func() {
				r.Array(maxLogs, func(int) {
					origin, l := readLog(r)
					if origin <= last {
						r.Fail("logs ascend by origin, and none stands twice")
					}
					s.logs[origin], last = l, origin
				})
			}),
			canon.Key("type", func() { r.Fixed(seenType) }),
		)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func readLog(r *canon.Reader) (origin string, l *seenLog) {
	l = &seenLog{sources: map[string]*tlog.Checkpoint{}}
	r.Object(
		canon.Key("kept", func() {
			r.Array(maxKept, func(i int) {
				c := readCheckpoint(r)
				if !r.Failed() && i > 0 && l.kept[i-1].Size >= c.Size {
					r.Fail("checkpoints ascend by size")
				}
				l.kept = append(l.kept, c)
			})
		}),
		canon.Key("origin", func() { origin = r.Text() }),
		canon.Key("sources", func() {
			last := ""
			r.Array(maxSources, func(int) {
				var name string
				var c *tlog.Checkpoint
				r.Object(canon.Key("checkpoint", func() { c = readCheckpoint(r) }), canon.Key("name", func() { name = r.Text() }))
				if name <= last || len(name) > maxName {
					r.Fail("sources ascend by name, of 1-%d bytes, and none stands twice", maxName)
				}
				l.sources[name], last = c, name
			})
		}),
	)
	if r.Failed() {
		return origin, l
	}
	for _, c := range append(slices.Collect(maps.Values(l.sources)), l.kept...) {
		if c.Origin != origin {
			r.Fail("a checkpoint of another log than %q", origin)
		}
	}
	return origin, l
}

func readCheckpoint(r *canon.Reader) *tlog.Checkpoint {
	return canon.Parse(r, func(s string) (*tlog.Checkpoint, error) {
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil || text64(raw) != s {
			return nil, errors.New("not base64: want RFC 4648 with padding, without line breaks")
		}
		return tlog.ParseCheckpoint(raw)
	})
}

// JSON writes what was seen as ParseSeen reads it.
func (s *Seen) JSON() []byte {
	var logs []string
	for _, origin := range slices.Sorted(maps.Keys(s.logs)) {
		var kept, sources []string
		for _, c := range s.logs[origin].kept {
			kept = append(kept, `"`+text64(c.Raw)+`"`)
		}
		for _, name := range slices.Sorted(maps.Keys(s.logs[origin].sources)) {
			sources = append(sources, fmt.Sprintf(`{"checkpoint":"%s","name":"%s"}`, text64(s.logs[origin].sources[name].Raw), quote(name)))
		}
		logs = append(logs, fmt.Sprintf(`{"kept":[%s],"origin":"%s","sources":[%s]}`, strings.Join(kept, ","), quote(origin), strings.Join(sources, ",")))
	}
	return fmt.Appendf(nil, `{"logs":[%s],"type":"%s"}`, strings.Join(logs, ","), seenType)
}

func quote(s string) string  { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }
func text64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
func (s *Seen) log(o string) *seenLog {
	if s.logs[o] == nil {
		s.logs[o] = &seenLog{sources: map[string]*tlog.Checkpoint{}}
	}
	return s.logs[o]
}

// CheckName says whether a source can be remembered by this name.
func CheckName(name string) error {
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, canon.Barred) || strings.ToValidUTF8(name, "") != name {
		return fmt.Errorf("the name of a source is 1-%d bytes of UTF-8 without control characters", maxName)
	}
	return nil
}

// Clone is a copy that grows by itself.
func (s *Seen) Clone() *Seen {
	out := NewSeen()
	for origin, l := range s.logs {
		out.logs[origin] = &seenLog{slices.Clone(l.kept), maps.Clone(l.sources)}
	}
	return out
}

// Before is what was seen of one log, verified.
type Before struct {
	Kept      []*tlog.Checkpoint          // by ascending size
	Sources   map[string]*tlog.Checkpoint // the last of each source
	Elsewhere map[string]string           // by source, another log that it showed
}

// Of gives what was seen of a log. Checkpoints were verified when they were seen; that they are not any more is an error, since a log could
// leave its past behind with a key that a policy forgets.
func (s *Seen) Of(origin string, trust tlog.Trust) (*Before, error) {
	b := &Before{Sources: map[string]*tlog.Checkpoint{}, Elsewhere: map[string]string{}}
	verify := func(c *tlog.Checkpoint) (*tlog.Checkpoint, error) {
		var few *tlog.QuorumError
		verified, err := check(c.Raw, trust)
		if err != nil && !errors.As(err, &few) {
			return nil, fmt.Errorf("a checkpoint of %d entries that was seen before does not verify by this policy (keep the keys that a log had): %w", c.Size, err)
		}
		return verified, nil
	}
	for other, l := range s.logs {
		for name := range l.sources {
			if other != origin {
				b.Elsewhere[name] = other
			}
		}
	}
	l := s.logs[origin]
	if l == nil {
		return b, nil
	}
	for _, c := range l.kept {
		verified, err := verify(c)
		if err != nil {
			return nil, err
		}
		b.Kept = append(b.Kept, verified)
	}
	for name, c := range l.sources {
		verified, err := verify(c)
		if err != nil {
			return nil, err
		}
		b.Sources[name] = verified
	}
	return b, nil
}

// All are the checkpoints seen, by ascending size.
func (b *Before) All() []*tlog.Checkpoint {
	all := slices.Clone(b.Kept)
	for _, name := range slices.Sorted(maps.Keys(b.Sources)) {
		all = append(all, b.Sources[name])
	}
	slices.SortStableFunc(all, func(x, y *tlog.Checkpoint) int { return cmp.Compare(x.Size, y.Size) })
	return all
}

// Saw remembers the last checkpoint of a source.
func (s *Seen) Saw(source string, c *tlog.Checkpoint) { s.log(c.Origin).sources[source] = c }

// Keep remembers a checkpoint that was witnessed first of those that count so many entries. It is for good: it may show one day that an
// entry was there before a key was revoked. Where too many would be kept, the last gives way.
func (s *Seen) Keep(c *tlog.Checkpoint) {
	l := s.log(c.Origin)
	last := len(l.kept) - 1
	switch {
	case c.Witnessed.IsZero() || last >= 0 && l.kept[last].Size >= c.Size:
	case len(l.kept) == maxKept:
		l.kept[last] = c
	default:
		l.kept = append(l.kept, c)
	}
}
