package integrity

import "webshellscan/scan/evtx"

// FaultDetail describes a fault and where it is.
func FaultDetail(f *evtx.FormatError) string { return faultDetail(f) }

// HasMeaning reports whether it is written what a class of faults means.
func HasMeaning(c evtx.Class) bool {
	_, ok := faultMeanings[c]
	return ok
}

// FaultMeaning returns the level and the text of findings about a class of
// faults.
func FaultMeaning(c evtx.Class) (level, text string, ok bool) {
	m, ok := faultMeanings[c]
	return m.level.String(), m.text, ok
}

// Undescribed returns the kinds of event of which no finding is made, though
// they are about more than when the system started.
func Undescribed() []string {
	var list []string
	for kind := watchNone + 1; kind < numWatchKinds; kind++ {
		if kind != watchBoot && kind != watchShutdown && describe(&logEvent{kind: kind}, new(hostEvents)).Kind == "" {
			list = append(list, kind.String())
		}
	}
	return list
}

// OfEachKind returns a Watcher that kept an event of each kind and counted one
// more, and what each kind is about.
func OfEachKind() (*Watcher, []string) {
	w := NewWatcher(nil)
	var about []string
	for kind := watchNone + 1; kind < numWatchKinds; kind++ {
		e := logEvent{kind: kind}
		w.kept[kind][e.grave()]++
		w.events = append(w.events, e)
		w.more[moreEvents{0, kind}]++
		about = append(about, kind.String())
	}
	return w, about
}
