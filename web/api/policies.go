package api

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
)

// Policies are those by which requests are counted (package web/limit). What is changed in the database holds a second later.
type Policies interface {
	// Configured are those that hold where nothing was changed, by name.
	Configured() map[string]string
	// Check returns the one spelling of a policy; the error says why it cannot be that of such a name.
	Check(name, policy string) (string, error)
}

// Limit is one of the policies by which requests are counted.
type Limit struct {
	Name       string `json:"name" maxLength:"32" doc:"As RateLimit-Policy has it"`
	Policy     string `json:"policy" maxLength:"64" doc:"So often, after so many at once, in a day of UTC at most: 20/s burst 100, 30/min, 500/s 20000000/day"`
	Configured string `json:"configured" maxLength:"64" doc:"What the server's configuration says"`
}

// Limits are all of them.
type Limits struct {
	Limits []Limit `json:"limits" nullable:"false" maxItems:"64"`
}

// LimitWish says what a policy is to be.
type LimitWish struct {
	Policy string `json:"policy" minLength:"3" maxLength:"64" doc:"Such as 500/s 20000000/day; what is configured gives it back to the configuration"`
}

type limitInput struct {
	Name string `path:"name" minLength:"1" maxLength:"32" pattern:"^[a-z]{1,32}$" doc:"Name of the limit"`
}

const limitsPath = "/v1/limits"

// addLimits adds what is asked, and changed, about limits.
func (a *api) addLimits() {
	if a.config.Policies == nil || a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{limitsPath, "limits", tagClients, "How often may be asked", schema[Limits](a)}, func(ctx context.Context, _ *authn.Principal, _ *struct{}) (Answer, error) {
		changed, err := a.config.Acts.Store.Limits(ctx)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		out := Limits{}
		for _, name := range slices.Sorted(maps.Keys(a.config.Policies.Configured())) {
			one, _ := a.limitOf(changed, name)
			out.Limits = append(out.Limits, one)
		}
		return jsonOf(out)
	})
	addPrivate(a, operation{limitsPath + "/{name}", "limit", tagClients, "One limit", schema[Limit](a)}, func(ctx context.Context, _ *authn.Principal, in *limitInput) (Answer, error) {
		changed, err := a.config.Acts.Store.Limits(ctx)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		one, err := a.limitOf(changed, in.Name)
		if err != nil {
			return Answer{}, err
		}
		return jsonOf(one)
	})
	addAct(a, act{method: http.MethodPut, path: limitsPath + "/{name}", id: "limit-change", tag: tagClients, summary: "Change how often may be asked, a second later", of: objectOf("name", "^[a-z]{1,32}$", "Name of the limit"), same: true, second: authz.LimitWrite,
		shown: func(ctx context.Context, c *call) (any, error) {
			changed, err := c.tx.Limits(ctx)
			if err != nil {
				return nil, err
			}
			return a.limitOf(changed, c.of)
		}}, a.changeLimit)
}

// limitOf is the limit of a name, by what was changed.
func (a *api) limitOf(changed map[string]string, name string) (Limit, error) {
	configured, known := a.config.Policies.Configured()[name]
	if !known {
		return Limit{}, refused(http.StatusNotFound, "", noObject)
	}
	out := Limit{Name: name, Policy: configured, Configured: configured}
	if policy, ok := changed[name]; ok {
		out.Policy = policy
	}
	return out, nil
}

func (a *api) changeLimit(ctx context.Context, c *call, in *LimitWish) (Limit, error) {
	policy, err := a.config.Policies.Check(c.of, in.Policy)
	if err != nil {
		return Limit{}, refused(http.StatusUnprocessableEntity, "", "policy: "+err.Error())
	}
	out := Limit{Name: c.of, Policy: policy, Configured: a.config.Policies.Configured()[c.of]}
	if out.Policy == out.Configured {
		err = c.tx.ResetLimit(ctx, c.of)
	} else {
		err = c.tx.SetLimit(ctx, c.of, policy)
	}
	if err != nil {
		return Limit{}, err
	}
	return out, c.record(ctx, "limit.change", c.of, policy)
}
