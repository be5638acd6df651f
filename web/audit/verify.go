package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"iter"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/store"
)

// Rows reads rows of the log after one of that number, oldest first, and no more than most.
type Rows interface {
	Events(ctx context.Context, after int64, most int) ([]store.Event, error)
}

// Verdict is what became of a look at the whole log.
type Verdict struct {
	Rows   int64  // that there are
	Last   string // hash of the newest, 64 hex digits; empty without rows
	Heads  int    // that were compared
	Faults []string
}

// most is how many rows are read at once, and mostFaults how many faults are told.
const (
	most       = 500
	mostFaults = 20
)

// Verify looks at every row: whether it is chained to the one before, none is missing, and each head, in the order of
// their rows, is of the chain that is there. A fault is a sentence; an error says that it could not be looked at.
func Verify(ctx context.Context, rows Rows, heads iter.Seq2[Head, error]) (Verdict, error) {
	next, stop := iter.Pull2(heads)
	defer stop()
	v := verifying{next: next}
	v.pull()
	var last store.Event
	for {
		page, err := rows.Events(ctx, last.Seq, most)
		if err != nil {
			return Verdict{}, err
		}
		for _, e := range page {
			v.row(last, e)
			last = e
			v.verdict.Rows++
		}
		if len(page) < most {
			break
		}
	}
	v.beyond(last.Seq)
	v.verdict.Last = hex.EncodeToString(last.Hash)
	if left := len(v.verdict.Faults) - mostFaults; left > 0 {
		v.verdict.Faults = append(v.verdict.Faults[:mostFaults], fmt.Sprintf("and %d faults more", left))
	}
	return v.verdict, nil
}

// verifying is a look at rows and heads side by side.
type verifying struct {
	next    func() (Head, error, bool)
	head    Head // the next one; its Seq is 0 if there is none
	verdict Verdict
}

func (v *verifying) fault(format string, args ...any) {
	v.verdict.Faults = append(v.verdict.Faults, fmt.Sprintf(format, args...))
}

// pull takes the next head that can be read.
func (v *verifying) pull() {
	for {
		head, err, ok := v.next()
		switch {
		case !ok:
			v.head = Head{}
			return
		case err != nil:
			v.fault("%v", err)
		default:
			v.head = head
			v.verdict.Heads++
			return
		}
	}
}

func (v *verifying) row(before, e store.Event) {
	if e.Seq != before.Seq+1 {
		v.fault("row %d follows row %d: what stood between them was deleted", e.Seq, before.Seq)
	}
	if told, err := Read(e); err != nil {
		v.fault("row %d: %v", e.Seq, err)
	} else if told.Seq != e.Seq {
		v.fault("row %d says that it is row %d: rows changed their places", e.Seq, told.Seq)
	}
	if !bytes.Equal(e.Hash, link(before.Hash, e.Text)) {
		v.fault("row %d is not chained to row %d: one of them was altered, or is another one's", e.Seq, before.Seq)
	}
	for v.head.Seq != 0 && v.head.row() <= e.Seq {
		if v.head.row() < e.Seq {
			v.fault("%s is of row %d, which is not there", v.head.File, v.head.Seq)
		} else if got := hex.EncodeToString(e.Hash); got != v.head.Hash {
			v.fault("%s: row %d had the hash %s, and has %s: the log was written anew", v.head.File, v.head.Seq, v.head.Hash, got)
		}
		v.pull()
	}
}

// beyond tells of heads that reach further than the rows: once, as all of them say the same.
func (v *verifying) beyond(last int64) {
	if v.head.Seq == 0 {
		return
	}
	for v.head.Seq != 0 {
		further := v.head
		if v.pull(); v.head.Seq == 0 {
			v.fault("%s is of row %d, and the log ends with row %d: it was cut", further.File, further.Seq, last)
		}
	}
}

// Read reads what a row tells.
func Read(row store.Event) (e Event, err error) {
	if err := attest.Decode(row.Text, &e); err != nil {
		return Event{}, fmt.Errorf("the event is %w", err)
	}
	return e, nil
}
