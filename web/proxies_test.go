package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/limit"
)

// TestProxies: of what a proxy says the last address counts that is of no proxy; nobody else is believed.
func TestProxies(t *testing.T) {
	proxies := web.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}, Field: "X-Forwarded-For"}
	for _, tt := range []struct {
		peer  string
		lines []string
		want  string
	}{
		{"10.0.0.1:9", []string{"192.0.2.7"}, "192.0.2.7:0"},
		{"10.0.0.1:9", []string{"203.0.113.1, 192.0.2.7"}, "192.0.2.7:0"},
		{"10.0.0.1:9", []string{"203.0.113.1, 192.0.2.7 ,10.0.0.2"}, "192.0.2.7:0"},
		{"10.0.0.1:9", []string{"203.0.113.1", "192.0.2.7, 2001:db8:1::5"}, "192.0.2.7:0"},
		{"[::ffff:10.0.0.1]:9", []string{"192.0.2.7"}, "192.0.2.7:0"},
		{"[2001:db8:1::1]:9", []string{"2001:db8:2::1"}, "[2001:db8:2::1]:0"},
		{"10.0.0.1:9", []string{"192.0.2.7:4711"}, "192.0.2.7:0"},
		{"10.0.0.1:9", []string{"[2001:db8:2::1]:4711"}, "[2001:db8:2::1]:0"},
		{"10.0.0.1:9", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0"},
		{"10.0.0.1:9", []string{"192.0.2.7, unknown"}, "10.0.0.1:0"},
		{"10.0.0.1:9", []string{"192.0.2.7, _hidden, 10.0.0.2"}, "10.0.0.2:0"},
		{"10.0.0.1:9", nil, "10.0.0.1:0"},
		{"10.0.0.1:9", []string{""}, "10.0.0.1:0"},
		{"192.0.2.9:9", []string{"10.0.0.1"}, "192.0.2.9:9"},
		{"192.0.2.9:9", []string{"127.0.0.1, 10.0.0.1"}, "192.0.2.9:9"},
	} {
		got := ""
		h := proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = tt.peer, tt.lines
		r.Header.Set("X-Real-Ip", "198.51.100.1") // another field is nobody's word
		if h.ServeHTTP(httptest.NewRecorder(), r); got != tt.want || r.RemoteAddr != tt.peer {
			t.Errorf("%s says %q: %s, want %s", tt.peer, tt.lines, got, tt.want)
		}
	}
}

// TestBehindAProxy: networks and limits are those of who asks the proxy.
func TestBehindAProxy(t *testing.T) {
	p := newPlace(t)
	_, keys, c := p.limited(t, limit.Policies{limit.Anonymous: few(1)})
	c.Proxies = web.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, Field: "X-Forwarded-For"}
	served := handler(t, c)
	h, direct := at(served, "10.0.0.1"), at(served, "192.0.2.1")
	_, secret := keys.issue(t, authn.Wish{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}})
	content := asking("latest", "nobody")
	for name, tt := range map[string]struct {
		h    http.Handler
		from string
		want int
	}{"from its network": {h, "192.0.2.7", 404}, "from elsewhere": {h, "192.0.2.8", 401}, "past the proxy": {direct, "192.0.2.7", 401}} {
		if got := post(tt.h, "/v1/proofs", content, "Assay-Key", secret, "X-Forwarded-For", tt.from); got.Code != tt.want {
			t.Errorf("%s: %d, want %d", name, got.Code, tt.want)
		}
	}
	for _, tt := range []struct {
		from string
		want int
	}{{"198.51.100.1", 200}, {"198.51.100.1", 429}, {"198.51.100.2", 200}, {"198.51.100.1, 198.51.100.2", 429}} {
		if got := ask(h, "GET", "/v1/health", "X-Forwarded-For", tt.from); got.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.from, got.Code, tt.want)
		}
	}
}
