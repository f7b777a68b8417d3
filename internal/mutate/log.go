package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// log keeps what became of mutants, so that a run can go on where another one
// was. It is a file of JSON objects, one a line.
type log struct {
	file  *os.File // nil for none
	known map[string]entry
}

// entry is a line of a log.
type entry struct {
	Mutant string  `json:"mutant"` // its id
	Result outcome `json:"result"`
	By     string  `json:"by,omitempty"` // the package whose tests killed it
}

// openLog reads the log of the name, if there is one, and opens it to be
// appended to. The name "" is of none.
func openLog(name string) (*log, error) {
	l := &log{known: make(map[string]entry)}
	if name == "" {
		return l, nil
	}
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var e entry
		if json.Unmarshal(line, &e) == nil { // the last one may be cut
			l.known[e.Mutant] = e
		}
	}
	l.file, err = os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return l, err
}

func (l *log) close() {
	if l.file != nil {
		_ = l.file.Close() // each line was written
	}
}

// add appends what became of a mutant. Survivors are not kept: a test may have
// been written since.
func (l *log) add(m mutant, result outcome, by string) error {
	if l.file == nil || result == survived {
		return nil
	}
	line, err := json.Marshal(entry{m.id(), result, by})
	if err != nil {
		return err
	}
	_, err = l.file.Write(append(line, '\n'))
	return err
}
