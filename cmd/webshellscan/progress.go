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

// startProgress draws a line until finish is called. line returns the line at
// an instant.
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

// scanProgress describes how far a scan has come.
type scanProgress struct {
	*scan.Progress
	width   int
	reading time.Time // since when it was seen to read
}

// minRated is after how long a rate means something.
const minRated = 500 * time.Millisecond

// text returns the line at an instant: the phase, while it reads bytes done of
// all bytes, rate and time left, and a file in hand.
func (p *scanProgress) text(now time.Time) string {
	phase, total, done := p.Phase(), p.Total.Load(), p.Done.Load()
	if phase >= scan.PhaseReading && p.reading.IsZero() {
		p.reading = now
	}
	line, inHand := phase.String(), phase == scan.PhaseFinding
	switch {
	case phase == scan.PhaseHashing:
		line = fmt.Sprintf("hashing %d of %d", min(p.Hashed.Load()+1, p.ToHash.Load()), p.ToHash.Load())
	case phase == scan.PhaseReading && done < total:
		inHand = true
		line = fmt.Sprintf("%s of %s, %d%%", text.Bytes(done), text.Bytes(total), 100*done/total)
		if since := now.Sub(p.reading); since >= minRated && done > 0 {
			rate := float64(done) / since.Seconds()
			left := time.Duration(float64(total-done) / rate * float64(time.Second))
			line += fmt.Sprintf(", %s/s, %s left", text.Bytes(int64(rate)), left.Round(time.Second))
		}
	}
	if file := p.File.Load(); file != nil && inHand {
		line += ", " + text.Visible(filepath.Base(*file))
	}
	return fitProgress(line, p.width)
}

// fitProgress cuts a line to the width of a terminal.
func fitProgress(line string, width int) string {
	return text.TruncateByLocale(line, max(width-1, 20), "…")
}
