package story

import (
	"slices"
	"strings"

	"webshellscan/scan/proctree"
)

// commandThings records the things that the command lines of a session's
// processes make: other events name them.
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
// those that make services (sc.exe), tasks (schtasks.exe) or accounts
// (net.exe). What cmd.exe is told to run is a process of its own, which has a
// command line too.
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

// leavings is what a command line leaves to be run: a command, by some means,
// and in words what that is; an account, if the command is "".
type leavings struct {
	how                means
	by, command, label string
}

// leftBy returns what a command line leaves to be run, if its program is one of
// those that make services, tasks, values of the registry, jobs of BITS or
// accounts.
func leftBy(line string) (leavings, bool) {
	w := words(line)
	if len(w) < 3 {
		return leavings{}, false
	}
	arguments := w[1:]
	l := leavings{}
	switch strings.TrimSuffix(proctree.BaseName(w[0]), ".exe") {
	case "schtasks":
		if wordIndex(arguments, "/create", "-create", "/change", "-change") >= 0 {
			l = leavings{byTask, "the scheduled task ", wordAfter(arguments, "/tr", "-tr"), wordAfter(arguments, "/tn", "-tn")}
		}
	case "sc":
		if i := wordIndex(arguments, "create", "config"); i >= 0 && i <= 1 && i+1 < len(arguments) {
			l = leavings{byService, "the service ", wordAfter(arguments, "binpath="), arguments[i+1]}
		}
	case "reg":
		if strings.EqualFold(arguments[0], "add") && isRunKey(arguments[1]+`\`) {
			l = leavings{byRunKey, "the registry value ", wordAfter(arguments, "/d", "-d"), arguments[1] + `\` + wordAfter(arguments, "/v", "-v")}
		}
	case "bitsadmin":
		if i := wordIndex(arguments, "/setnotifycmdline", "-setnotifycmdline"); i >= 0 && i+2 < len(arguments) {
			l = leavings{byJob, "the BITS job ", notifyCommand(arguments[i+2:]), arguments[i+1]}
		}
	}
	return l, l.command != ""
}

// notifyCommand returns what BITS runs when a job is done: the parameters, of
// which the first is the program again, or the program alone.
func notifyCommand(list []string) string {
	if len(list) > 1 && !strings.EqualFold(list[1], "null") {
		return list[1]
	}
	return list[0]
}

// wordAfter returns the word that follows one of some, or what stands behind it
// in one word, as in binPath=C:\x.exe; "" if there is none.
func wordAfter(list []string, some ...string) string {
	for i, w := range list {
		for _, s := range some {
			if strings.EqualFold(w, s) && i+1 < len(list) {
				return list[i+1]
			}
			if strings.HasSuffix(s, "=") && len(w) > len(s) && strings.EqualFold(w[:len(s)], s) {
				return w[len(s):]
			}
		}
	}
	return ""
}

// wordIndex returns the index of the first word that is one of some, compared
// without case, -1 if there is none.
func wordIndex(list []string, some ...string) int {
	return slices.IndexFunc(list, func(w string) bool {
		return slices.ContainsFunc(some, func(s string) bool { return strings.EqualFold(s, w) })
	})
}
