package rules

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// numericValue is a numericValue of a rule or of a field: exact as far as it is
// an integer of 64 bits.
type numericValue struct {
	integer  bool
	negative bool   // of an integer
	size     uint64 // of an integer: its absolute value
	float    float64
}

// integerNumber returns the number of a sign and an absolute value.
func integerNumber(negative bool, size uint64) numericValue {
	n := numericValue{integer: true, negative: negative && size != 0, size: size, float: float64(size)}
	if n.negative {
		n.float = -n.float
	}
	return n
}

// compareTo returns -1, 0 or 1.
func (n numericValue) compareTo(other numericValue) int {
	if n.integer && other.integer {
		switch {
		case n.negative != other.negative:
			if n.negative {
				return -1
			}
			return 1
		case n.size == other.size:
			return 0
		case (n.size < other.size) != n.negative:
			return -1
		}
		return 1
	}
	switch {
	case n.float < other.float:
		return -1
	case n.float > other.float:
		return 1
	}
	return 0
}

// satisfies reports whether n stands in the relation lt, lte, gt or gte to the
// bound; "" is equality.
func (n numericValue) satisfies(relation string, bound numericValue) bool {
	c := n.compareTo(bound)
	switch relation {
	case "lt":
		return c < 0
	case "lte":
		return c <= 0
	case "gt":
		return c > 0
	case "gte":
		return c >= 0
	}
	return c == 0
}

// parseYAMLNumber reads a number as it stands in a rule, in the forms of YAML
// 1.2.2, 10.3 "Core Schema", where leading zeros mean nothing, and in those
// that the YAML reader takes besides: 10, 010, 0x1F, 0o17, 1_000, 1.5, 2e3.
func parseYAMLNumber(s string) (numericValue, bool) {
	plain := strings.ReplaceAll(s, "_", "")
	digits, negative := strings.CutPrefix(plain, "-")
	digits = strings.TrimPrefix(digits, "+")
	for _, base := range [...]int{10, 0} { // 0 is by prefix
		if size, err := strconv.ParseUint(digits, base, 64); err == nil {
			return integerNumber(negative, size), true
		}
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return numericValue{}, false
	}
	return numericValue{float: f}, true
}

// parseFieldNumber reads a field's text as a number: decimal, with or without
// fraction and exponent, or hexadecimal after "0x", which is how Windows
// renders process and logon IDs.
func parseFieldNumber(s string) (numericValue, bool) {
	if s == "" || s[0] > '9' || len(s) > 40 {
		return numericValue{}, false
	}
	if len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		size, err := strconv.ParseUint(s[2:], 16, 64)
		return integerNumber(false, size), err == nil
	}
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', c == '.', c == 'e', c == 'E', c == '-', c == '+':
		default:
			return numericValue{}, false
		}
	}
	digits, negative := strings.CutPrefix(s, "-")
	if size, err := strconv.ParseUint(digits, 10, 64); err == nil {
		return integerNumber(negative, size), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return numericValue{}, false
	}
	return numericValue{float: f}, true
}

// timePartRange is the least and greatest number of a part of a date. Sigma
// modifiers appendix, "Time Modifiers"; it gives weeks as 1 to 52, while by ISO
// 8601, which is used here, some years have 53.
var timePartRange = map[string][2]uint64{
	"minute": {0, 59}, "hour": {0, 23}, "day": {1, 31}, "week": {1, 53}, "month": {1, 12}, "year": {0, 9999},
}

// timePart extracts a part of the date that a field's text begins with:
// YYYY-MM-DD, then for hours and minutes a blank or T and HH:MM. Zones are not
// looked at. Sigma modifiers appendix, "Time Modifiers": it is not designed to
// handle timezone or format conversions.
func timePart(s, part string) (numericValue, bool) {
	const date, clock = len("2006-01-02"), len("2006-01-02 15:04")
	if len(s) < date {
		return numericValue{}, false
	}
	day, err := time.Parse(time.DateOnly, s[:date])
	if err != nil {
		return numericValue{}, false
	}
	switch part {
	case "day":
		return integerNumber(false, uint64(day.Day())), true
	case "week":
		_, week := day.ISOWeek()
		return integerNumber(false, uint64(week)), true
	case "month":
		return integerNumber(false, uint64(day.Month())), true
	case "year":
		return integerNumber(false, uint64(day.Year())), true
	}
	if len(s) < clock || s[date] != ' ' && s[date] != 'T' {
		return numericValue{}, false
	}
	at, err := time.Parse("15:04", s[date+1:clock])
	if err != nil {
		return numericValue{}, false
	}
	if part == "hour" {
		return integerNumber(false, uint64(at.Hour())), true
	}
	return integerNumber(false, uint64(at.Minute())), true
}
