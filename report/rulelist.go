package report

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
)

// ruleRow is a rule as lists have it.
type ruleRow struct {
	Name      string   `json:"name"`
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Level     string   `json:"level"`
	Status    string   `json:"status"`
	Use       string   `json:"use"`
	LogSource string   `json:"logsource"`
	Tags      []string `json:"tags"`
	File      string   `json:"file"`
	Line      int      `json:"line"`
}

// ruleRows returns rules as lists have them.
func ruleRows(sets *scan.RuleSets) []ruleRow {
	uses := sets.Uses()
	rows := make([]ruleRow, len(sets.Loaded))
	for i, r := range sets.Loaded {
		rows[i] = newRuleRow(r, string(uses[r]))
	}
	return rows
}

func newRuleRow(r *rules.Rule, use string) ruleRow {
	return ruleRow{
		r.Name, r.ID, r.Title, r.Level.String(), r.Status, use, r.LogSource.String(),
		append([]string{}, r.Tags...), r.File, r.Line,
	}
}

func ruleListCSV(w io.Writer, sets *scan.RuleSets, o Options) error {
	lines := [][]string{{"name", "id", "title", "level", "status", "use", "logsource", "tags", "file", "line"}}
	for _, r := range ruleRows(sets) {
		lines = append(lines, []string{
			r.Name, r.ID, r.Title, r.Level, r.Status, r.Use, r.LogSource, strings.Join(r.Tags, ";"), r.File, strconv.Itoa(r.Line),
		})
	}
	return writeLines(w, lines, o)
}

func ruleListJSON(w io.Writer, sets *scan.RuleSets, _ Options) error {
	return writeIndented(w, ruleRows(sets))
}

// maxRuleLines bounds the lines of one text of a rule.
const maxRuleLines = 20

// ruleListTable writes a table with the texts of a rule below each other.
func ruleListTable(w io.Writer, sets *scan.RuleSets, o Options) error {
	rows := ruleRows(sets)
	columns := []text.Column{{Name: "level", Width: len("informational")}, {Name: "use", Width: len(scan.UseWebApplication)}, {Name: "rule"}}
	columns[2].Width = tableWidth(o) - columns[0].Width - columns[1].Width - 2*len(columns)
	cells := make([][]string, len(rows))
	for i, r := range rows {
		var lines []string
		for _, s := range []string{r.Name, r.Title, r.ID, r.LogSource, strings.Join(r.Tags, " ")} {
			if s != "" {
				lines = append(lines, text.Wrap(text.Visible(s), columns[2].Width, maxRuleLines)...)
			}
		}
		cells[i] = []string{r.Level, r.Use, strings.Join(lines, "\n")}
	}
	return text.Table(w, cells, columns)
}

// Problem is an error, a warning or a note about a rule file.
type Problem struct {
	*rules.ParseError
	Kind ProblemKind
}

// ProblemKind is what a Problem costs.
type ProblemKind string

// The kinds.
const (
	ProblemError   ProblemKind = "error"   // the rule, or what the file holds
	ProblemWarning ProblemKind = "warning" // nothing: the rule was loaded all the same
	ProblemNote    ProblemKind = "note"    // the rule is right, but it is not applied
)

// RuleProblems returns what is wrong with rules that the user gave, and which
// of them do not apply because of their log source, by file and position.
func RuleProblems(sets *scan.RuleSets) []Problem {
	var list []Problem
	for _, err := range sets.Errors {
		list = append(list, Problem{err, ProblemError})
	}
	for _, unknown := range sets.UnknownFields() {
		list = append(list, Problem{unknown, ProblemWarning})
	}
	reasons := sets.NotApplicable()
	for _, r := range sets.Loaded {
		for _, warning := range r.Warnings {
			list = append(list, Problem{warning, ProblemWarning})
		}
		if reason := reasons[r]; reason != "" {
			list = append(list, Problem{&rules.ParseError{File: r.File, Line: r.Line, Reason: reason}, ProblemNote})
		}
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return list
}

// ruleCheckCSV writes a line for each problem.
func ruleCheckCSV(w io.Writer, problems []Problem, o Options) error {
	lines := [][]string{{"file", "line", "column", "kind", "reason"}}
	for _, p := range problems {
		lines = append(lines, []string{p.File, strconv.Itoa(p.Line), strconv.Itoa(p.Column), string(p.Kind), p.Reason})
	}
	return writeLines(w, lines, o)
}

// ruleCheckJSON writes an object for each problem.
func ruleCheckJSON(w io.Writer, problems []Problem, _ Options) error {
	type object struct {
		File   string `json:"file"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
		Kind   string `json:"kind"`
		Reason string `json:"reason"`
	}
	objects := make([]object, len(problems))
	for i, p := range problems {
		objects[i] = object{p.File, p.Line, p.Column, string(p.Kind), p.Reason}
	}
	return writeIndented(w, objects)
}

// ruleCheckTable writes each problem in one line, as compilers do:
// "file:line:column: reason". What is wider than the report is broken.
func ruleCheckTable(w io.Writer, problems []Problem, o Options) error {
	p := printer{w: w, width: o.Width}
	for _, problem := range problems {
		s := problem.Error()
		if problem.Kind != ProblemError {
			at := strings.TrimSuffix(s, problem.Reason)
			s = at + string(problem.Kind) + ": " + problem.Reason
		}
		p.line("%s", text.Visible(s))
	}
	return p.err
}

// CheckSummary writes how many rules were checked, for people.
func CheckSummary(w io.Writer, sets *scan.RuleSets, problems []Problem) error {
	counts := make(map[ProblemKind]int)
	for _, p := range problems {
		counts[p.Kind]++
	}
	s := sets.Summary()
	p := printer{w: w}
	p.line("%s in %s: %d about other logs, %d FAILED with %s, %s", plural.Count(len(sets.Loaded)-sets.Builtin, "rule"),
		plural.Count(len(sets.Files), "file"), s.NotApplicable, s.Failed, plural.Count(counts[ProblemError], "error"), plural.Count(counts[ProblemWarning], "warning"))
	return p.err
}

// writeLines writes a CSV by the rules of the reports.
func writeLines(w io.Writer, lines [][]string, o Options) error {
	c := newCSVWriter(w, o)
	for n, cells := range lines {
		for i := range cells {
			if n > 0 {
				cells[i] = c.time(lines[0][i], cells[i])
			}
			cells[i] = c.cell(cells[i])
		}
		if err := c.write(cells); err != nil {
			return err
		}
	}
	return nil
}

// writeIndented writes a value as JSON, for people and programs.
func writeIndented(w io.Writer, value any) error {
	enc := newEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
