package scan

import (
	"fmt"

	"webshellscan/scan/evtx"
	"webshellscan/scan/export"
	"webshellscan/scan/source"
)

const (
	// IntegrityContainer is a remark about an archive or a disk image that was read.
	IntegrityContainer IntegrityKind = "container"
	// IntegrityExport says that records are of an export, which is no log.
	IntegrityExport IntegrityKind = "export"
)

// containerIntegrity returns the remarks about containers.
func containerIntegrity(notes []source.Note) []*Integrity {
	var list []*Integrity
	for _, n := range notes {
		i := &Integrity{
			Kind: IntegrityContainer, Level: IntegrityNotice, File: n.Path, Count: 1, Text: n.Text,
			Meaning: "What the container holds was read as far as it could be.",
		}
		if n.Mismatch {
			i.Level, i.Meaning = IntegrityWarning, "The image was changed or damaged since it was acquired. It was read as it is now."
		}
		list = append(list, i)
	}
	return list
}

// formIntegrity returns what there is to say of exports.
func formIntegrity(inputs []*input) []*Integrity {
	var list []*Integrity
	for _, in := range inputs {
		if in.form == export.None {
			continue
		}
		list = append(list, &Integrity{
			Kind: IntegrityExport, Level: IntegrityNotice, File: in.Path, Count: in.exported.Records,
			Text:    fmt.Sprintf("an export (%s), not a log: %d records", in.form, in.exported.Records),
			Meaning: "Nothing in it says whether records are missing or changed, and the second decoder has nothing to compare with.",
		})
		list = append(list, gapIntegrity(in)...)
		if in.exported.LocalTimes > 0 {
			list = append(list, &Integrity{
				Kind: IntegrityExport, Level: IntegrityWarning, File: in.Path, Count: in.exported.LocalTimes,
				Text:    fmt.Sprintf("%d records have a time without a zone, which was taken for UTC", in.exported.LocalTimes),
				Meaning: "Their times may be off by hours; the times within Sysmon's events are UTC.",
			})
		}
		if err := in.exportFault(); err != nil {
			list = append(list, &Integrity{
				Kind: IntegrityExport, Level: IntegrityWarning, File: in.Path, Count: max(1, in.exported.Bad),
				Text: fmt.Sprintf("%d records of the export could not be read: %v", in.exported.Bad, err), Meaning: "What they say is missing from this report.",
			})
		}
	}
	return list
}

// gapIntegrity tells of the identifiers that the records of an export leave out.
func gapIntegrity(in *input) []*Integrity {
	var list []*Integrity
	for _, g := range in.exported.Gaps {
		list = append(list, &Integrity{
			Kind: IntegrityKind(evtx.ExportGap), Level: IntegrityNotice, Host: g.Computer, Channel: g.Channel, File: in.Path,
			First: g.From, Last: g.To, Count: int(min(g.Missing, 1<<62)),
			Text:    fmt.Sprintf("%s: %d record identifiers are missing", faultMeanings[evtx.ExportGap].text, g.Missing),
			Meaning: faultMeanings[evtx.ExportGap].meaning,
		})
	}
	return list
}

// exportFault returns why an export was not read whole, nil if it was.
func (in *input) exportFault() error {
	if in.exportErr != nil {
		return in.exportErr
	}
	return in.exported.FirstBad
}
