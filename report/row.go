package report

import (
	"slices"
	"strconv"

	"webshellscan/report/phrase"
	"webshellscan/rules"
	"webshellscan/scan/crosscheck"
	"webshellscan/scan/finding"
)

// row is a finding as JSON Lines have it; CSV has the same columns in the same
// order.
type row struct {
	Host              string             `json:"host"`
	Time              string             `json:"time"`
	Level             string             `json:"level"`
	Rules             []string           `json:"rules"`
	Image             string             `json:"image"`
	CommandLine       string             `json:"command_line"`
	ProcessID         uint32             `json:"process_id"`
	ProcessGUID       string             `json:"process_guid"`
	User              string             `json:"user"`
	IntegrityLevel    string             `json:"integrity_level"`
	ParentImage       string             `json:"parent_image"`
	ParentCommandLine string             `json:"parent_command_line"`
	ParentProcessID   uint32             `json:"parent_process_id"`
	WorkerImage       string             `json:"worker_image"`
	WorkerProcessID   *uint32            `json:"worker_process_id"`
	WorkerCommandLine string             `json:"worker_command_line"`
	ServerRole        finding.ServerRole `json:"server_role"`
	Depth             int                `json:"depth"`
	Ancestors         []string           `json:"ancestors"`
	Link              string             `json:"link"`
	Channel           string             `json:"channel"`
	EventID           uint16             `json:"event_id"`
	RecordID          uint64             `json:"record_id"`
	File              string             `json:"file"`
	Offset            int64              `json:"offset"`
	Evidence          []finding.Evidence `json:"evidence"`
	Crosscheck        crosscheckCell     `json:"crosscheck"`
	Session           string             `json:"session"`
	Recovered         bool               `json:"recovered"`
	Correlated        []correlatedRow    `json:"correlated"`
	DecodedCommand    string             `json:"decoded_command"`
	Known             bool               `json:"known"`
	LevelReasons      []string           `json:"level_reasons"`
	LogonID           string             `json:"logon_id"`
	Hashes            string             `json:"hashes"`
	CurrentDirectory  string             `json:"current_directory"`
	OriginalFileName  string             `json:"original_file_name"`
	Techniques        []string           `json:"techniques"`
	Analytics         []string           `json:"analytics"`
	Countermeasures   []string           `json:"countermeasures"`

	// What only tables have: why the host shows nothing that ran, and what
	// a row that is no process is about and says.
	blind, category, summary string
}

// correlatedRow is a correlation rule that a process or an event completed.
type correlatedRow struct {
	Rule      string              `json:"rule"`
	Group     map[string]string   `json:"group"`
	Value     float64             `json:"value"`
	Total     int                 `json:"total"`
	Processes []correlatedProcess `json:"processes"`
	Events    []correlatedEvent   `json:"events"`

	count string // of processes and events, in words
}

// correlatedProcess is a process that took part.
type correlatedProcess struct {
	Host      string `json:"host"`
	Time      string `json:"time"`
	ProcessID uint32 `json:"process_id"`
	Image     string `json:"image"`
	File      string `json:"file"`
	RecordID  uint64 `json:"record_id"`
}

// correlatedEvent is an event that took part.
type correlatedEvent struct {
	Host      string `json:"host"`
	Time      string `json:"time"`
	Channel   string `json:"channel"`
	EventID   uint16 `json:"event_id"`
	ProcessID uint32 `json:"process_id"`
	Image     string `json:"image"`
	File      string `json:"file"`
	RecordID  uint64 `json:"record_id"`
}

func correlatedRows(list []*finding.Correlation) []correlatedRow {
	rows := make([]correlatedRow, len(list))
	for i, c := range list {
		rows[i] = correlatedRow{
			c.Rule.Label(), make(map[string]string), c.Value, c.Total, make([]correlatedProcess, len(c.Processes)), make([]correlatedEvent, len(c.Events)), phrase.MeetingCount(c),
		}
		for n, value := range c.Group {
			rows[i].Group[c.Rule.Correlation.GroupBy[n]] = value
		}
		for n, p := range c.Processes {
			rows[i].Processes[n] = correlatedProcess{p.Host, p.Time.String(), p.ProcessID, p.Image, p.File, p.RecordID}
		}
		for n, e := range c.Events {
			rows[i].Events[n] = correlatedEvent{e.Host, e.Time.String(), e.Channel, e.EventID, e.ProcessID, e.Image, e.File, e.RecordID}
		}
	}
	return rows
}

