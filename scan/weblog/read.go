package weblog

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"webshellscan/internal/utf8text"
	"webshellscan/scan/event"
)

// MaxLine is the longest line that is read, in bytes. Of a longer one the rest
// is skipped.
const MaxLine = 1 << 20

// Interval is a time from From on, up to and with To.
type Interval struct{ From, To event.Time }

// Window is the times that are asked for, ascending and apart; nil stands for
// all.
type Window []Interval

// NewWindow returns the window of some intervals.
func NewWindow(list []Interval) Window {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	w := Window{}
	for _, i := range list {
		if n := len(w); n > 0 && i.From <= w[n-1].To {
			w[n-1].To = max(w[n-1].To, i.To)
			continue
		}
		w = append(w, i)
	}
	return w
}

// Has reports whether the window has a time. The nil Window has all.
func (w Window) Has(t event.Time) bool { return w.Meets(t, t) }

// Meets reports whether a time from from to to has a part in the window.
func (w Window) Meets(from, to event.Time) bool {
	if w == nil {
		return true
	}
	i := w.after(from)
	return i < len(w) && to >= w[i].From
}

// after returns the index of the first interval that does not end before a
// time.
func (w Window) after(t event.Time) int {
	low, high := 0, len(w)
	for low < high {
		if i := int(uint(low+high) >> 1); w[i].To < t {
			low = i + 1
		} else {
			high = i
		}
	}
	return low
}

// gap returns how far a time outside the window is from the nearest interval in
// which a request with such a stamp may have run; 0 if there is none.
func (w Window) gap(t event.Time, is Stamp) event.Time {
	i, gap := w.after(t), event.Time(0)
	if i > 0 && is != StampBegin {
		gap = t - w[i-1].To
	}
	if i < len(w) && is != StampEnd && (gap == 0 || w[i].From-t < gap) {
		gap = w[i].From - t
	}
	return gap
}

// maxDuration is the longest duration by which a request is looked for outside
// a window.
const maxDuration = 24 * event.Hour

// mayReach reports whether the request of a line outside the window may have
// run within, as one that runs for an hour is stamped long after it began.
// Where that does not show, the line has to be parsed.
func (p *parser) mayReach(line []byte, t event.Time) bool {
	gap := p.Window.gap(t, p.stampIs)
	if gap == 0 || gap > maxDuration {
		return false
	}
	return p.format.mayTake == nil || p.format.mayTake(p, line, gap)
}

// mayTakeW3C implements format.mayTake by how many digits the duration has.
// Where cells may be in quotes it may stand anywhere.
func (p *parser) mayTakeW3C(line []byte, d event.Time) bool {
	return p.quotes || p.at.taken >= 0 && p.takenDigits(line) >= digitsOf(int64(d/event.Millisecond))
}

// takenDigits returns how many digits the duration of a line of W3C has.
func (p *parser) takenDigits(line []byte) int {
	if p.at.taken == len(p.columns)-1 {
		return len(line) - 1 - bytes.LastIndexByte(line, ' ')
	}
	text, _ := cell(line, p.at.taken, ' ')
	return len(text)
}

// digitsOf returns how many digits a number has.
func digitsOf(n int64) int {
	digits := 1
	for ; n >= 10; n /= 10 {
		digits++
	}
	return digits
}

// Stats is what was met in one log.
type Stats struct {
	// Lines counts the lines, without comments; Given those in the window.
	Lines, Given int
	// Bad counts lines that are no request, Long those longer than MaxLine,
	// FirstBad says where the first of both begins: its number, 0 if there
	// is none.
	Bad, Long, FirstBad int
	// Backwards counts lines whose stamp is more than a minute before the
	// latest one; ten minutes where stamps are of the beginning and lines
	// of the end.
	Backwards int
	// First and Last are the earliest and latest stamp, 0 without any.
	First, Last event.Time
	// Timed is set if some requests have a duration. Whole are durations as
	// lines have them that are whole numbers of no known unit, up to 1,024
	// of them, ascending.
	Timed bool
	Whole []float64
	// LocalTime is set if the stamps have no zone and were taken for UTC.
	LocalTime bool
	// Computers, ServerIPs and Sites are the names of the server that lines
	// have, up to 16 of each.
	Computers, ServerIPs, Sites []string
}

// maxNames bounds the names that Stats lists.
const maxNames = 16

// Reader reads one log.
type Reader struct {
	Format Format
	// Server is which server wrote it, as far as that is known: it decides
	// what the stamps mean. Unit is the unit of durations that are whole
	// numbers, 0 if nothing says it.
	Server Server
	Unit   event.Time
	// Timed is set if lines of the common format have durations: else none
	// outside the window is looked at.
	Timed bool
	// Window is the times that are asked for.
	Window Window
	// Literals, if there are any, are texts: only lines are given that hold
	// one of them. They are in lower case; lines are compared without the
	// case of ASCII.
	Literals [][]byte
}

// Read reads a log and calls do for each request of the window, in the order of
// the log. The Request is valid for the call only; its strings are the caller's
// to keep. Offsets count bytes of the text as UTF-8. The error is that of text,
// of do or of the context.
func (rd *Reader) Read(ctx context.Context, text io.Reader, do func(*Request) error) (Stats, error) {
	p := &parser{Reader: rd, format: &formats[rd.Format], do: do, stampIs: StampEnd}
	if p.format.byServer {
		p.stampIs = rd.Server.stamp()
	}
	err := p.lines(ctx, utf8text.NewReader(text))
	slices.Sort(p.stats.Whole)
	return p.stats, err
}

