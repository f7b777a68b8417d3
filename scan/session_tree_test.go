package scan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// treeText writes a tree, one node a line: how often, file name, process ID,
// "*" for a finding, and what is left out below.
func treeText(t *testing.T, tree *finding.Tree) string {
	t.Helper()
	var b strings.Builder
	for i := range tree.Nodes {
		n := &tree.Nodes[i]
		if i > 0 && (n.Parent >= i || tree.Nodes[n.Parent].Depth != n.Depth-1) {
			t.Fatalf("node %d: %+v", i, n)
		}
		fmt.Fprintf(&b, "%s%dx %s %d", strings.Repeat("  ", n.Depth), n.Count, proctree.BaseName(n.Process.Forest().Texts().Text(n.Process.Image())), n.Process.PID())
		if n.Finding() != nil {
			b.WriteString(" *")
		}
		if n.LeftOut+n.LeftOutFound > 0 {
			fmt.Fprintf(&b, " left out %d, %d", n.LeftOut, n.LeftOutFound)
			if n.LeftOutFound > 0 {
				fmt.Fprintf(&b, " %s", n.LeftOutLevel)
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "left out %d %v", tree.LeftOut, tree.LeftOutImages)
	return b.String()
}

// below returns a process of a worker of IIS.
func below(pid, parent uint32, image, command string) run {
	return run{pid, parent, image, command, shopUser, 0x9999, "High", "", ""}
}

// TestSessionTree: what of a session is shown, what is one node, and what is
// left out.
func TestSessionTree(t *testing.T) {
	const csc, conhost = `C:\Windows\Microsoft.NET\Framework64\v4.0.30319\csc.exe`, `C:\Windows\System32\conhost.exe`
	worker := below(100, 4, w3wp, `w3wp.exe -ap "shop"`)
	var same, apart, many, alike []run
	for i := range uint32(5) {
		same = append(same, below(200+i, 100, cmd, fmt.Sprintf("cmd /c whoami %d", i)))
	}
	for i := range uint32(2) {
		apart = append(apart, below(200+i, 100, cmd, "cmd /c a"), below(300+i, 200+i, conhost, "conhost"))
	}
	for i := range uint32(8) {
		many = append(many, below(200+i, 100, csc, fmt.Sprint("csc ", string('a'+rune(i)))))
	}
	for i := range uint32(2) {
		alike = append(alike, below(200+i, 100, cmd, fmt.Sprint("cmd /c ", string('a'+rune(i)))), below(300+i, 200+i, conhost, "conhost"))
	}
	shell := below(900, 100, cmd, "cmd /c whoami")
	dump := below(904, 900, `C:\Windows\System32\rundll32.exe`, `rundll32 C:\Windows\System32\comsvcs.dll, MiniDump 624 C:\p\l.dmp full`)
	for _, tt := range []struct {
		name   string
		runs   []run
		bounds finding.Bounds
		want   string
	}{
		{"findings of one shape are one node", same, finding.Bounds{}, `
1x w3wp.exe 100
  5x cmd.exe 200 *
left out 0 []`},
		{"few of one shape with children stay apart, context of one shape is shown once", apart, finding.Bounds{}, `
1x w3wp.exe 100
  1x cmd.exe 200 *
    1x conhost.exe 300
  1x cmd.exe 201 * left out 1, 0
left out 1 [{conhost.exe 1}]`},
		{"of other processes some", append(many, shell), finding.Bounds{}, `
1x w3wp.exe 100 left out 2, 0
  1x csc.exe 200
  1x csc.exe 201
  1x csc.exe 202
  1x csc.exe 203
  1x csc.exe 204
  1x csc.exe 205
  1x cmd.exe 900 *
left out 2 [{csc.exe 2}]`},
		{"no context", append(many, shell), finding.Bounds{NoContext: true}, `
1x w3wp.exe 100 left out 8, 0
  1x cmd.exe 900 *
left out 8 [{csc.exe 8}]`},
		{"room for the server process only", same, finding.Bounds{Nodes: 1}, `
1x w3wp.exe 100 left out 0, 5 high
left out 5 []`},
		{"a bound of nodes", append(alike, below(400, 100, csc, "csc"), shell), finding.Bounds{Nodes: 3}, `
1x w3wp.exe 100 left out 1, 1 high
  1x cmd.exe 200 * left out 1, 0
  1x cmd.exe 201 * left out 1, 0
left out 4 [{conhost.exe 2} {csc.exe 1}]`},
		{"the gravest is kept, however late", append(same, shell, dump), finding.Bounds{Nodes: 3}, `
1x w3wp.exe 100 left out 0, 5 high
  1x cmd.exe 900 *
    1x rundll32.exe 904 *
left out 5 []`},
		{"no room for the way to the gravest", append(same, shell, dump), finding.Bounds{Nodes: 2}, `
1x w3wp.exe 100 left out 0, 5 high
  1x cmd.exe 900 * left out 0, 1 critical
left out 6 []`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := scanRuns(t, append([]run{worker}, tt.runs...)...)
			if len(res.Sessions) != 1 {
				t.Fatalf("%d sessions", len(res.Sessions))
			}
			got := treeText(t, res.Sessions[0].Tree(tt.bounds))
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if (&finding.Session{}).Tree(finding.Bounds{}) != nil {
		t.Error("a tree of a session whose server process is not known")
	}
}
