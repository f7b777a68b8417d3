package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
)

// about returns a rule like base for the events of a category.
func about(category, name string) string {
	return strings.Replace(base(name), "process_creation", category, 1)
}

// categories compiles rules by category, and the correlation rules over them.
func categories(t *testing.T, text string, options rules.Options, names ...string) ([]*rules.Set, *rules.Correlations) {
	t.Helper()
	list := mustParse(t, text)
	var sets []*rules.Set
	for _, name := range names {
		of := slices.DeleteFunc(slices.Clone(list), func(r *rules.Rule) bool { return r.Correlation == nil && r.LogSource.Category != name })
		own := options
		own.Sources = []rules.Source{{LogSource: rules.LogSource{Category: name}}}
		sets = append(sets, mustCompile(t, of, own))
	}
	correlations, errs := rules.Correlate(list, options, sets...)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return sets, correlations
}

// TestCorrelationsOverSets: correlation rules join the matches of rules about
// events of different kinds.
func TestCorrelationsOverSets(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules string
		steps []step
		want  []string
	}{
		{
			"events alone", documents(about("file_event", "f"), correlate("many", "type: event_count\nrules: [f]\ngroup-by: [Image]\ntimespan: 10s\ncondition: {gte: 2}")),
			[]step{at(0, "f", "Image", "x"), at(1, "f", "Image", "y"), at(2, "f", "Image", "X")},
			[]string{"0-2 many [x] 2 [1 3]"},
		},
		{
			"a count over both", documents(base("p"), about("file_event", "f"), correlate("many", "type: event_count\nrules: [p, f]\ngroup-by: [Host]\ntimespan: 10s\ncondition: {gte: 3}")),
			[]step{at(0, "p", "Host", "x"), at(1, "f", "Host", "x"), at(2, "f"), at(3, "p", "Host", "x")},
			[]string{"0-3 many [x] 3 [1 2 4]"},
		},
		{
			"temporal, either first", documents(base("p"), about("dns_query", "d"), correlate("both", "type: temporal\nrules: [p, d]\ngroup-by: [Host]\ntimespan: 10s")),
			[]step{at(0, "d", "Host", "x"), at(5, "p", "Host", "x"), at(30, "p", "Host", "x"), at(40, "d", "Host", "x"), at(51, "p", "Host", "x")},
			[]string{"0-5 both [x] 2 [1 2]", "30-40 both [x] 2 [3 4]"},
		},
		{
			"temporal_ordered over three kinds", documents(
				base("p"), about("file_event", "f"), about("dns_query", "d"), correlate("steps", "type: temporal_ordered\nrules: [f, p, d]\ngroup-by: [Host]\ntimespan: 10s")),
			[]step{at(0, "p", "Host", "x"), at(1, "d", "Host", "x"), at(2, "f", "Host", "x"), at(3, "p", "Host", "x"), at(4, "d", "Host", "x")},
			[]string{"2-4 steps [x] 3 [3 4 5]"},
		},
		{
			"aliases for what each calls a field", documents(base("p"), about("file_event", "f"),
				correlate("written", "type: temporal_ordered\nrules: [f, p]\ngroup-by: [path]\ntimespan: 10s\naliases:\n    path:\n        f: TargetFilename\n        p: Image")),
			[]step{at(0, "f", "TargetFilename", "a", "Image", "w"), at(1, "p", "Image", "w"), at(2, "p", "Image", "A")},
			[]string{"0-2 written [a] 2 [1 3]"},
		},
		{
			"values of one field of several kinds", documents(base("p"), about("dns_query", "d"), correlate("names", "type: value_count\nrules: [p, d]\ntimespan: 10s\ncondition: {field: User, gte: 3}")),
			[]step{at(0, "p", "User", "u"), at(1, "d", "User", "v"), at(2, "d"), at(3, "d", "User", "U"), at(4, "p", "User", "w")},
			[]string{"0-4 names [] 3 [1 2 4 5]"},
		},
		{
			"an event of rules of two kinds counts once", documents(
				about("dns_query", "d"), strings.ReplaceAll(about("file_event", "f"), "E: f", "E: d"),
				correlate("two", "type: event_count\nrules: [d, f]\ntimespan: 10s\ncondition: {gte: 2}"), correlate("steps", "type: temporal_ordered\nrules: [d, f]\ntimespan: 10s")),
			[]step{at(0, "d"), at(1, "d")},
			[]string{"0-1 two [] 2 [1 2]", "0-1 steps [] 2 [1 2]"},
		},
		{
			"a chain whose last event is of another kind", documents(base("p"), about("file_event", "f"),
				correlate("outer", "type: temporal_ordered\nrules: [inner, p]\ngroup-by: [Host]\ntimespan: 10s"),
				correlate("inner", "type: event_count\nrules: [f]\ngroup-by: [Image]\ntimespan: 10s\ncondition: {gte: 2}")),
			[]step{at(0, "f", "Image", "i", "Host", "y"), at(1, "f", "Image", "i", "Host", "x"), at(2, "p", "Host", "y"), at(3, "p", "Host", "x")},
			[]string{"1-3 outer [x] 2 [2 4]"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sets, correlations := categories(t, c.rules, rules.Options{}, "process_creation", "file_event", "dns_query")
			if diff := cmp.Diff(c.want, stream(t, correlations, c.steps, sets...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCorrelationsAsk: rules of any set are asked for and hidden, and those
// that options leave out are there for the correlation rules that need them.
func TestCorrelationsAsk(t *testing.T) {
	text := documents("level: low\n"+about("file_event", "f"), "level: low\n"+about("file_event", "g"), "level: high\n"+base("p"),
		"level: high\n"+correlate("c", "type: temporal\nrules: [f, p]\ntimespan: 10s"), "level: low\n"+correlate("d", "type: temporal\nrules: [g, p]\ntimespan: 10s"))
	sets, correlations := categories(t, text, rules.Options{MinLevel: rules.LevelHigh}, "process_creation", "file_event")
	var got []string
	for _, set := range sets {
		for _, r := range set.Rules() {
			mark := " "
			if correlations.Asks(r) {
				mark += "asked "
			}
			if correlations.Reported(r) {
				mark += "reported"
			}
			got = append(got, r.Name+mark)
		}
	}
	if diff := cmp.Diff([]string{"p asked ", "f asked "}, got); diff != "" {
		t.Error(diff)
	}
	if len(correlations.Rules()) != 1 || len(correlations.NotSelected()) != 1 || correlations.NotSelected()[0].Name != "d" {
		t.Errorf("%d correlation rules apply, %d are not selected", len(correlations.Rules()), len(correlations.NotSelected()))
	}
}
