package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// Bounds of a summary in Markdown, which is made to be pasted into a case and
// read.
const (
	maxMarkdownSessions = 20
	maxMarkdownRows     = 15
	maxCode             = 300 // characters of a text from a log
)

// markdown writes a summary in CommonMark with the tables of GitHub's dialect.
type markdown struct {
	out    *bufio.Writer
	res    *scan.Result
	counts map[*rules.Rule]int // findings by rule
	listed []*rules.Rule       // the rules that matched, the gravest first
	kinds  *finding.Stack      // nil if there are few sessions
}

func writeMarkdown(w io.Writer, res *scan.Result, _ Options) error {
	m := &markdown{out: bufio.NewWriter(w), res: res, counts: make(map[*rules.Rule]int), kinds: phrase.Stack(res)}
	for _, f := range res.Findings {
		for _, r := range f.Rules {
			m.counts[r]++
		}
	}
	m.listed = finding.MatchedRules(res.Findings)
	m.title()
	m.stack()
	m.logs()
	m.sessions()
	m.others()
	m.rules()
	m.blindness()
	return m.out.Flush()
}

// line writes a line; errors are kept by the bufio.Writer.
func (m *markdown) line(format string, args ...any) { _, _ = fmt.Fprintf(m.out, format+"\n", args...) }

func (m *markdown) title() {
	m.line("# webshellscan: %s in %s on %s", plural.Count(len(m.res.Findings), "finding"),
		plural.Count(len(m.res.Sessions), "session"), plural.Count(countHosts(m.res.Findings), "host"))
}

// stack lists the kinds of session and what moved between hosts, if there are
// too many sessions to read them one by one.
func (m *markdown) stack() {
	if m.kinds == nil {
		return
	}
	m.line("\n## %s of session\n", plural.Count(len(m.kinds.Kinds), "kind"))
	m.line("| level | hosts | server | what ran | first host | first (UTC) | sessions |")
	m.line("| --- | ---: | --- | --- | --- | --- | ---: |")
	for i := range m.kinds.Kinds[:min(len(m.kinds.Kinds), maxKinds)] {
		k := &m.kinds.Kinds[i]
		level := k.Level.String()
		if k.Known {
			level += ", known"
		}
		m.line("| %s | %d | %s | %s | %s | %s | %d |", level, len(k.Hosts), mdCell(phrase.KindServer(k)), mdRan(k),
			mdCell(k.First().Host), text.Time(k.First().First), len(k.Sessions))
	}
	if more := len(m.kinds.Kinds) - maxKinds; more > 0 {
		m.line("\nand %d more: the format `stack` has all", more)
	}
	if len(m.kinds.Moved) == 0 {
		return
	}
	m.line("\n## What moved between hosts\n")
	for i := range m.kinds.Moved[:min(len(m.kinds.Moved), maxMoved)] {
		move := &m.kinds.Moved[i]
		m.line("- %s: %s: %s", text.Time(move.Sightings[0].Time), mdParts(phrase.MovedText(move)), mdParts(phrase.Way(move, maxMovedTo)))
	}
	if more := len(m.kinds.Moved) - maxMoved; more > 0 {
		m.line("\nand %d more: the format `stack` has all", more)
	}
}

// mdRan returns what ran in the sessions of a kind as a cell.
func mdRan(k *finding.Kind) string {
	commands, more := phrase.Ran(k, maxRan)
	for i := range commands {
		commands[i] = mdCell(commands[i])
	}
	cell := strings.Join(commands, ", ")
	if more > 0 {
		cell += fmt.Sprintf(" and %d more", more)
	}
	return cell
}

func (m *markdown) logs() {
	s := &m.res.Summary
	m.line("\n- Read: %s, %s, %s", plural.Count(s.Files, "EVTX file"), text.Bytes(s.Bytes), plural.Count(s.Records, "record"))
	if s.First != 0 {
		m.line("- Records from %s to %s UTC, of %s", text.Time(s.First), text.Time(s.Last), plural.Count(len(s.Hosts), "host"))
	}
	e := s.Events
	m.line("- Process events: %d Sysmon 1, %d Sysmon 5, %d Security 4688, %d Security 4689",
		e.SysmonCreate, e.SysmonEnd, e.SecurityCreate, e.SecurityEnd)
	if len(s.Only) > 0 {
		m.line("- Only: %s", mdCode(strings.Join(s.Only, ", ")))
	}
	if version := m.res.Manifest.Version; version != "" {
		m.line("- Version: %s", mdCode(version))
	}
	if s.Interrupted != nil {
		m.line("- **Interrupted**: this is what was found up to then")
	}
}

// events lists the events that are findings by themselves.
func (m *markdown) events() {
	lines := phrase.EventFindings(m.res)
	if len(lines) == 0 {
		return
	}
	m.line("\n## Events that match rules, without a session\n")
	for _, line := range lines {
		m.line("- %s", mdCode(line))
	}
}

