package html

import (
	"webshellscan/report/phrase"
	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// Bounds of the stack on the page.
const (
	maxKindsFirst = 6   // of a level; the others are folded
	maxKindCards  = 100 // sessions shown with their trees, the first of each kind among them
	maxMovedFirst = 8   // the others are folded
	maxKindHosts  = 100 // hosts that a kind names
	maxRanShort   = 4   // commands in the row of a kind
	maxRan        = 50  // commands that a kind names
	maxWay        = 2   // hosts in the row of what moved
)

// kindRow is a kind of session as the page shows it.
type kindRow struct {
	*finding.Kind
	Short           []string
	ShortMore       int
	Ran             []string
	RanMore         int
	Named           []string // hosts
	NamedMore       int
	Server          string
	FirstHost, Link string // Link is "" if the first session is not shown
}

// movedRow is something that moved between hosts as the page shows it.
type movedRow struct {
	*finding.Movement
	What, Way []phrase.Part
}

// stackView is the stack of a page.
type stackView struct {
	Total, TotalMoved int
	Kinds, MoreKinds  []kindRow // those shown at once, and those folded
	Moved, MoreMoved  []movedRow
}

// KindsLeft counts the kinds of session that the page leaves out.
func (v *stackView) KindsLeft() int { return v.Total - len(v.Kinds) - len(v.MoreKinds) }

// MovedLeft counts what moved between hosts that the page leaves out.
func (v *stackView) MovedLeft() int { return v.TotalMoved - len(v.Moved) - len(v.MoreMoved) }

// newStackView returns the stack as the page shows it. link returns the link to
// a session, "" if it is not shown.
func newStackView(stack *finding.Stack, link func(*finding.Session) string) *stackView {
	v := &stackView{Total: len(stack.Kinds), TotalMoved: len(stack.Moved)}
	type group struct {
		level rules.Level
		known bool
	}
	shown := make(map[group]int)
	for i := range firstOf(stack.Kinds) {
		row := newKindRow(&stack.Kinds[i])
		row.Link = link(row.First())
		g := group{row.Level, row.Known}
		if shown[g]++; shown[g] <= maxKindsFirst {
			v.Kinds = append(v.Kinds, row)
		} else {
			v.MoreKinds = append(v.MoreKinds, row)
		}
	}
	for i := range firstOf(stack.Moved) {
		m := &stack.Moved[i]
		row := movedRow{m, phrase.MovedText(m), phrase.Way(m, maxWay)}
		if i < maxMovedFirst {
			v.Moved = append(v.Moved, row)
		} else {
			v.MoreMoved = append(v.MoreMoved, row)
		}
	}
	return v
}

func newKindRow(k *finding.Kind) kindRow {
	row := kindRow{Kind: k, Server: shortText(phrase.KindServer(k)), FirstHost: k.First().Host}
	row.Short, row.ShortMore = phrase.Ran(k, maxRanShort)
	row.Ran, row.RanMore = phrase.Ran(k, maxRan)
	row.Named = k.Hosts[:min(len(k.Hosts), maxKindHosts)]
	row.NamedMore = len(k.Hosts) - len(row.Named)
	return row
}
