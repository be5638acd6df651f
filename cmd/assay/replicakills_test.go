package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/web/client"
)

// load is what is written and read while servers are killed.
type load struct {
	*replicas
	stop chan struct{}
	all  sync.WaitGroup

	mu      sync.Mutex
	written map[string]string // name of a client that was made: the id that was told
	tries   int
	reads   int
	cut     int // reads that failed
	inARow  int // of those, the most
}

func (r *replicas) underLoad(t *testing.T) *load {
	t.Helper()
	l := &load{replicas: r, stop: make(chan struct{}), written: map[string]string{}}
	for w := range 4 {
		c := r.asker(t, r.front, func(c *client.Config) { c.Signer = &r.key })
		l.all.Go(func() { l.writes(t, c, w) })
	}
	for range 2 {
		l.all.Go(func() { l.looks(t) })
	}
	return l
}

func (l *load) over() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// end stops it, and waits until all that was begun was told.
func (l *load) end() {
	close(l.stop)
	l.all.Wait()
}

// writes makes clients, and each third one again, under the same key.
func (l *load) writes(t *testing.T, c *client.Client, writer int) {
	for i := 0; !l.over() && !t.Failed(); i++ {
		name := fmt.Sprintf("written %d %d", writer, i)
		id := l.insists(t, c, name)
		if i%3 == 0 {
			if again := l.insists(t, c, name); again != id {
				t.Errorf("%s was %s, and sent again it is %s", name, id, again)
			}
		}
		l.mu.Lock()
		l.written[name] = id
		l.mu.Unlock()
	}
}

// insists asks for a client, under one key, until that is done.
func (l *load) insists(t *testing.T, c *client.Client, name string) string {
	wish := strings.ReplaceAll("wish-for-"+name, " ", "-")
	var err error
	for range 600 {
		l.mu.Lock()
		l.tries++
		l.mu.Unlock()
		var made client.Registered
		if made, err = c.CreateClient(t.Context(), wish, client.Registration{Name: name, Roles: []string{"viewer"}}); err == nil {
			return made.ID
		}
		if status, kind := problemOf(err); status != 0 && status != http.StatusServiceUnavailable && status != http.StatusConflict {
			t.Errorf("%s: %d %s", name, status, kind)
			return ""
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s: after half a minute: %v", name, err)
	return ""
}

// looks reads what is public, over a new connection each time.
func (l *load) looks(t *testing.T) {
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: l.roots}, DisableKeepAlives: true}}
	row := 0
	for !l.over() {
		err := func() error {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.front+"/v1/reports", nil)
			if err != nil {
				return err
			}
			response, err := c.Do(r)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), "2026-10") {
				return errors.Join(err, fmt.Errorf("%d %s", response.StatusCode, text))
			}
			return nil
		}()
		l.mu.Lock()
		if l.reads++; err != nil {
			l.cut++
			row++
			l.inARow = max(l.inARow, row)
		} else {
			row = 0
		}
		l.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
}

// writes is how many there are to be at the least: ASSAY_WRITES, or as many as there are meanwhile.
func writes(t *testing.T) int {
	t.Helper()
	text := os.Getenv("ASSAY_WRITES")
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("ASSAY_WRITES=%q is no number of writes", text)
	}
	return n
}

// reaches waits until so many are written, as long as they are getting more.
func (l *load) reaches(t *testing.T, many int) {
	t.Helper()
	at := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.written)
	}
	for n := at(); n < many && !t.Failed(); n = at() {
		before := n
		waitFor(t, "more are written", func() bool { return at() > before })
	}
}

// stands is how it stands once it is over: each that was told to be made is there, once, and nothing else is; the log is one chain.
func (l *load) stands(t *testing.T, times int) {
	t.Helper()
	if len(l.written) < 4*times {
		t.Errorf("%d were written while servers were killed %d times: that tests nothing", len(l.written), times)
	}
	there := map[string]string{}
	admin := l.asker(t, l.front, func(c *client.Config) { c.Signer = &l.key })
	for c, err := range admin.Clients(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if before := there[c.Name]; before != "" {
			t.Errorf("%s is there twice: %s and %s", c.Name, before, c.ID)
		}
		there[c.Name] = c.ID
	}
	for name, id := range l.written {
		if there[name] != id {
			t.Errorf("%s was told to be %s, and is %q", name, id, there[name])
		}
	}
	if len(there) != len(l.written)+1 {
		t.Errorf("%d clients are there, want the %d that were written, and the one who wrote", len(there), len(l.written))
	}
	if got := l.postgres.Do(t, `SELECT count(*) = count(DISTINCT event::json ->> 'object') AND count(*) = `+fmt.Sprint(len(l.written)+1)+` FROM assay_server.audit WHERE event::json ->> 'action' = 'client.create'`); got != "t" {
		t.Errorf("not each that was made is on record, once: %s", got)
	}
	stdout, _ := mustCall(t, l.dir, l.exchange.assay, "audit", "verify")
	has(t, stdout, "each chained to the one before")
	if has(t, stdout, "signed heads of"); l.inARow > 3 {
		t.Errorf("%d reads failed in a row", l.inARow)
	}
	t.Logf("killed %d times: %d written in %d tries; of %d reads %d were cut, at most %d in a row: %s", times, len(l.written), l.tries, l.reads, l.cut, l.inARow, stdout)
}

// TestKilledReplicas: of two servers behind a real balancer one is killed, again and again, while clients write and read, and the database and
// Redis are killed once: what was told to be done is done, once, however often it was asked for; what is public is read all the time.
func TestKilledReplicas(t *testing.T) {
	r := newReplicas(t)
	times, most := kills(t, 5), writes(t)
	l := r.underLoad(t)
	for n := range times {
		l.reaches(t, most*n/times) // the kills are spread over all of the writing
		time.Sleep(time.Duration(100+mathrand.IntN(500)) * time.Millisecond)
		i := mathrand.IntN(2)
		if err := r.process[i].Kill(); err != nil {
			t.Fatal(err)
		}
		if n == times/2 {
			r.postgres.Kill(t)
			r.redis.Kill(t)
			r.postgres.Begin(t)
			r.redis.Begin(t)
		}
		r.begin(t, i)
		r.both(t)
	}
	l.reaches(t, most)
	time.Sleep(200 * time.Millisecond)
	l.end()
	if len(l.written) < most {
		t.Errorf("%d were written, want %d", len(l.written), most)
	}
	l.stands(t, times)
}
