package verifier

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tree"
)

// Margin is by which prices every customer's collateral covers their debts (SPEC part 30), in decimals. Whether they are fair is the reader's
// to judge. Debts make no liability smaller, and count as no reserves.
type Margin struct {
	Currency string  `json:"currency"`
	Source   string  `json:"source"`
	Prices   []Price `json:"prices"`
	Equity   string  `json:"equity,omitempty"` // of all customers, where the statement tells it
}

// Price is what one whole asset was worth, how many percent of a credit count as collateral, and what all customers owe of it.
type Price struct {
	Asset  string `json:"asset"`
	Price  string `json:"price"`
	Weight int    `json:"weight"`
	Debts  string `json:"debts,omitempty"` // where the statement tells them
}

// describeMargin is what the statement says, nil if it has no margin accounts.
func describeMargin(s *claim.Statement) *Margin {
	m := s.Snapshot.Margin
	if m == nil {
		return nil
	}
	debts, shown := s.Debts(), &Margin{Currency: m.Currency, Source: m.Source}
	for i, p := range m.Prices {
		price := Price{Asset: p.Asset, Price: p.Price, Weight: p.Weight}
		if asset, ok := s.Snapshot.Asset(p.Asset); ok && debts != nil {
			price.Debts = decimal(debts[i], asset.Decimals)
		}
		shown.Prices = append(shown.Prices, price)
	}
	if debts != nil {
		shown.Equity = decimal(s.Equity(), m.Scale)
	}
	return shown
}

// withMargin are the checks that a check needs, and with margin accounts the snapshot's too, without which there is no rule.
func (r *run) withMargin(needs ...string) []string {
	if r.statement != nil && r.statement.Snapshot.Margin != nil {
		needs = append(needs, "snapshot")
	}
	return needs
}

// checkMargin is the check `liabilities.margin` (SPEC part 30), which is there with margin accounts only.
func (b *bundleRun) checkMargin() {
	if b.statement == nil || b.statement.Debts() == nil {
		return
	}
	b.check("liabilities.margin", b.withMargin("statement.format"), func() (string, error) {
		m := b.statement.Snapshot.Margin
		return fmt.Sprintf("by %d prices of %s, the net equity of all customers is %s %s", len(m.Prices), m.Source, b.verdict.Margin.Equity, m.Currency), b.statement.CheckMargin()
	})
}

// checkMarginOf is the check `proof.margin` (SPEC part 30), which is there with margin accounts only. It gives what proof.root needs.
func (r *run) checkMarginOf(proof *tree.Proof, c tree.Commitment) (needs []string) {
	if r.statement == nil || r.statement.Snapshot.Margin == nil {
		return nil
	}
	r.check("proof.margin", r.withMargin("proof.statement"), func() (string, error) {
		m := r.statement.Snapshot.Margin
		return fmt.Sprintf("by %d prices of %s, the net equity is collateral less debts", len(m.Prices), m.Source), proof.CheckMargin(c)
	})
	return []string{"proof.margin"}
}

// marginSentences say what a customer owes, and what their net equity is.
func marginSentences(proof *tree.Proof, s *claim.Statement) (list []string) {
	m := s.Snapshot.Margin
	if m == nil || len(proof.Balances) == 0 {
		return nil
	}
	low, high := new(big.Int), new(big.Int)
	for _, b := range proof.Balances {
		units, _ := new(big.Int).SetString(b.Amount.String(), 10)
		switch name, debit := strings.CutPrefix(b.Asset, "debit:"); {
		case debit:
			asset, _ := s.Snapshot.Asset(name)
			list = append(list, fmt.Sprintf("a debt to the exchange of %s %s is stated beside it, and makes nothing smaller that anybody is owed", decimal(units, asset.Decimals), name))
		case b.Asset == "equity:low":
			low = units
		case b.Asset == "equity:high":
			high = units
		}
	}
	return append(list, fmt.Sprintf("collateral less debts is worth %s %s by the prices and weights that the statement names, of %s",
		decimal(m.Equity(low, high), m.Scale), m.Currency, m.Source))
}

// credits are the balances that are owed to a customer, with the place of their asset in the registry.
func credits(proof *tree.Proof, s *claim.Statement) (list []credit) {
	ids := s.Snapshot.IDs()
	for _, b := range proof.Balances {
		if i := slices.Index(ids, b.Asset); i >= 0 {
			units, _ := new(big.Int).SetString(b.Amount.String(), 10)
			list = append(list, credit{i, b.Asset, decimal(units, s.Snapshot.Assets[i].Decimals)})
		}
	}
	return list
}

type credit struct {
	place         int
	asset, amount string
}

// notShownOfMargin is what prices and debts leave open.
const notShownOfMargin = "that the prices are fair, that debts can be collected, or that collateral could be sold at these prices: a debt is no reserve, and none is counted as one"
