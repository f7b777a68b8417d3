package scan

import (
	"errors"
	"io"
	"testing"

	"webshellscan/scan/partial"
)

// TestExcerptCache: what was asked for last is kept, and so is why a section
// cannot be had.
func TestExcerptCache(t *testing.T) {
	c := newExcerptCache(1)
	sections := make([]partial.Section, c.room+1)
	first := c.entry(&sections[0])
	for i := range sections[1:c.room] {
		c.entry(&sections[1+i])
	}
	if c.entry(&sections[0]) != first {
		t.Error("a section was given up though there is room")
	}
	second := c.last[len(c.last)-1]
	c.entry(&sections[c.room])
	if c.entry(&sections[0]) != first || c.entry(second.section) == second {
		t.Error("another one was given up than what was not asked for longest")
	}
	first.once.Do(func() { first.err = io.ErrUnexpectedEOF })
	if _, err := c.of(nil, &sections[0]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a section that cannot be had: %v", err)
	}
}
