package main

import (
	"errors"

	"github.com/assay-por/assay/report"
)

// beside is what a report shows beside the proved reserves: the same wallets at other instants, and what is only claimed.
type beside struct {
	bands  []report.BandReserves
	claims []report.Claim
}

// beside gathers the bands and takes in the claims, or returns what was kept before. Where something is not there yet it has
// done the rest, and the error is one of waiting.
func (s *stages) beside(snap report.Snapshot) (beside, error) {
	var b beside
	var bands, claims error
	b.bands, bands = s.bands(snap)
	b.claims, claims = s.claims(snap)
	for _, err := range []error{bands, claims} {
		if err != nil && !isWaiting(err) {
			return b, err
		}
	}
	return b, joinWaiting(bands, claims)
}

// besideFiles writes what of it the bundle holds, and lists those files.
func (s *stages) besideFiles(snap report.Snapshot, b beside) ([]report.File, error) {
	claims, err := report.ClaimsJSON(snap, b.claims)
	if err != nil {
		return nil, refused("%v", err)
	}
	if err := s.run.write(published(report.PathClaims), claims); err != nil {
		return nil, err
	}
	at := map[string]string{report.PathClaims: published(report.PathClaims)}
	for n, band := range b.bands {
		lines, err := report.BandLinesJSON(snap, band.Lines)
		if err != nil {
			return nil, refused("%v", err)
		}
		path := report.PathBandLines(n)
		if err := s.run.write(published(path), lines); err != nil {
			return nil, err
		}
		at[path] = published(path)
		for _, block := range band.Blocks {
			at[report.PathBandEvidence(n, block.Chain)] = bandEvidence(band.Instant, block.Chain)
		}
	}
	var files []report.File
	var failed []error
	for path, name := range at {
		f, err := report.NewDiskFile(path, s.run.join(name))
		if err != nil {
			failed = append(failed, s.missing(err))
		}
		files = append(files, f)
	}
	return files, errors.Join(failed...)
}
