package verifier

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/watch"
)

// A log as SPEC part 25 has it, written down naively. It plays a log that lies: any of its entries may be served with any checkpoint.

const (
	lookOrigin = "exchange.example/log"
	lookTime   = "2026-12-01T00:00:00Z" // the reader's clock
	seenTime   = "2026-11-30T23:00:00Z" // when witnesses saw what they saw, unless a test says otherwise
)

type lookLog struct {
	name    string
	key     ed25519.PrivateKey
	entries []string
}

func newLookLog(entries ...string) *lookLog {
	return &lookLog{lookOrigin, ed25519.NewKeyFromSeed(h([]byte("log"))), entries}
}

// of is a log with the same key and other entries: another history.
func (l *lookLog) of(entries ...string) *lookLog { return &lookLog{l.name, l.key, entries} }

func noteKey(name string, algorithm byte, key ed25519.PrivateKey) (hash []byte, text string) {
	decoded := append([]byte{algorithm}, key.Public().(ed25519.PublicKey)...)
	hash = h([]byte(name+"\n"), decoded)[:4]
	return hash, fmt.Sprintf("%s+%x+%s", name, hash, base64.StdEncoding.EncodeToString(decoded))
}

func noteLine(name string, hash, signature []byte) string {
	return fmt.Sprintf("— %s %s\n", name, base64.StdEncoding.EncodeToString(append(hash, signature...)))
}

func witnessKey(name string) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(h([]byte(name))) }

// hashOf is the hash of RFC 6962, by recursion.
func hashOf(entries []string) []byte {
	switch len(entries) {
	case 0:
		return h()
	case 1:
		return h([]byte{0}, []byte(entries[0]))
	}
	k := 1
	for 2*k < len(entries) {
		k *= 2
	}
	return h([]byte{1}, hashOf(entries[:k]), hashOf(entries[k:]))
}

// checkpoint is of the first n entries, cosigned at a time.
func (l *lookLog) checkpoint(n int, at string, witnesses ...string) []byte {
	return l.signed(n, hashOf(l.entries[:n]), at, witnesses...)
}

func (l *lookLog) signed(n int, root []byte, at string, witnesses ...string) []byte {
	text := fmt.Sprintf("%s\n%d\n%s\n", l.name, n, base64.StdEncoding.EncodeToString(root))
	hash, _ := noteKey(l.name, 1, l.key)
	note := text + "\n" + noteLine(l.name, hash, ed25519.Sign(l.key, []byte(text)))
	for _, w := range witnesses {
		hash, _ := noteKey(w, 4, witnessKey(w))
		seconds := parsedTime(at).Unix()
		signature := ed25519.Sign(witnessKey(w), fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text))
		note += noteLine(w, hash, append(binary.BigEndian.AppendUint64(nil, uint64(seconds)), signature...))
	}
	return []byte(note)
}

func parsedTime(s string) time.Time {
	t, err := time.Parse(timeForm, s)
	if err != nil {
		panic(err)
	}
	return t
}

// served are the files of the log with so many entries, under a checkpoint that may be of something else.
type served map[string][]byte

func (l *lookLog) serve(n int) served { return l.under(n, l.checkpoint(n, seenTime, "w1", "w2")) }

func (l *lookLog) under(n int, checkpoint []byte) served {
	s := served{"checkpoint": checkpoint}
	for from := 0; from < n; from += 256 {
		var bundle []byte
		to := min(from+256, n)
		for _, e := range l.entries[from:to] {
			bundle = append(append(bundle, u16(len(e))...), e...)
		}
		path := fmt.Sprintf("tile/entries/%03d", from/256)
		if from/256 >= 1000 {
			path = fmt.Sprintf("tile/entries/x%03d/%03d", from/256/1000, from/256%1000)
		}
		if to-from < 256 {
			path += fmt.Sprintf(".p/%d", to-from)
		}
		s[path] = bundle
	}
	return s
}

func (s served) read(path string) ([]byte, error) {
	raw, ok := s[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return raw, nil
}

// policy is the section [log] that believes this log and two witnesses.
func (l *lookLog) policy(quorum int) string {
	_, key := noteKey(l.name, 1, l.key)
	_, one := noteKey("w1", 4, witnessKey("w1"))
	_, two := noteKey("w2", 4, witnessKey("w2"))
	return fmt.Sprintf("[log]\nrequired = false\nkeys = [%q]\nwitnesses = [%q, %q]\nquorum = %d\nfresh = \"24h\"\n", key, one, two, quorum)
}

// lookPolicy is a policy of the exchange and this log.
func (l *lookLog) lookPolicy(t testing.TB, quorum int) *claim.Policy {
	t.Helper()
	w := newWorld()
	w.full = l.policy(quorum)
	return w.make(t).policy
}

func lookThrough(read tlog.Source) *Look {
	return &Look{Source: "here", Read: read, Now: parsedTime(lookTime)}
}

// byExchange are entries that the exchange signed.
func byExchange(list ...obj) (texts []string) {
	for _, e := range list {
		texts = append(texts, entryOf(e, newWorld().exchange()))
	}
	return texts
}

// entering is the entry of a statement that was made.
func (m *made) entering() obj {
	var statement struct {
		Predicate struct {
			Series   obj
			Snapshot struct{ Instant, Period, ID string }
		}
	}
	decode(m.payload, &statement)
	p := statement.Predicate
	return obj{
		"envelope": hex.EncodeToString(h(m.files[claim.EnvelopePath])), "exchange": "Demo Exchange", "instant": p.Snapshot.Instant, "issued": hourAfter(p.Snapshot.Instant),
		"kind": "statement", "period": p.Snapshot.Period, "series": p.Series, "snapshot": p.Snapshot.ID, "statement": m.digest(), "type": "assay/v1/entry",
	}
}

func (m *made) digest() string { return hex.EncodeToString(h(m.payload)) }

// words are a withdrawal or erratum of a statement that was made.
func (m *made) words(kind, text string) obj {
	return edited(wordsEntry(kind, "", text), func(e obj) { e["statement"] = m.digest() })
}

// foreign is what else stands in a log.
func foreign(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("of somebody else %d", i))
	}
	return list
}

func verifyInLog(t testing.TB, m *made, look *Look) Verdict {
	t.Helper()
	files, err := Folder(folder(m.files))
	if err != nil {
		t.Fatal(err)
	}
	return Bundle(files, m.policy, Options{Log: look})
}

// skippedFor asserts that a check was not made, for this reason, and that nothing is proven.
func skippedFor(t testing.TB, v Verdict, name, reason string, exit int) {
	t.Helper()
	c := find(v, name)
	if c.Result != Skipped || !strings.Contains(c.Detail, reason) || v.Proven || v.Exit != exit {
		t.Errorf("check %s: got %q %q, exit %d, want it skipped with %q, exit %d", name, c.Result, c.Detail, v.Exit, reason, exit)
	}
}

// caughtBy asserts that evidence shows what it says to anybody with the policy.
func caughtBy(t testing.TB, e Evidence, policy *claim.Policy) {
	t.Helper()
	trust, err := watch.TrustOf(policy.Log)
	if err != nil {
		t.Fatal(err)
	}
	says, nothing, err := watch.Judge([]byte(e.File), policy, trust)
	if err != nil || nothing != nil || says != e.Says {
		t.Errorf("%s: %v, %v; it says %q, want %q", e.Name, err, nothing, says, e.Says)
	}
}

func decode(raw []byte, into any) {
	if err := json.Unmarshal(raw, into); err != nil {
		panic(err)
	}
}
