package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// csvWriter writes RFC 4180: UTF-8, a header line, CR LF between lines. Lists
// stand in one cell: ancestors joined by " > ", others by ";".
type csvWriter struct {
	out  io.Writer
	line bytes.Buffer
	csv  *csv.Writer // to line
	raw  bool
	// excelTimes is Options.ExcelTimes, bom what stands before the first
	// line.
	excelTimes bool
	bom        string
}

func writeCSV(w io.Writer, res *scan.Result, o Options) error {
	c := newCSVWriter(w, o)
	columns, err := len(csvColumns), error(nil)
	if o.Sessions {
		columns, err = len(sessionColumns), writeColumns(c, res.Sessions, sessionColumns, newSession)
		if err == nil {
			err = writeBlind(c, sessionColumns, blindLines(res))
		}
	} else {
		err = writeColumns(c, foundRows(res, o), csvColumns, func(made func() row) row { return made() })
		if err == nil {
			err = writeBlind(c, csvColumns, blindLines(res))
		}
	}
	if err != nil {
		return err
	}
	return c.interrupted(&res.Summary, columns)
}

// findingsInOrder returns the findings in the order that is asked for: by host
// and time, or by time alone.
func findingsInOrder(res *scan.Result, o Options) []*finding.Finding {
	if !o.ByTime {
		return res.Findings
	}
	list := slices.Clone(res.Findings)
	slices.SortStableFunc(list, func(a, b *finding.Finding) int { return cmp.Compare(a.Time, b.Time) })
	return list
}

// foundRows are the findings and the events that are findings, each made when
// it is asked for: these after those, or all by time alone. With
// Options.Processes the other processes of the sessions stand among the
// findings.
func foundRows(res *scan.Result, o Options) []func() row {
	list := make([]foundRow, 0, len(res.Findings))
	for _, f := range res.Findings {
		list = append(list, foundRow{f.Time, f.Process, func() row { return newRow(f) }})
	}
	if o.Processes {
		list = append(list, otherProcesses(res)...)
		slices.SortStableFunc(list, compareProcesses)
	}
	for _, e := range res.Events {
		if len(e.Rules) > 0 {
			list = append(list, foundRow{e.Time, proctree.Process{}, func() row { return rowOfEvent(e) }})
		}
	}
	if o.ByTime {
		slices.SortStableFunc(list, func(a, b foundRow) int { return cmp.Compare(a.at, b.at) })
	}
	rows := make([]func() row, len(list))
	for i := range list {
		rows[i] = list[i].made
	}
	return rows
}

// foundRow is a row that is made when it is asked for.
type foundRow struct {
	at      event.Time
	process proctree.Process
	made    func() row
}

// compareProcesses orders rows of processes as the forest does.
func compareProcesses(a, b foundRow) int {
	return cmp.Or(
		cmp.Compare(a.process.HostIndex(), b.process.HostIndex()), cmp.Compare(a.at, b.at), cmp.Compare(a.process.Index(), b.process.Index()),
	)
}

// otherProcesses returns the rows of the processes of sessions that are no
// findings: the servers, and what else ran below them.
func otherProcesses(res *scan.Result) []foundRow {
	var list []foundRow
	describer := res.Describer()
	for _, s := range res.Sessions {
		found := make(map[proctree.Process]bool, len(s.Findings))
		for _, f := range s.Findings {
			found[f.Process] = true
		}
		for _, p := range append([]proctree.Process{s.Worker}, s.Members...) {
			if p.Exists() && !found[p] {
				list = append(list, foundRow{p.Start(), p, func() row { return rowOfProcess(s, describer.Describe(p)) }})
			}
		}
	}
	return list
}

// interrupted writes the last line of a table of so many columns if the scan
// was stopped.
func (c *csvWriter) interrupted(s *scan.Summary, columns int) error {
	if s.Interrupted == nil {
		return nil
	}
	mark := make([]string, columns)
	mark[0] = text.Interrupted
	return c.write(mark)
}

// csvColumn is a column with how it is filled.
type csvColumn[R any] struct {
	name string
	cell func(r *R) string
}

// writeColumns writes the header line, and a line for each of a list.
func writeColumns[T, R any](c *csvWriter, list []T, columns []csvColumn[R], rowOf func(T) R) error {
	cells := make([]string, len(columns))
	for i, col := range columns {
		cells[i] = col.name
	}
	if err := c.write(cells); err != nil {
		return err
	}
	for _, item := range list {
		r := rowOf(item)
		for i, col := range columns {
			cells[i] = c.cell(c.time(col.name, col.cell(&r)))
		}
		if err := c.write(cells); err != nil {
			return err
		}
	}
	return nil
}

