package story

// Link is what ties an event to a session, and so how sure that is.
type Link uint8

// Links, from the surest.
const (
	LinkNone Link = iota
	// LinkGUID: the event names the process by its Sysmon GUID.
	LinkGUID
	// LinkPID: the event names the process ID, and the image where it names
	// one is the process's; the process was alive then, on that host and in
	// that boot.
	LinkPID
	// LinkLogon: the event's subject is in a logon session that only
	// processes of the session are in.
	LinkLogon
	// LinkUser: the event's user is an account that only processes of the
	// session have: the identity of an application pool, or a virtual
	// account.
	LinkUser
	// LinkPath: the event names a file that a process of the session wrote,
	// or that is the session's own program; or a task, service or job that
	// one of them made.
	LinkPath
	// LinkCommand: the event holds the command line of one process of the
	// session that ran at that time.
	LinkCommand
	// LinkAddress: another host names the web server's address as where
	// something came from, at a time when a process of the session reached
	// out.
	LinkAddress
	// LinkTime: nothing but the time, as of web requests.
	LinkTime
)

var linkNames = [...]string{"none", "guid", "pid+time", "logon", "user", "path", "command", "address", "time"}

// String returns the link's name as reports have it.
func (l Link) String() string {
	if int(l) >= len(linkNames) {
		return linkNames[0]
	}
	return linkNames[l]
}
