package finding

import (
	"strings"
	"sync"

	"webshellscan/scan/powershell"
)

// Command is a command line with what is derived from it. Many findings have
// the same; goroutines may share it.
type Command struct {
	Line string
	// Decoded is what it hides in Base64, each text on a line of its own
	// (see package powershell).
	Decoded string

	once      sync.Once
	folded    string // as FoldCommand gives it
	arguments string // its Arguments, folded
}

// NewCommand returns the Command of a command line.
func NewCommand(line string) *Command {
	return &Command{Line: line, Decoded: strings.Join(powershell.Decode(line), "\n")}
}

// fold returns the command line, and its arguments alone, folded.
func (c *Command) fold() (folded, arguments string) {
	c.once.Do(func() { c.folded, c.arguments = foldArguments(c.Line) })
	return c.folded, c.arguments
}

// Fold returns the finding's command line, and its arguments alone, folded.
func (f *Finding) Fold() (folded, arguments string) {
	if f.Command == nil {
		return foldArguments(f.CommandLine)
	}
	return f.Command.fold()
}

// foldArguments returns a command line, and its Arguments alone, as FoldCommand
// gives them: the latter are the end of the former.
func foldArguments(line string) (folded, arguments string) {
	text := strings.TrimSpace(line)
	folded, start := foldFrom(text, len(text)-len(Arguments(line)))
	return folded, folded[start:]
}
