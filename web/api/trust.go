package api

import (
	"os"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Health says whether the server can answer.
type Health struct {
	Live  bool `json:"live" doc:"It runs"`
	Ready bool `json:"ready" doc:"Reports, log and response key are there; if one is not, the answer is a problem of status 503"`
}

func (a *api) addTrust() {
	add(a, operation{"/v1/policy", "policy", tagTrust, "The exchange's own trust policy, only to compare with: whoever verifies decides on each line", text(kindTOML)},
		func(*struct{}) (Answer, error) {
			policy, err := os.ReadFile(a.config.Policy)
			if err != nil {
				return Answer{}, fault(err)
			}
			return BytesOf(policy, kindTOML+utf8), nil
		})
	add(a, operation{"/.well-known/assay-keys", "response-keys", tagTrust, "The keys that sign answers, in an envelope that the statement's key signed (SPEC part 28)", object()},
		func(*struct{}) (Answer, error) {
			list, err := a.config.KeyList()
			if list == nil {
				return Answer{}, fault(err)
			}
			return BytesOf(list, kindJSON), nil // even if the server's own key is not good now: others are looked for in it
		})
	add(a, operation{"/v1/health", "health", tagTrust, "Whether the server can answer", schema[Health](a)}, func(*struct{}) (Answer, error) {
		if faults := a.config.Faults(); len(faults) > 0 {
			return Answer{}, huma.Error503ServiceUnavailable("live, but not ready: " + strings.Join(faults, "; "))
		}
		return jsonOf(Health{Live: true, Ready: true})
	})
}

// Faults are what keeps the server from answering, each in words that hold nothing of the inside.
func (c Config) Faults() []string {
	var all []string
	if reports, err := c.Reports.Reports(); err != nil {
		all = append(all, "the reports cannot be read")
	} else if len(reports) == 0 {
		all = append(all, "there is no report")
	}
	if c.Register != nil {
		if _, err := c.Register(); err != nil {
			all = append(all, "the log cannot be read")
		}
	}
	if c.KeyList != nil {
		if _, err := c.KeyList(); err != nil {
			all = append(all, "the response key is not in its list now")
		}
	}
	return all
}
