package main

import (
	_ "embed"
	"fmt"
	"strings"
)

// equivalents lists the mutants that do the same as the code, and why: one a
// paragraph, its key on the first line and the reason on those below.
//
//go:embed equivalents.txt
var equivalents string

// parseEquivalents returns the reasons by key.
func parseEquivalents(text string) (map[string]string, error) {
	reasons := make(map[string]string)
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		key, reason, _ := strings.Cut(strings.TrimSpace(paragraph), "\n")
		if strings.HasPrefix(key, "#") || key == "" {
			continue
		}
		if reason == "" {
			return nil, fmt.Errorf("equivalents.txt gives no reason for %q", key)
		}
		reasons[key] = reason
	}
	return reasons, nil
}
