package integrity

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/scan/event"
	"webshellscan/scan/evtx"
	"webshellscan/scan/proctree"
)

// faultMeaning is what a class of faults means for the log that it is in.
type faultMeaning struct {
	level         Level
	text, meaning string
}

// faultMeanings holds all classes of faults but ExportFingerprint. The kind of
// the integrity finding is the class.
var faultMeanings = map[evtx.Class]faultMeaning{
	evtx.FileTruncated: {
		Warning, "the file ends in the middle of a structure",
		"Records behind this place are missing. An interrupted copy looks like this.",
	},
	evtx.ChunkLost: {
		Warning, "a stretch where a chunk belongs holds something else",
		"The records that were here are missing, up to 64 KiB for each chunk.",
	},
	evtx.RecordBad: {
		Warning, "a record is damaged",
		"What it said is lost, at least in part; the records around it were read.",
	},
	evtx.RecordResync: {
		Warning, "bytes between two records are no record",
		"One or several records are missing here; reading went on behind them.",
	},
	evtx.TemplateLost: {
		Warning, "the template definition that a record needs is lost",
		"The values of the record are there but not what they mean, so no rule could be applied.",
	},
	evtx.FieldDamaged: {
		Warning, "a field of a record cannot be what it should be",
		"The other fields of the record were read.",
	},
	evtx.BudgetExceeded: {
		Alarm, "a structure is larger or deeper than in any log that Windows writes",
		"It is what an attempt to stop a reader looks like. It was skipped.",
	},
	evtx.ReadError: {
		Warning, "the file could not be read here",
		"Records may be missing. The medium or the connection may be at fault.",
	},
	evtx.FileHeaderBad: {
		Warning, "the file header is damaged",
		"Other tools may refuse the file. All chunks that are there were read.",
	},
	evtx.FileHeaderStale: {
		Notice, "the file header does not know of all chunks",
		"Usual where a live log was copied. Tools that trust the header miss the newest records; they were read here.",
	},
	evtx.RecordsMissing: {
		Warning, "the file header knows of records behind the last one",
		"The end of the log is missing. A copy that was cut, or records that were taken out, look like this.",
	},
	evtx.ChunksMissing: {
		Warning, "the file header counts chunks that the file does not hold",
		"The log was closed, so the count was right: up to 64 KiB of records are missing for each.",
	},
	evtx.ExportGap: {
		Notice, "the export leaves out records of the log",
		"A filter of the export does so, and so do records that were no longer in the log.",
	},
	evtx.FileVersion: {
		Warning, "the file claims a version of the format that is not known",
		"Other tools may refuse the file. It was read as the known versions are.",
	},
	evtx.ChunkBadMagic: {
		Warning, "a chunk lost its signature, or stands beside its place",
		"Other tools miss it. Its records were read.",
	},
	evtx.ChunkHeaderCRC: {
		Notice, "the checksum of a chunk's header does not fit",
		"Usual where a live log was copied; also what an edited header looks like.",
	},
	evtx.ChunkDataCRC: {
		Notice, "the checksum of a chunk's records does not fit",
		"Usual where a live log was copied; also what edited or damaged records look like.",
	},
	evtx.ChunkHeaderInconsistent: {
		Warning, "a chunk's header contradicts its records",
		"Tools that trust the header miss records; they were read here. It is one way to hide records.",
	},
	evtx.ChunkResetWithData: {
		Warning, "a chunk that its header calls empty holds records",
		"A cleared log leaves this behind, and so does an intruder who hides the only record of a chunk.",
	},
	evtx.TemplateSubstituted: {
		Notice, "the template definition of a record is lost, and was borrowed from another chunk or file",
		"The record was read by the definition of the same template. Its text is its own.",
	},
	evtx.TemplateDamaged: {
		Warning, "a template definition does not end where it says",
		"Other tools lose the records of its chunk that need it. They were read here.",
	},
	evtx.RecordHidden: {
		Alarm, "a record holds more than its event",
		"Tools that hide records make one record swallow the next. What could be read of the hidden one is among the events, marked.",
	},
	evtx.ChunkDuplicate: {
		Warning, "a chunk has the records of another one",
		"Carved and restored files look like this. The records count as copies.",
	},
	evtx.IDGap: {
		Warning, "record identifiers are missing",
		"Records were deleted, or left out by a filter when the log was exported, or the chunk that held them was lost.",
	},
	evtx.TimeBackwards: {
		Warning, "a record is earlier than the one written before it",
		"The clock was set back, or records were written or changed by hand.",
	},
	evtx.TimeImplausible: {
		Notice, "a record's time lies before the year 2000 or after 2100",
		"It is damage or forgery; where the record's header has a sound time, that was taken.",
	},
}

