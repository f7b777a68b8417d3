package text

import "webshellscan/rules"

// Style colours text for a terminal. The zero Style leaves it alone.
type Style struct {
	// Color enables terminal sequences.
	Color bool
}

// sequence returns a text between a terminal sequence and its end.
func (s Style) sequence(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Bold returns a text in bold.
func (s Style) Bold(text string) string { return s.sequence("1", text) }

// Dim returns a text dimmed.
func (s Style) Dim(text string) string { return s.sequence("2", text) }

// Paint colours a text by level.
func (s Style) Paint(l rules.Level, text string) string {
	switch l {
	case rules.LevelCritical:
		return s.sequence("1;31", text) // bold red
	case rules.LevelHigh:
		return s.sequence("31", text) // red
	case rules.LevelMedium:
		return s.sequence("33", text) // yellow
	}
	return s.sequence("36", text) // cyan
}

// ShortLevel names a level in at most four letters.
func ShortLevel(l rules.Level) string {
	switch l {
	case rules.LevelCritical:
		return "crit"
	case rules.LevelMedium:
		return "med"
	case rules.LevelInformational:
		return "info"
	}
	return l.String()
}
