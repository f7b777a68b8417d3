package html

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// sessionView is a session as the page shows it.
type sessionView struct {
	*finding.Session
	Number   int
	Card     bool   // it is shown with facts and tree
	Foremost bool   // it is the first of its kind in a stack
	Title    string // visible
	Tree     *treeNode
	Facts    []fact
	Shapes   []shapeRow
	// Entries, Story and Indicators are what the evidence says besides of
	// it.
	Entries    [][]phrase.Part
	Story      []phrase.StoryLine
	Indicators []phrase.Part
	StoryLeft  string // what the bounds left out of it
	// Unprinted is a sentence about what is not printed of the tree.
	Unprinted string
	// ShapesLeft counts the shapes beyond those listed.
	ShapesLeft int
}

// fact is something that is known, in one line or several; all texts are
// visible.
type fact struct {
	Name  string
	Lines []string
	Wide  bool // a command line
}

// Several reports whether it has more than one line.
func (f fact) Several() bool { return len(f.Lines) > 1 }

// shapeRow is a shape of findings as one line.
type shapeRow struct {
	Count       int
	Level       rules.Level
	First, Last event.Time
	CommandLine string
	Known       bool
}

// workerOf returns a finding with the fields of a session's worker.
func workerOf(s *finding.Session) *finding.Finding {
	if len(s.Findings) == 0 {
		return &finding.Finding{}
	}
	return s.Findings[0]
}

// sessionTitle names a session, visibly.
func sessionTitle(s *finding.Session) string {
	w := workerOf(s)
	title := fmt.Sprintf("%s: %s (PID %d)", s.Host, phrase.Worker(w), w.WorkerProcessID)
	if label := productText(s); label != "" {
		title += ", " + label
	}
	return shortText(title)
}

// productText is what is known of the server and its application.
func productText(s *finding.Session) string {
	product := phrase.Product(cmp.Or(s.Product, workerOf(s).Product), cmp.Or(s.ServerRole, workerOf(s).ServerRole))
	if s.Application == "" || s.Application == product {
		return product
	}
	return strings.TrimPrefix(product+", "+s.Application, ", ")
}

func newSessionView(number int, s *finding.Session) *sessionView {
	view := &sessionView{Session: s, Number: number, Title: sessionTitle(s), ShapesLeft: leftOf(s.Shapes)}
	w := workerOf(s)
	add := func(name string, lines ...string) {
		lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" })
		if len(lines) == 0 {
			return
		}
		for i, line := range lines {
			lines[i] = shortText(line)
		}
		view.Facts = append(view.Facts, fact{Name: name, Lines: lines})
	}
	if command := cmp.Or(w.WorkerCommandLine, w.WorkerImage); command != "" {
		view.Facts = append(view.Facts, fact{"Worker", []string{commandText(command)}, true})
	}
	add("Runs as", s.User)
	add("Started", cmp.Or(briefTime(w.WorkerStart), "before these logs"))
	if s.Worker.Exists() {
		add("Ended", briefTime(s.Worker.End()))
	}
	add("Findings", fmt.Sprintf("%d, from %s to %s", len(s.Findings), briefTime(s.First), briefTime(s.Last)))
	if s.Processes > 0 {
		add("Processes below", fmt.Sprint(s.Processes))
	}
	if s.Commands > 0 {
		add("Commands", fmt.Sprintf("%d distinct, %d of enumeration programs", s.Commands, s.Enumeration))
	}
	if s.Burst > 1 {
		add("Burst", fmt.Sprintf("%d distinct enumeration commands within 30 minutes from %s", s.Burst, briefTime(s.BurstStart)))
	}
	if len(s.Findings) > 0 {
		add("First command", s.FirstCommand())
	}
	add("Users", strings.Join(s.Users, ", "))
	add("Integrity levels", strings.Join(s.IntegrityLevels, ", "))
	add("Why this level", phrase.ReasonTexts(s.LevelReasons)...)
	add("How sure", phrase.Certainty(s.Link))
	view.Entries, view.Indicators, view.StoryLeft = phrase.EntryPoints(s), phrase.IndicatorParts(s), phrase.StoryLeft(s)
	if phrase.HasStory(s) {
		view.Story = phrase.Story(s)
	}
	for _, shape := range firstOf(s.Shapes) {
		if len(shape.Findings) == 0 {
			continue
		}
		f := shape.Findings[0]
		row := shapeRow{Count: len(shape.Findings), CommandLine: cmp.Or(f.CommandLine, f.Image), Known: shape.Known}
		for _, f := range shape.Findings {
			row.Level = max(row.Level, f.Level)
			row.First, row.Last = text.Earlier(row.First, f.Time), max(row.Last, f.Time)
		}
		view.Shapes = append(view.Shapes, row)
	}
	return view
}

// OpenTree reports whether the tree is shown unfolded at first.
func (v *sessionView) OpenTree() bool { return v.Number < 10 && !v.Known }

// UserText is the cell of the users in the table of sessions.
func (v *sessionView) UserText() string { return shortText(strings.Join(v.Users, ", ")) }

// ProductText is the cell of the product in the table of sessions.
func (v *sessionView) ProductText() string { return shortText(productText(v.Session)) }

// WorkerText is the cell of the worker in the table of sessions.
func (v *sessionView) WorkerText() string {
	w := workerOf(v.Session)
	return fmt.Sprintf("%s (%d)", shortText(phrase.Worker(w)), w.WorkerProcessID)
}
