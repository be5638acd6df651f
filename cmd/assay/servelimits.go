package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
	limits "github.com/assay-por/assay/web/limit"
	"github.com/assay-por/assay/web/store"
)

// LimitsConfig says how much whoever asks may ask: "20/s burst 100", "30/min", "500/s 20000000/day". What is empty is as in [limits.Defaults].
type LimitsConfig struct {
	Anonymous   string `toml:"anonymous"`
	Failures    string `toml:"failures"`
	Lookups     string `toml:"lookups"`
	Runs        string `toml:"runs"`
	Basic       string `toml:"basic"`
	Standard    string `toml:"standard"`
	Partner     string `toml:"partner"`
	Auditor     string `toml:"auditor"`
	Person      string `toml:"person"`
	SignIns     string `toml:"signins"`
	Connections int    `toml:"connections"`
}

// policies are those that are given.
func (l LimitsConfig) policies() (limits.Policies, error) {
	all := limits.Policies{}
	for name, text := range map[string]string{limits.Anonymous: l.Anonymous, limits.Failures: l.Failures, limits.Lookups: l.Lookups, limits.Runs: l.Runs,
		limits.Basic: l.Basic, limits.Standard: l.Standard, limits.Partner: l.Partner, limits.Auditor: l.Auditor, limits.Person: l.Person, limits.SignIns: l.SignIns} {
		if text == "" {
			continue
		}
		p, err := limits.Parse(name, text)
		if err != nil {
			return nil, fmt.Errorf("server.limits.%s: %w", name, err)
		}
		all[name] = p
	}
	if l.Connections < 0 || l.Connections > maxConnections {
		return nil, fmt.Errorf("server.limits.connections: got %d, want 1 to %d, or 0: 100", l.Connections, maxConnections)
	}
	return all, nil
}

// maxPerAddress is how many connections an address may have if nothing is said.
const maxPerAddress = 100

func (l LimitsConfig) connections() int {
	if l.Connections == 0 {
		return maxPerAddress
	}
	return l.Connections
}

// RetiredConfig is an operation, or a version, that is on its way out.
type RetiredConfig struct {
	Operation  string `toml:"operation"`
	Deprecated string `toml:"deprecated"`
	Sunset     string `toml:"sunset"`
	Successor  string `toml:"successor"`
	Notice     string `toml:"notice"`
}

var isReference = regexp.MustCompile(`^[!#-;=?-\[\]_a-z~]*$`) // characters of a URI

func (r RetiredConfig) retirement() (api.Retirement, error) {
	of := api.Retirement{Operation: r.Operation, Successor: r.Successor, Notice: r.Notice}
	for _, day := range []struct {
		name, text string
		into       *time.Time
	}{{"deprecated", r.Deprecated, &of.Deprecated}, {"sunset", r.Sunset, &of.Sunset}} {
		at, err := time.Parse(time.DateOnly, day.text)
		if err != nil {
			return of, fmt.Errorf("server.retired %q: %s: %q, want a day such as 2027-06-30", r.Operation, day.name, day.text)
		}
		*day.into = at
	}
	if !isReference.MatchString(r.Successor) || !isReference.MatchString(r.Notice) {
		return of, fmt.Errorf("server.retired %q: successor and notice are URLs, and %q or %q is none", r.Operation, r.Successor, r.Notice)
	}
	return of, nil
}

// proxyV2 is the client_address of proxies that say it in front of each connection.
const proxyV2 = "proxy-v2"

var isField = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// checkLimits refuses limits, retirements and proxies that make no sense.
func (s ServerConfig) checkLimits() error {
	if _, err := s.Limits.policies(); err != nil {
		return err
	}
	for _, r := range s.Retired {
		if _, err := r.retirement(); err != nil {
			return err
		}
	}
	switch {
	case (s.ClientAddress == "") != (len(s.TrustedProxies) == 0):
		return errors.New("server: trusted_proxies and client_address go together")
	case s.ClientAddress != "" && s.ClientAddress != proxyV2 && !isField.MatchString(s.ClientAddress) || strings.EqualFold(s.ClientAddress, "Forwarded"):
		return fmt.Errorf(`server.client_address: %q, want "proxy-v2", or a field that is a list of addresses, such as "X-Forwarded-For"`, s.ClientAddress)
	}
	if _, err := authn.ParseNetworks(s.TrustedProxies); err != nil {
		return fmt.Errorf("server.trusted_proxies: %w", err)
	}
	return nil
}

// peers are who connects to this server.
func (s ServerConfig) peers() (peers, error) {
	proxies, err := authn.ParseNetworks(s.TrustedProxies)
	return peers{most: s.Limits.connections(), proxies: proxies, proxied: s.ClientAddress == proxyV2}, err
}

// limits gives a server its limits, what is retired, and the proxies before it.
func (c *Config) limits(config *web.Config, db *store.Store) error {
	given, err := c.Server.Limits.policies()
	if err != nil {
		return err
	}
	if config.Limits, err = limits.New(given, db, time.Now); err != nil {
		return err
	}
	for _, r := range c.Server.Retired {
		of, err := r.retirement()
		if err != nil {
			return err
		}
		config.Retired = append(config.Retired, of)
	}
	if c.Server.ClientAddress == "" || c.Server.ClientAddress == proxyV2 {
		return nil
	}
	config.Proxies.Field = c.Server.ClientAddress
	config.Proxies.Trusted, err = authn.ParseNetworks(c.Server.TrustedProxies)
	return err
}
