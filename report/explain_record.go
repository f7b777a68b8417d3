package report

import (
	"cmp"
	"fmt"

	"webshellscan/report/text"
	"webshellscan/scan"
)

// explainedRecord is a scan.RecordExplanation as JSON has it.
type explainedRecord struct {
	File      string   `json:"file"`
	RecordID  uint64   `json:"record_id"`
	Host      string   `json:"host"`
	Time      string   `json:"time"`
	Channel   string   `json:"channel"`
	EventID   uint16   `json:"event_id"`
	Category  string   `json:"category"`
	Session   string   `json:"session"`
	Link      string   `json:"link"`
	Image     string   `json:"image"`
	ProcessID uint32   `json:"process_id"`
	Against   []string `json:"against"`
}

func explainedRecords(res *scan.Result) []explainedRecord {
	var list []explainedRecord
	for i := range res.Explained {
		x := &res.Explained[i]
		r := explainedRecord{
			File: x.File, RecordID: x.RecordID, Host: x.Computer, Time: x.Time.String(), Channel: x.Channel, EventID: x.EventID,
			Category: string(x.Category), Link: x.Link.String(), Against: listOf(x.Against),
		}
		if x.Session != nil {
			r.Session = x.Session.Key
		}
		if x.Process.Exists() {
			r.Image, r.ProcessID = res.Forest.Texts().Text(x.Process.Image()), x.Process.PID()
		}
		list = append(list, r)
	}
	return list
}

// explainedRecord writes how one record stands to the sessions.
func (p *printer) explainedRecord(r *explainedRecord) {
	p.line("%s", text.Visible(fmt.Sprintf("%s, %s %d, record %d of %s, on %s", r.Time, r.Channel, r.EventID, r.RecordID, r.File, r.Host)))
	p.line("  category: %s", cmp.Or(r.Category, "none"))
	if r.Session == "" {
		p.line("  tied to no session")
	} else {
		p.line("  tied to session %s, by link %s", text.Visible(r.Session), r.Link)
	}
	if r.Image != "" {
		p.line("  process: %s (%d)", text.Visible(r.Image), r.ProcessID)
	}
	for _, why := range r.Against {
		p.line("  against: %s", clipLine(why))
	}
}
