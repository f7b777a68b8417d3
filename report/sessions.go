package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"webshellscan/internal/plural"
	"webshellscan/report/draw"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// sessionTable writes sessions for a terminal, the gravest first: what each is,
// and its tree with what was found in it. It draws its lines itself: they have
// a tree in them, and there may be very many.
type sessionTable struct {
	out      *bufio.Writer
	style    text.Style
	width    int
	branches draw.Branches
	rules    ruleNumbers
}

func writeTable(w io.Writer, res *scan.Result, o Options) error {
	write := writeSessions
	if o.Flat {
		write = writeFlat
	}
	if err := writeScope(w, &res.Summary, tableWidth(o)); err != nil {
		return err
	}
	if err := write(w, res, o); err != nil {
		return err
	}
	if err := eventSection(w, res, tableWidth(o)); err != nil {
		return err
	}
	if err := traceSection(w, res, tableWidth(o)); err != nil {
		return err
	}
	if err := blindSection(w, &res.Summary, tableWidth(o)); err != nil {
		return err
	}
	return integritySection(w, res.Integrity, tableWidth(o))
}

// eventSection lists the events that are findings by themselves.
func eventSection(w io.Writer, res *scan.Result, width int) error {
	lines := phrase.EventFindings(res)
	if len(lines) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("\n" + strings.Join(text.Wrap("Events that match rules, without a session", width, 3), "\n") + "\n")
	for _, line := range lines {
		for i, part := range text.Wrap(line, width-4, 4) {
			b.WriteString([]string{"  ", "    "}[min(i, 1)] + part + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// traceSection lists the other events about web servers on hosts without
// process creations.
func traceSection(w io.Writer, res *scan.Result, width int) error {
	if len(res.Traces) == 0 {
		return nil
	}
	p := printer{w: w}
	p.line("\n%s", strings.Join(text.Wrap(phrase.Traces, width, 3), "\n"))
	for i := range res.Traces {
		if i == maxListed {
			p.line("  and %d more: JSON has all of them", len(res.Traces)-maxListed)
			break
		}
		p.wrapped(width, "  ", phrase.Trace(&res.Traces[i]))
	}
	return p.err
}

// writeSessions writes the sessions, each with its tree.
func writeSessions(w io.Writer, res *scan.Result, o Options) error {
	if len(res.Findings) == 0 {
		_, err := fmt.Fprintln(w, phrase.Nothing(res))
		return err
	}
	branches := draw.BoxBranches
	if o.ASCII {
		branches = draw.ASCIIBranches
	}
	t := &sessionTable{
		out: bufio.NewWriter(w), style: text.Style{Color: o.Color}, width: tableWidth(o), branches: branches,
		rules: numberRules(res.Findings),
	}
	t.overview(res)
	shown := unknownSessions(res.Sessions)
	if o.Screen {
		shown = onScreen(res)
	}
	for _, s := range shown {
		t.session(s)
	}
	t.leftOut(res, len(shown))
	t.belowNone(res, o.Screen)
	t.known(res)
	t.rules.write(t.out, t.width)
	return t.out.Flush()
}

// unknownSessions returns the sessions that no baseline has.
func unknownSessions(sessions []*finding.Session) []*finding.Session {
	var list []*finding.Session
	for _, s := range sessions {
		if !s.Known {
			list = append(list, s)
		}
	}
	return list
}

// onScreen returns the sessions that a terminal shows: of many the first of
// each kind.
func onScreen(res *scan.Result) []*finding.Session {
	stack := phrase.Stack(res)
	if stack == nil {
		return unknownSessions(res.Sessions)
	}
	list := unknownSessions(phrase.FirstSessions(res, stack, len(stack.Kinds)))
	return list[:min(len(list), phrase.MaxRead)]
}

// leftOut prints how to see the sessions that are not among those shown.
func (t *sessionTable) leftOut(res *scan.Result, shown int) {
	if more := len(unknownSessions(res.Sessions)) - shown; more > 0 {
		t.lines("", fmt.Sprintf("And %s: -o report.txt has them all, -o report.html is a page of them; --level, --host and --since choose, tree --session KEY shows one",
			plural.Count(more, "more session")), 4)
		fmt.Fprintln(t.out)
	}
}

// overview prints how many sessions there are, and names them, or of many the
// kinds.
func (t *sessionTable) overview(res *scan.Result) {
	levels := make(map[rules.Level]int)
	fresh, known := 0, 0
	for _, s := range res.Sessions {
		if s.Known {
			known++
			continue
		}
		fresh++
		levels[s.Level]++
	}
	var parts []string
	for l := rules.LevelCritical; l > rules.LevelNone; l-- {
		if levels[l] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", levels[l], l))
		}
	}
	head := plural.Count(fresh, phrase.SessionKind(res.Sessions))
	if len(parts) > 0 {
		head += " (" + strings.Join(parts, ", ") + ")"
	}
	if known > 0 {
		head += fmt.Sprintf(", %d known to the baseline", known)
	}
	t.lines("", head+", "+plural.Count(len(res.Findings), "finding"), 2)
	if stack := phrase.Stack(res); stack != nil {
		t.stack(stack)
	} else if fresh > 1 {
		t.list(res.Sessions[:fresh])
	}
	fmt.Fprintln(t.out)
}

// list names sessions, one a line.
func (t *sessionTable) list(sessions []*finding.Session) {
	host := len("HOST")
	for _, s := range sessions {
		host = max(host, text.Width(overviewHost(s)))
	}
	pad := func(line string) string { return line + strings.Repeat(" ", host-text.Width(line)) }
	lineOf := func(first, host, findings, enumeration, worker string) string {
		if t.width < narrow {
			return first + "  " + pad(host) + "  " + worker
		}
		return fmt.Sprintf("%s  %s  %8s  %5s  %s", first, pad(host), findings, enumeration, worker)
	}
	form := "2006-01-02 15:04"
	if t.width < narrow {
		form = "01-02 15:04"
	}
	header := fmt.Sprintf(" %-5s  %s", "LEVEL", lineOf(fmt.Sprintf("%-*s", len(form), "FIRST"), "HOST", "FINDINGS", "ENUM.", "WORKER"))
	fmt.Fprintf(t.out, "\n%s\n", text.Truncate(header, t.width, "…"))
	for _, s := range sessions {
		line := lineOf(s.First.Time().Format(form), overviewHost(s), strconv.Itoa(len(s.Findings)), strconv.Itoa(s.Enumeration), server(s, ""))
		level := t.style.Paint(s.Level, fmt.Sprintf("%-5s", text.ShortLevel(s.Level)))
		fmt.Fprintf(t.out, " %s  %s\n", level, text.Truncate(line, t.width-8, "…"))
	}
}

// overviewHost is a host's short name, cut where it is not short.
func overviewHost(s *finding.Session) string {
	short, _, _ := strings.Cut(s.Host, ".")
	return text.Truncate(text.Visible(short), 16, "…")
}

// server names a session's worker with what runs in it. What stands before the
// process ID is given.
func server(s *finding.Session, before string) string {
	f := s.Findings[0]
	name := fmt.Sprintf("%s %s%d", text.Visible(phrase.Worker(f)), before, f.WorkerProcessID)
	if product := phrase.Product(s.Product, s.ServerRole); product != "" {
		name += ", " + text.Visible(product)
	}
	if s.Application != "" {
		name += ", app pool " + text.Visible(s.Application)
	}
	return name
}

// lines writes a text, wrapped, behind an indent.
func (t *sessionTable) lines(indent, s string, most int) {
	for _, line := range text.Wrap(s, t.width-len(indent), most) {
		fmt.Fprintf(t.out, "%s%s\n", indent, line)
	}
}

// session writes one session.
func (t *sessionTable) session(s *finding.Session) {
	level := strings.ToUpper(s.Level.String())
	head := text.Wrap(fmt.Sprintf("%s  %s: %s", level, text.Visible(s.Host), server(s, "PID ")), t.width, 3)
	for i, line := range head {
		if rest, ok := strings.CutPrefix(line, level); i == 0 && ok {
			fmt.Fprintln(t.out, t.style.Paint(s.Level, level)+t.style.Bold(rest))
		} else {
			fmt.Fprintln(t.out, t.style.Bold(line))
		}
	}
	for _, line := range t.about(s) {
		t.lines("  ", line, 2)
	}
	t.story(s)
	if tree := s.Tree(finding.Bounds{}); tree != nil {
		t.table(outlineOf(tree, t.branches, outlineDepth(t.width, t.branches)))
		if rest := leftOutText(tree); rest != "" {
			fmt.Fprintln(t.out, t.style.Dim("  "+text.Truncate(rest, t.width-2, "…")))
		}
	} else {
		t.table(t.flat(s.Shapes))
	}
	fmt.Fprintln(t.out)
}

// about returns the lines of a session's heading.
func (t *sessionTable) about(s *finding.Session) []string {
	f := s.Findings[0]
	when := text.TimeSpan(s.First, s.Last) + " UTC; worker "
	switch end := workerEnd(s); {
	case f.WorkerStart == 0:
		when += "started before these logs"
	default:
		when += "started " + text.Time(f.WorkerStart)
		if end != 0 {
			when += ", ended " + text.Time(end)
		}
	}
	what := fmt.Sprintf("%s below it, %s", plural.Count(s.Processes, "process", "processes"), plural.Count(len(s.Findings), "finding"))
	if s.Enumeration > 0 {
		what += ", " + plural.Count(s.Enumeration, "distinct enumeration command")
	}
	first := entry{finding: s.FirstFinding()}
	command := "first command: " + text.Visible(t.command(&first))
	if decoded := first.finding.DecodedCommand; decoded != "" {
		command = "first command, decoded: " + text.Visible(decoded)
	}
	lines := []string{when, what}
	if !phrase.HasStory(s) {
		lines = append(lines, command)
	}
	if len(s.Users) > 0 {
		who := "as " + visibleList(s.Users)
		if len(s.IntegrityLevels) > 0 {
			who += ", integrity level " + visibleList(s.IntegrityLevels)
		}
		lines = append(lines, who)
	}
	for _, reason := range phrase.ReasonTexts(s.LevelReasons) {
		lines = append(lines, "level "+text.Visible(reason))
	}
	if s.Link == proctree.LinkTime {
		lines = append(lines, "some parents by process ID and time only: their logs do not name them")
	}
	return lines
}

// maxStoryWrapped bounds the lines on the screen that one line of a story
// takes.
const maxStoryWrapped = 3

// story prints through what a session began, what happened in it and what it
// left, as far as the evidence shows more than that its processes ran.
func (t *sessionTable) story(s *finding.Session) {
	for _, parts := range phrase.EntryPoints(s) {
		t.lines("  ", "entry point: "+text.Visible(phrase.Plain(parts)), maxStoryWrapped)
	}
	if phrase.HasStory(s) {
		list := phrase.Story(s)
		form := storyLayout(list)
		for _, line := range list {
			for i, part := range text.Wrap(text.Visible(phrase.Plain(line.Parts)), max(t.width-len(form)-6, minProcessWidth), maxStoryWrapped) {
				at := line.First.Time().Format(form)
				if i > 0 {
					at = strings.Repeat(" ", len(at))
				}
				fmt.Fprintf(t.out, "    %s  %s\n", at, part)
			}
		}
	}
	if left := phrase.StoryLeft(s); left != "" {
		t.lines("  ", left, maxStoryWrapped)
	}
	if parts := phrase.IndicatorParts(s); len(parts) > 0 {
		t.lines("  ", "indicators: "+text.Visible(phrase.Plain(parts)), maxStoryWrapped)
	}
}

// storyLayout is how the times of a story are written.
func storyLayout(list []phrase.StoryLine) string {
	if len(list) == 0 {
		return time.DateTime
	}
	return text.TimeLayout(list[0].First, list[len(list)-1].First, time.TimeOnly)
}

// workerEnd returns when a session's worker ended, 0 if that is not known.
func workerEnd(s *finding.Session) event.Time {
	if !s.Worker.Exists() {
		return 0
	}
	return s.Worker.End()
}

const maxNamed = 6

// visibleList joins texts of a log.
func visibleList(list []string) string {
	var parts []string
	for i, s := range list {
		if i == maxNamed {
			parts = append(parts, fmt.Sprintf("%d more", len(list)-maxNamed))
			break
		}
		parts = append(parts, text.Visible(s))
	}
	return strings.Join(parts, ", ")
}

// flat returns shapes as entries without a tree.
func (t *sessionTable) flat(shapes []finding.Shape) []entry {
	entries := make([]entry, len(shapes))
	for i, s := range shapes {
		f := s.Findings[0]
		_, last := s.Span()
		entries[i] = entry{process: f.Process, finding: f, count: len(s.Findings), last: last, level: s.Gravest().Level}
	}
	return entries
}

// belowNone writes the findings that hang from no server, by host.
func (t *sessionTable) belowNone(res *scan.Result, screen bool) {
	byHost := make(map[string][]*finding.Finding)
	var hosts []string
	for _, f := range res.Findings {
		if f.Session != "" || f.Known {
			continue
		}
		if byHost[f.Host] == nil {
			hosts = append(hosts, f.Host)
		}
		byHost[f.Host] = append(byHost[f.Host], f)
	}
	for i, host := range hosts {
		if screen && i == phrase.MaxRead {
			t.lines("", fmt.Sprintf("And findings below no server on %s: -o report.txt has them all, --flat is one table of them", plural.Count(len(hosts)-i, "more host")), 3)
			fmt.Fprintln(t.out)
			break
		}
		t.lines("", fmt.Sprintf("%s: below no server, %s", text.Visible(host), plural.Count(len(byHost[host]), "finding")), 2)
		t.table(t.flat(finding.Fold(byHost[host])))
		fmt.Fprintln(t.out)
	}
}

// known lists what the baseline has, folded over all hosts.
func (t *sessionTable) known(res *scan.Result) {
	var findings []*finding.Finding
	for _, f := range res.Findings {
		if f.Known {
			findings = append(findings, f)
		}
	}
	if len(findings) == 0 {
		return
	}
	shapes := finding.Fold(findings)
	t.lines("", fmt.Sprintf("Known to the baseline: %s of %s", plural.Count(len(findings), "finding"), plural.Count(len(shapes), "shape")), 2)
	entries := t.flat(shapes)
	for i := range entries {
		entries[i].hosts = hostsOfShape(&shapes[i])
	}
	t.table(entries)
	fmt.Fprintln(t.out)
}

// hostsOfShape returns the hosts that a shape was found on, in their order.
func hostsOfShape(s *finding.Shape) []string {
	var hosts []string
	for _, f := range s.Findings {
		if !slices.Contains(hosts, f.Host) {
			hosts = append(hosts, f.Host)
		}
	}
	return hosts
}

// layout is how a table writes times, and the widths of its columns.
type layout struct {
	format                          string // of times
	time, level, pid, text, numbers int
}

// table writes entries as lines under a header.
func (t *sessionTable) table(entries []entry) {
	c := t.columns(entries)
	header := fmt.Sprintf(" %-*s  %-*s  %s%-*s", c.time, "TIME", c.level, "LEVEL", c.pidCell("PID"), c.text, "PROCESS")
	if c.numbers > 0 {
		header += "  RULES"
	}
	fmt.Fprintf(t.out, "%s\n%s\n", header, strings.Repeat("-", max(len(header), min(t.width, wide))))
	for i := range entries {
		t.entry(&entries[i], c)
	}
}

func (t *sessionTable) columns(entries []entry) layout {
	c := layout{level: 5, pid: 3, numbers: len("RULES")}
	var from, to event.Time
	for i := range entries {
		e := &entries[i]
		from, to = text.Earlier(from, e.start()), max(to, e.start(), e.last)
		c.pid = max(c.pid, len(fmt.Sprint(e.pid())))
		if e.finding != nil {
			c.numbers = max(c.numbers, len(t.rules.of(e.finding)))
		}
	}
	c.format = text.TimeLayout(from, to, "15:04:05")
	c.time = len(c.format)
	gaps := 1 + 4*2
	if t.width < narrow {
		c.numbers, c.pid, gaps = 0, 0, gaps-2*2
	}
	c.text = max(t.width-gaps-c.time-c.level-c.pid-c.numbers, minProcessWidth)
	if t.width > wide {
		c.text = t.widest(entries, c)
	}
	return c
}

// pidCell returns the cell of a process ID with the gap behind it, "" if there
// is no such column.
func (c *layout) pidCell(pid string) string {
	if c.pid == 0 {
		return ""
	}
	return fmt.Sprintf("%-*s  ", c.pid, pid)
}

// narrow is the width in columns below which a table does not show which rules
// matched, and which ID processes had.
const narrow = 60

// wide is the width in columns beyond which a table is no wider than its
// entries need, so that the rules do not stand far from them.
const wide = 100

// widest returns the width of the widest entry's command line or note, or that
// of the column so far if that is less.
func (t *sessionTable) widest(entries []entry, c layout) int {
	most := len("PROCESS")
	for i := 0; i < len(entries) && most < c.text; i++ {
		e := &entries[i]
		for _, s := range append(t.notes(e, c), text.Visible(t.command(e))) {
			most = max(most, text.Width(e.first)+text.Width(s))
		}
	}
	return min(most, c.text)
}

// minProcessWidth is the least that a process gets of a line.
const minProcessWidth = 14

func (e *entry) start() event.Time {
	if e.finding != nil {
		return e.finding.Time
	}
	return e.process.Start()
}

func (e *entry) pid() uint32 {
	if e.finding != nil {
		return e.finding.ProcessID
	}
	return e.process.PID()
}

// entry writes one entry.
func (t *sessionTable) entry(e *entry, c layout) {
	level, numbers := "-", ""
	at := ""
	if start := e.start(); start != 0 {
		at = start.Time().Format(c.format)
	}
	switch f := e.finding; {
	case f != nil && f.Known:
		level, numbers = "known", t.rules.of(f)
	case f != nil:
		level, numbers = text.ShortLevel(cmp.Or(e.level, f.Level)), t.rules.of(f)
	}
	if c.numbers == 0 {
		numbers = ""
	}
	dimmed := e.finding == nil || e.finding.Known
	for i, s := range t.texts(e, c) {
		if i > 0 {
			at, level, numbers = "", "", ""
		}
		pid := ""
		if i == 0 {
			pid = fmt.Sprint(e.pid())
		}
		pad := strings.Repeat(" ", max(c.text-text.Width(s), 0))
		mark := fmt.Sprintf("%-*s", c.level, level)
		if !dimmed && i == 0 {
			mark = t.style.Paint(cmp.Or(e.level, e.finding.Level), mark)
		}
		line := fmt.Sprintf(" %-*s  %s  %s%s%s  %s", c.time, at, mark, c.pidCell(pid), s, pad, numbers)
		line = strings.TrimRight(line, " ")
		if dimmed {
			line = t.style.Dim(line)
		}
		fmt.Fprintln(t.out, line)
	}
}

const maxDecodedLines = 4

// texts returns the lines of an entry's process, with the tree before them.
func (t *sessionTable) texts(e *entry, c layout) []string {
	drawn := text.Width(e.first)
	if c.numbers == 0 {
		drawn = max(drawn, text.Width(e.below)) // no column behind it has room
	}
	width := max(c.text-drawn, minProcessWidth/2)
	var lines []string
	most := maxProcessLines
	switch {
	case e.finding == nil && !e.onWay:
		most = 1
	case e.finding != nil && e.finding.DecodedCommand != "":
		most = 2 // what it says comes below
	}
	for i, line := range text.Wrap(text.Visible(t.command(e)), width, most) {
		if i == 0 {
			lines = append(lines, e.first+line)
		} else {
			lines = append(lines, e.below+line)
		}
	}
	for _, note := range t.notes(e, c) {
		for _, line := range text.Wrap(note, width, maxDecodedLines) {
			lines = append(lines, e.below+line)
		}
	}
	return lines
}

// notes returns what stands below an entry's command line.
func (t *sessionTable) notes(e *entry, c layout) []string {
	var notes []string
	if len(e.hosts) > 0 {
		note := "on " + text.Visible(e.hosts[0])
		if more := len(e.hosts) - 1; more > 0 {
			note += fmt.Sprintf(" and %d more", more)
		}
		notes = append(notes, note)
	}
	if e.count > 1 && (e.finding != nil || e.onWay) {
		note := fmt.Sprintf("%d times, the last at %s", e.count, e.last.Time().Format(c.format))
		notes = append(notes, note)
	}
	f := e.finding
	if f == nil {
		return notes
	}
	if f.DecodedCommand != "" {
		notes = append(notes, "decoded: "+text.Visible(f.DecodedCommand))
	}
	return append(notes, findingNotes(f)...)
}

// command returns an entry's command line as it is read best.
func (t *sessionTable) command(e *entry) string {
	image, command := "", ""
	if e.finding != nil {
		image, command = e.finding.Image, e.finding.CommandLine
	} else {
		texts := e.process.Forest().Texts()
		image, command = texts.Text(e.process.Image()), texts.KnownText(e.process.CommandLine())
	}
	if e.finding == nil && !e.onWay {
		return contextCommand(e, image, strings.TrimSpace(command))
	}
	return phrase.Command(image, command)
}

// contextCommand is the command line of a process that is there for context
// only: what it was and how often, in one line.
func contextCommand(e *entry, image, command string) string {
	s := cmp.Or(image[strings.LastIndexAny(image, `\/`)+1:], "(unknown)")
	if e.count > 1 {
		s = fmt.Sprintf("%d times %s", e.count, s)
	}
	if arguments := finding.Arguments(command); arguments != "" {
		s += " " + arguments
	}
	return s
}

// ruleNumbers numbers the rules of a report, as its tables name them.
type ruleNumbers struct {
	list    []*rules.Rule
	numbers map[*rules.Rule]int
}

func numberRules(findings []*finding.Finding) ruleNumbers {
	n := ruleNumbers{finding.MatchedRules(findings), make(map[*rules.Rule]int)}
	for i, r := range n.list {
		n.numbers[r] = i + 1
	}
	return n
}

// maxNumbers bounds how many rules a line names.
const maxNumbers = 4

// of returns the numbers of a finding's rules.
func (n *ruleNumbers) of(f *finding.Finding) string {
	var b strings.Builder
	for i, r := range f.Rules {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i == maxNumbers {
			fmt.Fprintf(&b, "+%d", len(f.Rules)-i)
			break
		}
		b.WriteString(strconv.Itoa(n.numbers[r]))
	}
	return b.String()
}

// write lists the rules by their numbers.
func (n *ruleNumbers) write(w io.Writer, width int) {
	fmt.Fprintln(w, "Rules")
	for i, r := range n.list {
		head := fmt.Sprintf("  %d  %-4s  ", i+1, text.ShortLevel(r.Level))
		for _, line := range text.Wrap(text.Visible(phrase.RuleTitle(r)), width-len(head), 4) {
			fmt.Fprintf(w, "%s%s\n", head, line)
			head = strings.Repeat(" ", len(head))
		}
	}
}
