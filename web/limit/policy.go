package limit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Policy says how often something may be done: Rate times in each Per, after a Burst that comes at once, and Day times in a day of
// UTC, if that is not 0.
type Policy struct {
	Rate  int
	Per   time.Duration
	Burst int
	Day   int64
}

var spelling = regexp.MustCompile(`^([1-9][0-9]{0,6})/(s|min|h)(?: burst ([1-9][0-9]{0,6}))?(?: ([1-9][0-9]{0,14})/day)?$`)

var units = map[string]time.Duration{"s": time.Second, "min": time.Minute, "h": time.Hour}

// UnmarshalText reads a policy such as "50/s 1000000/day" or "20/s burst 100"; without a burst it is as large as the rate.
func (p *Policy) UnmarshalText(text []byte) error {
	m := spelling.FindStringSubmatch(string(text))
	if m == nil {
		return fmt.Errorf(`%q is no limit such as "20/s", "30/min burst 60" or "50/s 1000000/day"`, text)
	}
	var q Policy
	for _, number := range []struct {
		text string
		into func(int64)
	}{{m[1], func(n int64) { q.Rate, q.Burst = int(n), int(n) }}, {m[3], func(n int64) { q.Burst = int(n) }}, {m[4], func(n int64) { q.Day = n }}} {
		if number.text == "" {
			continue
		}
		n, err := strconv.ParseInt(number.text, 10, 64)
		if err != nil {
			return err
		}
		number.into(n)
	}
	q.Per = units[m[2]]
	*p = q
	return nil
}

// String is the spelling that UnmarshalText reads.
func (p Policy) String() string {
	var b strings.Builder
	for unit, d := range units {
		if d == p.Per {
			fmt.Fprintf(&b, "%d/%s", p.Rate, unit)
		}
	}
	if p.Burst != p.Rate {
		fmt.Fprintf(&b, " burst %d", p.Burst)
	}
	if p.Day != 0 {
		fmt.Fprintf(&b, " %d/day", p.Day)
	}
	return b.String()
}

// window is in how many seconds a whole burst comes back, one at least.
func (p Policy) window() int64 {
	return seconds(p.Per * time.Duration(p.Burst) / time.Duration(p.Rate))
}

// seconds rounds up: who waits so long has waited long enough.
func seconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

// The names of policies, as clients read them.
const (
	Anonymous = "anonymous" // requests that show no good credential, of an address
	Failures  = "failures"  // credentials that are not good, of an address
	Lookups   = "lookups"   // customers' proofs, of a client
	Runs      = "runs"      // runs asked for, of a client
	Basic     = "basic"     // the tiers of clients
	Standard  = "standard"
	Partner   = "partner"
	Auditor   = "auditor"
	Person    = "person"
	SignIns   = "signins" // attempts of people to sign in, of an address
)

// Policies are all of a server's, by name.
type Policies map[string]Policy

// Parse reads the policy of that name, as [Policy.UnmarshalText] does. A quota of a day have tiers alone.
func Parse(name, text string) (p Policy, err error) {
	if _, known := Defaults()[name]; !known {
		return p, fmt.Errorf("there is no limit %q", name)
	}
	if err := p.UnmarshalText([]byte(text)); err != nil {
		return p, err
	}
	switch name {
	case Basic, Standard, Partner, Auditor, Person:
	default:
		if p.Day != 0 {
			return p, fmt.Errorf("%q: a day's quota is a tier's", text)
		}
	}
	return p, nil
}

// Defaults are the policies of a server that is told no others.
func Defaults() Policies {
	return Policies{
		Anonymous: {20, time.Second, 100, 0},
		Failures:  {30, time.Minute, 30, 0},
		Lookups:   {100, time.Second, 200, 0},
		Runs:      {6, time.Hour, 2, 0},
		Basic:     {50, time.Second, 50, 1_000_000},
		Standard:  {500, time.Second, 500, 20_000_000},
		Partner:   {5000, time.Second, 5000, 0},
		Auditor:   {50, time.Second, 50, 0},
		Person:    {20, time.Second, 100, 0},
		SignIns:   {30, time.Minute, 30, 0},
	}
}
