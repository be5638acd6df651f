package egress

import (
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func get(t *testing.T, e *Endpoint, url string) ([]byte, error) {
	t.Helper()
	resp, err := e.HTTP.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func endpoint(t *testing.T, url string, limits Limits) *Endpoint {
	t.Helper()
	e, err := New(url, limits)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestB22_BodyLimit(t *testing.T) {
	const limit = 1000
	for size, ok := range map[int]bool{0: true, limit - 1: true, limit: true, limit + 1: false, 50 * limit: false} {
		for _, zip := range []bool{false, true} {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				body := strings.NewReader(strings.Repeat("x", size))
				if !zip {
					_, _ = io.Copy(w, body)
					return
				}
				w.Header().Set("Content-Encoding", "gzip") // a bomb is measured by what it becomes
				z := gzip.NewWriter(w)
				_, _ = io.Copy(z, body)
				_ = z.Close()
			})
			e := endpoint(t, url, Limits{Bytes: limit})
			body, err := get(t, e, e.URL)
			var long *TooLongError
			if ok && (err != nil || len(body) != size) || !ok && (!errors.As(err, &long) || long.Limit != limit) {
				t.Errorf("%d bytes, gzip %t: got %d bytes, %v, want ok = %t", size, zip, len(body), err, ok)
			}
		}
	}
}

func TestB22_SlowDrip(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	e := endpoint(t, url, Limits{Timeout: 150 * time.Millisecond})
	if body, err := get(t, e, e.URL); err == nil { // without a limit it would not come back
		t.Errorf("a slow answer ended with %d bytes", len(body))
	}
}

func TestB22_OtherPlaces(t *testing.T) {
	inside := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("another place was reached") })
	for _, code := range []int{301, 302, 303, 307, 308} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside, code) })
		if _, err := get(t, endpoint(t, url, Limits{}), url); !errors.Is(err, ErrRedirect) {
			t.Errorf("status %d: got %v, want ErrRedirect", code, err)
		}
	}
	e := endpoint(t, serve(t, func(http.ResponseWriter, *http.Request) {}), Limits{})
	for _, url := range []string{inside, strings.Replace(e.URL, "http:", "https:", 1), strings.Replace(e.URL, "127.0.0.1", "localhost", 1), "file:///etc/passwd"} {
		if _, err := get(t, e, url); !errors.Is(err, ErrPlace) {
			t.Errorf("%s: got %v, want ErrPlace", url, err)
		}
	}
	if _, err := get(t, e, e.URL+"/another/path"); err != nil {
		t.Errorf("another path of the same place: %v", err)
	}
}

func TestCredentials(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "us er" || password != "p@ss:word" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte("welcome"))
	})
	place := strings.TrimPrefix(url, "http://")
	e := endpoint(t, "http://us%20er:p%40ss%3Aword@"+place+"/", Limits{})
	if body, err := get(t, e, e.URL); err != nil || string(body) != "welcome" {
		t.Errorf("with the URL's credentials: %q, %v", body, err)
	}
	if e.Label != place || strings.Contains(e.URL, "er") && strings.Contains(e.URL, "@") {
		t.Errorf("label %q, URL %q", e.Label, e.URL)
	}
	down := endpoint(t, "http://us%20er:p%40ss@127.0.0.1:1/secret", Limits{})
	_, err := get(t, down, down.URL)
	if err == nil {
		t.Fatal("somebody listens on port 1")
	}
	for _, secret := range []string{"us er", "us%20er", "p@ss", "p%40ss", "secret"} {
		if strings.Contains(Cause(err).Error(), secret) {
			t.Errorf("the error tells %q: %v", secret, Cause(err))
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:8545", "ws://127.0.0.1", "file:///etc/passwd", "http://", "http://us:s3cret@ho st/", "http://:8080",
		"http://s3cret\x7f/", "http://" + strings.Repeat("a", 65), "http://a%22b/"} {
		e, err := New(url, Limits{})
		if err == nil {
			t.Errorf("New(%q) gave %+v", url, e)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("New(%q): the error repeats it: %v", url, err)
		}
	}
}

func FuzzNew(f *testing.F) {
	for _, url := range []string{"http://user:password@127.0.0.1:8545/key", "https://[::1]:1/", "http://a@b@c", ""} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		e, err := New(url, Limits{})
		if err != nil {
			return
		}
		if e.Label == "" || len(e.Label) > maxLabel || Quote(e.Label) != e.Label || strings.Contains(e.Label, "@") {
			t.Errorf("%q: label %q", url, e.Label)
		}
	})
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "\x1b[2Jred\x07": "[2Jred", "two\nlines": "two lines", "\u202eabc": "abc", strings.Repeat("x", 500): strings.Repeat("x", 200) + "...",
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %q, want %q", in, got, want)
		}
	}
}

// A place that must be public is asked by https alone, and not at an address of one's own network, whatever its name is resolved to.
func TestPublic(t *testing.T) {
	if _, err := New("http://hooks.example/", Limits{Public: true}); err == nil {
		t.Error("http is taken")
	}
	asked := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		url := "https://" + host + ":" + port + "/"
		e, err := New(url, Limits{Public: true})
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := e.HTTP.Get(url); !errors.Is(err, ErrAddress) {
			if err == nil {
				_ = resp.Body.Close()
			}
			t.Errorf("%s: %v", host, err)
		}
		if e, err = New(url, Limits{Public: true, Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}}); err != nil {
			t.Fatal(err)
		}
		if resp, err := e.HTTP.Get(url); errors.Is(err, ErrAddress) { // its certificate is not believed: it was reached
			t.Errorf("%s, which is listed: %v", host, err)
		} else if err == nil {
			_ = resp.Body.Close()
		}
	}
	if asked != 0 {
		t.Errorf("asked %d times", asked)
	}
	public := Limits{Public: true}
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:4700::1": true, "127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "::1": false, "fe80::1": false, "fd00::1": false, "::": false, "ff02::1": false, "64:ff9b::a01:203": false, "2002:a01:203::1": false,
		"::7f00:1": false, "::ffff:7f00:1": false, "fec0::1": false,
	} {
		if got := public.allows(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
