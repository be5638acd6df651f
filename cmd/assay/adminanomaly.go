package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

// maxShown is how many findings are listed.
const maxShown = 500

func newAnomalies(a *app) *cobra.Command {
	all := &cobra.Command{
		Use:   "anomaly",
		Short: "See what stood out of what clients do, and undo what was done about it",
		Long: `A server notices where a client does what it never did, says by which rule and with which figures, and does something about it (server.anomalies, docs/anomalies.md).
That holds until somebody undoes it, here or over the API, who says by it that it is as it should be: for a while the same is not found again. Each is in the audit log.`,
		RunE: func(_ *cobra.Command, _ []string) error { return usage("admin anomaly needs a verb: list or undo") },
	}
	all.AddCommand(newAnomalyList(a), newAnomalyUndo(a))
	return all
}

// anomalyRecord is a finding as it is shown.
type anomalyRecord struct {
	ID         string `json:"id"`
	Rule       string `json:"rule"`
	Client     string `json:"client,omitempty"`
	Credential string `json:"credential,omitempty"`
	Network    string `json:"network,omitempty"`
	Saw        string `json:"saw"`
	Usual      string `json:"usual"`
	Action     string `json:"action"`
	At         string `json:"at"`
	Until      string `json:"until,omitempty"`
	Undone     string `json:"undone,omitempty"`
}

func shownAnomaly(f store.Anomaly) anomalyRecord {
	when := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return anomalyRecord{f.ID, f.Rule, f.Client, f.Credential, f.Network, f.Saw, f.Usual, f.Action, when(f.At), when(f.Until), when(f.Undone)}
}

func newAnomalyList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: fmt.Sprintf("List what stood out, newest first, %d at most", maxShown),
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			all, err := m.records.Anomalies(m.ctx, "", "", maxShown)
			if err != nil {
				return unreadable("server.database: %v", err)
			}
			shown := []anomalyRecord{}
			for _, f := range all {
				shown = append(shown, shownAnomaly(f))
			}
			if a.json {
				return a.say(cmd, shown, "")
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "id\tat\trule\tclient\tdone\tundone\tsaw\tusual")
			for _, f := range shown {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, f.At, f.Rule, orElse(f.Client, "nobody"), f.Action, orElse(f.Undone, "no"), f.Saw, f.Usual)
			}
			return w.Flush()
		},
	}
}

func newAnomalyUndo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "undo ID",
		Short: "Say that a finding is as it should be, and end what was done about it",
		Args:  oneArg("admin anomaly undo takes the id of one finding"),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.keyMaker(cmd)
			if err != nil {
				return err
			}
			var f store.Anomaly
			err = m.write(func(tx *store.Tx) error {
				if f, err = tx.Anomaly(m.ctx, args[0]); err != nil {
					return err
				}
				if err := tx.UndoAnomaly(m.ctx, f.ID, audit.Local().Client, m.Now); err != nil {
					return fmt.Errorf("it was undone at %s already: %w", f.Undone.Format(time.RFC3339), err)
				}
				f.Undone = m.Now
				return audit.Record(m.ctx, tx, audit.Act{At: m.Now, Action: "anomaly.undo", Object: f.ID, Outcome: audit.Done, Reason: f.Rule + " of " + f.Client + ": " + f.Action})
			})
			if err != nil {
				return err
			}
			return a.say(cmd, shownAnomaly(f), "%s of %s: %s", f.Rule, orElse(f.Client, "nobody"), f.Undo)
		},
	}
}
