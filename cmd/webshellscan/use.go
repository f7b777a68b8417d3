package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// flagUse says which formats have a use for a flag.
var flagUse = map[string][]string{
	"flat":      {"table"},
	"sessions":  {"csv"},
	"processes": {"csv"},
	"sort":      {"csv", "table"},
	"width":     {"table", "text"},
	"ascii":     {"text"},
	"title":     {"html"},
	"case":      {"html"},
	"author":    {"html"},
	"marks":     {"html"},
	"csv-raw":   csvFormats,
	"csv-time":  {"csv", "sessions-csv", "timeline", "stack"},
	"csv-excel": csvFormats,
}

var csvFormats = []string{"csv", "sessions-csv", "timeline", "indicators", "timesketch-csv", "stack"}

// checkUse returns an error if a flag was given that none of the formats which
// are written has a use for.
func checkUse(flags *pflag.FlagSet, list []destination) (err error) {
	flags.Visit(func(f *pflag.Flag) {
		known, ok := flagUse[f.Name]
		if !ok || err != nil {
			return
		}
		if !slices.ContainsFunc(list, func(d destination) bool { return slices.Contains(known, d.format) }) {
			err = fmt.Errorf("--%s: of use to the format %s only", f.Name, strings.Join(known, ", "))
		}
	})
	return err
}
