package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// Explained is a process with how rules apply to it.
type Explained struct {
	Process proctree.Process
	Rules   []*rules.Explanation
	// Correlated are the correlation rules that the process completed.
	Correlated []*finding.Correlation
}

// explainedProcess is an Explained as JSON has it.
type explainedProcess struct {
	Host            string             `json:"host"`
	Time            string             `json:"time"`
	ProcessID       uint32             `json:"process_id"`
	Image           string             `json:"image"`
	CommandLine     string             `json:"command_line"`
	User            string             `json:"user"`
	Parent          string             `json:"parent"`
	Worker          string             `json:"worker"`
	WorkerProcessID uint32             `json:"worker_process_id"`
	ServerRole      finding.ServerRole `json:"server_role"`
	Depth           int                `json:"depth"`
	Stub            bool               `json:"stub"`
	Level           string             `json:"level"`
	LevelReasons    []string           `json:"level_reasons"`
	Rules           []explainedRule    `json:"rules"`
	Correlated      []correlatedRow    `json:"correlated"`
}

type explainedRule struct {
	Rule    string          `json:"rule"`
	Level   string          `json:"level"`
	Role    string          `json:"role"`
	Matched bool            `json:"matched"`
	Parts   []explainedPart `json:"parts"`

	title string
}

type explainedPart struct {
	Rule       string               `json:"rule"`
	Filter     bool                 `json:"filter"`
	Conditions []explainedCondition `json:"conditions"`
	Searches   []explainedSearch    `json:"searches"`
}

type explainedCondition struct {
	Text    string `json:"text"`
	Matched bool   `json:"matched"`
}

type explainedSearch struct {
	Name    string            `json:"name"`
	Matched bool              `json:"matched"`
	Groups  [][]explainedItem `json:"groups"`
}

type explainedItem struct {
	Item    string           `json:"item"`
	Field   string           `json:"field"`
	Matched bool             `json:"matched"`
	Known   bool             `json:"known"`
	Wanted  []string         `json:"wanted"`
	Values  []explainedValue `json:"values"`
}

type explainedValue struct {
	Value string   `json:"value"`
	Fits  []string `json:"fits"`
}

// Explanations are processes of a result with how rules apply to them.
type Explanations struct {
	Result    *scan.Result
	Processes []Explained
	// All writes every rule: those that match search by search, of the
	// others the searches by name. Whole writes those in full too. Without
	// either the text is ten lines for each process. JSON always has
	// everything.
	All, Whole bool
}

func (x Explanations) explained() []explainedProcess {
	list := make([]explainedProcess, len(x.Processes))
	for i, e := range x.Processes {
		list[i] = explain(x.Result, e)
	}
	return list
}

func explainJSON(w io.Writer, x Explanations, _ Options) error {
	if list := explainedRecords(x.Result); len(list) > 0 {
		return writeIndented(w, list)
	}
	if list := explainedRequests(x.Result); len(list) > 0 {
		return writeIndented(w, list)
	}
	return writeIndented(w, x.explained())
}

// explainText writes rules that match search by search.
func explainText(w io.Writer, x Explanations, o Options) error {
	p := printer{w: w, width: o.Width}
	for i, e := range x.explained() {
		if i > 0 {
			p.line("")
		}
		if x.All || x.Whole {
			p.explained(&e, x.Whole)
		} else {
			p.briefly(&e)
		}
	}
	for i, r := range explainedRecords(x.Result) {
		if i > 0 {
			p.line("")
		}
		p.explainedRecord(&r)
	}
	for i, r := range explainedRequests(x.Result) {
		if i > 0 {
			p.line("")
		}
		p.explainedRequest(&r)
	}
	return p.err
}