// traces lists the other events about web servers on hosts without process
// creations.
func (m *markdown) traces() {
	if len(m.res.Traces) == 0 {
		return
	}
	m.line("\n## %s\n", phrase.Traces)
	m.list("Traces", len(m.res.Traces), func(i int) string { return mdCode(phrase.Trace(&m.res.Traces[i])) })
}

// sessions lists the gravest sessions, then each with its findings.
func (m *markdown) sessions() {
	defer m.traces()
	defer m.events()
	if len(m.res.Findings) == 0 {
		m.line("\n%s", strings.TrimSpace(phrase.Nothing(m.res)+" "+phrase.Blind(&m.res.Summary)))
		return
	}
	list := phrase.FirstSessions(m.res, m.kinds, maxMarkdownSessions)
	if len(list) == 0 {
		return
	}
	if m.kinds == nil {
		m.line("\n## Sessions\n")
	} else {
		m.line("\n## The first session of each kind\n")
	}
	m.line("| # | level | host | server | first (UTC) | last (UTC) | findings |")
	m.line("| ---: | --- | --- | --- | --- | --- | ---: |")
	for i, s := range list {
		m.line("| %d | %s | %s | %s | %s | %s | %d |", i+1, s.Level, mdCell(s.Host), m.worker(s, mdCell),
			text.Time(s.First), text.Time(s.Last), len(s.Findings))
	}
	if more := len(m.res.Sessions) - len(list); more > 0 {
		m.line("\nand %s", plural.Count(more, "more session"))
	}
	for i, s := range list {
		m.session(i+1, s)
	}
}

// worker names a session's server.
func (m *markdown) worker(s *finding.Session, code func(string) string) string {
	f := s.Findings[0]
	line := fmt.Sprintf("%s, PID %d", code(phrase.Worker(f)), f.WorkerProcessID)
	for _, more := range []string{phrase.Product(s.Product, s.ServerRole), s.Application} {
		if more != "" {
			line += ", " + code(more)
		}
	}
	return line
}

func (m *markdown) session(number int, s *finding.Session) {
	f := s.Findings[0]
	m.line("\n### %d. %s: %s\n", number, mdCode(s.Host), m.worker(s, mdCode))
	m.line("- Command line: %s", mdCode(f.WorkerCommandLine))
	if f.WorkerStart != 0 {
		m.line("- Started: %s UTC", text.Time(f.WorkerStart))
	} else {
		m.line("- Started before these logs")
	}
	m.line("- Ran as: %s", mdList(s.Users))
	m.line("- Processes below it: %d; %s, %d distinct; %d distinct enumeration commands", s.Processes, plural.Count(len(s.Findings), "finding"), s.Commands, s.Enumeration)
	for _, reason := range phrase.ReasonTexts(s.LevelReasons) {
		m.line("- Level %s", mdSentence(reason))
	}
	if s.Known {
		m.line("- All of it is known to the baseline")
	}
	m.line("- Least certain link to a parent: %s", s.Link)
	m.line("- Session: %s", mdCode(s.Key))
	m.story(s)
	m.line("")
	if tree := s.Tree(finding.Bounds{Nodes: maxMarkdownRows + 1, NoContext: true}); tree != nil {
		m.tree(tree, len(s.Findings))
	} else {
		m.shapes(s.Shapes)
	}
}

// story writes through what a session began, what happened in it and what it
// left, as far as the evidence shows more than that its processes ran.
func (m *markdown) story(s *finding.Session) {
	for _, parts := range phrase.EntryPoints(s) {
		m.line("- Entry point: %s", mdParts(parts))
	}
	if parts := phrase.IndicatorParts(s); len(parts) > 0 {
		m.line("- Indicators: %s", mdParts(parts))
	}
	if left := phrase.StoryLeft(s); left != "" {
		m.line("- %s", left)
	}
	if !phrase.HasStory(s) {
		return
	}
	m.line("")
	for i, line := range phrase.Story(s) {
		m.line("%d. %s: %s", i+1, text.Time(line.First), mdParts(line.Parts))
	}
}

