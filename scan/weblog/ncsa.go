package weblog

import (
	"bytes"
	"strconv"
	"strings"

	"webshellscan/scan/event"
)

// ncsaStamp is the form of a stamp of the common format.
const ncsaStamp = "02/Jan/2006:15:04:05 -0700"

// ncsaTime returns the stamp of a line.
func (p *parser) ncsaTime(line []byte) (event.Time, bool) {
	i := bytes.IndexByte(line, '[')
	if i < 0 || len(line) < i+1+len(ncsaStamp)+1 || line[i+1+len(ncsaStamp)] != ']' {
		return 0, false
	}
	return p.parseStamp(line[i+1:i+1+len(ncsaStamp)], parseNCSATime)
}

var months = map[string]string{
	"Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06",
	"Jul": "07", "Aug": "08", "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
}

// parseNCSATime reads a stamp such as 11/Mar/2024:11:00:03 +0200.
func parseNCSATime(s []byte) (event.Time, bool) {
	if len(s) != len(ncsaStamp) || s[2] != '/' || s[6] != '/' || s[11] != ':' || s[20] != ' ' || s[21] != '+' && s[21] != '-' {
		return 0, false
	}
	month := months[string(s[3:6])]
	if month == "" {
		return 0, false
	}
	var b [19]byte
	copy(b[:], s[7:11])
	b[4] = '-'
	copy(b[5:], month)
	b[7] = '-'
	copy(b[8:], s[:2])
	b[10] = ' '
	copy(b[11:], s[12:20])
	t, ok := event.ParseTime(b[:])
	hours, err1 := strconv.ParseUint(string(s[22:24]), 10, 8)
	minutes, err2 := strconv.ParseUint(string(s[24:26]), 10, 8)
	if !ok || err1 != nil || err2 != nil || hours > 14 || minutes > 59 {
		return 0, false
	}
	zone := event.Time(hours)*event.Hour + event.Time(minutes)*event.Minute
	if s[21] == '-' {
		zone = -zone
	}
	return t - zone, true
}

// parseNCSA reads a line of the common format, and what the combined one adds. A
// name of a virtual host may stand before.
func parseNCSA(line []byte, r *Request) bool {
	begin := bytes.IndexByte(line, '[')
	if begin < 0 {
		return false
	}
	who := strings.Fields(string(line[:begin]))
	rest, ok := afterStamp(line[begin:])
	if !ok || len(who) < 3 {
		return false
	}
	if strings.Contains(who[0], ":") && len(who) > 3 && !strings.Contains(who[1], "-") {
		r.Host, who = who[0], who[1:]
	}
	r.Client, r.User = who[0], known(strings.Join(who[2:], " "))
	request, rest, ok := quoted(rest)
	if !ok {
		return false
	}
	if r.Method, request, ok = strings.Cut(request, " "); !ok {
		return false
	}
	target, _, _ := strings.Cut(request, " ")
	r.URI, r.Query, _ = strings.Cut(target, "?")
	status, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	n, err := strconv.Atoi(status)
	if err != nil || n < 0 || n > 999 {
		return false
	}
	r.Status = n
	_, rest, _ = strings.Cut(rest, " ") // the size
	if referer, after, ok := quoted(rest); ok {
		agent, _, _ := quoted(after)
		r.Referer, r.UserAgent = known(referer), known(agent)
	}
	return r.URI != ""
}

// afterStamp returns what follows the stamp in brackets that a text begins with.
func afterStamp(text []byte) (string, bool) {
	end := 1 + len(ncsaStamp)
	if len(text) < end+2 || text[end] != ']' {
		return "", false
	}
	if _, ok := parseNCSATime(text[1:end]); !ok {
		return "", false
	}
	return string(text[end+1:]), true
}

// quoted returns the text in quotes that a text begins with, and what follows. A
// backslash takes the meaning from a quote.
func quoted(text string) (inner, rest string, ok bool) {
	text = strings.TrimLeft(text, " ")
	if !strings.HasPrefix(text, `"`) {
		return "", text, false
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i], text[i+1:], true
		}
	}
	return "", text, false
}

// known returns a text, "" for "-".
func known(text string) string {
	if text == "-" {
		return ""
	}
	return text
}

// extra reads the duration that many logs put behind what the format asks for: a
// number with a point is of seconds, one without of what the server writes.
func (p *parser) extra(line []byte, r *Request) bool {
	text := string(line)
	if i := strings.LastIndexByte(text, '"'); i >= 0 {
		text = text[i+1:]
	}
	words := strings.Fields(text)
	if r.UserAgent == "" && r.Referer == "" && !bytes.HasSuffix(line, []byte(`"`)) && len(words) >= 2 {
		words = words[2:] // status and size
	}
	if len(words) == 0 {
		return true
	}
	n, err := strconv.ParseFloat(words[0], 64)
	switch {
	case err != nil || n < 0 || n > 1e12:
	case strings.Contains(words[0], "."):
		r.Duration = event.Time(n * float64(event.Second))
	case p.milliseconds:
		r.Duration = event.Time(n) * event.Millisecond
	default:
		r.Duration = event.Time(n) * event.Microsecond
	}
	return true
}

// usesMilliseconds reports whether a log of a name is Tomcat's, which writes %D in
// milliseconds up to version 9; Apache writes microseconds.
func usesMilliseconds(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "localhost_access") || strings.Contains(name, "tomcat") || strings.Contains(name, "catalina")
}
