package tlog

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/gofrs/flock"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/storage/posix"
	"k8s.io/klog/v2"

	"github.com/assay-por/assay/attest"
)

// Witness is one that checkpoints are sent to (SPEC part 25).
type Witness struct {
	Key string // verifier key
	URL string // submission prefix: what comes before /add-checkpoint
}

// Config says where a log is, whose, and who watches it.
type Config struct {
	Dir       string        // the log's folder
	Origin    string        // the log's name, for ever: one host and path that is yours, without scheme
	Signer    attest.Signer // its key, of Ed25519
	Witnesses []Witness     // asked to cosign each checkpoint
	Quorum    int           // so many must, or the checkpoint is not published; 0 only without witnesses
	Client    *http.Client  // how witnesses are reached; http.DefaultClient if nil

	// Patience is how long Open waits for another process to let go of the folder, and
	// Add for a checkpoint; 20 seconds if zero.
	Patience time.Duration
	// Interval is the least time between two checkpoints; 100 milliseconds, the least
	// there is, if zero. It suits a command that adds something and ends.
	Interval time.Duration
}

const (
	defaultPatience = 20 * time.Second
	minInterval     = 100 * time.Millisecond
	witnessTimeout  = 5 * time.Second        // for all witnesses together, each time
	batchSize       = 1024                   // entries written at once
	batchAge        = 10 * time.Millisecond  // and how long the first waits for others
	poll            = 5 * time.Millisecond   // how often the folder is looked at for a checkpoint
	lockPoll        = 50 * time.Millisecond  // and another's hold of it
	tidyInterval    = 500 * time.Millisecond // partial tiles that a full one replaced are removed
	republish       = time.Minute            // an unchanged log is cosigned anew when its checkpoint is so old
	lockName        = ".lock"
)

// Log is a log's folder, held by this process alone.
type Log struct {
	setup setup
	lock  *flock.Flock
	add   tessera.AddFn
	stop  context.CancelFunc

	running sync.RWMutex // held for reading by what works on the log, and for good by Close
	closed  bool

	mu    sync.Mutex
	known map[string]tessera.IndexFuture // by leaf hash
	last  Checkpoint
}

// quiet silences tessera, which logs through klog's one logger of the process. What matters of it, Add returns.
var quiet = sync.OnceFunc(func() { klog.SetLogger(logr.Discard()) })

// setup is a configuration that was found sound.
type setup struct {
	Config
	vkey    string
	vkeys   []string // of the witnesses
	hearing *hearing
	signer  *noteSigner
	group   tessera.WitnessGroup
}

// Check holds origin, witnesses and quorum to what they may be. It needs neither folder nor key.
func (c Config) Check() error {
	if _, err := verifierKey(c.Origin, make(ed25519.PublicKey, ed25519.PublicKeySize)); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	s := setup{Config: c, hearing: new(hearing)}
	return s.witnesses()
}

func (c Config) prepare() (setup, error) {
	s := setup{Config: c, hearing: &hearing{base: http.DefaultTransport}}
	if c.Client != nil && c.Client.Transport != nil {
		s.hearing.base = c.Client.Transport
	}
	if c.Patience == 0 {
		s.Patience = defaultPatience
	}
	s.Interval = max(c.Interval, minInterval)
	var err error
	if c.Dir == "" || c.Signer == nil {
		return s, errors.New("log: its folder and its key are both needed")
	}
	if s.vkey, err = VerifierKey(c.Origin, c.Signer.PublicKey()); err != nil {
		return s, fmt.Errorf("log: %w", err)
	}
	if s.signer, err = newSigner(s.vkey, c.Signer, s.hearing); err != nil {
		return s, fmt.Errorf("log: %w", err)
	}
	if err := s.witnesses(); err != nil {
		return s, err
	}
	quiet()
	return s, nil
}

// witnesses takes in who is asked; each counts once.
func (s *setup) witnesses() error {
	if least := min(1, len(s.Witnesses)); s.Quorum < least || s.Quorum > len(s.Witnesses) {
		return fmt.Errorf("log: a quorum of %d, want %d to %d, the number of its witnesses", s.Quorum, least, len(s.Witnesses))
	}
	seen := map[string]bool{}
	s.group.N = s.Quorum
	for i, w := range s.Witnesses {
		verifier, err := witnessVerifier(w.Key)
		if err != nil {
			return fmt.Errorf("log: witness #%d: %w", i+1, err)
		}
		u, err := url.Parse(w.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("log: witness #%d (%s): its URL is malformed: want https://host/path", i+1, verifier.Name())
		}
		one, err := tessera.NewWitness(w.Key, u)
		if err != nil {
			return fmt.Errorf("log: witness #%d (%s): %w", i+1, verifier.Name(), err)
		}
		public := w.Key[strings.LastIndexByte(w.Key, '+'):] // by another name it would count twice all the same
		if seen[public] || seen[one.URL] {
			return fmt.Errorf("log: witness #%d (%s): its key or URL stands twice; one witness counts once", i+1, verifier.Name())
		}
		seen[public], seen[one.URL] = true, true
		s.group.Components = append(s.group.Components, one)
		s.vkeys = append(s.vkeys, w.Key)
		s.hearing.witnesses = append(s.hearing.witnesses, asked{vkey: w.Key, url: one.URL, verifier: verifier})
	}
	return nil
}

