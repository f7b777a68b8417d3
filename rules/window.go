package rules

import (
	"slices"
	"sort"
)

// sample is one event in a window.
type sample struct {
	at     int64 // nanoseconds
	ref    uint64
	key    uint64 // what is counted: a hash of the values, or a rule's place
	number float64
}

// slidingWindow holds the events of one group of a correlation within a
// timespan, oldest first.
type slidingWindow struct {
	samples []sample
	first   int            // of samples still in the window
	counts  map[uint64]int // samples by key
	sorted  []float64      // numbers in order, if percentiles are asked for
	sum     float64
}

func (w *slidingWindow) len() int { return len(w.samples) - w.first }

// all returns the samples in the window, oldest first.
func (w *slidingWindow) all() []sample { return w.samples[w.first:] }

// push adds the newest sample.
func (w *slidingWindow) push(s sample, percentiles bool) {
	if w.first > 32 && w.first > len(w.samples)/2 {
		n := copy(w.samples, w.samples[w.first:])
		w.samples, w.first = w.samples[:n], 0
	}
	w.samples = append(w.samples, s)
	if w.counts == nil {
		w.counts = make(map[uint64]int)
	}
	w.counts[s.key]++
	w.sum += s.number
	if percentiles {
		i := sort.SearchFloat64s(w.sorted, s.number)
		w.sorted = slices.Insert(w.sorted, i, s.number)
	}
}

// drop removes the oldest sample.
func (w *slidingWindow) drop() {
	s := w.samples[w.first]
	w.first++
	if w.counts[s.key]--; w.counts[s.key] == 0 {
		delete(w.counts, s.key)
	}
	w.sum -= s.number
	if len(w.counts) == 0 {
		w.sum = 0 // whatever rounding left
	}
	if i := sort.SearchFloat64s(w.sorted, s.number); i < len(w.sorted) {
		w.sorted = slices.Delete(w.sorted, i, i+1)
	}
}

// dropKey removes the samples of a key.
func (w *slidingWindow) dropKey(key uint64) {
	if w.counts[key] == 0 {
		return
	}
	kept := slices.DeleteFunc(w.samples[w.first:], func(s sample) bool { return s.key == key })
	w.samples = w.samples[:w.first+len(kept)]
	delete(w.counts, key)
}

// expire removes the samples before a time and returns how many.
func (w *slidingWindow) expire(before int64) int {
	n := 0
	for w.len() > 0 && w.samples[w.first].at < before {
		w.drop()
		n++
	}
	return n
}

// percentile returns the value below which that share of the numbers lies, in
// percent, between two neighbours by distance; the 50th is the median.
func (w *slidingWindow) percentile(p float64) float64 {
	if len(w.sorted) == 0 {
		return 0
	}
	at := p / 100 * float64(len(w.sorted)-1)
	low := int(at)
	if low+1 >= len(w.sorted) {
		return w.sorted[len(w.sorted)-1]
	}
	return w.sorted[low] + (at-float64(low))*(w.sorted[low+1]-w.sorted[low])
}

// percentOf returns the share of samples that have a key, in percent.
func (w *slidingWindow) percentOf(key uint64) float64 {
	return 100 * float64(w.counts[key]) / float64(w.len())
}

// chain is the best ordered sequence of a length that ends with a certain rule:
// the one that began last.
type chain struct {
	start int64
	refs  []uint64
}

// chains holds, for temporal_ordered, the best sequence for each last rule and
// length: at [rule][length-1]; none has no refs.
type chains [][]chain

func newChains(rules int) chains {
	c := make(chains, rules)
	for i := range c {
		c[i] = make([]chain, i+1)
	}
	return c
}

// add adds an event that the rules at those places match. An event cannot come
// before itself, so places are taken from the last to the first.
func (c chains) add(places []int, at int64, ref uint64) {
	places = slices.Sorted(slices.Values(places))
	for _, last := range slices.Backward(slices.Compact(places)) {
		for length := len(c[last]); length > 1; length-- {
			for before := length - 2; before < last; before++ {
				from := c[before][length-2]
				if from.refs != nil && (c[last][length-1].refs == nil || from.start >= c[last][length-1].start) {
					c[last][length-1] = chain{from.start, append(slices.Clone(from.refs), ref)}
				}
			}
		}
		c[last][0] = chain{at, []uint64{ref}}
	}
}

// longest returns the longest sequence that began at or after a time.
func (c chains) longest(since int64) chain {
	var best chain
	for _, lengths := range c {
		for _, candidate := range lengths {
			if candidate.refs != nil && candidate.start >= since && len(candidate.refs) > len(best.refs) {
				best = candidate
			}
		}
	}
	return best
}
