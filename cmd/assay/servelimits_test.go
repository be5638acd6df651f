package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// anew ends the door's server, as whoever stops it does, and starts another one with such lines for those that let tests ask as they like.
func (d *door) anew(t *testing.T, lines string) {
	t.Helper()
	if err := d.process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if _, err := d.process.Wait(); err != nil {
		t.Fatal(err)
	}
	s := d.server
	s.write(t, "other.toml", strings.Replace(read(t, s.dir, "assay.toml"), unhurried, lines, 1))
	d.url, d.said, d.process = servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--config", "other.toml", "--listen", "127.0.0.1:0")...)
}

// bare is the head of an answer.
type bare struct {
	status int
	header http.Header
}

// plainly asks without looking at the signature.
func (d *door) plainly(t *testing.T, path string, fields ...string) bare {
	t.Helper()
	_, transport := d.with(t)
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return bare{response.StatusCode, response.Header}
}

// withinADay waits for the next day of UTC where this one is nearly over: what is counted by the day is counted anew then.
func withinADay(t *testing.T) {
	t.Helper()
	now := time.Now().UTC()
	next := now.Truncate(24*time.Hour).AddDate(0, 0, 1)
	if left := next.Sub(now); left < 5*time.Minute {
		t.Logf("%s is over in %v, which is waited for", now.Format(time.DateOnly), left)
		time.Sleep(left)
	}
}

// TestServedLimits: a client is refused once it has asked for all that its tier may in a day, and still is when the server was
// stopped and started; addresses begin anew. What is on its way out says so.
func TestServedLimits(t *testing.T) {
	d := newDoor(t)
	k := d.server.create(t)
	lines := "limits = { anonymous = \"1/h burst 2\", standard = \"100/s 5/day\" }\n" +
		"retired = [{ operation = \"GET /v1/policy\", deprecated = \"2026-01-01\", sunset = \"2026-07-01\", successor = \"/v2/policy\" }]\n"
	codes := func(times int, path string, fields ...string) (all string) {
		for range times {
			all += fmt.Sprint(d.plainly(t, path, fields...).status, " ")
		}
		return all
	}
	withinADay(t)
	d.anew(t, lines)
	if got := codes(3, "/v1/health"); got != "200 200 429 " {
		t.Errorf("an address: %s", got)
	}
	if got := codes(3, "/v1/health", "Assay-Key", k.Key); got != "200 200 200 " {
		t.Errorf("a client: %s", got)
	}
	d.anew(t, lines)
	if got := codes(3, "/v1/health", "Assay-Key", k.Key); got != "200 200 429 " {
		t.Errorf("the same day, by another server: %s", got)
	}
	last := d.plainly(t, "/v1/health", "Assay-Key", k.Key).header
	if wait, err := strconv.Atoi(last.Get("Retry-After")); err != nil || wait < 1 || wait > 24*60*60 || !strings.Contains(last.Get("Ratelimit-Policy"), `"standard-day";q=5;w=86400`) {
		t.Errorf("%v %v", err, last)
	}
	gone := d.plainly(t, "/v1/policy")
	if gone.status != 410 || gone.header.Get("Link") != `</v2/policy>; rel="successor-version"` || gone.header.Get("Sunset") != "Wed, 01 Jul 2026 00:00:00 GMT" || gone.header.Get("Deprecation") != "@1767225600" {
		t.Errorf("what is retired: %d %v", gone.status, gone.header)
	}
	// A limit that is changed beside the server holds soon.
	set := func(args ...string) string {
		out, _ := mustCall(t, d.server.dir, d.server.exchange.assay, append([]string{"admin", "limit", "--config", "other.toml"}, args...)...)
		return out
	}
	if got := set("set", "anonymous", "1000/s burst 1000"); !strings.Contains(got, "anonymous: 1000/s") {
		t.Errorf("set: %s", got)
	}
	for d.plainly(t, "/v1/health").header.Get("Ratelimit-Policy") != `"anonymous";q=1000;w=1` {
		time.Sleep(50 * time.Millisecond)
	}
	if got := codes(3, "/v1/health"); got != "200 200 200 " {
		t.Errorf("an address that may ask more often by now: %s", got)
	}
	if got := set("list"); !strings.Contains(got, "1000/s") || !strings.Contains(got, "1/h burst 2") {
		t.Errorf("list: %s", got)
	}
	if got := set("reset", "anonymous"); !strings.Contains(got, "anonymous: 1/h burst 2") {
		t.Errorf("reset: %s", got)
	}
	for args, want := range map[string]string{"set gold 1/s": "there is no limit", "set basic often": "no limit such as", "reset gold": "there is no limit", "set basic": "a name and a policy"} {
		if code, _, stderr := call(t, d.server.dir, d.server.exchange.assay, append([]string{"admin", "limit"}, strings.Fields(args)...)...); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d: %s", args, code, stderr)
		}
	}

	d.anew(t, "limits = { connections = 2 }\n")
	address := strings.TrimPrefix(d.url, "https://")
	for range 2 {
		dialled(t, "127.0.0.1", address)
	}
	if got := heard(t, dialled(t, "127.0.0.1", address)); got != "" {
		t.Errorf("a third connection: %q", got)
	}
}

