package scan

import (
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// command is what is made of a command line, and the texts that rules see of
// it.
type command struct {
	*finding.Command
	texts []proctree.TextID
}

// maxCommands bounds the command lines of which a subject remembers what is
// made of them.
const maxCommands = 1 << 16

// command returns what is made of a command line.
func (s *subject) command(line proctree.TextID) *command {
	c := s.commands[line]
	if c == nil {
		if len(s.commands) == maxCommands {
			clear(s.commands)
		}
		c = &command{Command: finding.NewCommand(s.texts.Text(line))}
		s.commands[line] = c
	}
	return c
}
