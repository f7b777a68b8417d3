package scan

import (
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// EventSet is the rules about the events of one log source.
type EventSet struct {
	// Set matches the events of the source only.
	Set    *rules.Set
	source *logSource
}

// compileEvents compiles the rules about events, by log source, of those that are
// not about processes.
func (s *RuleSets) compileEvents(list []*rules.Rule, o *RuleOptions) {
	for i := range logSources {
		source := &logSources[i]
		var about []*rules.Rule
		for _, r := range list {
			if r.Detection != nil && r.Role == "" && source.covers(r.LogSource) {
				about = append(about, r)
			}
		}
		if len(about) == 0 {
			continue
		}
		set, errs := rules.Compile(about, rules.Options{
			Sources: []rules.Source{{LogSource: source.LogSource}}, MinLevel: o.MinLevel, Statuses: o.Statuses, Tags: o.Tags,
			Exclude: o.Exclude, Placeholders: o.Placeholders,
		})
		s.fail(errs)
		s.Failed += set.Failed()
		if len(set.Rules()) > 0 {
			s.Events = append(s.Events, EventSet{set, source})
		}
	}
}

// covers reports whether a rule's log source is this one.
func (l *logSource) covers(rule rules.LogSource) bool {
	return l.Category == rule.Category && l.Service == rule.Service && (rule.Product == "" || rule.Product == l.Product)
}

// eventRules returns the rules that are matched against events.
func (s *RuleSets) eventRules() []*rules.Rule {
	var list []*rules.Rule
	for _, e := range s.Events {
		list = append(list, e.Set.Rules()...)
	}
	return list
}

// eventPlan says which events rules ask for, and which sets of rules ask for
// each. It is immutable; goroutines may share it.
type eventPlan struct {
	keys      []event.Key
	providers []string
	channels  []string
	fields    []string
	sets      []EventSet
	servers   *rules.Set
	// bySource are the indices of sets that a selected event is of: by key, provider
	// and channel, in the order of those.
	bySource [][]int
}

// newEventPlan returns the plan for the rules of a scan.
func newEventPlan(s *RuleSets) *eventPlan {
	p := &eventPlan{sets: s.Events, servers: s.Servers}
	keys, providers, channels := make(map[event.Key][]int), make(map[string][]int), make(map[string][]int)
	names := map[string]bool{"": true}
	for i, e := range s.Events {
		for _, name := range e.Set.Fields() {
			names[name] = true
		}
		for _, r := range e.Set.Rules() {
			p.plan(e.source, r, i, keys, providers, channels)
		}
	}
	for _, k := range sortedKeys(keys) {
		p.keys, p.bySource = append(p.keys, k), append(p.bySource, keys[k])
	}
	for _, name := range sortedNames(providers) {
		p.providers, p.bySource = append(p.providers, name), append(p.bySource, providers[name])
	}
	for _, name := range sortedNames(channels) {
		p.channels, p.bySource = append(p.channels, name), append(p.bySource, channels[name])
	}
	p.fields = append(sortedNames(names), imageFields...)
	p.fields = append(p.fields, "Security/@UserID", "Execution/@ProcessID", "Level")
	slices.Sort(p.fields)
	p.fields = slices.Compact(p.fields)
	return p
}

// imageFields are the fields in which events name the image of their process.
var imageFields = []string{"Image", "ProcessName", "Process Name", "SourceImage", "Application"}

func sortedKeys(m map[event.Key][]int) []event.Key {
	var list []event.Key
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b event.Key) int {
		if a.Provider != b.Provider {
			return strings.Compare(a.Provider, b.Provider)
		}
		return int(a.ID) - int(b.ID)
	})
	return list
}

func sortedNames[V any](m map[string]V) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// plan notes the events that one rule of a set asks for.
func (p *eventPlan) plan(source *logSource, r *rules.Rule, set int, keys map[event.Key][]int, providers, channels map[string][]int) {
	ids, ok := source.ids, len(source.ids) > 0
	if !ok {
		ids, ok = eventIDs(r)
	}
	from := source.providers
	if len(from) == 0 {
		from, _ = exactValues(r, "Provider_Name")
	}
	if len(from) == 0 {
		channels[source.channel] = addIndex(channels[source.channel], set)
		return
	}
	for _, provider := range from {
		if !ok {
			providers[provider] = addIndex(providers[provider], set)
			continue
		}
		for _, id := range ids {
			k := event.Key{Provider: provider, ID: id}
			keys[k] = addIndex(keys[k], set)
		}
	}
}

func addIndex(list []int, i int) []int {
	if slices.Contains(list, i) {
		return list
	}
	return append(list, i)
}

