// Package text is how reports write for people: log text made visible, cut and
// wrapped, times, counts and sizes in words, colours, and tables.
//
// It knows nothing of what was found, and no format. Everything that a log says
// goes through Visible before it reaches a terminal or a page; escaping for a
// format comes after that and is the format's own.
package text

// Interrupted marks a report that holds but a part.
const Interrupted = "INTERRUPTED: this report holds what was found until then"
