package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells on standard error how far long work is: a bar on a terminal, elsewhere a plain line now and then.
type progress struct {
	out   io.Writer
	quiet bool
	tty   bool

	stage string
	bar   *progressbar.ProgressBar
	last  time.Time
}

// plainInterval is how often a line is printed where there is no terminal.
const plainInterval = 10 * time.Second

func newProgress(out io.Writer, quiet bool) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, quiet: quiet, tty: ok && term.IsTerminal(int(f.Fd())), last: time.Now()}
}

// say prints one line about a stage.
func (p *progress) say(format string, args ...any) {
	if p.quiet {
		return
	}
	p.finish()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// step reports done of total units of a stage; total 0 means not known.
func (p *progress) step(stage string, done, total int64) {
	switch {
	case p.quiet:
	case p.tty:
		if p.stage != stage {
			p.finish()
			p.stage = stage
			p.bar = progressbar.NewOptions64(max(total, -1), progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(stage),
				progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
	case time.Since(p.last) >= plainInterval:
		p.last = time.Now()
		if total > 0 {
			fmt.Fprintf(p.out, "%s: %d %%\n", stage, done*100/total)
		} else {
			fmt.Fprintf(p.out, "%s: %d\n", stage, done)
		}
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
		p.bar, p.stage = nil, ""
	}
}
