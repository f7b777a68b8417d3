package phrase

import (
	"fmt"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// MaxRead is up to how many sessions are read one by one. Above that a report
// for people begins with their stack.
const MaxRead = 20

// Stack returns the stack that a report for people begins with, nil if there
// are so few sessions that it begins with these.
func Stack(res *scan.Result) *finding.Stack {
	if len(res.Sessions) <= MaxRead {
		return nil
	}
	return finding.NewStack(res.Sessions)
}

// FirstSessions returns the sessions to read first, at most n: the first of
// each kind of a stack, and the gravest if there is none.
func FirstSessions(res *scan.Result, stack *finding.Stack, n int) []*finding.Session {
	if stack == nil {
		return res.Sessions[:min(n, len(res.Sessions))]
	}
	var list []*finding.Session
	for i := range stack.Kinds[:min(n, len(stack.Kinds))] {
		list = append(list, stack.Kinds[i].First())
	}
	return list
}

// KindServer names the server of a kind of session.
func KindServer(k *finding.Kind) string {
	if product := Product(k.Product, k.ServerRole); product != "" {
		return product
	}
	if s := k.First(); len(s.Findings) > 0 {
		return Worker(s.Findings[0])
	}
	return "(unknown)"
}

// Ran returns what ran in the sessions of a kind, at most n commands, and how
// many more there are.
func Ran(k *finding.Kind, n int) (commands []string, more int) {
	for _, f := range k.Ran[:min(n, len(k.Ran))] {
		commands = append(commands, ranText(f))
	}
	return commands, len(k.Ran) - len(commands)
}

// ranText is a command in short: what it hides, if it hides something.
func ranText(f *finding.Finding) string {
	if f.DecodedCommand != "" {
		return clippedRan("decoded: " + f.DecodedCommand)
	}
	return clippedRan(Command(f.Image, f.CommandLine))
}

// clippedRan is a command on one line, cut to the length that a list has room
// for.
func clippedRan(line string) string {
	const most = 120 // characters
	return text.Clip(strings.Join(strings.Fields(line), " "), most)
}

// MovedText describes what moved between hosts, with the text from the log
// apart.
func MovedText(m *finding.Movement) []Part {
	switch m.Kind {
	case finding.MovedHash:
		return sentenceOf(ownText("file "), clipped(m.Name), ownText(", hash "), clipped(m.Value))
	case finding.MovedCommand:
		return sentenceOf(ownText("command "), clipped(Command(m.Name, m.Value)))
	}
	return sentenceOf(ownText(string(m.Kind)+" "), clipped(m.Value))
}

// Way describes on how many hosts something that moved was seen: on which
// first, and on which then, of these at most n by name.
func Way(m *finding.Movement, n int) []Part {
	parts := sentenceOf(ownText(plural.Count(len(m.Sightings), "host")+", first "), clipped(m.Sightings[0].Host))
	then := m.Sightings[1:]
	for i, s := range then[:min(n, len(then))] {
		parts = append(parts, ownText([]string{", then ", ", "}[min(i, 1)]), clipped(s.Host), ownText(" "+laterText(m.Sightings[0].Time, s.Time)))
	}
	if more := len(then) - n; more > 0 {
		parts = append(parts, ownText(fmt.Sprintf(" and %d more until %s", more, text.Time(m.Sightings[len(m.Sightings)-1].Time))))
	}
	return parts
}

// laterText is a time, without its date if another has the same.
func laterText(before, at event.Time) string {
	a, b := text.Time(before), text.Time(at)
	if day := len("2006-01-02"); a[:day] == b[:day] {
		return b[day+1:]
	}
	return b
}
