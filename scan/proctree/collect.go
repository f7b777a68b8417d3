package proctree

import (
	"bytes"

	"webshellscan/scan/event"
)

// recordKind is what an event means to a process tree.
type recordKind uint8

const (
	kindSysmonCreate recordKind = iota
	kindSysmonEnd
	kindSecurityCreate
	kindSecurityEnd
	kindBoot
	kindWeakBoot
	kindSysmonState
	kindClock
)

// selected lists the events that trees are made of, with what each means.
var selected = []struct {
	key  event.Key
	kind recordKind
}{
	{event.Key{Provider: event.ProviderSysmon, ID: 1}, kindSysmonCreate},
	{event.Key{Provider: event.ProviderSysmon, ID: 5}, kindSysmonEnd},
	{event.Key{Provider: event.ProviderSecurity, ID: 4688}, kindSecurityCreate},
	{event.Key{Provider: event.ProviderSecurity, ID: 4689}, kindSecurityEnd},
	{event.Key{Provider: event.ProviderSecurity, ID: 4608}, kindBoot},     // Windows is starting up
	{event.Key{Provider: event.ProviderKernel, ID: 12}, kindBoot},         // the operating system started
	{event.Key{Provider: event.ProviderEventLog, ID: 6009}, kindBoot},     // version, written at start
	{event.Key{Provider: event.ProviderEventLog, ID: 6005}, kindWeakBoot}, // the event log service started
	{event.Key{Provider: event.ProviderEventLog, ID: 6006}, kindWeakBoot}, // it stopped
	{event.Key{Provider: event.ProviderSysmon, ID: 4}, kindSysmonState},
	{event.Key{Provider: event.ProviderSecurity, ID: 4616}, kindClock}, // the system time was changed
	{event.Key{Provider: event.ProviderKernel, ID: 1}, kindClock},      // the system time has changed
}

// Keys returns the kinds of event that a Collector needs. Event.Key must be the
// index into them.
func Keys() []event.Key {
	keys := make([]event.Key, len(selected))
	for i, s := range selected {
		keys[i] = s.key
	}
	return keys
}

// Counts counts process events as they were met, copies included.
type Counts struct {
	SysmonCreate   int // Sysmon 1
	SysmonEnd      int // Sysmon 5
	SecurityCreate int // Security 4688
	SecurityEnd    int // Security 4689
	// NoCommandLine counts the 4688 without a known command line: the
	// policy "Include command line in process creation events" was off.
	NoCommandLine int
	// NoParentName counts the 4688 that do not name their parent's image,
	// as before Windows 10 and Server 2016.
	NoParentName int
	// Booting counts the 4688 that Windows writes while it starts, whatever
	// the audit policy says.
	Booting int
	// BootingBare counts those of the Booting without a known command line.
	BootingBare int
	// SysmonFields is the greatest number of fields of a Sysmon 1: it grows
	// with the version of Sysmon.
	SysmonFields int
	// Unusable counts process events that cannot be used: they have no
	// process ID, or neither image nor parent, or they are Shifted.
	Unusable int
	// UnusableCreate counts those of the Unusable that are process
	// creations.
	UnusableCreate int
	// Shifted counts the Sysmon events whose fields hold what belongs into
	// others: the event log service had the manifest of another version of
	// Sysmon.
	Shifted int
	// Recovered counts the process creations that were recovered from
	// unused parts of chunks and are no copies of others. The other counts
	// are of live records.
	Recovered int
}

// Blind reports whether what ran cannot be seen: there are no process
// creations, or none but those that Windows always logs while it starts and
// those that are unusable.
func (c Counts) Blind() bool {
	return c.SysmonCreate+c.SecurityCreate == c.Booting+c.UnusableCreate && c.Recovered == 0
}

// Total returns the number of process events.
func (c Counts) Total() int { return c.SysmonCreate + c.SysmonEnd + c.SecurityCreate + c.SecurityEnd }

