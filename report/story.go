package report

import (
	"bytes"
	"math"
	"strconv"

	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// eventObject is an event of a story, or one that is a finding by itself, as
// JSON has it.
type eventObject struct {
	Kind        string             `json:"kind"`
	Host        string             `json:"host"`
	Time        event.Time         `json:"time"`
	Category    string             `json:"category"`
	Summary     string             `json:"summary"`
	Level       string             `json:"level"`
	Rules       []string           `json:"rules"`
	Session     string             `json:"session"`
	ProcessID   *uint32            `json:"process_id"`
	ProcessGUID string             `json:"process_guid"`
	Image       string             `json:"image"`
	Link        string             `json:"link"`
	Channel     string             `json:"channel"`
	Provider    string             `json:"provider"`
	EventID     uint16             `json:"event_id"`
	RecordID    uint64             `json:"record_id"`
	File        string             `json:"file"`
	Offset      int64              `json:"offset"`
	Fields      fieldsObject       `json:"fields"`
	Count       int                `json:"count"`
	Evidence    []finding.Evidence `json:"evidence"`
	Correlated  []correlatedRow    `json:"correlated"`
}

// fieldsObject is an event's fields as one JSON object, in the order of the
// event. A name that comes again has its number behind it: "Data#2".
type fieldsObject []story.Field

// MarshalJSON implements json.Marshaler.
func (o fieldsObject) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	enc := newEncoder(&out)
	seen := make(map[string]int, len(o))
	out.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name := f.Name
		if seen[f.Name]++; seen[f.Name] > 1 {
			name += "#" + strconv.Itoa(seen[f.Name])
		}
		if err := enc.Encode(name); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := enc.Encode(f.Value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func newEvent(e *finding.Event) eventObject {
	r := e.Record
	o := eventObject{
		Kind: kindEvent, Host: e.Host, Time: e.Time, Category: string(e.Category), Summary: e.Summary,
		Level: e.Level().String(), Rules: ruleLabels(e.Rules), ProcessGUID: e.ProcessGUID.String(), Image: e.Image,
		Link: e.Link.String(), Channel: r.Channel, Provider: r.Provider, EventID: r.ID, RecordID: r.RecordID,
		Count: e.Count, Fields: r.Fields, Evidence: e.Evidence, Correlated: correlatedRows(e.Correlated),
	}
	if e.Session != nil {
		o.Session = e.Session.Key
	}
	if e.ProcessID != 0 {
		o.ProcessID = &e.ProcessID
	}
	if len(e.Evidence) > 0 {
		o.File, o.Offset = e.Evidence[0].File, e.Evidence[0].Offset
	}
	return o
}

// ruleLabels returns the labels of rules.
func ruleLabels(list []*rules.Rule) []string {
	labels := make([]string, 0, len(list))
	for _, r := range list {
		labels = append(labels, r.Label())
	}
	return labels
}

// armedObject is a process that ran by what a session left behind.
type armedObject struct {
	Time        event.Time `json:"time"`
	ProcessID   uint32     `json:"process_id"`
	ProcessGUID string     `json:"process_guid"`
	Image       string     `json:"image"`
	CommandLine string     `json:"command_line"`
	By          string     `json:"by"`
}

func newArmed(s *finding.Session) []armedObject {
	list := make([]armedObject, 0, len(s.Armed))
	for _, a := range s.Armed {
		texts := a.Process.Forest().Texts()
		list = append(list, armedObject{
			a.Process.Start(), a.Process.PID(), a.Process.GUID().String(), texts.KnownText(a.Process.Image()),
			texts.KnownText(a.Process.CommandLine()), a.By,
		})
	}
	return list
}

// eventCounts counts a session's events by category.
func eventCounts(s *finding.Session) map[string]int {
	counts := make(map[string]int, len(s.EventCounts))
	for category, n := range s.EventCounts {
		counts[string(category)] = n
	}
	return counts
}

// indicators are those of a session as JSON has them.
type indicators struct {
	Files     []indicatorObject `json:"files"`
	Hashes    []indicatorObject `json:"hashes"`
	Addresses []indicatorObject `json:"addresses"`
	Domains   []indicatorObject `json:"domains"`
	URLs      []indicatorObject `json:"urls"`
	Accounts  []indicatorObject `json:"accounts"`
	Services  []indicatorObject `json:"services"`
	Tasks     []indicatorObject `json:"tasks"`
}

type indicatorObject struct {
	Value   string     `json:"value"`
	First   event.Time `json:"first"`
	Last    event.Time `json:"last"`
	Hash    string     `json:"hash,omitempty"`
	Sources []string   `json:"sources"`
}

func newIndicators(in *story.Indicators) indicators {
	list := func(from []story.Indicator) []indicatorObject {
		objects := make([]indicatorObject, 0, len(from))
		for _, i := range from {
			objects = append(objects, indicatorObject{i.Value, i.First, i.Last, i.Hash, i.Sources})
		}
		return objects
	}
	return indicators{
		list(in.Files), list(in.Hashes), list(in.Addresses), list(in.Domains), list(in.URLs), list(in.Accounts), list(in.Services), list(in.Tasks),
	}
}

// entryObject is an entry point of a session as JSON has it.
type entryObject struct {
	Method      []string   `json:"method"`
	URI         string     `json:"uri"`
	Site        string     `json:"site"`
	Clients     []string   `json:"clients"`
	Proxies     []string   `json:"proxies"`
	Claimed     []string   `json:"claimed"`
	UserAgents  []string   `json:"user_agents"`
	Statuses    []int      `json:"statuses"`
	First       event.Time `json:"first"`
	Last        event.Time `json:"last"`
	Requests    int        `json:"requests"`
	Coinciding  int        `json:"coinciding"`
	Processes   int        `json:"processes"`
	OfProcesses int        `json:"of_processes"`
	ByChance    float64    `json:"by_chance"`
	Confidence  string     `json:"confidence"`
}

func newEntryPoints(s *finding.Session) []entryObject {
	list := make([]entryObject, 0, len(s.EntryPoints))
	for _, p := range s.EntryPoints {
		list = append(list, entryObject{
			listOf(p.Methods), p.URI, p.Site, listOf(p.Clients), listOf(p.Proxies), listOf(p.Claimed), listOf(p.UserAgents), append([]int{}, p.Statuses...), p.First, p.Last,
			p.Requests, p.Coinciding, p.Processes, p.OfProcesses, math.Round(p.ByChance*1000) / 1000, p.Confidence.String(),
		})
	}
	return list
}

// requestObject is a web request as JSON has it.
type requestObject struct {
	Kind         string          `json:"kind"`
	Host         string          `json:"host"`
	Time         event.Time      `json:"time"`
	DurationMS   *int64          `json:"duration_ms"`
	Method       string          `json:"method"`
	URI          string          `json:"uri"`
	Parameters   string          `json:"parameters"`
	Query        string          `json:"query"`
	Status       int             `json:"status"`
	Client       string          `json:"client"`
	ForwardedFor string          `json:"forwarded_for"`
	User         string          `json:"user"`
	UserAgent    string          `json:"user_agent"`
	Referer      string          `json:"referer"`
	Site         string          `json:"site"`
	Session      string          `json:"session"`
	Entry        bool            `json:"entry"`
	Confidence   string          `json:"confidence"`
	Processes    []startedObject `json:"processes"`
	File         string          `json:"file"`
	Offset       int64           `json:"offset"`
	*scan.Origin
}

// startedObject is a process that may be a request's work.
type startedObject struct {
	ProcessID uint32     `json:"process_id"`
	Time      event.Time `json:"time"`
}

func newRequest(r *finding.Request) requestObject {
	o := requestObject{
		Kind: kindRequest, Host: r.Host, Time: r.Time, Method: r.Method, URI: r.URI, Parameters: r.Parameters, Query: r.Query, Status: r.Status,
		Client: r.Client, ForwardedFor: r.ForwardedFor, User: r.User, UserAgent: r.UserAgent, Referer: r.Referer, Site: r.Site,
		Session: r.Session.Key, Entry: r.Entry, Confidence: r.Confidence.String(), Processes: make([]startedObject, 0, len(r.Processes)),
		File: r.File, Offset: r.Offset, Origin: r.Origin,
	}
	if r.Duration != weblog.Unknown {
		ms := int64(r.Duration / event.Millisecond)
		o.DurationMS = &ms
	}
	for _, p := range r.Processes {
		o.Processes = append(o.Processes, startedObject{p.PID(), p.Start()})
	}
	return o
}
