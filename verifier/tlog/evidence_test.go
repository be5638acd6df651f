package tlog

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/canon"
)

// forked gives what a log signed of m entries of one history, and of n of another.
func forked(t testing.TB, m, n uint64) Fork {
	one, other := grown(m, " for you"), grown(n, " for me")
	return Fork{
		First:  []byte(checkpoint(t, theLog, one, m)),
		Second: []byte(checkpoint(t, theLog, other, n)),
		Path:   must(other.ForkPath(m, n))(t),
	}
}

func TestC11_ForkedLog(t *testing.T) {
	policy := trust(t, 2, theLog, w1, w2)
	for n := uint64(1); n <= 33; n++ {
		for m := uint64(1); m <= n; m++ {
			fork := forked(t, m, n)
			again, err := ParseFork(fork.JSON())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fork, *again); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if err := again.Check(policy); err != nil {
				t.Errorf("%d and %d entries: the log is not caught: %v", m, n, err)
			}
		}
	}
}

func TestC11_ForkThatIsNone(t *testing.T) {
	policy := trust(t, 0, theLog)
	tree, other := grown(9, " for me"), grown(9, " for you")
	good := forked(t, 4, 9)
	with := func(change func(*Fork)) Fork {
		f := good
		f.Path = append([]Hash(nil), f.Path...)
		change(&f)
		return f
	}
	_, of := signedText(t)
	for _, tt := range []struct {
		name    string
		fork    Fork
		problem string
	}{
		{"one history", with(func(f *Fork) { f.First = []byte(checkpoint(t, theLog, tree, 4)) }), "are of one history"},
		{"one checkpoint", Fork{good.Second, good.Second, must(tree.ForkPath(9, 9))(t)}, "are of one history"},
		{"the larger first", Fork{good.Second, good.First, good.Path}, "no path leads from 9 to 4 entries"},
		{"from no entries", with(func(f *Fork) { f.First = []byte(checkpoint(t, theLog, tree, 0)) }), "no path leads from 0 to 9 entries"},
		{"a path made up", with(func(f *Fork) { f.Path[0][0] ^= 1 }), "path: leads to root"},
		{"the other tree's path", with(func(f *Fork) { f.Path = must(other.ForkPath(4, 9))(t) }), "path: leads to root"},
		{"no path", with(func(f *Fork) { f.Path = nil }), "a path of 0 hashes does not lead"},
		{"a path too long", with(func(f *Fork) { f.Path = append(f.Path, Hash{}) }), "does not lead"},
		{"first signed by another", with(func(f *Fork) { f.First = []byte(checkpoint(t, aLog("other"), other, 4)) }), "first: the checkpoint of log"},
		{"second signed by nobody", with(func(f *Fork) { f.Second = []byte(of + "\n" + stranger.cosign(of, 1)) }), "second: the checkpoint of log"},
		{"a signature off by one", with(func(f *Fork) { f.Second = []byte(of + "\n" + theLog.sign(of[1:])) }), "second: the signature of log"},
	} {
		refused(t, tt.name, tt.fork.Check(policy), tt.problem)
	}
}

// Two keys of one name are two logs, for all that a reader can show.
func TestC11_ForkOfTwoKeys(t *testing.T) {
	second := aLog("another key of that name")
	policy := trust(t, 0, theLog)
	policy.Logs = append(policy.Logs, second.key(t))
	fork := forked(t, 4, 9)
	fork.First = []byte(checkpoint(t, second, grown(4, " for you"), 4))
	refused(t, "two keys", fork.Check(policy), "are not signed with one key")
	root := must(grown(4, " for you").Root(4))(t)
	fork.First = append(fork.First, theLog.sign(text(4, root))...)
	if err := fork.Check(policy); err != nil {
		t.Error(err)
	}
}

// Every bit of evidence is bound: it accuses somebody.
func TestC11_ForkFlipped(t *testing.T) {
	policy, raw := trust(t, 0, theLog), forked(t, 3, 5).JSON()
	if err := must(ParseFork(raw))(t).Check(policy); err != nil {
		t.Fatal(err)
	}
	for at := range raw {
		for bit := range 8 {
			bad := append([]byte(nil), raw...)
			bad[at] ^= 1 << bit
			if f, err := ParseFork(bad); err == nil && f.Check(policy) == nil {
				t.Errorf("byte %d, bit %d: %q is taken", at, bit, bad)
			}
		}
		if _, err := ParseFork(raw[:at]); err == nil {
			t.Errorf("cut at %d: taken", at)
		}
	}
}

// equivocation shows entries 2 and 4 of 6.
func equivocation(t testing.TB) Equivocation {
	tree := grown(6, "")
	logged := func(i uint64) Logged { return Logged{entryOf(i, ""), i, must(tree.InclusionPath(i, 6))(t)} }
	return Equivocation{[]byte(checkpoint(t, theLog, tree, 6)), [2]Logged{logged(2), logged(4)}}
}

