// Package finding holds what a scan finds, as data: a Finding is one process
// with the rules that it matched, a Session what was found below one server,
// with its events and web requests, Evidence the record that something rests
// on. It derives what follows from findings alone: which are of one shape
// (Fold), the derived fields of a session (Session.Summarize), what of it is
// shown (Session.Tree), what the sessions of many hosts have in common
// (NewStack), and what a Baseline has.
//
// It depends on what records and trees are, but neither on how they are read
// and matched nor on how they are reported.
package finding
