package authn

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// How old a signed request may be, and how far ahead of ours its clock.
const (
	oldest = 30 * time.Second
	ahead  = 5 * time.Second
)

// maxNonces is how many signed requests are remembered. More within their window are refused: none is forgotten before its time.
const maxNonces = 1 << 20

// nonces are the signed requests that were taken, each for as long as it could be taken again.
type nonces struct {
	since time.Time // nothing is remembered of before

	mu     sync.Mutex
	most   int
	taken  map[name]struct{}
	bySecs map[int64][]name // the same by when they were made
	swept  int64
}

// name stands for a key and a nonce.
type name [16]byte

func newNonces(since time.Time) *nonces {
	return &nonces{since: since, most: maxNonces, taken: map[name]struct{}{}, bySecs: map[int64][]name{}}
}

// fresh reports whether a request of that time can be taken. One that may have been taken before the start is refused: whoever
// sent it was ahead by five seconds at most.
func (n *nonces) fresh(created, now time.Time) bool {
	return created.After(n.since.Add(ahead)) && timely(created, now)
}

// timely reports whether a request was made now, as far as clocks agree.
func timely(created, now time.Time) bool {
	return !created.Before(now.Add(-oldest)) && !created.After(now.Add(ahead))
}

// nameOf is the name of a key's request.
func nameOf(key, nonce string) name {
	sum := sha256.Sum256([]byte(key + " " + nonce))
	return name(sum[:len(name{})])
}

// take remembers a request that is fresh; again says that it was taken before, full that there is no room to remember it.
func (n *nonces) take(_ context.Context, key, nonce string, created, now time.Time) (again, full bool, err error) {
	this := nameOf(key, nonce)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sweep(now.Add(-oldest).Unix())
	if _, again := n.taken[this]; again || created.Unix() < n.swept { // what was forgotten may have been taken
		return true, false, nil
	}
	if len(n.taken) >= n.most {
		return false, true, nil
	}
	n.taken[this] = struct{}{}
	n.bySecs[created.Unix()] = append(n.bySecs[created.Unix()], this)
	return false, false, nil
}

// sweep forgets what was made before a second, once for each.
func (n *nonces) sweep(before int64) {
	if before <= n.swept {
		return
	}
	n.swept = before
	for second, names := range n.bySecs {
		if second >= before {
			continue
		}
		for _, this := range names {
			delete(n.taken, this)
		}
		delete(n.bySecs, second)
	}
}
