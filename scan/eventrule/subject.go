package eventrule

import (
	"strconv"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// subject shows an event to the rules of one set. It is for one goroutine.
type subject struct {
	matcher *Matcher
	getters []getter // by field of the set
	event   *event.Event
	process proctree.Process // of the event, if it is known
	// tree shows the event's process to the same rules, for the fields of
	// fromTree; nil if they ask for none.
	tree     ProcessSubject
	shown    proctree.Process
	fromTree []bool
	ofTree   []rules.ValueID // scratch
	texts    []string        // of the values of the event at hand that have no number
	values   []rules.ValueID // of the field at hand
}

// Values implements rules.Subject.
func (s *subject) Values(dst []rules.ValueID, field int) []rules.ValueID {
	s.values = dst
	s.getters[field](s)
	if s.tree != nil && s.fromTree[field] && len(s.values) == len(dst) {
		s.appendOfTree(field)
	}
	return s.values
}

// Text implements rules.Subject.
func (s *subject) Text(id rules.ValueID) string {
	if id&rules.Unkept == 0 {
		return s.matcher.texts.list[id]
	}
	return s.texts[id&^rules.Unkept]
}

// textIDs numbers the texts that come again in events, such as users and
// images, so that what rules say of them is kept.
type textIDs struct {
	ids  map[string]rules.ValueID
	list []string
}

// Bounds of the texts that are numbered.
const (
	maxText  = 128 // bytes
	maxTexts = 1 << 16
)

// id returns the number of a text, and whether it has one.
func (t *textIDs) id(text []byte) (rules.ValueID, bool) {
	id, ok := t.ids[string(text)]
	if ok || len(text) > maxText || len(t.list) == maxTexts {
		return id, ok
	}
	if t.ids == nil {
		t.ids = make(map[string]rules.ValueID)
	}
	id = rules.ValueID(len(t.list))
	t.list = append(t.list, string(text))
	t.ids[t.list[id]] = id
	return id, true
}

// appendValue appends a value, unless it is absent.
func (s *subject) appendValue(v event.Value) {
	if !v.IsNull() {
		s.matcher.scratch = v.AppendText(s.matcher.scratch[:0])
		s.appendText(s.matcher.scratch)
	}
}

// appendText appends a text.
func (s *subject) appendText(text []byte) {
	id, ok := s.matcher.texts.id(text)
	if !ok {
		id = rules.Unkept | rules.ValueID(len(s.texts))
		s.texts = append(s.texts, string(text))
	}
	s.values = append(s.values, id)
}

// appendOfTree appends the values that an event's process has for a field of
// the set.
func (s *subject) appendOfTree(field int) {
	if !s.shown.Exists() {
		return
	}
	s.ofTree = s.tree.Values(s.ofTree[:0], field)
	for _, id := range s.ofTree {
		s.appendText([]byte(s.tree.Text(id)))
	}
}

// getter appends the values of one field of the event at hand.
type getter func(s *subject)

// getters are the fields that events do not have by those names themselves, by
// their names in Sigma rules, folded. "Data" has all values without a name.
var getters = map[string]getter{
	"eventid":       func(s *subject) { s.appendText(strconv.AppendUint(nil, uint64(s.event.ID), 10)) },
	"provider_name": func(s *subject) { s.appendValue(s.event.Provider) },
	"channel":       func(s *subject) { s.appendValue(s.event.Channel) },
	"computer":      func(s *subject) { s.appendValue(s.event.Computer) },
	"computername":  func(s *subject) { s.appendValue(s.event.Computer) },
	"userid":        ofSystem("userid"),
	"level":         ofSystem("level"),
	"serverrole":    appendRole,
	webRoot:         appendWebRoot,
	"data":          func(s *subject) { s.payload(func(name string) bool { return name == "" || name == "Data" }) },
	"":              func(s *subject) { s.payload(func(string) bool { return true }) },
}

// ofSystem returns the getter of one of systemFields.
func ofSystem(field string) getter {
	name := systemFields[field]
	return func(s *subject) { s.appendValue(s.event.System().Value(name)) }
}

func appendRole(s *subject) {
	if role := s.matcher.role(s.event, s.process); role != "" {
		s.appendText([]byte(role))
	}
}

// webRoot is the field with the folder that a site shows around the file that
// an event names, folded. Only trees have sites.
const webRoot = "webroot"

// fileFields are the fields that name the file of an event.
var fileFields = []string{"TargetFilename", "ObjectName"}

func appendWebRoot(s *subject) {
	if s.matcher.trees == nil {
		return
	}
	for _, name := range fileFields {
		v := s.event.Payload().Value(name)
		if v.IsNull() {
			continue
		}
		if folder := s.matcher.trees.WebRoot(s.event.Computer.String(), v.String()); folder != "" {
			s.appendText([]byte(folder))
		}
	}
}

// getterOf returns the getter of a field.
func getterOf(name string) getter {
	folded := event.FoldName(name)
	if g := getters[folded]; g != nil {
		return g
	}
	if n, ok := story.DataNumber(name); ok {
		return func(s *subject) { s.appendValue(s.event.Payload().Unnamed(n - 1)) }
	}
	return func(s *subject) {
		s.payload(func(own string) bool { return own == name || sameField(own, folded) })
	}
}

// sameField reports whether a name is the one of a rule, which is folded.
func sameField(own, folded string) bool {
	if len(own) == len(folded) {
		return strings.EqualFold(own, folded)
	}
	if len(own) < len(folded) || strings.IndexByte(own, ' ') < 0 {
		return false
	}
	var buffer [64]byte
	return string(event.AppendFolded(buffer[:0], own)) == folded
}

// payload gives the event's own values of some names.
func (s *subject) payload(wanted func(name string) bool) {
	for _, f := range s.event.Payload() {
		if wanted(f.Name) {
			s.appendValue(f.Value)
		}
	}
}
