package report

import (
	"io"
	"slices"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/scan"
)

// blindSection names, in a table, the hosts on which what ran cannot be seen,
// and what makes no findings mean nothing.
func blindSection(w io.Writer, s *scan.Summary, width int) error {
	list := slices.Concat(wholeBlind(s), s.BlindHosts)
	if len(list) == 0 {
		return nil
	}
	p := printer{w: w}
	p.line("\nWhat these logs could not have shown")
	for i, b := range list {
		if i == maxListed {
			p.line("  and %s without process creations", plural.Count(len(list)-maxListed, "more host"))
			break
		}
		line := b.Text
		if b.Host != "" {
			line = b.Host + ": " + line
		}
		p.wrapped(width, "  ", line)
	}
	return p.err
}

// wholeBlind returns why nothing could be found on any host.
func wholeBlind(s *scan.Summary) []scan.Blind {
	var list []scan.Blind
	for _, reason := range s.BlindScan() {
		list = append(list, scan.Blind{Text: reason})
	}
	return list
}

// blindLines returns why nothing could be found on any host, and then the hosts
// on which what ran cannot be seen, with why, and the other events about their
// web servers.
func blindLines(res *scan.Result) []scan.Blind {
	list := wholeBlind(&res.Summary)
	for _, b := range res.Summary.BlindHosts {
		list = append(list, scan.Blind{Host: b.Host, Text: phrase.WithTraces(res, b.Host, b.Text)})
	}
	return list
}

// writeBlind ends a CSV with a line for each reason why something cannot be
// seen, in the column blind; host is empty if that is so of all hosts. All
// other columns are empty.
func writeBlind[R any](c *csvWriter, columns []csvColumn[R], lines []scan.Blind) error {
	for _, b := range lines {
		cells := make([]string, len(columns))
		for i, col := range columns {
			switch col.name {
			case "host":
				cells[i] = c.cell(b.Host)
			case "blind":
				cells[i] = c.cell(b.Text)
			}
		}
		if err := c.write(cells); err != nil {
			return err
		}
	}
	return nil
}
