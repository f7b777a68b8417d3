package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unicode/utf16"
	"unicode/utf8"

	"webshellscan/scan/event"
)

// document is a stretch of BinXML that is still to be read: a record's, or a
// value's of type BinXML within it.
type document struct {
	pos, end int // from the chunk's start
	place    place
	depth    int // of BinXML values within each other
}

// maxDocuments bounds how many of them a record may have; real ones have two.
const maxDocuments = 64

// value is one entry of an instance's value spec.
type value struct {
	off  int // of the value's bytes, from the chunk's start
	size uint16
	typ  event.ValueType
}

// careful reads a live record whole. If it was selected the event goes to the
// caller; what is wrong with it goes there too.
func (r *Reader) careful(c *chunk, off, size int, marks event.Marks) {
	selected, err := r.decode(c, off, size)
	if err != nil {
		c.forget()
		r.lost(c, off, size, marks, err)
		return
	}
	ev := &r.ev
	ev.Marks |= marks
	if !r.mendTime(c, off) {
		r.recordFault(c, off, TimeImplausible, "System/TimeCreated", ErrHeader)
	}
	r.countHost()
	r.saw(c, off, ev.Time)
	if r.outer == nil {
		c.forget() // a forwarded event's time is that of another clock
	}
	end, jumped := r.end, r.jumped
	if !r.putAside(c, off, size, marks) && selected {
		r.give(c, off)
	}
	if jumped > 0 {
		r.fault(&FormatError{
			Class: RecordHidden, What: "data that is jumped over in a record", Offset: c.base + int64(off),
			RecordID: recordID(c.data, off), Have: int64(jumped), From: c.lastTime, To: r.timeAt(c, off+size), Err: ErrHidden,
		})
	}
	if marks&event.MarkHidden == 0 {
		r.surplus(c, off, end, off+size)
	}
}

// mendTime takes the time of the record's header where the event at hand has
// none that can be, and reports whether it has one.
func (r *Reader) mendTime(c *chunk, off int) bool {
	if r.ev.Time.Plausible() {
		return true
	}
	if t := event.Time(binary.LittleEndian.Uint64(c.data[off+16:])); t.Plausible() {
		r.ev.Time, r.ev.TimeFromHeader = t, true
	}
	return false
}

// decode reads the record at off into the reader's event, and reports whether it
// was selected. An event that was not is read no further than its System values.
func (r *Reader) decode(c *chunk, off, size int) (selected bool, err error) {
	ev := &r.ev
	ev.Reset()
	r.arena = r.arena[:0]
	r.outer, r.jumped = nil, 0
	ev.Place = event.Place{Offset: c.base + int64(off), Chunk: c.base, HeaderID: recordID(c.data, off)}
	r.queue = append(r.queue[:0], document{pos: off + recordHead, end: off + size - recordTail})
	if r.lister.on {
		r.lister.begin()
	}
	for i := 0; i < len(r.queue); i++ {
		if i >= maxDocuments || r.queue[i].depth > maxEmbedded {
			return selected, ErrBudget
		}
		r.lister.open(i)
		if err := r.document(c, r.queue[i]); err != nil {
			if r.queue[i].place != inOther {
				return selected, err
			}
			r.lister.drop() // the value is given as it is
			r.ev.Damaged++
		}
		if i > 0 {
			continue
		}
		if ev.RecordID == 0 {
			ev.RecordID = ev.Place.HeaderID
		}
		if ev.Key, selected = r.selected(); !selected {
			break
		}
	}
	if selected && r.lister.on {
		r.finishList(0)
	}
	return selected, nil
}

// give hands the event at hand to the caller.
func (r *Reader) give(c *chunk, off int) {
	r.stats.Selected++
	if r.ev.Damaged > 0 {
		r.recordFault(c, off, FieldDamaged, "value", ErrSize)
	}
	r.emit(&r.ev, nil)
}

