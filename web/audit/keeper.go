package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/store"
)

// How often a keeper looks: at what was denied and what is new in the log, whether a head is to be signed, and what is old.
const (
	looks  = time.Second
	signs  = 10 * time.Second
	sweeps = time.Hour
)

// KeptDays is for how many days reads are kept, and the addresses that acts came from.
const KeptDays = 30

// Config says what a keeper works with.
type Config struct {
	Log    *store.Store
	Heads  Heads
	Signer attest.Signer      // the audit key; without it no head is signed
	Former []attest.PublicKey // keys that signed heads before it
	Logger *slog.Logger
	Now    func() time.Time
}

// Keeper does what a server has to do for its audit log beside its requests: it signs heads, writes what was denied and
// read, tells the logger of each row, those of other processes too, and forgets what is old.
type Keeper struct {
	Denials *Denials
	Reads   *Reads

	Config
	told  int64     // row that the logger was told of
	head  Head      // the newest; zero if there is none
	sign  time.Time // when to look for the next one
	sweep time.Time
}

// NewKeeper refuses a log that its newest head is not of: it was cut or written anew.
func NewKeeper(ctx context.Context, c Config) (*Keeper, error) {
	k := &Keeper{Config: c, Denials: NewDenials(c.Log, c.Now)}
	k.Reads = NewReads(c.Log, func(err error) { c.Logger.Error("audit", "fault", err) })
	last, err := c.Log.NewestEvent(ctx)
	if err != nil {
		return nil, err
	}
	k.told = last.Seq
	if c.Signer == nil {
		return k, nil
	}
	head, err := c.Heads.Last(append(c.Former, c.Signer.PublicKey())...)
	if err != nil {
		return nil, err
	}
	k.head = head
	if err := k.holds(ctx); err != nil {
		return nil, err
	}
	return k, nil
}

// holds refuses a log that the newest head is not of: it was cut or written anew, and whatever is signed of it from then on would vouch for that.
func (k *Keeper) holds(ctx context.Context) error {
	if k.head.Seq == 0 {
		return nil
	}
	rows, err := k.Log.Events(ctx, k.head.row()-1, 1)
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0].Seq != k.head.row() {
		last, err := k.Log.NewestEvent(ctx)
		return errors.Join(fmt.Errorf("%s is of row %d of the audit log, which ends with row %d: it was cut", k.head.File, k.head.Seq, last.Seq), err)
	}
	if got := hex.EncodeToString(rows[0].Hash); got != k.head.Hash {
		return fmt.Errorf("%s: row %d of the audit log had the hash %s, and has %s: it was written anew", k.head.File, k.head.Seq, k.head.Hash, got)
	}
	return nil
}

// Run works until the context ends, and then finishes.
func (k *Keeper) Run(ctx context.Context) {
	var reads sync.WaitGroup
	reads.Go(func() { k.Reads.Run(ctx) })
	tick := time.NewTicker(looks)
	defer tick.Stop()
	for ctx.Err() == nil {
		k.look(ctx)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	reads.Wait()
	k.finish(context.WithoutCancel(ctx))
}

func (k *Keeper) look(ctx context.Context) {
	now := k.Now()
	err := errors.Join(k.Denials.Flush(ctx), k.mirror(ctx))
	if !now.Before(k.sign) {
		k.sign = now.Add(signs)
		err = errors.Join(err, k.keep(ctx))
	}
	if !now.Before(k.sweep) {
		k.sweep = now.Add(sweeps)
		old := now.AddDate(0, 0, -KeptDays)
		err = errors.Join(err, k.Log.Write(ctx, func(tx *store.Tx) error { return errors.Join(tx.ForgetUsage(ctx, old), tx.ForgetAddresses(ctx, old)) }))
	}
	k.tell(err)
}

func (k *Keeper) finish(ctx context.Context) {
	k.tell(errors.Join(k.Denials.Close(ctx), k.mirror(ctx), k.keep(ctx)))
}

func (k *Keeper) tell(err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		k.Logger.Error("audit", "fault", err)
	}
}

// mirror tells the logger of the rows that are new.
func (k *Keeper) mirror(ctx context.Context) error {
	for {
		page, err := k.Log.Events(ctx, k.told, most)
		if err != nil {
			return err
		}
		for _, row := range page {
			e, err := Read(row)
			if err != nil {
				return fmt.Errorf("row %d: %w", row.Seq, err)
			}
			k.Logger.Info("audit", "seq", e.Seq, "at", e.At, "action", e.Action, "outcome", e.Outcome, "object", e.Object, "client", e.Client, "credential", e.Credential,
				"from", e.From, "reason", e.Reason, "request", e.Request, "count", e.Count, "hash", hex.EncodeToString(row.Hash))
			k.told = row.Seq
		}
		if len(page) < most {
			return nil
		}
	}
}

// keep signs a head if the log has moved on from the one before.
func (k *Keeper) keep(ctx context.Context) error {
	if k.Signer == nil {
		return nil
	}
	if err := k.holds(ctx); err != nil {
		return fmt.Errorf("no head is signed: %w", err)
	}
	last, err := k.Log.NewestEvent(ctx)
	seq := uint64(last.Seq) //nolint:gosec // rows are numbered from 1
	if err != nil || seq == k.head.Seq {
		return err
	}
	head := attest.NewAuditHead(seq, hex.EncodeToString(last.Hash), k.Now())
	if err := k.Heads.Keep(head, k.Signer); err != nil {
		return fmt.Errorf("the head of the audit log is not kept: %w", err)
	}
	k.head = Head{AuditHead: head, File: k.Heads.path(head)}
	return nil
}
