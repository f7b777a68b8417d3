package finding

import (
	"cmp"
	"slices"
	"strings"

	"webshellscan/rules"
	"webshellscan/rules/builtin"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// burstSpan is the time within which enumeration commands belong together
// (MITRE CAR-2013-04-002).
const burstSpan = 30 * event.Minute

// isEnumeration reports whether a finding counts as enumeration: a rule that it
// matched says so.
func isEnumeration(f *Finding) bool {
	return slices.ContainsFunc(f.Rules, func(r *rules.Rule) bool { return builtin.Measure(r) == builtin.MeasureEnumeration })
}

// commandKey returns what is the same for all findings of one command: its
// command line without the program's folder and ending, numbers folded.
func commandKey(f *Finding) string {
	name := strings.TrimSuffix(proctree.BaseName(f.Image), ".exe")
	_, arguments := f.Fold()
	return name + " " + arguments
}

// Arguments returns a command line without its first word, which names the
// program.
func Arguments(commandLine string) string {
	text := strings.TrimLeft(commandLine, " \t")
	if rest, ok := strings.CutPrefix(text, `"`); ok {
		_, after, _ := strings.Cut(rest, `"`)
		return strings.TrimSpace(after)
	}
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return strings.TrimSpace(text[i:])
	}
	return ""
}

// enumerationCommand is a finding that is enumeration, with its commandKey.
type enumerationCommand struct {
	*Finding
	key string
}

// enumerationCommands returns the findings that are enumeration; keys are those
// of all findings. A program that only hands its arguments on to another, as
// net.exe does to net1.exe, counts once: the one that was handed them is left
// out.
func enumerationCommands(findings []*Finding, keys []string) []enumerationCommand {
	var list []enumerationCommand
	handed := make(map[proctree.Process]string)
	for i, f := range findings {
		if !isEnumeration(f) {
			continue
		}
		args := Arguments(f.CommandLine)
		if f.Process.Exists() {
			handed[f.Process] = args
			if parent, _ := f.Process.Parent(); args != "" && handed[parent] == args {
				continue
			}
		}
		list = append(list, enumerationCommand{f, keys[i]})
	}
	return list
}

// countDistinct counts the commands of different keys.
func countDistinct(commands []enumerationCommand) int {
	distinct := make(map[string]bool)
	for _, c := range commands {
		distinct[c.key] = true
	}
	return len(distinct)
}

// burst returns the highest number of distinct enumeration commands within
// burstSpan, of the findings that count, and when that time begins.
func burst(commands []enumerationCommand, counts func(f *Finding) bool) (most int, start event.Time) {
	var list []enumerationCommand
	for _, c := range commands {
		if counts(c.Finding) {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b enumerationCommand) int { return cmp.Compare(a.Time, b.Time) })
	within := make(map[string]int)
	from := 0
	for _, c := range list {
		within[c.key]++
		for ; c.Time-list[from].Time > burstSpan; from++ {
			if within[list[from].key]--; within[list[from].key] == 0 {
				delete(within, list[from].key)
			}
		}
		if len(within) > most {
			most, start = len(within), list[from].Time
		}
	}
	return most, start
}
