package weblog

import (
	"bytes"
	"strconv"
	"strings"

	"webshellscan/scan/event"
)

// column is what a column of a log with #Fields holds.
type column uint8

const (
	columnOther column = iota
	columnDate
	columnTime
	columnDateTime
	columnTimeTaken
	columnMethod
	columnStem
	columnQuery
	columnURI // path and query
	columnStatus
	columnClient
	columnForwarded
	columnUser
	columnUserAgent
	columnReferer
	columnHost
	columnSite
	columnPool
	columnReason
	columnServerIP
	columnComputer
)

// columnNames are the names of columns in lower case: those of the W3C format
// as IIS and HTTP.sys write them, and those of Exchange's HttpProxy logs.
var columnNames = map[string]column{
	"date": columnDate, "time": columnTime, "time-taken": columnTimeTaken, "cs-method": columnMethod,
	"cs-uri-stem": columnStem, "cs-uri-query": columnQuery, "cs-uri": columnURI, "sc-status": columnStatus, "c-ip": columnClient,
	"x-real-ip": columnForwarded, "true-client-ip": columnForwarded, "cf-connecting-ip": columnForwarded, "cs-username": columnUser,
	"cs(user-agent)": columnUserAgent, "cs(referer)": columnReferer, "cs-host": columnHost, "cs(host)": columnHost,
	"s-sitename": columnSite, "s-siteid": columnSite, "s-queuename": columnPool, "s-reason": columnReason, "s-ip": columnServerIP, "s-computername": columnComputer,

	"csuser-agent": columnUserAgent, "csreferer": columnReferer, // in events

	"datetime": columnDateTime, "urlhost": columnHost, "urlstem": columnStem, "urlquery": columnQuery, "method": columnMethod,
	"authenticateduser": columnUser, "useragent": columnUserAgent, "clientipaddress": columnClient, "serverhostname": columnComputer,
	"httpstatus": columnStatus, "totalrequesttime": columnTimeTaken,
}

// columnOf returns what a column of a name holds. IIS and Tomcat name those of
// headers in several ways.
func columnOf(name string) column {
	if strings.Contains(name, "x-forwarded-for") {
		return columnForwarded
	}
	return columnNames[name]
}

// maxColumns bounds the columns of a line that are looked at.
const maxColumns = 256

// columnsOf are where the stamp and the duration are: indices of columns, -1
// for none.
type columnsOf struct{ date, time, taken int }

// setColumns sets the columns by their names.
func (p *parser) setColumns(names []string) {
	p.columns = p.columns[:0]
	p.at = columnsOf{-1, -1, -1}
	for i, name := range names[:min(len(names), maxColumns)] {
		c := columnOf(strings.ToLower(strings.TrimSpace(name)))
		p.columns = append(p.columns, c)
		switch c {
		case columnDate, columnDateTime:
			p.at.date = i
		case columnTime:
			p.at.time = i
		case columnTimeTaken:
			p.at.taken = i
		}
	}
}

// cell returns the n-th cell of a line whose cells a byte separates.
func cell(line []byte, n int, separator byte) ([]byte, bool) {
	for ; n > 0; n-- {
		i := bytes.IndexByte(line, separator)
		if i < 0 {
			return nil, false
		}
		line = line[i+1:]
	}
	if i := bytes.IndexByte(line, separator); i >= 0 {
		line = line[:i]
	}
	return line, true
}

// w3cTime returns the stamp of a line: UTC.
func (p *parser) w3cTime(line []byte) (event.Time, bool) {
	const size = len("2006-01-02 15:04:05")
	if p.at.date == 0 && p.at.time == 1 && len(line) > size && line[size] == ' ' {
		return p.parseStamp(line[:size], event.ParseTime)
	}
	if p.at.date < 0 && p.at.time >= 0 && p.day != 0 {
		return p.clockTime(line)
	}
	if p.at.date < 0 || p.at.time < 0 {
		return 0, false
	}
	date, ok1 := cell(line, p.at.date, ' ')
	clock, ok2 := cell(line, p.at.time, ' ')
	if !ok1 || !ok2 || len(date)+1+len(clock) != size {
		return 0, false
	}
	var stamp [size]byte
	copy(stamp[:], date)
	stamp[len(date)] = ' '
	copy(stamp[len(date)+1:], clock)
	return p.parseStamp(stamp[:], event.ParseTime)
}

// clockDay is the day that clockTime parses times of.
const clockDay = "2000-01-01"

// clockTime returns the stamp of a line that has no date, as IIS wrote them up
// to version 6 unless told otherwise: the day is that of the last #Date, or a
// later one if midnight passed since.
func (p *parser) clockTime(line []byte) (event.Time, bool) {
	clock, ok := cell(line, p.at.time, ' ')
	if !ok || len(clock) != len("15:04:05") {
		return 0, false
	}
	var stamp [len(clockDay) + len(" 15:04:05")]byte
	copy(stamp[:], clockDay+" ")
	copy(stamp[len(clockDay)+1:], clock)
	t, ok := p.parseStamp(stamp[:], event.ParseTime)
	if !ok {
		return 0, false
	}
	midnight, _ := event.ParseTime([]byte(clockDay + " 00:00:00"))
	clockOf := t - midnight
	if clockOf < p.clock-12*event.Hour {
		p.day += event.Day
	}
	p.clock = clockOf
	return p.day + clockOf, true
}

