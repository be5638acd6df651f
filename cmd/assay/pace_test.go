package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// connections is how many a paced generator asks over. A request whose time comes while all of them wait for answers is late, and its
// lateness counts.
const connections = 64

// paced asks at a steady rate, however long answers take: each request has its time, and what it took is counted from then on, also
// where it could not be sent at once as those before it were not answered. So a server that stands still for a moment is slow for all who would
// have asked meanwhile, and not for the few who were waiting.
func (a asking) paced(t *testing.T, rate int, lasts time.Duration) string {
	t.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	total := int64(rate) * int64(lasts) / int64(time.Second)
	took, late := make([]int, total), make([]int, total) // microseconds
	dialled := make([]*tls.Conn, connections)
	for i := range dialled {
		dialled[i] = a.dial(t)
	}
	start := time.Now().Add(100 * time.Millisecond)
	for _, conn := range dialled {
		all.Go(func() {
			answers := bufio.NewReader(conn)
			for i := next.Add(1) - 1; i < total; i = next.Add(1) - 1 {
				due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
				time.Sleep(time.Until(due))
				late[i] = int(time.Since(due).Microseconds())
				if err := a.once(conn, answers); err != nil {
					t.Error(err)
					return
				}
				took[i] = int(time.Since(due).Microseconds())
			}
		})
	}
	all.Wait()
	lasted := time.Since(start)
	for _, conn := range dialled {
		conn.Close()
	}
	return fmt.Sprintf("%.0f/s of %d, %s; sent after their time: %s", float64(total)/lasted.Seconds(), rate, spread(took), spread(late))
}

// dial connects to the server, whose certificate is of a test.
func (a asking) dial(t *testing.T) *tls.Conn {
	t.Helper()
	at, err := url.Parse(a.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}}).DialContext(t.Context(), "tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	return conn.(*tls.Conn)
}

// once asks, and reads all of the answer.
func (a asking) once(conn io.Writer, answers *bufio.Reader) error {
	at, err := url.Parse(a.url)
	if err != nil {
		return err
	}
	var ask bytes.Buffer
	if a.customers == 0 {
		fmt.Fprintf(&ask, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", at.Path, at.Host)
	} else {
		content := a.content()
		fmt.Fprintf(&ask, "POST %s HTTP/1.1\r\nHost: %s\r\nAssay-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", at.Path, at.Host, a.key, len(content), content)
	}
	if _, err := conn.Write(ask.Bytes()); err != nil {
		return err
	}
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return errors.Join(err, fmt.Errorf("it answers %d", answer.StatusCode))
	}
	return nil
}

// content asks for the proof of a customer who is drawn.
func (a asking) content() []byte {
	return fmt.Appendf(nil, `{"customer":"canary-%d@customers.example","statement":"%s"}`, rand.IntN(a.customers), a.statement)
}
