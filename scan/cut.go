package scan

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/export"
	"webshellscan/scan/finding"
)

// FoundRecord is a record that findings rest on, with the bytes around it.
type FoundRecord struct {
	Host string
	finding.Evidence
	// Session is the key of the session that the findings are of, "" if
	// they are of none. Rules are those that matched.
	Session string
	Rules   []*rules.Rule
	// Chunk is the chunk that the record lies in, from its start on. It is
	// valid until the function that was given the record returns. It is nil
	// if it cannot be read, and Err says why.
	Chunk []byte
	Err   error
}

// Labels returns the names of the rules.
func (r *FoundRecord) Labels() []string {
	names := []string{}
	for _, rule := range r.Rules {
		names = append(names, rule.Label())
	}
	return names
}

// errExport is why a record has no chunk.
var errExport = errors.New("an export, not a log: there is no record to cut out")

// whatCut is the step that crashes of cut are reported for.
const whatCut = "records of findings"

// cut passes the records that findings and events rest on to do: by host and
// channel, and as they lie in the logs, each once. A panic costs the record in
// hand. If the context is cancelled, no more of them are read: the others are
// given with its cause.
func (res *Result) cut(ctx context.Context, crashes *crashLog, do func(*FoundRecord) error) {
	if do == nil {
		return
	}
	c := &checker{check: crosscheck.New(), inputs: res.inputs}
	defer c.close()
	for _, r := range res.foundRecords() {
		crashes.add(whatCut, c.fill(ctx, r))
		crashes.guard(whatCut, func() { crashes.add(whatCut, do(r)) })
	}
}

// fill reads the chunk of a record, or says why it cannot be read. It returns a
// panic.
func (c *checker) fill(ctx context.Context, r *FoundRecord) error {
	if r.Err = context.Cause(ctx); r.Err != nil {
		return nil
	}
	crash := work.Guard(func() { r.Chunk, r.Err = c.chunkOf(&r.Evidence) })
	if crash != nil {
		r.Chunk, r.Err = nil, crash
		c.close()
	}
	return crash
}

// chunkOf returns the chunk of a record, until the next call.
func (c *checker) chunkOf(e *finding.Evidence) ([]byte, error) {
	if c.inputs[e.Place.File].form != export.None {
		return nil, errExport
	}
	if err := c.read(e); err != nil {
		return nil, err
	}
	return c.chunk, nil
}

// foundRecords returns the records that findings and events rest on, in the
// order of cut.
func (res *Result) foundRecords() []*FoundRecord {
	type place struct {
		file   uint32
		offset int64
	}
	var list []*FoundRecord
	known := make(map[place]*FoundRecord)
	add := func(host, session string, matched []*rules.Rule, evidence []finding.Evidence) {
		for i := range evidence {
			at := place{evidence[i].Place.File, evidence[i].Offset}
			r := known[at]
			if r == nil {
				r = &FoundRecord{Host: host, Evidence: evidence[i], Session: session}
				known[at] = r
				list = append(list, r)
			}
			for _, rule := range matched {
				if !slices.Contains(r.Rules, rule) {
					r.Rules = append(r.Rules, rule)
				}
			}
		}
	}
	for _, f := range res.Findings {
		add(f.Host, f.Session, f.Rules, f.Evidence)
	}
	for _, e := range res.Events {
		if len(e.Rules) > 0 {
			session := ""
			if e.Session != nil {
				session = e.Session.Key
			}
			add(e.Host, session, e.Rules, e.Evidence)
		}
	}
	slices.SortStableFunc(list, func(a, b *FoundRecord) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), strings.Compare(a.Channel, b.Channel), finding.Compare(&a.Evidence, &b.Evidence))
	})
	return list
}