// parser is the state of one reading.
type parser struct {
	*Reader
	format     *format
	columns    []column // of W3C and Exchange
	at         columnsOf
	stampIs    Stamp
	quotes     bool       // cells of W3C may be in quotes
	day, clock event.Time // of the last line without a date; 0 if no day is known
	do         func(*Request) error
	stats      Stats
	request    Request
	latest     event.Time
	line       int
	offset     int64
	lower      []byte // scratch

	stamp     [26]byte // of the last line
	stampLen  int
	stampTime event.Time
}

// lines reads the lines of a text.
func (p *parser) lines(ctx context.Context, in *bufio.Reader) error {
	var long []byte
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line, err := in.ReadSlice('\n')
		size := int64(len(line))
		if errors.Is(err, bufio.ErrBufferFull) {
			long, size, err = readLong(ctx, in, append(long[:0], line...))
			line = long
		}
		p.line++
		if len(line) > 0 {
			if size > MaxLine {
				p.stats.Long++
				p.bad()
			} else if failed := p.one(line); failed != nil {
				return failed
			}
		}
		p.offset += size
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// readLong reads the rest of a long line. It keeps no more than MaxLine of it,
// and returns how long it is.
func readLong(ctx context.Context, in *bufio.Reader, line []byte) ([]byte, int64, error) {
	size := int64(len(line))
	for n := 1; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return line, size, context.Cause(ctx)
		}
		part, err := in.ReadSlice('\n')
		size += int64(len(part))
		if len(line)+len(part) <= MaxLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, size, err
		}
	}
}

// bad counts a line that is no request.
func (p *parser) bad() {
	p.stats.Bad++
	if p.stats.FirstBad == 0 {
		p.stats.FirstBad = p.line
	}
}

// one reads one line.
func (p *parser) one(line []byte) error {
	line = bytes.TrimRight(line, "\r\n\x00 ")
	line = bytes.TrimLeft(line, "\x00")
	if len(line) == 0 {
		return nil
	}
	if line[0] == '#' {
		p.comment(line)
		return nil
	}
	if p.format.header != nil && bytes.HasPrefix(line, p.format.header) {
		p.setColumns(p.format.columns(string(line)))
		return nil
	}
	p.stats.Lines++
	p.stats.LocalTime = p.format.local
	t, ok := p.format.time(p, line)
	if !ok || !t.Plausible() {
		p.bad()
		return nil
	}
	p.countStamp(t)
	within := p.Window.Has(t)
	if !within && !p.mayReach(line, t) || !p.holds(line) {
		return nil
	}
	p.request = Request{Time: t, Stamp: p.stampIs, Duration: Unknown, Offset: p.offset, Line: p.line}
	if !p.format.parse(p, line, &p.request) {
		p.bad()
		return nil
	}
	if !within && !p.Window.Meets(p.request.Span()) {
		return nil
	}
	p.request.URI, p.request.Parameters = cutParameters(p.request.URI)
	p.stats.Given++
	p.stats.Timed = p.stats.Timed || p.request.Duration != Unknown
	p.names()
	return p.do(&p.request)
}

// holds reports whether a line holds one of the texts that are asked for.
func (p *parser) holds(line []byte) bool {
	if len(p.Literals) == 0 {
		return true
	}
	p.lower = append(p.lower[:0], line...)
	for i, c := range p.lower {
		if c >= 'A' && c <= 'Z' {
			p.lower[i] = c | 0x20
		}
	}
	for _, text := range p.Literals {
		if bytes.Contains(p.lower, text) {
			return true
		}
	}
	return false
}

// countStamp adds the stamp of a line to the statistics.
func (p *parser) countStamp(t event.Time) {
	if p.stats.First == 0 || t < p.stats.First {
		p.stats.First = t
	}
	p.stats.Last = max(p.stats.Last, t)
	if t < p.latest-p.format.backwards {
		p.stats.Backwards++
	}
	p.latest = max(p.latest, t)
}

// names records how a request names its server.
func (p *parser) names() {
	p.stats.Computers = addName(p.stats.Computers, p.request.Computer)
	p.stats.ServerIPs = addName(p.stats.ServerIPs, p.request.ServerIP)
	p.stats.Sites = addName(p.stats.Sites, p.request.Site)
}

func addName(list []string, name string) []string {
	if name == "" || len(list) >= maxNames || slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

// comment reads a line that begins with #: #Fields says what the columns are
// from there on.
func (p *parser) comment(line []byte) {
	fields, ok := bytes.CutPrefix(line, fieldsComment)
	if !ok {
		if software, ok := bytes.CutPrefix(line, []byte("#Software:")); ok {
			p.quotes = !bytes.Contains(software, []byte("Microsoft"))
		}
		if date, ok := bytes.CutPrefix(line, []byte("#Date:")); ok {
			p.setDay(string(date))
		}
		return
	}
	if p.format.columns != nil {
		p.setColumns(p.format.columns(string(fields)))
	}
}
