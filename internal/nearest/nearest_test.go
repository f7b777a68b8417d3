package nearest_test

import (
	"testing"

	"webshellscan/internal/nearest"
)

func TestQuestion(t *testing.T) {
	formats := []string{"table", "csv", "jsonl", "json", "html", "markdown", "timesketch"}
	for _, tt := range []struct{ typed, want string }{
		{"htlm", " (did you mean html?)"},
		{"jsnol", " (did you mean jsonl?)"},
		{"jsno", " (did you mean json?)"},
		{"JSON", " (did you mean json?)"},
		{"cvs", " (did you mean csv?)"},
		{"markdwon", " (did you mean markdown?)"},
		{"timeskech", " (did you mean timesketch?)"},
		{"tmskch", ""},
		{"pdf", ""},
		{"x", ""},
		{"", ""},
	} {
		if got := nearest.Question(tt.typed, formats); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.typed, got, tt.want)
		}
	}
	if got := nearest.Flag("formt", []string{"format"}); got != " (did you mean --format?)" {
		t.Errorf("a flag: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for _, tt := range []struct{ typed, want string }{
		{"WEB02", ""},
		{"web1", " (did you mean WEB01?)"},
		{"WBE01", " (did you mean WEB01?)"},
	} {
		if got := nearest.Question(tt.typed, []string{"WEB01"}); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.typed, got, tt.want)
		}
	}
}

func TestPart(t *testing.T) {
	rules := []string{"web_shell_commands_long", "web_shell_commands", "shells_spawned_by_web_servers"}
	for _, tt := range []struct{ typed, want string }{
		{"Web_Shell", " (did you mean web_shell_commands?)"},
		{"shells_spawned_by_web_server", " (did you mean shells_spawned_by_web_servers?)"},
		{"we", ""},
		{"databases", ""},
	} {
		if got := nearest.Part(tt.typed, rules); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.typed, got, tt.want)
		}
	}
}
