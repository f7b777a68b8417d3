package scan

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
	"webshellscan/scan/webrequest"
)

// EventSet is the rules about the events of one log source.
type EventSet struct {
	// Set matches the events of the source only.
	Set    *rules.Set
	source *logSource
}

// compileEvents compiles those rules of a list that are about events and not
// about processes, by log source.
func (s *RuleSets) compileEvents(list []*rules.Rule, o rules.Options) []EventSet {
	var sets []EventSet
	for i := range logSources {
		source := &logSources[i]
		var about []*rules.Rule
		for _, r := range list {
			if r.Detection != nil && source.covers(r.LogSource) {
				about = append(about, r)
			}
		}
		if len(about) == 0 {
			continue
		}
		o.Sources, o.Also = []rules.Source{{LogSource: source.LogSource}}, nil
		set, errs := rules.Compile(about, o)
		s.fail(errs)
		s.Failed += set.Failed()
		if len(set.Rules()) > 0 {
			sets = append(sets, EventSet{set, source})
		}
	}
	return sets
}

// covers reports whether a rule's log source is this one.
func (l *logSource) covers(rule rules.LogSource) bool {
	return l.Category == rule.Category && l.Service == rule.Service && (rule.Product == "" || rule.Product == l.Product)
}

// nameOf returns what the source's events call a field of rules.
func (l *logSource) nameOf(field string) string {
	if own, ok := l.names[event.FoldName(field)]; ok {
		return own
	}
	return field
}

// eventRules returns the rules that are matched against events.
func (s *RuleSets) eventRules() []*rules.Rule { return rulesOf(s.Events) }

// rulesOf returns the rules of some sets.
func rulesOf(sets []EventSet) []*rules.Rule {
	var list []*rules.Rule
	for _, e := range sets {
		list = append(list, e.Set.Rules()...)
	}
	return list
}

// ruleKeys returns what tells the rules of a plan from others, sorted.
func ruleKeys(plan *eventPlan) []string {
	var keys []string
	for _, rule := range rulesOf(plan.sets) {
		keys = append(keys, ruleKey(rule))
	}
	slices.Sort(keys)
	return keys
}

// eventPlan says which events rules ask for, and which sets of rules ask for
// each. It is immutable; goroutines may share it.
type eventPlan struct {
	sets    []EventSet
	servers *rules.Set
	// The indices of the sets that ask for a kind of event, for all of a
	// provider, and for all of a channel. Names are as the log sources have
	// them.
	keys      map[event.Key][]int
	providers map[string][]int
	channels  map[string][]int
	fields    []string
	all       bool // a rule has keywords, which are looked for in all values
	// asking are the rules that ask for a kind of event, askingAll those
	// that ask for all of a provider, gates what tells early that none of
	// them matches.
	asking    map[event.Key][]rules.GateRule
	askingAll map[string][]rules.GateRule
	gates     map[event.Key]*rules.Gate
}

// newEventPlan returns the plan for some rules of a scan.
func newEventPlan(servers *rules.Set, sets []EventSet) *eventPlan {
	p := &eventPlan{
		sets: sets, servers: servers,
		keys: make(map[event.Key][]int), providers: make(map[string][]int), channels: make(map[string][]int),
		asking: make(map[event.Key][]rules.GateRule), askingAll: make(map[string][]rules.GateRule),
	}
	names := map[string]bool{"": true}
	for _, name := range systemFields {
		names[name] = true
	}
	for _, name := range slices.Concat(imageFields, pidFields) {
		names[name] = true
	}
	for i, e := range sets {
		for _, name := range e.Set.Fields() {
			names[e.source.nameOf(name)] = true
			p.all = p.all || name == ""
		}
		for rule := range e.Set.Rules() {
			p.add(i, rule)
		}
	}
	p.fields = slices.Sorted(maps.Keys(names))
	p.gates = p.newGates()
	return p
}

// want returns the events of the plan, in an order that is always the same.
func (p *eventPlan) want() event.Want {
	keys := slices.SortedFunc(maps.Keys(p.keys), func(a, b event.Key) int {
		return cmp.Or(strings.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID))
	})
	return event.Want{
		Keys: keys, Providers: slices.Sorted(maps.Keys(p.providers)), Channels: slices.Sorted(maps.Keys(p.channels)), AllFields: p.all, Fields: p.fields,
	}
}