// writeSessionsCSV writes a line for each session.
func writeSessionsCSV(w io.Writer, res *scan.Result, o Options) error {
	o.Sessions = true
	return writeCSV(w, res, o)
}

// cell returns a cell as it is written.
func (c *csvWriter) cell(s string) string {
	if c.raw {
		return s
	}
	return guardFormula(s)
}

// timeColumns are the columns that hold nothing but a time.
var timeColumns = map[string]bool{
	"time": true, "first": true, "last": true, "burst_start": true, "worker_start": true, "worker_end": true,
}

// time returns the cell of a column as it is written if it is a time.
func (c *csvWriter) time(column, cell string) string {
	if !c.excelTimes || !timeColumns[column] {
		return cell
	}
	at, err := time.Parse(time.RFC3339Nano, cell)
	if err != nil {
		return cell
	}
	return at.UTC().Format("2006-01-02 15:04:05.000")
}

func newCSVWriter(w io.Writer, o Options) *csvWriter {
	c := &csvWriter{out: w, raw: o.Raw, excelTimes: o.ExcelTimes}
	if o.BOM {
		c.bom = "\uFEFF"
	}
	c.csv = csv.NewWriter(&c.line)
	return c
}

// findingColumns are the columns of findings.
var findingColumns = []csvColumn[row]{
	{"host", func(r *row) string { return r.Host }},
	{"time", func(r *row) string { return r.Time }},
	{"level", func(r *row) string { return r.Level }},
	{"rules", func(r *row) string { return strings.Join(r.Rules, ";") }},
	{"image", func(r *row) string { return r.Image }},
	{"command_line", func(r *row) string { return r.CommandLine }},
	{"process_id", processPID},
	{"process_guid", func(r *row) string { return r.ProcessGUID }},
	{"user", func(r *row) string { return r.User }},
	{"integrity_level", func(r *row) string { return r.IntegrityLevel }},
	{"parent_image", func(r *row) string { return r.ParentImage }},
	{"parent_command_line", func(r *row) string { return r.ParentCommandLine }},
	{"parent_process_id", ofProcess(func(r *row) string { return formatUint(r.ParentProcessID) })},
	{"worker_image", func(r *row) string { return r.WorkerImage }},
	{"worker_process_id", workerPID},
	{"worker_command_line", func(r *row) string { return r.WorkerCommandLine }},
	{"server_role", func(r *row) string { return string(r.ServerRole) }},
	{"depth", ofProcess(func(r *row) string { return strconv.Itoa(r.Depth) })},
	{"ancestors", func(r *row) string { return strings.Join(r.Ancestors, " > ") }},
	{"link", func(r *row) string { return r.Link }},
	{"channel", func(r *row) string { return r.Channel }},
	{"event_id", func(r *row) string { return formatUint(r.EventID) }},
	{"record_id", func(r *row) string { return formatUint(r.RecordID) }},
	{"file", func(r *row) string { return r.File }},
	{"offset", func(r *row) string { return strconv.FormatInt(r.Offset, 10) }},
	{"evidence", evidenceCell},
	{"crosscheck", crosscheckText},
	{"session", func(r *row) string { return r.Session }},
	{"recovered", func(r *row) string { return strconv.FormatBool(r.Recovered) }},
	{"correlated", correlatedCell},
	{"decoded_command", func(r *row) string { return r.DecodedCommand }},
	{"known", ofProcess(func(r *row) string { return strconv.FormatBool(r.Known) })},
	{"level_reasons", func(r *row) string { return joined(r.LevelReasons) }},
	{"logon_id", func(r *row) string { return r.LogonID }},
	{"hashes", func(r *row) string { return r.Hashes }},
	{"current_directory", func(r *row) string { return r.CurrentDirectory }},
	{"original_file_name", func(r *row) string { return r.OriginalFileName }},
	{"techniques", func(r *row) string { return joined(r.Techniques) }},
	{"analytics", func(r *row) string { return joined(r.Analytics) }},
	{"countermeasures", func(r *row) string { return joined(r.Countermeasures) }},
	{"blind", func(r *row) string { return r.blind }},
}

// csvColumns are the columns of findings and of events that are some.
var csvColumns = append(slices.Clone(findingColumns),
	csvColumn[row]{"category", func(r *row) string { return r.category }},
	csvColumn[row]{"summary", func(r *row) string { return r.summary }},
)

// ofProcess returns a cell that is empty in rows that are no process.
func ofProcess(cell func(r *row) string) func(r *row) string {
	return func(r *row) string {
		if r.category != categoryProcess {
			return ""
		}
		return cell(r)
	}
}

// processPID is the ID of a process, "" in rows that are of none.
func processPID(r *row) string {
	if r.ProcessID == 0 && r.category != categoryProcess {
		return ""
	}
	return formatUint(r.ProcessID)
}

