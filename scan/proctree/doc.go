// Package proctree makes processes of process events, and trees of processes.
//
// Collectors, one for each goroutine, take events and keep of each a small
// record without pointers; every distinct text is kept once. Build then makes
// one Forest of what they collected: it identifies hosts, folds the records of
// one process (copies of a log, Sysmon beside the Security log), puts them on
// one time line even where a clock was set back, and finds each process's
// parent.
//
// A process is identified by its host, boot, process ID and start, or by its
// Sysmon process GUID. A link to a parent carries how sure it is (see Link). A
// parent that no log has the creation of becomes a stub, made of what the
// records of its children have of it.
//
// The result depends on the events and their places only, not on the number of
// collectors or the order in which they worked.
package proctree
