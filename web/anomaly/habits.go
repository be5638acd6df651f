package anomaly

import (
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/assay-por/assay/web/store"
)

// habits are what a client usually does, as it is kept. Hours are since 1970, other times seconds.
type habits struct {
	Since      int64            `json:"since"` // when it was first seen
	Hours      []hour           `json:"hours"` // of the week before, oldest first: those in which it asked
	Now        hour             `json:"now"`
	Networks   map[string]*span `json:"networks"`
	Keys       map[string]*span `json:"keys"`
	Operations map[string]*use  `json:"operations"`
}

// hour is what a client did within one.
type hour struct {
	At        int64  `json:"at"`
	Requests  uint32 `json:"n"`
	Fresh     uint32 `json:"f,omitempty"` // of those, for what was not asked for in the week before
	Peak      uint32 `json:"p"`           // requests of its fullest minute
	Customers uint32 `json:"c,omitempty"` // who were looked up
	Lookups   uint32 `json:"l,omitempty"`
	Missed    uint32 `json:"m,omitempty"` // of those, of nobody
}

// span is from when until when something was used.
type span struct {
	First int64 `json:"f"`
	Last  int64 `json:"l"`
}

// use is when an operation was asked for: in an hour before this one, the last of them, and in this one.
type use struct {
	Before int64 `json:"b"`
	Now    int64 `json:"n"`
}

// How much is held of one client.
const (
	week          = 7 * 24 // hours
	maxNetworks   = 64
	maxKeys       = 64
	maxOperations = 256 // more than there are
	maxSources    = 64  // of a minute: a credential from a network
	forgotten     = 180 * day
)

// source is a credential as it is used from a network.
type source struct{ credential, network string }

// client is one that is followed.
type client struct {
	id     string
	mu     sync.Mutex
	loaded bool
	gone   bool // it is followed no more: look again
	dirty  bool // since it was kept

	habits
	usual     usual
	minute    int64 // since 1970
	requests  uint32
	sources   map[source]uint32
	customers customers
	told      map[string]int64 // by rule, in which minute something was said last

	last   Asker                 // who asked last
	here   uint32                // customers of the hour who were looked up at this server
	unsent map[store.Tally]int64 // what was counted here and other servers do not know; nil: there are none
}

// usual is the most of an hour in the week before.
type usual struct{ peak, customers uint32 }

// open reads what was kept. What cannot be read is as if there were none.
func (c *client) open(record []byte, now time.Time) (err error) {
	c.habits = habits{Since: now.Unix()}
	if record != nil {
		if err = json.Unmarshal(record, &c.habits); err != nil {
			c.habits = habits{Since: now.Unix()}
		}
	}
	if c.Networks == nil {
		c.Networks = map[string]*span{}
	}
	if c.Keys == nil {
		c.Keys = map[string]*span{}
	}
	if c.Operations == nil {
		c.Operations = map[string]*use{}
	}
	c.sources, c.told, c.loaded = map[source]uint32{}, map[string]int64{}, true
	c.compare()
	return err
}

// age is for how long it is followed.
func (c *client) age(now time.Time) time.Duration { return now.Sub(time.Unix(c.Since, 0)) }

// turn begins the minute and the hour that it is. An hour that stands out is kept as one that does not, unless somebody said that it is as it should be:
// or what was found once would be usual from then on.
func (w *Watch) turn(c *client, now time.Time) {
	if minute := now.Unix() / 60; minute != c.minute {
		c.minute, c.requests = minute, 0
		clear(c.sources)
	}
	at := now.Unix() / 3600
	if at == c.Now.At {
		return
	}
	if c.Now.Requests > 0 {
		c.Hours = append(c.Hours, w.over(c, c.Now))
	}
	c.Now, c.customers, c.here = hour{At: at}, customers{}, 0
	for len(c.Hours) > 0 && c.Hours[0].At < at-week {
		c.Hours = c.Hours[1:]
	}
	for name, u := range c.Operations {
		if u.Now < at-week {
			delete(c.Operations, name)
		}
	}
	c.compare()
}

// over is an hour as it is kept once it is over.
func (w *Watch) over(c *client, was hour) hour {
	if c.usual.peak > 0 && w.stands(c.id, Burst) {
		was.Peak = min(was.Peak, c.usual.peak)
	}
	if c.usual.customers > 0 && w.stands(c.id, Enumeration) {
		was.Customers = min(was.Customers, c.usual.customers)
	}
	return was
}

// compare finds what is usual.
func (c *client) compare() {
	c.usual = usual{}
	for _, h := range c.Hours {
		c.usual.peak, c.usual.customers = max(c.usual.peak, h.Peak), max(c.usual.customers, h.Customers)
	}
}

// asked counts a request.
func (c *client) asked(operation string, a Asker) (fromThere uint32) {
	from := source{a.Credential, a.Network}
	c.last = a
	c.requests++
	c.Now.Requests++
	c.Now.Peak = max(c.Now.Peak, c.requests)
	u := c.Operations[operation]
	if u == nil && len(c.Operations) < maxOperations {
		u = new(use)
		c.Operations[operation] = u
	}
	if u != nil {
		if u.Now != c.Now.At {
			u.Before, u.Now = u.Now, c.Now.At
		}
		if u.Before == 0 || u.Before < c.Now.At-week {
			c.Now.Fresh++
			c.count(fresh, 1)
		}
	}
	if _, there := c.sources[from]; there || len(c.sources) < maxSources {
		c.sources[from]++
	} else {
		from = source{}
	}
	c.countFrom(from)
	c.count(requests, 1)
	c.dirty = true
	return c.sources[from]
}

// saw notes that a name is used now, and says when it was before: zero if never. If there are too many, none is new, and full is true.
func saw(all map[string]*span, name string, most int, now time.Time) (before time.Time, full bool) {
	if one := all[name]; one != nil {
		before, one.Last = time.Unix(one.Last, 0), now.Unix()
		return before, false
	}
	if len(all) >= most {
		maps.DeleteFunc(all, func(_ string, one *span) bool { return now.Sub(time.Unix(one.Last, 0)) >= forgotten })
	}
	if len(all) >= most {
		return now, true
	}
	all[name] = &span{now.Unix(), now.Unix()}
	return time.Time{}, false
}

// longUsed reports whether a network has been used for so long that a client there is not only told of.
func (c *client) longUsed(network string, now time.Time) bool {
	one := c.Networks[network]
	return one != nil && now.Sub(time.Unix(one.First, 0)) >= settled
}