func workerPID(r *row) string {
	if r.WorkerProcessID == nil {
		return ""
	}
	return formatUint(*r.WorkerProcessID)
}

// correlatedCell lists the correlation rules as rule=host/pid@time,... Of
// events channel and record stand in place of the process.
func correlatedCell(r *row) string {
	var cells []string
	for _, c := range r.Correlated {
		var members []string
		for _, p := range c.Processes {
			members = append(members, fmt.Sprintf("%s/%d@%s", p.Host, p.ProcessID, p.Time))
		}
		for _, e := range c.Events {
			members = append(members, fmt.Sprintf("%s/%s#%d@%s", e.Host, e.Channel, e.RecordID, e.Time))
		}
		cells = append(cells, c.Rule+"="+strings.Join(members, ","))
	}
	return strings.Join(cells, ";")
}

func evidenceCell(r *row) string { return strings.Join(evidenceTexts(r.Evidence), ";") }

// sessionColumns are the columns of sessions.
var sessionColumns = []csvColumn[sessionObject]{
	{"session", func(s *sessionObject) string { return s.Session }},
	{"host", func(s *sessionObject) string { return s.Host }},
	{"level", func(s *sessionObject) string { return s.Level }},
	{"raised", func(s *sessionObject) string { return joined(s.Raised) }},
	{"first", func(s *sessionObject) string { return s.First.String() }},
	{"last", func(s *sessionObject) string { return s.Last.String() }},
	{"product", func(s *sessionObject) string { return s.Product }},
	{"application", func(s *sessionObject) string { return s.Application }},
	{"server_role", func(s *sessionObject) string { return string(s.ServerRole) }},
	{"worker_image", func(s *sessionObject) string { return s.WorkerImage }},
	{"worker_process_id", func(s *sessionObject) string { return formatUint(s.WorkerProcessID) }},
	{"worker_command_line", func(s *sessionObject) string { return s.WorkerCommandLine }},
	{"worker_user", func(s *sessionObject) string { return s.WorkerUser }},
	{"worker_start", func(s *sessionObject) string { return s.WorkerStart.String() }},
	{"worker_end", func(s *sessionObject) string { return s.WorkerEnd.String() }},
	{"processes", func(s *sessionObject) string { return strconv.Itoa(s.Processes) }},
	{"findings", func(s *sessionObject) string { return strconv.Itoa(s.Findings) }},
	{"commands", func(s *sessionObject) string { return strconv.Itoa(s.Commands) }},
	{"enumeration", func(s *sessionObject) string { return strconv.Itoa(s.Enumeration) }},
	{"burst", func(s *sessionObject) string { return strconv.Itoa(s.Burst) }},
	{"burst_start", func(s *sessionObject) string { return s.BurstStart.String() }},
	{"first_command", func(s *sessionObject) string { return s.FirstCommand }},
	{"users", func(s *sessionObject) string { return joined(s.Users) }},
	{"integrity_levels", func(s *sessionObject) string { return joined(s.IntegrityLevels) }},
	{"link", func(s *sessionObject) string { return s.Link }},
	{"known", func(s *sessionObject) string { return strconv.FormatBool(s.Known) }},
	{"shape_count", func(s *sessionObject) string { return strconv.Itoa(s.ShapeCount) }},
	{"level_reasons", func(s *sessionObject) string { return joined(s.LevelReasons) }},
	{"blind", func(_ *sessionObject) string { return "" }},
}

// write writes one line. It puts the CR LF at its end itself: encoding/csv
// would change the line breaks within cells as well, and those are evidence.
func (c *csvWriter) write(cells []string) error {
	c.line.Reset()
	if err := c.csv.Write(cells); err != nil {
		return err
	}
	c.csv.Flush()
	c.line.Truncate(c.line.Len() - 1)
	c.line.WriteString("\r\n")
	if c.bom != "" {
		if _, err := io.WriteString(c.out, c.bom); err != nil {
			return err
		}
		c.bom = ""
	}
	_, err := c.out.Write(c.line.Bytes())
	return err
}

// guardFormula prefixes with an apostrophe a cell that a spreadsheet would take
// for a formula: one that begins with = + - @, plain or of full width, a tab, a
// carriage return or a line feed (OWASP, "CSV Injection"), also behind what
// spreadsheets skip: blanks and a byte order mark.
func guardFormula(cell string) string {
	begin := strings.TrimLeft(cell, " \u00A0\uFEFF")
	if first, _ := utf8.DecodeRuneInString(begin); begin != "" && strings.ContainsRune("=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20", first) {
		return "'" + cell
	}
	return cell
}
