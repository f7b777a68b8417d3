package report

import "webshellscan/rules"

// style colours text for a terminal, or leaves it alone.
type style struct{ color bool }

func (s style) wrap(code, text string) string {
	if !s.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string { return s.wrap("1", text) }
func (s style) dim(text string) string  { return s.wrap("2", text) }

// paint colours a text by level.
func (s style) paint(l rules.Level, text string) string {
	switch l {
	case rules.LevelCritical:
		return s.wrap("1;31", text) // bold red
	case rules.LevelHigh:
		return s.wrap("31", text) // red
	case rules.LevelMedium:
		return s.wrap("33", text) // yellow
	}
	return s.wrap("36", text) // cyan
}
