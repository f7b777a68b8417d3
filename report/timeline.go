package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// timelineKind is what a line of the time line is about. Of one time, requests
// stand before the processes that they may have started, and these before what
// they did.
type timelineKind uint8

const (
	timelineRequest timelineKind = iota
	timelineProcess
	timelineEvent
)

// String returns the kind as the column has it.
func (k timelineKind) String() string {
	return [...]string{kindRequest, "process", kindEvent}[k]
}

// What the column category says of lines that are no events.
const (
	categoryProcess = "process_creation"
	categoryRequest = "web_request"
)

// linkArmed is the link of a process that a session armed.
const linkArmed = "armed"

// timelineRow is a line of the time line.
type timelineRow struct {
	at         event.Time
	kind       timelineKind
	host       string
	level      rules.Level
	category   string
	summary    string
	session    string
	link       string
	pid        *uint32
	guid       event.GUID
	image      string
	user       string
	rules      []*rules.Rule
	client     string
	userAgent  string
	status     int
	confidence string
	channel    string
	eventID    uint16
	recordID   uint64
	file       string
	offset     int64
	finding    *finding.Finding // of a process that is one
}

// timelineColumns are the columns of the time line.
var timelineColumns = []csvColumn[timelineRow]{
	{"time", func(r *timelineRow) string { return r.at.String() }},
	{"host", func(r *timelineRow) string { return r.host }},
	{"kind", func(r *timelineRow) string { return r.kind.String() }},
	{"level", func(r *timelineRow) string { return r.level.String() }},
	{"category", func(r *timelineRow) string { return r.category }},
	{"summary", func(r *timelineRow) string { return r.summary }},
	{"session", func(r *timelineRow) string { return r.session }},
	{"link", func(r *timelineRow) string { return r.link }},
	{"process_id", func(r *timelineRow) string {
		if r.pid == nil {
			return ""
		}
		return formatUint(*r.pid)
	}},
	{"process_guid", func(r *timelineRow) string { return r.guid.String() }},
	{"image", func(r *timelineRow) string { return r.image }},
	{"user", func(r *timelineRow) string { return r.user }},
	{"rules", func(r *timelineRow) string { return strings.Join(ruleLabels(r.rules), ";") }},
	{"client", func(r *timelineRow) string { return r.client }},
	{"user_agent", func(r *timelineRow) string { return r.userAgent }},
	{"status", func(r *timelineRow) string { return nonZero(r.status) }},
	{"confidence", func(r *timelineRow) string { return r.confidence }},
	{"channel", func(r *timelineRow) string { return r.channel }},
	{"event_id", func(r *timelineRow) string { return nonZero(int(r.eventID)) }},
	{"record_id", func(r *timelineRow) string {
		if r.channel == "" {
			return ""
		}
		return formatUint(r.recordID)
	}},
	{"file", func(r *timelineRow) string { return r.file }},
	{"offset", func(r *timelineRow) string { return strconv.FormatInt(r.offset, 10) }},
	{"blind", func(_ *timelineRow) string { return "" }},
}

// nonZero returns a number, "" for 0.
func nonZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// writeTimeline writes everything of the sessions of all hosts in the order of
// time, with the findings that belong to none.
func writeTimeline(w io.Writer, res *scan.Result, o Options) error {
	c := newCSVWriter(w, o)
	rows := timelineRows(res)
	if err := writeColumns(c, rows, timelineColumns, func(r timelineRow) timelineRow { return r }); err != nil {
		return err
	}
	if err := writeBlind(c, timelineColumns, blindLines(res)); err != nil {
		return err
	}
	return c.interrupted(&res.Summary, len(timelineColumns))
}

// timelineRows returns the lines of the time line, in their order.
func timelineRows(res *scan.Result) []timelineRow {
	rows := timelineProcesses(res)
	for _, e := range res.Events {
		rows = append(rows, timelineOfEvent(e))
	}
	for _, r := range res.Requests {
		rows = append(rows, timelineOfRequest(r))
	}
	slices.SortStableFunc(rows, func(a, b timelineRow) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.host, b.host), cmp.Compare(a.kind, b.kind))
	})
	return rows
}