// Add adds the counts of other to c.
func (c *Counts) Add(other Counts) {
	c.SysmonCreate += other.SysmonCreate
	c.SysmonEnd += other.SysmonEnd
	c.SecurityCreate += other.SecurityCreate
	c.SecurityEnd += other.SecurityEnd
	c.NoCommandLine += other.NoCommandLine
	c.NoParentName += other.NoParentName
	c.Booting += other.Booting
	c.BootingBare += other.BootingBare
	c.SysmonFields = max(c.SysmonFields, other.SysmonFields)
	c.Unusable += other.Unusable
	c.UnusableCreate += other.UnusableCreate
	c.Shifted += other.Shifted
	c.Recovered += other.Recovered
}

// Collector collects from events what trees need of them. A Collector is for
// one goroutine; several may share Texts.
type Collector struct {
	texts   *Texts
	blocks  blocks[creation]
	endings blocks[ending]
	marks   []mark
	counts  map[FacetID]*Counts     // by origin
	stale   Counts                  // of recovered events, copies or not
	facets  [numFacets]*lookupCache // but for origins
	single  *lookupCache
	fields  [sourceStub][numFacets][]event.FieldID
	alone   [event.NumPayloadFields]event.FieldID // each field by itself

	origins []lastOrigin // by Event.Key
	scratch []byte
	entries []fieldText
}

// lastOrigin is where the last event of a kind came from, with computer and
// channel in their disk form.
type lastOrigin struct {
	id                FacetID
	version           uint8
	computer, channel []byte
}

// NewCollector returns an empty Collector.
func NewCollector(texts *Texts) *Collector {
	c := &Collector{texts: texts, counts: make(map[FacetID]*Counts), origins: make([]lastOrigin, len(selected))}
	for i := range c.facets {
		c.facets[i] = newLookupCache()
	}
	c.single = newLookupCache()
	for from, fields := range facetFields {
		c.fields[from] = fields
	}
	for i := range c.alone {
		c.alone[i] = event.FieldID(i)
	}
	return c
}

// HasCreations reports whether a process creation was added.
func (c *Collector) HasCreations() bool { return len(c.blocks.list) > 0 }

// Add adds one event, selected with Keys. Nothing of the event is kept.
func (c *Collector) Add(ev *event.Event) {
	origin := c.origin(ev)
	counts := c.counts[origin]
	if counts == nil {
		counts = new(Counts)
		c.counts[origin] = counts
	}
	if ev.Marks.Has(event.MarkRecovered) {
		counts = &c.stale
		if selected[ev.Key].kind >= kindBoot {
			return // an old boot or change of the clock must not divide what is live
		}
	}
	switch selected[ev.Key].kind {
	case kindSysmonCreate:
		counts.SysmonCreate++
		c.sysmonCreate(ev, origin, counts)
	case kindSecurityCreate:
		counts.SecurityCreate++
		c.securityCreate(ev, origin, counts)
	case kindSysmonEnd:
		counts.SysmonEnd++
		c.end(ev, origin, counts, sourceSysmon, event.Image)
	case kindSecurityEnd:
		counts.SecurityEnd++
		c.end(ev, origin, counts, sourceSecurity, event.ProcessName)
	case kindBoot:
		c.marks = append(c.marks, mark{kind: markBoot, at: ev.Time, recordID: ev.RecordID, file: ev.Place.File, origin: origin})
	case kindWeakBoot:
		c.marks = append(c.marks, mark{kind: markWeakBoot, at: ev.Time, recordID: ev.RecordID, file: ev.Place.File, origin: origin})
	case kindSysmonState:
		if ev.Value(event.State).String() == "Started" {
			c.marks = append(c.marks, mark{kind: markWeakBoot, at: ev.Time, recordID: ev.RecordID, file: ev.Place.File, origin: origin})
		}
	case kindClock:
		c.clock(ev, origin)
	}
}

