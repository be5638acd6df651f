package main

import (
	"slices"

	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/report"
)

// decimals are an asset's, by the configuration.
func (c *Config) decimals(asset string) uint8 {
	if i := slices.IndexFunc(c.Assets, func(a AssetConfig) bool { return a.ID == asset }); i >= 0 {
		return c.Assets[i].Decimals
	}
	return 0
}

// ledgerSection puts the ledger's summary into the statement's words.
func ledgerSection(snap report.Snapshot, sum ledger.Summary) (report.Ledger, error) {
	section := report.Ledger{
		Customers: sum.Customers, Entries: sum.Entries,
		Duplicates:    report.Duplicates{Entries: sum.Duplicates.Entries, Rule: sum.Duplicates.Rule},
		Negatives:     report.Negatives{Entries: sum.Negatives.Entries, Rule: sum.Negatives.Rule},
		UnknownAssets: report.UnknownAssets{Entries: sum.UnknownAssets.Entries, Rule: sum.UnknownAssets.Rule, Sums: []report.UnknownSum{}},
		Classes:       []report.LedgerClass{},
	}
	var err error
	if section.Negatives.Sum, err = report.SumJSON(snap, sum.Negatives.Sum); err != nil {
		return section, err
	}
	if sum.Underwater.Rule != "" {
		amounts, err := report.SumJSON(snap, sum.Underwater.Sum)
		if err != nil {
			return section, err
		}
		section.Underwater = &report.Underwater{Customers: sum.Underwater.Customers, Rule: sum.Underwater.Rule, Sum: amounts}
	}
	for _, u := range sum.UnknownAssets.Sums {
		section.UnknownAssets.Sums = append(section.UnknownAssets.Sums, report.UnknownSum{Amount: u.Amount, Asset: u.Asset})
	}
	for _, c := range sum.Classes {
		amounts, err := report.SumJSON(snap, c.Sum)
		if err != nil {
			return section, err
		}
		section.Classes = append(section.Classes, report.LedgerClass{Class: c.Class, Customers: c.Customers, Entries: c.Entries, Sum: amounts})
	}
	return section, nil
}
