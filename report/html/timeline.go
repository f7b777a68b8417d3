package html

import (
	"math"
	"time"

	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
)

// timeline is a drawing of when what was found, a lane for each host. Lengths
// are in units of the drawing.
type timeline struct {
	Width, Height, PlotTop, PlotBottom int
	Lanes                              []lane
	LanesLeft                          int // hosts beyond those drawn
	Ticks                              []tick
	From, To                           event.Time
}

// lane is the line of one host.
type lane struct {
	Name   string // of the host
	Host   string // visible, shortened to its room
	Y      int    // of its base line
	TextY  int
	Bars   []bar
	Count  int
	X1, X2 int // of its base line
}

// bar stands for the findings of one stretch of time.
type bar struct {
	X, Y, Height int
	Level        rules.Level
	Count        int
	At           event.Time
}

// tick is a mark of the time axis.
type tick struct {
	X     int
	Label string
	End   bool // the label ends at the mark
}

const (
	maxLanes    = 24
	maxLaneName = 32 // columns
	plotLeft    = 250
	plotRight   = 1180
	laneHeight  = 34
	barWidth    = 6
	barRoom     = 24
	axisHeight  = 26
	wantedTicks = 6
)

// newTimeline draws the findings of hosts, which stand in order of gravity.
func newTimeline(findings []*finding.Finding, hosts []hostRow) *timeline {
	t := &timeline{Width: plotRight + 20, PlotTop: axisHeight}
	if len(hosts) > maxLanes {
		t.LanesLeft = len(hosts) - maxLanes
		hosts = hosts[:maxLanes]
	}
	index := make(map[string]int)
	for i, h := range hosts {
		index[h.Name] = i
		if h.First != 0 {
			t.From = text.Earlier(t.From, h.First)
		}
		t.To = max(t.To, h.Last)
		y := axisHeight + (i+1)*laneHeight - 4
		t.Lanes = append(t.Lanes, lane{Name: h.Name, Host: text.Truncate(text.Visible(h.Name), maxLaneName, "…"), Y: y, TextY: y - 8, X1: plotLeft, X2: plotRight})
	}
	t.PlotBottom = axisHeight + len(hosts)*laneHeight
	t.Height = t.PlotBottom + 4
	if t.From == 0 {
		return nil
	}
	const bins = (plotRight - plotLeft) / barWidth
	counts := make([][bins]bar, len(hosts))
	for _, f := range findings {
		i, ok := index[f.Host]
		if !ok || f.Time == 0 {
			continue
		}
		b := &counts[i][min(bins-1, int(t.fraction(f.Time)*bins))]
		b.Count++
		b.Level, b.At = max(b.Level, f.Level), text.Earlier(b.At, f.Time)
		t.Lanes[i].Count++
	}
	for i := range counts {
		for n, b := range counts[i] {
			if b.Count > 0 {
				b.X = plotLeft + n*barWidth
				b.Height = min(barRoom, 6+int(6*math.Log2(float64(b.Count))))
				b.Y = t.Lanes[i].Y - b.Height
				t.Lanes[i].Bars = append(t.Lanes[i].Bars, b)
			}
		}
	}
	t.addTicks()
	return t
}

// PlotLeft is where the time axis begins.
func (t *timeline) PlotLeft() int { return plotLeft }

// PlotRight is where the time axis ends.
func (t *timeline) PlotRight() int { return plotRight }

// fraction returns how far along the axis a time lies, from 0 to 1.
func (t *timeline) fraction(at event.Time) float64 {
	if t.To == t.From {
		return 0
	}
	return float64(at-t.From) / float64(t.To-t.From)
}

// tickSteps are the distances that marks of the axis may have.
var tickSteps = []event.Time{
	event.Second, 2 * event.Second, 5 * event.Second, 10 * event.Second, 30 * event.Second,
	event.Minute, 2 * event.Minute, 5 * event.Minute, 10 * event.Minute, 15 * event.Minute, 30 * event.Minute,
	event.Hour, 2 * event.Hour, 3 * event.Hour, 6 * event.Hour, 12 * event.Hour,
	event.Day, 2 * event.Day, 7 * event.Day, 14 * event.Day, 30 * event.Day, 90 * event.Day, 180 * event.Day, 365 * event.Day,
}

// addTicks marks round times. A span that is too short or too long for them
// gets a mark at each end.
func (t *timeline) addTicks() {
	span := t.To - t.From
	for _, step := range tickSteps {
		if span/step > wantedTicks {
			continue
		}
		layout := "15:04:05"
		switch {
		case step >= event.Day:
			layout = time.DateOnly
		case span > event.Day/2:
			layout = "01-02 15:04"
		case step >= event.Minute:
			layout = "15:04"
		}
		for at := t.From - t.From%step + step; at <= t.To; at += step {
			x := plotLeft + int(t.fraction(at)*(plotRight-plotLeft))
			t.Ticks = append(t.Ticks, tick{X: x, Label: at.Time().Format(layout), End: x > plotRight-60})
		}
		break
	}
	if len(t.Ticks) < 2 {
		t.Ticks = []tick{{X: plotLeft, Label: text.Time(t.From)}}
		if span > 0 {
			t.Ticks = append(t.Ticks, tick{X: plotRight, Label: text.Time(t.To), End: true})
		}
	}
}
