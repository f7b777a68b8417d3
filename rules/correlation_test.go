package rules_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
)

// base returns a rule for events whose field E has the rule's name.
func base(name string) string {
	return "title: " + name + "\nname: " + name + "\nlogsource: {category: process_creation}\ndetection:\n    s: {E: " + name + "}\n    condition: s\n"
}

// correlate returns a correlation rule.
func correlate(name, rest string) string {
	return "title: " + name + "\nname: " + name + "\ncorrelation:\n    " + strings.ReplaceAll(strings.TrimSpace(rest), "\n", "\n    ") + "\n"
}

func documents(list ...string) string { return strings.Join(list, "---\n") }

var start = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// step is an event of a stream: seconds after start, the rules that match (by
// field E), and more fields.
type step struct {
	at     float64
	fields event
}

// at returns an event that is matched by the rule of that name.
func at(seconds float64, rule string, pairs ...string) step {
	return step{seconds, e(append([]string{"E", rule}, pairs...)...)}
}

// mustCorrelate compiles rules about processes and the correlation rules over
// them.
func mustCorrelate(tb testing.TB, list []*rules.Rule, options rules.Options) (*rules.Set, *rules.Correlations) {
	tb.Helper()
	set := mustCompile(tb, list, options)
	correlations, errs := rules.Correlate(list, options, set)
	if len(errs) > 0 {
		tb.Fatal(errs)
	}
	return set, correlations
}

// stream runs events through correlation rules over some sets and returns the
// matches as text: seconds, rule, group, value, number of the events (counted
// from 1), and "+" if the match goes on.
func stream(t *testing.T, correlations *rules.Correlations, steps []step, sets ...*rules.Set) []string {
	t.Helper()
	c, interned := correlations.NewCorrelator(), newTexts()
	out := []string{}
	add := func(matches []rules.Correlated) {
		for _, match := range matches {
			if correlations.Rules()[match.Correlation] != match.Rule {
				t.Errorf("index %d is not of rule %s", match.Correlation, match.Rule.Name)
			}
			more := ""
			if match.Continued {
				more = "+"
			}
			out = append(out, fmt.Sprintf("%g-%g %s %v %g %v%s", match.Start.Sub(start).Seconds(), match.End.Sub(start).Seconds(), match.Rule.Name, match.Group, match.Value, match.Refs, more))
		}
	}
	for i, s := range steps {
		o := rules.Observation{Time: start.Add(time.Duration(s.at * float64(time.Second))), Ref: uint64(i + 1)}
		for n, set := range sets {
			sub := newSubject(set, interned, s.fields)
			if found := set.NewMatcher().Match(nil, sub); len(found) > 0 {
				o.Matches = append(o.Matches, rules.Match{Set: n, Rules: found, Subject: sub})
			}
		}
		add(c.Add(o))
	}
	add(c.Flush())
	if c.Dropped() != 0 {
		t.Errorf("%d events dropped", c.Dropped())
	}
	return out
}

