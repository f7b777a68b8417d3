package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
)

// Timesketch wants of each event a message, a datetime in ISO 8601 and a
// timestamp_desc, reads a timestamp in microseconds since 1970, and takes all
// other fields as they are
// (https://github.com/google/timesketch/blob/master/docs/guides/user/import-from-json-csv.md).
// It reads a list of tags from the field tag, in CSV as a JSON list, and needs
// all datetimes of a CSV in one form (timesketch/lib/utils.py).

// timesketchRow is a finding, or an integrity finding, as an event of
// Timesketch. Lists of objects are flattened: Timesketch shows fields, not
// objects.
type timesketchRow struct {
	Message       string   `json:"message"`
	Datetime      string   `json:"datetime"`
	Timestamp     int64    `json:"timestamp"`
	TimestampDesc string   `json:"timestamp_desc"`
	Tag           []string `json:"tag"`
	row
	Evidence   []string `json:"evidence"`
	Crosscheck string   `json:"crosscheck"`
	// What events and requests have besides.
	Category   string `json:"category"`
	Summary    string `json:"summary"`
	Client     string `json:"client"`
	UserAgent  string `json:"user_agent"`
	Status     int    `json:"status"`
	Confidence string `json:"confidence"`
}

// startTime is what a process's start is called in Plaso, whose timelines
// Timesketch is made for.
const startTime = "Start Time"

func newTimesketchRow(f *finding.Finding) timesketchRow {
	at := cmp.Or(f.Time, f.Evidence[0].Time)
	r := timesketchRow{
		Message: timesketchMessage(f), Datetime: timesketchTime(at),
		Timestamp: at.Time().UnixMicro(), TimestampDesc: startTime, row: newRow(f),
	}
	if f.Time == 0 {
		r.TimestampDesc = recordedTime
	}
	r.Tag = append([]string{"webshellscan", r.Level}, r.Techniques...)
	if f.Known {
		r.Tag = append(r.Tag, "known")
	}
	r.Category, r.Evidence = categoryProcess, evidenceTexts(f.Evidence)
	r.Crosscheck = crosscheckText(&r.row)
	return r
}

// maxMessage is how many characters of a command line stand in a message; the
// field command_line has all of it.
const maxMessage = 1000

// timesketchMessage describes in one line what ran, below what.
func timesketchMessage(f *finding.Finding) string {
	message := fmt.Sprintf("[%s] %s (PID %d)", f.Level, text.Clip(text.Visible(cmp.Or(f.CommandLine, f.Image)), maxMessage), f.ProcessID)
	if f.Session != "" {
		message += fmt.Sprintf(" below %s (PID %d)", text.Visible(phrase.Worker(f)), f.WorkerProcessID)
		if product := phrase.Product(f.Product, f.ServerRole); product != "" {
			message += ", " + text.Visible(product)
		}
	}
	if f.User != "" {
		message += ", as " + text.Visible(f.User)
	}
	return message
}

// newTimesketchIntegrity makes an event of an integrity finding.
func newTimesketchIntegrity(in *integrity.Finding) timesketchRow {
	level := in.Level.String()
	r := timesketchRow{
		Message:  fmt.Sprintf("[%s] %s: %s. %s", level, in.Kind, text.Clip(text.Visible(in.Text), maxMessage), text.Visible(in.Meaning)),
		Datetime: timesketchTime(in.First), Timestamp: in.First.Time().UnixMicro(),
		TimestampDesc: "Log Integrity", Tag: []string{"webshellscan", "integrity", level},
		row: row{
			Host: in.Host, Time: in.First.String(), Level: level, Rules: []string{}, Ancestors: []string{}, LevelReasons: []string{}, Correlated: []correlatedRow{},
			Techniques: []string{}, Analytics: []string{}, Countermeasures: []string{},
			Channel: in.Channel, File: in.File, Offset: in.Offset, Evidence: in.Evidence,
		},
		Evidence: evidenceTexts(in.Evidence),
	}
	if len(in.Evidence) > 0 {
		r.EventID, r.RecordID = in.Evidence[0].EventID, in.Evidence[0].RecordID
	}
	return r
}

