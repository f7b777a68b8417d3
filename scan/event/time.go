package event

import "time"

// Time is an instant as Windows counts it in a FILETIME: units of 100 ns since
// 1601-01-01T00:00:00 UTC ([MS-DTYP] 2.3.3). It keeps the full resolution of a
// log in 8 bytes and orders as a number. Zero means: not known.
type Time int64

// Units of Time.
const (
	Microsecond Time = 10
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
	Hour             = 60 * Minute
	Day              = 24 * Hour
)

// unixEpoch is 1970-01-01T00:00:00 UTC as a Time.
const unixEpoch Time = 116444736000000000

// Plausible bounds for what a log says of its own time (docs/FORMAT.md,
// "Plausible times"): before the format existed, or far in the future, a time
// is damage or forgery.
const (
	minPlausible = unixEpoch + 10957*Day // 2000-01-01
	maxPlausible = unixEpoch + 47482*Day // 2100-01-01
)

// FromUnix returns the Time of so many seconds after 1970-01-01 UTC.
func FromUnix(seconds int64) Time { return unixEpoch + Time(seconds)*Second }

// FromTime returns t as a Time, cut to 100 ns.
func FromTime(t time.Time) Time {
	return unixEpoch + Time(t.Unix())*Second + Time(t.Nanosecond()/100)
}

// UnixSeconds returns the whole seconds since 1970-01-01 UTC, rounded down.
func (t Time) UnixSeconds() int64 {
	d := t - unixEpoch
	s := d / Second
	if d%Second < 0 {
		s--
	}
	return int64(s)
}

// Time returns t as a time.Time in UTC.
func (t Time) Time() time.Time {
	s := t.UnixSeconds()
	return time.Unix(s, int64(t-FromUnix(s))*100).UTC()
}

// Plausible reports whether t lies between the years 2000 and 2100.
func (t Time) Plausible() bool { return t >= minPlausible && t < maxPlausible }

// String returns t in RFC 3339 in UTC with all seven digits of the second's
// fraction, as Windows writes it, or "" for the unknown time.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return string(t.AppendText(nil))
}

// MarshalText returns t as String writes it; it never fails.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// AppendText appends t as String writes it.
func (t Time) AppendText(dst []byte) []byte {
	return t.Time().AppendFormat(dst, "2006-01-02T15:04:05.0000000Z")
}

// ParseTime reads a time as logs write it: System/TimeCreated of forwarded
// events ("2020-08-01T22:58:09.4432265Z", up to nine digits of fraction), or
// Sysmon's UtcTime ("2019-05-24 01:33:53.112"). It reports whether text is one.
// Digits beyond 100 ns are dropped.
func ParseTime(text []byte) (Time, bool) {
	const fixed = len("2006-01-02T15:04:05")
	if len(text) < fixed {
		return 0, false
	}
	if text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':' || (text[10] != 'T' && text[10] != ' ') {
		return 0, false
	}
	year, ok1 := digits(text[0:4])
	month, ok2 := digits(text[5:7])
	day, ok3 := digits(text[8:10])
	hour, ok4 := digits(text[11:13])
	minute, ok5 := digits(text[14:16])
	second, ok6 := digits(text[17:19])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || month < 1 || month > 12 ||
		day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	fraction, ok := parseFraction(text[fixed:])
	if !ok {
		return 0, false
	}
	t := unixEpoch + Time(daysSinceEpoch(year, month, day))*Day
	return t + Time(hour)*Hour + Time(minute)*Minute + Time(second)*Second + fraction, true
}

// parseFraction reads what may follow the seconds: a point with one to nine
// digits, then Z or nothing.
func parseFraction(text []byte) (Time, bool) {
	var fraction Time
	if len(text) > 0 && text[0] == '.' {
		unit := Second / 10
		n := 0
		for text = text[1:]; len(text) > 0 && text[0] >= '0' && text[0] <= '9'; text = text[1:] {
			fraction += Time(text[0]-'0') * unit
			unit /= 10
			n++
		}
		if n == 0 || n > 9 {
			return 0, false
		}
	}
	return fraction, len(text) == 0 || len(text) == 1 && text[0] == 'Z'
}

// digits reads an unsigned decimal number that fills text.
func digits(text []byte) (int, bool) {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch counts the days from 1970-01-01 to a date of the proleptic
// Gregorian calendar, by counting years from March so that the leap day is the
// last of its year.
func daysSinceEpoch(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469
}