func explain(res *scan.Result, e Explained) explainedProcess {
	texts, p := res.Forest.Texts(), e.Process
	out := explainedProcess{
		Host: p.Host().Name, Time: p.Start().String(), ProcessID: p.PID(), Image: texts.Text(p.Image()),
		CommandLine: texts.KnownText(p.CommandLine()), User: texts.KnownText(p.Field(event.User)), Stub: p.Stub(),
		Rules: []explainedRule{}, Correlated: correlatedRows(e.Correlated),
	}
	if parent, _ := p.Parent(); parent.Exists() {
		out.Parent = texts.Text(parent.Image())
	}
	worker, role, depth := res.WorkerOf(p)
	if worker.Exists() {
		out.Worker, out.WorkerProcessID, out.ServerRole, out.Depth = texts.Text(worker.Image()), worker.PID(), role, depth
	}
	level, reasons := res.Level(p)
	out.Level, out.LevelReasons = level.String(), phrase.Reasons(reasons)
	for _, x := range e.Rules {
		r := explainedRule{Rule: x.Rule.Label(), Level: x.Rule.Level.String(), Role: x.Rule.Role, Matched: x.Matched, title: phrase.RuleTitle(x.Rule)}
		for _, part := range x.Parts {
			r.Parts = append(r.Parts, explainPart(part))
		}
		out.Rules = append(out.Rules, r)
	}
	return out
}

func explainPart(part rules.ExplainedPart) explainedPart {
	out := explainedPart{Rule: part.Rule.Label(), Filter: part.Rule.Filter != nil}
	for _, c := range part.Conditions {
		out.Conditions = append(out.Conditions, explainedCondition{c.Text, c.Matched})
	}
	for _, s := range part.Searches {
		search := explainedSearch{Name: s.Name, Matched: s.Matched}
		for _, g := range s.Groups {
			var items []explainedItem
			for _, item := range g.Items {
				items = append(items, explainItem(item))
			}
			search.Groups = append(search.Groups, items)
		}
		out.Searches = append(out.Searches, search)
	}
	return out
}

func explainItem(item rules.ExplainedItem) explainedItem {
	out := explainedItem{
		Item: itemText(item.Item), Field: item.Field, Matched: item.Matched, Known: item.Known,
		Wanted: itemValues(item.Item), Values: []explainedValue{},
	}
	for i, s := range item.Values {
		value := explainedValue{Value: s, Fits: []string{}}
		if i < len(item.Hits) {
			for _, hit := range item.Hits[i] {
				value.Fits = append(value.Fits, out.Wanted[hit])
			}
		}
		out.Values = append(out.Values, value)
	}
	return out
}

// maxReasons is how many reasons of a level ten lines have room for.
const maxReasons = 3

// briefly writes one process in ten lines at most.
func (p *printer) briefly(e *explainedProcess) {
	p.explainedHead(e)
	p.line("  %s", clipLine(cmp.Or(e.CommandLine, e.Image, "(neither image nor command line)")))
	p.explainedPlace(e)
	reasons := e.LevelReasons
	if len(reasons) > maxReasons {
		reasons = some(reasons, maxReasons-1)
	}
	for _, reason := range reasons {
		p.line("    %s", clipLine(reason))
	}
	var found []string
	matched := 0
	for i := range e.Rules {
		r := &e.Rules[i]
		if r.Matched {
			matched++
		}
		if r.Matched && r.Role == "" {
			found = append(found, r.title)
		}
	}
	for _, c := range e.Correlated {
		found = append(found, "correlation "+c.Rule)
	}
	if len(found) == 0 {
		p.line("  no rule for findings matched")
	} else {
		p.line("  %s matched: %s", plural.Count(len(found), "rule for findings", "rules for findings"), clipLine(strings.Join(some(found, maxWanted), "; ")))
	}
	p.line("  of %s %d matched: --all shows each, --rule NAME one in full", plural.Count(len(e.Rules), "rule", "rules"), matched)
}

// explained writes one process with the rules.
func (p *printer) explained(e *explainedProcess, whole bool) {
	p.explainedHead(e)
	for _, s := range []string{e.Image, e.CommandLine} {
		if s != "" {
			p.line("  %s", text.Visible(s))
		}
	}
	p.explainedPlace(e)
	for _, reason := range e.LevelReasons {
		p.line("    %s", text.Visible(reason))
	}
	for _, c := range e.Correlated {
		p.line("MATCHED  correlation %s, with %s", text.Visible(c.Rule), c.count)
	}
	for _, matched := range []bool{true, false} {
		for i := range e.Rules {
			if r := &e.Rules[i]; r.Matched == matched {
				p.explainedRule(r, matched || whole)
			}
		}
	}
}

