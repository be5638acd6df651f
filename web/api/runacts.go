package api

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
)

const (
	isStatement = "^[0-9a-f]{64}$"
	maxEnvelope = 2 << 20 // bytes of an envelope that is handed in
)

// addRunActs adds what is asked of a run's worker, and the word that people give.
func (a *api) addRunActs() {
	run, statement := objectOf("id", isID, "Id of the run"), objectOf("statement", isStatement, "Digest of the statement")
	post := func(path, id, summary string) act {
		return act{method: http.MethodPost, path: path, id: id, tag: tagRuns, summary: summary}
	}
	ask := post(runsPath, "run-ask", "Ask for a report: the worker draws it up, as far as it can")
	ask.creates = true
	addAct(a, ask, a.askRun)

	approve := post(runsPath+"/{id}/approvals", "run-approve", "Hand in what approvers signed of the draft, as assay approve writes it")
	approve.of, approve.most = run, maxEnvelope
	addAct(a, approve, a.approveRun)

	publish := post(runsPath+"/{id}:publish", "run-publish", "Have the draft signed and published that enough people approved; nothing takes it back")
	publish.of = run
	addAct(a, publish, func(ctx context.Context, c *call, in *PublishWish) (Run, error) {
		return a.changeRun(ctx, c, "run.publish", in.Draft, func() (store.Run, error) { return runs.Publish(ctx, c.tx, c.of, c.now, in.Draft) })
	})
	cancel := post(runsPath+"/{id}:cancel", "run-cancel", "End a run that is not being published")
	cancel.of = run
	addAct(a, cancel, func(ctx context.Context, c *call, _ *nothing) (Run, error) {
		return a.changeRun(ctx, c, "run.cancel", "", func() (store.Run, error) { return runs.Cancel(ctx, c.tx, c.of, c.now) })
	})
	resume := post(runsPath+"/{id}:resume", "run-resume", "Have a run looked at again that failed, or that waits")
	resume.of = run
	addAct(a, resume, func(ctx context.Context, c *call, _ *nothing) (Run, error) {
		return a.changeRun(ctx, c, "run.resume", "", func() (store.Run, error) { return runs.Resume(ctx, c.tx, c.of, c.now) })
	})

	withdraw := post("/v1/reports/{statement}:withdraw", "report-withdraw", "Take a published statement back, once as many approved that as had to approve the statement")
	withdraw.of, withdraw.creates = statement, true
	addAct(a, withdraw, a.withdraw)

	finding := post("/v1/reports/{statement}/findings", "report-finding", "Hand in an auditor's finding, as assay countersign writes it (SPEC part 27)")
	finding.of, finding.creates, finding.most = statement, true, maxEnvelope
	addAct(a, finding, a.submitFinding)
}

// asker is who asks in a call, with an id for what they ask for.
func (a *api) asker(c *call) (runs.Asker, error) {
	var raw [10]byte
	if _, err := io.ReadFull(a.config.Acts.Random, raw[:]); err != nil {
		return runs.Asker{}, err
	}
	return runs.Asker{Client: c.who.Client, Credential: c.who.ID, ID: strings.ToLower(base32.StdEncoding.EncodeToString(raw[:])), At: c.now}, nil
}

// askFor adds a run and records it.
func (a *api) askFor(ctx context.Context, c *call, action, reason string, add func(runs.Asker) (store.Run, error)) (Run, error) {
	by, err := a.asker(c)
	if err != nil {
		return Run{}, err
	}
	r, err := add(by)
	if err != nil {
		return Run{}, runRefusal(err)
	}
	c.location = runsPath + "/" + r.ID
	object := r.ID
	if r.About != "" {
		object += " " + r.About
	}
	return runOf(r), c.record(ctx, action, object, reason)
}

// changeRun changes a run that whoever asks may see, and records it.
func (a *api) changeRun(ctx context.Context, c *call, action, reason string, change func() (store.Run, error)) (Run, error) {
	r, err := c.tx.Run(ctx, c.of)
	if err != nil {
		return Run{}, runRefusal(err)
	}
	see, err := a.visible(c.who, r)
	if err != nil {
		return Run{}, err
	}
	if !see {
		return Run{}, refused(http.StatusNotFound, "", noObject)
	}
	if r, err = change(); err != nil {
		return Run{}, runRefusal(err)
	}
	return runOf(r), c.record(ctx, action, c.of, reason)
}

func (a *api) askRun(ctx context.Context, c *call, in *RunWish) (Run, error) {
	return a.askFor(ctx, c, "run.ask", "", func(by runs.Asker) (store.Run, error) {
		return runs.Ask(ctx, c.tx, by, runs.Wish{Period: in.Period, Instant: in.Instant, Supersedes: in.Supersedes, Unsigned: in.Unsigned})
	})
}

func (a *api) approveRun(ctx context.Context, c *call, in *Envelope) (Run, error) {
	raw, err := in.file()
	if err != nil {
		return Run{}, err
	}
	var keys []string
	for _, s := range in.Signatures {
		keys = append(keys, s.KeyID)
	}
	return a.changeRun(ctx, c, "run.approve", strings.Join(keys, " "), func() (store.Run, error) {
		asked, err := a.askedWith(ctx, c)
		if err != nil {
			return store.Run{}, err
		}
		return runs.Approve(ctx, c.tx, c.of, c.now, raw, asked...)
	})
}

// askedWith are the public keys of the client that asked for a run: none of them approves it.
func (a *api) askedWith(ctx context.Context, c *call) ([]attest.PublicKey, error) {
	r, err := c.tx.Run(ctx, c.of)
	if err != nil {
		return nil, err
	}
	keys, err := c.tx.KeysOf(ctx, r.Client)
	if err != nil {
		return nil, err
	}
	var all []attest.PublicKey
	for _, k := range keys {
		for _, credential := range k.Credentials {
			if credential.Public == nil {
				continue
			}
			key, err := attest.ParsePublicKey(string(attest.Ed25519) + ":" + hex.EncodeToString(credential.Public))
			if err != nil {
				return nil, err
			}
			all = append(all, key)
		}
	}
	return all, nil
}

// file is the envelope as its file has it.
func (e Envelope) file() ([]byte, error) { return attest.Canonical(e) }

// publishedReport is the report of a statement that whoever asks may see.
func (a *api) publishedReport(c *call) (*published.Report, error) {
	all, err := a.config.Reports.Reports()
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Digest.String() == c.of && c.who.Scope.Sees(subject(all, r.Digest)) {
			return r, nil
		}
	}
	return nil, refused(http.StatusNotFound, "", noObject)
}

func (a *api) withdraw(ctx context.Context, c *call, in *WithdrawWish) (Run, error) {
	r, err := a.publishedReport(c)
	if err != nil {
		return Run{}, err
	}
	return a.askFor(ctx, c, "report.withdraw", in.Reason, func(by runs.Asker) (store.Run, error) {
		return runs.Withdraw(ctx, c.tx, by, report.Signed{Digest: r.Digest, Statement: r.Statement}, in.Reason)
	})
}

func (a *api) submitFinding(ctx context.Context, c *call, in *Envelope) (Run, error) {
	r, err := a.publishedReport(c)
	if err != nil {
		return Run{}, err
	}
	raw, err := in.file()
	if err != nil {
		return Run{}, err
	}
	return a.askFor(ctx, c, "finding.submit", in.Signatures[0].KeyID, func(by runs.Asker) (store.Run, error) {
		return runs.Submit(ctx, c.tx, by, r.Digest, raw)
	})
}
