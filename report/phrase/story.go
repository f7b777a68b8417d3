package phrase

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Part is a piece of a sentence.
type Part struct {
	Text string
	// Log is set if the text is one of a log, which a format sets off.
	Log bool
}

func ownText(s string) Part { return Part{Text: s} }
func fromLog(s string) Part { return Part{Text: s, Log: true} }
func clipped(s string) Part {
	return fromLog(text.Clip(strings.Join(strings.Fields(s), " "), maxStoryText))
}
func sentenceOf(s ...Part) []Part { return s }

// Plain returns the parts as one text, which may hold text from a log.
func Plain(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// StoryLine is one line of a session's story.
type StoryLine struct {
	// First and Last are when what it describes happened; they are the same
	// if it was one thing.
	First, Last event.Time
	Level       rules.Level // of the findings and rules that it stands for
	Parts       []Part
	// Process is the first that it is about; the zero Process if it is
	// about none.
	Process proctree.Process
}

// MaxStoryLines bounds the lines of a story.
const MaxStoryLines = 10

const (
	maxStoryText  = 160 // characters of one text from a log
	maxStoryNamed = 4   // things that one line names of a kind
	// laterOfProcess is how long after it began what a process does is
	// shown with it.
	laterOfProcess = event.Minute
)

// HasStory reports whether the evidence shows more of a session than that its
// processes ran.
func HasStory(s *finding.Session) bool {
	return len(s.Events)+len(s.EntryPoints)+len(s.Armed) > 0
}

// Story returns what happened in a session, in the order of time and in at most
// MaxStoryLines lines: commands with the requests that may have started them,
// and what these wrote, reached, and left behind. What weighs least is folded.
func Story(s *finding.Session) []StoryLine {
	moments := momentsOf(s)
	for kept := min(len(moments), MaxStoryLines); kept >= 0; kept-- {
		if groups := foldMoments(moments, kept); len(groups) <= MaxStoryLines {
			return linesOf(groups)
		}
	}
	return nil
}

// StoryLeft describes how many events and requests of a session the bounds left
// out, and how many requests its pages were rated without; "" if none.
func StoryLeft(s *finding.Session) string {
	var left []string
	if s.EventsOmitted > 0 {
		left = append(left, plural.Count(s.EventsOmitted, "event"))
	}
	if s.RequestsOmitted > 0 {
		left = append(left, plural.Count(s.RequestsOmitted, "request"))
	}
	var sentences []string
	if len(left) > 0 {
		sentences = append(sentences, "Left out, beyond what a session keeps: "+strings.Join(left, " and "))
	}
	if s.RequestsUncounted > 0 {
		sentences = append(sentences, "Entry points were found without "+plural.Count(s.RequestsUncounted, "more request"))
	}
	return strings.Join(sentences, ". ")
}

// foldMoments divides moments into lines: the heaviest ones stand alone, those
// between two of them together.
func foldMoments(moments []*moment, alone int) [][]*moment {
	order := slices.Clone(moments)
	slices.SortStableFunc(order, func(a, b *moment) int { return cmp.Compare(b.weight, a.weight) })
	heavy := make(map[*moment]bool, alone)
	for _, m := range order[:alone] {
		heavy[m] = true
	}
	var groups [][]*moment
	for i, m := range moments {
		if i > 0 && !heavy[m] && !heavy[moments[i-1]] {
			groups[len(groups)-1] = append(groups[len(groups)-1], m)
			continue
		}
		groups = append(groups, []*moment{m})
	}
	return groups
}

func linesOf(groups [][]*moment) []StoryLine {
	lines := make([]StoryLine, len(groups))
	page := ""
	for i, group := range groups {
		line := StoryLine{First: group[0].at, Process: group[0].process}
		for _, m := range group {
			line.Last, line.Level = max(line.Last, m.last), max(line.Level, m.level)
		}
		if r := commonRequest(group); r != nil {
			line.Parts = requestParts(r, &page)
		}
		if len(group) == 1 {
			line.Parts = append(line.Parts, group[0].parts()...)
		} else {
			line.Parts = append(line.Parts, foldedParts(group)...)
		}
		lines[i] = line
	}
	return lines
}

// requestParts names the request that a line begins with, shortly where it is
// of the same page and client as the last that a line named.
func requestParts(r *finding.Request, page *string) []Part {
	name := requestShort(r)
	if name == *page {
		return sentenceOf(ownText("same page: "))
	}
	*page = name
	return sentenceOf(fromLog(name), ownText(": "))
}

// parts describes one moment.
func (m *moment) parts() []Part {
	parts := m.what()
	if m.hash != "" {
		parts = append(parts, ownText(" (SHA-256 "+m.hash+")"))
	}
	if m.count > 1 {
		parts = append(parts, ownText(fmt.Sprintf(" (%d times)", m.count)))
	}
	if m.armed != "" {
		parts = append(parts, ownText(", run by "), clipped(m.armed))
	}
	return append(parts, m.effectParts(len(parts) > 0)...)
}

// what names the process of a moment, as far as it is about one.
func (m *moment) what() []Part {
	switch {
	case m.decoded != "":
		return sentenceOf(fromLog(cmp.Or(proctree.BaseName(m.image), "(unknown)")), ownText(", decoded: "), clipped(m.decoded))
	case m.command != "":
		return sentenceOf(clipped(Command(m.image, m.command)))
	case m.image != "":
		return sentenceOf(fromLog(proctree.BaseName(m.image)))
	}
	return nil
}

// effectParts describes the events of a moment, the heaviest of them.
func (m *moment) effectParts(behind bool) []Part {
	order := slices.Clone(m.effects)
	slices.SortStableFunc(order, func(a, b effect) int { return cmp.Compare(b.weight, a.weight) })
	order = order[:min(len(order), maxStoryNamed)]
	slices.SortStableFunc(order, func(a, b effect) int { return cmp.Compare(a.at, b.at) })
	var parts []Part
	for i, e := range order {
		switch {
		case i > 0:
			parts = append(parts, ownText("; "))
		case behind && m.command == "" && m.decoded == "" && isVerb(e.text):
			parts = append(parts, ownText(" "))
		case behind && m.command == "" && m.decoded == "":
			parts = append(parts, ownText(": "))
		case behind:
			parts = append(parts, ownText("; "))
		}
		parts = append(parts, clipped(e.text))
		if e.note != "" {
			parts = append(parts, ownText(e.note))
		}
	}
	if more := len(m.effects) - len(order); more > 0 {
		parts = append(parts, ownText("; and "+plural.Count(more, "more event")))
	}
	return parts
}

// isVerb reports whether a summary goes on behind the name of a program: it
// begins with what the program did.
func isVerb(summary string) bool {
	return summary != "" && summary[0] >= 'a' && summary[0] <= 'z' && !strings.HasPrefix(summary, "the ")
}

// foldedParts describes several moments in one line.
func foldedParts(group []*moment) []Part {
	commands, events := 0, 0
	for _, m := range group {
		if m.command != "" || m.decoded != "" {
			commands += m.count
		}
		for _, e := range m.effects {
			events += e.count
		}
	}
	var counts []string
	if commands > 0 {
		counts = append(counts, plural.Count(commands, "command"))
	}
	if events > 0 {
		counts = append(counts, plural.Count(events, "event"))
	}
	parts := sentenceOf(ownText(strings.Join(counts, " and ")))
	for i, m := range namedMoments(group) {
		separator := ", "
		if i == 0 {
			separator = ": "
		}
		parts = append(parts, ownText(separator))
		if what := m.what(); m.command != "" || m.decoded != "" {
			parts = append(parts, what...)
		} else {
			parts = append(parts, clipped(m.effects[0].text))
		}
	}
	if more := len(group) - min(len(group), maxStoryNamed); more > 0 {
		parts = append(parts, ownText(fmt.Sprintf(" and %d more", more)))
	}
	return parts
}

// namedMoments are the heaviest of a group, in the order of time.
func namedMoments(group []*moment) []*moment {
	heaviest := slices.Clone(group)
	slices.SortStableFunc(heaviest, func(a, b *moment) int { return cmp.Compare(b.weight, a.weight) })
	heaviest = heaviest[:min(len(heaviest), maxStoryNamed)]
	slices.SortStableFunc(heaviest, func(a, b *moment) int { return cmp.Compare(a.at, b.at) })
	return heaviest
}

// commonRequest returns a request of a group if all its requests are of one
// page and client.
func commonRequest(group []*moment) *finding.Request {
	var common *finding.Request
	for _, m := range group {
		switch {
		case m.request == nil:
		case common == nil:
			common = m.request
		case requestShort(common) != requestShort(m.request):
			return nil
		}
	}
	return common
}
