package report

import (
	"encoding/json"
	"io"

	"webshellscan/scan"
)

// writeJSONL writes JSON Lines: one object a finding.
func writeJSONL(w io.Writer, res *scan.Result, _ Options) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, f := range res.Findings {
		if err := enc.Encode(newRow(f)); err != nil {
			return err
		}
	}
	return nil
}
