package store

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAnomalies: a finding is there until it is undone, once, or its action ends; the version tells of both.
func TestAnomalies(t *testing.T) {
	s, ctx := opened(t, filepath.Join(t.TempDir(), "a.db")), t.Context()
	first := Anomaly{ID: "one", Rule: "burst", Client: "c1", Saw: "many", Usual: "few", Action: "halve", Undo: "u", At: day}
	second := Anomaly{ID: "two", Rule: "failures", Client: "c2", Credential: "k", Network: "192.0.2.0/24", Action: "lock", At: day, Until: day.Add(time.Hour)}
	write := func(change func(*Tx) error) error { return s.Write(ctx, change) }
	version := func() int64 {
		t.Helper()
		v, err := s.AnomaliesVersion(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	current := func(at time.Time) (ids []string) {
		t.Helper()
		all, err := s.CurrentAnomalies(ctx, at, day.Add(time.Minute), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			ids = append(ids, f.ID)
		}
		return ids
	}
	for _, f := range []Anomaly{first, second} {
		before := version()
		if err := write(func(tx *Tx) error { return tx.AddAnomaly(ctx, f) }); err != nil || version() == before {
			t.Fatal(err)
		}
		got, err := s.Anomaly(ctx, f.ID)
		if diff := cmp.Diff(f, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	if diff := cmp.Diff([]string{"two", "one"}, current(day)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"one"}, current(day.Add(time.Hour))); diff != "" {
		t.Error(diff)
	}
	open := func(f Anomaly) (is bool) {
		t.Helper()
		if err := write(func(tx *Tx) (err error) { is, err = tx.OpenAnomaly(ctx, f); return err }); err != nil {
			t.Fatal(err)
		}
		return is
	}
	other := first
	other.Action = "alert"
	if !open(first) || open(other) {
		t.Error("the one that is open is not the one that is found")
	}
	before := version()
	undo := func() error {
		return write(func(tx *Tx) error { return tx.UndoAnomaly(ctx, "one", "ada", day.Add(time.Minute)) })
	}
	if err := undo(); err != nil || version() == before || open(first) {
		t.Error(err)
	}
	if err := undo(); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
	got, err := s.Anomaly(ctx, "one")
	if err != nil || got.By != "ada" || !got.Undone.Equal(day.Add(time.Minute)) {
		t.Errorf("%v %+v", err, got)
	}
	if diff := cmp.Diff([]string{"one"}, current(day.Add(time.Hour))); diff != "" { // who says that it is as it should be is known
		t.Error(diff)
	}
	if _, err := s.Anomaly(ctx, "none"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	for client, want := range map[string]int{"": 2, "c1": 1, "c3": 0} {
		if all, err := s.Anomalies(ctx, client, "", 10); err != nil || len(all) != want {
			t.Errorf("%q: %v %v", client, err, all)
		}
	}
	if all, err := s.Anomalies(ctx, "", "two", 10); err != nil || len(all) != 1 || all[0].ID != "one" {
		t.Errorf("those before: %v %v", err, all)
	}
	lasting := Anomaly{ID: "three", Rule: "origin", Client: "c1", Action: "hold", At: day}
	if err := write(func(tx *Tx) error {
		return errors.Join(tx.AddAnomaly(ctx, lasting), tx.ForgetAnomalies(ctx, day.AddDate(1, 0, 0)))
	}); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Anomalies(ctx, "", "", 10); err != nil || len(all) != 1 || all[0].ID != "three" {
		t.Errorf("what holds is forgotten, or what does not is there: %v %v", err, all)
	}
}

// TestHabits: the last that was kept is there, until it is old.
func TestHabits(t *testing.T) {
	s, ctx := opened(t, filepath.Join(t.TempDir(), "a.db")), t.Context()
	if got, err := s.Habits(ctx, "c1"); got != nil || err != nil {
		t.Error(got, err)
	}
	for i, record := range []string{"{}", `{"n":1}`} {
		if err := s.Write(ctx, func(tx *Tx) error {
			return tx.KeepHabits(ctx, "c1", []byte(record), day.Add(time.Duration(i)*time.Hour))
		}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Habits(ctx, "c1"); string(got) != record || err != nil {
			t.Error(string(got), err)
		}
	}
	if err := s.Write(ctx, func(tx *Tx) error { return tx.ForgetHabits(ctx, day.Add(time.Hour)) }); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Habits(ctx, "c1"); got == nil || err != nil {
		t.Error(err)
	}
	if err := s.Write(ctx, func(tx *Tx) error { return tx.ForgetHabits(ctx, day.Add(2*time.Hour)) }); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Habits(ctx, "c1"); got != nil || err != nil {
		t.Error(string(got), err)
	}
}
