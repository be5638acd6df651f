package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/published"
)

// PagePolicy lets a report's page show itself and do nothing else.
const PagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	latest = "latest"
)

type listInput struct {
	Series string `query:"series" minLength:"1" maxLength:"32" doc:"Only reports of this series"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"What next said: the reports after that one"`
}

type reportInput struct {
	Statement string `path:"statement" maxLength:"64" pattern:"^([0-9a-f]{64}|latest)$" doc:"Digest of the statement (SHA-256 of the envelope's payload, 64 hex digits), or latest"`
}

type fileInput struct {
	Statement string `path:"statement" maxLength:"64" pattern:"^([0-9a-f]{64}|latest)$" doc:"Digest of the statement, or latest"`
	Path      string `path:"path" maxLength:"128" doc:"Path within the bundle (SPEC part 11)"`
}

func (a *api) addReports() {
	add(a, operation{"/v1/reports", "reports", tagReports, "The reports, newest first", schema[Reports](a)}, a.list)
	add(a, operation{"/v1/reports/{statement}", "report", tagReports, "One report: what it says in short, and its files", schema[Report](a)}, a.one)
	add(a, operation{"/v1/reports/{statement}/statement", "statement", tagReports, "The signed statement (SPEC part 10)", object()}, func(in *reportInput) (Answer, error) {
		return a.file(in.Statement, report.PathEnvelope)
	})
	add(a, operation{"/v1/reports/{statement}/bundle", "bundle", tagReports, "The bundle as a zip (SPEC part 11)", binary(kindZip)}, a.bundle)
	add(a, operation{"/v1/reports/{statement}/files/" + rest, "file", tagReports, "A file of the bundle (SPEC part 11)",
		map[string]*huma.Schema{kindJSON: {}, kindBinary: anything("binary")}}, func(in *fileInput) (Answer, error) {
		return a.file(in.Statement, in.Path)
	})
	add(a, operation{"/v1/reports/{statement}/report", "page", tagReports, "The report as a page", text(kindHTML)}, a.page)
	add(a, operation{"/v1/reports/{statement}/states", "states", tagReports, "What became of the statement, by the log (SPEC part 24)", schema[States](a)}, a.states)
}

// find is the report of a digest, or the newest.
func (a *api) find(statement string) (*published.Report, error) {
	all, err := a.config.Reports.Reports()
	if err != nil {
		return nil, fault(err)
	}
	for _, r := range all {
		if statement == latest || statement == r.Digest.String() {
			return r, nil
		}
	}
	return nil, huma.Error404NotFound("no report of that statement is published here")
}

func (a *api) list(in *listInput) (Answer, error) {
	all, err := a.config.Reports.Reports()
	if err != nil {
		return Answer{}, fault(err)
	}
	if in.Cursor != "" {
		at := slices.IndexFunc(all, func(r *published.Report) bool { return r.Digest.String() == in.Cursor })
		if at < 0 {
			return Answer{}, huma.Error404NotFound("the report that the cursor names is not published here any more: begin anew")
		}
		all = all[at+1:]
	}
	register, err := a.register()
	if err != nil {
		return Answer{}, err
	}
	out := Reports{Reports: []Summary{}}
	for _, r := range all {
		if in.Series != "" && r.Statement.Predicate.Series.Name != in.Series {
			continue
		}
		if len(out.Reports) == in.Limit {
			out.Next = out.Reports[in.Limit-1].Statement
			break
		}
		out.Reports = append(out.Reports, summary(r, register))
	}
	return jsonOf(out)
}

func (a *api) one(in *reportInput) (Answer, error) {
	r, err := a.find(in.Statement)
	if err != nil {
		return Answer{}, err
	}
	register, err := a.register()
	if err != nil {
		return Answer{}, err
	}
	out, err := whole(r, register)
	if err != nil {
		return Answer{}, fault(err)
	}
	return jsonOf(out)
}

// file answers with a file of a bundle. What a statement vouches for never changes under its digest, and does under latest.
func (a *api) file(statement, path string) (Answer, error) {
	r, err := a.find(statement)
	if err != nil {
		return Answer{}, err
	}
	f, fixed, err := r.Open(path)
	if err != nil {
		return Answer{}, fault(err)
	}
	return Of(f, KindOf(path), Keep(fixed && statement != latest)), nil
}

func (a *api) bundle(in *reportInput) (Answer, error) {
	r, err := a.find(in.Statement)
	if err != nil {
		return Answer{}, err
	}
	f, err := r.Zip()
	if err != nil {
		return Answer{}, fault(err)
	}
	return Zip(f), nil
}

func (a *api) page(in *reportInput) (Answer, error) {
	r, err := a.find(in.Statement)
	if err != nil {
		return Answer{}, err
	}
	f, err := r.Page()
	if err != nil {
		return Answer{}, fault(err)
	}
	return Page(f), nil
}

// Zip answers with a bundle.
func Zip(f *published.File) Answer {
	answer := Of(f, kindZip, AskFor)
	answer.Header = map[string]string{"Content-Disposition": `attachment; filename="bundle.zip"`}
	return answer
}

// Page answers with a report's page.
func Page(f *published.File) Answer {
	answer := Of(f, kindHTML+utf8, AskFor)
	answer.Header = map[string]string{"Content-Security-Policy": PagePolicy}
	return answer
}

// KindOf is the media type of a bundle's file; it follows from the ending.
func KindOf(path string) string {
	if strings.HasSuffix(path, ".json") {
		return kindJSON
	}
	return kindBinary
}

// register is what the log says, or nothing where there is none.
func (a *api) register() (*report.Register, error) {
	seen, err := a.seen()
	return seen.Register, err
}

func (a *api) seen() (Seen, error) {
	if a.config.Register == nil {
		return Seen{}, nil
	}
	seen, err := a.config.Register()
	if err != nil {
		return Seen{}, huma.NewError(http.StatusServiceUnavailable, "the log cannot be read at the moment, and without it nobody knows what a statement is worth now")
	}
	return seen, nil
}
