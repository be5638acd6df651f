package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/build"
	"github.com/assay-por/assay/merkle/store"
)

// An order is what workers elsewhere need of a run to do its tasks, beside a configuration, the ledger and the snapshot key of their
// own: the plan, and the snapshot's secrets as they are sealed to that key. It lies in the store while the tree is built.
func orderFolder(plan string) string { return path.Join("order", plan) }

// orderedFiles are the run's files that an order holds.
var orderedFiles = []string{fileSecret, fileShardKey, keys.PublicPath(fileShardKey)}

// placeOrder puts the order of a build into the store.
func (s *stages) placeOrder(ctx context.Context, plan build.Plan) error {
	files, err := s.config.store(s.run.path)
	if err != nil {
		return err
	}
	into := store.Within(files, orderFolder(plan.ID()))
	for _, name := range orderedFiles {
		sealed, err := s.run.read(name, "snapshot")
		if err != nil {
			return err
		}
		if err := store.Write(ctx, into, name, sealed); err != nil {
			return err
		}
	}
	// The plan comes last: with it the order is whole.
	return store.Write(ctx, into, build.PlanFile, plan.Encode())
}

// dropOrder takes an order out of the store.
func (s *stages) dropOrder(ctx context.Context, plan string) error {
	files, err := s.config.store(s.run.path)
	if err != nil {
		return err
	}
	return store.RemoveAll(ctx, files, orderFolder(plan)+"/")
}

// orders does tasks of builds that others have ordered. It keeps what it learned of the last one, as long as its tasks end
// well.
type orders struct {
	config *Config
	key    *keys.Identity // the snapshot key

	mu     sync.Mutex
	plan   string // of worker
	worker *build.Worker
}

// do does one task.
func (o *orders) do(ctx context.Context, t build.Task) error {
	w, err := o.workerOf(ctx, t.Plan)
	if err != nil {
		return err
	}
	if err = w.Do(ctx, t); err != nil {
		o.forget(w) // the ledger may be another one by now
	}
	return err
}

func (o *orders) forget(w *build.Worker) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.worker == w {
		o.plan, o.worker = "", nil
	}
}

// workerOf returns who does the tasks of a plan.
func (o *orders) workerOf(ctx context.Context, plan string) (*build.Worker, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.plan == plan {
		return o.worker, nil
	}
	files, err := o.config.store(o.config.resolve(o.config.Run.Dir))
	if err != nil {
		return nil, err
	}
	w, err := o.take(ctx, store.Within(files, orderFolder(plan)))
	if err != nil {
		return nil, err
	}
	w.Store = store.Within(files, build.Folder(plan))
	o.plan, o.worker = plan, w
	return w, nil
}

// take reads an order, and holds the ledger that is here to it.
func (o *orders) take(ctx context.Context, from store.Store) (*build.Worker, error) {
	raw, err := store.Read(ctx, from, build.PlanFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted(unreadable("the order of this task is not in the store: %v", err), "run.store must be the same for assay build and for every assay worker")
	}
	if err != nil {
		return nil, err
	}
	plan, err := build.ParsePlan(raw)
	if err != nil {
		return nil, unreadable("%v", err)
	}
	dir, err := os.MkdirTemp("", "assay-order-") // what it is given is sealed
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, name := range orderedFiles {
		sealed, err := store.Read(ctx, from, name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), sealed, 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	secret, err := keys.OpenSecret(filepath.Join(dir, fileSecret), openedBy(o.key))
	if err != nil {
		return nil, hinted(unreadable("the secret of the order: %v", err), "keys.snapshot must be the key of the run that ordered this")
	}
	derived, err := merkle.DeriveKeys(secret, plan.Snapshot)
	if err != nil {
		return nil, err
	}
	identity, err := keys.OpenIdentity("file:"+filepath.Join(dir, fileShardKey), openedBy(o.key))
	if err != nil {
		return nil, unreadable("the shard key of the order: %v", err)
	}
	if identity.Recipient().String() != plan.Recipient {
		return nil, refused("the shard key of the order is not that of its plan: the order was altered")
	}
	in, err := openLedger(ctx, o.config)
	if err != nil {
		return nil, err
	}
	memory, _ := parseSize(o.config.Run.Memory) // the configuration was checked
	w := &build.Worker{Plan: plan, Sources: in.sources, Keys: derived, Recipient: identity.Recipient(), Identity: identity, Random: rand.Reader, Memory: memory}
	if in.planned() != plan.Input {
		return nil, hinted(refused("the ledger here, or its rules, are not those of the build that was ordered"), "[ledger] and [[asset]] must be the same for assay build and for every assay worker")
	}
	return w, nil
}