func TestEquivocation_RoundTrip(t *testing.T) {
	want := equivocation(t)
	got, err := ParseEquivocation(want.JSON())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c, err := got.CheckInclusions(trust(t, 3, theLog, w1, w2, w3))
	if err != nil || c.Size != 6 || c.Origin != origin {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestC11_EquivocationFlipped(t *testing.T) {
	policy, raw := trust(t, 0, theLog), equivocation(t).JSON()
	for at := range raw {
		for bit := range 8 {
			bad := append([]byte(nil), raw...)
			bad[at] ^= 1 << bit
			e, err := ParseEquivocation(bad)
			if err != nil {
				continue
			}
			if _, err := e.CheckInclusions(policy); err == nil {
				t.Errorf("byte %d, bit %d: %q is taken", at, bit, bad)
			}
		}
	}
}

func TestC11_EquivocationNotLogged(t *testing.T) {
	policy := trust(t, 0, theLog)
	for _, tt := range []struct {
		name    string
		change  func(*Equivocation)
		problem string
	}{
		{"an entry made up", func(e *Equivocation) { e.Entries[1].Entry = []byte("made up") }, "entries[1]: the path from index 4 leads to root"},
		{"an index beyond", func(e *Equivocation) { e.Entries[1].Index = 6 }, "entries[1]: index 6 is not in a log of 6 entries"},
		{"another log", func(e *Equivocation) { e.Checkpoint = []byte(checkpoint(t, aLog("other"), grown(6, ""), 6)) }, "checkpoint: the checkpoint of log"},
	} {
		e := equivocation(t)
		tt.change(&e)
		_, err := e.CheckInclusions(policy)
		refused(t, tt.name, err, tt.problem)
	}
}

func TestEvidence_Refused(t *testing.T) {
	fork, two := string(forked(t, 3, 5).JSON()), string(equivocation(t).JSON())
	one := two[:strings.Index(two, `,{"entry"`)] + two[strings.Index(two, `],"type"`):]
	twice := equivocation(t)
	twice.Entries[1] = twice.Entries[0]
	turned := equivocation(t)
	turned.Entries[0], turned.Entries[1] = turned.Entries[1], turned.Entries[0]
	long := forked(t, 3, 5)
	long.Path = make([]Hash, maxPath+2)
	large := equivocation(t)
	large.Entries[0].Entry = make([]byte, maxSmall+1)
	far := equivocation(t)
	far.Entries[1].Index = maxSize
	for _, tt := range []struct{ name, raw, problem string }{
		{"white space", strings.Replace(fork, ":", ": ", 1), "want a string"},
		{"another key", strings.Replace(fork, `"type"`, `"third":"","type"`, 1), "unknown key"},
		{"no path", strings.Replace(fork, `"path"`, `"paths"`, 1), `key "path" is missing`},
		{"a first that is no checkpoint", `{"first":"AAAA","path":[],"second":"AAAA","type":"` + ForkType + `"}`, "first: not a checkpoint"},
		{"base64 without padding", strings.Replace(fork, `=","path"`, `","path"`, 1), "first: not base64"},
		{"a long path", string(long.JSON()), "path: more than 33 entries"},
		{"long", fork + strings.Repeat(" ", maxEvidence), "the limit is 1048576"},
		{"another kind", two, `unknown key "checkpoint"`},
	} {
		_, err := ParseFork([]byte(tt.raw))
		formatError(t, tt.name, err, tt.problem)
	}
	for _, tt := range []struct{ name, raw, problem string }{
		{"one entry", one, "entries: want two entries"},
		{"three entries", strings.Replace(two, `[{"entry"`, `[{"entry":"","index":0,"path":[]},{"entry"`, 1), "entries: more than 2 entries"},
		{"one entry twice", string(twice.JSON()), "by ascending index"},
		{"the later first", string(turned.JSON()), "by ascending index"},
		{"a large entry", string(large.JSON()), "entries[0].entry: 65537 bytes, the limit is 65536"},
		{"a far index", string(far.JSON()), "entries[1].index: an integer above 4294967295"},
		{"long", two + strings.Repeat(" ", maxEvidence), "the limit is 1048576"},
	} {
		_, err := ParseEquivocation([]byte(tt.raw))
		formatError(t, tt.name, err, tt.problem)
	}
	var version *canon.VersionError
	if _, err := ParseFork([]byte(strings.Replace(fork, "assay/v1", "assay/v2", 1))); !errors.As(err, &version) {
		t.Errorf("another version: got %v", err)
	}
	if _, err := ParseEquivocation([]byte(strings.Replace(two, "assay/v1", "assay/v2", 1))); !errors.As(err, &version) {
		t.Errorf("another version: got %v", err)
	}
}

// fuzzed fails unless raw was refused for its format, or is written again as it was.
func fuzzed(t *testing.T, raw []byte, again func() []byte, err error) {
	t.Helper()
	var format *canon.FormatError
	var version *canon.VersionError
	switch {
	case err != nil && !errors.As(err, &format) && !errors.As(err, &version):
		t.Errorf("got %T %v", err, err)
	case err == nil && string(again()) != string(raw):
		t.Errorf("%q is taken, it is spelt %q", raw, again())
	}
}

func FuzzParseFork(f *testing.F) {
	f.Add(forked(f, 3, 5).JSON())
	f.Add([]byte(fmt.Sprintf(`{"first":"","path":[],"second":"","type":"%s"}`, ForkType)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		fork, err := ParseFork(raw)
		fuzzed(t, raw, func() []byte { return fork.JSON() }, err)
	})
}

func FuzzParseEquivocation(f *testing.F) {
	f.Add(equivocation(f).JSON())
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ParseEquivocation(raw)
		fuzzed(t, raw, func() []byte { return e.JSON() }, err)
	})
}
