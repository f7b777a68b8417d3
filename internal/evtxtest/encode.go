package evtxtest

// encode writes the BinXML of w.event.
func (w *Writer) encode(b *Builder) {
	ev := w.event
	shape := w.options.shapeOf(ev)
	b.FragmentHeader()
	if shape == ShapePlain {
		p := plainWriter{
			Builder: b, entities: w.options.Entities, form: ev.Text, recordID: w.recordID,
		}
		p.event(ev)
		b.EOF()
		return
	}
	outer := w.outer(ev, shape)
	if ev.Payload.Form != FormRaw {
		w.inner = w.innerTemplate(&ev.Payload)
	}
	b.Instance(outer, w.outerValues(ev, shape)...)
	b.EOF()
}

// outer returns the outer template of ev.
func (w *Writer) outer(ev *Event, shape Shape) *Template {
	t := outerTemplate{
		shape: shape, provider: ev.Provider, channel: ev.Channel, computer: ev.Computer,
		userData: ev.Payload.Form == FormUserData,
	}
	w.key = t.key(w.key[:0])
	if !ev.TemplateGUID.IsZero() {
		w.key = append(w.key, ev.TemplateGUID[:]...)
	}
	if known, ok := w.templates[string(w.key)]; ok {
		return known
	}
	guid := ev.TemplateGUID
	if guid.IsZero() {
		guid = derivedGUID(w.key)
	}
	kept := t // so that t itself need not be allocated for every record
	made := &Template{guid, kept.write}
	w.templates[string(w.key)] = made
	return made
}

// innerTemplate returns the template of the payload.
func (w *Writer) innerTemplate(p *Payload) *Template {
	w.key = p.key(w.key[:0])
	if !p.TemplateGUID.IsZero() {
		w.key = append(w.key, p.TemplateGUID[:]...)
	}
	if known, ok := w.templates[string(w.key)]; ok {
		return known
	}
	guid := p.TemplateGUID
	switch {
	case !guid.IsZero():
	case p.Form == FormClassic:
		guid = classicTemplate
	default:
		guid = derivedGUID(w.key)
	}
	made := p.template(guid)
	w.templates[string(w.key)] = made
	return made
}

// outerValues returns the outer substitution array.
func (w *Writer) outerValues(ev *Event, shape Shape) []Value {
	qualifiers, activity, user, related := Null(0), Null(0), Null(0), Null(0)
	if shape == ShapeManifest && w.buffered(ev) {
		qualifiers, activity = Null(2), Null(16)
	}
	if ev.HasQualifiers {
		qualifiers = Uint16(ev.Qualifiers)
	}
	if !ev.ActivityID.IsZero() {
		activity = GUIDValue(ev.ActivityID)
	}
	if ev.UserID != nil {
		user = SIDValue(ev.UserID)
	}
	if !ev.RelatedActivityID.IsZero() {
		related = GUIDValue(ev.RelatedActivityID)
	}
	v := append(w.values[:0],
		Uint8(ev.Level), Uint8(ev.Opcode), Uint16(ev.Task), Uint16(ev.ID),
		qualifiers, Hex64(ev.Keywords), Time(ev.Time), activity,
		Uint32(ev.ProcessID), Uint32(ev.ThreadID), Uint64(w.recordID), Uint8(ev.Version), user)
	if shape == ShapeProvider {
		v = append(v, Null(0), Null(0), Null(0), Null(0), Null(0), related, w.payload)
	} else {
		v = append(v, related, String(ev.Provider.Name), GUIDValue(ev.Provider.GUID), String(ev.Channel), w.payload)
	}
	w.values = v
	return v
}

// buffered reports whether a manifest record of ev has the form ValueBuffer.
func (w *Writer) buffered(ev *Event) bool {
	if ev.Values != ValueAuto {
		return ev.Values == ValueBuffer
	}
	return w.options.Style == StyleLive || w.options.Style == StyleArchived
}

// writePayload writes the embedded BinXML value.
func (w *Writer) writePayload(b *Builder) {
	p := &w.event.Payload
	if p.Form == FormRaw {
		p.Raw(b)
		return
	}
	buffered := w.buffered(w.event) && w.options.shapeOf(w.event) == ShapeManifest
	if !buffered {
		b.FragmentHeader()
	}
	w.fields = p.values(w.fields[:0])
	b.terminate = buffered
	b.Instance(w.inner, w.fields...)
	b.terminate = false
	b.EOF()
}