// The other kinds of time, as Plaso names them.
const (
	requestTime  = "Request Time"
	recordedTime = "Recorded Time"
)

// timesketchStory are the events of what else happened in the sessions: the
// other processes, what the evidence says of them, and the web requests.
func timesketchStory(res *scan.Result) []func() timesketchRow {
	var list []func() timesketchRow
	for _, line := range timelineRows(res) {
		if line.finding == nil && line.at != 0 {
			list = append(list, func() timesketchRow { return newTimesketchLine(&line) })
		}
	}
	return list
}

// newTimesketchLine makes an event of a line of the time line.
func newTimesketchLine(line *timelineRow) timesketchRow {
	r := timesketchRow{
		Message:  fmt.Sprintf("[%s] %s", line.level, text.Clip(text.Visible(line.summary), maxMessage)),
		Datetime: timesketchTime(line.at), Timestamp: line.at.Time().UnixMicro(), TimestampDesc: recordedTime,
		Tag: append([]string{"webshellscan", line.level.String(), line.category}, techniquesOf(line.rules)...),
		row: row{
			Host: line.host, Time: line.at.String(), Level: line.level.String(), Rules: ruleNames(line.rules), Image: line.image,
			ProcessGUID: line.guid.String(), User: line.user, Ancestors: []string{}, Link: line.link, Channel: line.channel, EventID: line.eventID,
			RecordID: line.recordID, File: line.file, Offset: line.offset, Session: line.session, Correlated: []correlatedRow{},
			LevelReasons: []string{}, Techniques: techniquesOf(line.rules), Analytics: []string{}, Countermeasures: []string{},
		},
		Evidence: []string{}, Category: line.category, Summary: line.summary,
		Client: line.client, UserAgent: line.userAgent, Status: line.status, Confidence: line.confidence,
	}
	r.category = line.category
	if line.pid != nil {
		r.ProcessID = *line.pid
	}
	switch line.kind {
	case timelineProcess:
		r.TimestampDesc, r.CommandLine, r.Summary = startTime, line.summary, ""
	case timelineRequest:
		r.TimestampDesc = requestTime
		r.Message += timesketchClient(line)
	case timelineEvent:
		if line.image != "" {
			r.Message += ", by " + text.Clip(text.Visible(line.image), maxMessage)
		}
	}
	if line.link == linkArmed {
		r.Tag = append(r.Tag, linkArmed)
	}
	return r
}

// timesketchClient describes whether a request is of an entry point.
func timesketchClient(line *timelineRow) string {
	if line.confidence == "" {
		return ""
	}
	return ", entry point: " + line.confidence
}

// timesketchTime is a time as Timesketch wants it.
func timesketchTime(at event.Time) string {
	return at.Time().Format("2006-01-02T15:04:05.000000+00:00")
}

// timesketchRows are the events of a result, each made when it is asked for:
// the findings, the rest of the sessions' time line, then the integrity
// findings that have a time.
func timesketchRows(res *scan.Result) []func() timesketchRow {
	list := make([]func() timesketchRow, 0, len(res.Findings)+len(res.Integrity))
	for _, f := range res.Findings {
		list = append(list, func() timesketchRow { return newTimesketchRow(f) })
	}
	list = append(list, timesketchStory(res)...)
	for _, in := range res.Integrity {
		if in.First != 0 {
			list = append(list, func() timesketchRow { return newTimesketchIntegrity(in) })
		}
	}
	if s := &res.Summary; s.Interrupted != nil && s.Last != 0 {
		mark := &integrity.Finding{Kind: "scan-interrupted", Level: integrity.Warning, First: s.Last, Text: text.Interrupted, Meaning: "The scan was stopped."}
		list = append(list, func() timesketchRow { return newTimesketchIntegrity(mark) })
	}
	for _, reason := range res.Summary.BlindScan() {
		if at := res.Summary.First; at != 0 {
			list = append(list, func() timesketchRow { return newTimesketchBlind("", at, reason) })
		}
	}
	for i := range res.Coverage {
		h := &res.Coverage[i]
		if h.From != 0 && slices.ContainsFunc(res.Summary.BlindHosts, func(b scan.Blind) bool { return b.Host == h.Host }) {
			list = append(list, func() timesketchRow {
				return newTimesketchBlind(h.Host, h.From, phrase.WithTraces(res, h.Host, h.Blind))
			})
		}
	}
	return list
}

