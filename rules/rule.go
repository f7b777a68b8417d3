package rules

import (
	"cmp"
	"iter"
	"strings"
	"time"
)

// Rule is one parsed Sigma document: a detection rule, a correlation rule or a
// filter. Exactly one of Detection, Correlation and Filter is set. A Rule is
// not changed after Parse returned it; any number of goroutines may read it.
type Rule struct {
	File string // as given to Parse
	Line int    // where the document's first attribute stands, counted from 1

	Title          string
	ID             string // often a UUID; not unique in collections that share a global document
	Name           string // what correlation rules and reports call the rule
	Related        []Related
	Taxonomy       string // "" means sigma
	Status         string // stable, test, experimental, deprecated, unsupported or ""
	Description    string
	License        string
	Author         string // several joined by ", "
	Date, Modified string // as written
	References     []string
	Fields         []string
	FalsePositives []string
	Tags           []string
	Scope          []string
	Level          Level
	LogSource      LogSource

	// Role is the custom attribute `role`: what a rule is for if it is not
	// to give findings. This package only carries it.
	Role string

	// Custom holds the attributes that are not in the specification, if
	// they are scalars, by name.
	Custom map[string]string

	Detection   *Detection
	Correlation *Correlation
	Filter      *Filter

	// Warnings are departures from the specification that leave no doubt
	// about what was meant.
	Warnings []*ParseError
}

// Label returns what a rule is called in a report: its name, else its title,
// else its ID.
func (r *Rule) Label() string { return cmp.Or(r.Name, r.Title, r.ID) }

// Related links a rule to another. Sigma rules specification, "Identification".
type Related struct {
	Type string // derived, obsolete, merged, renamed, similar
	ID   string
}

// LogSource is which logs a rule is about. Category, Product and Service are in
// lower case. Sigma rules specification, "LogSource".
type LogSource struct {
	Category   string
	Product    string
	Service    string
	Definition string
}

// Detection is what a rule looks for: it matches if any of its conditions
// holds. Sigma rules specification, "Detection".
type Detection struct {
	Searches   []*Search // in the document's order
	Conditions []*Condition
}

// Items returns the items of all searches, in the document's order.
func (d *Detection) Items() iter.Seq[*Item] {
	return func(yield func(*Item) bool) {
		for _, s := range d.Searches {
			for _, g := range s.Groups {
				for _, item := range g.Items {
					if !yield(item) {
						return
					}
				}
			}
		}
	}
}

// Search is one search identifier with its definition: any of its groups has to
// match.
type Search struct {
	Name   string
	Groups []*Group
	Line   int
	Column int
}

// Group is one map of a search: all of its items have to match. A list of
// keywords is a group of one item.
type Group struct {
	Items []*Item
}

// Item is one line of a map: a field with modifiers, and the values of which
// one (or, with the modifier `all`, each) has to match.
type Item struct {
	Field     string   // "" for keywords, which are looked for in all fields
	Modifiers []string // as written
	Values    []Value
	Line      int
	Column    int

	spec modifierSet
}

// ValueKind is the YAML type of a value.
type ValueKind uint8

// The kinds of values. Sigma rules specification, "Special Field Values", and
// its JSON schema.
const (
	StringValue ValueKind = iota
	NumberValue
	BoolValue
	NullValue
)

// Value is one value of an item, as written.
type Value struct {
	Kind   ValueKind
	Text   string // the scalar's text, quotes and YAML escapes resolved, Sigma's own escapes kept
	Line   int
	Column int

	expression *expression // of the modifier re; nil if there are placeholders in it
}

// Condition is one condition of a detection, parsed.
type Condition struct {
	Text   string
	Line   int
	Column int

	expr *conditionNode
}

// Filter is the part of a filter document that names the rules it tunes. Sigma
// filters specification, "Global Filter".
type Filter struct {
	Rules     []string // IDs or names; none means every rule of the log source
	Detection *Detection
	Line      int
	Column    int
}

// CorrelationType is how a correlation joins events. Sigma correlation rules
// specification, "Correlation Types".
type CorrelationType string

// The correlation types. The specification names the median as the 50th
// percentile; pySigma has it as a type.
const (
	EventCount      CorrelationType = "event_count"
	ValueCount      CorrelationType = "value_count"
	Temporal        CorrelationType = "temporal"
	TemporalOrdered CorrelationType = "temporal_ordered"
	ValueSum        CorrelationType = "value_sum"
	ValueAvg        CorrelationType = "value_avg"
	ValuePercentile CorrelationType = "value_percentile"
	ValueMedian     CorrelationType = "value_median"
)

// Correlation is the part of a correlation rule that joins the matches of other
// rules.
type Correlation struct {
	Type     CorrelationType
	Rules    []string // IDs or names, in order
	GroupBy  []string // field names or aliases
	Timespan time.Duration
	Aliases  []Alias

	Bounds     []Bound  // all have to hold; none for temporal types means: every rule
	Fields     []string // the condition's `field`
	Percentile float64  // the condition's `percentile`; negative if not given

	// Generate keeps the rules referred to as rules in their own right.
	// Sigma correlation rules specification, "Generate".
	Generate bool

	Line   int
	Column int
}

// Alias is one name for fields that are called differently in the events of
// different rules. Sigma correlation rules specification, "Field Name Aliases".
type Alias struct {
	Name   string
	Fields []AliasField
}

// AliasField is the field that an alias stands for in the events of one rule.
type AliasField struct {
	Rule  string // ID or name
	Field string
}

// Bound is one comparison of a correlation's condition: gt, gte, lt, lte, eq or
// neq.
type Bound struct {
	Op    string
	Value float64
}

// Called reports whether by is the rule's name, ID or title, compared without
// case: reports call rules without a name by their titles.
func (r *Rule) Called(by string) bool {
	return r.Goes(by) || by != "" && strings.EqualFold(by, r.Title)
}

// Goes reports whether by is the rule's name or ID, compared without case.
func (r *Rule) Goes(by string) bool {
	return by != "" && (strings.EqualFold(by, r.Name) || strings.EqualFold(by, r.ID))
}
