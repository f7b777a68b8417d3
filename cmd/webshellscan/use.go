package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"webshellscan/report"
)

// checkUse returns an error if a flag was given that some formats have a use
// for, but none of those which are written.
func checkUse(flags *pflag.FlagSet, f formats, list []destination) (err error) {
	flags.Visit(func(flag *pflag.Flag) {
		uses := f.Uses(flag.Name)
		used := slices.ContainsFunc(uses, func(u report.Use) bool {
			return (u.With == "" || flags.Changed(u.With)) && slices.ContainsFunc(list, func(d destination) bool { return d.format == u.Format })
		})
		if len(uses) > 0 && !used && err == nil {
			err = fmt.Errorf("--%s: of use to the format %s only", flag.Name, usesText(uses))
		}
	})
	return err
}

// usesText names the formats of uses, and the flags that those need.
func usesText(uses []report.Use) string {
	texts := make([]string, len(uses))
	for i, u := range uses {
		if texts[i] = u.Format; u.With != "" {
			texts[i] += " (with --" + u.With + ")"
		}
	}
	return strings.Join(texts, ", ")
}
