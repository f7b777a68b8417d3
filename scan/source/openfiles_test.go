package source

import (
	"strings"
	"testing"
)

// TestOpenFilesAreBounded: of open files those are closed that nobody
// reads, the longest open first, until there are few enough.
func TestOpenFilesAreBounded(t *testing.T) {
	const over = 4
	for read, want := range map[int]int{0: 0, 2: 0, maxOpenFiles: over - 3} {
		p := new(OpenFiles)
		for i := range maxOpenFiles + over - 1 {
			f := &reopened{all: p, file: NewFile(strings.NewReader(""), 0, nil, nil)}
			if i >= 2 && i < 2+read {
				f.mu.Lock()
			}
			p.open = append(p.open, f)
		}
		last := &reopened{all: p, file: NewFile(strings.NewReader(""), 0, nil, nil)}
		first := p.open[0]
		p.opened(last)
		if len(p.open) != maxOpenFiles+want {
			t.Errorf("%d are read: %d are open, want %d", read, len(p.open), maxOpenFiles+want)
		}
		if first.file != nil || last.file == nil || p.open[len(p.open)-1] != last {
			t.Errorf("%d are read: the first that was opened is open, or the last is not", read)
		}
	}
}
