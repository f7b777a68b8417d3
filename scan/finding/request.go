package finding

import (
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
	"webshellscan/scan/source"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// Request is a web request that may have started processes of a session, or
// another one of such a client.
type Request struct {
	weblog.Request
	// From is the address that the request is attributed to: Client, or the
	// one that ForwardedFor names if Client is a proxy.
	From    string
	Host    string
	Session *Session
	// Entry is set if it is of an entry point, and Confidence is how sure
	// that is.
	Entry      bool
	Confidence story.Confidence
	// Processes are those that began while it may have run.
	Processes []proctree.Process
	File      string
	Origin    *source.Origin
}

// EntryPoint is a page that may have started processes of a session.
type EntryPoint struct {
	URI, Site                    string
	Methods, Clients, UserAgents []string
	// Proxies are the addresses of proxies that some clients came by,
	// Claimed those that headers name of requests that came by none.
	Proxies, Claimed []string
	Statuses         []int
	First, Last      event.Time
	// Requests counts all of the page in the logs, Coinciding those around
	// the children that ran while one began, Processes the children that
	// are explained, OfProcesses those that began while the logs cover, and
	// ByChance how many would coincide by chance.
	Requests, Coinciding, Processes, OfProcesses int
	ByChance                                     float64
	Confidence                                   story.Confidence
}