// setsOf returns, by Event.Key of what is wanted, the indices of the sets that
// ask for an event.
func (p *eventPlan) setsOf(want *event.Want) [][]int {
	var list [][]int
	for _, k := range want.Keys {
		sets := slices.Concat(p.keys[k], p.providers[k.Provider])
		slices.Sort(sets)
		list = append(list, slices.Compact(sets))
	}
	for _, name := range want.Providers {
		list = append(list, p.providers[name])
	}
	for _, name := range want.Channels {
		list = append(list, p.channels[name])
	}
	return list
}

// imageFields are the fields in which events name the image of their process.
var imageFields = []string{"Image", "ProcessName", "Process Name", "SourceImage", "Application"}

// add notes the events that one rule of a set asks for, by their indices.
func (p *eventPlan) add(set, rule int) {
	source, r := p.sets[set].source, p.sets[set].Set.Rules()[rule]
	ids, ok := source.ids, len(source.ids) > 0
	if !ok {
		ids, ok = eventIDs(r)
	}
	from := source.providers
	if len(from) == 0 {
		if from, _ = exactValues(r, "Provider_Name"); len(from) == 0 {
			p.channels[source.channel] = addIndex(p.channels[source.channel], set)
		}
	}
	for _, provider := range from {
		if !ok {
			p.providers[provider] = addIndex(p.providers[provider], set)
			p.askingAll[provider] = append(p.askingAll[provider], rules.GateRule{Set: p.sets[set].Set, Rule: rule})
			continue
		}
		for _, id := range ids {
			k := event.Key{Provider: provider, ID: id}
			p.keys[k] = addIndex(p.keys[k], set)
			p.asking[k] = append(p.asking[k], rules.GateRule{Set: p.sets[set].Set, Rule: rule})
		}
	}
}

func addIndex(list []int, i int) []int {
	if slices.Contains(list, i) {
		return list
	}
	return append(list, i)
}

// eventIDs returns the event IDs that a rule may match; none if it may match
// any.
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

// exactValues returns the values of a field that a rule asks for, and whether
// it matches only events that have one of them: each of its searches asks for
// the field, or no search without it can be enough.
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

// eventMatcher matches events against the sets of a plan. It is for one
// goroutine.
type eventMatcher struct {
	plan     *eventPlan
	keys     []event.Key
	sets     [][]int // by Event.Key
	matchers []*rules.Matcher
	subjects []eventSubject
	roles    *imageRoles
	servers  *serverMap // nil while no process is known
	matches  []int
	// blind are the hosts of which traces are told, by name; before there
	// are trees, of all.
	blind map[string]bool
	// waiting are, by set, the rules that cannot be decided yet; processes
	// finds those of events, nil if no rule asks for them or no process is
	// known.
	waiting   [][]undecided
	processes *eventProcesses

	texts   eventTexts
	scratch []byte
}

// eventTexts numbers the texts that come again in events, such as users and
// images, so that what rules say of them is kept.
type eventTexts struct {
	ids  map[string]rules.ValueID
	list []string
}

// Bounds of the texts that are numbered.
const (
	maxEventText  = 128 // bytes
	maxEventTexts = 1 << 16
)

// id returns the number of a text, and whether it has one.
func (t *eventTexts) id(text []byte) (rules.ValueID, bool) {
	id, ok := t.ids[string(text)]
	if ok || len(text) > maxEventText || len(t.list) == maxEventTexts {
		return id, ok
	}
	if t.ids == nil {
		t.ids = make(map[string]rules.ValueID)
	}
	id = rules.ValueID(len(t.list))
	t.list = append(t.list, string(text))
	t.ids[t.list[id]] = id
	return id, true
}

// newEventMatcher returns a matcher of the events of a selection. Before there
// are trees, servers and processes are nil.
func newEventMatcher(p *eventPlan, want *event.Want, servers *serverMap, processes *eventProcesses) *eventMatcher {
	m := &eventMatcher{
		plan: p, keys: want.Keys, sets: p.setsOf(want), roles: newImageRoles(p.servers), servers: servers, processes: processes,
	}
	for _, e := range p.sets {
		s := eventSubject{matcher: m}
		if servers == nil {
			m.waiting = append(m.waiting, newUndecided(e))
		} else if s.fromTree = treeOf(e.Set); s.fromTree != nil {
			s.tree = newSubject(e.Set, servers.forest, servers)
		}
		for _, name := range e.Set.Fields() {
			s.getters = append(s.getters, eventGetterOf(e.source.nameOf(name)))
		}
		m.subjects, m.matchers = append(m.subjects, s), append(m.matchers, e.Set.NewMatcher())
	}
	return m
}

