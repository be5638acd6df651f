package api

import (
	"fmt"
	"testing"

	"github.com/assay-por/assay/web/authn"
)

// TestTooManyWait: one more than may wait, of all or of one client, is answered at once: with no database, whoever looked again would panic.
func TestTooManyWait(t *testing.T) {
	a := &api{config: Config{Acts: &Acts{}}}
	for range ownWaits {
		if !a.waits.enter("greedy") {
			t.Fatal("too few of one client may wait")
		}
	}
	waits := func(client string) {
		t.Helper()
		if err := a.awaitEvent(t.Context(), &authn.Principal{Client: client}, &runInput{Wait: 20}); err != nil {
			t.Error(err)
		}
	}
	waits("greedy")
	for i := range maxWaits - ownWaits {
		if !a.waits.enter(fmt.Sprint(i)) {
			t.Fatalf("one client leaves room for %d others", i)
		}
	}
	waits("late")
	a.waits.leave("greedy")
	if !a.waits.enter("late") {
		t.Error("there is no room again")
	}
}
