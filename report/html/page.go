// Package html writes what a scan found as a page: one file that needs nothing
// else. Sessions, trees and the first findings are plain HTML, to be read and
// printed without JavaScript. What the script shows besides, all findings and
// the details of every process, lies in data blocks, which a browser neither
// runs nor draws.
//
// Log text passes text.Visible before it goes anywhere, then html/template or
// encoding/json, which escape it for their contexts; the script makes text
// nodes of it only. A Content-Security-Policy that names style and script by
// hash, and allows nothing else, stands behind that.
package html

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/integrity"
	"webshellscan/scan/proctree"
)

//go:embed style.css
var styleSheet string

// earlyScript runs before the page is drawn, so that a browser need not lay out
// rows that script replaces.
//
//go:embed early.js
var earlyScript string

// scripts are parts of one script, in the order in which they stand in it.
//
//go:embed script
var scripts embed.FS

// script is the page's script: a function, so that it leaves no names behind.
var script = joinScripts("base", "marks", "findings", "tables", "detail", "graph", "timeline", "print", "start")

func joinScripts(names ...string) string {
	var b strings.Builder
	b.WriteString("'use strict';\n(() => {\n")
	for _, name := range names {
		part, err := scripts.ReadFile("script/" + name + ".js")
		if err != nil {
			panic(err) // it is part of the program
		}
		b.Write(part)
	}
	b.WriteString("})();\n")
	return b.String()
}

//go:embed page.gohtml
var pageSource string

// Bounds of an HTML report. What they leave out is counted in it, and is in CSV
// and JSON Lines.
const (
	// MaxRawEvents is how many raw events the page has room for.
	MaxRawEvents = 2000

	maxFindings = 250_000  // with their details
	maxData     = 96 << 20 // bytes of those details
	maxRows     = 1000     // findings as plain HTML
	maxCards    = 200      // with their trees
	maxListed   = 500      // sessions, hosts, files and the like in a table
	maxRules    = 300      // rules with their text
)

// pageTemplate is the parsed page.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"v": shortText, "command": commandText, "whole": text.Visible,
		"base":  func(image string) string { return shortText(cmp.Or(proctree.BaseName(image), "(unknown)")) },
		"short": rowTime, "brief": briefTime, "size": text.Bytes, "count": plural.Count,
		"percent": text.Percent, "lines": func(s string) []string { return strings.Split(s, "\n") }, "first": firstOf[string], "left": leftOf[string],
		"record": func(e finding.Evidence) string { return phrase.Record(&e) }, "meetings": phrase.Meetings, "rows": newTableRows, "ruleTitle": phrase.RuleTitle, "recovered": func() string { return phrase.Recovered },
		"secondDecoder": phrase.SecondDecoder, "account": breakable,
	}).Parse(pageSource))
})

// tableRows are rows of a table with its caption.
type tableRows struct {
	Caption string
	Rows    any
}

func newTableRows(caption string, rows any) tableRows { return tableRows{caption, rows} }

// Bounds of texts, in characters. Browsers take seconds to break very long
// words in a proportional font; records and raw events have the whole text.
const (
	maxShortText   = 300
	maxCommandText = 2000
)

// shortText makes a text visible, commandText a command line; what is too long
// is cut, visibly.
func shortText(s string) string   { return text.Clip(text.Visible(s), maxShortText) }
func commandText(s string) string { return text.Clip(text.Visible(s), maxCommandText) }

