package story

import (
	"fmt"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// Explanation is why an event is tied to a session, or why it is not.
type Explanation struct {
	// Category is what the event is about, "" if no story is made of such
	// events.
	Category Category
	// Session is the index of the session, -1 if it is tied to none; Link
	// and Process are what ties it.
	Session int
	Link    Link
	Process proctree.Process
	// Against is, link by link from the surest on, why a link does not tie
	// it. It may hold text of the log.
	Against []string
}

// Explain explains how an event stands to the sessions once stories are made:
// it is tied as by Collector.Add and Stories.
func (x *Index) Explain(ev *event.Event, stories []*Story) Explanation {
	e := Explanation{Session: -1}
	k := kindOfEvent(ev)
	if k == nil {
		return e.against("no story is made of events of this kind")
	}
	e.Category = k.category
	host := x.Host(ev.Computer.String())
	if host < 0 || len(x.hosts[host].sessions) == 0 && k.from == "" {
		return e.against("its host, " + ev.Computer.String() + ", has no session of a web server")
	}
	h := &x.hosts[host]
	if ev.Time < h.since-min(h.since, earlySlack) {
		return e.against("it is from before the first session of its host began")
	}
	f := eventFields{ev}
	t, named := x.early(h, k, f, ev.Time)
	waits := kept{record: RecordOf(ev), kind: k, host: host, tie: t}
	if t.session < 0 && !named {
		x.lateTie(stories, &waits)
	}
	e.Session, e.Link, e.Process = waits.tie.session, waits.tie.link, waits.tie.process
	for _, link := range []struct {
		link Link
		why  string
	}{
		{LinkGUID, againstGUID(k, f)},
		{LinkPID, h.againstPID(k, f, ev.Time)},
		{LinkLogon, h.againstLogon(k, f, ev.Time)},
		{LinkUser, h.againstUser(k, f, ev.Time)},
		{LinkPath, againstNames(k)},
		{LinkCommand, againstCommand(k)},
		{LinkAddress, againstAddress(k)},
	} {
		if e.Session >= 0 && link.link >= e.Link {
			break
		}
		if link.why != "" {
			e.Against = append(e.Against, link.why)
		}
		if named && link.link == LinkPID {
			e.Against = append(e.Against, "as it names a process, nothing less ties it to another")
			break
		}
	}
	if waits.tie.server && !k.own {
		e.Against = append(e.Against, "the process is the server itself: of its own events only those that a rule matches are kept, and those of the programs that it wrote and that ran below it")
	}
	return e
}

// against returns e with one more reason.
func (e Explanation) against(why string) Explanation {
	e.Against = append(e.Against, why)
	return e
}

// againstGUID returns why an event's process GUID does not tie it.
func againstGUID(k *kind, f fields) string {
	if k.guid == "" {
		return ""
	}
	if f.guid(k.guid).IsZero() {
		return "it names no process GUID"
	}
	return "no process of a session is known by its process GUID"
}

// againstPID returns why an event's process ID does not tie it.
func (h *hostIndex) againstPID(k *kind, f fields, at event.Time) string {
	if k.pid == "" && !k.writer {
		return ""
	}
	pid := processID(k, f)
	if pid == 0 {
		return "it names no process ID"
	}
	if len(h.named().pids[pid]) == 0 {
		return fmt.Sprintf("no process of a session has the process ID %d", pid)
	}
	o, ok := h.byPID(pid, at)
	if !ok {
		return fmt.Sprintf("no process with the process ID %d was alive then", pid)
	}
	image := o.process.Forest().Texts().Text(o.process.Image())
	if o.session < 0 {
		return fmt.Sprintf("the process ID %d was then that of %s, which is in no session", pid, image)
	}
	return fmt.Sprintf("the process ID %d was then that of %s, but the GUID, image or user of the event is another", pid, image)
}

// againstLogon returns why an event's logon ID does not tie it.
func (h *hostIndex) againstLogon(k *kind, f fields, at event.Time) string {
	if k.logon == "" {
		return ""
	}
	id, ok := f.uint(k.logon)
	if !ok || id == 0 {
		return "it names no logon ID"
	}
	if sharedLogons[id] {
		return fmt.Sprintf("the logon ID 0x%x is one that a system's own processes share", id)
	}
	return notAlone(fmt.Sprintf("the logon ID 0x%x", id), h.named().logons[id], at)
}

// againstUser returns why an event's account does not tie it.
func (h *hostIndex) againstUser(k *kind, f fields, at event.Time) string {
	if !k.userID && len(k.users) == 0 {
		return ""
	}
	list := accounts(k, f)
	if len(list) == 0 {
		return "its account is none that belongs to one program only"
	}
	var why []string
	for _, account := range list {
		why = append(why, notAlone("the account "+account, h.named().users[account], at))
	}
	return strings.Join(why, "; ")
}

// notAlone returns why no session has something alone at a time.
func notAlone(what string, claims []claim, at event.Time) string {
	if len(claims) == 0 {
		return what + " is that of no process of a session"
	}
	for _, c := range claims {
		if _, ok := alone([]claim{{0, c.from, c.to}}, at); ok {
			return what + " was shared then with processes outside the session"
		}
	}
	return what + " was that of no process then"
}

// againstNames returns why what an event names does not tie it.
func againstNames(k *kind) string {
	if len(k.paths)+len(k.names) == 0 {
		return ""
	}
	return "it names no file that a session wrote or ran, and no task, service or job that one made"
}

// againstCommand returns why the command line of an event does not tie it.
func againstCommand(k *kind) string {
	if !k.command {
		return ""
	}
	return "it holds no command line that one process of a session alone ran with then"
}

// againstAddress returns why the origin of an event does not tie it.
func againstAddress(k *kind) string {
	if k.from == "" {
		return ""
	}
	return "no process of a session on another host reached out from the address that it came from at that time"
}
