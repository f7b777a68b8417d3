package story

import (
	"slices"
	"strings"

	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// tie is the session that an event is of, and what ties it.
type tie struct {
	session int
	link    Link
	process proctree.Process // the zero Process if no tree has it
	server  bool             // the process is a server itself
	// pid and guid are those of a process that no tree has, as the event
	// has them.
	pid  uint32
	guid event.GUID
}

// fields reads the fields of an event: of an event at hand only those that are
// asked for are made texts.
type fields interface {
	// text returns the first value of a name, "" if there is none.
	text(name string) string
	// uint returns it as a number.
	uint(name string) (uint64, bool)
	// guid returns it as a GUID.
	guid(name string) event.GUID
	// writer is System/Execution/@ProcessID, user System/Security/@UserID.
	writer() uint32
	user() string
}

// early returns the tie of an event by what it has of its process: one that
// needs nothing else. named reports whether it names a process of its host that
// is in no session, so that nothing less may tie it.
func (x *Index) early(h *hostIndex, k *kind, f fields, at event.Time) (t tie, named bool) {
	if k.guid != "" {
		if guid := f.guid(k.guid); !guid.IsZero() {
			if o, ok := h.named().guids[guid]; ok {
				return tie{session: o.session, link: LinkGUID, process: o.process, server: o.server}, true
			}
			t.guid = guid
		}
	}
	t.session = -1
	t.pid = processID(k, f)
	if o, ok := h.byPID(t.pid, at); ok && t.pid != 0 {
		if o.session >= 0 && o.fits(k, f, t.guid) {
			return tie{session: o.session, link: LinkPID, process: o.process, server: o.server}, true
		}
		if o.session < 0 {
			return t, true
		}
	}
	return x.bySubject(h, k, f, at, t), false
}

// bySubject returns the tie of an event by who did it: his logon session, or
// his account.
func (x *Index) bySubject(h *hostIndex, k *kind, f fields, at event.Time, t tie) tie {
	if k.logon != "" {
		if id, ok := f.uint(k.logon); ok && id != 0 {
			if s, ok := alone(h.named().logons[id], at); ok {
				t.session, t.link = s, LinkLogon
				return t
			}
		}
	}
	for _, account := range accounts(k, f) {
		if s, ok := alone(h.named().users[account], at); ok {
			t.session, t.link = s, LinkUser
			t.server = k.image != "" && x.isServerProgram(s, proctree.BaseName(f.text(k.image)))
			return t
		}
	}
	return t
}

// accounts returns the accounts that an event is of, in lower case.
func accounts(k *kind, f fields) []string {
	var list []string
	if k.userID {
		list = append(list, f.user())
	}
	for _, name := range k.users {
		list = append(list, f.text(name))
	}
	for i := range list {
		list[i] = strings.ToLower(list[i])
	}
	return slices.DeleteFunc(list, func(a string) bool { return !event.IsVirtualAccount(a) })
}

// processID returns the ID of the process that an event is of, 0 if it does not
// name it.
func processID(k *kind, f fields) uint32 {
	if k.pid == exchangeProcess {
		return exchangeProcessID(f)
	}
	if k.pid != "" {
		if n, ok := f.uint(k.pid); ok && n <= 1<<32-1 {
			return uint32(n)
		}
		if k.category == ApplicationCrash {
			return crashedProcessID(f)
		}
	}
	if k.writer {
		return f.writer()
	}
	return 0
}

// exchangeProcessID reads "8372 w3wp#MSExchangePowerShellAppPool".
func exchangeProcessID(f fields) uint32 {
	for i := 4; i <= 8; i++ {
		pid, rest, ok := strings.Cut(f.text(DataName(i)), " ")
		if n, isNumber := number(pid); ok && isNumber && n <= 1<<32-1 && strings.Contains(rest, "#") {
			return uint32(n)
		}
	}
	return 0
}

// crashedProcessID reads the process ID of event 1000 of Application Error as
// it was before its values had names: the ninth, hexadecimal without a mark.
func crashedProcessID(f fields) uint32 {
	text := f.text(DataName(9))
	if text == "" {
		return 0
	}
	if !strings.HasPrefix(text, "0x") {
		text = "0x" + text
	}
	if n, ok := number(text); ok && n <= 1<<32-1 {
		return uint32(n)
	}
	return 0
}

// fits reports whether nothing in an event contradicts that its process is the
// owner.
func (o *owner) fits(k *kind, f fields, guid event.GUID) bool {
	if own := o.process.GUID(); !guid.IsZero() && !own.IsZero() && own != guid {
		return false
	}
	image := ""
	if k.image != "" {
		image = f.text(k.image)
	}
	if image == "" && k.category == ApplicationCrash {
		image = f.text(DataName(1))
	}
	texts := o.process.Forest().Texts()
	own := texts.KnownText(o.process.Image())
	if proctree.IsKnown(image) && own != "" && proctree.BaseName(image) != proctree.BaseName(own) {
		return false
	}
	if o.to != forever || !k.userID || len(o.sids) == 0 {
		return true
	}
	sid := strings.ToLower(f.user())
	return sid == "" || slices.Contains(o.sids, sid)
}