// setDay sets the day to that of #Date.
func (p *parser) setDay(text string) {
	day, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if t, ok := event.ParseTime([]byte(day + " 00:00:00")); ok {
		p.day, p.clock = t, 0
	}
}

// parseStamp parses a stamp unless it is that of the line before.
func (p *parser) parseStamp(stamp []byte, parse func([]byte) (event.Time, bool)) (event.Time, bool) {
	if p.stampLen > 0 && string(p.stamp[:p.stampLen]) == string(stamp) {
		return p.stampTime, true
	}
	t, ok := parse(stamp)
	if ok && len(stamp) <= len(p.stamp) {
		p.stampLen, p.stampTime = copy(p.stamp[:], stamp), t
	}
	return t, ok
}

// w3c reads the cells of a line.
func (p *parser) w3c(line []byte, r *Request) bool {
	n := 0
	for rest, more := line, true; more && n < len(p.columns); n++ {
		var text []byte
		if p.quotes {
			text, rest, more = cutQuoted(rest, ' ')
		} else {
			text, rest, more = bytes.Cut(rest, []byte(" "))
		}
		p.set(r, p.columns[n], text, true)
	}
	return n == len(p.columns) && r.URI != ""
}

// FromFields returns the request that an event of IIS is, whose fields have the
// names of the columns of the W3C format. The event itself is written later, at
// a time at.
func FromFields(at event.Time, fields [][2]string) (r Request, ok bool) {
	r = Request{Time: at, Stamp: StampEnd, Duration: Unknown}
	var p parser
	var date, clock string
	for _, f := range fields {
		switch c := columnOf(strings.ToLower(f[0])); c {
		case columnDate:
			date = f[1]
		case columnTime:
			clock = f[1]
		default:
			p.set(&r, c, []byte(f[1]), true)
		}
	}
	if t, ok := event.ParseTime([]byte(date + " " + clock)); ok {
		r.Time = t
	}
	r.URI, r.Parameters = cutParameters(r.URI)
	return r, r.URI != ""
}

// exchangeTime returns the stamp of a line.
func (p *parser) exchangeTime(line []byte) (event.Time, bool) {
	if p.at.date < 0 {
		return 0, false
	}
	text, ok := cell(line, p.at.date, ',')
	if !ok {
		return 0, false
	}
	return event.ParseTime(text)
}

// exchange reads the cells of a line of CSV.
func (p *parser) exchange(line []byte, r *Request) bool {
	n := 0
	for rest, more := line, true; more && n < len(p.columns); n++ {
		var text []byte
		text, rest, more = cutQuoted(rest, ',')
		p.set(r, p.columns[n], text, false)
	}
	return r.URI != ""
}

// cutQuoted returns the first cell of a line and what follows it. A cell in
// quotes may hold the separator, and each quote twice ([RFC 4180] 2).
func cutQuoted(line []byte, separator byte) (text, rest []byte, more bool) {
	if len(line) == 0 || line[0] != '"' {
		return bytes.Cut(line, []byte{separator})
	}
	for i := 1; i < len(line); i++ {
		if line[i] != '"' {
			continue
		}
		if i+1 < len(line) && line[i+1] == '"' {
			i++
			continue
		}
		text = bytes.ReplaceAll(line[1:i], []byte(`""`), []byte(`"`))
		if i+1 < len(line) && line[i+1] == separator {
			return text, line[i+2:], true
		}
		return text, nil, false
	}
	return line[1:], nil, false
}

// set sets a field from a cell. In W3C logs "-" stands for nothing, and of a
// user agent "+" for a blank.
func (p *parser) set(r *Request, c column, text []byte, plus bool) {
	if c == columnOther || len(text) == 0 || len(text) == 1 && text[0] == '-' {
		return
	}
	switch c {
	case columnTimeTaken:
		unit := event.Millisecond
		if p.quotes && bytes.IndexByte(text, '.') >= 0 {
			unit = event.Second // as the format was meant, and Tomcat writes it
		}
		if n, err := strconv.ParseFloat(string(text), 64); err == nil && n >= 0 && n < 1e12 {
			r.Duration = event.Time(n * float64(unit))
		}
	case columnStatus:
		r.Status, _ = strconv.Atoi(string(text))
	case columnUserAgent:
		r.UserAgent = string(text)
		if plus {
			r.UserAgent = strings.ReplaceAll(r.UserAgent, "+", " ")
		}
	case columnURI:
		r.URI, r.Query, _ = strings.Cut(string(text), "?")
	default:
		if field := p.textOf(r, c); field != nil {
			*field = string(text)
		}
	}
}

// textOf returns the field of a request that a column fills as it is.
func (p *parser) textOf(r *Request, c column) *string {
	switch c {
	case columnMethod:
		return &r.Method
	case columnStem:
		return &r.URI
	case columnQuery:
		return &r.Query
	case columnClient:
		return &r.Client
	case columnForwarded:
		return &r.ForwardedFor
	case columnUser:
		return &r.User
	case columnReferer:
		return &r.Referer
	case columnHost:
		return &r.Host
	case columnSite:
		return &r.Site
	case columnPool:
		return &r.Pool
	case columnReason:
		return &r.Reason
	case columnServerIP:
		return &r.ServerIP
	case columnComputer:
		return &r.Computer
	}
	return nil
}
