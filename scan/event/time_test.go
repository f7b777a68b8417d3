package event_test

import (
	"testing"
	"time"

	"webshellscan/scan/event"
)

func TestParseTime(t *testing.T) {
	tests := []struct {
		text string
		want string
	}{
		{"2020-08-01T22:58:09.4432265Z", "2020-08-01T22:58:09.4432265Z"},
		{"2020-08-01T22:58:09.443226500Z", "2020-08-01T22:58:09.4432265Z"},
		{"2020-08-01T22:58:09.443226599Z", "2020-08-01T22:58:09.4432265Z"},
		{"2020-02-29 01:02:03.004", "2020-02-29T01:02:03.0040000Z"},
		{"2020-02-29 01:02:03", "2020-02-29T01:02:03.0000000Z"},
		{"1601-01-01T00:00:00.0000001Z", "1601-01-01T00:00:00.0000001Z"},
		{"9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"},
		{"2019-02-29 01:02:03", ""},
		{"2020-13-01 01:02:03", ""},
		{"2020-01-01 24:02:03", ""},
		{"2020-01-01 01:02:03.", ""},
		{"2020-01-01 01:02:03+01:00", ""},
		{"2020-01-01", ""},
		{"", ""},
	}
	for _, tt := range tests {
		got, ok := event.ParseTime([]byte(tt.text))
		if ok != (tt.want != "") || ok && got.String() != tt.want {
			t.Errorf("%q: %s, %v; want %q", tt.text, got, ok, tt.want)
		}
	}
}

// TestTimeIsExact holds Time to the standard library over the whole calendar.
func TestTimeIsExact(t *testing.T) {
	at := time.Date(1601, 1, 1, 0, 0, 0, 100, time.UTC)
	for at.Year() < 10000 {
		got := event.FromTime(at)
		if !got.Time().Equal(at) {
			t.Fatalf("%s came back as %s", at, got.Time())
		}
		parsed, ok := event.ParseTime([]byte(at.Format("2006-01-02T15:04:05.0000000Z")))
		if !ok || parsed != got {
			t.Fatalf("%s parsed as %s, %v", at, parsed, ok)
		}
		if s := event.FromUnix(at.Unix()); s.UnixSeconds() != at.Unix() {
			t.Fatalf("%s: Unix seconds %d", at, s.UnixSeconds())
		}
		at = at.AddDate(0, 0, 17).Add(12345678900 * time.Nanosecond)
	}
}

func TestPlausible(t *testing.T) {
	tests := map[string]bool{
		"1999-12-31T23:59:59.9999999Z": false, "2000-01-01T00:00:00.0000000Z": true,
		"2099-12-31T23:59:59.9999999Z": true, "2100-01-01T00:00:00.0000000Z": false,
	}
	for text, want := range tests {
		if at, ok := event.ParseTime([]byte(text)); !ok || at.Plausible() != want {
			t.Errorf("%s: parsed %v, plausible %v", text, ok, at.Plausible())
		}
	}
}
