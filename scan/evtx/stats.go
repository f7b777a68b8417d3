package evtx

import (
	"hash/fnv"
	"io"
	"slices"

	"webshellscan/scan/event"
)

// Stats counts what a Reader met in one part of a file.
type Stats struct {
	// Bytes is how many bytes were read.
	Bytes int64
	// Chunks counts chunks with records, EmptyChunks such without, and
	// ZeroChunks stretches of a chunk's size that hold nothing but zeros.
	Chunks, EmptyChunks, ZeroChunks int
	// FirstZero is where the first of these stretches begins, in bytes from
	// the start of the file, 0 if there is none.
	FirstZero int64
	// Records counts the live records that were found, decoded or not.
	Records int
	// Selected counts the records that were selected and decoded.
	Selected int
	// Lost counts records that were found but could not be decoded so far
	// as to identify them, or that were selected and lost their payload.
	Lost int
	// Hidden counts the records among Records that were hidden within
	// others.
	Hidden int
	// Recovered counts the stale records that could be read, of all kinds,
	// and Discarded those that could not, or not without doubt. Neither are
	// among Records.
	Recovered, Discarded int
	// First and Last are the earliest and latest plausible times of the
	// records (System/TimeCreated), zero if there are none.
	First, Last event.Time
	// Hosts counts the records by their Computer, spelled as the log spells
	// it. Of one part it has the first 16,384 hosts, of several at least as
	// many and at most twice as many: which ones depends on their names
	// only.
	Hosts map[string]int
	// Origins counts the records by host and channel, bounded in the same
	// way.
	Origins map[Origin]OriginStats
	// MoreHosts is set if there are hosts that Hosts does not have.
	MoreHosts bool

	trimmed bool // hosts or origins were taken out
}

// maxHosts bounds the hosts of one log, as an intruder may give each record one
// of its own.
const maxHosts = 1 << 14

// Add adds the counts of other to s.
func (s *Stats) Add(other *Stats) {
	s.Bytes += other.Bytes
	s.Chunks += other.Chunks
	s.EmptyChunks += other.EmptyChunks
	s.ZeroChunks += other.ZeroChunks
	if other.FirstZero != 0 {
		s.zeroAt(other.FirstZero)
	}
	s.Records += other.Records
	s.Selected += other.Selected
	s.Lost += other.Lost
	s.Hidden += other.Hidden
	s.Recovered += other.Recovered
	s.Discarded += other.Discarded
	if other.First != 0 && (s.First == 0 || other.First < s.First) {
		s.First = other.First
	}
	s.Last = max(s.Last, other.Last)
	if s.Hosts == nil {
		s.Hosts = make(map[string]int, len(other.Hosts))
	}
	for host, n := range other.Hosts {
		s.Hosts[host] += n
	}
	if s.Origins == nil {
		s.Origins = make(map[Origin]OriginStats, len(other.Origins))
	}
	for origin, o := range other.Origins {
		sum := s.Origins[origin]
		sum.Add(&o)
		s.Origins[origin] = sum
	}
	s.MoreHosts = s.MoreHosts || other.MoreHosts
	s.trimmed = s.trimmed || other.trimmed
	s.trim(2 * maxHosts)
}

// zeroAt records a stretch of zeros.
func (s *Stats) zeroAt(offset int64) {
	if s.FirstZero == 0 || offset < s.FirstZero {
		s.FirstZero = offset
	}
}

// Bound drops what a sum of several Stats has too many of: hosts and origins.
// Which ones remain does not depend on the order of the sum.
func (s *Stats) Bound() {
	if s.trimmed {
		s.trim(maxHosts)
	}
}

// trim leaves maxHosts hosts and origins if there are more than most.
func (s *Stats) trim(most int) {
	hosts := trim(s.Hosts, most, hashText)
	origins := trim(s.Origins, most, func(o Origin) uint64 { return hashText(o.Computer + "\x00" + o.Channel) })
	if hosts || origins {
		s.trimmed, s.MoreHosts = true, true
	}
}

// trim removes entries from a map that has more than most, until maxHosts are
// left: those of the lowest hashes. It reports whether it removed any.
func trim[K comparable, V any](m map[K]V, most int, hash func(K) uint64) bool {
	if len(m) <= most {
		return false
	}
	hashes := make([]uint64, 0, len(m))
	for k := range m {
		hashes = append(hashes, hash(k))
	}
	slices.Sort(hashes)
	limit := hashes[maxHosts-1]
	for k := range m {
		if hash(k) > limit {
			delete(m, k)
		}
	}
	return true
}

// hashText returns the FNV-1a hash of a text.
func hashText(text string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, text)
	return h.Sum64()
}

// countHost counts n records of a host.
func (s *Stats) countHost(host string, n int) {
	if _, known := s.Hosts[host]; !known && len(s.Hosts) >= maxHosts {
		s.MoreHosts = true
		return
	}
	s.Hosts[host] += n
}

// widen widens the time span to t.
func (s *Stats) widen(t event.Time) {
	if !t.Plausible() {
		return
	}
	if t > s.Last {
		s.Last = t
	}
	if t < s.First || s.First == 0 {
		s.First = t
	}
}
