package eventrule

import (
	"slices"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/event"
)

// treeFields are the fields that rules about events may ask of the event's
// process and its tree, folded. A field that the event has itself goes before.
var treeFields = foldedNames(
	"CommandLine", "CommandText", "CurrentDirectory", "IntegrityLevel", "ImageName",
	"ParentImage", "ParentCommandLine", "ParentUser", "ParentProcessId", "ParentProcessGuid",
	"GrandParentImage", "GrandParentCommandLine", "GrandParentUser",
	"AncestorImage", "AncestorCommandLine", "AncestorUser",
	"ChildImage", "ChildCommandLine", "ChildUser", "ChildLogonId", "GrandChildImage",
	"WorkerImage", "WorkerCommandLine", "WorkerUser", "WorkerProcessId", "WorkerRole", "WorkerCertainty", "WorkerProduct",
	"Session", "Depth", "ApplicationPool", "Elevation",
)

func foldedNames(names ...string) map[string]bool {
	folded := make(map[string]bool, len(names))
	for _, name := range names {
		folded[event.FoldName(name)] = true
	}
	return folded
}

// ofTree reports whether a field may be that of an event's process.
func ofTree(field string) bool { return treeFields[event.FoldName(field)] }

// needsTrees reports whether the value of a field is not known before there are
// trees.
func needsTrees(field string) bool { return ofTree(field) || event.FoldName(field) == webRoot }

// treeOf reports, by field of a set, whether it may be that of an event's
// process; nil if none is.
func treeOf(set *rules.Set) []bool {
	list := make([]bool, len(set.Fields()))
	for i, name := range set.Fields() {
		list[i] = ofTree(name)
	}
	if !slices.Contains(list, true) {
		return nil
	}
	return list
}

// asksTree reports whether a rule of a set, given by its index, cannot be
// decided before there are trees, for what it asks or a filter that tunes it.
// Rules that identify servers are matched before: for them such fields are
// absent.
func asksTree(set *rules.Set, rule int) bool {
	if builtin.IdentifiesServer(set.Rules()[rule]) {
		return false
	}
	asks := []*rules.Detection{set.Rules()[rule].Detection}
	for _, f := range set.FiltersOf(rule) {
		asks = append(asks, f.Filter.Detection)
	}
	for _, detection := range asks {
		for item := range detection.Items() {
			if needsTrees(item.Field) {
				return true
			}
		}
	}
	return false
}

// undecided is a rule that waits for trees. Until then all that can be
// established is that it does not match, by what it asks of the event itself.
type undecided struct {
	rule *rules.Rule
	ids  []uint16           // of the events that it may match, nil for any
	gate *rules.GateMatcher // nil if it asks nothing that could decide
	of   []event.LookField  // the gate's fields, their names folded
}

// newUndecided returns the rules of a set that wait for trees.
func newUndecided(e Set) []undecided {
	var list []undecided
	for i, r := range e.Set.Rules() {
		if !asksTree(e.Set, i) {
			continue
		}
		u := undecided{rule: r}
		if ids, ok := eventIDs(r); ok {
			u.ids = ids
		}
		if g := rules.NewGate([]rules.GateRule{{Set: e.Set, Rule: i}}, gateable, ofTree); g != nil && len(e.source.names) == 0 {
			u.gate = g.NewMatcher()
			for _, field := range g.Fields() {
				look := lookFieldOf(field)
				look.Name = event.FoldName(look.Name)
				u.of = append(u.of, look)
			}
		}
		list = append(list, u)
	}
	return list
}

// mayMatch reports whether the rule may match an event.
func (u *undecided) mayMatch(ev *event.Event) bool {
	return (u.ids == nil || slices.Contains(u.ids, ev.ID)) && (u.gate == nil || u.gate.Admits(gateEvent{ev, u.of}))
}

// decidedLater appends those rules that wait for trees and may match an event,
// without those of them that matched by what the event itself says, as if it
// had no tree.
func decidedLater(found []*rules.Rule, waiting []undecided, ev *event.Event) []*rules.Rule {
	for i := range waiting {
		u := &waiting[i]
		found = slices.DeleteFunc(found, func(r *rules.Rule) bool { return r == u.rule })
		if u.mayMatch(ev) {
			found = append(found, u.rule)
		}
	}
	return found
}

// gateEvent shows an event to a gate.
type gateEvent struct {
	*event.Event
	fields []event.LookField
}

// GateText implements rules.GateSubject.
func (g gateEvent) GateText(dst []byte, field int) ([]byte, bool) {
	look := &g.fields[field]
	list := g.Payload()
	if look.System {
		list = g.System()
	}
	for _, f := range list {
		if sameField(f.Name, look.Name) && !f.Value.IsNull() {
			return f.Value.AppendText(dst), true
		}
	}
	return dst, false
}
