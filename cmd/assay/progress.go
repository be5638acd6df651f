package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress tells on standard error how far long work is, how fast it goes and how long it will take: by a bar on a terminal,
// elsewhere by a plain line now and then.
type progress struct {
	out   io.Writer
	quiet bool
	tty   bool
	clock func() time.Time
	hear  func(line string, passing bool) // is told each line, and now and then how far a stage is, quiet or not; may be nil

	stage string
	bar   *progressbar.ProgressBar
	pace  pace
	told  time.Time // when a line was printed, or the bar's text changed
	heard time.Time // when hear was told how far a stage is
}

// How often a line is printed where there is no terminal, and the text of a bar changes.
const (
	plainInterval = 10 * time.Second
	barInterval   = time.Second
	hearInterval  = 2 * time.Second
)

func newProgress(out io.Writer, quiet bool) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, quiet: quiet, tty: ok && term.IsTerminal(int(f.Fd())), clock: time.Now, told: time.Now()}
}

// say prints one line about a stage.
func (p *progress) say(format string, args ...any) {
	if p.hear != nil {
		p.hear(fmt.Sprintf(format, args...), false)
	}
	if p.quiet {
		return
	}
	p.finish()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// step reports done of total units of a stage; total 0 means not known. What is counted is up to the stage: see unitOf.
func (p *progress) step(stage string, done, total int64) {
	if p.quiet && p.hear == nil {
		return
	}
	now := p.clock()
	begins := p.stage != stage
	if begins {
		p.finish()
		p.stage = stage
	}
	p.pace.mark(now, done)
	if p.hear != nil && now.Sub(p.heard) >= hearInterval {
		p.heard = now
		p.hear(p.line(now, done, total), true)
	}
	if p.quiet {
		return
	}
	if !p.tty {
		if now.Sub(p.told) >= plainInterval {
			p.told = now
			fmt.Fprintln(p.out, p.line(now, done, total))
		}
		return
	}
	if begins {
		p.bar = progressbar.NewOptions64(max(total, -1), progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(p.line(now, done, total)),
			progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if now.Sub(p.told) >= barInterval {
		p.told = now
		p.bar.Describe(p.line(now, done, total))
	}
	_ = p.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
	p.bar, p.stage, p.pace = nil, "", nil
}

// line says where the stage is: "tree: 42 %, 812,000 customers/s, about 3 min left".
func (p *progress) line(now time.Time, done, total int64) string {
	unit := unitOf(p.stage)
	var said []string
	switch {
	case total <= 0:
		said = append(said, unit.of(done))
	case !p.tty: // a bar has it by itself
		said = append(said, fmt.Sprintf("%d %%", min(done, total)*100/total))
	}
	if rate := p.pace.perSecond(now, done); rate > 0 {
		said = append(said, unit.of(rounded(rate))+"/s")
		if left := total - done; left > 0 {
			said = append(said, "about "+duration(left/rate)+" left")
		}
	}
	if len(said) == 0 {
		return p.stage
	}
	return p.stage + ": " + strings.Join(said, ", ")
}

// unit is what a stage counts; empty for things without a name.
type unit string

const bytesUnit unit = "bytes"

func unitOf(stage string) unit {
	switch stage {
	case "ledger":
		return bytesUnit
	case "tree":
		return "entries"
	case "proofs":
		return "proofs"
	}
	return ""
}

func (u unit) of(n int64) string {
	switch u {
	case bytesUnit:
		return sizeText(n)
	case "":
		return grouped(n)
	}
	return grouped(n) + " " + string(u)
}

// pace is how far a stage was at moments of the recent past, about a second apart. What a stage did in its first minute says
// little of its last, so older moments are forgotten.
type pace []moment

type moment struct {
	at   time.Time
	done int64
}

// recent is how far the past reaches; a rate over less than leastPast has no basis.
const (
	recent    = 30 * time.Second
	apart     = time.Second
	leastPast = 3 * time.Second
)

func (p *pace) mark(now time.Time, done int64) {
	m := *p
	if n := len(m); n > 0 {
		if done < m[n-1].done { // it began anew
			m = m[:0]
		} else if now.Sub(m[n-1].at) < apart {
			return
		}
	}
	m = append(m, moment{now, done})
	for len(m) > 1 && now.Sub(m[1].at) >= recent {
		m = m[1:]
	}
	*p = m
}

// perSecond is 0 while there is no basis to say it, and where nothing moves.
func (p pace) perSecond(now time.Time, done int64) int64 {
	if len(p) == 0 || now.Sub(p[0].at) < leastPast {
		return 0
	}
	return (done - p[0].done) * 1000 / now.Sub(p[0].at).Milliseconds()
}

// rounded keeps three digits: nobody reads more, and they would dance.
func rounded(n int64) int64 {
	unit := int64(1)
	for n/unit >= 1000 {
		unit *= 10
	}
	return n / unit * unit
}

// grouped writes thousands apart: 812,000.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// duration writes seconds in the one unit that suits them, rounded up.
func duration(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%d s", max(seconds, 1))
	case seconds <= 90*60:
		return fmt.Sprintf("%d min", (seconds+59)/60)
	}
	return fmt.Sprintf("%d h", (seconds+3599)/3600)
}

// sizeText writes bytes in the one unit that suits them, GiB with a decimal, rounded down.
func sizeText(n int64) string {
	switch {
	case n < 1<<20:
		return fmt.Sprintf("%d KiB", n>>10)
	case n < 1<<30:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d.%d GiB", n>>30, n&(1<<30-1)*10>>30)
}