// mdParts returns a sentence in which texts from a log are code spans.
func mdParts(parts []phrase.Part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Log {
			b.WriteString(mdCode(p.Text))
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// tree writes the nodes of a session's tree, that of the server process left
// out, as a table; findings is how many the session has.
func (m *markdown) tree(tree *finding.Tree, findings int) {
	m.header()
	left := tree.Nodes[0].LeftOutLevel
	for i := range tree.Nodes[1:] {
		n := &tree.Nodes[i+1]
		left = max(left, n.LeftOutLevel)
		if len(n.Findings) > 0 {
			m.row(n.Findings, n.Depth)
			findings -= len(n.Findings)
			continue
		}
		texts := n.Process.Forest().Texts()
		command := cmp.Or(texts.KnownText(n.Process.CommandLine()), texts.Text(n.Process.Image()))
		at := ""
		if start := n.Process.Start(); start != 0 {
			at = start.Time().Format(mdTime)
		}
		m.line("| %s | – | %d | %s | | |", at, n.Process.PID(), mdIndent(n.Depth)+mdCell(command))
	}
	m.more(findings, left)
}

// shapes writes a table of findings that hang in no tree, those folded that are
// of one shape: the gravest, in the order of the list.
func (m *markdown) shapes(list []finding.Shape) {
	m.header()
	branches := make([]finding.Branch, len(list))
	for i, s := range list {
		branches[i] = finding.Branch{Above: -1, Weight: finding.Weight(s.Gravest()), Cost: 1}
	}
	rest, left := 0, rules.LevelNone
	for i, shown := range finding.KeepGravest(branches, maxMarkdownRows) {
		s := &list[i]
		if shown {
			m.row(s.Findings, s.Findings[0].Depth)
		} else {
			rest, left = rest+len(s.Findings), max(left, s.Gravest().Level)
		}
	}
	m.more(rest, left)
}

// mdTime is how a row shows a time.
const mdTime = "2006-01-02 15:04:05.000"

func (m *markdown) header() {
	m.line("| time (UTC) | level | PID | process | rules | evidence |")
	m.line("| --- | --- | ---: | --- | --- | --- |")
}

// row writes findings of one shape, which lie so many links below their server.
func (m *markdown) row(findings []*finding.Finding, depth int) {
	f := findings[0]
	e := &f.Evidence[0]
	var numbers []string
	for _, r := range f.Rules {
		numbers = append(numbers, fmt.Sprint(slices.Index(m.listed, r)+1))
	}
	m.line("| %s | %s | %d | %s | %s | %s, %s |",
		f.Time.Time().Format(mdTime), (&finding.Shape{Findings: findings}).Gravest().Level, f.ProcessID, mdIndent(depth)+mdProcess(findings), strings.Join(numbers, " "), mdCell(e.File), mdRecord(e))
}

// more writes how many findings have no row, and of which level the gravest is.
func (m *markdown) more(n int, gravest rules.Level) {
	if n > 0 {
		m.line("\nand %s%s: CSV and HTML have all", plural.Count(n, "more finding"), phrase.GravestOf(gravest))
	}
}

// mdIndent shows how many links a process lies below its server.
func mdIndent(depth int) string { return strings.Repeat("› ", min(max(depth-1, 0), 6)) }

// mdProcess describes the process of findings of one shape: its command line,
// what that hides, and how often it was seen.
func mdProcess(findings []*finding.Finding) string {
	f := findings[0]
	line := mdCell(cmp.Or(f.CommandLine, f.Image))
	if f.DecodedCommand != "" {
		line += ", decoded: " + mdCell(f.DecodedCommand)
	}
	if n := len(findings); n > 1 {
		line += fmt.Sprintf(", %d times like this until %s", n, text.Time(findings[n-1].Time))
	}
	line += mdMeetings(findings)
	recovered := 0
	for _, f := range findings {
		if f.Recovered {
			recovered++
		}
	}
	switch recovered {
	case 0:
	case len(findings):
		line += ", " + phrase.Recovered
	default:
		line += fmt.Sprintf(", %d of them %s", recovered, phrase.Recovered)
	}
	if f.Known {
		line += ", known to the baseline"
	}
	return line
}

// mdMeetings returns how many processes met the correlation rules that findings
// of one shape completed.
func mdMeetings(findings []*finding.Finding) string {
	var b strings.Builder
	n := 0
	for _, f := range findings {
		for _, c := range f.Correlated {
			if n++; n <= phrase.MaxMeetings {
				b.WriteString(", " + mdCell(phrase.RuleTitle(c.Rule)) + ": " + phrase.Meeting(c))
			}
		}
	}
	if n > phrase.MaxMeetings {
		fmt.Fprintf(&b, ", and %s", plural.Count(n-phrase.MaxMeetings, "more correlation"))
	}
	return b.String()
}

// mdRecord names a record with its marks.
func mdRecord(e *finding.Evidence) string {
	s := fmt.Sprintf("record %d", e.RecordID)
	if marks := phrase.Marks(e); marks != "" {
		s += ", " + mdCode(marks)
	}
	return s
}

// others lists the findings below no server.
func (m *markdown) others() {
	var list []*finding.Finding
	for _, f := range m.res.Findings {
		if f.Session == "" {
			list = append(list, f)
		}
	}
	if len(list) > 0 {
		m.line("\n## Below no server\n")
		m.shapes(finding.Fold(list))
	}
}

// rules lists the rules that matched, with their techniques.
func (m *markdown) rules() {
	if len(m.listed) == 0 {
		return
	}
	m.line("\n## Rules\n")
	m.line("| # | rule | level | findings | ATT&CK |")
	m.line("| ---: | --- | --- | ---: | --- |")
	for i, r := range m.listed {
		m.line("| %d | %s | %s | %d | %s |", i+1, mdCell(phrase.RuleTitle(r)), r.Level, m.counts[r], strings.Join(make(techniques).of(r), ", "))
	}
}

// blindness writes what the logs could not have shown, and what their integrity
// is.
func (m *markdown) blindness() {
	s := &m.res.Summary
	m.line("\n## What these logs could not have shown\n")
	m.list("Not read", len(s.Unreadable), func(i int) string {
		return mdCode(s.Unreadable[i].Path) + ": " + mdSentence(s.Unreadable[i].Reason())
	})
	m.list("Internal error", len(s.Crashes), func(i int) string { return mdCode(s.Crashes[i].Path) })
	m.list("Blind", len(s.Blind), func(i int) string {
		if s.Blind[i].Host == "" {
			return mdSentence(s.Blind[i].Text)
		}
		return mdCode(s.Blind[i].Host) + ": " + mdSentence(s.Blind[i].Text)
	})
	damage := make([]string, 0, len(s.Damage))
	for _, d := range s.Damage {
		if said := losses(d); said != "" {
			damage = append(damage, mdCode(d.Path)+": "+said)
		}
	}
	m.list("Damaged", len(damage), func(i int) string { return damage[i] })
	m.list("Logs", len(m.res.Integrity), func(i int) string {
		x := m.res.Integrity[i]
		return fmt.Sprintf("%s, %s: %s. %s", x.Level, mdCode(cmp.Or(x.Host, x.File)), mdSentence(x.Text), mdSentence(x.Meaning))
	})
	if len(s.Unreadable)+len(s.Crashes)+len(s.Blind)+len(damage)+len(m.res.Integrity) == 0 {
		m.line("Nothing is known to be missing.")
	}
}

// losses counts the faults of a file that may have cost something, by class.
func losses(d scan.FileFaults) string {
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(d.Counts)) {
		if class.Loss() {
			parts = append(parts, fmt.Sprintf("%d %s", phrase.FaultCount(d, class), class))
		}
	}
	return strings.Join(parts, ", ")
}

// list writes the first items of a list, and how many there are more.
func (m *markdown) list(title string, n int, item func(i int) string) {
	for i := range min(n, maxListed) {
		m.line("- **%s**: %s", title, item(i))
	}
	if n > maxListed {
		m.line("- **%s**: and %d more", title, n-maxListed)
	}
}

// mdCode returns text from a log as a code span. In it no character means
// anything to Markdown but backticks, of which its ends have more in a row than
// the text (https://spec.commonmark.org/0.31.2/#code-spans); nor do the
// dialects look for links, mentions or formulas there.
func mdCode(s string) string {
	s = text.Clip(text.Visible(s), maxCode)
	if s == "" {
		return "–"
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.Trim(s, " ") != "" && strings.ContainsAny(s[:1]+s[len(s)-1:], " `") {
		s = " " + s + " " // one space at each end is taken off again
	}
	return fence + s + fence
}

// mdCell is mdCode for a cell of a table, which a pipe would end even in a code
// span (https://github.github.com/gfm/#tables-extension-): pipes stand between
// spans, as entities.
func mdCell(s string) string {
	s = text.Clip(text.Visible(s), maxCode)
	if s == "" {
		return "–"
	}
	parts := strings.Split(s, "|")
	for i, part := range parts {
		if part != "" {
			parts[i] = mdCode(part)
		}
	}
	return strings.Join(parts, "&#124;")
}

// mdList returns texts as code spans, joined by commas.
func mdList(texts []string) string {
	var parts []string
	for i, s := range texts {
		if i == maxListed {
			parts = append(parts, fmt.Sprintf("and %d more", len(texts)-maxListed))
			break
		}
		parts = append(parts, mdCode(s))
	}
	return strings.Join(parts, ", ")
}

// mdSentence returns a sentence that may hold text from a log: every word that
// is not plain becomes a code span.
func mdSentence(s string) string {
	words := strings.Fields(text.Visible(s))
	for i, word := range words {
		bare := strings.TrimRight(strings.TrimLeft(word, "("), ".,:;)")
		isTime := strings.Trim(bare, "0123456789:") == ""
		if !isTime && strings.ContainsFunc(bare, func(r rune) bool { return !isPlain(r) }) {
			words[i] = mdCode(word)
		}
	}
	return strings.Join(words, " ")
}

// isPlain reports whether a character means nothing to Markdown within a word.
func isPlain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == ',' || r == '\''
}
