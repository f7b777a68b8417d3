package evtxtest

import "time"

// FileTime is a Windows FILETIME: units of 100 ns since 1601-01-01 UTC. Any
// value may be written, also those that no clock shows.
type FileTime uint64

// fileTimeEpoch is 1970-01-01 UTC in seconds since 1601-01-01 UTC.
const fileTimeEpoch = 11644473600

// ticksPerSecond is the number of FILETIME units in a second.
const ticksPerSecond = 10_000_000

// FileTimeOf returns t as a FILETIME, rounded down to 100 ns. Times before 1601
// have no meaning as a FILETIME and come out as large values.
func FileTimeOf(t time.Time) FileTime {
	return FileTime((t.Unix()+fileTimeEpoch)*ticksPerSecond + int64(t.Nanosecond()/100))
}

// Time returns t as a time.Time in UTC.
func (t FileTime) Time() time.Time {
	sec := int64(t / ticksPerSecond)
	return time.Unix(sec-fileTimeEpoch, int64(t%ticksPerSecond)*100).UTC()
}

// Add returns t moved by d, which may be negative, rounded down to 100 ns.
func (t FileTime) Add(d time.Duration) FileTime {
	return t + FileTime(d/100)
}

// UnixSeconds returns t in whole seconds since 1970-01-01 UTC, as Sysmon puts
// it into a process GUID.
func (t FileTime) UnixSeconds() uint32 {
	return uint32(int64(t/ticksPerSecond) - fileTimeEpoch)
}

// appendISO appends t as "2006-01-02T15:04:05.0000000Z" with the given number
// of fractional digits (at most 9), the form that forwarded events hold.
func (t FileTime) appendISO(dst []byte, digits int) []byte {
	dst = t.appendDateTime(dst, 'T')
	dst = append(dst, '.')
	frac := uint64(t%ticksPerSecond) * 100
	dst = appendPadded(dst, frac, 9)
	return append(dst[:len(dst)-9+min(digits, 9)], 'Z')
}

// appendUTC appends t as "2006-01-02 15:04:05.000", the form of Sysmon's
// UtcTime fields.
func (t FileTime) appendUTC(dst []byte) []byte {
	dst = t.appendDateTime(dst, ' ')
	dst = append(dst, '.')
	return appendPadded(dst, uint64(t%ticksPerSecond)/10_000, 3)
}

// appendDateTime appends date and time of day to the second, with sep between
// them. It exists because time.Time.AppendFormat is the most expensive part of
// writing a Sysmon record.
func (t FileTime) appendDateTime(dst []byte, sep byte) []byte {
	tt := t.Time()
	year, month, day := tt.Date()
	hour, minute, second := tt.Clock()
	dst = appendPadded(dst, uint64(year), 4)
	dst = append(dst, '-')
	dst = appendPadded(dst, uint64(month), 2)
	dst = append(dst, '-')
	dst = appendPadded(dst, uint64(day), 2)
	dst = append(dst, sep)
	dst = appendPadded(dst, uint64(hour), 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, uint64(minute), 2)
	dst = append(dst, ':')
	return appendPadded(dst, uint64(second), 2)
}

// appendPadded appends n in decimal with at least width digits.
func appendPadded(dst []byte, n uint64, width int) []byte {
	var digits [20]byte
	i := len(digits)
	for n > 0 || i > len(digits)-width {
		i--
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, digits[i:]...)
}
