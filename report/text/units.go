package text

import (
	"fmt"

	"webshellscan/internal/plural"
	"webshellscan/scan/event"
)

// Bytes writes a number of bytes in the unit that suits it: multiples of 1024,
// named as IEC 80000-13 does. Everything that the program writes uses these.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return plural.Count(int(n), "byte")
	}
	value, i := float64(n)/unit, 0
	for value >= unit && i < 3 {
		value /= unit
		i++
	}
	return fmt.Sprintf("%.1f %s", value, [...]string{"KiB", "MiB", "GiB", "TiB"}[i])
}

// Percent writes a fraction from 0 to 1. Only all is 100 %, and only nothing 0
// %.
func Percent(fraction float64) string {
	switch {
	case fraction <= 0:
		return "0 %"
	case fraction >= 1:
		return "100 %"
	}
	return fmt.Sprintf("%.0f %%", min(max(fraction*100, 1), 99))
}

// Time writes a time to the second, in UTC.
func Time(t event.Time) string {
	if !known(t) {
		return "unknown time"
	}
	return t.Time().Format("2006-01-02 15:04:05")
}

// known reports whether a time is known: records without one have the first
// ticks that a time can hold.
func known(t event.Time) bool { return t >= event.Second }

// TimeSpan writes two times, the second without its date if that is the same.
func TimeSpan(from, to event.Time) string {
	a, b := Time(from), Time(to)
	switch {
	case !known(from) && known(to):
		return "until " + b
	case !known(to) && known(from):
		return "since " + a
	case a == b:
		return a
	case a[:len("2006-01-02")] == b[:len("2006-01-02")]:
		return a + " to " + b[len("2006-01-02 "):]
	}
	return a + " to " + b
}

// JoinTimes writes a time, or two with a word between them, the earlier first:
// where a clock was set back the record that comes first is the later one.
func JoinTimes(a, b event.Time, word string) string {
	if a != 0 && b != 0 {
		a, b = min(a, b), max(a, b)
	}
	switch {
	case a == b || b == 0:
		return Time(a)
	case a == 0:
		return Time(b)
	}
	return Time(a) + word + Time(b)
}

// Between writes where between two times something is missing, of which either
// may not be known.
func Between(a, b event.Time) string {
	switch {
	case a == 0 && b == 0:
		return "at an unknown time"
	case a == 0:
		return "before " + Time(b)
	case b == 0:
		return "after " + Time(a)
	}
	return "between " + JoinTimes(a, b, " and ")
}

// TimeLayout returns the layout in which a table shows times from one to
// another: with the date unless they are of one day, for which the layout is
// given, and with the year unless they are of one year.
func TimeLayout(from, to event.Time, ofDay string) string {
	switch a, b := from.Time(), to.Time(); {
	case a.Year() != b.Year():
		return "2006-01-02 15:04:05"
	case a.YearDay() != b.YearDay():
		return "01-02 15:04:05"
	}
	return ofDay
}

// Earlier returns the earlier of two times of which either may not be known.
func Earlier(a, b event.Time) event.Time {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
