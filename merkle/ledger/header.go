package ledger

import "fmt"

// header says what the columns of a file are; an index is -1 where there is no such column.
type header struct {
	width                           int
	customer, class, asset, balance int
	cells                           []cell                  // of the wide form
	call                            func(column int) string // what errors call a column of the header
}

// cell is a column of the wide form.
type cell struct {
	label string
	asset uint16
	known bool
}

// parseHeader recognises both forms. Its problems quote no name but the unknown ones of a file that has a customer column: of
// a file without a header, the first row would be a customer's.
func parseHeader(names [][]byte, t *tally, call func(int) string) (*header, string) {
	h := &header{call: call, width: len(names), customer: -1, class: -1, asset: -1, balance: -1}
	at := map[string]int{}
	for i, name := range names {
		if first, twice := at[string(name)]; twice {
			return nil, fmt.Sprintf("the header has columns %d and %d of one name", first+1, i+1)
		}
		at[string(name)] = i
	}
	index := func(name string) int {
		if i, ok := at[name]; ok {
			return i
		}
		return -1
	}
	h.customer, h.class = index("customer"), index("class")
	h.asset, h.balance = index("asset"), index("balance")
	if h.customer < 0 {
		return nil, "the header has no column customer: it must name the columns, in lower case"
	}
	if h.asset >= 0 || h.balance >= 0 {
		return h, h.checkLong(names)
	}
	return h, h.checkWide(names, t)
}

func (h *header) checkLong(names [][]byte) string {
	if h.asset < 0 {
		return "the header has a column balance but no column asset"
	}
	if h.balance < 0 {
		return "the header has a column asset but no column balance"
	}
	for i, name := range names {
		switch string(name) {
		case "customer", "class", "asset", "balance":
		default:
			return h.call(i) + " is none of customer, asset, balance and class: leave it out"
		}
	}
	return ""
}

func (h *header) checkWide(names [][]byte, t *tally) string {
	fixed := 1
	if h.class >= 0 {
		fixed = 2
	}
	if h.customer != 0 || h.class > 1 {
		return "the header of a wide ledger begins with customer, then class if there is one, then the asset ids"
	}
	if len(names) == fixed {
		return "the header names no assets: want the columns asset and balance, or a column for each asset"
	}
	for i, name := range names[fixed:] {
		asset, known := t.byAsset[string(name)]
		if !known {
			problem := labelProblem(name)
			if problem == "" && t.rules.UnknownAssets == RuleError {
				problem = `is not an asset of the registry: add the asset, or set unknown_assets = "exclude"`
			}
			if problem != "" {
				return h.call(fixed+i) + " " + problem
			}
		}
		h.cells = append(h.cells, cell{label: string(name), asset: asset, known: known})
	}
	return ""
}

var defaultClassName = []byte(DefaultClass)

// row adds the entries of one row.
func (h *header) row(fields [][]byte, t *tally) error {
	if err := t.customer(fields[h.customer]); err != nil {
		return err
	}
	className := defaultClassName
	if h.class >= 0 {
		className = fields[h.class]
	}
	class, err := t.class(className)
	if err != nil {
		return err
	}
	if h.cells == nil {
		if asset, known := t.byAsset[string(fields[h.asset])]; known {
			return t.add(asset, class, fields[h.balance], "balance")
		}
		return t.addUnknown(fields[h.asset], fields[h.balance], "balance", "asset")
	}
	cells := fields[len(fields)-len(h.cells):]
	for i := range h.cells {
		c := &h.cells[i]
		if len(cells[i]) == 0 {
			continue
		}
		if c.known {
			err = t.add(c.asset, class, cells[i], c.label)
		} else {
			err = t.addUnknown([]byte(c.label), cells[i], c.label, c.label)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