// breakable is a visible text that may be wrapped behind a backslash, such as
// the one in the name of an account.
func breakable(visible string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(visible), `\`, `\<wbr>`))
}

// rowTime is a time as tables show it: to the millisecond, "" if not known.
func rowTime(t event.Time) string {
	if t == 0 {
		return ""
	}
	return t.Time().Format("2006-01-02 15:04:05.000")
}

// briefTime is a time to the second, "" if not known.
func briefTime(t event.Time) string {
	if t == 0 {
		return ""
	}
	return text.Time(t)
}

// firstOf returns as much of a list as a table lists, leftOf how many that
// leaves out.
func firstOf[T any](list []T) []T { return list[:min(len(list), maxListed)] }
func leftOf[T any](list []T) int  { return max(0, len(list)-maxListed) }

// reportPage is what the page shows.
type reportPage struct {
	Res   *scan.Result
	Cover Cover
	Total int // findings
	// Rows are the findings as plain HTML, Kept how many there are with
	// details.
	Rows     []findingRow
	Kept     int
	Levels   []levelCount
	Hosts    []hostRow // those with findings, the gravest first
	First    event.Time
	Last     event.Time
	Timeline *timeline
	Sessions []*sessionView
	// Cards is how many of Sessions are shown with facts and trees.
	Cards int
	// Stack is nil if the sessions are few enough to be read one by one.
	Stack      *stackView
	Told       []*finding.Session // of which the overview describes what happened
	Rules      []ruleView
	Faults     []faultRow
	Unreadable []string
	Skipped    []string
	Crashes    []string

	numbers map[string]int // of sessions, by key
}

// levelCount is how many sessions are of a level, how many findings these have,
// and how many findings of the level belong to no session.
type levelCount struct {
	Level                     rules.Level
	Sessions, Findings, Alone int
}

// hostRow is a host with findings.
type hostRow struct {
	Name               string
	Findings, Sessions int
	Level              rules.Level
	First, Last        event.Time
}

// findingRow is a finding as a row.
type findingRow struct {
	*finding.Finding
	Number   int // of its record
	RuleRefs []ruleRef
}

// ruleRef names a rule and the index of its text on the page.
type ruleRef struct {
	Label string
	Index int
}

// Cover is what a report states of itself: empty texts are left out.
type Cover struct{ Title, Case, Author string }

// Options are what a page has besides the result.
type Options struct {
	Cover
	Marks Marks
}

// Title is the title of the page.
func (h *reportPage) Title() string { return cmp.Or(h.Cover.Title, "webshellscan report") }

// Write writes the page of a result. An error of w ends it.
func Write(w io.Writer, res *scan.Result, o Options) error {
	data := newPageData(res)
	data.marks = o.Marks.entries(data.findings)
	page := newReportPage(res, data)
	page.Cover = o.Cover
	out := bufio.NewWriterSize(w, 1<<16)
	writeHead(out, page.Title(), earlyScript)
	if err := pageTemplate().Execute(out, page); err != nil {
		return err
	}
	if err := data.write(out); err != nil {
		return err
	}
	_, _ = out.WriteString("<script>" + script + "</script>\n</body>\n</html>\n")
	return out.Flush()
}

// WriteVerify writes a page about the logs themselves: their
// integrity, what they could have shown, and the inputs. An error of w ends it.
func WriteVerify(w io.Writer, res *scan.Result) error {
	page := &reportPage{Res: res}
	page.addLogs()
	out := bufio.NewWriterSize(w, 1<<16)
	writeHead(out, "webshellscan verify", "")
	if err := pageTemplate().ExecuteTemplate(out, "verify", page); err != nil {
		return err
	}
	_, _ = out.WriteString("</body>\n</html>\n")
	return out.Flush()
}

// writeHead writes the head, in which there is nothing from a log: the policy
// with the hashes of style and script, the style, and a script if there is one
// to run early.
func writeHead(out *bufio.Writer, title, early string) {
	if early != "" {
		early = "<script>" + early + "</script>"
	}
	policy := "default-src 'none'; style-src '" + sourceHash(styleSheet) + "'; script-src '" + sourceHash(earlyScript) + "' '" + sourceHash(script) +
		"'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
	_, _ = out.WriteString(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="` + policy + `">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>` + template.HTMLEscapeString(shortText(title)) + `</title>
<style>` + styleSheet + "</style>\n" + early + "\n</head>\n")
}