// TestCorrelations: the types of the Sigma correlation rules specification,
// 2.1.0, "Correlation Types".
func TestCorrelations(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules string
		steps []step
		want  []string
	}{
		{
			"event_count", documents(base("a"), correlate("many", "type: event_count\nrules: [a]\ngroup-by: [Host]\ntimespan: 10s\ncondition: {gte: 3}")),
			[]step{at(0, "a", "Host", "x"), at(1, "a", "Host", "y"), at(2, "a", "Host", "X"), at(3, "b", "Host", "x"), at(4, "a", "Host", "x"), at(5, "a", "Host", "x"), at(13, "a", "Host", "x"), at(14, "a", "Host", "x"), at(15, "a", "Host", "x")},
			[]string{"0-4 many [x] 3 [1 3 5]", "0-5 many [x] 4 [1 3 5 6]+", "4-13 many [x] 3 [5 6 7]+", "4-14 many [x] 4 [5 6 7 8]+", "5-15 many [x] 4 [6 7 8 9]+"},
		},
		{
			"event_count gt of several rules, without group", documents(base("a"), base("b"), correlate("many", "type: event_count\nrules: [a, b]\ntimespan: 1m\ncondition: {gt: 2}")),
			[]step{at(0, "a"), at(1, "b"), at(2, "c"), at(3, "a")},
			[]string{"0-3 many [] 3 [1 2 4]"},
		},
		{
			"the window ends after the timespan", documents(base("a"), correlate("two", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {gte: 2}")),
			[]step{at(0, "a"), at(10, "a"), at(20.5, "a")},
			[]string{"0-10 two [] 2 [1 2]"},
		},
		{
			"an event without a value to group by", documents(base("a"), correlate("two", "type: event_count\nrules: [a]\ngroup-by: [Host, User]\ntimespan: 10s\ncondition: {gte: 2}")),
			[]step{at(0, "a", "Host", "x"), at(1, "a", "Host", "x"), at(2, "a", "Host", "x", "User", "u"), at(3, "a", "Host", "x", "User", "u"), at(4, "a", "Host", "x", "User", "v")},
			[]string{"2-3 two [x u] 2 [3 4]"},
		},
		{
			"a range is judged when the window closes", documents(base("a"), correlate("few", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {gt: 1, lte: 3}")),
			[]step{at(0, "a"), at(1, "a"), at(2, "a"), at(3, "a"), at(20, "a"), at(21, "a"), at(40, "a")},
			[]string{"20-21 few [] 2 [5 6]"},
		},
		{
			"eq, at the end of the stream", documents(base("a"), correlate("two", "type: event_count\nrules: [a]\ngroup-by: [Host]\ntimespan: 10s\ncondition: {eq: 2}")),
			[]step{at(0, "a", "Host", "x"), at(1, "a", "Host", "y"), at(2, "a", "Host", "x")},
			[]string{"0-2 two [x] 2 [1 3]"},
		},
		{
			"neq and lt", documents(base("a"), correlate("not2", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {neq: 2, lt: 4}")),
			[]step{at(0, "a"), at(20, "a"), at(21, "a"), at(40, "a"), at(41, "a"), at(42, "a"), at(60, "b")},
			[]string{"0-0 not2 [] 1 [1]", "40-42 not2 [] 3 [4 5 6]"},
		},
		{
			"value_count", documents(base("a"), correlate("users", "type: value_count\nrules: [a]\ngroup-by: [Host]\ntimespan: 10s\ncondition: {field: User, gte: 2}")),
			[]step{at(0, "a", "Host", "x", "User", "u"), at(1, "a", "Host", "x", "User", "U"), at(2, "a", "Host", "x"), at(3, "a", "Host", "x", "User", "v"), at(11.5, "a", "Host", "x", "User", "v"), at(30, "a", "Host", "x", "User", "u")},
			[]string{"0-3 users [x] 2 [1 2 4]"},
		},
		{
			"value_count of several fields", documents(base("a"), correlate("pairs", "type: value_count\nrules: [a]\ntimespan: 10s\ncondition:\n    field: [User, Domain]\n    gte: 2")),
			[]step{at(0, "a", "User", "u", "Domain", "d"), at(1, "a", "User", "u", "Domain", "d"), at(2, "a", "User", "u"), at(3, "a", "User", "u", "Domain", "e")},
			[]string{"0-3 pairs [] 2 [1 2 4]"},
		},
		{
			"temporal", documents(base("a"), base("b"), base("c"), correlate("recon", "type: temporal\nrules: [a, b, c]\ngroup-by: [Host, User]\ntimespan: 5m")),
			[]step{at(0, "c", "Host", "x", "User", "u"), at(10, "a", "Host", "x", "User", "u"), at(20, "b", "Host", "y", "User", "u"), at(310, "b", "Host", "x", "User", "u"), at(320, "c", "Host", "x", "User", "u"), at(330, "a", "Host", "x", "User", "u")},
			[]string{"310-330 recon [x u] 3 [4 5 6]"},
		},
		{
			"temporal with a condition", documents(base("a"), base("b"), base("c"), correlate("two", "type: temporal\nrules: [a, b, c]\ntimespan: 1m\ncondition: {gte: 2}")),
			[]step{at(0, "a"), at(1, "a"), at(2, "c")},
			[]string{"1-2 two [] 2 [2 3]"},
		},
		{
			"temporal_ordered", documents(base("a"), base("b"), base("c"), correlate("steps", "type: temporal_ordered\nrules: [a, b, c]\ngroup-by: [User]\ntimespan: 10s")),
			[]step{at(0, "c", "User", "u"), at(1, "b", "User", "u"), at(2, "a", "User", "u"), at(3, "c", "User", "u"), at(4, "b", "User", "u"), at(5, "b", "User", "v"), at(6, "a", "User", "u"), at(12, "c", "User", "u"), at(13, "c", "User", "u")},
			[]string{"2-12 steps [u] 3 [3 5 8]"},
		},
		{
			"temporal_ordered begins as late as it can", documents(base("a"), base("b"), correlate("steps", "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s")),
			[]step{at(0, "a"), at(8, "a"), at(15, "b")},
			[]string{"8-15 steps [] 2 [2 3]"},
		},
		{
			"value_sum", documents(base("a"), correlate("sum", "type: value_sum\nrules: [a]\ngroup-by: [Host]\ntimespan: 10s\ncondition: {field: Bytes, gt: 100}")),
			[]step{at(0, "a", "Host", "x", "Bytes", "60"), at(1, "a", "Host", "x", "Bytes", "none"), at(2, "a", "Host", "x", "Bytes", "41"), at(11.5, "a", "Host", "x", "Bytes", "50"), at(13, "a", "Host", "x", "Bytes", "0x33")},
			[]string{"0-2 sum [x] 101 [1 3]", "11.5-13 sum [x] 101 [4 5]"},
		},
		{
			"value_avg", documents(base("a"), correlate("avg", "type: value_avg\nrules: [a]\ntimespan: 10s\ncondition: {field: Bytes, gte: 2.5}")),
			[]step{at(0, "a", "Bytes", "1"), at(1, "a", "Bytes", "4"), at(2, "a", "Bytes", "1")},
			[]string{"0-1 avg [] 2.5 [1 2]"},
		},
		{
			"value_median", documents(base("a"), correlate("median", "type: value_median\nrules: [a]\ntimespan: 10s\ncondition: {field: Bytes, gt: 2}")),
			[]step{at(0, "a", "Bytes", "1"), at(1, "a", "Bytes", "4"), at(2, "a", "Bytes", "100"), at(3, "a", "Bytes", "1"), at(4, "a", "Bytes", "0")},
			[]string{"0-1 median [] 2.5 [1 2]", "0-2 median [] 4 [1 2 3]+", "0-3 median [] 2.5 [1 2 3 4]+"},
		},
		{
			"value_percentile with a percentile", documents(base("a"), correlate("p90", "type: value_percentile\nrules: [a]\ntimespan: 10s\ncondition: {field: Bytes, percentile: 90, gt: 90}")),
			[]step{at(0, "a", "Bytes", "0"), at(1, "a", "Bytes", "100"), at(2, "a", "Bytes", "100"), at(20, "a", "Bytes", "1")},
			[]string{"0-2 p90 [] 100 [1 2 3]"},
		},
		{
			"value_percentile without: the share of each value", documents(base("a"), correlate("rare", "type: value_percentile\nrules: [a]\ngroup-by: [Host]\ntimespan: 24h\ncondition: {field: Image, lte: 25}")),
			[]step{at(0, "a", "Host", "x", "Image", "p"), at(1, "a", "Host", "x", "Image", "p"), at(2, "a", "Host", "x", "Image", "q"), at(3, "a", "Host", "x", "Image", "P"), at(4, "a", "Host", "y", "Image", "q")},
			[]string{"2-2 rare [x] 25 [3]"},
		},
		{
			"aliases", documents(base("internal_error"), base("new_network_connection"), correlate("both", "type: temporal\nrules: [internal_error, new_network_connection]\ngroup-by: [internal_ip, remote_ip]\ntimespan: 10s\naliases:\n    internal_ip:\n        internal_error: destination.ip\n        new_network_connection: source.ip\n    remote_ip:\n        internal_error: source.ip\n        new_network_connection: destination.ip")),
			[]step{at(0, "internal_error", "destination.ip", "1", "source.ip", "2"), at(1, "new_network_connection", "destination.ip", "1", "source.ip", "2"), at(2, "new_network_connection", "destination.ip", "2", "source.ip", "1")},
			[]string{"0-2 both [1 2] 2 [1 3]"},
		},
		{
			"a chain, as in the specification's example", documents(
				correlate("brute_force", "type: temporal_ordered\nrules: [multiple_failed_login, successful_login]\ngroup-by: [User]\ntimespan: 10m"),
				correlate("multiple_failed_login", "type: event_count\nrules: [failed_login]\ngroup-by: [User]\ntimespan: 10m\ncondition: {gte: 3}"),
				base("failed_login"), base("successful_login")),
			[]step{at(0, "failed_login", "User", "u"), at(1, "successful_login", "User", "u"), at(2, "failed_login", "User", "u"), at(3, "failed_login", "User", "u"), at(4, "successful_login", "User", "v"), at(5, "successful_login", "User", "u"), at(900, "successful_login", "User", "u")},
			[]string{"3-5 brute_force [u] 2 [4 6]"},
		},
		{
			"a chain on a window that closes", documents(base("a"), base("b"),
				correlate("two", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {eq: 2}"), correlate("then", "type: temporal_ordered\nrules: [two, b]\ntimespan: 1m")),
			[]step{at(0, "a"), at(1, "a"), at(12, "b")},
			[]string{"12-12 then [] 2 [2 3]"},
		},
		{
			"a chain that only the end of the stream completes", documents(base("a"),
				correlate("two", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {eq: 2}"), correlate("any", "type: event_count\nrules: [two]\ntimespan: 1m\ncondition: {gte: 1}")),
			[]step{at(0, "a"), at(1, "a")},
			[]string{"1-1 any [] 1 [2]"},
		},
		{
			"an event of two rules does not come before itself", documents(base("a"), strings.ReplaceAll(base("b"), "E: b", "E: a"), correlate("steps", "type: temporal_ordered\nrules: [a, b]\ntimespan: 10s"), correlate("both", "type: temporal\nrules: [a, b]\ntimespan: 10s")),
			[]step{at(0, "a"), at(1, "a")},
			[]string{"0-0 both [] 2 [1]", "0-1 steps [] 2 [1 2]", "1-1 both [] 2 [2]+"},
		},
		{
			"time that goes back", documents(base("a"), correlate("two", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {gte: 2}")),
			[]step{at(5, "a"), at(3, "a")},
			[]string{"5-5 two [] 2 [1 2]"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, correlations := mustCorrelate(t, mustParse(t, c.rules), rules.Options{})
			if diff := cmp.Diff(c.want, stream(t, correlations, c.steps, set)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestGenerate: what is reported by itself. Sigma correlation rules
// specification, "Generate".
func TestGenerate(t *testing.T) {
	for _, c := range []struct {
		generate           string
		a, b, inner, outer bool
	}{
		{"", false, true, false, true},
		{"generate: true\n", false, true, true, true},
	} {
		text := documents(base("a"), base("b"), correlate("inner", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {gte: 1}"), c.generate+correlate("outer", "type: event_count\nrules: [inner]\ntimespan: 10s\ncondition: {gte: 1}"))
		set, correlations := mustCorrelate(t, mustParse(t, text), rules.Options{})
		if a, b := correlations.Reported(set.Rules()[0]), correlations.Reported(set.Rules()[1]); a != c.a || b != c.b {
			t.Errorf("%q: reported %v, %v", c.generate, a, b)
		}
		got := strings.Join(stream(t, correlations, []step{at(0, "a")}, set), "\n")
		if strings.Contains(got, "inner") != c.inner || strings.Contains(got, "outer") != c.outer {
			t.Errorf("%q: %s", c.generate, got)
		}
	}
	text := "level: high\n" + correlate("high", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {gte: 1}") + "---\n" + base("a") + "---\n" + base("b")
	set, correlations := mustCorrelate(t, mustParse(t, text), rules.Options{MinLevel: rules.LevelHigh})
	if len(set.Rules()) != 1 || correlations.Reported(set.Rules()[0]) || len(set.NotSelected()) != 2 {
		t.Errorf("a rule that is needed only: %d rules, %d not selected", len(set.Rules()), len(set.NotSelected()))
	}
}

func TestCorrelationReferences(t *testing.T) {
	count := func(name, target string) string {
		return correlate(name, "type: event_count\nrules: ["+target+"]\ntimespan: 10s\ncondition: {gte: 1}")
	}
	for _, c := range []struct {
		name, text    string
		errs          []string
		notApplicable int
	}{
		{"missing", count("c", "nowhere"), []string{`test.yml:4:5: correlation refers to rule "nowhere", which is not there`}, 0},
		{"itself", count("c", "c"), []string{`test.yml:4:5: correlation refers to itself: "c" to "c"`}, 0},
		{
			"a cycle", documents(count("c", "d"), count("d", "e"), count("e", "c")),
			[]string{
				`test.yml:4:5: correlation refers to itself: "c" to "d" to "e" to "c"`,
				`test.yml:12:5: correlation refers to rule "e", which has an error`,
				`test.yml:20:5: correlation refers to rule "c", which has an error`,
			},
			0,
		},
		{"of another log source", documents("title: f\nname: f\nlogsource: {category: file_event}\ndetection: {s: {F: x}, condition: s}\n", count("c", "f")), nil, 2},
		{"with an error", documents(strings.Replace(base("a"), "E: a", "E|expand: '%x%'", 1), count("c", "a")), []string{
			"test.yml:5:9: E|expand: no value is known for placeholder %x%",
			`test.yml:11:5: correlation refers to rule "a", which has an error`,
		}, 0},
		{"an alias for another rule", documents(base("a"), base("b"), correlate("c", "type: event_count\nrules: [a]\ntimespan: 10s\ncondition: {gte: 1}\naliases:\n    x: {b: F}")), []string{
			`test.yml:18:5: alias "x" names rule "b", which the correlation does not refer to`,
		}, 0},
		{"by ID in capitals", documents("id: AB\n"+base("a"), count("c", "ab")), nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := mustParse(t, c.text)
			set, errs := rules.Compile(list, rules.Options{})
			correlations, more := rules.Correlate(list, rules.Options{}, set)
			var got []string
			for _, err := range slices.Concat(errs, more) {
				got = append(got, err.Error())
				if problem, ok := errors.AsType[*rules.ParseError](err); !ok || problem.Err == nil {
					t.Errorf("error %#v", err)
				}
			}
			if diff := cmp.Diff(c.errs, got); diff != "" {
				t.Error(diff)
			}
			if n := len(set.NotApplicable()) + len(correlations.NotApplicable()); n != c.notApplicable {
				t.Errorf("%d not applicable, want %d", n, c.notApplicable)
			}
		})
	}
}

// TestCorrelatorBounds floods a correlator with groups that never end.
func TestCorrelatorBounds(t *testing.T) {
	text := documents(base("a"), correlate("many", "type: value_count\nrules: [a]\ngroup-by: [Host]\ntimespan: 3650d\ncondition: {field: User, gte: 1000000000}"))
	set, correlations := mustCorrelate(t, mustParse(t, text), rules.Options{})
	c, m, interned := correlations.NewCorrelator(), set.NewMatcher(), newTexts()
	const limit, events = 20_000, 30_000
	c.SetLimit(limit)
	for i := range events {
		ev := e("E", "a", "User", "u", "Host", fmt.Sprint(i%500))
		sub := newSubject(set, interned, ev)
		c.Add(rules.Observation{Time: start.Add(time.Duration(i)), Matches: []rules.Match{{Rules: m.Match(nil, sub), Subject: sub}}, Ref: uint64(i)})
	}
	if n := c.Dropped(); n < events-limit || n > events-limit+1000 {
		t.Errorf("%d events dropped, want about %d", n, events-limit)
	}
}

func BenchmarkCorrelate(b *testing.B) {
	text := documents(base("a"), base("b"), correlate("many", "type: event_count\nrules: [a]\ngroup-by: [Host]\ntimespan: 10s\ncondition: {gte: 100}"), correlate("order", "type: temporal_ordered\nrules: [a, b]\ngroup-by: [Host]\ntimespan: 10s"))
	set, correlations := mustCorrelate(b, mustParse(b, text), rules.Options{})
	c, interned := correlations.NewCorrelator(), newTexts()
	var subs []*subject
	for i := range 100 {
		subs = append(subs, newSubject(set, interned, e("Host", fmt.Sprint(i))))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		c.Add(rules.Observation{
			Time: start.Add(time.Duration(i) * time.Millisecond), Matches: []rules.Match{{Rules: []int{i % 2}, Subject: subs[i%100]}}, Ref: uint64(i),
		})
		i++
	}
}