// explainedHead writes which process it is.
func (p *printer) explainedHead(e *explainedProcess) {
	head := fmt.Sprintf("%s: %s (%d)", e.Host, proctree.BaseName(e.Image), e.ProcessID)
	if e.Time != "" {
		head += ", started " + e.Time
	}
	if e.User != "" {
		head += ", as " + e.User
	}
	p.line("%s", text.Visible(head))
}

// explainedPlace writes where a process is, and how grave.
func (p *printer) explainedPlace(e *explainedProcess) {
	if e.Parent != "" {
		p.line("  parent: %s", text.Visible(e.Parent))
	}
	if e.ServerRole != finding.ServerNone {
		worker := text.Visible(cmp.Or(e.Worker, "(unknown)"))
		if e.WorkerProcessID != 0 {
			worker += fmt.Sprintf(" (%d)", e.WorkerProcessID)
		}
		p.line("  %s: %s, %s above", e.ServerRole.Noun(), worker, plural.Count(e.Depth, "link"))
	} else {
		p.line("  server: none above")
	}
	if e.Stub {
		p.line("  its start is not in the logs, so it gives no findings")
	}
	if e.Level != "" {
		p.line("  level: %s", e.Level)
	}
}

func (p *printer) explainedRule(r *explainedRule, whole bool) {
	word := "no match"
	if r.Matched {
		word = "MATCHED "
	}
	line := fmt.Sprintf("%s  %-6s  %s", word, r.Level, text.Visible(r.Rule))
	if r.Role != "" {
		line += " (" + text.Visible(r.Role) + ")"
	}
	if !whole {
		p.line("%s: %s", line, text.Visible(failed(r)))
		return
	}
	p.line("%s", line)
	for _, part := range r.Parts {
		if part.Filter {
			p.line("  filter %s", text.Visible(part.Rule))
		}
		for _, c := range part.Conditions {
			p.line("  %s condition: %s", yesNo(c.Matched), text.Visible(c.Text))
		}
		for _, s := range part.Searches {
			p.line("  %s %s", yesNo(s.Matched), text.Visible(s.Name))
			for i, g := range s.Groups {
				if i > 0 {
					p.line("        or")
				}
				for _, item := range g {
					p.explainedItem(&item)
				}
			}
		}
	}
}

// failed names the searches of a rule with what they say.
func failed(r *explainedRule) string {
	var list []string
	for _, part := range r.Parts {
		for _, s := range part.Searches {
			line := s.Name + " " + strings.TrimSpace(yesNo(s.Matched))
			if part.Filter {
				line = "filter " + part.Rule + " " + line
			}
			list = append(list, line)
		}
	}
	return strings.Join(list, ", ")
}

func yesNo(matched bool) string {
	if matched {
		return "yes"
	}
	return "no "
}

// Bounds of one item as text.
const (
	maxWanted = 6
	maxValues = 10
	maxText   = 400 // characters of a text
)

func (p *printer) explainedItem(item *explainedItem) {
	p.line("      %s %s: %s", yesNo(item.Matched), text.Visible(item.Item), clipLine(strings.Join(some(item.Wanted, maxWanted), ", ")))
	if item.Known {
		p.line("          the same in all events of this log source")
	}
	if len(item.Values) == 0 && item.Item != "keywords" {
		p.line("          %s is absent", text.Visible(item.Field))
	}
	for i, v := range item.Values {
		if i == maxValues {
			p.line("          and %d more values", len(item.Values)-maxValues)
			break
		}
		s := clipLine(v.Value)
		if len(v.Fits) > 0 {
			s += "  fits " + clipLine(strings.Join(some(v.Fits, maxWanted), ", "))
		}
		p.line("          = %s", s)
	}
}

// some returns the first texts of a list and how many more there are.
func some(list []string, most int) []string {
	if len(list) <= most {
		return list
	}
	return append(list[:most:most], fmt.Sprintf("and %d more", len(list)-most))
}

// clipLine returns a text fit for a terminal, cut visibly if it is long.
func clipLine(s string) string {
	return text.Wrap(text.Visible(s), maxText, 1)[0]
}
