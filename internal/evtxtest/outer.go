package evtxtest

import (
	"hash/fnv"
	"strconv"
)

const eventNamespace = "http://schemas.microsoft.com/win/2004/08/events/event"

// Indices into the value array of the outer templates. Up to 12 they are the
// same in both; 13 to 16 are NULL in the provider template, which has
// RelatedActivityID and the payload behind them.
const (
	valueLevel           = 0
	valueOpcode          = 1
	valueTask            = 2
	valueEventID         = 3
	valueQualifiers      = 4
	valueKeywords        = 5
	valueTimeCreated     = 6
	valueActivityID      = 7
	valueProcessID       = 8
	valueThreadID        = 9
	valueRecordID        = 10
	valueVersion         = 11
	valueUserID          = 12
	valueRelatedActivity = 13
	valueProviderName    = 14
	valueProviderGUID    = 15
	valueChannel         = 16
	valuePayload         = 17
	manifestValues       = 18

	valueProviderRelatedActivity = 18
	valueProviderPayload         = 19
	providerValues               = 20
)

// outerTemplate writes the System element of both outer templates.
type outerTemplate struct {
	shape    Shape
	provider Provider
	channel  string
	computer string
	userData bool // the definition holds the UserData element, the value its content
}

// key appends what identifies this definition; its hash is the definition's
// GUID.
func (t *outerTemplate) key(dst []byte) []byte {
	dst = append(dst, byte(t.shape), 0)
	if t.userData {
		dst[len(dst)-1] = 1
	}
	dst = append(append(dst, t.computer...), 0)
	if t.shape == ShapeManifest {
		return dst
	}
	dst = append(append(dst, t.provider.Name...), 0)
	dst = append(dst, t.provider.GUID[:]...)
	dst = append(append(dst, t.provider.GUIDText...), 0)
	if t.provider.Extended {
		dst = append(dst, 1)
	}
	dst = append(append(dst, t.provider.EventSourceName...), 0)
	return append(append(dst, t.channel...), 0)
}

// derivedGUID returns the GUID that stands for a definition with this key.
func derivedGUID(key []byte) GUID {
	h := fnv.New128a()
	h.Write(key)
	return GUID(h.Sum(nil))
}

// write writes the Event element, with names and values where Windows has them.
func (t *outerTemplate) write(b *Builder) {
	payload := uint16(valuePayload)
	if t.shape == ShapeProvider {
		payload = valueProviderPayload
	}
	dependency := payload
	if t.userData {
		dependency = NoDependency
	}
	b.StartIf("Event", dependency)
	b.AttrText("xmlns", eventNamespace)
	b.Close()
	b.Start("System")
	b.Close()
	t.writeProvider(b)
	t.writeNumbers(b)
	t.writeOrigin(b)
	b.End()
	if t.userData {
		b.StartIf("UserData", payload)
		b.Close()
	}
	b.Optional(payload, TypeBinXML)
	if t.userData {
		b.End()
	}
	b.End()
}

func (t *outerTemplate) writeProvider(b *Builder) {
	b.Start("Provider")
	if t.shape == ShapeManifest {
		b.Attr("Name")
		b.Optional(valueProviderName, TypeString)
		b.Attr("Guid")
		b.Optional(valueProviderGUID, TypeGUID)
		b.CloseEmpty()
		return
	}
	b.AttrText("Name", t.provider.Name)
	if !t.provider.GUID.IsZero() {
		b.AttrText("Guid", t.provider.guidText())
	}
	if t.provider.EventSourceName != "" {
		b.AttrText("EventSourceName", t.provider.EventSourceName)
	}
	b.CloseEmpty()
}

// writeNumbers writes the elements from EventID to Execution; classic providers
// lack four of them.
func (t *outerTemplate) writeNumbers(b *Builder) {
	classic := t.shape == ShapeProvider && t.provider.classic()
	b.StartIf("EventID", valueEventID)
	b.Attr("Qualifiers")
	b.Optional(valueQualifiers, TypeUint16)
	b.Close()
	b.Optional(valueEventID, TypeUint16)
	b.End()
	if !classic {
		optionalElement(b, "Version", valueVersion, TypeUint8)
	}
	optionalElement(b, "Level", valueLevel, TypeUint8)
	optionalElement(b, "Task", valueTask, TypeUint16)
	if !classic {
		optionalElement(b, "Opcode", valueOpcode, TypeUint8)
	}
	optionalElement(b, "Keywords", valueKeywords, TypeHex64)
	b.Start("TimeCreated")
	b.Attr("SystemTime")
	b.Optional(valueTimeCreated, TypeFileTime)
	b.CloseEmpty()
	optionalElement(b, "EventRecordID", valueRecordID, TypeUint64)
	if classic {
		return
	}
	b.Start("Correlation")
	b.Attr("ActivityID")
	b.Optional(valueActivityID, TypeGUID)
	b.Attr("RelatedActivityID")
	if t.shape == ShapeProvider {
		b.Optional(valueProviderRelatedActivity, TypeGUID)
	} else {
		b.Optional(valueRelatedActivity, TypeGUID)
	}
	b.CloseEmpty()
	b.Start("Execution")
	b.Attr("ProcessID")
	b.Optional(valueProcessID, TypeUint32)
	b.Attr("ThreadID")
	b.Optional(valueThreadID, TypeUint32)
	b.CloseEmpty()
}

// writeOrigin writes Channel, Computer and Security.
func (t *outerTemplate) writeOrigin(b *Builder) {
	if t.shape == ShapeManifest {
		optionalElement(b, "Channel", valueChannel, TypeString)
	} else {
		textElement(b, "Channel", t.channel)
	}
	textElement(b, "Computer", t.computer)
	b.Start("Security")
	b.Attr("UserID")
	b.Optional(valueUserID, TypeSID)
	b.CloseEmpty()
}

// optionalElement writes an element that is there only if its value is not
// NULL.
func optionalElement(b *Builder, name string, index uint16, t ValueType) {
	b.StartIf(name, index)
	b.Close()
	b.Optional(index, t)
	b.End()
}

// textElement writes an element with text, or without content if there is none.
func textElement(b *Builder, name, text string) {
	b.Start(name)
	b.Close()
	if text != "" {
		b.Text(text)
	}
	b.End()
}

// classic reports whether events of p lack Version, Opcode, Correlation and
// Execution.
func (p *Provider) classic() bool { return p.GUID.IsZero() && !p.Extended }

// guidText returns the provider's GUID as definitions spell it.
func (p *Provider) guidText() string {
	if p.GUIDText != "" {
		return p.GUIDText
	}
	return string(changeCase(p.GUID.appendText(nil), 0, 'A'))
}

// hexText returns n as "0x..." in lower case without leading zeros.
func hexText(dst []byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, '0', 'x'), n, 16)
}
