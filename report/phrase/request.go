package phrase

import (
	"fmt"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// Request describes a web request in one line.
func Request(r *finding.Request) string {
	s := r.Method + " " + r.URI + r.Parameters
	if r.Query != "" {
		s += "?" + r.Query
	}
	if r.From != "" {
		s += " from " + r.From
	}
	if r.From != r.Client {
		s += " by the proxy " + r.Client
	}
	if r.Status != 0 {
		s += fmt.Sprintf(": %d", r.Status)
	}
	return s
}

// requestShort names the page of a request and its client.
func requestShort(r *finding.Request) string {
	s := text.Clip(r.Method+" "+r.URI, maxStoryText)
	if r.From != "" {
		s += " from " + text.Clip(r.From, maxStoryText)
	}
	return s
}

// maxEntryPoints bounds the entry points that reports for people name.
const maxEntryPoints = 3

// EntryPoints returns through which pages a session's processes may have been
// started, a sentence each: how many of the processes began while the page ran,
// how many would by chance, who asked for it. It returns nothing for a session
// whose time no web log covers.
func EntryPoints(s *finding.Session) [][]Part {
	var list [][]Part
	for _, p := range s.EntryPoints[:min(len(s.EntryPoints), maxEntryPoints)] {
		if p.Confidence != story.ConfidenceNone {
			list = append(list, entryPoint(p))
		}
	}
	if len(list) == 0 && len(s.EntryPoints) > 0 {
		return [][]Part{{ownText("none stands out: " + plural.Count(len(s.EntryPoints), "page") + " ran while processes began, no more often than by chance")}}
	}
	return list
}

func entryPoint(p *finding.EntryPoint) []Part {
	parts := sentenceOf(clipped(strings.Join(p.Methods, "/")+" "+p.URI), ownText(fmt.Sprintf(
		" (%s): %d of %s began while it ran (%.2g would by chance), %d of its %s ran then", p.Confidence, p.Processes,
		plural.Count(p.OfProcesses, "process", "processes"), p.ByChance, p.Coinciding, plural.Count(p.Requests, "request"))))
	parts = append(parts, named("; from ", p.Clients)...)
	parts = append(parts, named(" by the proxy ", p.Proxies)...)
	parts = append(parts, named(", who claims to be ", p.Claimed)...)
	return append(parts, named("; user agent ", p.UserAgents)...)
}

// named lists the first texts of a list behind a word.
func named(word string, list []string) []Part {
	var parts []Part
	for i, s := range list[:min(len(list), maxStoryNamed)] {
		if i > 0 {
			word = ", "
		}
		parts = append(parts, ownText(word), clipped(s))
	}
	if more := len(list) - maxStoryNamed; more > 0 {
		parts = append(parts, ownText(fmt.Sprintf(" and %d more", more)))
	}
	return parts
}