// sourceHash returns what a Content-Security-Policy calls an inline block by.
func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func newReportPage(res *scan.Result, data *pageData) *reportPage {
	h := &reportPage{Res: res, Total: len(res.Findings), Kept: len(data.findings)}
	h.countLevels()
	h.countHosts()
	h.Rules = ruleViews(data.rules, res.Findings)
	for i, f := range data.findings[:min(len(data.findings), maxRows)] {
		h.Rows = append(h.Rows, findingRow{Finding: f, Number: i, RuleRefs: data.ruleRefs(f)})
	}
	h.Timeline = newTimeline(res.Findings, h.Hosts)
	h.addSessions(data)
	h.addLogs()
	return h
}

// addLogs fills what the page shows of the logs themselves.
func (h *reportPage) addLogs() {
	s := &h.Res.Summary
	h.Faults = faultRows(s.Damage)
	h.Unreadable, h.Skipped, h.Crashes = problemTexts(s.Unreadable), problemTexts(s.Skipped), problemTexts(s.Crashes)
}

// LogsHeadline returns one sentence about log integrity.
func (h *reportPage) LogsHeadline() string {
	counts := make(map[integrity.Level]int)
	for _, f := range h.Res.Integrity {
		counts[f.Level]++
	}
	return fmt.Sprintf("%s, %s, %s in the logs of %s.", plural.Count(counts[integrity.Alarm], "alarm"), plural.Count(counts[integrity.Warning], "warning"),
		plural.Count(counts[integrity.Notice], "notice"), plural.Count(len(h.Res.Coverage), "host"))
}

// addSessions fills what the page shows of sessions. Cards are of the first
// session of each kind if there is a stack, and of the gravest.
func (h *reportPage) addSessions(data *pageData) {
	stack := phrase.Stack(h.Res)
	cards, most := make(map[*finding.Session]bool), maxCards
	if stack != nil {
		most = maxKindCards // most of the others are of the same kinds
	}
	for _, s := range phrase.FirstSessions(h.Res, stack, maxKindCards) {
		cards[s] = true
	}
	first := maps.Clone(cards)
	trees := &treeBuilder{data: data, left: maxTreeAll}
	for i, s := range h.Res.Sessions {
		if len(cards) < most {
			cards[s] = true
		}
		if i >= maxListed && !cards[s] {
			continue
		}
		view := newSessionView(i, s)
		view.Foremost = stack != nil && first[s]
		if view.Card = cards[s]; view.Card {
			trees.session(view)
			h.Cards++
		}
		h.Sessions = append(h.Sessions, view)
	}
	h.Told = phrase.FirstSessions(h.Res, stack, maxIncidents)
	if stack != nil {
		h.Stack = newStackView(stack, func(s *finding.Session) string {
			if !cards[s] {
				return ""
			}
			return fmt.Sprintf("#s%d", data.session[s.Key])
		})
	}
	h.numbers = data.session
}

// countLevels fills Levels, the gravest first.
func (h *reportPage) countLevels() {
	var counts [rules.LevelCritical + 1]levelCount
	for _, s := range h.Res.Sessions {
		counts[s.Level].Sessions++
		counts[s.Level].Findings += len(s.Findings)
	}
	for _, f := range h.Res.Findings {
		if f.Session == "" {
			counts[f.Level].Alone++
		}
	}
	for level := range slices.Backward(counts[:]) {
		c := counts[level]
		c.Level = rules.Level(level)
		if c.Sessions+c.Alone > 0 {
			h.Levels = append(h.Levels, c)
		}
	}
}

