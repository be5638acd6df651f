package queue

import (
	"context"
	"sync"
	"time"
)

// hands are the jobs that a worker has in hand.
type hands struct {
	mu   sync.Mutex
	jobs map[int64]int // how often: a job that was put back may come to the same worker again
}

func (h *hands) take(id int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[id]++
}

func (h *hands) drop(id int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.jobs[id]--; h.jobs[id] == 0 {
		delete(h.jobs, id)
	}
}

func (h *hands) list() []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := make([]int64, 0, len(h.jobs))
	for id := range h.jobs {
		ids = append(ids, id)
	}
	return ids
}

// beat tells that a worker is there, and what it has in hand.
func (q *Queue) beat(ctx context.Context, worker string, jobs []int64) error {
	_, err := q.pool.Exec(ctx, "INSERT INTO "+q.schema+".assay_worker VALUES ($1, clock_timestamp(), $2) ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at, jobs = EXCLUDED.jobs", worker, jobs)
	return err
}

// leave takes back that a worker is there; with it go those that ended without a word a day ago.
func (q *Queue) leave(ctx context.Context, worker string) error {
	_, err := q.pool.Exec(ctx, "DELETE FROM "+q.schema+".assay_worker WHERE id = $1 OR at < now() - interval '1 day'", worker)
	return err
}

// watch sees which workers are there, and which jobs were lost with theirs. Only changes count, and only this process's own clock:
// the clocks of machines need not agree. What was seen before a failure counts no more, so nobody is taken for lost because the
// database was out of reach.
type watch struct {
	q    *Queue
	seen map[subject]sight
}

// sight is the last sign of life that was seen, and since when it is the last.
type sight struct {
	sign  time.Time // of the database's clock; zero for none
	since time.Time
}

// look returns how many workers are there, and puts back the jobs that were lost.
func (w *watch) look(ctx context.Context) (workers int, err error) {
	before := w.seen
	w.seen = map[subject]sight{}
	defer func() {
		if err != nil {
			w.seen = nil
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, w.q.silence)
	defer cancel()
	signs, err := w.q.signs(ctx)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	for _, s := range signs {
		last, ok := before[s.subject]
		if !ok || !last.sign.Equal(s.last) {
			last = sight{s.last, now}
		}
		w.seen[s.subject] = last
		lost := now.Sub(last.since) > w.q.silence
		switch {
		case s.job == 0 && !lost:
			workers++
		case s.job != 0 && lost:
			if err := w.q.putBack(ctx, s.subject); err != nil {
				return 0, err
			}
		}
	}
	return workers, nil
}

// subject is a worker (job 0), or a job that a worker should be at.
type subject struct {
	worker       string
	job, attempt int64
}

// sign is the last sign of life of a subject; zero for a job that is in nobody's hand.
type sign struct {
	subject
	last time.Time
}

func (q *Queue) signs(ctx context.Context) ([]sign, error) {
	rows, err := q.pool.Query(ctx, "SELECT id, 0, 0, at FROM "+q.schema+".assay_worker UNION ALL"+
		" SELECT coalesce(by, ''), j.id, attempt, coalesce(at, '0001-01-01 00:00:00Z')"+
		" FROM (SELECT id, attempt, attempted_by[array_upper(attempted_by, 1)] AS by FROM "+q.schema+".river_job WHERE state = 'running' AND kind = $1) j"+
		" LEFT JOIN "+q.schema+".assay_worker w ON w.id = by AND j.id = ANY(jobs)", job{}.Kind())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []sign
	for rows.Next() {
		var s sign
		if err := rows.Scan(&s.worker, &s.job, &s.attempt, &s.last); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// putBack gives a job to whoever takes it next, or ends it after its last attempt.
func (q *Queue) putBack(ctx context.Context, s subject) error {
	why := "its worker, " + s.worker + ", ended or was cut off in the middle of it: out of memory, perhaps"
	_, err := q.pool.Exec(ctx, "UPDATE "+q.schema+".river_job SET scheduled_at = now(),"+
		" state = CASE WHEN attempt < max_attempts THEN 'available' ELSE 'discarded' END::"+q.schema+".river_job_state,"+
		" finalized_at = CASE WHEN attempt < max_attempts THEN NULL ELSE now() END,"+
		" errors = array_append(errors, jsonb_build_object('at', now(), 'attempt', attempt, 'error', $3::text, 'trace', ''))"+
		" WHERE id = $1 AND attempt = $2 AND state = 'running'", s.job, s.attempt, why)
	return err
}
