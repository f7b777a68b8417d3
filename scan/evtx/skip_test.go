package evtx

import (
	"encoding/binary"
	"testing"
	"unicode/utf16"

	"webshellscan/scan/event"
)

// fragment is BinXML as a record without a template has it (MS-EVEN6, section
// 2.2.12), names inline.
type fragment []byte

func (f fragment) token(token byte) fragment { return append(f, token) }

// name adds a reference to a name, and the node that it points at, which
// follows.
func (f fragment) name(name string) fragment {
	f = binary.LittleEndian.AppendUint32(f, uint32(len(f)+4))
	f = append(f, 0, 0, 0, 0, 0, 0) // the next node of the bucket, and the hash
	return append(f.text(name), 0, 0)
}

// text adds the number of UTF-16 units, and these.
func (f fragment) text(text string) fragment {
	units := utf16.Encode([]rune(text))
	f = binary.LittleEndian.AppendUint16(f, uint16(len(units)))
	for _, u := range units {
		f = binary.LittleEndian.AppendUint16(f, u)
	}
	return f
}

// open adds the start of an element, with a size of attributes if it has some.
func (f fragment) open(name string, attributes bool) fragment {
	if !attributes {
		return append(f, event.TokenOpenElement, 0, 0, 0, 0).name(name)
	}
	return append(append(f, event.TokenOpenElement|event.MoreFollows, 0, 0, 0, 0).name(name), 0, 0, 0, 0)
}

func (f fragment) attribute(name string) fragment { return f.token(event.TokenAttribute).name(name) }

func (f fragment) value(text string) fragment {
	return append(f, event.TokenValueText, byte(event.TypeString)).text(text)
}

// TestSkipElements: what stands behind System is passed over by the grammar of
// BinXML up to its end token, and given back where it breaks that.
func TestSkipElements(t *testing.T) {
	data := func() fragment { return fragment{}.open("EventData", false).token(event.TokenCloseStart) }
	named := func() fragment {
		return data().open("Data", true).attribute("Name").value("Image").token(event.TokenCloseStart)
	}
	number := named()
	number = append(number, event.TokenValueText, byte(event.TypeUint32), 0, 0)
	for name, c := range map[string]struct {
		f     fragment
		depth int
		want  bool
	}{
		"texts": {named().value("C:\\a.exe").token(event.TokenEndElement).token(event.TokenEndElement), 0, true},
		"two of a kind": {
			named().value("a").token(event.TokenEndElement).open("Data", true).attribute("Name").value("b").token(event.TokenCloseStart).token(event.TokenEndElement).token(event.TokenEndElement), 0, true,
		},
		"an empty element":          {data().open("Data", true).attribute("Name").value("x").token(event.TokenCloseEmpty).open("Data", false).token(event.TokenCloseEmpty).token(event.TokenEndElement), 0, true},
		"a CDATA section":           {named().token(event.TokenCDATA).text("<x>").token(event.TokenEndElement).token(event.TokenEndElement), 0, true},
		"a reference to an entity":  {named().token(event.TokenEntityRef).name("amp").token(event.TokenEndElement).token(event.TokenEndElement), 0, true},
		"a character":               {append(named(), event.TokenCharRef, 'x', 0).token(event.TokenEndElement).token(event.TokenEndElement), 0, true},
		"within an open element":    {data().token(event.TokenEndElement).token(event.TokenEndElement), 1, true},
		"nothing":                   {nil, 0, true},
		"an element left open":      {named().value("x").token(event.TokenEndElement), 0, false},
		"an element too many ended": {data().token(event.TokenEndElement).token(event.TokenEndElement), 0, false},
		"an element in an attribute": {
			data().open("Data", true).attribute("Name").open("Data", false).token(event.TokenCloseStart).token(event.TokenEndElement).token(event.TokenCloseStart).token(event.TokenEndElement).token(event.TokenEndElement), 0, false,
		},
		"a text that is a number": {number.token(event.TokenEndElement).token(event.TokenEndElement), 0, false},
		"an unknown token":        {named().token(0x3f).token(event.TokenEndElement).token(event.TokenEndElement), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			end := len(c.f) + 1
			chunk := append(c.f.token(event.TokenEOF), "behind"...)
			pos, ok := skipElements(chunk, 0, end, c.depth)
			if ok != c.want || ok && pos != end {
				t.Errorf("skipElements = %d, %v; want %d, %v", pos, ok, end, c.want)
			}
			if _, ok := skipElements(chunk, 0, end-1, c.depth); ok {
				t.Error("without its end token it is well-formed")
			}
		})
	}
}