// timelineProcesses returns the lines of processes: all findings, what else ran
// below the servers of the sessions, and what these armed.
func timelineProcesses(res *scan.Result) []timelineRow {
	var rows []timelineRow
	lineOf := make(map[proctree.Process]int)
	for _, f := range res.Findings {
		if f.Process.Exists() {
			lineOf[f.Process] = len(rows)
		}
		rows = append(rows, timelineOfFinding(f))
	}
	for _, s := range res.Sessions {
		for _, p := range s.Members {
			if _, ok := lineOf[p]; !ok {
				lineOf[p] = len(rows)
				rows = append(rows, timelineOfProcess(res, s, p))
			}
		}
	}
	for _, s := range res.Sessions {
		for i := range s.Armed {
			a := &s.Armed[i]
			at, ok := lineOf[a.Process]
			if !ok {
				at = len(rows)
				lineOf[a.Process] = at
				rows = append(rows, timelineOfProcess(res, s, a.Process))
			}
			rows[at].arm(s, a)
		}
	}
	return rows
}

// arm marks a process as one that a session armed.
func (r *timelineRow) arm(s *finding.Session, a *story.Armed) {
	r.summary += " (armed by the session: " + a.By + ")"
	r.session, r.link = cmp.Or(r.session, s.Key), linkArmed
}

func timelineOfFinding(f *finding.Finding) timelineRow {
	r := timelineRow{
		at: f.Time, kind: timelineProcess, host: f.Host, level: f.Level, category: categoryProcess,
		summary: cmp.Or(f.CommandLine, f.Image), session: f.Session, link: f.Link.String(), pid: &f.ProcessID, guid: f.ProcessGUID,
		image: f.Image, user: f.User, rules: f.Rules, finding: f,
	}
	r.found(f.Evidence)
	return r
}

// timelineOfProcess returns the line of a process that is no finding.
func timelineOfProcess(res *scan.Result, s *finding.Session, p proctree.Process) timelineRow {
	texts, pid := p.Forest().Texts(), p.PID()
	_, link := p.Parent()
	r := timelineRow{
		at: p.Start(), kind: timelineProcess, host: p.Host().Name, level: rules.LevelInformational, category: categoryProcess,
		summary: cmp.Or(texts.KnownText(p.CommandLine()), texts.KnownText(p.Image())), session: s.Key, link: link.String(),
		pid: &pid, guid: p.GUID(), image: texts.KnownText(p.Image()), user: texts.KnownText(p.Field(event.User)),
	}
	for record := range p.Records() {
		place := record.Place()
		r.channel, r.eventID, r.recordID = texts.KnownText(record.Field(event.Channel)), record.EventID(), record.RecordID()
		r.file, r.offset = res.InputPath(place.File), place.Offset
		break
	}
	return r
}

func timelineOfEvent(e *finding.Event) timelineRow {
	r := timelineRow{
		at: e.Time, kind: timelineEvent, host: e.Host, level: e.Level(), category: string(e.Category), summary: e.Summary,
		link: e.Link.String(), guid: e.ProcessGUID, image: e.Image, rules: e.Rules,
	}
	if e.Count > 1 {
		r.summary += " (" + strconv.Itoa(e.Count) + " times)"
	}
	if e.Session != nil {
		r.session = e.Session.Key
	}
	if e.ProcessID != 0 {
		r.pid = &e.ProcessID
	}
	r.found(e.Evidence)
	return r
}

// found sets the place of the first record.
func (r *timelineRow) found(evidence []finding.Evidence) {
	if len(evidence) == 0 {
		return
	}
	e := &evidence[0]
	r.channel, r.eventID, r.recordID, r.file, r.offset = e.Channel, e.EventID, e.RecordID, e.File, e.Offset
	if r.at == 0 {
		r.at = e.Time
	}
}

func timelineOfRequest(q *finding.Request) timelineRow {
	r := timelineRow{
		at: q.Time, kind: timelineRequest, host: q.Host, level: rules.LevelInformational, category: categoryRequest,
		summary: phrase.Request(q), session: q.Session.Key, link: story.LinkTime.String(), user: q.User, client: q.Client,
		userAgent: q.UserAgent, status: q.Status, file: q.File, offset: q.Offset,
	}
	if q.Entry {
		r.confidence = q.Confidence.String()
	}
	return r
}
