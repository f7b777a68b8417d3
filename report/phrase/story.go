package phrase

import (
	"fmt"

	"webshellscan/scan"
)

// Request says a web request in one line.
func Request(r *scan.Request) string {
	s := r.Method + " " + r.URI
	if r.Query != "" {
		s += "?" + r.Query
	}
	if r.Client != "" {
		s += " from " + r.Client
	}
	if r.Status != 0 {
		s += fmt.Sprintf(": %d", r.Status)
	}
	return s
}
