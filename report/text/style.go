package report

import "webshellscan/rules"

// style colours text for a terminal, or leaves it alone.
type style struct{ color bool }

func (s style) wrap(code, line string) string {
	if !s.color {
		return line
	}
	return "\x1b[" + code + "m" + line + "\x1b[0m"
}

func (s style) bold(line string) string { return s.wrap("1", line) }
func (s style) dim(line string) string  { return s.wrap("2", line) }

// paint colours a text by level.
func (s style) paint(l rules.Level, line string) string {
	switch l {
	case rules.LevelCritical:
		return s.wrap("1;31", line) // bold red
	case rules.LevelHigh:
		return s.wrap("31", line) // red
	case rules.LevelMedium:
		return s.wrap("33", line) // yellow
	}
	return s.wrap("36", line) // cyan
}