// Match implements story.Matcher. Before there are trees it also returns the
// rules that may match once there are.
func (m *eventMatcher) Match(ev *event.Event, process proctree.Process) []*rules.Rule {
	var found []*rules.Rule
	for _, i := range m.setsOf(ev) {
		s := &m.subjects[i]
		s.event, s.process, s.texts = ev, process, s.texts[:0]
		if s.tree != nil {
			s.tree.process = m.processOf(ev, process)
		}
		m.matches = m.matchers[i].Match(m.matches[:0], s)
		for _, rule := range m.matches {
			if r := m.plan.sets[i].Set.Rules()[rule]; m.servers == nil || r.Role != builtin.RoleTrace || m.blind[ev.Computer.String()] {
				found = append(found, r)
			}
		}
		if m.waiting != nil {
			found = decidedLater(found, m.waiting[i], ev)
		}
	}
	return found
}

// processOf returns the process that an event is tied to, else the one that it
// names.
func (m *eventMatcher) processOf(ev *event.Event, process proctree.Process) proctree.Process {
	if process.Exists() || m.processes == nil {
		return process
	}
	return m.processes.of(ev)
}

// setsOf returns the indices of the sets that ask for an event.
func (m *eventMatcher) setsOf(ev *event.Event) []int {
	sets := m.sets[ev.Key]
	if len(m.plan.channels) == 0 {
		return sets
	}
	channel := ev.Channel.String()
	for name, more := range m.plan.channels {
		if strings.EqualFold(name, channel) {
			sets = slices.Concat(sets, more)
			slices.Sort(sets)
			sets = slices.Compact(sets)
		}
	}
	return sets
}

// role returns which kind of server an event's process is: by the trees, else
// by its image.
func (m *eventMatcher) role(ev *event.Event, process proctree.Process) string {
	if m.servers != nil && process.Exists() {
		if kind := m.servers.serverOf(process).kind; kind != finding.ServerNone {
			return string(kind)
		}
	}
	for _, name := range imageFields {
		if image := ev.Payload().Value(name); !image.IsNull() {
			m.scratch = image.AppendText(m.scratch[:0])
			return m.roles.of(m.scratch)
		}
	}
	return ""
}

// eventSubject shows an event to the rules of one set. It is for one goroutine.
type eventSubject struct {
	matcher *eventMatcher
	getters []eventGetter // by field of the set
	event   *event.Event
	process proctree.Process // of the event, if it is known
	// tree shows the event's process to the same rules, for the fields of
	// fromTree; nil if they ask for none.
	tree     *subject
	fromTree []bool
	ofTree   []rules.ValueID // scratch
	texts    []string        // of the values of the event at hand that have no number
	values   []rules.ValueID // of the field at hand
}

// Values implements rules.Subject.
func (s *eventSubject) Values(dst []rules.ValueID, field int) []rules.ValueID {
	s.values = dst
	s.getters[field](s)
	if s.tree != nil && s.fromTree[field] && len(s.values) == len(dst) {
		s.giveOfTree(field)
	}
	return s.values
}

// Text implements rules.Subject.
func (s *eventSubject) Text(id rules.ValueID) string {
	if id&rules.Unkept == 0 {
		return s.matcher.texts.list[id]
	}
	return s.texts[id&^rules.Unkept]
}

// give gives a value, unless it is absent.
func (s *eventSubject) give(v event.Value) {
	if !v.IsNull() {
		s.matcher.scratch = v.AppendText(s.matcher.scratch[:0])
		s.giveText(s.matcher.scratch)
	}
}

// giveText gives a text.
func (s *eventSubject) giveText(text []byte) {
	id, ok := s.matcher.texts.id(text)
	if !ok {
		id = rules.Unkept | rules.ValueID(len(s.texts))
		s.texts = append(s.texts, string(text))
	}
	s.values = append(s.values, id)
}

// eventGetter gives the values of one field of the event at hand.
type eventGetter func(s *eventSubject)

