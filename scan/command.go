package scan

import (
	"strings"
	"sync"

	"webshellscan/scan/powershell"
	"webshellscan/scan/proctree"
)

// command is what is made of a command line. Many findings have the same.
// Goroutines may share it, but for texts, which is of the subject that made it.
type command struct {
	line    string
	decoded string // what it hides in Base64, each text on a line of its own
	texts   []proctree.TextID

	once      sync.Once
	folded    string // as FoldCommand gives it
	arguments string // its Arguments, folded
}

func newCommand(line string) *command {
	return &command{line: line, decoded: strings.Join(powershell.Decode(line), "\n")}
}

// fold returns the command line, and its arguments alone, folded.
func (c *command) fold() (folded, arguments string) {
	c.once.Do(func() { c.folded, c.arguments = foldArguments(c.line) })
	return c.folded, c.arguments
}

// maxCommands bounds the command lines of which a subject remembers what is made
// of them.
const maxCommands = 1 << 16

// command returns what is made of a command line.
func (s *subject) command(line proctree.TextID) *command {
	c := s.commands[line]
	if c == nil {
		if len(s.commands) == maxCommands {
			clear(s.commands)
		}
		c = newCommand(s.texts.Text(line))
		s.commands[line] = c
	}
	return c
}

// fold returns the finding's command line, and its arguments alone, folded.
func (f *Finding) fold() (folded, arguments string) {
	if f.command == nil {
		return foldArguments(f.CommandLine)
	}
	return f.command.fold()
}

// foldArguments returns a command line, and its Arguments alone, as FoldCommand
// gives them: the latter are the end of the former.
func foldArguments(line string) (folded, arguments string) {
	text := strings.TrimSpace(line)
	folded, start := foldFrom(text, len(text)-len(Arguments(line)))
	return folded, folded[start:]
}
