package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"webshellscan/report/text"
	"webshellscan/scan"
)

// progressLine is a line on a terminal that is drawn again and again.
type progressLine struct {
	out     io.Writer
	text    func(now time.Time) string
	started time.Time
	stop    context.CancelFunc
	done    sync.WaitGroup
}

const (
	progressDelay    = 300 * time.Millisecond // what is quicker shows nothing
	progressInterval = 200 * time.Millisecond
)

// startProgress draws a line until finish is called. line returns what it says
// at an instant.
func startProgress(ctx context.Context, out io.Writer, line func(now time.Time) string) *progressLine {
	ctx, stop := context.WithCancel(ctx)
	p := &progressLine{out: out, text: line, started: time.Now(), stop: stop}
	p.done.Go(func() {
		timer := time.NewTimer(progressDelay)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
				_, _ = fmt.Fprint(p.out, "\r\x1b[K"+p.text(time.Now())) // a lost terminal is no error
				timer.Reset(progressInterval)
			}
		}
	})
	return p
}

// finish stops drawing and clears the line.
func (p *progressLine) finish() {
	p.stop()
	p.done.Wait()
	if time.Since(p.started) >= progressDelay {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// progressText describes how far a scan has come after so long: while it reads,
// bytes done of all bytes, rate, time left and a file in hand.
func progressText(p *scan.Progress, since time.Duration, width int) string {
	phase, total, done := p.Phase(), p.Total.Load(), p.Done.Load()
	switch {
	case phase == scan.PhaseHashing:
		return fitProgress(fmt.Sprintf("hashing %d of %d", p.Hashed.Load()+1, p.ToHash.Load()), width)
	case phase != scan.PhaseReading || total == 0 || done >= total:
		return fitProgress(phase.String(), width)
	}
	line := fmt.Sprintf("%s of %s, %d%%", text.Bytes(done), text.Bytes(total), 100*done/total)
	if rate := float64(done) / since.Seconds(); rate > 0 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		line += fmt.Sprintf(", %s/s, %s left", text.Bytes(int64(rate)), left.Round(time.Second))
	}
	if file := p.File.Load(); file != nil {
		line += ", " + text.Visible(filepath.Base(*file))
	}
	return fitProgress(line, width)
}

// fitProgress cuts a line to the width of a terminal.
func fitProgress(line string, width int) string {
	return text.TruncateByLocale(line, max(width-1, 20), "…")
}
