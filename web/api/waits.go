package api

import "sync"

// waits are those who wait for something to happen, by client, so that one of them leaves room for others.
type waits struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

// enter reports whether a client may wait. It leaves afterwards.
func (w *waits) enter(client string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all >= maxWaits || w.of[client] >= ownWaits {
		return false
	}
	if w.of == nil {
		w.of = map[string]int{}
	}
	w.all++
	w.of[client]++
	return true
}

func (w *waits) leave(client string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all--
	if w.of[client]--; w.of[client] == 0 {
		delete(w.of, client)
	}
}
