package hooks

import (
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
)

// Where a process finds what it is to tell, and whom.
const (
	ofDatabase = "ASSAY_TEST_TELLS"
	toWhom     = "ASSAY_TEST_HOOK"
)

// TestTeller is the process that [TestKilledProcess] kills: it tells for ever.
func TestTeller(t *testing.T) {
	if os.Getenv(ofDatabase) == "" {
		t.Skip("TestKilledProcess begins it")
	}
	p := placeAt(t, os.Getenv(ofDatabase))
	p.sender.Hooks = []Hook{{URL: os.Getenv(toWhom), Label: "hook.example", Events: Events, HTTP: http.DefaultClient}}
	for t.Context().Err() == nil {
		p.tell(t)
		time.Sleep(10 * time.Millisecond)
	}
}

// TestKilledProcess: a server is killed while it tells of an event, which has arrived and is not answered. Another one on its database tells nothing as long as
// the first might still be at it; then it tells that event again, under its id, and those behind it; what was told before that is told once.
func TestKilledProcess(t *testing.T) {
	p := newPlace(t)
	r := p.hook(t, Events...)
	p.happens(t, "run.waiting r1", "run.published r1", "key.revoked k1")
	teller := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTeller$")
	teller.Env = append(os.Environ(), ofDatabase+"="+p.path, toWhom+"="+p.sender.Hooks[0].URL)
	killed, dead := false, make(chan struct{})
	r.heard = func(told attest.Webhook) {
		if told.Event == "run.published" && !killed {
			killed = true
			if err := teller.Process.Kill(); err != nil {
				t.Error(err)
			}
			<-dead
		}
	}
	said, err := teller.CombinedOutput()
	close(dead)
	if err == nil || len(r.events()) != 2 {
		t.Fatalf("it was to be killed at the second event: %v, told %q: %s", err, r.events(), said)
	}
	p.now = p.now.Add(lease - time.Millisecond)
	if p.tell(t); len(r.events()) != 2 {
		t.Errorf("told by two at once: %q", r.events())
	}
	p.now = p.now.Add(time.Millisecond)
	p.tell(t)
	p.now = p.now.Add(longest)
	p.tell(t)
	if diff := cmp.Diff([]string{"run.waiting r1", "run.published r1", "run.published r1", "key.revoked k1"}, r.events()); diff != "" {
		t.Error(diff)
	}
	if len(r.told) > 2 && r.told[1].ID != r.told[2].ID {
		t.Errorf("the same event has the ids %s and %s", r.told[1].ID, r.told[2].ID)
	}
}
