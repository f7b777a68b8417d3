package story

import (
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// ApplicationPool returns the name of the application pool that an IIS worker
// serves, "" if it is not known: by its command line, else by whom it runs as,
// else by whom its first children run as.
func ApplicationPool(texts *proctree.Texts, worker proctree.Process) string {
	if image := worker.Image(); image != 0 && proctree.BaseName(texts.Text(image)) != proctree.PoolWorker {
		return ""
	}
	if pool := poolOfCommandLine(texts.Text(worker.CommandLine())); pool != "" {
		return pool
	}
	if pool := event.PoolOf(texts.Text(worker.Field(event.User))); pool != "" {
		return pool
	}
	const asked = 16
	n := 0
	for child := range worker.Children() {
		if pool := event.PoolOf(texts.Text(child.Field(event.User))); pool != "" {
			return pool
		}
		if n++; n == asked {
			break
		}
	}
	return ""
}

// poolOfCommandLine reads the application pool from a worker's command line:
// the argument of -ap, else the name of the configuration file that is that of
// -h.
func poolOfCommandLine(commandLine string) string {
	if pool := switchArgument(commandLine, "-ap"); pool != "" {
		return pool
	}
	file := switchArgument(commandLine, "-h")
	name := file[strings.LastIndexAny(file, `\/`)+1:]
	if len(name) > len(".config") && strings.EqualFold(name[len(name)-len(".config"):], ".config") {
		return name[:len(name)-len(".config")]
	}
	return ""
}

// switchArgument returns the argument that follows a switch, without its
// quotes; "" if the switch is not there.
func switchArgument(commandLine, name string) string {
	quoted := false
	for i := 0; i < len(commandLine); i++ {
		if commandLine[i] == '"' {
			quoted = !quoted
		}
		end := i + 1 + len(name)
		if quoted || commandLine[i] != ' ' || end >= len(commandLine) || commandLine[end] != ' ' || !strings.EqualFold(commandLine[i+1:end], name) {
			continue
		}
		rest := strings.TrimLeft(commandLine[end:], " ")
		if text, ok := strings.CutPrefix(rest, `"`); ok {
			argument, _, _ := strings.Cut(text, `"`)
			return argument
		}
		argument, _, _ := strings.Cut(rest, " ")
		return argument
	}
	return ""
}
