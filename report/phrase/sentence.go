package phrase

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/story"
)

// Sentence describes a session in plain words: where, what and as whom was run,
// when, through which request, what was written, reached and left behind, and
// how sure it is that this belongs to the server.
func Sentence(s *finding.Session) []Part {
	parts := sentenceOf(ownText("On "), clipped(s.Host), ownText(", "+serverWord(s.ServerRole)))
	if len(s.Findings) > 0 {
		parts = append(parts, clipped(Worker(s.Findings[0])))
	}
	parts = append(parts, productParts(s)...)
	parts = append(parts, ownText(" ran "+plural.Count(max(s.Commands, 1), "different command")))
	parts = append(parts, named(" as ", s.Users)...)
	parts = append(parts, ownText(", "+text.TimeSpan(s.First, s.Last)+" UTC. "))
	parts = append(parts, throughParts(s)...)
	parts = append(parts, ranParts(s)...)
	parts = append(parts, deedParts(s)...)
	return append(parts, ownText(" How sure: "+Certainty(s.Link)+"."))
}

// serverWord is what a server of a role is called.
func serverWord(role finding.ServerRole) string {
	switch role {
	case finding.ServerWeb:
		return "the web server "
	case finding.ServerUnknown:
		return "what behaves as a server, "
	}
	return "the server "
}

// productParts names, in brackets, what runs in a server.
func productParts(s *finding.Session) []Part {
	var list []Part
	if product := Product(s.Product, s.ServerRole); product != "" {
		list = append(list, clipped(product))
	}
	if s.Application != "" && s.Application != s.Product {
		if len(list) > 0 {
			list = append(list, ownText(", "))
		}
		list = append(list, ownText("application pool "), clipped(s.Application))
	}
	if len(list) == 0 {
		return nil
	}
	return append(append(sentenceOf(ownText(" (")), list...), ownText(")"))
}

// throughParts names the page that a session's processes were started through.
func throughParts(s *finding.Session) []Part {
	switch {
	case len(s.EntryPoints) == 0:
		return sentenceOf(ownText("No web log shows through which request."))
	case s.EntryPoints[0].Confidence == story.ConfidenceNone:
		return sentenceOf(ownText("The web logs do not show through which request."))
	}
	p := s.EntryPoints[0]
	parts := sentenceOf(ownText(fmt.Sprintf("The %s way in was ", p.Confidence)), clipped(strings.Join(p.Methods, "/")+" "+p.URI))
	parts = append(parts, named(", requested from ", p.Clients)...)
	return append(parts, ownText(fmt.Sprintf(": %d of %s began while that page ran.", p.Processes, plural.Count(p.OfProcesses, "process", "processes"))))
}

// ranParts names the first command, and the gravest if that is another.
func ranParts(s *finding.Session) []Part {
	if len(s.Findings) == 0 {
		return nil
	}
	first := s.FirstFinding()
	parts := sentenceOf(ownText(" The first command was "), commandPart(first))
	gravest := slices.MaxFunc(s.Findings, func(a, b *finding.Finding) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(byItself(a), byItself(b)))
	})
	if gravest.Level <= first.Level {
		return append(parts, ownText("."))
	}
	parts = append(parts, ownText("; the gravest, "), commandPart(gravest))
	if why := Because(gravest); why != "" {
		parts = append(parts, ownText(": "+text.Visible(why)))
	}
	return append(parts, ownText("."))
}

// byItself orders a finding before those whose level comes from one below.
func byItself(f *finding.Finding) int {
	if strings.HasPrefix(Because(f), finding.BelowIt) {
		return 0
	}
	return 1
}

// commandPart is the command line of a finding, decoded if it is encoded.
func commandPart(f *finding.Finding) Part {
	if f.DecodedCommand != "" {
		return clipped(f.DecodedCommand)
	}
	return clipped(Command(f.Image, f.CommandLine))
}

// deedParts describes what was written, reached and left behind, and what ran
// by that.
func deedParts(s *finding.Session) []Part {
	var wrote, reached []string
	for _, m := range momentsOf(s) {
		for _, e := range m.effects {
			if e.event.Category.WritesContent() {
				for _, path := range e.event.Written() {
					wrote = appendOnce(wrote, fileName(path))
				}
			}
			if e.event.Category == story.NetworkConnection {
				if far, ok := strings.CutPrefix(e.text, "connected to "); ok && e.event.Process != s.Worker {
					reached = appendOnce(reached, far)
				}
			}
		}
	}
	word, parts := " It ", []Part(nil)
	for _, g := range []struct {
		word string
		list []string
	}{
		{"wrote ", wrote},
		{"connected to ", reached},
		{"set up the service ", values(s.Indicators.Services)},
		{"set up the scheduled task ", values(s.Indicators.Tasks)},
		{"made or used the account ", values(s.Indicators.Accounts)},
	} {
		if len(g.list) > 0 {
			parts = append(parts, named(word+g.word, g.list)...)
			word = "; it "
		}
	}
	if len(parts) > 0 {
		parts = append(parts, ownText("."))
	}
	if len(s.Armed) > 0 {
		parts = append(parts, ownText(" "+plural.Count(len(s.Armed), "process", "processes")+" ran later by what it left behind."))
	}
	return parts
}

// fileName is the last part of a path as it is written.
func fileName(path string) string { return path[strings.LastIndexAny(path, `\/`)+1:] }

// appendOnce appends a text that is not empty and not there yet.
func appendOnce(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func values(list []story.Indicator) []string {
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].Value
	}
	return texts
}

// Certainty describes how sure it is, by the least sure link, that a session's
// processes belong to its server.
func Certainty(link proctree.Link) string {
	switch link {
	case proctree.LinkGUID:
		return "each process names its parent by a unique ID"
	case proctree.LinkName:
		return "parents are found by process ID, time and program name"
	case proctree.LinkStub:
		return "some parents are known only from what is said of them when they start others"
	case proctree.LinkAccount:
		return "the processes are the server's by the account of its application pool alone"
	case proctree.LinkTime:
		return "parents are found by process ID and time only, since these logs do not name them"
	}
	return link.String()
}
