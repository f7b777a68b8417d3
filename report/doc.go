// Package report writes what a scan found, and trees, rules and explanations,
// in several formats. What a log holds is an attacker's text, so each format
// escapes it by its own rules, at the last moment.
//
// It opens no files: it is given an io.Writer. It decides nothing about what
// was found; package scan does. The formats are listed in formats.go, one a
// line, with the endings of their files and what they need.
package report
