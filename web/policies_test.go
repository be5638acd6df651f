package web_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/limit"
)

// TestLimitsAreChanged: whoever may sees the limits and changes them, on record; the change holds once the server looks, and what is
// configured gives the limit back to the configuration.
func TestLimitsAreChanged(t *testing.T) {
	var limits *limit.Limiter
	o := newOffice(t, func(c *web.Config) { limits = c.Limits })
	boss := o.asker(t, authz.Admin)
	all := answered[api.Limits](t, boss.ask(t, "GET", "/v1/limits", ""), 200).Limits
	if len(all) != len(limit.Defaults()) || all[0] != (api.Limit{Name: "anonymous", Policy: "1000000/s", Configured: "1000000/s"}) {
		t.Errorf("%+v", all)
	}
	const path = "/v1/limits/anonymous"
	change := func(policy string, status int) string {
		t.Helper()
		tag := boss.ask(t, "GET", path, "").Header().Get("ETag")
		got := boss.ask(t, "PUT", path, `{"policy":"`+policy+`"}`, "If-Match", tag)
		if got.Code != status {
			t.Fatalf("%s: %d %s", policy, got.Code, got.Body)
		}
		return got.Body.String()
	}
	ask(o.h, "GET", "/v1/health")
	if said := change("1/h burst 2", 200); !strings.Contains(said, `"policy":"1/h burst 2"`) || !strings.Contains(said, `"configured":"1000000/s"`) {
		t.Error(said)
	}
	if err := limits.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	codes := []int{}
	for range 3 {
		codes = append(codes, ask(at(o.h, "198.51.100.9"), "GET", "/v1/health").Code)
	}
	if diff := cmp.Diff([]int{200, 200, 429}, codes); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"often", "1/s 5/day", "0/s", "1/s burst 0"} {
		change(bad, 422)
	}
	if got := boss.ask(t, "PUT", path, `{"policy":"9/s"}`); got.Code != 428 {
		t.Errorf("no version named: %d", got.Code)
	}
	for _, name := range []string{"gold", "x"} {
		if got := boss.ask(t, "GET", "/v1/limits/"+name, ""); got.Code != 404 {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	change("1000000/s", 200)
	changed, err := o.maker.Keys.Limits(t.Context())
	if err != nil || len(changed) != 0 {
		t.Errorf("given back, and still changed: %v %v", changed, err)
	}
	events, err := o.maker.Keys.Events(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, e := range events {
		if strings.Contains(string(e.Text), `"action":"limit.change"`) && strings.Contains(string(e.Text), `"object":"anonymous"`) {
			told++
		}
	}
	if told != 2 {
		t.Errorf("%d changes are on record, want 2", told)
	}
}
