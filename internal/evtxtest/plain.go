package evtxtest

import (
	"strconv"
	"strings"
)

// EntityForm is how plain records write characters that have a meaning in XML.
type EntityForm uint8

const (
	// EntityMarkup writes & < > as entity reference tokens and quotes as
	// they are. The 1,083 sample records without a template do so (for &;
	// they hold no < and no >).
	EntityMarkup EntityForm = iota
	// EntityAll writes both quotes as entity references too.
	EntityAll
	// EntityNone writes all of them as they are.
	EntityNone
)

// plainWriter writes events without templates, as collectors store them: every
// value is text.
type plainWriter struct {
	*Builder
	entities EntityForm
	form     TextForm
	recordID uint64
}

// event writes the Event element.
func (p plainWriter) event(ev *Event) {
	p.Start("Event")
	p.AttrText("xmlns", eventNamespace)
	p.Close()
	p.system(ev)
	p.payload(&ev.Payload)
	if ev.Rendering != nil {
		p.rendering(ev.Rendering)
	}
	p.End()
}

func (p plainWriter) system(ev *Event) {
	classic := ev.Provider.classic()
	p.Start("System")
	p.Close()
	p.Start("Provider")
	p.attribute("Name", ev.Provider.Name)
	switch {
	case ev.Provider.GUID.IsZero():
	case ev.Shape == ShapeProvider || ev.Provider.GUIDText != "": // the text of the definition
		p.attribute("Guid", ev.Provider.guidText())
	default:
		p.guidAttribute("Guid", ev.Provider.GUID)
	}
	if ev.Provider.EventSourceName != "" {
		p.attribute("EventSourceName", ev.Provider.EventSourceName)
	}
	p.CloseEmpty()
	p.Start("EventID")
	if ev.HasQualifiers {
		p.numberAttribute("Qualifiers", uint64(ev.Qualifiers))
	}
	p.Close()
	p.number(uint64(ev.ID))
	p.End()
	p.numbers(ev, classic)
	p.element("Channel", ev.Channel)
	p.element("Computer", ev.Computer)
	p.Start("Security")
	if ev.UserID != nil {
		p.attribute("UserID", ev.UserID.String())
	}
	p.CloseEmpty()
	p.End()
}

// numbers writes the elements from Version to Execution.
func (p plainWriter) numbers(ev *Event, classic bool) {
	if !classic {
		p.numberElement("Version", uint64(ev.Version))
	}
	p.numberElement("Level", uint64(ev.Level))
	p.numberElement("Task", uint64(ev.Task))
	if !classic {
		p.numberElement("Opcode", uint64(ev.Opcode))
	}
	p.Start("Keywords")
	p.Close()
	p.scratch = hexText(p.scratch[:0], ev.Keywords)
	p.characterData(p.scratch)
	p.End()
	p.Start("TimeCreated")
	p.Attr("SystemTime")
	p.scratch = p.appendTime(p.scratch[:0], ev.Time)
	p.characterData(p.scratch)
	p.CloseEmpty()
	p.numberElement("EventRecordID", p.recordID)
	if classic {
		return
	}
	p.Start("Correlation")
	if !ev.ActivityID.IsZero() {
		p.guidAttribute("ActivityID", ev.ActivityID)
	}
	if !ev.RelatedActivityID.IsZero() {
		p.guidAttribute("RelatedActivityID", ev.RelatedActivityID)
	}
	p.CloseEmpty()
	p.Start("Execution")
	p.numberAttribute("ProcessID", uint64(ev.ProcessID))
	p.numberAttribute("ThreadID", uint64(ev.ThreadID))
	p.CloseEmpty()
}