// saw compares a live record's time with that of the record before it and with
// the time in the headers of both.
func (r *Reader) saw(c *chunk, off int, t event.Time) {
	header := event.Time(binary.LittleEndian.Uint64(c.data[off+16:]))
	switch {
	case header == t:
		c.ownTimes++
	case c.lastHeader == t && t != 0:
		c.nextTimes++
	}
	c.lastHeader = header
	if uint64(t) <= uint64(c.lastTime)-1 { // also if there is no last one
		c.widen(t)
	}
	if t < c.lastTime-maxDisorder && t.Plausible() {
		r.fault(&FormatError{
			Class: TimeBackwards, What: "record", Offset: c.base + int64(off), RecordID: recordID(c.data, off),
			From: c.lastTime, To: t, Err: ErrOrder,
		})
	}
	c.lastTime = t
}

// widen widens the span of the chunk's times by a time that is earlier than the
// last one, and by that.
func (c *chunk) widen(t event.Time) {
	for _, t := range [...]event.Time{t, c.lastTime} {
		if !t.Plausible() {
			continue
		}
		if t < c.earliest || c.earliest == 0 {
			c.earliest = t
		}
		c.latest = max(c.latest, t)
	}
}

// forget makes the last record's time one that cannot be compared.
func (c *chunk) forget() {
	c.widen(c.lastTime)
	c.lastTime = 0
}

// maxDisorder is how far the times of records may run against the order of
// their identifiers: events are numbered when they are written, some time after
// they happened.
const maxDisorder = event.Minute

// lost counts a record that cannot be read. If it is its definition that is
// lost, it is put aside: another chunk or file may have the definition.
func (r *Reader) lost(c *chunk, off, size int, marks event.Marks, err error) {
	if errors.Is(err, ErrTemplate) && r.donors == nil && len(r.orphans) < maxOrphans {
		r.orphans = append(r.orphans, Orphan{c.base + int64(off), c.base, uint32(size), marks, false})
		return
	}
	if r.putAside(c, off, size, marks) {
		r.orphans[len(r.orphans)-1].counted = false
		return
	}
	if marks.Has(event.MarkRecovered) {
		r.stats.Discarded++
		return
	}
	r.stats.Lost++
	class := RecordBad
	switch {
	case errors.Is(err, ErrBudget):
		class = BudgetExceeded
	case errors.Is(err, ErrTemplate):
		class = TemplateLost
	}
	r.recordFault(c, off, class, "record", err)
}

func (r *Reader) recordFault(c *chunk, off int, class Class, what string, err error) {
	r.fault(&FormatError{Class: class, What: what, Offset: c.base + int64(off), RecordID: recordID(c.data, off), Err: err})
}

// selected reports whether the event whose System values have been read was
// selected, and as which key.
func (r *Reader) selected() (int, bool) {
	if r.ev.Provider.Type == event.TypeString && (r.sel.wholeProvider || r.sel.hasID(r.ev.ID)) {
		if key, ok := r.selectedBy(); ok {
			return key, true
		}
	}
	if len(r.sel.channels) > 0 && r.ev.Channel.Type == event.TypeString {
		return r.sel.channel(r.ev.Channel.Data)
	}
	return 0, false
}

// selectedBy is selected by the event's provider.
func (r *Reader) selectedBy() (int, bool) {
	if name := r.ev.Provider.Data; !bytes.Equal(name, r.providerName) || r.providerName == nil {
		r.providerName = append(r.providerName[:0], name...)
		r.provider = r.sel.provider(name)
	}
	return r.provider.key(r.ev.ID)
}

