package report

import (
	"github.com/mattn/go-runewidth"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// widths tells how many columns a text takes. Characters of ambiguous width take
// one, whatever the locale says: a report has the same bytes everywhere.
var widths = &runewidth.Condition{StrictEmojiNeutral: true}

// fixTableWidths makes tablewriter count as widths does. It counts by the locale
// unless it is told otherwise, for all tables of the process.
func fixTableWidths() { twwidth.SetOptions(twwidth.Options{}) }
