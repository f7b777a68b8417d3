package report

import (
	"fmt"
	"strconv"
	"strings"

	"webshellscan/scan"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
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

// creationEvidence lists the records of a process's creation. Without inputPath,
// which names the file of an event.Place, there are none.
func creationEvidence(p proctree.Process, inputPath func(file uint32) string) []scan.Evidence {
	list := []scan.Evidence{}
	if inputPath == nil {
		return list
	}
	texts := p.Forest().Texts()
	for r := range p.Records() {
		place, marks := r.Place(), r.Marks()
		list = append(list, scan.Evidence{
			File: inputPath(place.File), Offset: place.Offset, RecordID: r.RecordID(), Time: r.Time(),
			Channel: texts.Text(r.Field(event.Channel)), EventID: r.EventID(),
			Recovered: marks.Has(event.MarkRecovered), Substituted: marks.Has(event.MarkSubstituted), Hidden: marks.Has(event.MarkHidden),
		})
	}
	return list
}
