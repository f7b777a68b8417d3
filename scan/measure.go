package scan

import (
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// measures are how usual a finding is. Rules ask for them as fields.
type measures struct {
	// shapeCount is how many findings of its host have its shape below the
	// same program, shapeDays on how many days, shapeHosts on how many
	// hosts.
	shapeCount, shapeDays, shapeHosts int
	// serverHosts is on how many hosts that server has anything below it,
	// serverDays on how many days on this host, hourDays on how many of
	// them within an hour of the finding's time of day.
	serverHosts, serverDays, hourDays int
	// newAfterDays is how many whole days the server was in the logs of its
	// host before the shape came first.
	newAfterDays int
}

// measureFields are the fields that measures have.
var measureFields = map[string]func(m *measures) int{
	"shapecount":   func(m *measures) int { return m.shapeCount },
	"shapedays":    func(m *measures) int { return m.shapeDays },
	"shapehosts":   func(m *measures) int { return m.shapeHosts },
	"serverhosts":  func(m *measures) int { return m.serverHosts },
	"serverdays":   func(m *measures) int { return m.serverDays },
	"hourdays":     func(m *measures) int { return m.hourDays },
	"newafterdays": func(m *measures) int { return m.newAfterDays },
}

// levelGetter returns the getter of a field, by its name in lower case, that
// only rules which raise and lower levels have; nil if there is none.
func levelGetter(name string) getter {
	if of, ok := measureFields[name]; ok {
		return measured(of)
	}
	if of, ok := sessionFields[name]; ok {
		return ofSession(of)
	}
	return findingFields[name]
}

// findingFields are the fields that findings have besides their measures.
var findingFields = map[string]getter{"matchedrule": matchedRule, "writerimage": writerImage}

// writerImage appends the image of the process of the session that wrote the
// program of the finding in hand.
func writerImage(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.finding == nil || s.finding.writer == "" {
		return dst
	}
	return appendText(dst, s.texts.InternString(s.finding.writer))
}

// matchedRule appends the names of the rules that the finding in hand matched.
func matchedRule(s *subject, dst []rules.ValueID) []rules.ValueID {
	if s.finding == nil {
		return dst
	}
	for _, r := range s.finding.Rules {
		dst = appendText(dst, s.texts.InternString(r.Label()))
	}
	return dst
}

// measured returns a getter of a measure of the finding in hand.
func measured(of func(m *measures) int) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		if s.finding == nil || s.finding.measures == nil {
			return dst
		}
		return append(dst, valueNumber|rules.ValueID(max(0, of(s.finding.measures))))
	}
}

// serverKey is one kind of server on one host, by its image in lower case.
type serverKey struct {
	host  int
	image string
}

// serverTimes is when a server started anything.
type serverTimes struct {
	first event.Time
	days  map[event.Time]bool
	// hours are those in which it did, and the ones before and after.
	hours   map[event.Time]bool
	ofDay   [24]int // by hour of the day: how many of hours
	counted bool
}

func (t *serverTimes) add(at event.Time) {
	if t.first == 0 || at < t.first {
		t.first = at
	}
	t.days[at/event.Day] = true
	hour := at / event.Hour
	t.hours[hour-1], t.hours[hour], t.hours[hour+1] = true, true, true
}

// daysAround returns on how many days the server did anything within an hour of
// a time of day.
func (t *serverTimes) daysAround(at event.Time) int {
	if !t.counted {
		for hour := range t.hours {
			t.ofDay[hourOfDay(hour)]++
		}
		t.counted = true
	}
	return t.ofDay[hourOfDay(at/event.Hour)]
}

// hourOfDay returns the hour of the day of hours since an epoch that begins
// with a day.
func hourOfDay(hours event.Time) int { return int((hours%24 + 24) % 24) }

// measuring is the state of measuring.
type measuring struct {
	forest  *proctree.Forest
	servers *serverMap
	images  map[proctree.Process]string // of workers, in lower case
	starts  map[serverKey]*serverTimes
	hosts   map[string]map[int]bool // by image of the server
	shapes  map[measureKey]*shapeTimes
	across  map[measureKey]map[int]bool // hosts by shape, whose host is 0
}

// measureKey is a shape on a host below a kind of server.
type measureKey struct {
	host                               int
	server, parent, image, commandLine string
}

// shapeTimes is when a shape was seen.
type shapeTimes struct {
	count int
	first event.Time
	days  map[event.Time]bool
}