// countHosts fills Hosts, First and Last.
func (h *reportPage) countHosts() {
	index := make(map[string]int)
	for _, f := range h.Res.Findings {
		i, ok := index[f.Host]
		if !ok {
			i = len(h.Hosts)
			index[f.Host] = i
			h.Hosts = append(h.Hosts, hostRow{Name: f.Host, First: f.Time, Last: f.Time})
		}
		row := &h.Hosts[i]
		row.Findings++
		row.Level = max(row.Level, f.Level)
		row.First, row.Last = text.Earlier(row.First, f.Time), max(row.Last, f.Time)
		h.First, h.Last = text.Earlier(h.First, f.Time), max(h.Last, f.Time)
	}
	for _, s := range h.Res.Sessions {
		if i, ok := index[s.Host]; ok {
			h.Hosts[i].Sessions++
			h.Hosts[i].Level = max(h.Hosts[i].Level, s.Level)
		}
	}
	slices.SortStableFunc(h.Hosts, func(a, b hostRow) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.First, b.First), strings.Compare(a.Name, b.Name))
	})
}

// Headline returns one sentence about what was found.
func (h *reportPage) Headline() string {
	if h.Total == 0 {
		return strings.TrimSpace(phrase.Nothing(h.Res) + " " + phrase.Blind(&h.Res.Summary))
	}
	s := plural.Count(h.Total, "finding") + " on " + plural.Count(len(h.Hosts), "host")
	if n := len(h.Res.Sessions); n > 0 {
		s += ", in " + plural.Count(n, phrase.SessionKind(h.Res.Sessions))
	}
	return s + "."
}

// Incomplete reports whether findings may be missing.
func (h *reportPage) Incomplete() bool {
	return h.Res.Summary.Incomplete() || h.Res.Summary.Interrupted != nil
}

// maxIncidents bounds the sessions of which the overview describes what
// happened.
const maxIncidents = 5

// incident is a session as the overview describes it.
type incident struct {
	*finding.Session
	Number   int
	Sentence []phrase.Part
}

// Incidents are the sessions that the overview describes.
func (h *reportPage) Incidents() []incident {
	var list []incident
	for _, s := range h.Told {
		if !s.Known {
			list = append(list, incident{s, h.numbers[s.Key], phrase.Sentence(s)})
		}
	}
	return list
}

// IncidentsLeft counts the other sessions that no baseline has.
func (h *reportPage) IncidentsLeft() int {
	n := -len(h.Incidents())
	for _, s := range h.Res.Sessions {
		if !s.Known {
			n++
		}
	}
	return n
}

// EventsAlone are the gravest of the events that match rules and belong to no
// session.
func (h *reportPage) EventsAlone() []*finding.Event {
	list := phrase.EventsAlone(h.Res)
	return list[:min(len(list), phrase.MaxEventLines)]
}

// EventsAloneLeft counts the others.
func (h *reportPage) EventsAloneLeft() int {
	return len(phrase.EventsAlone(h.Res)) - len(h.EventsAlone())
}

// HostsListed are the hosts that the overview lists.
func (h *reportPage) HostsListed() []hostRow { return firstOf(h.Hosts) }

// HostsLeft counts the hosts that the overview leaves out.
func (h *reportPage) HostsLeft() int { return leftOf(h.Hosts) }

// SessionsLeft counts the sessions that their table leaves out.
func (h *reportPage) SessionsLeft() int { return len(h.Res.Sessions) - len(h.Sessions) }

// CardsLeft counts the sessions that have no tree.
func (h *reportPage) CardsLeft() int { return len(h.Res.Sessions) - h.Cards }

// RowsLeft counts the findings that have no row without a script.
func (h *reportPage) RowsLeft() int { return h.Total - len(h.Rows) }

// FindingsLeft counts the findings that are not in the page's data.
func (h *reportPage) FindingsLeft() int { return h.Total - h.Kept }

// RuleLabels are the matched rules that a filter may ask for.
func (h *reportPage) RuleLabels() []ruleRef {
	var refs []ruleRef
	for i, r := range h.Rules {
		refs = append(refs, ruleRef{phrase.RuleTitle(r.Rule), i})
	}
	return refs
}
