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

// explainedRequest is a webrequest.Explanation as JSON has it.
type explainedRequest struct {
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Offset   int64         `json:"offset"`
	Found    bool          `json:"found"`
	Host     string        `json:"host"`
	Time     string        `json:"time"`
	Method   string        `json:"method"`
	URI      string        `json:"uri"`
	Query    string        `json:"query"`
	Status   int           `json:"status"`
	Client   string        `json:"client"`
	Sessions []explainedTo `json:"sessions"`
	Against  []string      `json:"against"`
}

// explainedTo is a webrequest.Tie as JSON has it.
type explainedTo struct {
	Session    string          `json:"session"`
	Confidence string          `json:"confidence"`
	Processes  []startedObject `json:"processes"`
	For        []string        `json:"for"`
	Against    []string        `json:"against"`
}

func explainedRequests(res *scan.Result) []explainedRequest {
	var list []explainedRequest
	for i := range res.ExplainedRequests {
		x := &res.ExplainedRequests[i]
		r := explainedRequest{
			File: x.File, Line: x.Line, Offset: x.Offset, Found: x.Found, Host: x.Host, Sessions: []explainedTo{}, Against: listOf(x.Against),
		}
		if x.Found {
			q := &x.Request
			r.Line, r.Offset, r.Time, r.Method, r.URI, r.Query = q.Line, q.Offset, q.Time.String(), q.Method, q.URI, q.Query
			r.Status, r.Client = q.Status, q.Client
		}
		for _, tie := range x.Sessions {
			to := explainedTo{
				Session: tie.Session.Key, Confidence: tie.Confidence.String(), Processes: []startedObject{}, For: listOf(tie.For), Against: listOf(tie.Against),
			}
			for _, p := range tie.Processes {
				to.Processes = append(to.Processes, startedObject{p.PID(), p.Start()})
			}
			r.Sessions = append(r.Sessions, to)
		}
		list = append(list, r)
	}
	return list
}

// explainedRequest writes how one request stands to the sessions.
func (p *printer) explainedRequest(r *explainedRequest) {
	at := fmt.Sprintf("line %d", r.Line)
	if r.Line == 0 {
		at = fmt.Sprintf("the event at offset %d", r.Offset)
	}
	p.line("%s", text.Visible(fmt.Sprintf("%s of %s, on %s", at, r.File, cmp.Or(r.Host, "an unknown host"))))
	p.line("  %s", clipLine(fmt.Sprintf("%s %s %s, status %d, from %s", r.Time, r.Method, r.URI, r.Status, r.Client)))
	for _, why := range r.Against {
		p.line("  against: %s", clipLine(why))
	}
	for _, to := range r.Sessions {
		p.line("  session %s, confidence %s", text.Visible(to.Session), to.Confidence)
		for _, why := range to.For {
			p.line("    for: %s", clipLine(why))
		}
		for _, why := range to.Against {
			p.line("    against: %s", clipLine(why))
		}
	}
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
