package event

import "iter"

// Field is one value of a record under its own name.
type Field struct {
	// Name is the name that the record gives the value: the attribute Name
	// of an element below EventData, else the element's name; "" for a Data
	// element without a name, as older providers write them. That of an
	// attribute is the element's, "/@" and its own, such as
	// "Execution/@ProcessID".
	Name string
	// Value is NULL if the record leaves the element empty.
	Value Value
}

// FieldList holds fields in the order of the record. A name may come more than
// once: that of an array comes once for each item.
type FieldList []Field

// Value returns the first value of a name, the zero Value if there is none.
func (l FieldList) Value(name string) Value {
	for i := range l {
		if l[i].Name == name {
			return l[i].Value
		}
	}
	return Value{}
}

// Unnamed returns the i-th value without a name, counted from 0, the zero Value
// if there are not so many. Providers without a manifest identify their values
// by this number only; in a message %1 is the first.
func (l FieldList) Unnamed(i int) Value {
	for k := range l {
		if l[k].Name != "" {
			continue
		}
		if i == 0 {
			return l[k].Value
		}
		i--
	}
	return Value{}
}

// Limits on the lists of an event, at least ten times what the largest real
// record was seen to need.
const (
	// MaxListed is how many values an event lists.
	MaxListed = 1024
	// MaxListedBytes bounds the bytes of those values, in their disk form.
	// A record of a log has 64 KiB, but may name one value many times.
	MaxListedBytes = 256 << 10
	// MaxName bounds the bytes of a name.
	MaxName = 256
)

// System returns the values of System, if the reader's selection asks for them:
// of its elements under their names, of attributes such as
// "Execution/@ProcessID" and "Security/@UserID". Absent ones are left out. The
// slice belongs to the event and is valid as long as the event is.
func (e *Event) System() FieldList { return e.system }

// Payload returns the values of EventData, UserData or what else an event has
// beside System, if the reader's selection asks for them. The slice belongs to
// the event and is valid as long as the event is.
func (e *Event) Payload() FieldList { return e.payload }

// AddSystem adds a value to System. It reports whether the event had room.
func (e *Event) AddSystem(f Field) bool { return e.addTo(&e.system, f) }

// AddPayload adds a value to Payload, an array item by item. It reports whether
// the event had room.
func (e *Event) AddPayload(f Field) bool {
	if f.Value.Type&TypeArray == 0 || len(f.Value.Data) == 0 {
		return e.addTo(&e.payload, f)
	}
	for item := range f.Value.Items() {
		if !e.addTo(&e.payload, Field{f.Name, item}) {
			return false
		}
	}
	return true
}

func (e *Event) addTo(list *FieldList, f Field) bool {
	if len(*list) >= MaxListed || e.listed+len(f.Value.Data) > MaxListedBytes {
		return false
	}
	e.listed += len(f.Value.Data)
	*list = append(*list, f)
	return true
}

// Items returns the items of an array, in its order. Of bytes that are no item
// it makes a binary value, and that is the last one. Of another value it
// returns the value itself.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Type&TypeArray == 0 {
			yield(v)
			return
		}
		item := v.Type &^ TypeArray
		for rest := v.Data; len(rest) > 0; {
			n := arrayItem(item, rest)
			if n == 0 {
				yield(Value{TypeBinary, rest})
				return
			}
			if !yield(Value{item, rest[:n:n]}) {
				return
			}
			rest = rest[n:]
		}
	}
}

// AppendFolded appends a field's name as names are compared: without blanks,
// which rules leave out (Defender's "Threat Name" is ThreatName to them), and
// without the case of ASCII letters.
func AppendFolded[T string | []byte](dst []byte, name T) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case c == ' ':
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+'a'-'A')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// FoldName returns a field's name as names are compared: see AppendFolded.
func FoldName(name string) string { return string(AppendFolded(nil, name)) }
