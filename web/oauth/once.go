package oauth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxOnce is how many proofs are remembered. More at a time are refused: none is forgotten before its time.
const maxOnce = 1 << 20

// once remembers the proofs of possession that came with requests to the API of a server alone, each for as long as it could be taken again. Those that come with
// requests for tokens are remembered in the database, as such a request writes there anyway.
type once struct {
	since time.Time // nothing is remembered of before

	mu     sync.Mutex
	most   int
	taken  map[[16]byte]struct{}
	bySecs map[int64][][16]byte // the same by when they may be forgotten
	swept  int64
}

func newOnce(since time.Time) *once {
	return &once{since: since, most: maxOnce, taken: map[[16]byte]struct{}{}, bySecs: map[int64][][16]byte{}}
}

// take reports whether something is seen for the first time; full says that there is no room to remember it.
func (o *once) take(name string, until, now time.Time) (first, full bool) {
	sum := sha256.Sum256([]byte(name))
	this := [16]byte(sum[:16])
	o.mu.Lock()
	defer o.mu.Unlock()
	if second := now.Unix(); second > o.swept {
		o.swept = second
		for at, names := range o.bySecs {
			if at < second {
				for _, one := range names {
					delete(o.taken, one)
				}
				delete(o.bySecs, at)
			}
		}
	}
	if _, again := o.taken[this]; again {
		return false, false
	}
	if len(o.taken) >= o.most {
		return false, true
	}
	o.taken[this] = struct{}{}
	o.bySecs[until.Unix()] = append(o.bySecs[until.Unix()], this)
	return true, false
}
