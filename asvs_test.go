package house

import (
	"encoding/csv"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// claims of docs/asvs.csv, and whether each names tests. What does not apply, or is not met, has none to name.
var claims = map[string]bool{"met": true, "partly": true, "not-met": false, "not-applicable": false}

// shaping are the requirements that the server was drawn up for: docs/asvs.csv is not without one of them.
const shaping = `2.3.5 4.1.2 4.1.3 4.1.4 4.1.5 6.3.3 6.3.8 6.5.1 7.3.1 7.3.2 7.5.3 8.3.2 8.4.1 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 10.3.5 10.4.1 10.4.2 10.4.3 10.4.5 10.4.8 10.4.9 10.4.10
	10.4.12 10.4.13 10.4.14 10.4.16 10.7.1 10.7.2 10.7.3 11.1.1 11.1.2 11.1.3 11.1.4 12.1.1 12.1.2 12.1.3 12.3.1 12.3.2 12.3.3 12.3.4 12.3.5 13.2.4 13.2.5 13.3.1 13.3.4 14.2.1 15.3.2 15.3.3
	15.3.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.2 16.4.3 16.5.3`

var (
	asvsID    = regexp.MustCompile(`^([1-9]|1[0-7])\.[1-9]\.([1-9]|1[0-9])$`)
	roomsTest = regexp.MustCompile("`([a-z][a-zA-Z0-9/]*\\.Test[A-Za-z0-9_]+)`")
)

// claimFaults is what is wrong with a table of claims: id, level, claim, tests, reason.
func claimFaults(have map[string]bool, rows [][]string) []string {
	var out []string
	seen := map[string]bool{}
	for _, row := range rows {
		id, level, claim, tests, reason := row[0], row[1], row[2], strings.Fields(row[3]), row[4]
		named, known := claims[claim]
		switch {
		case !asvsID.MatchString(id):
			out = append(out, id+": is no requirement's id")
		case seen[id]:
			out = append(out, id+": stands twice")
		case level != "1" && level != "2" && level != "3":
			out = append(out, id+": the level is "+level)
		case !known:
			out = append(out, id+": the claim is "+claim)
		case reason == "":
			out = append(out, id+": has no reason")
		case named && len(tests) == 0:
			out = append(out, id+": is claimed and names no test")
		case !named && len(tests) > 0:
			out = append(out, id+": is not claimed and names tests")
		}
		seen[id] = true
		for _, name := range tests {
			if !strings.Contains(name, ".") || !have[name] {
				out = append(out, id+": there is no test "+name)
			}
		}
	}
	return out
}

// What is claimed of OWASP's ASVS 5.0.0 is shown by tests that there are.
func TestASVS_EachClaimHasItsTests(t *testing.T) {
	file, err := os.Open("docs/asvs.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.FieldsPerRecord = 5
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"id", "level", "claim", "test", "reason"}; !slices.Equal(rows[0], want) {
		t.Fatalf("the head is %q, want %q", rows[0], want)
	}
	for _, fault := range claimFaults(testsInTree(t), rows[1:]) {
		t.Error(fault)
	}
	for _, id := range strings.Fields(shaping) {
		if !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == id }) {
			t.Errorf("%s is missing", id)
		}
	}
}

// A rule never seen failing is not a rule.
func TestASVS_FaultsAreSeen(t *testing.T) {
	have := map[string]bool{"TestA": true, "web.TestA": true}
	good := []string{"4.1.2", "2", "met", "web.TestA", "why"}
	for want, rows := range map[string][][]string{
		"":                                      {good, {"4.1.3", "2", "not-met", "", "why"}},
		"4.1.2: stands twice":                   {good, good},
		"4.1.2: is claimed and names no test":   {{"4.1.2", "2", "partly", "", "why"}},
		"4.1.2: is not claimed and names tests": {{"4.1.2", "2", "not-applicable", "web.TestA", "why"}},
		"4.1.2: has no reason":                  {{"4.1.2", "2", "met", "web.TestA", ""}},
		"4.1.2: the claim is done":              {{"4.1.2", "2", "done", "web.TestA", "why"}},
		"4.1.2: the level is 4":                 {{"4.1.2", "4", "met", "web.TestA", "why"}},
		"V4.1: is no requirement's id":          {{"V4.1", "2", "met", "web.TestA", "why"}},
		"4.1.2: there is no test web.TestB":     {{"4.1.2", "2", "met", "web.TestA web.TestB", "why"}},
		"4.1.2: there is no test web/api.TestA": {{"4.1.2", "2", "met", "web/api.TestA", "why"}},
		"4.1.2: there is no test TestA":         {{"4.1.2", "2", "met", "TestA", "why"}},
	} {
		if got := strings.Join(claimFaults(have, rows), "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// mechanismFaults is what is wrong with the tables of docs/mechanisms.md: each row says what is asked, in which rooms it lives and which tests show it, or that none does.
func mechanismFaults(have map[string]bool, isRoom func(string) bool, text string) (rows int, out []string) {
	for _, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "| ") || len(cells) != 3 || strings.Contains(cells[2], " shown by ") {
			continue
		}
		rows++
		asked, rooms, shown := strings.TrimSpace(cells[0]), regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1), roomsTest.FindAllStringSubmatch(cells[2], -1)
		if len(rooms) == 0 {
			out = append(out, asked+": lives nowhere")
		}
		for _, room := range rooms {
			if !isRoom(room[1]) {
				out = append(out, asked+": there is no room "+room[1])
			}
		}
		if len(shown) == 0 && !strings.HasPrefix(strings.TrimSpace(cells[2]), "nothing: ") {
			out = append(out, asked+": names no test, and does not say why")
		}
		for _, name := range shown {
			if !have[name[1]] {
				out = append(out, asked+": there is no test "+name[1])
			}
		}
	}
	return rows, out
}

// Each mechanism that was asked for lives somewhere and is shown by a test, or stands as shown by nothing.
func TestMechanisms_EachIsShown(t *testing.T) {
	raw, err := os.ReadFile("docs/mechanisms.md")
	if err != nil {
		t.Fatal(err)
	}
	isRoom := func(name string) bool { _, err := os.Stat(name); return err == nil }
	rows, faults := mechanismFaults(testsInTree(t), isRoom, string(raw))
	for _, fault := range faults {
		t.Error(fault)
	}
	if rows < 40 {
		t.Errorf("read %d mechanisms only", rows)
	}
}

func TestMechanisms_FaultsAreSeen(t *testing.T) {
	have, there := map[string]bool{"web.TestA": true}, func(name string) bool { return name == "web" }
	for want, line := range map[string]string{
		"":                                 "| keys | `web` | `web.TestA` |",
		"keys: lives nowhere":              "| keys | web | `web.TestA` |",
		"keys: there is no room web/b":     "| keys | `web/b` | `web.TestA` |",
		"keys: there is no test web.TestB": "| keys | `web` | `web.TestA`, `web.TestB` |",
		"keys: names no test, and does not say why": "| keys | `web` | by hand |",
	} {
		if rows, got := mechanismFaults(have, there, "| asked | lives in | shown by |\n|---|---|---|\n"+line); rows != 1 || strings.Join(got, "; ") != want {
			t.Errorf("%d rows, got %q, want %q", rows, got, want)
		}
	}
}