// TestServerFaults: limits, proxies and retirements that make no sense keep a server from starting.
func TestServerFaults(t *testing.T) {
	for text, want := range map[string]string{
		`limits = { anonymous = "often" }`:                                             `server.limits.anonymous: "often" is no limit`,
		`limits = { lookups = "1/s 5/day" }`:                                           "a day's quota is a tier's",
		`limits = { connections = -1 }`:                                                "server.limits.connections: got -1",
		`limits = { gold = "1/s" }`:                                                    `unknown key`,
		`trusted_proxies = ["10.0.0.1"]`:                                               "go together",
		`client_address = "X-Forwarded-For"`:                                           "go together",
		"trusted_proxies = [\"10.0.0.1\"]\nclient_address = \"Forwarded\"":             "server.client_address",
		"trusted_proxies = [\"10.0.0.1\"]\nclient_address = \"X Y\"":                   "server.client_address",
		"trusted_proxies = [\"ten\"]\nclient_address = \"proxy-v2\"":                   "server.trusted_proxies",
		`client_auth = "maybe"`:                                                        "server.client_auth",
		`retired = [{ operation = "v1", deprecated = "soon", sunset = "2027-01-01" }]`: "deprecated",
		`retired = [{ operation = "v1", deprecated = "2026-01-01", sunset = "2027-01-01", successor = "</a>"}]`: "are URLs",
	} {
		if _, err := parseConfig([]byte("[server]\n" + text + "\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestAcceptedUnderLoad: of what wrk asks within a minute, as fast as it can, what the policy says is accepted, within 2 % (make bench-serve).
func TestAcceptedUnderLoad(t *testing.T) {
	if os.Getenv("ASSAY_LOAD") == "" {
		t.Skip("make bench-serve runs this")
	}
	const seconds = 60
	d := newDoor(t)
	k := d.server.create(t)
	d.anew(t, "limits = { anonymous = \"20/s burst 100\", standard = \"500/s\", connections = 1000 }\n")
	for name, tt := range map[string]struct {
		fields      []string
		rate, burst float64
	}{"an address": {nil, 20, 100}, "a client": {[]string{"-H", "Assay-Key: " + k.Key}, 500, 500}} {
		out, err := exec.CommandContext(t.Context(), "wrk", append([]string{"-t1", "-c16", fmt.Sprintf("-d%ds", seconds), d.url + "/v1/health"}, tt.fields...)...).CombinedOutput()
		figures := regexp.MustCompile(`(\d+) requests in ([0-9.]+)(m|s)`).FindSubmatch(out)
		refused := regexp.MustCompile(`Non-2xx or 3xx responses: (\d+)`).FindSubmatch(out)
		if err != nil || figures == nil || refused == nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		number := func(b []byte) float64 {
			n, err := strconv.ParseFloat(string(b), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		took := number(figures[2])
		if string(figures[3]) == "m" {
			took *= 60
		}
		accepted, want := number(figures[1])-number(refused[1]), tt.burst+tt.rate*took
		t.Logf("%s: %.0f of %s accepted in %.2f s, policy %.0f (%+.2f %%)", name, accepted, figures[1], took, want, 100*(accepted-want)/want)
		if off := accepted - want; off > want/50 || off < -want/50 {
			t.Errorf("%s: %.0f accepted, want %.0f", name, accepted, want)
		}
	}
	if said := read(t, d.said); strings.Contains(said, "panic") {
		t.Errorf("the log says %.2000s", said)
	}
}
