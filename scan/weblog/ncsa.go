package weblog

import (
	"bytes"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"webshellscan/scan/event"
)

// ncsaStamp is the form of a stamp of the common format.
const ncsaStamp = "02/Jan/2006:15:04:05 -0700"

// ncsaTime returns the stamp of a line.
func (p *parser) ncsaTime(line []byte) (event.Time, bool) {
	stamp, _, ok := inBrackets(line)
	if !ok {
		return 0, false
	}
	return p.parseStamp(stamp, parseBracketed)
}

// inBrackets returns what stands in the first brackets of a line, and what
// follows.
func inBrackets(line []byte) (inner, rest []byte, ok bool) {
	i := bytes.IndexByte(line, '[')
	if i < 0 {
		return nil, nil, false
	}
	return bytes.Cut(line[i+1:], []byte("]"))
}

// parseBracketed reads the stamp of a line: as the common format has it, with a
// fraction or a blank before the time as Apache's documentation shows, or as in
// ISO 8601.
func parseBracketed(s []byte) (event.Time, bool) {
	if len(s) == len(ncsaStamp) {
		if t, ok := parseNCSATime(s); ok {
			return t, true
		}
	}
	const fixed = len("02/Jan/2006:15:04:05")
	if i := bytes.LastIndexByte(s, ' '); i > fixed && i <= fixed+10 && s[fixed] == '.' {
		fraction, err := strconv.ParseFloat("0"+string(s[fixed:i]), 64)
		whole := append(append([]byte{}, s[:fixed]...), s[i:]...)
		whole[11] = ':'
		t, ok := parseNCSATime(whole)
		return t + event.Time(fraction*float64(event.Second)), ok && err == nil
	}
	return parseISOTime(s)
}

// parseISOTime reads a time such as 2024-03-11T10:00:13+01:00, with its zone.
func parseISOTime(s []byte) (event.Time, bool) {
	at, err := time.Parse(time.RFC3339, string(s))
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return 0, false
	}
	return event.FromTime(at), true
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

// parseNCSA reads a line of the common format, and what the combined one adds.
// It returns what follows that.
func parseNCSA(line []byte, r *Request) (added string, ok bool) {
	stamp, after, ok := inBrackets(line)
	if !ok {
		return "", false
	}
	if _, ok := parseBracketed(stamp); !ok || !r.from(strings.Fields(string(line[:len(line)-len(after)-len(stamp)-2]))) {
		return "", false
	}
	request, rest, ok := quoted(string(after))
	if !ok {
		return "", false
	}
	if r.Method, request, ok = strings.Cut(request, " "); !ok {
		return "", false
	}
	target, _, _ := strings.Cut(request, " ")
	r.URI, r.Query, _ = strings.Cut(target, "?")
	status, rest, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	n, err := strconv.Atoi(status)
	if err != nil || n < 0 || n > 999 {
		return "", false
	}
	r.Status = n
	_, rest, _ = strings.Cut(rest, " ") // the size
	took := ""
	if word, after, ok := strings.Cut(strings.TrimLeft(rest, " "), " "); ok && isWhole(word) && strings.HasPrefix(after, `"`) {
		took, rest = " "+word, after // as Jira has it
	}
	if referer, after, ok := quoted(rest); ok && !areAddresses(referer) {
		var agent string
		agent, rest, _ = quoted(after)
		r.Referer, r.UserAgent = known(referer), known(agent)
	}
	return rest + took, r.URI != ""
}

// from parses what stands before the stamp: the client, its identity and user.
// Before these there may be a virtual host, and the addresses that a proxy
// names.
func (r *Request) from(who []string) bool {
	if len(who) > 3 && !isAddress(who[0]) && (isAddress(who[1]) || strings.Contains(who[0], ":") && !strings.Contains(who[1], "-")) {
		r.Host, who = known(who[0]), who[1:]
	}
	var forwarded []string
	for len(who) > 3 && isAddress(who[0]) && isAddress(who[1]) {
		forwarded, who = append(forwarded, strings.TrimSuffix(who[0], ",")), who[1:]
	}
	if len(who) < 3 {
		return false
	}
	r.ForwardedFor = strings.Join(forwarded, ", ")
	r.Client, r.User = who[0], known(strings.Join(who[2:], " "))
	return true
}

// isAddress reports whether a word, of a list or not, is an address.
func isAddress(word string) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(word, ","))
	return err == nil
}

