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

// progressLine draws how far a scan has come on a terminal: bytes done of all
// bytes, rate, time left and a file in hand.
type progressLine struct {
	out      io.Writer
	width    int
	progress scan.Progress
	started  time.Time
	stop     context.CancelFunc
	done     sync.WaitGroup
}

const (
	progressDelay    = 300 * time.Millisecond // a scan that is quicker shows nothing
	progressInterval = 200 * time.Millisecond
)

// startProgress draws until finish is called.
func startProgress(ctx context.Context, out io.Writer, width int) *progressLine {
	ctx, stop := context.WithCancel(ctx)
	p := &progressLine{out: out, width: width, started: time.Now(), stop: stop}
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

// text returns the line at an instant.
func (p *progressLine) text(now time.Time) string {
	total, done := p.progress.Total.Load(), p.progress.Done.Load()
	if total == 0 {
		return "looking for files"
	}
	done = min(done, total)
	seconds := now.Sub(p.started).Seconds()
	line := fmt.Sprintf("%s of %s, %d%%", text.Bytes(done), text.Bytes(total), 100*done/total)
	if rate := float64(done) / seconds; rate > 0 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		line += fmt.Sprintf(", %s/s, %s left", text.Bytes(int64(rate)), left.Round(time.Second))
	}
	if done == total {
		line = fmt.Sprintf("%s read, building trees", text.Bytes(total))
	} else if file := p.progress.File.Load(); file != nil {
		line += ", " + text.Visible(filepath.Base(*file))
	}
	return text.TruncateByLocale(line, max(p.width-1, 20), "…")
}
