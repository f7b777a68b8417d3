package report_test

import (
	"context"
	"fmt"
	"strings"

	"webshellscan/report"
	"webshellscan/scan"
)

// A scan's result is written in the format that the ending of a file stands
// for. What the format needs of the scan is asked before it.
func Example() {
	format := report.ScanFormats.OfPath("case-17.sessions.csv")
	needs := report.ScanFormats.Needs(format)
	res, err := scan.Scan(context.Background(), scan.Options{
		Paths: []string{"../testdata/logs"}, Hash: needs.Manifest, RawEvents: needs.RawEvents,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var out strings.Builder
	if err := report.ScanFormats.Write(&out, format, res, report.Options{}); err != nil {
		fmt.Println(err)
		return
	}
	header, _, _ := strings.Cut(out.String(), ",application")
	fmt.Println(format)
	fmt.Println(header)
	// Output:
	// sessions-csv
	// session,host,level,raised,first,last,product
}
