// Package text is how reports write for people: log text made visible, cut and
// wrapped, times, counts and sizes in words, colours, and tables.
//
// It depends neither on what was found nor on a format. Every text of a log
// goes through Visible before it reaches a terminal or a page; escaping for a
// format comes after that and is the format's own.
package text

// Interrupted marks a report that holds but a part.
const Interrupted = "INTERRUPTED: this report holds what was found until then"
