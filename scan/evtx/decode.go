package evtx

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"webshellscan/scan/event"
)

// Decoder decodes records into events. It keeps compiled template definitions
// from one chunk to the next. A Decoder is for one goroutine; a Reader has its
// own.
type Decoder struct {
	sel       *Selection
	templates templateCache
	pool      *TemplatePool // of other definitions, for one that is lost; nil if there is none

	ev      event.Event
	plain   template // the template-less document at hand
	queue   []document
	vals    []valueSpec
	arena   []byte // UTF-16LE text that had to be put together for ev
	scratch []byte
	lister  lister
	gate    event.Gate // nil: all that is selected is wanted
	preview event.Preview
	// plainLooks are those of the gate at records without a template, by
	// computer in UTF-16LE and Event.Key.
	plainLooks map[string]map[int]*plainLook
	// unlisted is set if the event at hand was selected without its lists.
	unlisted bool

	// The provider asked for last, since it is mostly the next one too, and
	// what was asked for before.
	providerName []byte
	provider     *selectedProvider
	providers    map[string]*selectedProvider

	// Of the record at hand.
	outer  *template // of its own instance, nil if it has none
	end    int       // of its BinXML, from the chunk's start
	jumped int       // bytes that its BinXML steps over
	misfit bool      // a definition in it has another length than it states
	halves bool      // a text of it has half a surrogate pair

	// checkInstance, if not nil, checks a template instance whose values
	// are in vals. substituted is what it has counted.
	checkInstance func(*template, document) error
	substituted   int

	// needs, if not nil, collects what records need of their chunk. alone
	// says that it is all that a record needs besides itself.
	needs *chunkNeeds
	alone bool
}

// NewDecoder returns a Decoder of what sel selects.
func NewDecoder(sel *Selection) *Decoder {
	return &Decoder{
		sel:       sel,
		templates: templateCache{sel: sel, byKey: make(map[templateKey]*variants), build: compiler{lists: sel.lists, wanted: sel.fields}},
		lister:    lister{on: sel.lists},
	}
}

// document is a stretch of BinXML that is still to be read: a record's, or a
// value's of type BinXML within it.
type document struct {
	pos, end int // from the chunk's start
	place    place
	depth    int  // of BinXML values within each other
	unused   bool // what it holds is no part of the event
}

// maxDocuments bounds how many of them a record may have; real ones have two.
const maxDocuments = 64

// valueSpec is one entry of an instance's value spec.
type valueSpec struct {
	off  int // of the value's bytes, from the chunk's start
	size uint16
	typ  event.ValueType
}

// fillTime sets the time of the event at hand to that of the record's header
// where it has no plausible one, and reports whether it has one.
func (d *Decoder) fillTime(c *chunkWalk, off int) bool {
	if d.ev.Time.Plausible() {
		return true
	}
	if t := event.Time(binary.LittleEndian.Uint64(c.data[off+16:])); t.Plausible() {
		d.ev.Time, d.ev.TimeFromHeader = t, true
	}
	return false
}

// decode reads the record at off into the reader's event, and reports whether
// it was selected. An event that was not is read no further than its System
// values.
func (d *Decoder) decode(c *chunkWalk, off, size int) (selected bool, err error) {
	ev := &d.ev
	ev.Reset()
	d.arena = d.arena[:0]
	d.outer, d.jumped, d.misfit, d.halves, d.unlisted = nil, 0, false, false, false
	ev.Place = event.Place{Offset: c.base + int64(off), Chunk: c.base, HeaderID: recordID(c.data, off)}
	d.queue = append(d.queue[:0], document{pos: off + recordHead, end: off + size - recordTail})
	if d.lister.on {
		d.lister.begin()
	}
	for i := 0; i < len(d.queue); i++ {
		if i >= maxDocuments || d.queue[i].depth > maxEmbedded {
			return selected, ErrBudget
		}
		d.lister.open(i)
		if err := d.document(c, d.queue[i]); err != nil {
			if d.queue[i].place != inOther {
				return selected, err
			}
			if !d.queue[i].unused {
				d.lister.drop() // the value is given as it is
				d.ev.Damaged++
			}
		}
		if i > 0 {
			continue
		}
		if ev.RecordID == 0 {
			ev.RecordID = ev.Place.HeaderID
		}
		if ev.Key, selected = d.selected(); !selected {
			break
		}
		d.unlisted = ev.Key < d.sel.unlisted
	}
	if selected && d.lister.on && !d.unlisted {
		d.finishList(0)
	}
	return selected, nil
}

