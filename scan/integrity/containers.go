package integrity

import (
	"fmt"

	"webshellscan/internal/plural"
	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/source"
)

const (
	// ContainerNote is a remark about an archive or a disk image that was
	// read.
	ContainerNote Kind = "container"
	// ExportNote is the finding that records are of an export, which is no
	// log.
	ExportNote Kind = "export"
)

// assessContainers returns the remarks about containers.
func assessContainers(notes []source.Note) []*Finding {
	var list []*Finding
	for _, n := range notes {
		i := &Finding{
			Kind: ContainerNote, Level: Notice, File: n.Path, Count: 1, Text: n.Text,
			Meaning: "What the container holds was read as far as it could be.",
		}
		if n.Mismatch {
			i.Level, i.Meaning = Warning, "The image was changed or damaged since it was acquired. It was read as it is now."
		}
		list = append(list, i)
	}
	return list
}

// assessExports returns the findings about exports.
func assessExports(logs []*Log) []*Finding {
	var list []*Finding
	for _, l := range logs {
		if l.Form == export.None {
			continue
		}
		list = append(list, &Finding{
			Kind: ExportNote, Level: Notice, File: l.Path, Count: l.Exported.Records,
			Text:    fmt.Sprintf("an export (%s), not a log: %s", l.Form, plural.Count(l.Exported.Records, "record")),
			Meaning: "Nothing in it says whether records are missing or changed, and the second decoder has nothing to compare with.",
		})
		list = append(list, exportGaps(l)...)
		if l.Exported.LocalTimes > 0 {
			list = append(list, &Finding{
				Kind: ExportNote, Level: Warning, File: l.Path, Count: l.Exported.LocalTimes,
				Text:    plural.Count(l.Exported.LocalTimes, "record has", "records have") + " a time without a zone, which was taken for UTC",
				Meaning: "Their times may be off by hours; the times within Sysmon's events are UTC.",
			})
		}
		if err := l.exportFault(); err != nil {
			list = append(list, &Finding{
				Kind: ExportNote, Level: Warning, File: l.Path, Count: max(1, l.Exported.Bad),
				Text: fmt.Sprintf("%s of the export could not be read: %v", plural.Count(l.Exported.Bad, "record"), err), Meaning: "What they say is missing from this report.",
			})
		}
	}
	return list
}

// exportGaps reports the identifiers that the records of an export leave out.
func exportGaps(l *Log) []*Finding {
	var list []*Finding
	for _, g := range l.Exported.Gaps {
		list = append(list, &Finding{
			Kind: Kind(evtx.ExportGap), Level: Notice, Host: g.Computer, Channel: g.Channel, File: l.Path,
			First: g.From, Last: g.To, Count: int(min(g.Missing, 1<<62)),
			Text:    fmt.Sprintf("%s: %d record identifiers are missing", faultMeanings[evtx.ExportGap].text, g.Missing),
			Meaning: faultMeanings[evtx.ExportGap].meaning,
		})
	}
	return list
}

// exportFault returns why an export was not read whole, nil if it was.
func (l *Log) exportFault() error {
	if l.ExportErr != nil {
		return l.ExportErr
	}
	return l.Exported.FirstBad
}
