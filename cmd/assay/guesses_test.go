package main

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/assay-por/assay/web/anomaly"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/people/peopletest"
)

// attacker is a program of Debian's that attacks, or a reason to skip. What it says is kept where make test-security keeps what judges say, if that runs this.
func attacker(t *testing.T, name string) (folder string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("no %s: make test-security installs it; on Debian type: sudo apt-get install -y --no-install-recommends %s", name, name)
	}
	if folder = os.Getenv("ASSAY_SECURITY"); folder == "" {
		folder = t.TempDir()
	}
	return folder
}

// factors are a password, and the second factor that goes with it.
type factors struct {
	password string
	seed     string // base32
	step     uint64 // whose code was taken
}

// code is one that was not taken yet. It is good for half a minute before its time and after.
func (f *factors) code(t *testing.T) string {
	t.Helper()
	code, err := hotp.GenerateCodeCustom(f.seed, max(f.step+1, stepNow()), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func stepNow() uint64 { return uint64(time.Now().Unix() / 30) }

// setsPassword gives a person who is signed in a password.
func (b *browser) setsPassword(t *testing.T, password string) *factors {
	t.Helper()
	var asked struct {
		TOTP string `json:"totp"`
	}
	if status := b.ask(t, "POST", "/v1/me/password:begin", nil, &asked); status != 200 {
		t.Fatal(status)
	}
	at, err := url.Parse(asked.TOTP)
	if err != nil {
		t.Fatal(err)
	}
	f := &factors{password: password, seed: at.Query().Get("secret")}
	if _, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(f.seed); err != nil {
		t.Fatal(err)
	}
	f.step = stepNow() - 1
	code := f.code(t)
	f.step = stepNow() // or that of half a minute ago, which is no later
	if status := b.ask(t, "POST", "/v1/me/password", map[string]string{"password": password, "code": code}, nil); status != 200 {
		t.Fatal(status)
	}
	return f
}

// byPassword has nobody in particular sign in by a password, from an address of this machine.
func (d *door) byPassword(t *testing.T, address, login, password, code string) (status int, problem string, wait string) {
	t.Helper()
	raw, err := json.Marshal(map[string]string{"login": login, "password": password, "code": code})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+"/v1/auth/password", strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	transport := d.http.Transport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext
	defer transport.CloseIdleConnections()
	w, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	var p struct{ Type string }
	if err := json.NewDecoder(w.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return w.StatusCode, strings.TrimPrefix(p.Type, "/problems/"), w.Header.Get("Retry-After")
}

// forHydra stands before the door as hydra needs it, which takes 401 for another kind of sign-in, and counts how forms were answered. A form comes from a page of the console.
func (d *door) forHydra(t *testing.T) (port string, answered *[600]atomic.Int64) {
	t.Helper()
	to, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	answered = new([600]atomic.Int64)
	front := httptest.NewServer(&httputil.ReverseProxy{
		Transport: d.http.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = "assay.example"
			r.Out.Header.Set("Origin", "https://assay.example")
		},
		ModifyResponse: func(w *http.Response) error {
			if w.Request.Method == http.MethodPost {
				answered[w.StatusCode].Add(1)
			}
			if w.StatusCode == http.StatusUnauthorized {
				w.StatusCode = http.StatusOK
			}
			return nil
		},
	})
	t.Cleanup(front.Close)
	_, port, err = net.SplitHostPort(front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, answered
}

// TestHydra: hydra guesses a person's password in the console's form, with the right one among its guesses. It finds none; that name is locked for its network, as whoever asks is told, and a finding
// is raised. The person gets in by their passkey, and by their password from elsewhere; a colleague gets in by a password from the same network.
func TestHydra(t *testing.T) {
	folder := attacker(t, "hydra")
	d := newDoorWith(t, nil, "people = { origins = [\"https://assay.example\"] }\n", func(t *testing.T, s *proofServer) { // the limit of how often anybody tries would hide the lock
		s.write(t, "assay.toml", strings.Replace(read(t, s.dir, "assay.toml"), "limits = { ", "limits = { signins = \"1000000/s\", ", 1))
	})
	s := d.server
	ids, browsers, known := map[string]string{}, map[string]*browser{}, map[string]*factors{}
	for login, password := range map[string]string{"ada": "correct horse battery staple", "bob": "another staple of a battery"} {
		invited := s.person(t, "invite", "--login", login, "--name", strings.ToUpper(login), "--role", "viewer")
		ids[login] = invited.ID
		browsers[login] = &browser{door: d, key: &peopletest.Authenticator{Origin: "https://assay.example", Random: rand.Reader}}
		browsers[login].enrols(t, invited.Link)
		known[login] = browsers[login].setsPassword(t, password)
	}
	var guesses strings.Builder
	for i := range 40 {
		fmt.Fprintf(&guesses, "a password that is none %d\n", i)
		if i == 30 {
			guesses.WriteString(known["ada"].password + "\n")
		}
	}
	list := filepath.Join(t.TempDir(), "guesses")
	if err := os.WriteFile(list, []byte(guesses.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	port, asked := d.forHydra(t)
	said, err := judgedBy(t, folder, "hydra", "-I", "-t", "4", "-l", "ada", "-P", list, "-s", port, "127.0.0.1", "http-post-form",
		"/console/sign-in/password:login=^USER^&password=^PASS^&code=000000:C=/console/sign-in:S=__Host-assay")
	if err != nil || !regexp.MustCompile(`1 of 1 target completed, 0 valid passwords? found`).MatchString(said) {
		t.Fatalf("%v\n%s", err, said)
	}
	if wrong, locked := asked[401].Load(), asked[429].Load(); wrong < 5 || wrong+locked < 41 {
		for status := range asked {
			if n := asked[status].Load(); n > 0 {
				t.Logf("%d were answered by %d", n, status)
			}
		}
		t.Fatalf("of 41 guesses %d were looked at, and %d were not, as it was locked\n%s", wrong, locked, said)
	}
	const here, elsewhere = "127.0.0.1", "127.0.9.1"
	var status int
	var problem, wait string
	for range 3 { // if a lock is over by now, whoever fails is locked for longer
		if status, problem, wait = d.byPassword(t, here, "ada", "a password that is none", "000000"); status == 429 {
			break
		}
	}
	if status != 429 || problem != "locked" || wait == "" {
		t.Errorf("after hydra: %d %s, Retry-After %q", status, problem, wait)
	}
	if status, problem, _ := d.byPassword(t, here, "ada", known["ada"].password, known["ada"].code(t)); status != 429 || problem != "locked" {
		t.Errorf("the right password and code, from that network: %d %s", status, problem)
	}
	if status, problem, _ := d.byPassword(t, here, "bob", known["bob"].password, known["bob"].code(t)); status != 200 {
		t.Errorf("a colleague: %d %s", status, problem)
	}
	var begun struct{ Options json.RawMessage }
	ada := browsers["ada"]
	ada.cookie = ""
	if status := ada.ask(t, "POST", "/v1/auth/passkey:begin", nil, &begun); status != 200 {
		t.Fatal(status)
	}
	shown, err := ada.key.Get(begun.Options)
	if err != nil {
		t.Fatal(err)
	}
	if status := ada.ask(t, "POST", "/v1/auth/passkey", map[string]any{"credential": shown}, nil); status != 200 || ada.cookie == "" {
		t.Errorf("the person by a passkey: %d", status)
	}
	if status := ada.ask(t, "GET", "/v1/me", nil, nil); status != 200 {
		t.Errorf("signed in by a passkey: %d", status)
	}
	if status, problem, _ := d.byPassword(t, elsewhere, "ada", known["ada"].password, known["ada"].code(t)); status != 200 {
		t.Errorf("the person by the password, from elsewhere: %d %s", status, problem)
	}
	auditor := s.create(t, "--permission", "anomaly:read")
	waitFor(t, "found", func() bool {
		var all api.Anomalies
		if status := d.asked(t, "/v1/anomalies?client="+ids["ada"], auditor.Key, &all); status != 200 {
			t.Fatal(status)
		}
		return len(all.Anomalies) == 1 && all.Anomalies[0].Rule == anomaly.Failures && all.Anomalies[0].Action == anomaly.Alert
	})
	if log := read(t, d.said); strings.Contains(log, "panic") || strings.Contains(log, known["ada"].password) || strings.Contains(log, "a password that is none") {
		t.Error("the server's log tells what was tried, or worse")
	}
}

// ffuf runs it, and returns the status of each thing that it asked for.
func ffuf(t *testing.T, folder string, args ...string) (answered map[int][]string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "ffuf.json")
	said, err := judgedBy(t, folder, "ffuf", append([]string{"-s", "-t", "4", "-timeout", "120", "-mc", "all", "-of", "json", "-o", out}, args...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	var found struct {
		Results []struct {
			Input  map[string]string
			Status int
		}
	}
	if err := json.Unmarshal([]byte(read(t, out)), &found); err != nil {
		t.Fatal(err)
	}
	answered = map[int][]string{}
	for _, r := range found.Results {
		answered[r.Status] = append(answered[r.Status], fmt.Sprint(r.Input))
	}
	return answered
}

// TestFfuf: ffuf asks for every operation of the document that is not for everybody, and for names that are nothing, as a stranger: it is turned away, or there is no such thing. By a key that is good it guesses
// customers, which is found.
func TestFfuf(t *testing.T) {
	folder := attacker(t, "ffuf")
	w, keys, _ := newWatchedServer(t, "lists")
	lists := t.TempDir()
	write := func(name string, lines []string) string {
		path := filepath.Join(lists, name)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	only := func(what string, answered map[int][]string, least int, statuses ...int) {
		t.Helper()
		all := 0
		for _, status := range statuses {
			all += len(answered[status])
			delete(answered, status)
		}
		if all < least*9/10 || len(answered) > 0 { // ffuf leaves out what broke off on a machine that is busy
			t.Errorf("%s: %d of %d as they must be, and %v", what, all, least, answered)
		}
		t.Logf("%s: %d", what, all)
	}
	document, err := w.from(known).Get(w.url + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer document.Body.Close()
	var of struct {
		Paths map[string]map[string]struct{ Security []any }
	}
	if err := json.NewDecoder(document.Body).Decode(&of); err != nil {
		t.Fatal(err)
	}
	var methods, paths []string
	for template, operations := range of.Paths {
		path := strings.NewReplacer("{statement}", strings.Repeat("0", 64), "{name}", "runs").Replace(template)
		path = regexp.MustCompile(`\{[^}]+\}`).ReplaceAllString(path, strings.Repeat("a", 16))
		for method, op := range operations {
			if len(op.Security) == 0 {
				continue
			}
			for _, m := range []string{strings.ToUpper(method), "PATCH", "DELETE", "OPTIONS"} {
				methods, paths = append(methods, m), append(paths, strings.TrimPrefix(path, "/"))
			}
		}
	}
	only("operations", ffuf(t, folder, "-mode", "pitchfork", "-w", write("methods", methods)+":METHOD", "-w", write("paths", paths)+":PATH", "-X", "METHOD", "-u", w.url+"/PATH"), len(methods), 401, 404, 405, 429)

	var names []string
	for _, place := range []string{"", "v1/", "v1/me/", "console/", "oauth/", "bundle/", "log/", ".well-known/"} {
		for _, name := range []string{"admin", "login", "debug", "pprof", "metrics", "actuator", ".git/config", ".env", "backup.zip", "assay.db", "assay.toml", "keys", "keys/response.age", "..%2f..%2fetc%2fpasswd", "%2e%2e/keys",
			"%00", "swagger", "graphql", "server-status", "wp-login.php", "config.json", "test", "a'b", "%25", "%ff", "x;y", "~root", "a%20b", "index.php", strings.Repeat("a", 300)} {
			names = append(names, place+name)
		}
	}
	only("names", ffuf(t, folder, "-w", write("names", names), "-u", w.url+"/FUZZ"), len(names), 401, 404, 405, 429, 400)
	only("names of reports", ffuf(t, folder, "-w", write("reports", names[:30]), "-u", w.url+"/v1/reports/FUZZ"), 30, 404, 400, 422) // for everybody: what is no digest is told to be none

	var customers []string
	for i := range 80 {
		customers = append(customers, fmt.Sprintf("guess-%d@customers.example", i))
	}
	only("customers", ffuf(t, folder, "-w", write("customers", customers), "-u", w.url+"/v1/proofs", "-X", "POST", "-H", "Content-Type: application/json", "-H", "Assay-Key: "+keys["lists"].Key,
		"-d", fmt.Sprintf(`{"customer":"FUZZ","statement":%q}`, w.server.exchange.digest(t, "first"))), len(customers), 404, 429)
	w.finds(t, keys["lists"], anomaly.Enumeration, anomaly.Throttle)
	if log := read(t, w.said); strings.Contains(log, "panic") || strings.Contains(log, "could not be done") || strings.Contains(log, "customers.example") {
		t.Errorf("the server's log: %s", log)
	}
}
