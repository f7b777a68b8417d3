package eventrule

import (
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/story"
)

// newGates returns, by kind of event, what rules out early that a rule of the
// plan matches it; nothing for kinds that have to be decoded.
func (p *Plan) newGates() map[event.Key]*rules.Gate {
	gates := make(map[event.Key]*rules.Gate)
	for key, list := range p.asking {
		list = slices.Concat(list, p.askingAll[key.Provider])
		if slices.ContainsFunc(list, p.renames) {
			continue
		}
		if g := rules.NewGate(list, gateable, ofTree); g != nil {
			gates[key] = g
		}
	}
	return gates
}

// look returns what rules out early that a rule matches events of a kind.
func (p *Plan) look(key event.Key) event.Look {
	if g := p.gates[key]; g != nil {
		return newRuleGate(g, p.channels)
	}
	return event.Look{}
}

// renames reports whether a rule is of a source whose fields rules call
// otherwise.
func (p *Plan) renames(r rules.GateRule) bool {
	return slices.ContainsFunc(p.sets, func(e Set) bool { return e.Set == r.Set && len(e.source.names) > 0 })
}

// systemFields are the fields in rules that are values of System, folded, and
// what those are called there.
var systemFields = map[string]string{"userid": "Security/@UserID", "level": "Level"}

// gateable reports whether a field in a rule is one value of a record.
func gateable(field string) bool {
	if _, ok := systemFields[event.FoldName(field)]; ok {
		return true
	}
	_, numbered := story.DataNumber(field)
	return getters[event.FoldName(field)] == nil && !numbered && !strings.Contains(field, "/@")
}

// lookFieldOf returns the value of a record that a field in a rule is.
func lookFieldOf(field string) event.LookField {
	if name, ok := systemFields[event.FoldName(field)]; ok {
		return event.LookField{Name: name, System: true}
	}
	return event.LookField{Name: field}
}

// ruleGate is a gate at one kind of event. It is for one goroutine.
type ruleGate struct {
	matcher  *rules.GateMatcher
	channels map[string][]int // those of which rules ask for every event
	values   []event.Value    // of the record at hand
}

// newRuleGate returns the look of a gate. It admits whatever stands in channels
// of which rules ask for every event.
func newRuleGate(g *rules.Gate, channels map[string][]int) event.Look {
	r := &ruleGate{matcher: g.NewMatcher(), channels: channels}
	look := event.Look{Admits: r.admits}
	for _, field := range g.Fields() {
		look.Fields = append(look.Fields, lookFieldOf(field))
	}
	if len(channels) > 0 {
		look.Fields = append(look.Fields, event.LookField{Name: "Channel", System: true})
	}
	return look
}

func (r *ruleGate) admits(preview *event.Preview) bool {
	r.values = preview.Values
	if len(r.channels) > 0 {
		channel := r.values[len(r.values)-1].String()
		for name := range r.channels {
			if strings.EqualFold(name, channel) {
				return true
			}
		}
	}
	return r.matcher.Admits(r)
}

// GateText implements rules.GateSubject.
func (r *ruleGate) GateText(dst []byte, field int) ([]byte, bool) {
	v := r.values[field]
	return v.AppendText(dst), !v.IsNull()
}
