package draw

import (
	"cmp"
	"fmt"
	"strings"

	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// box is what stands in the box of a process in a diagram, as logs have it.
type box struct {
	head    string // image and process ID
	about   string // start and user
	again   string // how often its shape was seen
	command string
	rules   string
}

func newBox(p proctree.Process, again repetition, o *Options) box {
	texts := p.Forest().Texts()
	name := cmp.Or(proctree.BaseName(texts.Text(p.Image())), "(unknown)")
	b := box{
		head:    fmt.Sprintf("%s (%d)", text.Clip(text.Visible(name), maxBoxName), p.PID()),
		command: text.Visible(strings.TrimSpace(texts.KnownText(p.CommandLine()))), rules: o.mark(p),
	}
	if start := p.Start(); start != 0 {
		b.about = text.Time(start) + "  "
	} else if p.Stub() {
		b.about = "its start is not in the logs  "
	}
	b.about = strings.TrimSpace(b.about + text.Clip(text.Visible(texts.KnownText(p.Field(event.User))), maxBoxName))
	b.again = again.text()
	return b
}

// mark returns, made visible, why a process is a finding: its level and the
// titles of the rules that it matched, the gravest first. It is "" if no rule
// matched it.
func (o *Options) mark(p proctree.Process) string {
	f := o.Finding(p)
	if f == nil {
		return ""
	}
	var titles []string
	for _, r := range f.Rules {
		titles = append(titles, phrase.RuleTitle(r))
	}
	return text.Visible(f.Level.Name() + ": " + strings.Join(titles, ", "))
}

// maxBoxName is how many characters of a name stand in a box.
const maxBoxName = 60