// eventGetters are the fields that are none of the event's own, by their names
// in Sigma rules, folded. "Data" has all values without a name.
var eventGetters = map[string]eventGetter{
	"eventid":       func(s *eventSubject) { s.giveText(strconv.AppendUint(nil, uint64(s.event.ID), 10)) },
	"provider_name": func(s *eventSubject) { s.give(s.event.Provider) },
	"channel":       func(s *eventSubject) { s.give(s.event.Channel) },
	"computer":      func(s *eventSubject) { s.give(s.event.Computer) },
	"computername":  func(s *eventSubject) { s.give(s.event.Computer) },
	"userid":        giveSystem("userid"),
	"level":         giveSystem("level"),
	"serverrole":    giveRole,
	"data":          func(s *eventSubject) { s.payload(func(name string) bool { return name == "" || name == "Data" }) },
	"":              func(s *eventSubject) { s.payload(func(string) bool { return true }) },
}

// giveSystem returns the getter of one of systemFields.
func giveSystem(field string) eventGetter {
	name := systemFields[field]
	return func(s *eventSubject) { s.give(s.event.System().Value(name)) }
}

func giveRole(s *eventSubject) {
	if role := s.matcher.role(s.event, s.process); role != "" {
		s.giveText([]byte(role))
	}
}

// eventGetterOf returns the getter of a field.
func eventGetterOf(name string) eventGetter {
	folded := event.FoldName(name)
	if g := eventGetters[folded]; g != nil {
		return g
	}
	if n, ok := story.DataNumber(name); ok {
		return func(s *eventSubject) { s.give(s.event.Payload().Unnamed(n - 1)) }
	}
	return func(s *eventSubject) {
		s.payload(func(own string) bool { return own == name || sameField(own, folded) })
	}
}

// sameField reports whether a name is the one of a rule, which is folded.
func sameField(own, folded string) bool {
	if len(own) == len(folded) {
		return strings.EqualFold(own, folded)
	}
	if len(own) < len(folded) || strings.IndexByte(own, ' ') < 0 {
		return false
	}
	var buffer [64]byte
	return string(event.AppendFolded(buffer[:0], own)) == folded
}

// payload gives the event's own values of some names.
func (s *eventSubject) payload(wanted func(name string) bool) {
	for _, f := range s.event.Payload() {
		if wanted(f.Name) {
			s.give(f.Value)
		}
	}
}

// imageRoles says by its image alone which kind of server a process is.
type imageRoles struct {
	set     *rules.Set
	matcher *rules.Matcher
	known   map[string]int // 1 + index of the rule that tells it, 0 for none
}

// maxImages bounds the images whose roles are remembered.
const maxImages = 1 << 14

func newImageRoles(servers *rules.Set) *imageRoles {
	return &imageRoles{servers, servers.NewMatcher(), make(map[string]int)}
}

// of returns the role of an image, "" if it is no server's.
func (r *imageRoles) of(path []byte) string {
	if rule, ok := r.rule(path); ok {
		return string(serverRoles[r.set.Rules()[rule].Role])
	}
	return ""
}

// rule returns the index of the rule that tells a server by its image.
func (r *imageRoles) rule(path []byte) (int, bool) {
	rule, ok := r.known[string(path)]
	if ok || !proctree.IsKnown(string(path)) {
		return rule - 1, rule > 0
	}
	image := string(path)
	if matches := r.matcher.Match(nil, &imageSubject{r.set.Fields(), image}); len(matches) > 0 {
		rule = matches[0] + 1
	}
	if len(r.known) == maxImages {
		clear(r.known)
	}
	r.known[image] = rule
	return rule - 1, rule > 0
}

// imageSubject shows a process to rules of which nothing but the image is
// known.
type imageSubject struct {
	fields []string
	image  string
}

// The values of an imageSubject.
const (
	imagePath = rules.Unkept
	imageFile = rules.Unkept | 1
)

// Values implements rules.Subject.
func (s *imageSubject) Values(dst []rules.ValueID, field int) []rules.ValueID {
	switch strings.ToLower(s.fields[field]) {
	case "image":
		return append(dst, imagePath)
	case "imagename":
		return append(dst, imageFile)
	}
	return dst
}

// Text implements rules.Subject.
func (s *imageSubject) Text(id rules.ValueID) string {
	if id == imageFile {
		return proctree.BaseName(s.image)
	}
	return s.image
}

