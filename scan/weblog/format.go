package weblog

import (
	"bytes"
	"slices"
	"strings"

	"webshellscan/internal/utf8text"
	"webshellscan/scan/event"
)

// Format is a format of log.
type Format uint8

// The formats.
const (
	None Format = iota
	// W3C is the extended format, which says in #Fields what its columns
	// are: of IIS and of HTTP.sys.
	W3C
	// NCSA is the common format, alone or as the beginning of the combined
	// one; and lines with its parts in another order.
	NCSA
	// IIS is the format that IIS had first: columns at fixed places,
	// separated by commas, in local time.
	IIS
	// Exchange is the one of Exchange's HttpProxy logs: CSV with #Fields.
	Exchange
)

// format is all that there is to know of a Format.
type format struct {
	name string
	// shows reports whether a line of a log shows that it is of this
	// format; nil of None.
	shows func(line []byte) bool
	// columns divides the names of columns in #Fields, and header is how
	// lines begin that hold such names too; nil where there are none.
	columns func(names string) []string
	header  []byte
	// time returns the stamp of a line, and parse reads the rest of it; so
	// that most lines cost the stamp alone.
	time  func(p *parser, line []byte) (event.Time, bool)
	parse func(p *parser, line []byte, r *Request) bool
	// mayTake reports whether the request of a line may have taken so long,
	// as far as that shows before it is parsed; nil if it does not.
	mayTake func(p *parser, line []byte, d event.Time) bool
	// byServer says that the stamps are what the server that wrote them
	// makes of them; else they are of the end. local says that they have no
	// zone.
	byServer, local bool
	// iis says that IIS or what belongs to it writes the format, if nothing
	// shows that one of others did.
	iis    bool
	others []Server
	// backwards is how far stamps may run backwards without being counted.
	// A line is written when a request ends; where it has the time when
	// that began, it follows lines of later ones.
	backwards event.Time
}

// formats are the formats, by Format. A line is of the first that it shows.
var formats = [...]format{
	None: {
		name: "none", backwards: event.Minute,
		time:  func(*parser, []byte) (event.Time, bool) { return 0, false },
		parse: func(*parser, []byte, *Request) bool { return false },
	},
	W3C: {
		name: "W3C", backwards: event.Minute, iis: true, others: []Server{ServerTomcat, ServerTomcat10},
		shows: showsW3C, columns: strings.Fields,
		time: (*parser).w3cTime, parse: (*parser).w3c, mayTake: (*parser).mayTakeW3C,
	},
	NCSA: {
		name: "NCSA", backwards: 10 * event.Minute, byServer: true,
		shows: showsNCSA,
		time:  (*parser).ncsaTime, parse: (*parser).ncsa, mayTake: func(p *parser, _ []byte, _ event.Time) bool { return p.Timed },
	},
	IIS: {
		name: "IIS", backwards: event.Minute, iis: true, local: true,
		shows: func(line []byte) bool { return !isComment(line) && parseIIS(line, new(Request)) },
		time:  func(_ *parser, line []byte) (event.Time, bool) { return iisTime(line) },
		parse: func(_ *parser, line []byte, r *Request) bool { return parseIIS(line, r) },
	},
	Exchange: {
		name: "Exchange HttpProxy", backwards: event.Minute, iis: true,
		shows: showsExchange, columns: splitCommas, header: exchangeHeader,
		time: (*parser).exchangeTime, parse: (*parser).exchange,
	},
}

// String returns the name of the format.
func (f Format) String() string { return formats[f].name }

// OfIIS reports whether IIS, or what belongs to it, wrote a log of the format
// that nothing but by says the server of.
func (f Format) OfIIS(by Server) bool {
	return by == ServerIIS || formats[f].iis && !slices.Contains(formats[f].others, by)
}

// NeedsServer reports whether it depends on the server that wrote a log what
// its stamps are.
func (f Format) NeedsServer() bool { return formats[f].byServer }

// Detect returns the format of a log by the first bytes of its text, some
// kilobytes, and reports whether it is one of a web server.
func Detect(prefix []byte) (Format, bool) {
	const lines = 40
	prefix = utf8text.Decode(prefix)
	for range lines {
		line, rest, more := bytes.Cut(prefix, []byte("\n"))
		line = bytes.TrimRight(line, "\r\x00 ")
		for f := range formats {
			if shows := formats[f].shows; shows != nil && shows(line) {
				return Format(f), true
			}
		}
		if !isComment(line) || !more {
			return None, false
		}
		prefix = rest
	}
	return None, false
}

// isComment reports whether a line has no request to read.
func isComment(line []byte) bool { return len(line) == 0 || line[0] == '#' }

// How the first line of logs of IIS and of HTTP.sys begins.
var (
	iisHeader  = []byte("#Software: Microsoft Internet Information Services")
	httpHeader = []byte("#Software: Microsoft HTTP ")
)

// exchangeHeader is how the line begins that Exchange writes before all others:
// the names of the columns, once more.
var exchangeHeader = []byte("DateTime,RequestId,")

// fieldsComment is how a line begins that says what the columns are from there
// on.
var fieldsComment = []byte("#Fields:")

// showsW3C implements format.shows. What IIS and HTTP.sys write is of the
// format, whatever its columns are called.
func showsW3C(line []byte) bool {
	return hasColumn(line, "cs-uri") || bytes.HasPrefix(line, iisHeader) || bytes.HasPrefix(line, httpHeader)
}

// showsExchange implements format.shows.
func showsExchange(line []byte) bool {
	return hasColumn(line, "urlstem") && bytes.IndexByte(line, ',') >= 0
}

// hasColumn reports whether a line names columns, one of them that of a page's
// path: logs of FTP, SMTP and other services have none.
func hasColumn(line []byte, name string) bool {
	names := bytes.HasPrefix(line, fieldsComment) || bytes.HasPrefix(line, exchangeHeader)
	return names && bytes.Contains(bytes.ToLower(line), []byte(name))
}

// showsNCSA implements format.shows.
func showsNCSA(line []byte) bool {
	if isComment(line) {
		return false
	}
	var r Request
	_, ok := parseNCSA(line, &r)
	return ok || parseBare(line, &r)
}

func splitCommas(names string) []string { return strings.Split(strings.TrimSpace(names), ",") }
