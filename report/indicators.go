package report

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/story"
)

// indicatorKind is what an indicator names.
type indicatorKind uint8

const (
	indicatorFile indicatorKind = iota
	indicatorHash
	indicatorAddress
	indicatorDomain
	indicatorURL
	indicatorAccount
	indicatorService
	indicatorTask
)

// String returns the kind as reports have it.
func (k indicatorKind) String() string {
	return [...]string{"file", "hash", "address", "domain", "url", "account", "service", "task"}[k]
}

// indicator is one of all sessions.
type indicator struct {
	kind            indicatorKind
	value           string
	first, last     event.Time
	hash            string
	sources         []string
	hosts, sessions []string
}

// indicatorColumns are the columns of indicators.
var indicatorColumns = []csvColumn[*indicator]{
	{"type", func(i **indicator) string { return (*i).kind.String() }},
	{"value", func(i **indicator) string { return (*i).value }},
	{"first", func(i **indicator) string { return (*i).first.String() }},
	{"last", func(i **indicator) string { return (*i).last.String() }},
	{"hash", func(i **indicator) string { return (*i).hash }},
	{"sources", func(i **indicator) string { return joined((*i).sources) }},
	{"host", func(i **indicator) string { return joined((*i).hosts) }},
	{"sessions", func(i **indicator) string { return joined((*i).sessions) }},
	{"blind", func(_ **indicator) string { return "" }},
}

// writeIndicators writes the indicators of all sessions: as STIX if the file's
// name asks for it, else as CSV.
func writeIndicators(w io.Writer, res *scan.Result, o Options) error {
	list := mergedIndicators(res.Sessions)
	if strings.HasSuffix(strings.ToLower(o.Path), stixEnding) {
		return writeSTIX(w, list)
	}
	c := newCSVWriter(w, o)
	if err := writeColumns(c, list, indicatorColumns, func(i *indicator) *indicator { return i }); err != nil {
		return err
	}
	if err := writeBlind(c, indicatorColumns, blindLines(res)); err != nil {
		return err
	}
	return c.interrupted(&res.Summary, len(indicatorColumns))
}

// mergedIndicators returns the indicators of sessions, each once, by kind and
// value. Values are compared without case, as Windows does; of URLs case
// counts.
func mergedIndicators(sessions []*finding.Session) []*indicator {
	type key struct {
		kind  indicatorKind
		value string
	}
	known := make(map[key]*indicator)
	var list []*indicator
	for _, s := range sessions {
		for kind, of := range indicatorsOf(&s.Indicators) {
			for n := range of {
				k := key{indicatorKind(kind), of[n].Value}
				if k.kind != indicatorURL {
					k.value = strings.ToLower(k.value)
				}
				if known[k] == nil {
					known[k] = &indicator{kind: k.kind, value: of[n].Value}
					list = append(list, known[k])
				}
				known[k].add(s, &of[n])
			}
		}
	}
	slices.SortFunc(list, func(a, b *indicator) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.value, b.value)) })
	return list
}

// indicatorsOf returns the lists of a session by kind.
func indicatorsOf(in *story.Indicators) [8][]story.Indicator {
	return [8][]story.Indicator{in.Files, in.Hashes, in.Addresses, in.Domains, in.URLs, in.Accounts, in.Services, in.Tasks}
}

// add adds what a session has of the indicator. One without a time of its own
// is of the session's.
func (i *indicator) add(s *finding.Session, from *story.Indicator) {
	first, last := cmp.Or(from.First, s.First), cmp.Or(from.Last, s.Last)
	if i.first == 0 || first < i.first {
		i.first = first
	}
	i.last = max(i.last, last)
	i.value = min(i.value, from.Value) // of spellings the same one whatever the order
	i.hash = cmp.Or(i.hash, from.Hash)
	i.sources = union(i.sources, from.Sources...)
	i.hosts, i.sessions = union(i.hosts, s.Host), union(i.sessions, s.Key)
}

// union returns a sorted list with more texts, each once.
func union(list []string, more ...string) []string {
	list = append(list, more...)
	slices.Sort(list)
	return slices.Compact(list)
}
