package eventrule_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/eventrule"
)

// TestPlanAsksForEnough: what a filter or one of several alternatives names is
// not all that a rule may match.
func TestPlanAsksForEnough(t *testing.T) {
	const rule = `
title: t
logsource: {product: windows, service: application}
detection:
    words: [Mimikatz]
    own: {Provider_Name: A, EventID: 1}
    others: {Provider_Name: B}
    condition: `
	for condition, want := range map[string]event.Want{
		"own":                               {Keys: []event.Key{{Provider: "A", ID: 1}}},
		"own and not others":                {Keys: []event.Key{{Provider: "A", ID: 1}}},
		"own or others":                     {Providers: []string{"A", "B"}},
		"words and not others":              {Channels: []string{"Application"}},
		"|-\n        own or\n        words": {Channels: []string{"Application"}},
	} {
		list, errs := rules.Parse("t.yml", []byte(rule+condition+"\n"))
		sets, failed, more := eventrule.Compile(list, rules.Options{})
		if len(failed) > 0 || len(errs)+len(more) > 0 {
			t.Fatal(errs, more)
		}
		empty, _ := rules.Compile(nil, rules.Options{})
		none, _ := rules.Correlate(nil, rules.Options{})
		got := eventrule.NewPlan(empty, sets, none).Want()
		if diff := cmp.Diff(want, event.Want{Keys: got.Keys, Providers: got.Providers, Channels: got.Channels}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", condition, diff)
		}
	}
}

// TestHasRule: a rule is among others if one of them is the same, with no other
// filters than it has itself.
func TestHasRule(t *testing.T) {
	key := func(rule string, filters ...string) string {
		return strings.Join(append([]string{rule}, filters...), "\x00filter\x00")
	}
	keys := []string{key("a"), key("b", "1"), key("b", "2", "3"), key("bb"), key("c.yml\x00C", "1")}
	slices.Sort(keys)
	for want, list := range map[bool][]string{
		true: {
			key("a"), key("a", "1"), key("b", "1"), key("b", "0", "1"), key("b", "1", "9"), key("b", "2", "3"), key("b", "2", "2a", "3"),
			key("bb"), key("c.yml\x00C", "1", "2"),
		},
		false: {key("b"), key("b", "2"), key("b", "9"), key("c.yml\x00C"), key("c.yml"), key("c.yml", "1"), key("d"), key("")},
	} {
		for _, k := range list {
			if eventrule.HasRule(keys, k) != want {
				t.Errorf("%q: %t, want %t", k, !want, want)
			}
		}
	}
}
