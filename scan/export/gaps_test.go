package export_test

import (
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"webshellscan/scan/event"
	"webshellscan/scan/export"
)

// TestGaps: identifiers that an export leaves out are counted by the log that
// they are of, whichever way it runs.
func TestGaps(t *testing.T) {
	type record struct {
		host string
		id   uint64
	}
	at := func(second uint64) event.Time {
		when, ok := event.ParseTime(fmt.Appendf(nil, "2026-01-02T03:04:%02dZ", second))
		if !ok {
			t.Fatal(second)
		}
		return when
	}
	for name, tt := range map[string]struct {
		records []record
		want    []export.Gap
	}{
		"whole":             {[]record{{"a", 5}, {"a", 6}, {"a", 7}}, nil},
		"one record":        {[]record{{"a", 5}}, nil},
		"a hole":            {[]record{{"a", 5}, {"a", 6}, {"a", 9}}, []export.Gap{{Computer: "a", Missing: 2, From: at(6), To: at(9)}}},
		"backwards":         {[]record{{"a", 9}, {"a", 6}, {"a", 5}}, []export.Gap{{Computer: "a", Missing: 2, From: at(6), To: at(9)}}},
		"two holes":         {[]record{{"a", 1}, {"a", 3}, {"a", 4}, {"a", 9}}, []export.Gap{{Computer: "a", Missing: 5, From: at(1), To: at(9)}}},
		"two logs, mixed":   {[]record{{"b", 5}, {"a", 20}, {"b", 6}, {"a", 23}}, []export.Gap{{Computer: "a", Missing: 2, From: at(20), To: at(23)}}},
		"of several hosts":  {[]record{{"b", 1}, {"b", 3}, {"a", 1}, {"a", 3}}, []export.Gap{{Computer: "a", Missing: 1, From: at(1), To: at(3)}, {Computer: "b", Missing: 1, From: at(1), To: at(3)}}},
		"no order, no hole": {[]record{{"a", 5}, {"a", 7}, {"a", 6}}, nil},
		"no identifier":     {[]record{{"a", 0}, {"a", 5}, {"a", 0}, {"a", 6}}, nil},
	} {
		var text strings.Builder
		for _, r := range tt.records {
			fmt.Fprintf(&text, `{"System":{"EventID":1,"TimeCreated":{"SystemTime":"2026-01-02T03:04:%02dZ"},"EventRecordID":%d,"Computer":%q}}`+"\n", r.id, r.id, r.host)
		}
		_, result := read(t, export.JSON, text.String())
		if diff := gocmp.Diff(tt.want, result.Gaps); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, `{"System":{"EventID":1,"EventRecordID":1,"Computer":"h%d"}}{"System":{"EventID":1,"EventRecordID":3,"Computer":"h%d"}}`, i, i)
	}
	if _, result := read(t, export.JSON, many.String()); len(result.Gaps) != 1024 {
		t.Errorf("%d logs are kept", len(result.Gaps))
	}
}
