package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/text"
	"webshellscan/scan"
)

// verifyTable writes integrity, coverage and inputs for people.
func verifyTable(w io.Writer, res *scan.Result, o Options) error {
	width := tableWidth(o)
	p := printer{w: w}
	p.line("webshellscan %s", text.Visible(res.Manifest.Version))
	if res.Summary.Interrupted != nil {
		p.wrapped(width, "", text.Interrupted+".")
	}
	p.line("\nIntegrity")
	if len(res.Integrity) == 0 {
		p.line("  nothing to report")
	}
	p.integrity(res.Integrity, width)
	p.line("\nCoverage")
	if len(res.Coverage) == 0 {
		p.line("  no host")
	}
	p.coverage(res.Coverage, width)
	p.line("\nInputs")
	for _, in := range res.Manifest.Inputs {
		p.wrapped(width, "  ", in.Path)
		switch {
		case in.Error != "" && in.Records == 0 && in.Size > 0:
			p.line("    %d bytes", in.Size)
		case in.Error == "" || in.Records > 0:
			p.line("    %d bytes, %s, %s in %s", in.Size, lostText(&in), plural.Count(in.Records, "record"), plural.Count(in.Chunks, "chunk"))
		}
		if in.SHA256 != "" {
			p.line("    SHA-256 %s", text.Visible(in.SHA256))
		}
		if in.Error != "" {
			p.wrapped(width, "    ", in.Error)
		}
	}
	return p.err
}

// lostText describes how much of an input is lost or missing, as far as that is
// known.
func lostText(in *scan.InputFile) string {
	var parts []string
	switch {
	case in.Lost > 0:
		parts = append(parts, "at least "+plural.Count(in.Lost, "record")+" lost")
	case in.LostChunks > 0:
		parts = append(parts, plural.Count(in.LostChunks, "chunk")+" lost")
	case in.Damaged:
		parts = append(parts, "damaged")
	}
	if in.Missing > 0 {
		parts = append(parts, plural.Count(in.Missing, "record identifier")+" missing")
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing lost")
}

// verifyCSV writes one line for each integrity finding, host, channel, gap and
// input; the column kind says which it is. Not every kind fills every column.
func verifyCSV(w io.Writer, res *scan.Result, o Options) error {
	rows := [][]string{{"kind", "level", "host", "channel", "file", "offset", "first", "last", "count", "text", "meaning", "size", "sha256"}}
	for _, i := range res.Integrity {
		rows = append(rows, []string{
			"integrity:" + string(i.Kind), i.Level.String(), i.Host, i.Channel, i.File, strconv.FormatInt(i.Offset, 10),
			i.First.String(), i.Last.String(), strconv.Itoa(i.Count), i.Text, i.Meaning, "", "",
		})
	}
	for i := range res.Coverage {
		h := &res.Coverage[i]
		rows = append(rows, []string{
			"host", "", h.Host, "", "", "", h.First.String(), h.Last.String(), strconv.Itoa(h.Sysmon1 + h.Security4688), processCoverage(h), "", "", "",
		})
		for _, ch := range h.Channels {
			rows = append(rows, []string{
				"channel", "", h.Host, ch.Channel, "", "", ch.First.String(), ch.Last.String(), strconv.Itoa(ch.Records), "", "", "", "",
			})
			for _, g := range ch.Gaps {
				rows = append(rows, []string{
					"gap", "", h.Host, ch.Channel, "", "", g.From.String(), g.To.String(), strconv.FormatUint(g.LastID-g.FirstID+1, 10),
					fmt.Sprintf("record IDs %d to %d are missing", g.FirstID, g.LastID), "", "", "",
				})
			}
		}
	}
	for _, in := range res.Manifest.Inputs {
		rows = append(rows, []string{
			"input", "", "", "", in.Path, "", "", "", strconv.Itoa(in.Records), in.Error, "", strconv.FormatInt(in.Size, 10), in.SHA256,
		})
	}
	if res.Summary.Interrupted != nil {
		rows = append(rows, []string{"interrupted", "", "", "", "", "", "", "", "", text.Interrupted, "", "", ""})
	}
	return writeLines(w, rows, o)
}

// verifyJSONL writes the objects of JSON Lines that are not about what ran.
func verifyJSONL(w io.Writer, res *scan.Result, _ Options) error {
	return writeObjects(w, res, verifySections())
}

// verifyJSON writes the same objects as one JSON document.
func verifyJSON(w io.Writer, res *scan.Result, _ Options) error {
	return writeDocument(w, res, verifySections())
}

// verifySections are the objects that are about the logs.
func verifySections() []jsonSection {
	return slices.DeleteFunc(jsonSections(false), func(s jsonSection) bool {
		return s.key != "manifest" && s.key != "hosts" && s.key != "integrity"
	})
}
