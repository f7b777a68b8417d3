package evtxtest_test

import (
	"encoding/binary"
	"strconv"
	"time"

	"webshellscan/internal/evtxtest"
)

// realRecord is a record of a sample log, taken apart as far as the writer can
// express it.
type realRecord struct {
	size  int
	nulls [][2]int // start and end in the record of NULL values, whose bytes mean nothing
	end   int      // offset in the record where the filler begins
	event evtxtest.Event
	shape evtxtest.Shape
}

// readChunk reads the live records of a chunk; nil if one of them is beyond the
// writer.
func readChunk(chunk []byte) []realRecord {
	if string(chunk[:8]) != "ElfChnk\x00" {
		return nil
	}
	var records []realRecord
	for at := 512; at+24 <= len(chunk) && binary.LittleEndian.Uint32(chunk[at:]) == 0x2A2A; {
		size := int(binary.LittleEndian.Uint32(chunk[at+4:]))
		if size < 32 || at+size > len(chunk) {
			return nil
		}
		r, ok := readRecord(chunk, at, size)
		if !ok {
			return nil
		}
		records = append(records, r)
		at += size
	}
	return records
}

func readRecord(chunk []byte, at, size int) (realRecord, bool) {
	r := realRecord{size: size}
	r.event.HeaderID = binary.LittleEndian.Uint64(chunk[at+8:])
	w := &walker{chunk: chunk[:at+size-4], at: at + 24}
	head := w.fragment(false)
	if w.err == nil && len(head) > 1 {
		r.shape = evtxtest.ShapePlain
		ok := r.plain(head)
		r.end = w.at - at
		return r, ok
	}
	outer := w.instance()
	if w.u8() != 0 || w.err != nil || len(outer.values) < 18 {
		return r, false
	}
	r.end = w.at - at
	r.addNulls(outer.values, at)
	if !r.system(&outer) {
		return r, false
	}
	payload := outer.values[len(outer.values)-1]
	p := &walker{chunk: chunk[:payload.at+len(payload.data)], at: payload.at}
	r.event.Values = evtxtest.ValueBuffer
	if len(p.fragment(false)) == 1 {
		r.event.Values = evtxtest.ValueClean
	}
	inner := p.instance()
	if p.u8() != 0 || p.err != nil || p.at != len(p.chunk) {
		return r, false
	}
	r.addNulls(inner.values, at)
	return r, r.payload(&inner)
}

// addNulls adds the places of NULL values to r; at is where the record begins.
func (r *realRecord) addNulls(values []rawValue, at int) {
	for i := range values {
		if v := &values[i]; v.typ == 0 && len(v.data) > 0 {
			r.nulls = append(r.nulls, [2]int{v.at - at, v.at - at + len(v.data)})
		}
	}
}

// system fills in what the outer instance says.
func (r *realRecord) system(in *templateInstance) bool {
	v, ev := in.values, &r.event
	ev.TemplateGUID = in.guid
	if len(v[6].data) != 8 || len(v[10].data) != 8 || len(v[11].data) != 1 || len(v[5].data) != 8 {
		return false
	}
	ev.Level, ev.Opcode, ev.Version = v[0].data[0], v[1].data[0], v[11].data[0]
	ev.Task = binary.LittleEndian.Uint16(v[2].data)
	ev.ID = binary.LittleEndian.Uint16(v[3].data)
	ev.Keywords = binary.LittleEndian.Uint64(v[5].data)
	ev.Time = evtxtest.FileTime(binary.LittleEndian.Uint64(v[6].data))
	ev.RecordID = binary.LittleEndian.Uint64(v[10].data)
	ev.ProcessID = binary.LittleEndian.Uint32(v[8].data)
	ev.ThreadID = binary.LittleEndian.Uint32(v[9].data)
	if v[4].typ != 0 {
		ev.HasQualifiers, ev.Qualifiers = true, binary.LittleEndian.Uint16(v[4].data)
	}
	if v[7].typ != 0 {
		copy(ev.ActivityID[:], v[7].data)
	}
	if v[12].typ != 0 {
		ev.UserID = v[12].data
	}
	related := v[13]
	r.shape = evtxtest.ShapeManifest
	if len(v) == 20 {
		r.shape = evtxtest.ShapeProvider
		related = v[18]
	} else {
		ev.Provider.Name = decodeUTF16(v[14].data)
		copy(ev.Provider.GUID[:], v[15].data)
		ev.Channel = decodeUTF16(v[16].data)
	}
	if related.typ != 0 {
		copy(ev.RelatedActivityID[:], related.data)
	}
	ev.Shape = r.shape
	return r.literals(in.body)
}

// literals fills in what stands in the outer definition as text.
func (r *realRecord) literals(body []token) bool {
	ev := &r.event
	var element, attribute string
	for _, t := range body {
		switch t.code {
		case 0x01:
			element, attribute = t.name, ""
			if t.name == "Execution" {
				ev.Provider.Extended = ev.Provider.GUID.IsZero()
			}
			if t.name == "UserData" {
				ev.Payload.Form = evtxtest.FormUserData
			}
		case 0x06:
			attribute = t.name
		case 0x05:
			if !setLiteral(ev, element+"/"+attribute, t.text) {
				return false
			}
		}
	}
	return true
}

// setLiteral sets the member of ev that the text of an element or attribute
// belongs to.
func setLiteral(ev *evtxtest.Event, path, text string) bool {
	var err error
	switch path {
	case "Event/xmlns":
	case "Provider/Name":
		ev.Provider.Name = text
	case "Provider/Guid":
		ev.Provider.GUID, err = evtxtest.ParseGUID(text)
		ev.Provider.GUIDText = text
	case "Provider/EventSourceName":
		ev.Provider.EventSourceName = text
	case "Channel/":
		ev.Channel = text
	case "Computer/":
		ev.Computer = text
	default:
		return false
	}
	return err == nil
}

