package report

import (
	"strconv"

	"webshellscan/report/phrase"
	"webshellscan/scan/finding"
)

// evidenceTexts lists the records as file#record@offset, each followed by its
// marks.
func evidenceTexts(list []finding.Evidence) []string {
	texts := make([]string, len(list))
	for i := range list {
		e := &list[i]
		s := e.File + "#" + strconv.FormatUint(e.RecordID, 10) + "@" + strconv.FormatInt(e.Offset, 10)
		if marks := phrase.Marks(e); marks != "" {
			s += " " + marks
		}
		texts[i] = s
	}
	return texts
}
