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

// Sentence describes a session: where and when it was, through which request,
// what was run, written, reached and left behind, as whom, and how sure that
// is.
func Sentence(s *finding.Session) []Part {
	parts := sentenceOf(clipped(s.Host), said(" ("))
	if len(s.Findings) > 0 {
		parts = append(parts, clipped(Worker(s.Findings[0])))
	}
	if product := Product(s.Product, s.ServerRole); product != "" {
		parts = append(parts, said(", "), clipped(product))
	}
	if s.Application != "" && s.Application != s.Product {
		parts = append(parts, said(", pool "), clipped(s.Application))
	}
	parts = append(parts, said("): "+text.TimeSpan(s.First, s.Last)+" UTC"))
	parts = append(parts, throughParts(s)...)
	parts = append(parts, ranParts(s)...)
	parts = append(parts, deedParts(s)...)
	return append(parts, said(". "+certainty(s)))
}

// throughParts names the page that a session's processes were started through.
func throughParts(s *finding.Session) []Part {
	switch {
	case len(s.EntryPoints) == 0:
		return sentenceOf(said(", no web log tells through which request: "))
	case s.EntryPoints[0].Confidence == story.ConfidenceNone:
		return sentenceOf(said(", no page of the web logs stands out: "))
	}
	p := s.EntryPoints[0]
	parts := sentenceOf(said(", through "), clipped(strings.Join(p.Methods, "/")+" "+p.URI))
	parts = append(parts, named(" from ", p.Clients)...)
	return append(parts, said(fmt.Sprintf(" (%s, %d of %s): ", p.Confidence, p.Processes, plural.Count(p.OfProcesses, "process", "processes"))))
}

// ranParts describes what was run, and as whom.
func ranParts(s *finding.Session) []Part {
	parts := sentenceOf(said(plural.Count(max(s.Commands, 1), "distinct command")))
	parts = append(parts, named(" as ", s.Users)...)
	if len(s.Findings) == 0 {
		return parts
	}
	f := s.FirstFinding()
	if f.DecodedCommand != "" {
		return append(parts, said(", the first decoded: "), clipped(f.DecodedCommand))
	}
	return append(parts, said(", the first "), clipped(Command(f.Image, f.CommandLine)))
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
	parts := named("; wrote ", wrote)
	parts = append(parts, named("; reached ", reached)...)
	for _, g := range []struct {
		word string
		list []story.Indicator
	}{{"; service ", s.Indicators.Services}, {"; task ", s.Indicators.Tasks}, {"; account ", s.Indicators.Accounts}} {
		parts = append(parts, named(g.word, values(g.list))...)
	}
	if len(s.Armed) > 0 {
		parts = append(parts, said("; "+plural.Count(len(s.Armed), "process", "processes")+" ran by what it left behind"))
	}
	return parts
}

// fileName is the last part of a path as it is written.
func fileName(path string) string { return path[strings.LastIndexAny(path, `\/`)+1:] }

// appendOnce appends a text that says something and is not there yet.
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

// certainty describes how sure the links of a session's processes to their
// server are.
func certainty(s *finding.Session) string {
	return "Links to the server: " + cmp.Or(LinkText(s.Link), s.Link.String()) + "."
}

// LinkText describes how sure the least sure link to a parent is.
func LinkText(link proctree.Link) string {
	switch link {
	case proctree.LinkGUID:
		return "by process GUID"
	case proctree.LinkName:
		return "by process ID, time and name"
	case proctree.LinkStub:
		return "some are known only from what their children's records say"
	case proctree.LinkAccount:
		return "by the application pool that it ran as: these logs do not name the worker"
	case proctree.LinkTime:
		return "by process ID and time only: these logs do not name them"
	}
	return ""
}