// areAddresses reports whether a text is a list of addresses, as
// X-Forwarded-For has them.
func areAddresses(text string) bool {
	for word := range strings.SplitSeq(text, ",") {
		if !isAddress(strings.TrimSpace(word)) {
			return false
		}
	}
	return true
}

// quoted returns the text in quotes that a text begins with, and what follows.
// A backslash takes the meaning from a quote.
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

// ncsa reads a line of the common format and what many logs put behind it.
func (p *parser) ncsa(line []byte, r *Request) bool {
	added, ok := parseNCSA(line, r)
	if !ok {
		return parseBare(line, r)
	}
	for added != "" {
		word, rest, isQuoted := quoted(added)
		if !isQuoted {
			word, rest, _ = strings.Cut(strings.TrimLeft(added, " "), " ")
		}
		if areAddresses(word) && r.ForwardedFor == "" {
			r.ForwardedFor = word
		} else if !isQuoted && r.Duration == Unknown {
			r.Duration = p.duration(word)
		}
		added = rest
	}
	return true
}

// durationKeys are names that logs give to the time that a request took.
var durationKeys = []string{"rt", "request_time", "duration", "time_taken", "took"}

// units are the units that logs write behind a duration.
var units = []struct {
	name string
	unit event.Time
}{{"ms", event.Millisecond}, {"us", event.Microsecond}, {"µs", event.Microsecond}, {"s", event.Second}}

// maxWhole bounds the durations that Stats lists.
const maxWhole = 1024

// duration reads how long a request took: a number with a unit, one with a
// point, which is of seconds, one without of what the server writes; or both,
// as in Apache's %T/%D. Other words are Unknown.
func (p *parser) duration(word string) event.Time {
	if key, value, ok := strings.Cut(word, "="); ok && slices.Contains(durationKeys, key) {
		word = value
	}
	if seconds, micros, ok := strings.Cut(word, "/"); ok && isWhole(seconds) && isWhole(micros) {
		word = micros + "us"
	}
	if d := withUnit(word); d != Unknown {
		return d
	}
	n, err := strconv.ParseFloat(word, 64)
	if err != nil || n < 0 || n >= 1e10 {
		return Unknown
	}
	if strings.Contains(word, ".") {
		return event.Time(n * float64(event.Second))
	}
	if len(p.stats.Whole) < maxWhole {
		p.stats.Whole = append(p.stats.Whole, n)
	}
	return p.whole(n)
}

// withUnit reads a duration that has its unit, as in 158ms.
func withUnit(word string) event.Time {
	for _, u := range units {
		if number, ok := strings.CutSuffix(word, u.name); ok {
			if n, err := strconv.ParseFloat(number, 64); err == nil && n >= 0 && n < 1e12 {
				return event.Time(n * float64(u.unit))
			}
		}
	}
	return Unknown
}

// isWhole reports whether a word is a whole number.
func isWhole(word string) bool {
	_, err := strconv.ParseUint(word, 10, 63)
	return err == nil
}

// parseBare reads a line that begins with the stamp: as Confluence writes it,
// with the request in no quotes, or as Apache's ssl_request.log. The client
// stands before the request, or is the first address.
func parseBare(line []byte, r *Request) bool {
	if len(line) == 0 || line[0] != '[' {
		return false
	}
	stamp, after, ok := inBrackets(line)
	if _, valid := parseBracketed(stamp); !ok || !valid {
		return false
	}
	words := strings.Fields(string(after))
	at := slices.IndexFunc(words, func(word string) bool { return strings.HasPrefix(word, "HTTP/") }) - 2
	if at < 1 || !isMethod(strings.TrimPrefix(words[at], `"`)) {
		return false
	}
	r.Method = strings.TrimPrefix(words[at], `"`)
	r.URI, r.Query, _ = strings.Cut(words[at+1], "?")
	r.Client = words[at-1]
	if i := slices.IndexFunc(words[:at], isAddress); i >= 0 {
		r.Client = words[i]
		if i > 0 {
			r.User = known(words[0])
		}
	}
	rest := words[at+3:]
	if len(rest) > 1 { // else the size alone
		r.Status, _ = strconv.Atoi(rest[0])
		rest = rest[1:]
	}
	for i, word := range rest {
		if r.Duration = withUnit(word); r.Duration != Unknown {
			if len(rest) > i+2 { // the size and the referer
				r.Referer, r.UserAgent = known(rest[i+2]), known(strings.Join(rest[i+3:], " "))
			}
			break
		}
	}
	return r.URI != ""
}

// isMethod reports whether a word may be a method: letters, in upper case.
func isMethod(word string) bool {
	return word != "" && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