// builtinEvents is what the plan of the built-in rules wants: reading begins
// with it before the rules are loaded.
var builtinEvents = event.Want{
	Keys: []event.Key{
		{Provider: ".NET Runtime", ID: 1000},
		{Provider: ".NET Runtime", ID: 1026},
		{Provider: "ASP.NET 2.0.50727.0", ID: 1309},
		{Provider: "ASP.NET 2.0.50727.0", ID: 1310},
		{Provider: "ASP.NET 2.0.50727.0", ID: 1316},
		{Provider: "ASP.NET 4.0.30319.0", ID: 1309},
		{Provider: "ASP.NET 4.0.30319.0", ID: 1310},
		{Provider: "ASP.NET 4.0.30319.0", ID: 1316},
		{Provider: "Application Error", ID: 1000},
		{Provider: "Application Error", ID: 1026},
		{Provider: "MSExchange CmdletLogs", ID: 1},
		{Provider: "MSExchange CmdletLogs", ID: 6},
		{Provider: "MSSQL$SQLEXPRESS", ID: 15457},
		{Provider: "MSSQLSERVER", ID: 15457},
		{Provider: "Microsoft-Windows-Bits-Client", ID: 3},
		{Provider: event.ProviderPowerShell, ID: 4103},
		{Provider: event.ProviderPowerShell, ID: 4104},
		{Provider: event.ProviderPowerShell, ID: 40961},
		{Provider: event.ProviderPowerShell, ID: 53504},
		{Provider: event.ProviderSecurity, ID: 4648},
		{Provider: event.ProviderSecurity, ID: 4663},
		{Provider: event.ProviderSecurity, ID: 4697},
		{Provider: event.ProviderSecurity, ID: 4698},
		{Provider: event.ProviderSecurity, ID: 4702},
		{Provider: event.ProviderSecurity, ID: 4720},
		{Provider: event.ProviderSecurity, ID: 4728},
		{Provider: event.ProviderSecurity, ID: 4732},
		{Provider: event.ProviderSecurity, ID: 4756},
		{Provider: event.ProviderSecurity, ID: 4798},
		{Provider: event.ProviderSecurity, ID: 4799},
		{Provider: event.ProviderSecurity, ID: 5154},
		{Provider: event.ProviderSecurity, ID: 5156},
		{Provider: event.ProviderSecurity, ID: 5158},
		{Provider: event.ProviderSysmon, ID: 3},
		{Provider: event.ProviderSysmon, ID: 11},
		{Provider: "Microsoft-Windows-TerminalServices-LocalSessionManager", ID: 21},
		{Provider: "Microsoft-Windows-TerminalServices-LocalSessionManager", ID: 25},
		{Provider: "Microsoft-Windows-Windows Defender", ID: 1006},
		{Provider: "Microsoft-Windows-Windows Defender", ID: 1015},
		{Provider: "Microsoft-Windows-Windows Defender", ID: 1116},
		{Provider: event.ProviderPowerShellClassic, ID: 400},
		{Provider: event.ProviderPowerShellClassic, ID: 600},
		{Provider: event.ProviderPowerShellCore, ID: 4103},
		{Provider: event.ProviderPowerShellCore, ID: 4104},
		{Provider: event.ProviderPowerShellCore, ID: 40961},
		{Provider: event.ProviderPowerShellCore, ID: 53504},
		{Provider: "Service Control Manager", ID: 7045},
	},
	Providers: []string{"MSExchange CmdletLogs", "Microsoft-Windows-Windows Defender"},
	Fields: []string{
		"", "AccessList", "Address", "AppName", "Application", "CallerProcessName", "Data", "Data1", "Data21", "DestinationIp", "DestinationPort",
		"Detection User", "Direction", "EventID", "Image", "Initiated", "Level", "ObjectName", "ObjectType", "Path", "Process Name", "ProcessID",
		"ProcessId", "ProcessName", "Protocol", "Provider_Name", "Security/@UserID", "ServerRole", "SourceAddress", "SourceImage", "SourceIp",
		"SourcePort", "SubjectUserSid", "TargetFilename", "Threat Name", "User", "UserID", "jobOwner", "processPath",
	},
}

// eventReading says which events are read for rules.
type eventReading struct {
	want event.Want
	plan func() *eventPlan // waits for the rules
	// from, if not nil, are the kinds of event whose places are kept if
	// they name where another host came from, with the fields that name it.
	from map[event.Key]bool
}

// cameFields are the fields in which events name where another host came from.
var cameFields = func() []string {
	_, fields := story.CameKeys()
	slices.Sort(fields)
	return slices.Compact(fields)
}()