// selected reports whether the event whose System values have been read was
// selected, and as which key.
func (d *Decoder) selected() (int, bool) {
	if d.ev.Provider.Type == event.TypeString && (d.sel.wholeProvider || d.sel.hasID(d.ev.ID)) {
		if key, ok := d.selectedBy(d.ev.Provider.Data, d.ev.ID); ok {
			return key, true
		}
	}
	if len(d.sel.channels) > 0 && d.ev.Channel.Type == event.TypeString {
		return d.sel.channel(d.ev.Channel.Data)
	}
	return 0, false
}

// selectedBy returns the number of what selects events of a provider and ID,
// and whether they are selected.
func (d *Decoder) selectedBy(name []byte, id uint16) (int, bool) {
	if !bytes.Equal(name, d.providerName) || d.providerName == nil {
		d.providerName = append(d.providerName[:0], name...)
		d.provider = d.findProvider(name)
	}
	return d.provider.key(id)
}

// findProvider returns what is selected of a provider of the given UTF-16LE
// name.
func (d *Decoder) findProvider(name []byte) *selectedProvider {
	p, known := d.providers[string(name)]
	if !known {
		p = d.sel.provider(name)
		if d.providers == nil || len(d.providers) == maxProviders {
			d.providers = make(map[string]*selectedProvider)
		}
		if len(name) <= maxProviderName {
			d.providers[string(name)] = p
		}
	}
	return p
}

// Bounds of the providers that a Decoder remembers: Windows has some 1,200.
const (
	maxProviders    = 1 << 11
	maxProviderName = 512 // bytes
)

// document reads one document into the event.
func (d *Decoder) document(c *chunkWalk, doc document) error {
	cur := cursor{data: c.data, pos: doc.pos, end: doc.end}
	found := false
	for cur.pos < cur.end {
		at := cur.pos
		switch token := cur.uint8(); token {
		case event.TokenEOF:
			if !found && doc.depth == 0 {
				return ErrToken
			}
			d.setEnd(doc, cur.pos)
			return nil
		case event.TokenFragmentHeader:
			cur.skip(3)
		case event.TokenPITarget:
			cur.name()
		case event.TokenPIData:
			d.jumped += len(cur.text()) // no event begins so; 3gstudent's tool hides records in it
		case event.TokenTemplateInstance:
			t, err := d.instance(&cur, doc.place)
			if err != nil {
				return err
			}
			if doc.depth == 0 {
				d.outer = t
			}
			if d.checkInstance != nil {
				if err := d.checkInstance(t, doc); err != nil {
					return err
				}
			}
			d.fill(t, c.data, doc)
			found = true
		case event.TokenOpenElement, event.TokenOpenElement | event.MoreFollows:
			d.alone = false // its names may stand anywhere
			if err := d.templates.build.record(&d.plain, c.data, at, doc.end, doc.place); err != nil {
				return err
			}
			d.vals = d.vals[:0]
			d.fill(&d.plain, c.data, doc)
			d.setEnd(doc, d.templates.build.cur.pos)
			return nil
		default:
			return ErrToken
		}
		if cur.err != nil {
			return cur.err
		}
	}
	if !found && doc.depth == 0 {
		return ErrTruncated
	}
	d.setEnd(doc, cur.pos)
	return nil
}

// setEnd records where a document ends, if it is the record's own.
func (d *Decoder) setEnd(doc document, pos int) {
	if doc.depth == 0 {
		d.end = pos
	}
}

