package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
)

// TestTogether: who comes while questions are under way shares the next one, which is put afterwards; who goes away takes nobody's answer along.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var put [][]string
		answer := make(chan struct{})
		looks := together[string]{put: func(_ context.Context, ids []string) (map[string]string, error) {
			put = append(put, ids)
			number := len(put)
			<-answer
			if number == 4 {
				return nil, errors.New("away")
			}
			all := map[string]string{}
			for _, id := range ids {
				all[id] = fmt.Sprintf("%s of %d", id, number)
			}
			return all, nil
		}}
		var all sync.WaitGroup
		asks := func(ctx context.Context, id, want string) {
			all.Go(func() {
				got, err := looks.look(ctx, id)
				if err != nil {
					got = err.Error()
				}
				if got != want {
					t.Errorf("%s: %q, want %q", id, got, want)
				}
			})
			synctest.Wait()
		}
		asks(t.Context(), "a", "a of 1")
		asks(t.Context(), "a", "a of 2")
		gone, goes := context.WithCancel(t.Context())
		asks(gone, "a", context.Canceled.Error())
		asks(t.Context(), "b", "b of 3")
		asks(t.Context(), "a", "a of 3")
		if goes(); fmt.Sprint(put) != "[[a] [a]]" {
			t.Errorf("put while two are under way: %v", put)
		}
		synctest.Wait()
		answer <- struct{}{}
		synctest.Wait()
		if fmt.Sprint(put) != "[[a] [a] [a b]]" {
			t.Errorf("put after one was answered: %v", put)
		}
		asks(t.Context(), "c", "away")
		answer <- struct{}{}
		synctest.Wait()
		close(answer)
		all.Wait()
		synctest.Wait()
		if looks.under != 0 || looks.next != nil {
			t.Errorf("at the end %d are under way", looks.under)
		}
	})
}

// TestKeysTogether: of many keys that are looked up at once each is found, or is not, whatever is wrong with another.
func TestKeysTogether(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "assay.db"))
	for i := range 20 {
		if err := s.create(sample(fmt.Sprint("k", i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.write.ExecContext(t.Context(), "UPDATE keys SET record = (SELECT record FROM keys WHERE id = 'k1') WHERE id = 'k3'"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			id := fmt.Sprint("k", i%25)
			switch k, c, err := s.KeyAndClient(t.Context(), id); {
			case i%25 == 3:
				if !errors.Is(err, ErrAltered) {
					t.Errorf("%s, which was altered: %v", id, err)
				}
			case i%25 >= 20:
				if !errors.Is(err, ErrUnknown) {
					t.Errorf("%s, which is not there: %v", id, err)
				}
			case err != nil || k.ID != id || c.ID != k.Client || len(k.Credentials) != len(sample(id).Credentials):
				t.Errorf("%s: %v %+v of %s", id, err, k, c.ID)
			}
			if i%50 == 0 {
				if _, _, err := s.KeyAndClient(t.Context(), "no text\x00"); !errors.Is(err, ErrUnknown) {
					t.Errorf("what is no text: %v", err)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkKeys is what it takes to look a key up where 32 do so at once: of one key, and of 32. With ASSAY_TEST_POSTGRES it is PostgreSQL's.
func BenchmarkKeys(b *testing.B) {
	for _, keys := range []int{1, 32} {
		b.Run(fmt.Sprint(keys), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "assay.db")
			s, err := openAt(b.Context(), path)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if err := s.Unseal(b.Context(), sealer(b)); err != nil {
				b.Fatal(err)
			}
			for i := range keys {
				if err := s.create(sample(fmt.Sprint("k", i))); err != nil {
					b.Fatal(err)
				}
			}
			b.SetParallelism(16)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					if _, _, err := s.KeyAndClient(b.Context(), fmt.Sprint("k", i%keys)); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// TestUsageOfMany: however many rows are added, once and again, each is there.
func TestUsageOfMany(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "assay.db"))
	var rows []Usage
	for i := range 123 {
		rows = append(rows, Usage{UsageKey: UsageKey{At: day.Unix(), Client: fmt.Sprint("c", i), Operation: "GET /", Status: 200}, Count: int64(i), Took: 2, Longest: 1})
	}
	for range 2 {
		if err := s.Write(t.Context(), func(tx *Tx) error { return tx.AddUsage(t.Context(), rows) }); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Usage(t.Context(), "", day, 1000)
	if err != nil || len(all) != len(rows) {
		t.Fatalf("%d rows: %v", len(all), err)
	}
	for _, u := range all {
		if want := fmt.Sprint("c", u.Count/2); u.Client != want {
			t.Errorf("%s has %d", u.Client, u.Count)
		}
	}
}
