package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	persons "github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/store"
)

// PeopleConfig says how people sign in at the server. Without an origin nobody does.
type PeopleConfig struct {
	Origins  []string `toml:"origins"`
	ID       string   `toml:"id"`
	Breached string   `toml:"breached"`
	Second   *bool    `toml:"second"`
}

// checkPeople refuses people where there is nothing that they could be let in with.
func (s ServerConfig) checkPeople() error {
	if len(s.People.Origins) == 0 {
		if s.People.ID != "" || s.People.Breached != "" || s.People.Second != nil {
			return errors.New("server.people: origins are missing: without them nobody signs in")
		}
		return nil
	}
	if s.Key == "" || s.Database == "" && s.Proofs == "" {
		return errors.New("server.people: it goes with server.database or proofs, whose database keeps people, and server.key, which signs what they are answered")
	}
	return persons.Check(s.People.Origins, s.People.ID)
}

// people are those who sign in, of whom the records are; nil if nobody does.
func (c *Config) people(records *store.Store, pepper [authn.PepperSize]byte, denials *audit.Denials) (*persons.People, error) {
	own := c.Server.People
	if len(own.Origins) == 0 {
		return nil, nil
	}
	config := persons.Config{Store: records, Pepper: pepper, Random: rand.Reader, Now: time.Now, Denials: denials, Name: c.Exchange.Name, Origins: own.Origins, ID: own.ID, Second: own.Second}
	if own.Breached != "" {
		list, err := openBreached(c.resolve(own.Breached))
		if err != nil {
			return nil, fmt.Errorf("server.people.breached: %w", err)
		}
		config.Breached = list.has
	}
	return persons.New(config)
}
