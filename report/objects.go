package report

import (
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
)

// The kinds of the objects of JSON Lines and of the JSON document, which
// docs/output.schema.json describes.
const (
	kindManifest  = "manifest"
	kindHost      = "host"
	kindSession   = "session"
	kindFinding   = "finding"
	kindIntegrity = "integrity"
	kindEvent     = "event"
	kindRequest   = "request"
)

type manifestObject struct {
	Kind        string        `json:"kind"`
	Version     string        `json:"version"`
	Interrupted bool          `json:"interrupted"`
	Only        []string      `json:"only"`
	Blind       []string      `json:"blind"`
	RuleNames   []string      `json:"rule_names"`
	Inputs      []inputObject `json:"inputs"`
}

type inputObject struct {
	File        string `json:"file"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	Chunks      int    `json:"chunks"`
	Records     int    `json:"records"`
	Lost        int    `json:"lost"`
	Missing     int    `json:"missing,omitempty"`
	Error       string `json:"error"`
	IsContainer bool   `json:"is_container,omitempty"`
	*scan.Origin
	*webLogObject
}

// webLogObject is what an input has besides that is a web log.
type webLogObject struct {
	Host     string `json:"host"`
	Lines    int    `json:"lines"`
	BadLines int    `json:"bad_lines"`
}

func newManifest(res *scan.Result) manifestObject {
	m := &res.Manifest
	o := manifestObject{
		Kind: kindManifest, Version: m.Version, Interrupted: m.Interrupted, Only: listOf(m.Only), Blind: listOf(res.Summary.BlindScan()), RuleNames: listOf(m.Rules), Inputs: []inputObject{},
	}
	for _, in := range m.Inputs {
		input := inputObject{in.Path, in.Size, in.SHA256, in.Chunks, in.Records, in.Lost, in.Missing, in.Error, in.Container, in.Origin, nil}
		if l := in.WebLog; l != nil {
			input.webLogObject = &webLogObject{l.Host, l.Lines, l.Bad}
		}
		o.Inputs = append(o.Inputs, input)
	}
	return o
}

type hostObject struct {
	Kind         string          `json:"kind"`
	Host         string          `json:"host"`
	First        event.Time      `json:"first"`
	Last         event.Time      `json:"last"`
	Blind        string          `json:"blind"`
	Covered      float64         `json:"covered"`
	From         event.Time      `json:"from"`
	Until        event.Time      `json:"until"`
	Security4688 int             `json:"security_4688"`
	Booting      int             `json:"booting"`
	CommandLines int             `json:"command_lines"`
	ParentNames  int             `json:"parent_names"`
	Sysmon1      int             `json:"sysmon_1"`
	SysmonFields int             `json:"sysmon_fields"`
	Unusable     int             `json:"unusable"`
	Dropped      int             `json:"dropped"`
	Apart        bool            `json:"apart,omitempty"`
	Silences     []silenceObject `json:"silences"`
	Strays       []strayObject   `json:"strays"`
	Channels     []channelObject `json:"channels"`
	Traces       []traceObject   `json:"traces"`
}

type traceObject struct {
	What     string     `json:"what"`
	Count    int        `json:"count"`
	First    event.Time `json:"first"`
	Last     event.Time `json:"last"`
	Example  string     `json:"example"`
	RecordID uint64     `json:"record_id"`
	File     string     `json:"file"`
	Offset   int64      `json:"offset"`
}

type silenceObject struct {
	From event.Time `json:"from"`
	To   event.Time `json:"to"`
}

type strayObject struct {
	First   event.Time `json:"first"`
	Last    event.Time `json:"last"`
	Records int        `json:"records"`
}

type channelObject struct {
	Channel string      `json:"channel"`
	Files   int         `json:"files"`
	Records int         `json:"records"`
	First   event.Time  `json:"first"`
	Last    event.Time  `json:"last"`
	Gaps    []gapObject `json:"gaps"`
	// GapsLeft is how many gaps are not listed.
	GapsLeft int `json:"gaps_left"`
}

type gapObject struct {
	From    event.Time `json:"from"`
	To      event.Time `json:"to"`
	FirstID uint64     `json:"first_id"`
	LastID  uint64     `json:"last_id"`
}

func newHost(res *scan.Result, h *integrity.HostCoverage) hostObject {
	o := hostObject{
		Kind: kindHost, Host: h.Host, First: h.First, Last: h.Last, Covered: h.Covered, From: h.From, Until: h.Until,
		Blind: h.Blind, Booting: h.Booting,
		Security4688: h.Security4688, CommandLines: h.CommandLines, ParentNames: h.ParentNames,
		Sysmon1: h.Sysmon1, SysmonFields: h.SysmonFields, Unusable: h.Unusable, Dropped: h.Dropped, Apart: h.Apart, Silences: []silenceObject{}, Strays: []strayObject{}, Channels: []channelObject{}, Traces: []traceObject{},
	}
	for _, t := range phrase.TracesOf(res, h.Host) {
		at := t.Example.Evidence[0]
		o.Traces = append(o.Traces, traceObject{t.What, t.Count, t.First, t.Last, t.Example.Summary, at.RecordID, at.File, at.Offset})
	}
	for _, g := range h.Silences {
		o.Silences = append(o.Silences, silenceObject{g.From, g.To})
	}
	for _, s := range h.Strays {
		o.Strays = append(o.Strays, strayObject(s))
	}
	for _, c := range h.Channels {
		channel := channelObject{c.Channel, c.Files, c.Records, c.First, c.Last, []gapObject{}, c.GapsLeft}
		for _, g := range c.Gaps {
			channel.Gaps = append(channel.Gaps, gapObject{g.From, g.To, g.FirstID, g.LastID})
		}
		o.Channels = append(o.Channels, channel)
	}
	return o
}

// sessionObject is a session as JSON has it. The CSV of sessions has those of
// its fields that fit a cell (sessionColumns), and the column blind.
type sessionObject struct {
	Kind              string             `json:"kind"`
	Session           string             `json:"session"`
	Host              string             `json:"host"`
	Level             string             `json:"level"`
	Raised            []string           `json:"raised"`
	First             event.Time         `json:"first"`
	Last              event.Time         `json:"last"`
	Product           string             `json:"product"`
	Application       string             `json:"application"`
	ServerRole        finding.ServerRole `json:"server_role"`
	WorkerImage       string             `json:"worker_image"`
	WorkerProcessID   uint32             `json:"worker_process_id"`
	WorkerCommandLine string             `json:"worker_command_line"`
	WorkerUser        string             `json:"worker_user"`
	WorkerStart       event.Time         `json:"worker_start"`
	WorkerEnd         event.Time         `json:"worker_end"`
	Processes         int                `json:"processes"`
	Findings          int                `json:"findings"`
	Commands          int                `json:"commands"`
	Enumeration       int                `json:"enumeration"`
	Burst             int                `json:"burst"`
	BurstStart        event.Time         `json:"burst_start"`
	FirstCommand      string             `json:"first_command"`
	Users             []string           `json:"users"`
	IntegrityLevels   []string           `json:"integrity_levels"`
	Link              string             `json:"link"`
	Known             bool               `json:"known"`
	ShapeCount        int                `json:"shape_count"`
	LevelReasons      []string           `json:"level_reasons"`
	Shapes            []shapeObject      `json:"shapes"`
	EventCounts       map[string]int     `json:"event_counts"`
	EventsOmitted     int                `json:"events_omitted"`
	Armed             []armedObject      `json:"armed"`
	EntryPoints       []entryObject      `json:"entry_points"`
	RequestsOmitted   int                `json:"requests_omitted"`
	RequestsUncounted int                `json:"requests_uncounted"`
	Indicators        indicators         `json:"indicators"`
}

// maxShapes bounds how many shapes a session lists; its findings are all there.
const maxShapes = 1000

type shapeObject struct {
	ParentImage string     `json:"parent_image"`
	Image       string     `json:"image"`
	CommandLine string     `json:"command_line"`
	User        string     `json:"user"`
	Count       int        `json:"count"`
	First       event.Time `json:"first"`
	Last        event.Time `json:"last"`
	Known       bool       `json:"known"`
}

func newSession(s *finding.Session) sessionObject {
	f := s.Findings[0]
	o := sessionObject{
		Kind: kindSession, Session: s.Key, Host: s.Host, Level: s.Level.String(), Raised: listOf(s.Raised),
		First: s.First, Last: s.Last, Product: s.Product, Application: s.Application, ServerRole: s.ServerRole,
		WorkerImage: f.WorkerImage, WorkerProcessID: f.WorkerProcessID, WorkerCommandLine: f.WorkerCommandLine,
		WorkerUser: s.User, WorkerStart: f.WorkerStart, WorkerEnd: workerEnd(s),
		Processes: s.Processes, Findings: len(s.Findings), Commands: s.Commands, Enumeration: s.Enumeration,
		Burst: s.Burst, BurstStart: s.BurstStart, FirstCommand: s.FirstCommand(),
		Users: listOf(s.Users), IntegrityLevels: listOf(s.IntegrityLevels), Link: s.Link.String(), Known: s.Known,
		ShapeCount: len(s.Shapes), LevelReasons: phrase.Reasons(s.LevelReasons), Shapes: []shapeObject{},
		EventCounts: eventCounts(s), EventsOmitted: s.EventsOmitted, Armed: newArmed(s), EntryPoints: newEntryPoints(s), RequestsOmitted: s.RequestsOmitted, RequestsUncounted: s.RequestsUncounted, Indicators: newIndicators(&s.Indicators),
	}
	for _, sh := range s.Shapes[:min(len(s.Shapes), maxShapes)] {
		o.Shapes = append(o.Shapes, newShape(&sh))
	}
	return o
}

func newShape(s *finding.Shape) shapeObject {
	f := s.Findings[0]
	first, last := s.Span()
	return shapeObject{
		ParentImage: f.ParentImage, Image: f.Image, CommandLine: finding.FoldCommand(f.CommandLine), User: f.User,
		Count: len(s.Findings), First: first, Last: last, Known: s.Known,
	}
}

type findingObject struct {
	Kind string `json:"kind"`
	row
	// RawEvent is the event as the second decoder has it, if it was asked.
	RawEvent map[string]any `json:"raw_event,omitempty"`
}

func newFinding(f *finding.Finding, raw bool) findingObject {
	o := findingObject{Kind: kindFinding, row: newRow(f)}
	if raw {
		o.RawEvent = f.Crosscheck.Raw
	}
	return o
}

type integrityObject struct {
	Kind     string             `json:"kind"`
	Code     string             `json:"code"`
	Level    string             `json:"level"`
	Host     string             `json:"host"`
	Channel  string             `json:"channel"`
	File     string             `json:"file"`
	Offset   int64              `json:"offset"`
	First    event.Time         `json:"first"`
	Last     event.Time         `json:"last"`
	Count    int                `json:"count"`
	Text     string             `json:"text"`
	Meaning  string             `json:"meaning"`
	Evidence []finding.Evidence `json:"evidence"`
}

func newIntegrity(in *integrity.Finding) integrityObject {
	o := integrityObject{
		Kind: kindIntegrity, Code: string(in.Kind), Level: in.Level.String(), Host: in.Host, Channel: in.Channel,
		File: in.File, Offset: in.Offset, First: in.First, Last: in.Last, Count: in.Count, Text: in.Text, Meaning: in.Meaning,
		Evidence: in.Evidence,
	}
	if o.Evidence == nil {
		o.Evidence = []finding.Evidence{}
	}
	return o
}

// listOf returns a list that JSON writes as an array, also if it is empty.
func listOf(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// joined is a list in one cell of a CSV.
func joined(list []string) string { return strings.Join(list, ";") }