// instance reads a template instance whose token has been read: its definition,
// and its values into r.vals.
func (d *Decoder) instance(cur *cursor, at place) (*template, error) {
	cur.skip(1)
	id, offset := cur.uint32(), cur.uint32()
	if cur.err != nil {
		return nil, cur.err
	}
	t, err := d.templates.find(cur.data, offset, id, at)
	if d.needs != nil && err == nil {
		d.needTemplate(t, cur.data, int(offset))
	}
	if d.pool != nil {
		other := d.pool.find(id, at)
		switch {
		case other != nil && (err != nil || d.templates.unsure && d.pool.contradicts(other, t)):
			return d.substitute(cur, int(offset), other.template)
		case err != nil && t != nil && t.suspect:
			d.ev.Damaged++ // better than nothing
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	if int(offset) == cur.pos {
		consumed := cur.pos + definitionHead + int(t.consumed)
		declared := int64(cur.pos) + definitionHead + int64(t.length)
		if declared != int64(consumed) && d.values(cur.data, consumed, cur.end) != nil && declared <= int64(cur.end) {
			d.jumped += int(declared) - consumed
			consumed = int(declared)
		} else if declared < int64(consumed) || declared > int64(cur.end) {
			d.misfit = true // of one that is too long within the record, surplus tells
		}
		cur.pos = consumed
	}
	if err := d.values(cur.data, cur.pos, cur.end); err != nil {
		return nil, err
	}
	cur.pos += 4 + 4*len(d.vals)
	for _, v := range d.vals {
		cur.pos += int(v.size)
	}
	return t, nil
}

// values reads the value spec at pos: a count, then size (u16), type (u8) and
// a spare byte of each value. The values follow in the same order; one of type
// NULL may have a size.
func (d *Decoder) values(data []byte, pos, end int) error {
	le := binary.LittleEndian
	if end-pos < 4 {
		return ErrTruncated
	}
	count := le.Uint32(data[pos:])
	if count > maxValues {
		return ErrBudget
	}
	if end-pos < 4+4*int(count) {
		return ErrSize
	}
	spec := data[pos+4 : pos+4+4*int(count)]
	at := pos + 4 + len(spec)
	d.vals = d.vals[:0]
	for ; len(spec) > 0; spec = spec[4:] {
		v := valueSpec{at, le.Uint16(spec), event.ValueType(spec[2])}
		if int(v.size) > end-at {
			return ErrSize
		}
		d.vals = append(d.vals, v)
		at += int(v.size)
	}
	return nil
}

// fill sets the fields of the event from the values, as the template has them.
func (d *Decoder) fill(t *template, data []byte, doc document) {
	if doc.depth == 0 {
		d.fillSystem(t, data)
		d.chooseLists()
	}
	for i := range t.items {
		it := &t.items[i]
		field := it.field
		if it.name.kind != sourceNone {
			name := d.resolve(t, it.name, data).Data
			field = lookUpName(name).field()
		}
		if field == event.FieldNone {
			continue
		}
		v := d.resolve(t, it.value, data)
		if v.IsNull() {
			continue
		}
		if v.Type == event.TypeString && hasHalfPair(v.Data) {
			d.halves = true
		}
		d.ev.Set(field, v)
	}
	var embedded [maxEmbedded]int
	for i, e := range t.embeds {
		if int(e.index) >= len(d.vals) {
			continue
		}
		if v := d.vals[e.index]; v.typ == event.TypeBinXML && v.size > 0 {
			embedded[i] = len(d.queue)
			d.queue = append(d.queue, document{v.off, v.off + int(v.size), e.place, doc.depth + 1, false})
		}
	}
	if d.lister.on && !d.unlisted && d.checkInstance == nil {
		d.list(t, data, doc, &embedded)
	}
	d.checkValues(data, doc)
}

// chooseLists finds out by the System values whether the event's lists are
// wanted: those of process events, of which a log may have nothing else, are
// not, and took a tenth of their decoding.
func (d *Decoder) chooseLists() {
	if d.lister.on {
		key, selected := d.selected()
		d.unlisted = !selected || key < d.sel.unlisted
	}
}

// checkValues counts the values at hand that cannot be of their types, and has
// BinXML in them read that is no part of the event: it may be nested without
// end.
func (d *Decoder) checkValues(data []byte, doc document) {
	for i := range d.vals {
		v := &d.vals[i]
		if fit := &sizesOf[v.typ]; v.size&fit.mask == fit.size {
			continue
		}
		switch {
		case v.typ == event.TypeBinXML:
			if v.size > 0 && !d.queued(v.off) {
				d.queue = append(d.queue, document{v.off, v.off + int(v.size), inOther, doc.depth + 1, true})
			}
		case !(event.Value{Type: v.typ, Data: data[v.off : v.off+int(v.size)]}).Valid():
			d.ev.Damaged++
		}
	}
}

// sizesOf holds, by type, what a look at the size of a value shows: those bits
// of it that are in mask are size if the value is valid. Nothing has a size of
// 1 by a mask of 0: such values need more than a look.
var sizesOf = func() (table [256]struct{ mask, size uint16 }) {
	for i := range table {
		typ := event.ValueType(i)
		fit := &table[i]
		switch fixed := typ.FixedSize(); {
		case fixed != 0:
			fit.mask, fit.size = 1<<16-1, uint16(fixed)
		case typ == event.TypeString:
			fit.mask = 1
		case typ != event.TypeNull && typ != event.TypeANSI && typ != event.TypeBinary:
			fit.size = 1
		}
	}
	return table
}()

// queued reports whether the document at an offset will be read.
func (d *Decoder) queued(off int) bool {
	return slices.ContainsFunc(d.queue, func(doc document) bool { return doc.pos == off })
}

// fillSystem sets the System values. Those that a record's kind depends on must
// be there; the rest may be missing.
func (d *Decoder) fillSystem(t *template, data []byte) {
	ev := &d.ev
	ev.Provider = d.resolve(t, t.system[sysProvider], data)
	ev.Channel = d.resolve(t, t.system[sysChannel], data)
	ev.Computer = d.resolve(t, t.system[sysComputer], data)
	if id, ok := d.resolve(t, t.system[sysEventID], data).Uint(); ok && id <= 0xFFFF {
		ev.ID = uint16(id)
	}
	if version, ok := d.resolve(t, t.system[sysVersion], data).Uint(); ok && version <= 0xFF {
		ev.Version = uint8(version)
	}
	ev.Time, _ = d.resolve(t, t.system[sysTime], data).Time()
	ev.RecordID, _ = d.resolve(t, t.system[sysRecordID], data).Uint()
}

// resolve returns the value that a source stands for: a view into the chunk or
// the template, or, of several pieces, text put together in the arena.
func (d *Decoder) resolve(t *template, s textSource, data []byte) event.Value {
	switch s.kind {
	case sourceLiteral:
		return event.Value{Type: event.TypeString, Data: t.text(s.text)}
	case sourceSubstitution:
		if int(s.index) >= len(d.vals) {
			d.ev.Damaged++
			return event.Value{}
		}
		v := d.vals[s.index]
		if v.typ == event.TypeNull {
			return event.Value{}
		}
		return event.Value{Type: v.typ, Data: data[v.off : v.off+int(v.size) : v.off+int(v.size)]}
	case sourceMixed:
		return d.join(t, s, data)
	}
	return event.Value{}
}

// join joins the pieces of a text.
func (d *Decoder) join(t *template, s textSource, data []byte) event.Value {
	start := len(d.arena)
	for i := s.index; ; {
		p := &t.parts[i]
		if p.kind == sourceNone {
			d.arena = binary.LittleEndian.AppendUint16(d.arena, p.char)
		} else {
			d.appendText(d.resolve(t, p.textSource, data))
		}
		if len(d.arena)-start > 2*maxFieldText {
			d.arena = d.arena[:start+2*maxFieldText]
			d.ev.Damaged++
			break
		}
		if i = p.next; i == 0 {
			break
		}
	}
	end := len(d.arena)
	return event.Value{Type: event.TypeString, Data: d.arena[start:end:end]}
}

// appendText appends a value's text to the arena as UTF-16LE.
func (d *Decoder) appendText(v event.Value) {
	if v.Type == event.TypeString {
		b := v.Data
		for len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
			b = b[:len(b)-2]
		}
		d.arena = append(d.arena, b[:len(b)&^1]...)
		return
	}
	d.scratch = v.AppendText(d.scratch[:0])
	for text := d.scratch; len(text) > 0; {
		char, n := utf8.DecodeRune(text)
		text = text[n:]
		var units [2]uint16
		for _, unit := range utf16.AppendRune(units[:0], char) {
			d.arena = binary.LittleEndian.AppendUint16(d.arena, unit)
		}
	}
}
