package evtxtest

// classicTemplate is the GUID of the definition that all classic events share,
// as Windows 10 has it.
var classicTemplate = MustGUID("4329D877-D8D5-512D-EC99-201A0FD92FC7")

// key appends what identifies the payload's definition: names and declared
// types.
func (p *Payload) key(dst []byte) []byte {
	dst = append(dst, 0xFF, byte(p.Form))
	if p.Form == FormClassic {
		return dst
	}
	dst = append(append(dst, p.Element...), 0)
	dst = append(append(dst, p.Namespace...), 0)
	dst = append(append(dst, p.AutoNamespace...), 0)
	if p.Binary != nil {
		dst = append(dst, 1)
	}
	for i := range p.Fields {
		f := &p.Fields[i]
		dst = append(dst, byte(f.Value.declared()))
		dst = append(append(dst, f.Name...), 0)
	}
	return dst
}

// template returns the payload's definition. It keeps nothing of p but copies
// of names and types.
func (p *Payload) template(guid GUID) *Template {
	names := make([]string, len(p.Fields))
	types := make([]ValueType, len(p.Fields))
	for i := range p.Fields {
		names[i], types[i] = p.Fields[i].Name, p.Fields[i].Value.declared()
	}
	switch p.Form {
	case FormClassic:
		return &Template{guid, writeClassic}
	case FormUserData:
		element, namespace, auto := p.Element, p.Namespace, p.AutoNamespace
		return &Template{guid, func(b *Builder) {
			startUserData(b, element, namespace, auto)
			for i, name := range names {
				b.Start(name)
				b.Close()
				b.Substitution(uint16(i), types[i])
				b.End()
			}
			b.End()
		}}
	default:
		element, binary := p.Element, p.Binary != nil
		return &Template{guid, func(b *Builder) {
			startEventData(b, element)
			writeData(b, names, types)
			if binary {
				b.Start("Binary")
				b.Close()
				b.Substitution(uint16(len(names)+1), TypeBinary)
				b.End()
			}
			b.End()
		}}
	}
}

// startEventData writes the start of EventData.
func startEventData(b *Builder, name string) {
	b.Start("EventData")
	if name != "" {
		b.AttrText("Name", name)
	}
	b.Close()
}

// writeData writes a Data element for each value.
func writeData(b *Builder, names []string, types []ValueType) {
	for i, name := range names {
		b.Start("Data")
		if name != "" {
			b.AttrText("Name", name)
		}
		b.Close()
		b.Substitution(uint16(i), types[i])
		b.End()
	}
}

// writeClassic writes EventData with one array of strings and Binary, each left
// out if its value is NULL.
func writeClassic(b *Builder) {
	b.Start("EventData")
	b.Close()
	optionalElement(b, "Data", 0, TypeArray|TypeString)
	optionalElement(b, "Binary", 2, TypeBinary)
	b.End()
}

// startUserData writes the start of the element in UserData.
func startUserData(b *Builder, element, namespace, auto string) {
	b.Start(element)
	if auto != "" {
		b.AttrText(auto, "http://schemas.microsoft.com/win/2004/08/events")
	}
	if namespace != "" {
		b.AttrText("xmlns", namespace)
	}
	b.Close()
}

// values appends the payload's substitution array. The number of bytes of
// Binary is a value of its own, which no substitution refers to, as in the
// Service Control Manager's events.
func (p *Payload) values(dst []Value) []Value {
	if p.Form == FormClassic {
		return p.classicValues(dst)
	}
	for i := range p.Fields {
		dst = append(dst, p.Fields[i].Value)
	}
	if p.Form == FormEventData && p.Binary != nil {
		dst = append(dst, Uint32(uint32(len(p.Binary))), Binary(p.Binary))
	}
	return dst
}

// classicValues appends array, number of bytes, bytes; array and bytes are NULL
// if empty.
func (p *Payload) classicValues(dst []Value) []Value {
	text, binary := Null(0), Null(0)
	if len(p.Fields) > 0 {
		var raw []byte
		for i := range p.Fields {
			raw = append(p.Fields[i].Value.appendPlain(raw), 0, 0)
		}
		text = Raw(TypeArray|TypeString, raw)
	}
	if len(p.Binary) > 0 {
		binary = Binary(p.Binary)
	}
	return append(dst, text, Uint32(uint32(len(p.Binary))), binary)
}
