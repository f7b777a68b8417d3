package scan

import (
	"sync"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/proctree"
)

// FieldValues returns what a rule gets for a field of a process.
func (r *Result) FieldValues(p proctree.Process, field string) []string {
	s := newSubject(r.Rules.Servers, r.Forest, r.servers)
	s.process = p
	var list []string
	for _, id := range getterOf(field)(s, nil) {
		list = append(list, s.Text(id))
	}
	return list
}

// FieldNames returns the names of all fields that processes can have, in lower
// case as far as they are no plain fields of a record.
func FieldNames() []string {
	var names []string
	for name := range getters {
		names = append(names, name)
	}
	for id := event.FieldNone + 1; int(id) < event.NumFields; id++ {
		if id.OfProcess() {
			names = append(names, id.String())
		}
	}
	return names
}

// Bundles calls check with what each process says of each bundle of the fields
// of a set, where it says that there is one: the bundle's ID and the values.
func (r *Result) Bundles(set *rules.Set, check func(bundle int, id rules.ValueID, values []string)) {
	s := newSubject(set, r.Forest, r.servers)
	for host := range r.Forest.Hosts() {
		for p := range r.Forest.Processes(host) {
			s.process = p
			for bundle, fields := range bundlesOf(set) {
				id := s.Bundle(bundle)
				if id == 0 {
					continue
				}
				var values []string
				for _, field := range fields {
					for _, value := range s.Values(nil, field) {
						values = append(values, set.Fields()[field]+"="+s.Text(value))
					}
				}
				check(bundle, id, values)
			}
		}
	}
}

// Prefetched prefetches all texts, calls meanwhile while it does, and matches
// all processes with what was prefetched, and without.
func (r *Result) Prefetched(meanwhile func()) (prefetched, plain [][]int) {
	set := r.Rules.Detections
	matchers := newMatchers(set, 2)
	var group sync.WaitGroup
	group.Go(func() { (&textPrefetch{}).prefetch(set, matchers[0], r.Forest.Texts()) })
	meanwhile()
	group.Wait()
	s, m := newSubject(set, r.Forest, r.servers), set.NewMatcher()
	for host := range r.Forest.Hosts() {
		for p := range r.Forest.Processes(host) {
			s.process = p
			prefetched, plain = append(prefetched, matchers[1].Match(nil, s)), append(plain, m.Match(nil, s))
		}
	}
	return prefetched, plain
}

// Each calls do for all processes as a judge does, and returns those for which
// it panicked.
func (r *Result) Each(do func(p proctree.Process)) []proctree.Process {
	j := newEvaluators(r.Rules.Detections, newMatchers(r.Rules.Detections, 1), r.Forest, r.servers)[0]
	for _, b := range batchesOf(r.Forest) {
		j.each(b, func(p proctree.Process) {
			j.match(p)
			do(p)
		})
	}
	var list []proctree.Process
	for _, c := range j.crashes {
		list = append(list, c.process)
	}
	return list
}

// HourOfDay is hourOfDay.
func HourOfDay(hours event.Time) int { return hourOfDay(hours) }

// GoroutineCount returns how many goroutines the options ask for.
func (o *Options) GoroutineCount() int { return o.goroutines() }

// WantsTime is wantsTime.
func (o *Options) WantsTime(t event.Time) bool { return o.wantsTime(t) }
