package text

import (
	"bytes"
	"io"
	"regexp"
	"strings"
)

// Column is one column of a table.
type Column struct {
	Name string
	// Width is how many columns of the terminal its content may take.
	Width int
}

// Table writes rows below a header, without blanks at the ends of lines. Cells
// are wrapped already: one has as many lines as it needs.
func Table(w io.Writer, rows [][]string, columns []Column) error {
	var b bytes.Buffer
	header, total := make([]string, len(columns)), 0
	for i, c := range columns {
		header[i] = strings.ToUpper(c.Name)
		total += c.Width + 2
	}
	writeRow(&b, header, columns)
	b.WriteString(strings.Repeat("-", total) + "\n")
	for _, row := range rows {
		writeRow(&b, row, columns)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// colours matches what Style puts around a text: it takes no room.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// writeRow writes one row, each cell between two blanks.
func writeRow(b *bytes.Buffer, row []string, columns []Column) {
	cells, height := make([][]string, len(row)), 1
	for i, cell := range row {
		cells[i] = strings.Split(cell, "\n")
		height = max(height, len(cells[i]))
	}
	for n := range height {
		var line strings.Builder
		for i, c := range columns {
			part := ""
			if n < len(cells[i]) {
				part = cells[i][n]
			}
			width := Width(colours.ReplaceAllString(part, ""))
			if width > c.Width {
				part = Truncate(colours.ReplaceAllString(part, ""), c.Width, "…")
				width = Width(part)
			}
			line.WriteString(" " + part + strings.Repeat(" ", c.Width-width+1))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