func (p plainWriter) payload(pl *Payload) {
	switch pl.Form {
	case FormRaw:
		pl.Raw(p.Builder)
		return
	case FormUserData:
		p.Start("UserData")
		p.Close()
		startUserData(p.Builder, pl.Element, pl.Namespace, pl.AutoNamespace)
		for i := range pl.Fields {
			p.Start(pl.Fields[i].Name)
			p.Close()
			p.valueText(&pl.Fields[i].Value)
			p.End()
		}
		p.End()
		p.End()
		return
	}
	startEventData(p.Builder, pl.Element)
	for i := range pl.Fields {
		p.data(&pl.Fields[i], pl.Form)
	}
	if pl.Binary != nil {
		v := Binary(pl.Binary)
		p.Start("Binary")
		p.Close()
		p.valueText(&v)
		p.End()
	}
	p.End()
}

// data writes a Data element.
func (p plainWriter) data(f *Field, form PayloadForm) {
	p.Start("Data")
	if f.Name != "" && form != FormClassic {
		p.attribute("Name", f.Name)
	}
	p.Close()
	p.valueText(&f.Value)
	p.End()
}

func (p plainWriter) rendering(r *RenderingInfo) {
	p.Start("RenderingInfo")
	p.attribute("Culture", r.Culture)
	p.Close()
	for _, e := range [...]struct{ name, text string }{
		{"Message", r.Message},
		{"Level", r.Level},
		{"Task", r.Task},
		{"Opcode", r.Opcode},
		{"Channel", r.Channel},
		{"Provider", r.Provider},
	} {
		if e.text != "" {
			p.element(e.name, e.text)
		}
	}
	if len(r.Keywords) > 0 {
		p.Start("Keywords")
		p.Close()
		for _, k := range r.Keywords {
			p.element("Keyword", k)
		}
		p.End()
	}
	p.End()
}

func (p plainWriter) attribute(name, text string) {
	p.Attr(name)
	p.scratch = append(p.scratch[:0], text...)
	p.characterData(p.scratch)
}

func (p plainWriter) guidAttribute(name string, g GUID) {
	p.Attr(name)
	p.scratch = p.appendGUID(p.scratch[:0], g)
	p.characterData(p.scratch)
}

func (p plainWriter) numberAttribute(name string, n uint64) {
	p.Attr(name)
	p.number(n)
}

func (p plainWriter) element(name, text string) {
	p.Start(name)
	p.Close()
	p.scratch = append(p.scratch[:0], text...)
	p.characterData(p.scratch)
	p.End()
}

func (p plainWriter) numberElement(name string, n uint64) {
	p.Start(name)
	p.Close()
	p.number(n)
	p.End()
}

func (p plainWriter) number(n uint64) {
	p.scratch = strconv.AppendUint(p.scratch[:0], n, 10)
	p.characterData(p.scratch)
}

// characterData writes UTF-8 text as value text and entity reference tokens; no
// text, no token.
func (p plainWriter) characterData(text []byte) {
	p.units = appendUTF16(p.units[:0], text)
	p.characterUnits(p.units)
}

// characterUnits does what characterData does for UTF-16LE text.
func (p plainWriter) characterUnits(units []byte) {
	special := ""
	switch p.entities {
	case EntityMarkup:
		special = "&<>"
	case EntityAll:
		special = "&<>\"'"
	}
	from := 0
	for i := 0; i+1 < len(units); i += 2 {
		if units[i+1] != 0 || strings.IndexByte(special, units[i]) < 0 {
			continue
		}
		p.textUnits(units[from:i])
		p.EntityRef(entityName(units[i]))
		from = i + 2
	}
	p.textUnits(units[from:])
}

func (p plainWriter) textUnits(units []byte) {
	if len(units) == 0 {
		return
	}
	p.characters(tokenValueText)
	p.buf = append(p.buf, byte(TypeString))
	p.U16(uint16(len(units) / 2))
	p.buf = append(p.buf, units...)
}

func entityName(c byte) string {
	switch c {
	case '&':
		return "amp"
	case '<':
		return "lt"
	case '>':
		return "gt"
	case '"':
		return "quot"
	default:
		return "apos"
	}
}
