package api

import "testing"

// TestTooManyWait: one more than may wait is answered at once: with no database, whoever looked again would panic.
func TestTooManyWait(t *testing.T) {
	a := &api{config: Config{Acts: &Acts{}}}
	a.waits.Store(maxWaits)
	a.awaitEvent(t.Context(), &runInput{Wait: 20})
	if n := a.waits.Load(); n != maxWaits {
		t.Errorf("%d wait, want %d", n, maxWaits)
	}
}