// holdCame has the events noted that name where another host came from, and
// those that are requests.
func (r *eventReading) holdCame() {
	keys, _ := story.CameKeys()
	keys = append(keys, webrequest.Key)
	r.from = make(map[event.Key]bool, len(keys))
	r.want.Keys = slices.Clone(r.want.Keys)
	for _, k := range keys {
		r.from[k] = true
		if !slices.Contains(r.want.Keys, k) {
			r.want.Keys = append(r.want.Keys, k)
		}
	}
	r.want.Fields = slices.Concat(r.want.Fields, cameFields)
}

// add returns what is wanted beside some kinds of event, these first, and which
// of it rules may ask for, by Event.Key.
func (r *eventReading) add(keys []event.Key) (want event.Want, candidates []bool) {
	want = event.Want{Keys: slices.Clone(keys), Providers: r.want.Providers, Channels: r.want.Channels, AllFields: r.want.AllFields, Fields: r.want.Fields}
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
	if want.Unlisted = slices.Index(candidates, true); want.Unlisted < 0 {
		want.Unlisted = len(candidates)
	}
	return want, candidates
}

// maxHits bounds the events that are noted of one part of a file: an intruder
// may write millions.
const maxHits = 1 << 16

// eventWatcher notes the events that rules match while the logs are read first.
// It is for one goroutine.
type eventWatcher struct {
	want       event.Want
	candidates []bool            // by Event.Key
	others     int               // how many of the keys, the first ones, are wanted in any case
	plan       func() *eventPlan // waits for the rules
	looks      map[int]event.Look

	loaded  bool
	matcher *eventMatcher // nil if there are no rules
	hits    map[event.Place]bool
	traced  map[string]*traced // what only traces are made of, by computer
	traces  int                // those of the part at hand
	part    int                // hits of the part at hand
	dropped int
	signs   signLog

	from map[event.Key]bool // as eventReading has it
	came map[event.Place]bool
}

// keepArrival keeps the place of an event that names where another host came
// from, or that is a request.
func (w *eventWatcher) keepArrival(ev *event.Event) {
	key := event.Key{Provider: ev.Provider.String(), ID: ev.ID}
	if !w.from[key] {
		return
	}
	if key != webrequest.Key && !slices.ContainsFunc(cameFields, func(name string) bool { return story.CameFrom(ev.Payload().Value(name).String()) }) {
		return
	}
	if w.came == nil {
		w.came = make(map[event.Place]bool)
	}
	w.came[hitPlace(ev.Place)] = true
}

// begin begins a part of a file.
func (w *eventWatcher) begin() {
	w.part, w.traces = 0, 0
	w.signs.begin()
}

// add matches an event. The first one waits for the rules.
func (w *eventWatcher) add(ev *event.Event) {
	if !w.candidates[ev.Key] {
		return
	}
	if w.from != nil {
		w.keepArrival(ev)
	}
	if !w.loaded {
		w.loaded = true
		if plan := w.plan(); plan != nil {
			w.matcher, w.hits = newEventMatcher(plan, &w.want, nil, nil), make(map[event.Place]bool)
		}
	}
	if w.matcher == nil {
		return
	}
	hit, trace := false, false
	for _, r := range w.matcher.Match(ev, proctree.Process{}) {
		switch {
		case builtin.IdentifiesServer(r):
			w.signs.add(r, ev)
		case r.Role == builtin.RoleTrace:
			trace = true
		default:
			hit = true
		}
	}
	if !hit {
		if trace {
			w.addTraced(ev)
		}
		return
	}
	if w.part == maxHits {
		w.dropped++
		return
	}
	w.part++
	w.hits[hitPlace(ev.Place)] = true
}

// addTraced notes an event that only traces are made of.
func (w *eventWatcher) addTraced(ev *event.Event) {
	if w.traced == nil {
		w.traced = make(map[string]*traced)
	}
	computer := ev.Computer.String()
	t := w.traced[computer]
	if t == nil {
		t = &traced{}
		w.traced[computer] = t
	}
	if w.traces++; w.traces > maxTraced {
		t.lost++
		return
	}
	t.places = append(t.places, hitPlace(ev.Place))
}

// hitPlace returns a place as hits are told apart: by file and offset.
func hitPlace(p event.Place) event.Place { return event.Place{File: p.File, Offset: p.Offset} }
