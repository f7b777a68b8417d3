package scan

import (
	"cmp"
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
	// Session is the key of the session that the findings are of, "" if they are of
	// none. Rules are those that matched.
	Session string
	Rules   []*rules.Rule
	// Chunk is the chunk that the record lies in, from its start on, until the function
	// returns that it is given to. It is nil if it cannot be read, and Err says why.
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

// errExport says why a record has no chunk.
var errExport = errors.New("an export, not a log: there is no record to cut out")

// cut gives the records that findings and events rest on to what asks for them: by
// host and channel, and as they lie in the logs, each once.
func (res *Result) cut(d *detection, take func(*FoundRecord)) {
	if take == nil {
		return
	}
	c := &checker{check: crosscheck.New(), inputs: res.inputs}
	defer c.close()
	for _, r := range res.foundRecords() {
		if err := work.Guard(func() { r.Chunk, r.Err = c.chunkOf(&r.Evidence) }); err != nil {
			d.crashes = append(d.crashes, crash{what: "records of findings", err: err})
			r.Err = err
			c.close()
		}
		take(r)
	}
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

// foundRecords returns the records that findings and events rest on, in the order
// of cut.
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