// newTimesketchBlind makes an event of a host of which nothing that ran can be
// seen, or, without a host, of a scan that could find nothing, at the time of
// the first record.
func newTimesketchBlind(host string, at event.Time, reason string) timesketchRow {
	where := ""
	if host != "" {
		where = text.Clip(text.Visible(host), maxMessage) + ": "
	}
	return timesketchRow{
		Message:  fmt.Sprintf("[blind] %s%s", where, text.Visible(reason)),
		Datetime: timesketchTime(at), Timestamp: at.Time().UnixMicro(),
		TimestampDesc: "Log Coverage", Tag: []string{"webshellscan", "blind"},
		row: row{
			Host: host, Time: at.String(), Rules: []string{}, Ancestors: []string{}, LevelReasons: []string{}, Correlated: []correlatedRow{},
			Techniques: []string{}, Analytics: []string{}, Countermeasures: []string{}, blind: reason,
		},
		Evidence: []string{},
	}
}

// writeTimesketchJSONL writes JSON Lines for Timesketch.
func writeTimesketchJSONL(w io.Writer, res *scan.Result, _ Options) error {
	out := bufio.NewWriter(w)
	enc := newEncoder(out)
	for _, made := range timesketchRows(res) {
		if err := enc.Encode(made()); err != nil {
			return err
		}
	}
	return out.Flush()
}

// timesketchStoryColumns are the columns of events and requests.
var timesketchStoryColumns = []csvColumn[timesketchRow]{
	{"category", func(r *timesketchRow) string { return r.Category }},
	{"summary", func(r *timesketchRow) string { return r.Summary }},
	{"client", func(r *timesketchRow) string { return r.Client }},
	{"user_agent", func(r *timesketchRow) string { return r.UserAgent }},
	{"status", func(r *timesketchRow) string { return nonZero(r.Status) }},
	{"confidence", func(r *timesketchRow) string { return r.Confidence }},
}

// writeTimesketchCSV writes a CSV for Timesketch: its columns, then those of
// our CSV.
func writeTimesketchCSV(w io.Writer, res *scan.Result, o Options) error {
	columns := []csvColumn[timesketchRow]{
		{"message", func(r *timesketchRow) string { return r.Message }},
		{"datetime", func(r *timesketchRow) string { return r.Datetime }},
		{"timestamp", func(r *timesketchRow) string { return strconv.FormatInt(r.Timestamp, 10) }},
		{"timestamp_desc", func(r *timesketchRow) string { return r.TimestampDesc }},
		{"tag", func(r *timesketchRow) string { return `["` + strings.Join(r.Tag, `", "`) + `"]` }},
	}
	for _, col := range findingColumns {
		columns = append(columns, csvColumn[timesketchRow]{col.name, func(r *timesketchRow) string { return col.cell(&r.row) }})
	}
	columns = append(columns, timesketchStoryColumns...)
	return writeColumns(newCSVWriter(w, o), timesketchRows(res), columns, func(made func() timesketchRow) timesketchRow { return made() })
}

// crosscheckText is the second decoder's verdict, in one cell.
func crosscheckText(r *row) string {
	return strings.TrimSuffix(string(r.Crosscheck.State)+": "+r.Crosscheck.Reason, ": ")
}
