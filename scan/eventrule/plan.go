package eventrule

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
)

// Plan is which events rules ask for, and which sets of rules ask for each. It
// is immutable; goroutines may share it.
type Plan struct {
	sets         []Set
	servers      *rules.Set
	correlations *rules.Correlations
	// The indices of the sets that ask for a kind of event, for all of a
	// provider, and for all of a channel. Names are as the log sources have
	// them.
	keys      map[event.Key][]int
	providers map[string][]int
	channels  map[string][]int
	fields    []string
	all       bool // a rule has keywords, which are looked for in all values
	// asking are the rules that ask for a kind of event, askingAll those
	// that ask for all of a provider, gates what rules out early that any
	// of them matches.
	asking    map[event.Key][]rules.GateRule
	askingAll map[string][]rules.GateRule
	gates     map[event.Key]*rules.Gate
}

// NewPlan returns the plan for some rules of a scan. correlations are those
// over them, and others.
func NewPlan(servers *rules.Set, sets []Set, correlations *rules.Correlations) *Plan {
	p := &Plan{
		sets: sets, servers: servers, correlations: correlations,
		keys: make(map[event.Key][]int), providers: make(map[string][]int), channels: make(map[string][]int),
		asking: make(map[event.Key][]rules.GateRule), askingAll: make(map[string][]rules.GateRule),
	}
	names := map[string]bool{"": true}
	for _, name := range systemFields {
		names[name] = true
	}
	for _, name := range slices.Concat(imageFields, pidFields, fileFields) {
		names[name] = true
	}
	for i, e := range sets {
		for _, name := range e.Set.Fields() {
			names[e.source.nameOf(name)] = true
			p.all = p.all || name == ""
		}
		for rule := range e.Set.Rules() {
			p.add(i, rule)
		}
	}
	p.fields = slices.Sorted(maps.Keys(names))
	p.gates = p.newGates()
	return p
}

// filteredBy is, in the key of a rule, before those of the filters that tune
// it.
const filteredBy = "\x00filter\x00"

// RuleKeys returns what identifies the rules of the plan with the filters that
// tune them, sorted.
func (p *Plan) RuleKeys() []string {
	var keys []string
	for _, e := range p.sets {
		for i, rule := range e.Rules() {
			key := ruleKey(rule)
			for _, f := range e.FiltersOf(i) {
				key += filteredBy + ruleKey(f)
			}
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// HasRule reports whether a rule, given by its key, is one of some, given by
// their keys in order, or would match less than one of them, as that has some
// of its filters only.
func HasRule(keys []string, key string) bool {
	rule, filters := splitKey(key)
	first, _ := slices.BinarySearch(keys, rule)
	for _, have := range keys[first:] {
		if !strings.HasPrefix(have, rule) {
			return false
		}
		name, with := splitKey(have)
		if name == rule && !slices.ContainsFunc(with, func(f string) bool { return !slices.Contains(filters, f) }) {
			return true
		}
	}
	return false
}

// splitKey splits the key of a rule into its own and those of its filters.
func splitKey(key string) (rule string, filters []string) {
	parts := strings.Split(key, filteredBy)
	return parts[0], parts[1:]
}

// Rules returns the rules of the plan.
func (p *Plan) Rules() []*rules.Rule { return RulesOf(p.sets) }

// ruleKey returns what identifies a rule.
func ruleKey(r *rules.Rule) string { return cmp.Or(r.ID, r.File+"\x00"+r.Label()) }

// Want returns the events of the plan, in an order that is always the same.
func (p *Plan) Want() event.Want {
	keys := slices.SortedFunc(maps.Keys(p.keys), func(a, b event.Key) int {
		return cmp.Or(strings.Compare(a.Provider, b.Provider), cmp.Compare(a.ID, b.ID))
	})
	return event.Want{
		Keys: keys, Providers: slices.Sorted(maps.Keys(p.providers)), Channels: slices.Sorted(maps.Keys(p.channels)), AllFields: p.all, Fields: p.fields,
	}
}

// setsOf returns, by Event.Key of what is wanted, the indices of the sets that
// ask for an event.
func (p *Plan) setsOf(want *event.Want) [][]int {
	var list [][]int
	for _, k := range want.Keys {
		sets := slices.Concat(p.keys[k], p.providers[k.Provider])
		slices.Sort(sets)
		list = append(list, slices.Compact(sets))
	}
	for _, name := range want.Providers {
		list = append(list, p.providers[name])
	}
	for _, name := range want.Channels {
		list = append(list, p.channels[name])
	}
	return list
}

// add adds the events that one rule of a set asks for, by their indices.
func (p *Plan) add(set, rule int) {
	source, r := p.sets[set].source, p.sets[set].Set.Rules()[rule]
	ids, ok := source.ids, len(source.ids) > 0
	if !ok {
		ids, ok = eventIDs(r)
	}
	from := source.providers
	if len(from) == 0 {
		known := false
		if from, known = r.Detection.Required("Provider_Name"); !known {
			p.channels[source.channel] = addIndex(p.channels[source.channel], set)
		}
	}
	for _, provider := range from {
		if !ok {
			p.providers[provider] = addIndex(p.providers[provider], set)
			p.askingAll[provider] = append(p.askingAll[provider], rules.GateRule{Set: p.sets[set].Set, Rule: rule})
			continue
		}
		for _, id := range ids {
			k := event.Key{Provider: provider, ID: id}
			p.keys[k] = addIndex(p.keys[k], set)
			p.asking[k] = append(p.asking[k], rules.GateRule{Set: p.sets[set].Set, Rule: rule})
		}
	}
}

func addIndex(list []int, i int) []int {
	if slices.Contains(list, i) {
		return list
	}
	return append(list, i)
}

// eventIDs returns the event IDs that a rule may match; none if it may match
// any.
func eventIDs(r *rules.Rule) ([]uint16, bool) {
	texts, ok := r.Detection.Required("EventID")
	if !ok {
		return nil, false
	}
	var ids []uint16
	for _, text := range texts {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, false
		}
		ids = append(ids, uint16(n))
	}
	return ids, true
}
