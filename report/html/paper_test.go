package html

import (
	"testing"

	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// TestPutOnPaper: what has room on paper is the gravest, with what is above it;
// of the rest those are counted that are printed elsewhere.
func TestPutOnPaper(t *testing.T) {
	node := func(parent int, level rules.Level) *treeNode {
		n := &finding.TreeNode{Parent: parent, Count: 1}
		if level != rules.LevelNone {
			n.OnWay, n.Findings = true, []*finding.Finding{{Level: level}}
		}
		return &treeNode{TreeNode: n}
	}
	for _, tt := range []struct {
		room    int // in nodes without a command line
		printed string
		said    string
	}{
		{2, "rlch", ""},
		{1, "rh", "1 process of this tree not printed, the gravest of them low: the file has all of it."},
		{0, "r", "2 processes of this tree not printed, the gravest of them high: the file has all of it."},
	} {
		nodes := []*treeNode{node(-1, rules.LevelNone), node(0, rules.LevelLow), node(1, rules.LevelNone), node(0, rules.LevelHigh)}
		nodes[0].OnWay = true
		said, printed := putOnPaper(nodes, tt.room*nodes[1].paperHeight()), ""
		for i, n := range nodes {
			if !n.Unprinted {
				printed += "rlch"[i : i+1]
			}
		}
		if said != tt.said || printed != tt.printed {
			t.Errorf("room for %d: %s, %q, want %s, %q", tt.room, printed, said, tt.printed, tt.said)
		}
	}
}