// eventIDs returns the event IDs that a rule may match; none if it may match any.
func eventIDs(r *rules.Rule) ([]uint16, bool) {
	texts, ok := exactValues(r, "EventID")
	if !ok {
		return nil, false
	}
	var ids []uint16
	for _, text := range texts {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, false
		}
		ids = append(ids, uint16(n))
	}
	return ids, true
}

// exactValues returns the values of a field that a rule asks for, and whether it
// matches only events that have one of them: each of its searches asks for the
// field, or no search without it can be enough.
func exactValues(r *rules.Rule, field string) ([]string, bool) {
	var values []string
	with, without := 0, 0
	for _, s := range r.Detection.Searches {
		for _, g := range s.Groups {
			asked := false
			for _, item := range g.Items {
				if strings.EqualFold(item.Field, field) && len(item.Modifiers) == 0 {
					asked = true
					for _, v := range item.Values {
						values = append(values, v.Text)
					}
				}
			}
			if asked {
				with++
			} else {
				without++
			}
		}
	}
	alternatives := slices.ContainsFunc(r.Detection.Conditions, func(c *rules.Condition) bool {
		text := " " + strings.ToLower(c.Text) + " "
		return strings.Contains(text, " or ") || strings.Contains(text, "1 of ")
	})
	return values, with > 0 && (without == 0 || !alternatives)
}

// eventSubject shows an event to the rules of one set. It is for one goroutine.
type eventSubject struct {
	fields []string // of the set
	values func(name string) []string
	role   func() string
	texts  []string // of the values given for the event at hand
}

// Values implements rules.Subject.
func (s *eventSubject) Values(dst []rules.ValueID, field int) []rules.ValueID {
	name := s.fields[field]
	var list []string
	if name == "ServerRole" {
		if role := s.role(); role != "" {
			list = []string{role}
		}
	} else {
		list = s.values(name)
	}
	for _, text := range list {
		dst = append(dst, rules.Unkept|rules.ValueID(len(s.texts)))
		s.texts = append(s.texts, text)
	}
	return dst
}

// Text implements rules.Subject.
func (s *eventSubject) Text(id rules.ValueID) string { return s.texts[id&^rules.Unkept] }

// eventMatcher matches events against the sets of a plan. It is for one
// goroutine.
type eventMatcher struct {
	plan     *eventPlan
	matchers []*rules.Matcher
	subjects []*eventSubject
	roles    *imageRoles
	matches  []int
}

func newEventMatcher(p *eventPlan) *eventMatcher {
	m := &eventMatcher{plan: p, roles: newImageRoles(p.servers)}
	for _, e := range p.sets {
		m.matchers = append(m.matchers, e.Set.NewMatcher())
		m.subjects = append(m.subjects, &eventSubject{fields: e.Set.Fields()})
	}
	return m
}

// match returns the rules of some sets that an event matches.
func (m *eventMatcher) match(sets []int, values func(name string) []string, role func() string) []*rules.Rule {
	var found []*rules.Rule
	for _, i := range sets {
		s := m.subjects[i]
		s.values, s.role, s.texts = values, role, s.texts[:0]
		m.matches = m.matchers[i].Match(m.matches[:0], s)
		for _, rule := range m.matches {
			found = append(found, m.plan.sets[i].Set.Rules()[rule])
		}
	}
	return found
}

// imageRoles says by its image alone which kind of server a process is.
type imageRoles struct {
	set     *rules.Set
	matcher *rules.Matcher
	known   map[string]string
}

// maxImages bounds the images whose roles are remembered.
const maxImages = 1 << 14

func newImageRoles(servers *rules.Set) *imageRoles {
	return &imageRoles{servers, servers.NewMatcher(), make(map[string]string)}
}

// of returns the role of an image, "" if it is no server's.
func (r *imageRoles) of(image string) string {
	if role, ok := r.known[image]; ok || image == "" || image == "-" {
		return role
	}
	s := &eventSubject{fields: r.set.Fields(), values: func(name string) []string {
		switch strings.ToLower(name) {
		case "image":
			return []string{image}
		case "imagename":
			return []string{proctree.BaseName(image)}
		}
		return nil
	}, role: func() string { return "" }}
	role := ""
	if matches := r.matcher.Match(nil, s); len(matches) > 0 {
		role = string(serverRoles[r.set.Rules()[matches[0]].Role])
	}
	if len(r.known) == maxImages {
		clear(r.known)
	}
	r.known[strings.Clone(image)] = role
	return role
}