// document reads one document into the event.
func (r *Reader) document(c *chunk, doc document) error {
	cur := cursor{data: c.data, pos: doc.pos, end: doc.end}
	found := false
	for cur.pos < cur.end {
		at := cur.pos
		switch token := cur.uint8(); token {
		case tokenEOF:
			if !found && doc.depth == 0 {
				return ErrToken
			}
			r.ended(doc, cur.pos)
			return nil
		case tokenFragmentHeader:
			cur.skip(3)
		case tokenPITarget:
			cur.name()
		case tokenPIData:
			r.jumped += len(cur.text()) // no event begins so; 3gstudent's tool hides records in it
		case tokenTemplateInstance:
			t, err := r.instance(&cur, doc.place)
			if err != nil {
				return err
			}
			if doc.depth == 0 {
				r.outer = t
			}
			if r.whole {
				if err := r.vet(t, doc); err != nil {
					return err
				}
			}
			r.fill(t, c.data, doc)
			found = true
		case tokenOpenElement, tokenOpenElement | moreFollows:
			if err := r.templates.build.record(&r.plain, c.data, at, doc.end, doc.place); err != nil {
				return err
			}
			r.vals = r.vals[:0]
			r.fill(&r.plain, c.data, doc)
			r.ended(doc, r.templates.build.cur.pos)
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
	r.ended(doc, cur.pos)
	return nil
}

// ended notes where a document ends, if it is the record's own.
func (r *Reader) ended(doc document, pos int) {
	if doc.depth == 0 {
		r.end = pos
	}
}

// instance reads a template instance whose token has been read: its definition,
// and its values into r.vals.
func (r *Reader) instance(cur *cursor, at place) (*template, error) {
	cur.skip(1)
	id, offset := cur.uint32(), cur.uint32()
	if cur.err != nil {
		return nil, cur.err
	}
	t, err := r.templates.find(cur.data, offset, id, at)
	if r.donors != nil {
		lender := r.donors.find(id, at)
		switch {
		case lender != nil && (err != nil || r.templates.unsure && r.donors.contradict(lender, t)):
			return r.borrow(cur, int(offset), lender.template)
		case err != nil && t != nil && t.suspect:
			r.ev.Damaged++ // better than nothing
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	if int(offset) == cur.pos {
		consumed := cur.pos + definitionHead + int(t.consumed)
		declared := int64(cur.pos) + definitionHead + int64(t.length)
		if declared != int64(consumed) && r.values(cur.data, consumed, cur.end) != nil && declared <= int64(cur.end) {
			r.jumped += int(declared) - consumed
			consumed = int(declared)
		}
		cur.pos = consumed
	}
	if err := r.values(cur.data, cur.pos, cur.end); err != nil {
		return nil, err
	}
	cur.pos += 4 + 4*len(r.vals)
	for _, v := range r.vals {
		cur.pos += int(v.size)
	}
	return t, nil
}

// values reads the value spec at pos: a count, then size (u16), type (u8) and
// a spare byte of each value. The values follow in the same order; one of type
// NULL may have a size.
func (r *Reader) values(data []byte, pos, end int) error {
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
	r.vals = r.vals[:0]
	for ; len(spec) > 0; spec = spec[4:] {
		v := value{at, le.Uint16(spec), event.ValueType(spec[2])}
		if int(v.size) > end-at {
			return ErrSize
		}
		r.vals = append(r.vals, v)
		at += int(v.size)
	}
	return nil
}

// fill takes what the template says out of the values into the event.
func (r *Reader) fill(t *template, data []byte, doc document) {
	if doc.depth == 0 {
		r.fillSystem(t, data)
	}
	for i := range t.items {
		it := &t.items[i]
		field := it.field
		if it.name.kind != sourceNone {
			name := r.resolve(t, it.name, data).Data
			field = lookUpName(name).field()
		}
		if field == event.FieldNone {
			continue
		}
		v := r.resolve(t, it.value, data)
		if v.IsNull() {
			continue
		}
		if !v.Valid() {
			r.ev.Damaged++
		}
		r.ev.Set(field, v)
	}
	var embedded [maxEmbedded]int
	for i, e := range t.embeds {
		if int(e.index) >= len(r.vals) {
			continue
		}
		if v := r.vals[e.index]; v.typ == event.TypeBinXML && v.size > 0 {
			embedded[i] = len(r.queue)
			r.queue = append(r.queue, document{v.off, v.off + int(v.size), e.place, doc.depth + 1})
		}
	}
	if r.lister.on && !r.whole {
		r.list(t, data, doc, &embedded)
	}
}

// fillSystem takes the System values. What a record's kind hangs on must be
// there; the rest may be missing.
func (r *Reader) fillSystem(t *template, data []byte) {
	ev := &r.ev
	ev.Provider = r.resolve(t, t.system[sysProvider], data)
	ev.Channel = r.resolve(t, t.system[sysChannel], data)
	ev.Computer = r.resolve(t, t.system[sysComputer], data)
	if id, ok := r.resolve(t, t.system[sysEventID], data).Uint(); ok && id <= 0xFFFF {
		ev.ID = uint16(id)
	}
	if version, ok := r.resolve(t, t.system[sysVersion], data).Uint(); ok && version <= 0xFF {
		ev.Version = uint8(version)
	}
	ev.Time, _ = r.resolve(t, t.system[sysTime], data).Time()
	ev.RecordID, _ = r.resolve(t, t.system[sysRecordID], data).Uint()
}

// countHost counts the record at hand for its host and channel.
func (r *Reader) countHost() {
	ev, t := &r.ev, r.outer
	live := !ev.Marks.Has(event.MarkRecovered)
	if live && t != nil && !t.borrowed && t.system[sysComputer].kind == sourceLiteral && t.system[sysChannel].kind != sourceMixed {
		channel := ev.Channel
		if t.system[sysChannel].kind == sourceLiteral {
			channel = event.Value{}
		}
		r.use(t, ev.Time, channel)
		return
	}
	if live {
		r.stats.saw(ev.Time)
		if origin := r.origin(ev.Computer.Data, ev.Channel); origin != nil {
			origin.count(ev.Time)
		}
	}
	if ev.Computer.Type == event.TypeString {
		r.scratch = event.AppendUTF16(r.scratch[:0], ev.Computer.Data)
		host, ok := r.hosts[string(r.scratch)]
		if !ok {
			host = string(r.scratch)
			if len(r.hosts) < maxHosts {
				r.hosts[host] = host
			}
		}
		n := 0 // no live record, but the host is one of the log's
		if live {
			n = 1
		}
		r.stats.sawHost(host, n)
	}
}

// resolve returns the value that a source stands for: a view into the chunk or
// the template, or, of several pieces, text put together in the arena.
func (r *Reader) resolve(t *template, s source, data []byte) event.Value {
	switch s.kind {
	case sourceLiteral:
		return event.Value{Type: event.TypeString, Data: t.text(s.text)}
	case sourceSubstitution:
		if int(s.index) >= len(r.vals) {
			r.ev.Damaged++
			return event.Value{}
		}
		v := r.vals[s.index]
		if v.typ == event.TypeNull {
			return event.Value{}
		}
		return event.Value{Type: v.typ, Data: data[v.off : v.off+int(v.size) : v.off+int(v.size)]}
	case sourceMixed:
		return r.join(t, s, data)
	}
	return event.Value{}
}

// join puts the pieces of a text together.
func (r *Reader) join(t *template, s source, data []byte) event.Value {
	start := len(r.arena)
	for i := s.index; ; {
		p := &t.parts[i]
		if p.kind == sourceNone {
			r.arena = binary.LittleEndian.AppendUint16(r.arena, p.char)
		} else {
			r.appendText(r.resolve(t, p.source, data))
		}
		if len(r.arena)-start > 2*maxFieldText {
			r.arena = r.arena[:start+2*maxFieldText]
			r.ev.Damaged++
			break
		}
		if i = p.next; i == 0 {
			break
		}
	}
	end := len(r.arena)
	return event.Value{Type: event.TypeString, Data: r.arena[start:end:end]}
}

// appendText appends a value's text to the arena as UTF-16LE.
func (r *Reader) appendText(v event.Value) {
	if v.Type == event.TypeString {
		b := v.Data
		for len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
			b = b[:len(b)-2]
		}
		r.arena = append(r.arena, b[:len(b)&^1]...)
		return
	}
	r.scratch = v.AppendText(r.scratch[:0])
	for text := r.scratch; len(text) > 0; {
		char, n := utf8.DecodeRune(text)
		text = text[n:]
		var units [2]uint16
		for _, unit := range utf16.AppendRune(units[:0], char) {
			r.arena = binary.LittleEndian.AppendUint16(r.arena, unit)
		}
	}
}