func (c *Collector) sysmonCreate(ev *event.Event, origin FacetID, counts *Counts) {
	counts.SysmonFields = max(counts.SysmonFields, len(ev.Fields()))
	pid, ok := ev.Value(event.ProcessID).Uint()
	parent, hasParent := ev.Value(event.ParentProcessID).Uint()
	image := c.facet(ev, sourceSysmon, FacetImage)
	guid, _ := ev.Value(event.ProcessGUID).GUID()
	if !ok || pid > 0xFFFFFFFF || !hasParent && ev.Value(event.Image).IsNull() {
		counts.Unusable++
		counts.UnusableCreate++
		return
	}
	if isShifted(ev, guid) {
		counts.Unusable++
		counts.UnusableCreate++
		counts.Shifted++
		return
	}
	r := c.blocks.next()
	*r = creation{
		created: ev.Time, recordID: ev.RecordID, offset: ev.Place.Offset, inChunk: uint32(ev.Place.Offset - ev.Place.Chunk),
		file: ev.Place.File, pid: uint32(pid), parentPID: uint32(parent), origin: origin, image: image, source: sourceSysmon, marks: ev.Marks,
		logon: c.facet(ev, sourceSysmon, FacetLogon), parent: c.facet(ev, sourceSysmon, FacetParent),
		commandLine:      c.text(ev, event.CommandLine),
		currentDirectory: c.text(ev, event.CurrentDirectory),
	}
	r.guid = guid
	r.parentGUID, _ = ev.Value(event.ParentProcessGUID).GUID()
	r.start = sysmonTime(ev, guid)
}

// isShifted reports whether the fields of a Sysmon 1 or 5 cannot be what they
// are called: an image without a folder, although it is known, beside a process
// GUID that does not hold the second in which the process began.
func isShifted(ev *event.Event, guid event.GUID) bool {
	image := ev.Value(event.Image)
	if guid.IsZero() || bytes.IndexByte(image.Data, '\\') >= 0 || bytes.IndexByte(image.Data, '/') >= 0 || !IsKnown(image.String()) {
		return false
	}
	start := guidStart(guid)
	at, ok := ev.Value(event.UtcTime).Time()
	sure := ok && at.Plausible()
	if !sure {
		at = ev.Time
	}
	switch {
	case ev.ID == 5: // the process began at any time before
		return !start.Plausible() || start > at+maxWriteDelay
	case sure:
		return abs(at-start) > sameStart
	}
	return abs(at-start) > maxWriteDelay
}

// sysmonTime returns when a process started or ended by Sysmon's own word,
// UtcTime: it is taken when it happened, TimeCreated when the service came to
// write it. It is believed if it agrees with the second in the process GUID
// (which never differs in undamaged events of a start), or, where that cannot
// be established, if it is near TimeCreated.
func sysmonTime(ev *event.Event, guid event.GUID) event.Time {
	t, ok := ev.Value(event.UtcTime).Time()
	if !ok || !t.Plausible() {
		return ev.Time
	}
	if seconds := t.UnixSeconds(); !guid.IsZero() && ev.ID == 1 {
		if d := seconds - int64(guid.Part2()); d >= -1 && d <= 1 {
			return t
		}
	}
	if d := ev.Time - t; d > -maxWriteDelay && d < maxWriteDelay {
		return t
	}
	return ev.Time
}

// maxWriteDelay is how far Sysmon's UtcTime and TimeCreated may lie apart
// without more proof (99 of 100 were measured within six minutes).
const maxWriteDelay = 10 * event.Minute

// isUnknown reports whether a value of an event is no text that is Known.
func isUnknown(text event.Value) bool {
	const longest = 64 // bytes of UTF-16 of what says nothing, with some room
	switch {
	case text.Type == event.TypeNull:
		return true
	case text.Type != event.TypeString || len(text.Data) > longest:
		return false
	}
	var buf [3 * longest / 2]byte
	return !IsKnown(string(event.AppendUTF16(buf[:0], text.Data)))
}

func (c *Collector) securityCreate(ev *event.Event, origin FacetID, counts *Counts) {
	bare := isUnknown(ev.Value(event.CommandLine))
	if bare {
		counts.NoCommandLine++
	}
	if isUnknown(ev.Value(event.ParentProcessName)) {
		counts.NoParentName++
	}
	pid, ok := ev.Value(event.NewProcessID).Uint()
	parent, hasParent := ev.Value(event.ProcessID).Uint()
	image := c.facet(ev, sourceSecurity, FacetImage)
	if !ok || pid > 0xFFFFFFFF || !hasParent && ev.Value(event.NewProcessName).IsNull() {
		counts.Unusable++
		counts.UnusableCreate++
		return
	}
	if isBooting(ev) {
		counts.Booting++
		if bare {
			counts.BootingBare++
		}
	}
	*c.blocks.next() = creation{
		start: ev.Time, created: ev.Time, recordID: ev.RecordID, offset: ev.Place.Offset,
		inChunk: uint32(ev.Place.Offset - ev.Place.Chunk),
		file:    ev.Place.File, pid: uint32(pid), parentPID: uint32(parent), origin: origin, image: image, source: sourceSecurity, marks: ev.Marks,
		logon: c.facet(ev, sourceSecurity, FacetLogon), parent: c.facet(ev, sourceSecurity, FacetParent),
		commandLine: c.text(ev, event.CommandLine),
	}
}