// payload fills in what the inner instance says.
func (r *realRecord) payload(in *templateInstance) bool {
	p := &r.event.Payload
	p.TemplateGUID = in.guid
	if len(in.body) < 3 || in.body[1].code != 0x01 {
		return false
	}
	if p.Form != evtxtest.FormUserData && len(in.values) == 3 && len(in.body) > 5 && in.body[5].code == 0x0E {
		return r.classic(in)
	}
	if p.Form == evtxtest.FormUserData {
		p.Element = in.body[1].name
	}
	element, attribute, name := "", "", ""
	for _, t := range in.body[1:] {
		switch t.code {
		case 0x01:
			element, attribute, name = t.name, "", ""
			if p.Form == evtxtest.FormUserData {
				name = element
			}
		case 0x06:
			attribute = t.name
		case 0x05:
			switch {
			case element == "Data" && attribute == "Name":
				name = t.text
			case element == "EventData" && attribute == "Name":
				p.Element = t.text
			case attribute == "xmlns":
				p.Namespace = t.text
			default:
				p.AutoNamespace = attribute
			}
		case 0x0D:
			if !addReal(p, in, t, element, name) {
				return false
			}
		case 0x0E:
			return false
		}
	}
	return true
}

// addReal adds the value of a substitution token.
func addReal(p *evtxtest.Payload, in *templateInstance, t token, element, name string) bool {
	if t.index >= len(in.values) {
		return false
	}
	v := in.values[t.index]
	if element == "Binary" && t.index == len(p.Fields)+1 {
		p.Binary = append([]byte{}, v.data...)
		return true
	}
	value := evtxtest.Raw(evtxtest.ValueType(v.typ), v.data).As(evtxtest.ValueType(t.typ))
	p.Fields = append(p.Fields, evtxtest.Field{Name: name, Value: value})
	return t.index == len(p.Fields)-1
}

// classic fills in the strings and bytes of a classic event.
func (r *realRecord) classic(in *templateInstance) bool {
	p := &r.event.Payload
	p.Form = evtxtest.FormClassic
	from, data := 0, in.values[0].data
	for i := 0; i+1 < len(data); i += 2 {
		if data[i] == 0 && data[i+1] == 0 {
			p.Fields = append(p.Fields, evtxtest.Field{Value: evtxtest.Raw(evtxtest.TypeString, data[from:i])})
			from = i + 2
		}
	}
	if in.values[2].typ != 0 {
		p.Binary = in.values[2].data
	}
	return from == len(data)
}

// plain fills in what the elements of a record without a template say.
func (r *realRecord) plain(tokens []token) bool {
	ev := &r.event
	path := []string{}
	text, attribute, open := "", "", false
	for _, t := range tokens {
		switch t.code {
		case 0x01:
			path, text, attribute, open = append(path, t.name), "", "", true
			if t.name == "EventXML" || t.name == "RenderingInfo" || t.name == "SubscriptionBookmarkEvent" {
				return false
			}
			if t.name == "Data" {
				ev.Payload.Fields = append(ev.Payload.Fields, evtxtest.Field{})
			}
		case 0x06:
			attribute = t.name
		case 0x05:
			if open {
				if !r.plainValue(path[len(path)-1]+"/"+attribute, t.text) {
					return false
				}
				continue
			}
			text += t.text
		case 0x09:
			text += map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}[t.name]
		case 0x02:
			open = false
		case 0x03, 0x04:
			if t.code == 0x04 && !r.plainValue(path[len(path)-1]+"/", text) {
				return false
			}
			path, text, open = path[:len(path)-1], "", false
		}
	}
	return true
}

// plainValue sets the member of ev that a text belongs to.
func (r *realRecord) plainValue(path, text string) bool {
	ev := &r.event
	var err error
	number := func(bits int) (n uint64) {
		n, err = strconv.ParseUint(text, 0, bits)
		return n
	}
	fields := ev.Payload.Fields
	switch path {
	case "Event/", "System/", "EventData/":
	case "EventID/Qualifiers":
		ev.HasQualifiers, ev.Qualifiers = true, uint16(number(16))
	case "EventID/":
		ev.ID = uint16(number(16))
	case "Version/":
		ev.Version = uint8(number(8))
	case "Level/":
		ev.Level = uint8(number(8))
	case "Task/":
		ev.Task = uint16(number(16))
	case "Opcode/":
		ev.Opcode = uint8(number(8))
	case "Keywords/":
		ev.Keywords = number(64)
	case "TimeCreated/SystemTime":
		var at time.Time
		at, err = time.Parse(time.RFC3339Nano, text)
		ev.Time = evtxtest.FileTimeOf(at)
		if len(text) == len("2006-01-02T15:04:05.000000000Z") {
			ev.Text = evtxtest.TextOld
		}
	case "EventRecordID/":
		ev.RecordID = number(64)
	case "Correlation/ActivityID":
		ev.ActivityID, err = evtxtest.ParseGUID(text)
	case "Execution/ProcessID":
		ev.ProcessID = uint32(number(32))
	case "Execution/ThreadID":
		ev.ThreadID = uint32(number(32))
	case "Security/UserID":
		ev.UserID, err = evtxtest.ParseSID(text)
	case "Data/Name":
		fields[len(fields)-1].Name = text
	case "Data/":
		fields[len(fields)-1].Value = evtxtest.String(text)
	default:
		return setLiteral(ev, path, text)
	}
	return err == nil
}
