package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/beacon"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/report"
)

// chain is what the configuration says of a chain, empty if it says nothing.
func (c *Config) chain(id chains.Chain) ChainConfig {
	if i := slices.IndexFunc(c.Chains, func(c ChainConfig) bool { return c.ID == string(id) }); i >= 0 {
		return c.Chains[i]
	}
	return ChainConfig{}
}

func (c ChainConfig) hasBeacon() bool { return len(c.Beacon) > 0 }

// hasCheckpoint says whether blocks are to be proved final.
func (c ChainConfig) hasCheckpoint() bool { return c.hasBeacon() && c.Checkpoint != "" }

// checkBeacon checks that the keys of a beacon chain stand together; their values are package beacon's to check. Validators need no
// checkpoint.
func (c ChainConfig) checkBeacon(validators bool) error {
	switch {
	case !c.hasBeacon() && c.Checkpoint != "", c.hasBeacon() && c.Checkpoint == "" && !validators:
		return errors.New("give beacon and checkpoint both, or neither")
	case !c.hasBeacon() && (c.Genesis != "" || len(c.Forks) > 0):
		return errors.New("genesis and forks say nothing without beacon")
	case c.hasBeacon() && !strings.HasPrefix(c.ID, chains.EIP155+":"):
		return errors.New("beacon is for eip155 chains")
	case (c.Genesis == "") != (len(c.Forks) == 0):
		return errors.New("give genesis and forks both, or neither")
	}
	return nil
}

// beaconSource connects to the beacon nodes of a chain.
func (s *stages) beaconSource(chain chains.Chain) (*beacon.Source, error) {
	c := s.config.chain(chain)
	opts := beacon.Options{Checkpoint: c.Checkpoint, Network: beacon.Network{Genesis: c.Genesis}}
	for _, f := range c.Forks {
		opts.Network.Forks = append(opts.Network.Forks, beacon.Fork{Epoch: f.Epoch, Name: f.Name, Version: f.Version})
	}
	source, err := beacon.New(chain, c.Beacon, opts)
	if err != nil {
		return nil, unreadable("%s: %v", s.config.path, err)
	}
	return source, nil
}

// bridged says what a chain's light client evidence was made for. It is written last, so it is there only if the evidence is whole.
type bridged struct {
	Block      report.Block `json:"block"`
	Checkpoint string       `json:"checkpoint"`
}

// finality gathers the light client evidence of a pinned block, where a beacon node is configured, unless it was gathered before
// from the same checkpoint.
func (s *stages) finality(snap report.Snapshot, block report.Block) error {
	c := s.config.chain(block.Chain)
	if !c.hasCheckpoint() {
		return nil
	}
	name := dirGathered + "/" + strings.ReplaceAll(string(block.Chain), ":", "-") + ".beacon.json"
	want := bridged{Block: block, Checkpoint: strings.ToLower(c.Checkpoint)}
	if s.run.has(name) {
		var have bridged
		if err := s.run.readJSON(name, "reserves", &have); err != nil {
			return err
		}
		if have == want && s.run.has(published(report.PathBeacon(block.Chain))) {
			return nil
		}
		if err := os.Remove(s.run.join(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unreadable("%v", err)
		}
	}
	s.progress.say("reserves: %s: proving by the beacon chain that block %d is final", block.Chain, block.Number)
	file, err := s.prove(snap, block)
	if err != nil {
		return err
	}
	if err := s.run.write(published(report.PathBeacon(block.Chain)), file); err != nil {
		return err
	}
	return s.run.writeJSON(name, want)
}

// prove asks beacon nodes for the way to a finalised block, and the chain's own nodes for the headers from there.
func (s *stages) prove(snap report.Snapshot, block report.Block) ([]byte, error) {
	source, err := s.beaconSource(block.Chain)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	c := s.config.chain(block.Chain)
	execution, err := evm.New(s.ctx, block.Chain, c.Nodes, evm.Options{Confirmations: c.Confirmations})
	if err != nil {
		return nil, err
	}
	defer execution.Close()
	file, err := source.Prove(s.ctx, snap.ID.String(), block.Ref(), execution.Headers)
	var early *beacon.NotFinalisedError
	var far *beacon.TooFarError
	switch {
	case errors.As(err, &early):
		return nil, waiting("what was gathered is kept; run the same command again in some minutes", "%v", err)
	case errors.As(err, &far):
		return nil, hinted(err, "without beacon and checkpoint in the configuration the report can be made still; the block then needs an anchor")
	case err != nil:
		return nil, lostSnapshot(err)
	}
	return report.BeaconJSON(file)
}

// lookBeacon goes the whole way from the checkpoint to the last finalised block.
func (s *stages) lookBeacon(chain chains.Chain) (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	source, err := s.beaconSource(chain)
	if err != nil {
		return "", err
	}
	defer source.Close()
	final, err := source.Finalised(ctx)
	return fmt.Sprintf("%s: from the checkpoint to finalised block %d", chain, final), err
}
