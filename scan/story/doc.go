// Package story ties other events of the evidence to web server sessions: the
// files that a session's processes wrote, whom they talked to, what they left
// behind, and where they went next.
//
// A session is a web server process and everything below it. An Index finds the
// sessions of a forest by everything that events name a process by: its Sysmon
// GUID, its process ID and life span, its logon session, its account, its
// command line. A Collector, one for each goroutine that reads, is given events
// and keeps those that are a session's, and those that may turn out to be one's
// when all is read: a service's program is known as the session's only once the
// event that says who wrote the file was seen. Stories then makes the story of
// each session of what the collectors kept.
//
// The package depends on no bytes, no files and no formats of output. It says
// of each event by which Link it is tied, and ties none by less.
package story
