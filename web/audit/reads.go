package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/assay-por/assay/web/store"
)

// Access is a read: what somebody with a credential asked for, and got.
type Access struct {
	At                          time.Time
	Client, Credential, Network string
	Operation                   string // such as POST /v1/proofs
	Status                      int
	Took                        time.Duration
}

// Reads keeps the record of reads: in memory, and a quarter of a second later in the database, those that are alike within a second as one
// row with their count. What is in memory when a server is killed is lost.
type Reads struct {
	log   *store.Store
	fault func(error)
	full  chan struct{} // a batch is there

	mu       sync.Mutex
	most     int
	waiting  []Access
	reserved int   // places of reads that are under way
	lost     int64 // reads without a place
}

const (
	ring   = 16384 // reads that wait to be written
	batch  = 500
	linger = 250 * time.Millisecond
)

// ErrRing says that reads come faster than they can be kept.
var ErrRing = errors.New("audit: there is no room for the record of a read")

// NewReads returns a record that is kept in a database once [Reads.Run] runs. What goes wrong then is told to fault.
func NewReads(log *store.Store, fault func(error)) *Reads {
	return &Reads{log: log, fault: fault, full: make(chan struct{}, 1), most: ring}
}

// Reserve takes a place before a read of what is a customer's, which is not answered without one ([ErrRing]). It is given back by
// keep, which is to be called once.
func (r *Reads) Reserve() (keep func(Access), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting)+r.reserved >= r.most {
		return nil, ErrRing
	}
	r.reserved++
	return func(read Access) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reserved--
		r.add(read)
	}, nil
}

// Keep keeps a read of anything else; one for which there is no place is counted.
func (r *Reads) Keep(read Access) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting)+r.reserved >= r.most {
		r.lost++
		return
	}
	r.add(read)
}

func (r *Reads) add(read Access) {
	r.waiting = append(r.waiting, read)
	if len(r.waiting) >= batch {
		select {
		case r.full <- struct{}{}:
		default: // it was told
		}
	}
}

// Run writes what waits until the context ends, and then all that is left.
func (r *Reads) Run(ctx context.Context) {
	tick := time.NewTicker(linger)
	defer tick.Stop()
	end := ctx.Done()
	ctx = context.WithoutCancel(ctx) // what is being written is written
	for {
		select {
		case <-end:
			r.write(ctx)
			return
		case <-tick.C:
		case <-r.full:
		}
		r.write(ctx)
	}
}

// write writes what waits; what could not be written waits on.
func (r *Reads) write(ctx context.Context) {
	r.mu.Lock()
	these, lost := r.waiting, r.lost
	r.waiting, r.lost = nil, 0
	r.reserved += len(these) // their places, until they are written
	r.mu.Unlock()
	if len(these) == 0 && lost == 0 {
		return
	}
	rows := together(these)
	err := r.log.Write(ctx, func(tx *store.Tx) error {
		if err := tx.AddUsage(ctx, rows); err != nil || lost == 0 {
			return err
		}
		return Record(With(ctx, Origin{Client: Server}), tx, Act{At: time.Now(), Action: "usage.lost", Outcome: Failed, Reason: "reads came faster than they could be kept", Count: lost})
	})
	r.mu.Lock()
	r.reserved -= len(these)
	if err != nil {
		r.waiting, r.lost = append(these, r.waiting...), r.lost+lost
	}
	r.mu.Unlock()
	if err != nil {
		r.fault(fmt.Errorf("the record of %d reads is not written: %w", len(these), err))
	}
}

// Server stands in a row for what the server does by itself.
const Server = "server"

// together makes one row of the reads that are alike within a second.
func together(reads []Access) []store.Usage {
	at := map[store.UsageKey]int{}
	var rows []store.Usage
	for _, r := range reads {
		key := store.UsageKey{At: r.At.Unix(), Client: r.Client, Credential: r.Credential, Network: r.Network, Operation: r.Operation, Status: r.Status}
		i, ok := at[key]
		if !ok {
			i = len(rows)
			at[key] = i
			rows = append(rows, store.Usage{UsageKey: key})
		}
		row := &rows[i]
		row.Count++
		row.Took += r.Took
		row.Longest = max(row.Longest, r.Took)
	}
	return rows
}
