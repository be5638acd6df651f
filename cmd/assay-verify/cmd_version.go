package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(out *output) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the formats that it reads",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{"version": version, "formats": "1", "go": runtime.Version()})
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "assay-verify %s, formats version 1, %s\n", version, runtime.Version())
			return err
		},
	}
}
