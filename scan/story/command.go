package story

import (
	"slices"
	"strings"

	"webshellscan/scan/proctree"
)

// commandThings notes the things that the command lines of a session's processes
// make: other events name them.
func (x *Index) commandThings(session int, s *Story) {
	texts := x.forest.Texts()
	for _, p := range x.sessions[session].Below {
		for _, t := range thingsOfCommand(texts.KnownText(p.CommandLine())) {
			t.name = strings.ToLower(t.name)
			s.things[t] = true
			if t.thing == thingTask && !strings.HasPrefix(t.name, `\`) {
				s.things[thingName{thingTask, `\` + t.name}] = true
			}
		}
	}
}

// maxWords bounds the words of a command line that are looked at.
const maxWords = 256

// words splits a command line at blanks outside quotes and drops the quotes.
func words(line string) []string {
	var list []string
	var word strings.Builder
	quoted, any := false, false
	flush := func() {
		if any {
			list = append(list, word.String())
		}
		word.Reset()
		any = false
	}
	for i := 0; i < len(line) && len(list) < maxWords; i++ {
		switch c := line[i]; {
		case c == '"':
			quoted, any = !quoted, true
		case (c == ' ' || c == '\t') && !quoted:
			flush()
		default:
			word.WriteByte(c)
			any = true
		}
	}
	flush()
	return list
}

// thingsOfCommand returns what a command line makes, if its program is one of
// those that make services (sc.exe), tasks (schtasks.exe) or accounts (net.exe).
// What cmd.exe is told to run is a process of its own, which has a command line
// too.
func thingsOfCommand(line string) []thingName {
	w := words(line)
	if len(w) < 3 {
		return nil
	}
	arguments := w[1:]
	switch strings.TrimSuffix(proctree.BaseName(w[0]), ".exe") {
	case "schtasks":
		if i := wordIndex(arguments, "/tn", "-tn"); i >= 0 && i+1 < len(arguments) && wordIndex(arguments, "/create", "-create") >= 0 {
			return []thingName{{thingTask, arguments[i+1]}}
		}
	case "sc":
		if i := wordIndex(arguments, "create"); i >= 0 && i <= 1 && i+1 < len(arguments) {
			return []thingName{{thingService, arguments[i+1]}}
		}
	case "net", "net1":
		if wordIndex(arguments, "user", "users") == 0 && len(arguments) > 2 && wordIndex(arguments, "/add", "/ad") > 0 {
			return []thingName{{thingAccount, arguments[1]}}
		}
	}
	return nil
}

// wordIndex returns the index of the first word that is one of some, compared
// without case, -1 if there is none.
func wordIndex(list []string, some ...string) int {
	return slices.IndexFunc(list, func(w string) bool {
		return slices.ContainsFunc(some, func(s string) bool { return strings.EqualFold(s, w) })
	})
}