// eventValues returns the values that an event at hand has for a field.
func eventValues(ev *event.Event, name string) []string {
	switch name {
	case "EventID":
		return []string{strconv.Itoa(int(ev.ID))}
	case "Provider_Name":
		return []string{ev.Provider.String()}
	case "Channel":
		return []string{ev.Channel.String()}
	case "Computer", "ComputerName":
		return []string{ev.Computer.String()}
	case "UserID":
		return present(ev.System().Value("Security/@UserID").String())
	case "Data":
		return payloadOf(ev, func(f event.Field) bool { return f.Name == "" || f.Name == "Data" })
	case "":
		return payloadOf(ev, func(event.Field) bool { return true })
	}
	if n, ok := story.DataNumber(name); ok {
		return present(ev.Payload().Unnamed(n - 1).String())
	}
	return payloadOf(ev, func(f event.Field) bool { return strings.EqualFold(f.Name, name) })
}

func payloadOf(ev *event.Event, wanted func(event.Field) bool) []string {
	var list []string
	for _, f := range ev.Payload() {
		if wanted(f) {
			list = append(list, f.Value.String())
		}
	}
	return list
}

// present returns a value unless it is empty.
func present(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// recordValues is eventValues of a record.
func recordValues(r *story.Record, name string) []string {
	switch name {
	case "EventID":
		return []string{strconv.Itoa(int(r.ID))}
	case "Provider_Name":
		return []string{r.Provider}
	case "Channel":
		return []string{r.Channel}
	case "Computer", "ComputerName":
		return []string{r.Computer}
	case "UserID":
		return present(r.UserID)
	}
	var list []string
	for _, f := range r.Fields {
		_, unnamed := story.DataNumber(f.Name)
		if name == "" || name == "Data" && (unnamed || f.Name == "Data") || strings.EqualFold(f.Name, name) {
			list = append(list, f.Value)
		}
	}
	return list
}

// want returns the events of the plan.
func (p *eventPlan) want() event.Want {
	return event.Want{Keys: p.keys, Providers: p.providers, Channels: p.channels, Fields: p.fields}
}

// builtinEvents is what the plan of the built-in rules wants: reading begins with
// it before the rules are loaded.
var builtinEvents = event.Want{
	Keys: []event.Key{
		{Provider: "ASP.NET 2.0.50727.0", ID: 1309},
		{Provider: "ASP.NET 2.0.50727.0", ID: 1310},
		{Provider: "ASP.NET 2.0.50727.0", ID: 1316},
		{Provider: "ASP.NET 4.0.30319.0", ID: 1309},
		{Provider: "ASP.NET 4.0.30319.0", ID: 1310},
		{Provider: "ASP.NET 4.0.30319.0", ID: 1316},
		{Provider: "Microsoft-Windows-PowerShell", ID: 4103},
		{Provider: "Microsoft-Windows-PowerShell", ID: 4104},
		{Provider: "Microsoft-Windows-PowerShell", ID: 40961},
		{Provider: "Microsoft-Windows-PowerShell", ID: 53504},
		{Provider: "Microsoft-Windows-Security-Auditing", ID: 4663},
		{Provider: "Microsoft-Windows-Security-Auditing", ID: 4697},
		{Provider: "Microsoft-Windows-Security-Auditing", ID: 4698},
		{Provider: "Microsoft-Windows-Security-Auditing", ID: 4702},
		{Provider: "Microsoft-Windows-Security-Auditing", ID: 4720},
		{Provider: "Microsoft-Windows-Sysmon", ID: 3},
		{Provider: "Microsoft-Windows-Sysmon", ID: 11},
		{Provider: "PowerShell", ID: 400},
		{Provider: "PowerShell", ID: 600},
		{Provider: "PowerShellCore", ID: 4103},
		{Provider: "PowerShellCore", ID: 4104},
		{Provider: "PowerShellCore", ID: 40961},
		{Provider: "PowerShellCore", ID: 53504},
		{Provider: "Service Control Manager", ID: 7045},
	},
	Providers: []string{"MSExchange CmdletLogs", "Microsoft-Windows-Windows Defender"},
	Fields: []string{
		"", "AccessList", "Application", "Data", "Data1", "Data21", "DestinationIp", "Detection User", "EventID", "Execution/@ProcessID", "Image", "Initiated", "Level", "ObjectName", "ObjectType", "Path", "Process Name", "ProcessName", "Provider_Name", "Security/@UserID", "ServerRole", "SourceImage", "SubjectUserSid", "TargetFilename", "Threat Name", "User", "UserID",
	},
}

// eventReading says which events are read for rules.
type eventReading struct {
	want event.Want
	plan func() *eventPlan // waits for the rules
}

// add returns what is wanted beside some kinds of event, these first, and which of
// it rules may ask for, by Event.Key.
func (r *eventReading) add(keys []event.Key) (want event.Want, candidates []bool) {
	want = event.Want{Keys: slices.Clone(keys), Providers: r.want.Providers, Channels: r.want.Channels, Fields: r.want.Fields}
	candidates = make([]bool, len(keys))
	for _, k := range r.want.Keys {
		if i := slices.IndexFunc(keys, func(have event.Key) bool { return have.ID == k.ID && strings.EqualFold(have.Provider, k.Provider) }); i >= 0 {
			candidates[i] = true
			continue
		}
		want.Keys, candidates = append(want.Keys, k), append(candidates, true)
	}
	for range len(want.Providers) + len(want.Channels) {
		candidates = append(candidates, true)
	}
	return want, candidates
}

// maxHits bounds the events that one goroutine notes.
const maxHits = 100_000

// eventWatcher notes the events that rules match while the logs are read first.
// It is for one goroutine.
type eventWatcher struct {
	want       event.Want
	candidates []bool // by Event.Key
	load       func() *eventPlan

	loaded  bool
	matcher *eventMatcher // nil if there are no rules
	sets    [][]int       // by Event.Key
	hits    map[event.Place]bool
	dropped int
}

// begin waits for the rules.
func (w *eventWatcher) begin() {
	w.loaded = true
	plan := w.load()
	if plan == nil {
		return
	}
	w.matcher = newEventMatcher(plan)
	judge := newEventJudge(plan, nil)
	for _, k := range w.want.Keys {
		w.sets = append(w.sets, judge.setsOf(k.Provider, k.ID, ""))
	}
	for _, name := range w.want.Providers {
		w.sets = append(w.sets, judge.setsOf(name, 0, ""))
	}
	for _, name := range w.want.Channels {
		w.sets = append(w.sets, judge.setsOf("", 0, name))
	}
}

// add matches an event.
func (w *eventWatcher) add(ev *event.Event) {
	if !w.candidates[ev.Key] {
		return
	}
	if !w.loaded {
		w.begin()
	}
	if w.matcher == nil || len(w.sets[ev.Key]) == 0 {
		return
	}
	found := w.matcher.match(w.sets[ev.Key], func(name string) []string { return eventValues(ev, name) },
		func() string { return w.matcher.roles.of(imageOfEvent(ev)) })
	if len(found) == 0 {
		return
	}
	if len(w.hits) >= maxHits {
		w.dropped++
		return
	}
	if w.hits == nil {
		w.hits = make(map[event.Place]bool)
	}
	w.hits[hitPlace(ev.Place)] = true
}

// hitPlace returns a place as hits are told apart: by file and offset.
func hitPlace(p event.Place) event.Place { return event.Place{File: p.File, Offset: p.Offset} }

// imageOfEvent returns the image of an event's process, "" if it names none.
func imageOfEvent(ev *event.Event) string {
	for _, name := range imageFields {
		for _, f := range ev.Payload() {
			if f.Name == name && !f.Value.IsNull() {
				return f.Value.String()
			}
		}
	}
	return ""
}

// eventJudge matches events in the second pass, in which their processes are
// known.
type eventJudge struct {
	matcher *eventMatcher
	sets    map[event.Key][]int // by provider in lower case and ID; ID 0 for the whole provider
	bySet   map[string][]int    // by channel in lower case
	servers *workerMap
}

// newEventJudge returns a judge for one goroutine.
func newEventJudge(p *eventPlan, servers *workerMap) *eventJudge {
	j := &eventJudge{newEventMatcher(p), make(map[event.Key][]int), make(map[string][]int), servers}
	for i, k := range p.keys {
		j.sets[event.Key{Provider: strings.ToLower(k.Provider), ID: k.ID}] = p.bySource[i]
	}
	for i, name := range p.providers {
		j.sets[event.Key{Provider: strings.ToLower(name)}] = p.bySource[len(p.keys)+i]
	}
	for i, name := range p.channels {
		j.bySet[strings.ToLower(name)] = p.bySource[len(p.keys)+len(p.providers)+i]
	}
	return j
}

// setsOf returns the sets that ask for an event.
func (j *eventJudge) setsOf(provider string, id uint16, channel string) []int {
	provider = strings.ToLower(provider)
	sets := slices.Concat(j.sets[event.Key{Provider: provider, ID: id}], j.sets[event.Key{Provider: provider}], j.bySet[strings.ToLower(channel)])
	slices.Sort(sets)
	return slices.Compact(sets)
}

// Match implements story.Judge.
func (j *eventJudge) Match(r *story.Record, process proctree.Process) []*rules.Rule {
	sets := j.setsOf(r.Provider, r.ID, r.Channel)
	if len(sets) == 0 {
		return nil
	}
	return j.matcher.match(sets, func(name string) []string { return recordValues(r, name) }, func() string {
		if process.Exists() && j.servers != nil {
			if kind := j.servers.told(process).kind; kind != ServerNone {
				return string(kind)
			}
		}
		for _, name := range imageFields {
			if image := r.Get(name); image != "" {
				return j.matcher.roles.of(image)
			}
		}
		return ""
	})
}
