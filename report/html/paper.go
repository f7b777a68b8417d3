package html

import (
	"fmt"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/rules"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// What two printed pages hold of a session, rather too little than too much:
// the style cuts what lies beyond them. Heights are in tenths of a millimetre,
// as a browser makes them of A4 and of letter paper.
const (
	paperHeight    = 4900
	paperHead      = 900 // headings, note and margins
	paperFact      = 45  // with one line, a third of its height, in three columns
	paperLine      = 52  // of facts and story
	paperWidth     = 85  // characters of such a line
	paperTreeLine  = 40
	paperTreeWidth = 85
	paperClamp     = 3 // lines of a command line
	minPaperTree   = 600
)

// paperLines returns how many printed lines a text takes.
func paperLines(s string, width int) int { return 1 + len(s)/width }

// paperRoom returns how much room the text of a session leaves for its tree.
func (v *sessionView) paperRoom() int {
	height := paperHead + len(v.Facts)*paperFact
	for _, f := range v.Facts {
		for _, line := range f.Lines {
			if f.Wide {
				height += min(paperLines(line, paperWidth), paperClamp) * paperLine
			} else if f.Several() {
				height += paperLines(line, paperWidth) * paperLine
			} else {
				height += (paperLines(line, paperWidth/3) - 1) * paperLine / 2
			}
		}
	}
	lines := 0
	for _, parts := range append(v.Entries, v.Indicators) {
		lines += paperLines(phrase.Plain(parts), paperWidth)
	}
	for _, line := range v.Story {
		lines += paperLines(phrase.Plain(line.Parts), paperWidth)
	}
	return max(paperHeight-height-lines*paperLine, minPaperTree)
}

// paperHeight returns how high a printed node is.
func (n *treeNode) paperHeight() int {
	command := func(s string) int { return min(paperLines(s, paperTreeWidth), paperClamp) }
	// What stands in its first line besides the level and the time.
	lines := paperLines(proctree.BaseName(n.Image)+n.User+n.Guess+n.Because+n.Repeated(), paperTreeWidth-40) + len(n.Events) + len(n.Notes)
	if n.CommandLine != "" {
		lines += command(n.CommandLine)
	}
	if f := n.Finding(); f != nil && f.DecodedCommand != "" {
		lines += command(f.DecodedCommand) + strings.Count(f.DecodedCommand, "\n")
	}
	if n.Hash != "" {
		lines++
	}
	if n.EventsMore > 0 {
		lines++
	}
	return lines * paperTreeLine
}

// putOnPaper chooses which nodes of a tree are printed: the gravest, with those
// above them. It returns what to say of the others, "" if there are
// none. What lies on no way to a finding is never printed, and not counted.
func putOnPaper(nodes []*treeNode, room int) string {
	list := make([]finding.Branch, len(nodes))
	for i, n := range nodes {
		list[i] = finding.Branch{Above: n.Parent, Weight: finding.Weight(n.Finding()), Cost: n.paperHeight()}
		if !n.OnWay {
			list[i].Cost = 0
		}
	}
	list[0].Cost = 0
	left, gravest := 0, rules.LevelNone
	for i, kept := range finding.KeepGravest(list, room) {
		if kept {
			continue
		}
		nodes[i].Unprinted = true
		if !nodes[i].OnWay {
			continue
		}
		left += nodes[i].Count
		if f := nodes[i].Finding(); f != nil {
			gravest = max(gravest, f.Level)
		}
	}
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("%s of this tree not printed%s: the file has all of it.", plural.Count(left, "process", "processes"), phrase.GravestOf(gravest))
}