func (c *Collector) end(ev *event.Event, origin FacetID, counts *Counts, from source, image event.FieldID) {
	pid, ok := ev.Value(event.ProcessID).Uint()
	if !ok || pid > 0xFFFFFFFF {
		counts.Unusable++
		return
	}
	var guid event.GUID
	if from == sourceSysmon {
		if guid, _ = ev.Value(event.ProcessGUID).GUID(); isShifted(ev, guid) {
			counts.Unusable++
			counts.Shifted++
			return
		}
	}
	e := c.endings.next()
	*e = ending{
		at: ev.Time, created: ev.Time, recordID: ev.RecordID, pid: uint32(pid), file: ev.Place.File, origin: origin,
		image: c.text(ev, image), source: from, marks: ev.Marks,
	}
	if from == sourceSysmon {
		e.guid, e.at = guid, sysmonTime(ev, guid)
	}
}

func (c *Collector) clock(ev *event.Event, origin FacetID) {
	before, ok1 := ev.Value(event.PreviousTime).Time()
	if !ok1 {
		before, ok1 = ev.Value(event.OldTime).Time()
	}
	after, ok2 := ev.Value(event.NewTime).Time()
	if ok1 && ok2 {
		c.marks = append(c.marks, mark{kind: markClock, at: ev.Time, recordID: ev.RecordID, file: ev.Place.File, origin: origin, before: before, after: after})
	}
}

// origin returns the facet of where an event comes from and what it is.
func (c *Collector) origin(ev *event.Event) FacetID {
	last := &c.origins[ev.Key]
	if last.id != 0 && last.version == ev.Version &&
		bytes.Equal(last.computer, ev.Computer.Data) && bytes.Equal(last.channel, ev.Channel.Data) {
		return last.id
	}
	key := selected[ev.Key].key
	id := c.texts.facet([]fieldText{
		{event.Computer, c.render(ev.Computer)},
		{event.Channel, c.render(ev.Channel)},
		{event.ProviderName, c.texts.InternString(key.Provider)},
		{event.EventID, c.render(event.Value{Type: event.TypeUint16, Data: []byte{byte(key.ID), byte(key.ID >> 8)}})},
		{event.Version, c.render(event.Value{Type: event.TypeUint8, Data: []byte{ev.Version}})},
	})
	last.id, last.version = id, ev.Version
	last.computer = append(last.computer[:0], ev.Computer.Data...)
	last.channel = append(last.channel[:0], ev.Channel.Data...)
	return id
}

// facet returns the event's facet of a kind.
func (c *Collector) facet(ev *event.Event, from source, kind Facet) FacetID {
	fields := c.fields[from][kind]
	slot, hash, ok := c.facets[kind].find(ev, fields)
	if ok {
		return FacetID(slot.id)
	}
	c.entries = c.entries[:0]
	for _, f := range fields {
		if v := ev.Value(f); !v.IsNull() {
			c.entries = append(c.entries, fieldText{f, c.render(v)})
		}
	}
	c.derive(kind)
	id := c.texts.facet(c.entries)
	slot.keep(hash, ev, fields, uint32(id))
	return id
}

// text returns the number of a single value's text, 0 for an absent one.
func (c *Collector) text(ev *event.Event, field event.FieldID) TextID {
	if ev.Value(field).IsNull() {
		return 0
	}
	fields := c.alone[field : field+1]
	slot, hash, ok := c.single.find(ev, fields)
	if ok {
		return TextID(slot.id)
	}
	id := c.render(ev.Value(field))
	slot.keep(hash, ev, fields, uint32(id))
	return id
}

func (c *Collector) render(v event.Value) TextID {
	c.scratch = v.AppendText(c.scratch[:0])
	return c.texts.Intern(c.scratch)
}
