package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTiming asks ten thousand times for customers who are in a statement and for others, in an order that is drawn: make bench-serve. What it takes must not
// tell them apart (Welch's t below 4.5), nor what is sent.
func TestTiming(t *testing.T) {
	if os.Getenv("ASSAY_LOAD") == "" {
		t.Skip("make bench-serve runs this")
	}
	s := newProofServer(t)
	key := s.apiKey(t)
	url, _, _ := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	statement := s.exchange.digest(t, "first")
	const many, warming = 10_000, 500
	var took [2][]float64 // microseconds, by whether they are there
	r, lengths := rand.New(rand.NewPCG(25, 0)), [2]map[int]bool{{}, {}}
	for i := range many + warming {
		there := r.IntN(2)
		customer := s.customers[r.IntN(len(s.customers))]
		if there == 0 {
			customer = "x" + customer[1:]
		}
		question := fmt.Sprintf(`{"customer":%q,"statement":%q}`, customer, statement)
		began := time.Now()
		length, status := s.timed(t, url, key, question)
		if passed := time.Since(began); i >= warming {
			took[there] = append(took[there], float64(passed.Nanoseconds())/1000)
		}
		if status != []int{404, 200}[there] {
			t.Fatalf("status %d, for who is there: %d", status, there)
		}
		lengths[there][length] = true
	}
	for i := range took { // what the machine did meanwhile is in the slowest
		slices.Sort(took[i])
		took[i] = took[i][:len(took[i])*95/100]
	}
	welch := welchT(took[0], took[1])
	t.Logf("t = %.2f; absent %s, there %s; lengths %v and %v", welch, described(took[0]), described(took[1]), lengths[0], lengths[1])
	if math.Abs(welch) >= 4.5 {
		t.Errorf("who is a customer shows in how long it takes: t = %.2f", welch)
	}
}

// timed asks once, and returns how long the answer was without what differs by its status alone.
func (s *proofServer) timed(t *testing.T, url, key, question string) (length, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/proofs", strings.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Assay-Key", key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	if err := response.Header.Write(&head); err != nil {
		t.Fatal(err)
	}
	return int(n) + head.Len() + len(response.Status), response.StatusCode
}

func described(all []float64) string {
	return fmt.Sprintf("%d, p50 %.0f µs, mean %.1f µs", len(all), all[len(all)/2], mean(all))
}

func mean(all []float64) (sum float64) {
	for _, x := range all {
		sum += x / float64(len(all))
	}
	return sum
}

func welchT(a, b []float64) float64 {
	over := func(all []float64) (v float64) { // the variance of the mean
		m := mean(all)
		for _, x := range all {
			v += (x - m) * (x - m)
		}
		return v / float64(len(all)-1) / float64(len(all))
	}
	return (mean(a) - mean(b)) / math.Sqrt(over(a)+over(b))
}
