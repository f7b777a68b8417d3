package text

import (
	"bytes"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
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
	var drawn, b bytes.Buffer
	if err := render(&drawn, rows, columns); err != nil {
		return err
	}
	for line := range bytes.Lines(drawn.Bytes()) {
		b.Write(bytes.TrimRight(line, " \n"))
		b.WriteByte('\n')
	}
	_, err := w.Write(b.Bytes())
	return err
}

// render draws a table without lines between the columns.
func render(w io.Writer, rows [][]string, columns []Column) error {
	fixTableWidths()
	perColumn := tw.NewMapper[int, int]()
	header := make([]string, len(columns))
	for i, c := range columns {
		perColumn.Set(i, c.Width+2)
		header[i] = strings.ToUpper(c.Name)
	}
	plain := tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off}
	left := tw.CellAlignment{Global: tw.AlignLeft}
	out := tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone,
			Symbols: tw.NewSymbols(tw.StyleASCII),
			Settings: tw.Settings{
				Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off, ShowHeader: tw.On},
				Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowTop: tw.Off, ShowBottom: tw.Off},
			},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header:   tw.CellConfig{Formatting: plain, Alignment: left},
			Row:      tw.CellConfig{Formatting: plain, Alignment: left},
			Widths:   tw.CellWidth{PerColumn: perColumn},
			Behavior: tw.Behavior{TrimSpace: tw.Off},
		}),
	)
	out.Header(header)
	for _, row := range rows {
		if err := out.Append(row); err != nil {
			return err
		}
	}
	return out.Render()
}
