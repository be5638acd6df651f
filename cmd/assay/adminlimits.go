package main

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/web/audit"
	limits "github.com/assay-por/assay/web/limit"
	"github.com/assay-por/assay/web/store"
)

func newLimits(a *app) *cobra.Command {
	all := &cobra.Command{
		Use:   "limit",
		Short: "See and change how often the server may be asked",
		Long: `How often may be asked stands under [server.limits]. What is changed here, or over the API, lies in server.database and holds instead, in a server that runs a second later,
until it is reset. Each change is in the audit log.`,
		RunE: func(_ *cobra.Command, _ []string) error { return usage("admin limit needs a verb: list, set or reset") },
	}
	all.AddCommand(newLimitList(a), newLimitSet(a), newLimitReset(a))
	return all
}

// limitRecord is a limit as it is shown.
type limitRecord struct {
	Name       string `json:"name"`
	Policy     string `json:"policy"`
	Configured string `json:"configured"`
}

// limitKeeper opens where limits are kept, and what is configured.
func (a *app) limitKeeper(cmd *cobra.Command) (keyMaker, *limits.Limiter, error) {
	c, err := a.load()
	if err != nil {
		return keyMaker{}, nil, err
	}
	m, err := a.keyMaker(cmd)
	if err != nil {
		return keyMaker{}, nil, err
	}
	given, err := c.Server.Limits.policies()
	if err != nil {
		return keyMaker{}, nil, unreadable("%v", err)
	}
	l, err := limits.New(given, nil, time.Now)
	return m, l, err
}

func newLimitList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the limits, and what is configured where that was changed",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, l, err := a.limitKeeper(cmd)
			if err != nil {
				return err
			}
			changed, err := m.records.Limits(m.ctx)
			if err != nil {
				return unreadable("server.database: %v", err)
			}
			configured := l.Configured()
			var shown []limitRecord
			for _, name := range slices.Sorted(maps.Keys(configured)) {
				shown = append(shown, limitRecord{name, orElse(changed[name], configured[name]), configured[name]})
			}
			if a.json {
				return a.say(cmd, shown, "")
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "name\tpolicy\tconfigured")
			for _, r := range shown {
				fmt.Fprintf(w, "%s\t%s\t%s\n", r.Name, r.Policy, r.Configured)
			}
			return w.Flush()
		},
	}
}

func newLimitSet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   `set NAME "POLICY"`,
		Short: `Change a limit, to a policy such as "500/s 20000000/day" or "20/s burst 100"`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage(`admin limit set takes a name and a policy, such as anonymous "20/s burst 100"`)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			m, l, err := a.limitKeeper(cmd)
			if err != nil {
				return err
			}
			policy, err := l.Check(args[0], args[1])
			if err != nil {
				return usage("%v", err)
			}
			return a.changeLimit(cmd, m, limitRecord{args[0], policy, l.Configured()[args[0]]}, func(tx *store.Tx) error { return tx.SetLimit(m.ctx, args[0], policy) })
		},
	}
}

func newLimitReset(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reset NAME",
		Short: "Give a limit back to the configuration",
		Args:  oneArg("admin limit reset takes the name of one limit"),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, l, err := a.limitKeeper(cmd)
			if err != nil {
				return err
			}
			configured, known := l.Configured()[args[0]]
			if !known {
				return usage("there is no limit %q", args[0])
			}
			return a.changeLimit(cmd, m, limitRecord{args[0], configured, configured}, func(tx *store.Tx) error { return tx.ResetLimit(m.ctx, args[0]) })
		},
	}
}

// changeLimit makes a change, on record, and says what holds from then on.
func (a *app) changeLimit(cmd *cobra.Command, m keyMaker, to limitRecord, change func(*store.Tx) error) error {
	err := m.write(func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return audit.Record(m.ctx, tx, audit.Act{At: m.Now, Action: "limit.change", Object: to.Name, Outcome: audit.Done, Reason: to.Policy})
	})
	if err != nil {
		return err
	}
	return a.say(cmd, to, "%s: %s", to.Name, to.Policy)
}