// measure sets how usual findings are, if rules ask for it.
func (g *grading) measure(findings []*weighed) {
	if !slices.ContainsFunc(g.set.Fields(), func(name string) bool { return measureFields[strings.ToLower(name)] != nil }) {
		return
	}
	m := &measuring{
		forest: g.forest, servers: g.servers, images: make(map[proctree.Process]string), starts: make(map[serverKey]*serverTimes),
		hosts: make(map[string]map[int]bool), shapes: make(map[measureKey]*shapeTimes), across: make(map[measureKey]map[int]bool),
	}
	m.lookAtServers(findings)
	for _, f := range findings {
		if f.Worker.Exists() {
			m.addShape(f)
		}
	}
	var kept slab[measures]
	for _, f := range findings {
		if f.Worker.Exists() {
			f.measures = &kept.alloc(1)[0]
			m.fill(f)
		}
	}
}

// lookAtServers records when the servers of findings started anything, found or
// not, and on which hosts there are such servers.
func (m *measuring) lookAtServers(findings []*weighed) {
	wanted := make(map[string]bool)
	for _, f := range findings {
		if f.Worker.Exists() {
			wanted[m.server(f.Worker)] = true
		}
	}
	for host := range m.servers.hosts {
		for i, worker := range m.servers.hosts[host].worker {
			if worker == 0 {
				continue
			}
			image := m.server(m.forest.Process(host, int(worker-1)))
			if !wanted[image] {
				continue
			}
			addTo(m.hosts, image, host)
			if at := m.forest.Process(host, i).Start(); at != 0 {
				m.times(serverKey{host, image}).add(at)
			}
		}
	}
}

// server returns the image of a worker in lower case.
func (m *measuring) server(worker proctree.Process) string {
	image, ok := m.images[worker]
	if !ok {
		image = strings.ToLower(m.forest.Texts().Text(worker.Image()))
		m.images[worker] = image
	}
	return image
}

func (m *measuring) times(key serverKey) *serverTimes {
	t := m.starts[key]
	if t == nil {
		t = &serverTimes{days: make(map[event.Time]bool), hours: make(map[event.Time]bool)}
		m.starts[key] = t
	}
	return t
}

// addTo adds a host to those of a key.
func addTo[K comparable](hosts map[K]map[int]bool, key K, host int) {
	if hosts[key] == nil {
		hosts[key] = make(map[int]bool)
	}
	hosts[key][host] = true
}

func (m *measuring) keyOf(f *weighed) measureKey {
	folded, _ := f.Fold()
	return measureKey{f.Process.HostIndex(), m.server(f.Worker), strings.ToLower(f.ParentImage), strings.ToLower(f.Image), folded}
}

func (m *measuring) addShape(f *weighed) {
	key := m.keyOf(f)
	t := m.shapes[key]
	if t == nil {
		t = &shapeTimes{days: make(map[event.Time]bool)}
		m.shapes[key] = t
	}
	t.count++
	if f.Time != 0 {
		t.days[f.Time/event.Day] = true
		if t.first == 0 || f.Time < t.first {
			t.first = f.Time
		}
	}
	key.host = 0
	addTo(m.across, key, f.Process.HostIndex())
}

// fill fills in a finding's measures.
func (m *measuring) fill(f *weighed) {
	key := m.keyOf(f)
	shape := m.shapes[key]
	server := m.times(serverKey{key.host, key.server})
	of := f.measures
	of.shapeCount, of.shapeDays, of.serverDays = shape.count, len(shape.days), len(server.days)
	if f.Time != 0 {
		of.hourDays = server.daysAround(f.Time)
		of.newAfterDays = int((shape.first - server.first) / event.Day)
	}
	of.serverHosts = len(m.hosts[key.server])
	key.host = 0
	of.shapeHosts = len(m.across[key])
}

// sessionFields are the fields that a session has, for rules that raise its
// level.
var sessionFields = map[string]func(s *finding.Session) []string{
	"burst": func(s *finding.Session) []string { return []string{strconv.Itoa(s.Against)} },
	"burststart": func(s *finding.Session) []string {
		return []string{s.AgainstStart.Time().Format("2006-01-02 15:04:05")}
	},
	"userrises":      func(s *finding.Session) []string { return []string{s.UserRises} },
	"integrityrises": func(s *finding.Session) []string { return []string{s.IntegrityRises} },
	"highestlevel":   func(s *finding.Session) []string { return []string{s.Level.String()} },
	"behaviour":      func(s *finding.Session) []string { return s.Behaviours },
	"behaviours":     func(s *finding.Session) []string { return []string{strconv.Itoa(len(s.Behaviours))} },
	"commands":       func(s *finding.Session) []string { return []string{strconv.Itoa(s.Commands)} },
	"enumeration":    func(s *finding.Session) []string { return []string{strconv.Itoa(s.Enumeration)} },
}

// ofSession returns a getter of a field of the session in hand.
func ofSession(of func(s *finding.Session) []string) getter {
	return func(s *subject, dst []rules.ValueID) []rules.ValueID {
		if s.session == nil {
			return dst
		}
		for _, value := range of(s.session) {
			if value != "" {
				dst = appendText(dst, s.texts.InternString(value))
			}
		}
		return dst
	}
}
