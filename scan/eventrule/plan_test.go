package eventrule_test

import (
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
		if failed > 0 || len(errs)+len(more) > 0 {
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