// start lets tessera work on the folder until ctx ends.
func (s setup) start(ctx context.Context, options *tessera.AppendOptions) (*tessera.Appender, tessera.LogReader, error) {
	client := &http.Client{Transport: s.hearing, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	driver, err := posix.New(ctx, posix.Config{Path: s.Dir, HTTPClient: client})
	if err != nil {
		return nil, nil, err
	}
	a, _, reader, err := tessera.NewAppender(ctx, driver, options.WithCheckpointSigner(s.signer).WithCheckpointInterval(s.Interval).
		WithBatching(batchSize, batchAge).WithGarbageCollectionInterval(tidyInterval))
	return a, reader, err
}

// Create makes the folder of a new log, with a checkpoint of the empty tree that its
// key alone signed. A folder that holds something is refused.
func Create(c Config) error {
	s, err := c.prepare()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	there, err := os.ReadDir(s.Dir)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("log: the folder %s holds something: a new log begins in an empty one", s.Dir)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if _, _, err := s.start(ctx, tessera.NewAppendOptions()); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

// Open takes the log's folder for this process alone. It waits for another to let go
// of it, for as long as the configuration's patience. A folder that was altered is refused.
func Open(ctx context.Context, c Config) (*Log, error) {
	s, err := c.prepare()
	if err != nil {
		return nil, err
	}
	dir := os.DirFS(s.Dir)
	if _, err := ReadCheckpoint(dir, s.vkey); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("log: %s holds no log: %w", s.Dir, err)
	} else if err != nil {
		return nil, err
	}
	lock, err := take(ctx, s.Config)
	if err != nil {
		return nil, err
	}
	l := &Log{setup: s, lock: lock, known: map[string]tessera.IndexFuture{}}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func take(ctx context.Context, c Config) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(c.Dir, lockName))
	waiting, done := context.WithTimeout(ctx, c.Patience)
	defer done()
	got, err := lock.TryLockContext(waiting, lockPoll)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded), err == nil && !got:
		return nil, fmt.Errorf("log: another process holds %s and did not let go in %s", c.Dir, c.Patience)
	case err != nil:
		return nil, fmt.Errorf("log: %w", err)
	}
	return lock, nil
}

// open starts tessera and learns which entries are there, published or not.
func (l *Log) open(ctx context.Context) error {
	s, dir := l.setup, os.DirFS(l.setup.Dir)
	var err error
	if l.last, err = ReadCheckpoint(dir, s.vkey, s.vkeys...); err != nil {
		return err
	}
	if len(l.last.Witnesses) < s.Quorum { // published when fewer were wanted, or of a new log
		if err := l.expire(); err != nil {
			return err
		}
	}
	options := tessera.NewAppendOptions().WithCheckpointRepublishInterval(republish)
	if len(s.Witnesses) > 0 {
		options.WithWitnesses(s.group, &tessera.WitnessOptions{Timeout: witnessTimeout})
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	appender, reader, err := s.start(working, options)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	l.add = appender.Add
	size, err := reader.IntegratedSize(ctx)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	if size < l.last.Size {
		return fmt.Errorf("log: %s: its checkpoint counts %d entries, its state %d: files of different times were mixed", s.Dir, l.last.Size, size)
	}
	leaves, err := leafHashes(dir, size)
	if err != nil {
		return err
	}
	tree := emptyRange()
	for i := range size {
		leaf := leaves[i]
		if i < l.last.Size {
			if err := tree.Append(leaf, nil); err != nil {
				return fmt.Errorf("log: %w", err)
			}
		}
		if _, twice := l.known[string(leaf)]; !twice {
			at := tessera.Index{Index: i}
			l.known[string(leaf)] = func() (tessera.Index, error) { return at, nil }
		}
	}
	return hasRoot(tree, l.last)
}

// expire makes the checkpoint so old that it is published anew, with new cosignatures.
func (l *Log) expire() error {
	if err := os.Chtimes(l.checkpointPath(), time.Time{}, time.Unix(0, 0)); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	return nil
}

func (l *Log) checkpointPath() string { return filepath.Join(l.setup.Dir, layout.CheckpointPath) }

// Close lets go of the folder once all calls have returned. Tasks of tessera may go on
// for a moment; what they write is whole.
func (l *Log) Close() error {
	l.running.Lock()
	defer l.running.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.stop != nil {
		l.stop()
	}
	return l.lock.Unlock()
}