// crosscheckCell is the second decoder's verdict.
type crosscheckCell struct {
	State  crosscheck.State `json:"state"`
	Reason string           `json:"reason,omitempty"`
}

func newRow(f *finding.Finding) row {
	r := row{
		Host: f.Host, Time: f.Time.String(), Level: f.Level.String(), Rules: ruleNames(f.Rules),
		Image: f.Image, CommandLine: f.CommandLine, ProcessID: f.ProcessID, ProcessGUID: f.ProcessGUID.String(),
		User: f.User, IntegrityLevel: f.IntegrityLevel,
		ParentImage: f.ParentImage, ParentCommandLine: f.ParentCommandLine, ParentProcessID: f.ParentProcessID,
		WorkerImage: f.WorkerImage, WorkerCommandLine: f.WorkerCommandLine, ServerRole: f.ServerRole,
		Depth: f.Depth, Ancestors: f.Ancestors, Link: f.Link.String(),
		Evidence: f.Evidence, Crosscheck: crosscheckCell{f.Crosscheck.State, f.Crosscheck.Reason}, Session: f.Session,
		Recovered:      f.Recovered,
		Correlated:     correlatedRows(f.Correlated),
		DecodedCommand: f.DecodedCommand, Known: f.Known, LevelReasons: phrase.Reasons(f.LevelReasons),
		LogonID: f.LogonID, Hashes: f.Hashes, CurrentDirectory: f.CurrentDirectory, OriginalFileName: f.OriginalFileName,
		Techniques: tagsOf(f, phrase.TechniqueID), Analytics: tagsOf(f, phrase.AnalyticID), Countermeasures: tagsOf(f, phrase.CountermeasureID),
		category: categoryProcess,
	}
	r.setPlace(f.Evidence)
	if f.Session != "" {
		r.WorkerProcessID = &f.WorkerProcessID
	}
	if r.Ancestors == nil {
		r.Ancestors = []string{}
	}
	return r
}

// setPlace sets the place of the row to that of the first record.
func (r *row) setPlace(list []finding.Evidence) {
	if len(list) > 0 {
		at := &list[0]
		r.Channel, r.EventID, r.RecordID, r.File, r.Offset = at.Channel, at.EventID, at.RecordID, at.File, at.Offset
	}
}

// rowOfProcess returns a process of a session that is no finding as a row: it
// has no level and no rules, and the second decoder was not asked about its
// record.
func rowOfProcess(s *finding.Session, p *finding.Finding) row {
	r := newRow(p)
	r.Level, r.Session = "", s.Key
	if p.Process == s.Worker {
		r.ServerRole = s.ServerRole
	}
	return r
}

// rowOfEvent returns an event that is a finding as a row: what only processes
// have is empty.
func rowOfEvent(e *finding.Event) row {
	r := row{
		Host: e.Host, Time: e.Time.String(), Level: e.Level().String(), Rules: ruleNames(e.Rules), Image: e.Image, ProcessID: e.ProcessID,
		ProcessGUID: e.ProcessGUID.String(), Link: e.Link.String(), Evidence: e.Evidence, category: string(e.Category), summary: e.Summary,
		Techniques: techniquesOf(e.Rules), Correlated: correlatedRows(e.Correlated),
	}
	if e.Session != nil {
		r.Session = e.Session.Key
	}
	r.setPlace(e.Evidence)
	for i := range e.Evidence {
		r.Recovered = r.Recovered || e.Evidence[i].Recovered
	}
	return r
}

// techniquesOf returns the techniques that the tags of rules name, each once.
func techniquesOf(list []*rules.Rule) []string {
	ids := []string{}
	for _, r := range list {
		for _, tag := range r.Tags {
			if id := phrase.TechniqueID(tag); id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func ruleNames(list []*rules.Rule) []string {
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.Label()
	}
	return names
}

func formatUint[N uint16 | uint32 | uint64](n N) string { return strconv.FormatUint(uint64(n), 10) }