// assessFaults returns the findings about the faults of the logs, one for each
// class and log.
func assessFaults(logs []*Log, hosts []proctree.Host, events *logEvents) []*Finding {
	hostOf := proctree.HostsByName(hosts)
	var list []*Finding
	for _, l := range logs {
		host, channel := "", ""
		if channels := l.channels(hostOf); len(channels) == 1 {
			for c := range channels {
				host, channel = hosts[c.host].Name, c.channel
			}
		}
		seen := make(map[evtx.Class]bool)
		for _, fault := range l.Faults.Kept() {
			if seen[fault.Class] {
				continue
			}
			seen[fault.Class] = true
			found := newFaultFinding(l, fault)
			found.Host, found.Channel = host, channel
			if fault.Class == evtx.TimeBackwards && l.stepsExplained(events) {
				found.Level = Notice
				found.Meaning = "The clock was set as the logs say, or was wrong when the system started."
			}
			list = append(list, found)
		}
	}
	return list
}

// stepsExplained reports whether each step back in time stands beside a start
// of the system or a change of the clock that was logged.
func (l *Log) stepsExplained(events *logEvents) bool {
	steps := 0
	for _, f := range l.Faults.Kept() {
		if f.Class == evtx.TimeBackwards {
			if steps++; !events.explain(l, f) {
				return false
			}
		}
	}
	return steps == l.Faults.Counts()[evtx.TimeBackwards]
}

// explain reports whether events explain that time runs backwards at a place.
func (l *logEvents) explain(log *Log, f *evtx.FormatError) bool {
	file := slices.Index(l.logs, log)
	if file >= 0 && l.files[uint32(file)].explains(f) {
		return true
	}
	return slices.ContainsFunc(l.hosts, func(h *hostEvents) bool {
		return log.Stats.Hosts[h.host] > 0 && slices.ContainsFunc(h.events, func(e logEvent) bool { return e.setsBack(f) })
	})
}

// assessOrder names the logs that were exported although they lie where
// Windows keeps the logs that it writes.
func assessOrder(logs []*Log) []*Finding {
	var list []*Finding
	for _, l := range logs {
		for _, fault := range l.Order {
			if fault.Class == evtx.ExportFingerprint && claimsToBeLive(l.Path) {
				list = append(list, &Finding{
					Kind: Kind(fault.Class), Level: Alarm, File: l.Path, Count: 1,
					Text:    fmt.Sprintf("the log was exported: %d record headers have the time of the record after them", fault.Have),
					Meaning: "It lies where Windows keeps its live logs, so it was put there in place of the one that Windows wrote.",
				})
			}
		}
	}
	return list
}

// countsMore is what a stale file header means that counts more chunks than
// there are.
var countsMore = faultMeaning{
	Notice, "the file header counts more chunks than the file holds",
	"The log was not closed or its header is damaged, so the count may be of another time. Chunks may be missing.",
}

// Member is what an evtx.ReadError is about whose log is a member of an archive
// that is not what the archive says, and CutMember what it is about if not all
// of it could be unpacked. It was read as far as it is there.
const (
	Member    = "member of an archive"
	CutMember = "part of a member of an archive"
)

func isMember(f *evtx.FormatError) bool {
	return f.Class == evtx.ReadError && (f.What == Member || f.What == CutMember)
}

// Unread returns why not all bytes of a file could be read, nil if they could.
func (l *FaultLog) Unread() error {
	for _, f := range l.Kept() {
		if f.Class == evtx.ReadError && f.What != Member {
			return errors.New("not all of it could be read: " + faultDetail(f))
		}
	}
	return nil
}

// memberDamaged is what such a fault means.
var memberDamaged = faultMeaning{
	Warning, "the log is not as its archive says",
	"What could be unpacked was read. The archive or the medium may be damaged, or the log was changed within the archive.",
}

