// Package report writes what a scan found, and trees, rules and explanations,
// in several formats. What a log holds is an attacker's text, so each format
// escapes it by its own rules, at the last moment.
//
// It depends on no files but the io.Writer that it is given, and decides
// nothing about what was found: that is the domain's (package scan). The
// formats are listed in formats.go, one a line, with the endings of their files
// and what they need.
package report
