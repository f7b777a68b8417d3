package text_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"webshellscan/report/text"
	"webshellscan/scan/event"
)

func TestVisible(t *testing.T) {
	tests := map[string]string{
		"":                   "",
		"cmd.exe /c é日本😀":    "cmd.exe /c é日本😀",
		"\x1b[31m":           `\x1B[31m`,
		"a\nb\r\tc":          `a\nb\r\tc`,
		"\u202Egnp":          `\u{202E}gnp`,
		"\u009B1m\u0085":     `\x9B1m\x85`,
		"\u200B\uFEFF\u2028": `\u{200B}\u{FEFF}\u{2028}`,
		"\U000E0041":         `\u{E0041}`,
		"क\u200Dष":           "क\u200Dष",
		"\uFFFD":             "\uFFFD",
		"name\xff\xfe":       `name\xFF\xFE`,
		"\uE000":             `\u{E000}`,
	}
	for in, want := range tests {
		if got := text.Visible(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{"": "", "abcd": "abcd", "äöüß": "äöüß", "äöüße": "äöüß… (+1)", "abcdefg": "abcd… (+3)"} {
		if got := text.Clip(in, 4); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestWrap: lines break at spaces near their end, and the last says how much is
// missing.
func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in           string
		width, lines int
		want         []string
	}{
		{"", 10, 2, []string{""}},
		{"one two three four", 10, 4, []string{"one two", "three four"}},
		{"a bcdefghijklm", 10, 4, []string{"a bcdefghi", "jklm"}},
		{"日本日本日本", 5, 4, []string{"日本", "日本", "日本"}},
		{strings.Repeat("x", 40), 20, 1, []string{strings.Repeat("x", 13) + "… (+28)"}},
		{"日", 1, 4, []string{"日"}},
	} {
		if got := text.Wrap(c.in, c.width, c.lines); !slices.Equal(got, c.want) {
			t.Errorf("%q in %d columns: %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestUnits(t *testing.T) {
	at := func(text string) event.Time {
		when, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return event.FromTime(when)
	}
	early, late, nextYear := at("2026-03-02 08:00:00"), at("2026-03-02 09:30:00"), at("2027-03-02 09:30:00")
	for _, c := range [][2]string{
		{text.Bytes(1), "1 byte"},
		{text.Bytes(1023), "1023 bytes"},
		{text.Bytes(1536), "1.5 KiB"},
		{text.Bytes(5 << 40), "5.0 TiB"},
		{text.Bytes(5 << 50), "5120.0 TiB"},
		{text.Percent(0), "0 %"},
		{text.Percent(0.0001), "1 %"},
		{text.Percent(0.9999), "99 %"},
		{text.Percent(1), "100 %"},
		{text.TimeSpan(early, early), "2026-03-02 08:00:00"},
		{text.TimeSpan(early, late), "2026-03-02 08:00:00 to 09:30:00"},
		{text.TimeSpan(early, nextYear), "2026-03-02 08:00:00 to 2027-03-02 09:30:00"},
		{text.JoinTimes(late, early, " and "), "2026-03-02 08:00:00 and 2026-03-02 09:30:00"},
		{text.JoinTimes(early, 0, " and "), "2026-03-02 08:00:00"},
		{text.JoinTimes(0, early, " and "), "2026-03-02 08:00:00"},
		{text.Between(late, early), "between 2026-03-02 08:00:00 and 2026-03-02 09:30:00"},
		{text.Between(0, early), "before 2026-03-02 08:00:00"},
		{text.Between(early, 0), "after 2026-03-02 08:00:00"},
		{text.Between(0, 0), "at an unknown time"},
		{text.TimeSpan(0, early), "until 2026-03-02 08:00:00"},
		{text.TimeSpan(early, 0), "since 2026-03-02 08:00:00"},
		{text.TimeSpan(0, 0), "unknown time"},
		{text.TimeSpan(1, early), "until 2026-03-02 08:00:00"},
		{text.Time(0), "unknown time"},
		{text.TimeLayout(early, late, "15:04"), "15:04"},
		{text.TimeLayout(early, early+event.Day, "15:04"), "01-02 15:04:05"},
		{text.TimeLayout(early, nextYear, "15:04"), "2006-01-02 15:04:05"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, want %q", c[0], c[1])
		}
	}
	if text.Earlier(0, late) != late || text.Earlier(early, 0) != early || text.Earlier(late, early) != early {
		t.Error("the earlier of two times")
	}
}

// TestTable: cells keep their blanks, and what is wider than a column is cut
// visibly.
func TestTable(t *testing.T) {
	var b strings.Builder
	rows := [][]string{{"net  user\nadmin", "1"}, {"東京　x", ""}, {"longer than it may be", "2"}, {text.Style{Color: true}.Bold("bold"), "3"}}
	if err := text.Table(&b, rows, []text.Column{{Name: "process", Width: 10}, {Name: "rules", Width: 5}}); err != nil {
		t.Fatal(err)
	}
	want := ` PROCESS     RULES
-------------------
 net  user   1
 admin
 東京　x
 longer th…  2
` + " \x1b[1mbold\x1b[0m        3\n"
	if got := b.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
