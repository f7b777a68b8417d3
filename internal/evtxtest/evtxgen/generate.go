package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/fleet"
)

// total is what has been written.
type total struct {
	files  int
	events int64
	bytes  int64
}

// quota is how much one host is to write; 0 means no limit.
type quota struct{ bytes, events int64 }

// plan divides what to write among hosts. A number of events is for one
// host alone.
func (o *options) plan() []quota {
	if o.bytes == 0 {
		return []quota{{events: o.events}}
	}
	var quotas []quota
	for left := o.bytes; left > 0; left -= o.host {
		quotas = append(quotas, quota{bytes: min(left, o.host), events: o.events})
	}
	return quotas
}

// generate writes the logs of all hosts, several at a time. They do not depend
// on each other, so the bytes are the same however many are written at once.
func generate(ctx context.Context, o options) (total, error) {
	quotas := o.plan()
	written := make([]total, len(quotas))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, q := range quotas {
		g.Go(func() error {
			var err error
			written[i], err = writeHost(ctx, o, i, q)
			return err
		})
	}
	err := g.Wait()
	var t total
	for _, w := range written {
		t.files += w.files
		t.events += w.events
		t.bytes += w.bytes
	}
	return t, err
}

// writeHost writes the logs of one host.
func writeHost(ctx context.Context, o options, number int, q quota) (t total, err error) {
	h := host{dir: filepath.Join(o.dir, fmt.Sprintf("SRV%04d", number+1)), logs: map[string]*logFile{}}
	if o.forwarded {
		h.options.Style = evtxtest.StyleForwarded
	}
	if err := os.MkdirAll(h.dir, 0o755); err != nil {
		return t, err
	}
	defer func() {
		err = errors.Join(err, h.close())
		t.files, t.bytes = len(h.logs), h.size()
	}()
	o.stream.Host = number
	for channel, ev := range fleet.Stream(o.stream) {
		if o.forwarded {
			channel = "ForwardedEvents"
		}
		l, err := h.log(channel)
		if err != nil {
			return t, err
		}
		if err := l.writer.Write(ev); err != nil {
			return t, err
		}
		t.events++
		if t.events == q.events {
			break
		}
		if t.events%1024 != 0 {
			continue
		}
		if ctx.Err() != nil {
			return t, context.Cause(ctx)
		}
		if q.bytes > 0 && h.size() >= q.bytes {
			break
		}
	}
	return t, nil
}

// host is the open logs of one host.
type host struct {
	dir     string
	options evtxtest.Options
	logs    map[string]*logFile
}

// log returns the log of a channel, which begins with the first event.
func (h *host) log(channel string) (*logFile, error) {
	if l := h.logs[channel]; l != nil {
		return l, nil
	}
	name := strings.ReplaceAll(channel, "/", "%4") + ".evtx"
	file, err := os.Create(filepath.Join(h.dir, name))
	if err != nil {
		return nil, err
	}
	l := &logFile{file: file}
	if l.writer, err = evtxtest.NewWriter(l, h.options); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	h.logs[channel] = l
	return l, nil
}

// size returns how much has been written for the host.
func (h *host) size() int64 {
	n := int64(0)
	for _, l := range h.logs {
		n += l.end
	}
	return n
}

// close finishes all logs.
func (h *host) close() error {
	var errs []error
	for _, l := range h.logs {
		errs = append(errs, l.writer.Close(), l.file.Close())
	}
	return errors.Join(errs...)
}

// logFile is an open log. It counts what is written and lets the writer put the
// file header right.
type logFile struct {
	file   *os.File
	writer *evtxtest.Writer
	at     int64
	end    int64
}

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	n, err := l.file.Write(p)
	l.at += int64(n)
	l.end = max(l.end, l.at)
	return n, err
}

// Seek implements io.Seeker.
func (l *logFile) Seek(offset int64, whence int) (int64, error) {
	at, err := l.file.Seek(offset, whence)
	l.at = at
	return at, err
}
