package scan

import (
	"context"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
)

// RecordRef names a record of a log, as reports do.
type RecordRef struct {
	File     string
	RecordID uint64
}

// RecordExplanation says which session a record is tied to, and why, or why to
// none.
type RecordExplanation struct {
	RecordRef
	story.Explanation
	Time     event.Time
	Computer string
	Channel  string
	EventID  uint16
	// Session is the one that it is tied to, nil if it is tied to none.
	Session *finding.Session
}

// explainRecords explains the records asked for of kinds that stories are made
// of.
func (res *Result) explainRecords(ctx context.Context, p *storyPass, stories []*story.Story, asked []RecordRef) {
	want := story.Want()
	for _, ref := range asked {
		for _, in := range res.inputs {
			if in.err != nil || source.Absolute(in.Path) != source.Absolute(ref.File) {
				continue
			}
			do := func(ev *event.Event) {
				if ev.RecordID == ref.RecordID {
					res.Explained = append(res.Explained, res.explainRecord(p, stories, ref, ev))
				}
			}
			p.readAll(ctx, in, want, do)
		}
	}
}

func (res *Result) explainRecord(p *storyPass, stories []*story.Story, ref RecordRef, ev *event.Event) RecordExplanation {
	r := story.RecordOf(ev)
	x := RecordExplanation{RecordRef: ref, Explanation: p.index.Explain(ev, stories), Time: ev.Time, Computer: r.Computer, Channel: r.Channel, EventID: r.ID}
	if i := x.Explanation.Session; i >= 0 {
		x.Session = res.Sessions[i]
	}
	return x
}