// meaningOf returns what a fault means.
func meaningOf(f *evtx.FormatError) faultMeaning {
	if f.Class == evtx.FileHeaderStale && f.Have > f.Need {
		return countsMore
	}
	if isMember(f) {
		return memberDamaged
	}
	if m, known := faultMeanings[f.Class]; known {
		return m
	}
	return faultMeaning{Warning, f.What, "The file contradicts itself here."}
}

// newFaultFinding makes the finding of the first fault of a class.
func newFaultFinding(l *Log, first *evtx.FormatError) *Finding {
	m := meaningOf(first)
	n := l.Faults.Counts()[first.Class]
	text := m.text
	detail := faultDetail(first)
	switch {
	case first.Class == evtx.IDGap && n > 1:
		text = fmt.Sprintf("%s (%d in %d places)", text, l.Faults.Missing(), n)
		detail = strings.TrimSuffix(detail, inAll(first))
	case n > 1:
		text = fmt.Sprintf("%s (%d times)", text, n)
	}
	switch first.Class {
	case evtx.IDGap:
		n = l.Faults.Missing()
	case evtx.ExportGap:
		n = int(first.Have)
	default:
		n = max(n, first.Missing())
	}
	from, to := inOrder(first.From, first.To)
	return &Finding{
		Kind: Kind(first.Class), Level: m.level, File: l.Path, Offset: first.Offset, Count: n, First: from, Last: to,
		Text: text + ": " + detail, Meaning: m.meaning,
	}
}

// inOrder returns two times, the earlier first: where a clock was set back the
// record before a fault is the later one. A time that is not known stays in its
// place.
func inOrder(from, to event.Time) (earlier, later event.Time) {
	if from != 0 && to != 0 && to < from {
		return to, from
	}
	return from, to
}

// faultDetail describes a fault and where it is.
func faultDetail(f *evtx.FormatError) string {
	if isMember(f) {
		_, reason, _ := strings.Cut(f.Err.Error(), "\n") // behind evtx.ErrRead
		return strings.ReplaceAll(reason, "\n", "; ")
	}
	at := fmt.Sprintf("%s at offset %d", f.What, f.Offset)
	switch {
	case f.LastID > f.RecordID:
		at += fmt.Sprintf(", records %d to %d", f.RecordID, f.LastID)
	case f.RecordID != 0:
		at += fmt.Sprintf(", record %d", f.RecordID)
	}
	switch {
	case slices.Contains([]evtx.Class{evtx.IDGap, evtx.ChunkDuplicate, evtx.RecordsMissing, evtx.ExportGap}, f.Class):
		return at + inAll(f)
	case f.Class == evtx.TimeBackwards:
		return fmt.Sprintf("%s: it is of %s, the one before it of %s", at, f.To, f.From)
	case f.Need != 0:
		return at + ": " + numbersDetail(f)
	case f.Have != 0:
		return at + ": " + plural.Count(int(f.Have), "byte")
	}
	return at
}

// inAll says how many records or identifiers a fault is about.
func inAll(f *evtx.FormatError) string { return fmt.Sprintf(" (%d in all)", f.Have) }

// numbersDetail describes the two numbers of a fault that do not agree, or do
// not fit.
func numbersDetail(f *evtx.FormatError) string {
	switch f.Class {
	case evtx.FileHeaderStale:
		return fmt.Sprintf("the header says %d, the file holds %d", f.Have, f.Need)
	case evtx.ChunksMissing:
		return fmt.Sprintf("the header says %d, the file holds %d", f.Need, f.Have)
	case evtx.FileTruncated:
		return fmt.Sprintf("%d of %d bytes are there", f.Have, f.Need)
	case evtx.RecordBad:
		if f.Need == f.Have {
			return fmt.Sprintf("it has the %d bytes that it says it has, but its frame is damaged elsewhere", f.Have)
		}
		return fmt.Sprintf("it says that it has %d bytes, and has %d", f.Have, f.Need)
	}
	return fmt.Sprintf("it is %d, where %d belongs", f.Have, f.Need)
}

// claimsToBeLive reports whether a path is one where Windows keeps the logs
// that it writes.
func claimsToBeLive(path string) bool {
	return strings.Contains(strings.ToLower(filepath.ToSlash(path)), "winevt/logs/")
}
