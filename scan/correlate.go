package scan

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// maxCorrelated bounds the processes and events that a Correlation names.
const maxCorrelated = 1000

// moment is a process or an event whose matches correlation rules ask for.
type moment struct {
	at          event.Time
	host, index uint32 // in the forest; of an event, ofEvent and its number
}

// ofEvent marks moments of events.
const ofEvent = 1<<32 - 1

// compareMoments orders moments by time. Processes of the same time follow each
// other as in the forest, events come after them, so that the order is always
// the same.
func compareMoments(a, b moment) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.host, b.host), cmp.Compare(a.index, b.index))
}

// Times that a correlation can be asked about, in the range of nanoseconds
// since 1970 in 64 bits. What a damaged or forged record claims beyond is taken
// to be at the bound, so that it does not move the time of others.
var (
	earliest = event.FromTime(time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC))
	latest   = event.FromTime(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
)

// correlating is the state of the correlation rules of a scan.
type correlating struct {
	moments     []moment
	occurrences []occurrence
	met         []*metCorrelation
	open        map[string]*metCorrelation // those that may go on, by rule and group
	named       int
}

// metCorrelation is a correlation on its way. What took part are indices of
// moments, ascending.
type metCorrelation struct {
	finding.Correlation
	completed uint64 // the one with which the rule was met first
	last      uint64
	refs      []uint64
}

// maxNamed bounds the processes and events that all correlations name; others
// are counted.
const maxNamed = 1 << 20

// correlate feeds the correlation rules with the processes and events that
// their rules match, of all hosts in the order of time, and adds those that are
// met to the findings, or to what events completed. Each process is matched a
// second time, one after the other, so that nothing but the place of each has
// to be kept.
func (d *detection) correlate(ctx context.Context, e *evaluator, moments []moment, findings []*finding.Finding) []*finding.Finding {
	occurrences, lost := d.events.occurrences(ctx, d.correlations)
	for i := range occurrences {
		moments = append(moments, moment{occurrences[i].Time, ofEvent, uint32(i)})
	}
	slices.SortFunc(moments, compareMoments)
	c := &correlating{moments: moments, occurrences: occurrences, open: make(map[string]*metCorrelation)}
	correlator := d.correlations.NewCorrelator()
	own := make([]rules.Match, 1)
	for i, m := range moments {
		o := rules.Observation{Time: min(max(m.at, earliest), latest).Time(), Ref: uint64(i)}
		if m.host == ofEvent {
			o.Matches = occurrences[m.index].matches
		} else {
			own[0] = rules.Match{Rules: e.match(d.forest.Process(int(m.host), int(m.index))), Subject: e.subject}
			o.Matches = own
		}
		c.add(correlator.Add(o))
	}
	c.add(correlator.Flush())
	d.forgotten = correlator.Dropped() + lost
	return d.addCorrelations(e, c, findings)
}

// add records matches of correlation rules. One that continues another is added
// to it.
func (c *correlating) add(matches []rules.Correlated) {
	for _, m := range matches {
		completed, refs := m.Refs[len(m.Refs)-1], m.Refs
		if !slices.IsSorted(refs) { // a correlation of correlations that closed late
			slices.Sort(refs)
		}
		key := strconv.Itoa(m.Correlation) + "\x00" + strings.Join(m.Group, "\x00")
		met := c.open[key]
		if !m.Continued || met == nil {
			met = &metCorrelation{Correlation: finding.Correlation{Rule: m.Rule, Group: m.Group, Value: m.Value}, completed: completed}
			c.open[key] = met
			c.met = append(c.met, met)
		}
		met.Value = max(met.Value, m.Value)
		c.join(met, refs)
	}
}

// join adds moments to a correlation. Those that are not later than the last
// one were added before.
func (c *correlating) join(met *metCorrelation, refs []uint64) {
	from := 0
	if met.Total > 0 {
		from, _ = slices.BinarySearch(refs, met.last+1)
	}
	for _, ref := range refs[from:] {
		if met.Total > 0 && ref == met.last {
			continue
		}
		met.last = ref
		met.Total++
		if c.moments[ref].host == ofEvent {
			met.TotalEvents++
		}
		if len(met.refs) < maxCorrelated && c.named < maxNamed {
			met.refs = append(met.refs, ref)
			c.named++
		}
	}
}

// addCorrelations adds each correlation that was met to the finding of the
// process that completed it, or makes one of it, if findings of that process's
// host and time are asked for; or to what the event completed that did.
func (d *detection) addCorrelations(e *evaluator, c *correlating, findings []*finding.Finding) []*finding.Finding {
	if len(c.met) == 0 {
		return findings
	}
	byProcess := make(map[proctree.Process]*finding.Finding, len(findings))
	for _, f := range findings {
		byProcess[f.Process] = f
	}
	d.completed = make(map[event.Place][]*finding.Correlation)
	for _, m := range c.met {
		at := c.moments[m.completed]
		if at.host == ofEvent {
			place := c.occurrences[at.index].place
			d.completed[place] = append(d.completed[place], d.correlation(c, m))
			continue
		}
		p := d.forest.Process(int(at.host), int(at.index))
		if !d.wants(p) {
			continue
		}
		f := byProcess[p]
		if f == nil {
			e.subject.process = p
			f = d.finder.finding(e.subject)
			byProcess[p] = f
			findings = append(findings, f)
		}
		if !slices.Contains(f.Rules, m.Rule) {
			f.AddRules(m.Rule)
		}
		f.Correlated = append(f.Correlated, d.correlation(c, m))
	}
	slices.SortFunc(findings, compareFindings)
	return findings
}

// correlation returns a correlation that was met, with what took part.
func (d *detection) correlation(c *correlating, m *metCorrelation) *finding.Correlation {
	m.Processes = make([]finding.CorrelatedProcess, 0, len(m.refs))
	for _, ref := range m.refs {
		at := c.moments[ref]
		if at.host != ofEvent {
			m.Processes = append(m.Processes, d.correlated(at))
			continue
		}
		o := &c.occurrences[at.index]
		named := o.CorrelatedEvent
		named.File = d.finder.inputs[o.place.File].Path
		m.Events = append(m.Events, named)
	}
	return &m.Correlation
}

// correlated returns a process as a Correlation names it.
func (d *detection) correlated(m moment) finding.CorrelatedProcess {
	p := d.forest.Process(int(m.host), int(m.index))
	named := finding.CorrelatedProcess{
		Process: p, Host: p.Host().Name, Time: p.Start(), ProcessID: p.PID(), Image: d.forest.Texts().Text(p.Image()),
	}
	for r := range p.Records() {
		named.File, named.RecordID = d.finder.inputs[r.Place().File].Path, r.RecordID()
		break
	}
	return named
}
