package report

import (
	"fmt"
	"strconv"
	"strings"

	"webshellscan/scan"
)

// The marks of a piece of evidence, spelled as JSON has them.
const (
	markRecovered   = "recovered"
	markSubstituted = "template_substituted"
	markHidden      = "hidden"
)

// recoveredNote says of a process that no live record speaks of it.
const recoveredNote = "recovered from an unused part of a log"

// evidenceMarks names the marks of a record, joined by spaces; "" if it was read
// as it stands.
func evidenceMarks(e *scan.Evidence) string {
	var marks []string
	for _, m := range []struct {
		has  bool
		name string
	}{{e.Recovered, markRecovered}, {e.Substituted, markSubstituted}, {e.Hidden, markHidden}} {
		if m.has {
			marks = append(marks, m.name)
		}
	}
	return strings.Join(marks, " ")
}

// recordText is where a record lies within its file, for people, with its marks.
func recordText(e *scan.Evidence) string {
	return strings.TrimSuffix(fmt.Sprintf("record %d, offset %d, %s", e.RecordID, e.Offset, evidenceMarks(e)), ", ")
}

// evidenceTexts lists the records as file#record@offset, each followed by its
// marks.
func evidenceTexts(list []scan.Evidence) []string {
	texts := make([]string, len(list))
	for i := range list {
		e := &list[i]
		s := e.File + "#" + strconv.FormatUint(e.RecordID, 10) + "@" + strconv.FormatInt(e.Offset, 10)
		if marks := evidenceMarks(e); marks != "" {
			s += " " + marks
		}
		texts[i] = s
	}
	return texts
}