// TestPlainLook: the values that a gate is shown of a record without a template
// are those of EventData, and none where there is doubt.
func TestPlainLook(t *testing.T) {
	data := func() fragment { return fragment{}.open("EventData", false).token(event.TokenCloseStart) }
	named := func(f fragment, name, text string) fragment {
		return f.open("Data", true).attribute("Name").value(name).token(event.TokenCloseStart).value(text)
	}
	end := func(f fragment, elements int) fragment {
		for range elements {
			f = f.token(event.TokenEndElement)
		}
		return f
	}
	message := func() fragment { return fragment{}.open("RenderingInfo", false).token(event.TokenCloseStart) }
	for name, c := range map[string]struct {
		f    fragment
		want string // "-" where there is doubt
	}{
		"a value":                       {end(named(data(), "Image", "a"), 3), "a"},
		"in another case":               {end(named(data(), "iMAGE", "a"), 3), "a"},
		"another value":                 {end(named(data(), "User", "a"), 3), ""},
		"twice":                         {end(named(end(named(data(), "Image", "a"), 1), "Image", "b"), 3), "-"},
		"in two pieces":                 {end(named(data(), "Image", "a").value("b"), 3), "-"},
		"with a reference in it":        {end(named(data(), "Image", "a").token(event.TokenEntityRef).name("amp"), 3), "-"},
		"another one with a reference":  {end(named(end(named(data(), "User", "a").token(event.TokenEntityRef).name("amp"), 1), "Image", "b"), 3), "b"},
		"another one with CDATA":        {end(named(end(named(data(), "User", "a").token(event.TokenCDATA).text("xyz"), 1), "Image", "b"), 3), "b"},
		"another one with a character":  {end(named(end(append(named(data(), "User", "a").token(event.TokenCharRef), 65, 0), 1), "Image", "b"), 3), "b"},
		"with CDATA in it":              {end(named(data(), "Image", "a").token(event.TokenCDATA).text("xyz"), 3), "-"},
		"with a character in it":        {end(append(named(data(), "Image", "a").token(event.TokenCharRef), 65, 0), 3), "-"},
		"with an element in it":         {end(named(named(data(), "Image", "a"), "User", "b"), 4), "-"},
		"a name in two pieces":          {end(data().open("Data", true).attribute("Name").value("Ima").value("ge").token(event.TokenCloseStart).value("a"), 3), "-"},
		"a name with a letter like one": {end(named(data(), "\u212Aey", "a"), 3), "-"},
		"an element of its own name":    {end(fragment{}.open("UserData", false).token(event.TokenCloseStart).open("Image", false).token(event.TokenCloseStart).value("a"), 3), "-"},
		"in the message":                {end(named(end(named(message(), "Image", "b"), 2), "Image", "c"), 2), "-"},
		"before a message":              {end(named(end(named(data(), "Image", "a"), 2).open("RenderingInfo", false).token(event.TokenCloseStart), "Image", "b"), 3), "a"},
	} {
		t.Run(name, func(t *testing.T) {
			chunk := append(c.f.token(event.TokenEOF), "behind"...)
			var cache nameCache
			cache.begin(1)
			look := plainLook{names: []string{"image", plainChannel, "image"}}
			values := []event.Value{{}, {Type: event.TypeString}, {}}
			ok := look.read(chunk, &plainSystem{depth: 1}, &cache, values)
			if ok != (c.want != "-") || ok && (values[0].String() != c.want || values[2].String() != c.want) {
				t.Errorf("%v, %v, want %q", values, ok, c.want)
			}
			if look.read(chunk, &plainSystem{depth: 1, late: true}, &cache, make([]event.Value, 3)) {
				t.Error("there is no doubt although something stands before System")
			}
		})
	}
}
