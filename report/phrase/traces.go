package phrase

import (
	"fmt"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/scan"
)

// Traces is what stands above a list of traces.
const Traces = "Other evidence of web servers, where process creations are not logged"

// TracesOf returns the traces of a host.
func TracesOf(res *scan.Result, host string) []scan.Trace {
	var list []scan.Trace
	for _, t := range res.Traces {
		if t.Host == host {
			list = append(list, t)
		}
	}
	return list
}

// Trace describes what a trace is, how often and when it was, and the first
// event of it.
func Trace(t *scan.Trace) string {
	when := text.Time(t.First)
	if t.Count > 1 {
		when += " to " + text.Time(t.Last)
	}
	return fmt.Sprintf("%s: %s, %s, %s; the first: %s", text.Visible(t.Host), text.Visible(t.What), plural.Count(t.Count, "event"), when,
		text.Clip(text.Visible(t.Example.Summary), maxEventLine))
}

// WithTraces returns the reason why nothing that ran on a host can be seen,
// with what else its logs have.
func WithTraces(res *scan.Result, host, reason string) string {
	var parts []string
	for _, t := range TracesOf(res, host) {
		parts = append(parts, fmt.Sprintf("%s (%s)", t.What, plural.Count(t.Count, "event")))
	}
	if len(parts) == 0 {
		return reason
	}
	return reason + "; other evidence of web servers: " + strings.Join(parts, ", ")
}
