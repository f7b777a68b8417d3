package scan

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"webshellscan/internal/plural"
	"webshellscan/internal/work"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/finding"
	"webshellscan/scan/source"
)

// crosscheck has the second decoder decode the findings' first records. If
// there are more findings than Options.Crosscheck, distinct ones are checked
// first: the first of each image and command line, then repetitions.
func (res *Result) crosscheck(options *Options, crashes *crashLog) {
	limit := max(0, cmp.Or(options.Crosscheck, DefaultCrosscheck))
	findings := res.Findings
	order := findings
	if limit < len(findings) {
		reason := "not checked: beyond the first " + plural.Count(limit, "finding")
		for _, f := range findings {
			f.Crosscheck = crosscheck.Result{State: crosscheck.Unconfirmed, Reason: reason}
		}
		order = distinctFirst(findings, limit)
	}
	tasks := make([]checkTask, len(order))
	for i, f := range order {
		tasks[i] = checkTask{f, i < options.RawEvents}
	}
	// Findings of one file and chunk stand together, so that it is read
	// once.
	slices.SortStableFunc(tasks, func(a, b checkTask) int { return finding.Compare(&a.finding.Evidence[0], &b.finding.Evidence[0]) })
	const run = 8
	runs := (len(tasks) + run - 1) / run
	checkers := make([]*checker, min(options.goroutines(), runs))
	for i := range checkers {
		checkers[i] = &checker{check: crosscheck.New(), inputs: res.inputs}
	}
	panics := work.Each(len(checkers), runs, func(g, i int) {
		c := checkers[g]
		for _, t := range tasks[i*run : min((i+1)*run, len(tasks))] {
			c.task(t)
		}
		c.close()
	})
	for _, c := range checkers {
		crashes.merge(c.crashes...)
	}
	crashes.addPanics("second decoder", panics)
}

// checkTask is a finding to ask the second decoder about.
type checkTask struct {
	finding *finding.Finding
	keepRaw bool
}

// distinctFirst returns so many of the findings: the first one of each image,
// command line and kind of event, and then others.
func distinctFirst(findings []*finding.Finding, limit int) []*finding.Finding {
	type distinct struct {
		image, commandLine string
		eventID            uint16
	}
	seen := make(map[distinct]bool)
	var first, repeated []*finding.Finding
	for _, f := range findings {
		if len(first) == limit {
			break
		}
		s := distinct{f.Image, f.CommandLine, f.Evidence[0].EventID}
		if seen[s] {
			repeated = append(repeated, f)
		} else {
			seen[s] = true
			first = append(first, f)
		}
	}
	return append(first, repeated[:min(len(repeated), limit-len(first))]...)
}

// checker reads records again for the cross-check.
type checker struct {
	check  *crosscheck.Checker
	inputs []*input
	input  *input // whose file is open
	file   *source.File
	chunk  []byte
	at     int64 // of chunk, -1 for none

	crashes []stepCrash
}

// record checks one record.
func (c *checker) record(e *finding.Evidence) crosscheck.Result {
	if c.inputs[e.Place.File].form != export.None {
		return crosscheck.Result{State: crosscheck.Unconfirmed, Reason: "an export, not a log: there is no record to decode again"}
	}
	if err := c.read(e); err != nil {
		return crosscheck.Result{State: crosscheck.Unconfirmed, Reason: err.Error()}
	}
	return c.check.Check(int(e.Offset-e.Place.Chunk), e.RecordID)
}

// task checks a finding. A panic is kept as the error of this program that it
// is, and leaves the finding unconfirmed.
func (c *checker) task(t checkTask) {
	f := t.finding
	err := work.Guard(func() { f.Crosscheck = c.record(&f.Evidence[0]) })
	if err != nil {
		c.crashes = append(c.crashes, stepCrash{process: f.Process, err: err})
		f.Crosscheck = crosscheck.Result{State: crosscheck.Unconfirmed, Reason: "internal error"}
		c.close()
		c.check = crosscheck.New()
	}
	if !t.keepRaw {
		f.Crosscheck.Raw = nil
	}
}

// errRecord is why a record cannot be read again.
var errRecord = errors.New("the partial result does not hold the record")

// read reads the chunk of a record unless it is in hand.
func (c *checker) read(e *finding.Evidence) error {
	in := c.inputs[e.Place.File]
	if in.restored && !in.held.holds(e.Place) {
		return errRecord
	}
	if c.input == in && c.at == e.Place.Chunk {
		return nil
	}
	if c.input != in {
		c.close()
		file, err := in.Open()
		if err != nil {
			return err
		}
		c.input, c.file = in, file
	}
	c.at = -1
	if c.chunk == nil {
		c.chunk = make([]byte, evtx.ChunkSize)
	}
	c.chunk = c.chunk[:evtx.ChunkSize]
	n, err := c.file.ReadAt(c.chunk, e.Place.Chunk)
	if err != nil && err != io.EOF {
		return fmt.Errorf("cannot read %s again: %w", e.File, err)
	}
	c.chunk, c.at = c.chunk[:n], e.Place.Chunk
	c.check.Chunk(c.chunk)
	return nil
}

func (c *checker) close() {
	if c.file != nil {
		_ = c.file.Close() // it was only read
	}
	c.input, c.file, c.at = nil, nil, -1
}
