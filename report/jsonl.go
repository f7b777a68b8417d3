package report

import (
	"encoding/json"
	"io"

	"webshellscan/scan"
)

// jsonl writes JSON Lines: one object a finding.
type jsonl struct{ enc *json.Encoder }

func newJSONL(w io.Writer, _ Options) Writer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &jsonl{enc}
}

// Begin implements Writer.
func (j *jsonl) Begin() error { return nil }

// Finding implements Writer.
func (j *jsonl) Finding(f *scan.Finding) error { return j.enc.Encode(newRow(f)) }

// End implements Writer.
func (j *jsonl) End(*scan.Summary) error { return nil }
