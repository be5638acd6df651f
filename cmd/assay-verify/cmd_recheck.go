package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

func recheckCommand(out *output) *cobra.Command {
	var policyPath, anchorsPath string
	var named []string
	c := &cobra.Command{
		Use:   "recheck PATH --policy FILE --node CHAIN=URL [--node …] [--anchors OUT.toml]",
		Short: "Ask nodes of your own about the blocks and balances that a report pins",
		Long: `Ask nodes of your own about the blocks and balances that a report pins, so that the exchange's word for them is not needed.

PATH is a bundle: a folder, a zip file, or the URL of a zip file. Its statement must verify under your policy first. Then every node
that you name with --node is asked: is the pinned block in your chain; on eip155 chains, what does every reserve account hold at that
block; on bip122 chains, which of the outputs are unspent now. Several nodes of one chain must all agree. A chain without a node is not
rechecked, and the verdict says so; nor does a recheck replace assay-verify bundle.

  --node eip155:1=https://rpc.example.org --node bip122:000000000019d6689c085ae165831e93=http://user:password@127.0.0.1:8332

With --anchors the blocks are written as [[anchor]] entries, ready to append to your policy, with the hashes that all nodes of a chain
answered. With --anchors - they go to standard output, and the verdict to standard error.

Exit codes:
  0  agreed: your nodes say what the statement says, as far as they were asked and still know
  1  checked and false: a node contradicts the statement, or the bundle itself does not hold
  2  usage, a node of another chain among it
  3  unreadable input: a file is missing, truncated, or not of its format
  4  unsupported version: use a newer assay-verify
  5  network: a node could not be reached, or gave no answer`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			nodes, err := readNodes(named)
			if err != nil {
				return err
			}
			policy, err := readPolicy(policyPath)
			if err != nil {
				return err
			}
			asked := recheckInput{path: args[0], policy: policy, nodes: nodes, anchors: anchorsPath}
			return asked.run(cmd.Context(), out, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	policyFlag(c, &policyPath)
	c.Flags().StringArrayVar(&named, "node", nil, "CHAIN=URL, a JSON-RPC node of your own choosing; may be repeated (required)")
	c.Flags().StringVar(&anchorsPath, "anchors", "", "new file for the blocks as the nodes answered them; - prints them")
	return c
}

// readNodes reads the values of --node. No error of it repeats a URL.
func readNodes(named []string) (map[string][]chainNode, error) {
	if len(named) == 0 {
		return nil, &failure{verifier.ExitUsage, errors.New("no --node: a recheck of nothing says nothing"), "name a node of your own choosing: --node CHAIN=URL"}
	}
	usage := func(i int, problem string) error {
		return &failure{verifier.ExitUsage, fmt.Errorf("--node, number %d: %s", i+1, problem), "--node eip155:1=https://rpc.example.org"}
	}
	nodes, seen := map[string][]chainNode{}, map[string]bool{}
	for i, text := range named {
		chain, address, ok := strings.Cut(text, "=")
		if !ok || strings.Contains(chain, "/") {
			return nil, usage(i, "want CHAIN=URL")
		}
		if seen[text] {
			return nil, usage(i, "a second time: one node asked twice is one witness")
		}
		seen[text] = true
		n, err := newNode(address)
		if err != nil {
			return nil, usage(i, err.Error())
		}
		for _, other := range nodes[chain] {
			if other.name() == n.label {
				n.label += fmt.Sprintf(" (number %d)", i+1) // two paths of one host
			}
		}
		switch {
		case strings.HasPrefix(chain, "eip155:"):
			nodes[chain] = append(nodes[chain], evmNode{n})
		case strings.HasPrefix(chain, "bip122:"):
			nodes[chain] = append(nodes[chain], utxoNode{n})
		default:
			return nil, usage(i, "its chain is neither eip155:… nor bip122:…")
		}
	}
	return nodes, nil
}

// recheckInput is what a recheck is asked for.
type recheckInput struct {
	path    string
	policy  *claim.Policy
	nodes   map[string][]chainNode
	anchors string
}

func (in recheckInput) run(ctx context.Context, out *output, stdout, stderr io.Writer) error {
	toFile := in.anchors != "" && in.anchors != "-"
	if toFile {
		if err := checkNew(in.anchors); err != nil {
			return err
		}
	}
	files, done, err := openBundle(ctx, in.path)
	if err != nil {
		return err
	}
	defer done()
	first, pinned := verifier.PinnedChains(files, in.policy, slices.Collect(maps.Keys(in.nodes)))
	if err := in.checkChains(ctx, pinned); err != nil {
		return err
	}
	r := recheck{nodes: in.nodes}
	v := r.run(ctx, first, pinned)
	to := stdout
	var unwritten error
	if in.anchors != "" {
		text, notes := anchorsTOML(v, in.policy)
		if len(v.Anchors) == 0 {
			notes = append(notes, "no anchors were written: there is no block that all nodes of its chain answered alike")
		}
		v.Notes = append(v.Notes, notes...)
		switch {
		case toFile && text != "":
			unwritten = writeNew(in.anchors, text)
		case !toFile:
			to = stderr
			if _, err := io.WriteString(stdout, text); err != nil {
				return &failure{code: verifier.ExitUnreadable, err: fmt.Errorf("the anchors could not be written: %w", err)}
			}
		}
	}
	verdict := out.printRecheck(to, v)
	if unwritten != nil {
		return unwritten
	}
	return verdict
}

// checkChains makes sure that every node is of the chain it is named for, and that the statement pins that chain. A node that does not
// answer is left for the checks to tell.
func (in recheckInput) checkChains(ctx context.Context, pinned []verifier.Pinned) error {
	if pinned == nil {
		return nil // the statement did not verify: nothing of it is believed, and no node is asked
	}
	var have []string
	for _, p := range pinned {
		have = append(have, p.Block.Chain)
	}
	for _, chain := range slices.Sorted(maps.Keys(in.nodes)) {
		if !slices.Contains(have, chain) {
			says := "it pins no block at all"
			if len(have) > 0 {
				says = "it pins blocks of " + strings.Join(have, ", ")
			}
			return &failure{code: verifier.ExitUsage, err: fmt.Errorf("--node: the statement pins no block of %s; %s", chain, says)}
		}
	}
	for _, chain := range slices.Sorted(maps.Keys(in.nodes)) {
		for _, n := range in.nodes[chain] {
			if got, err := n.chain(ctx); err == nil && got != chain {
				return &failure{verifier.ExitUsage, fmt.Errorf("node %s is a node of %s, not of %s: it can say nothing of the statement's block there", n.name(), got, chain),
					"name a node of that chain"}
			}
		}
	}
	return nil
}
