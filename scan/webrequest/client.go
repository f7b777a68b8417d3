package webrequest

import (
	"net/netip"
	"strings"

	"webshellscan/scan/finding"
	"webshellscan/scan/story"
	"webshellscan/scan/weblog"
)

// peers are the addresses from which requests came to the servers of a host, as
// the servers saw them, and whom the headers that came along name.
type peers struct {
	lines, named int // all requests, and those with a header that names a client
	of           map[string]*peer
}

// peer is one of them.
type peer struct {
	lines  int
	claims [2]string // the first two clients that it names
}

// maxPeers bounds the addresses that are counted.
const maxPeers = 100_000

// count counts a request.
func (p *peers) count(r *weblog.Request) {
	p.lines++
	from := p.of[r.Client]
	if from == nil {
		if len(p.of) >= maxPeers {
			return
		}
		if p.of == nil {
			p.of = make(map[string]*peer)
		}
		from = new(peer)
		p.of[r.Client] = from
	}
	from.lines++
	claim := claimOf(r)
	if claim == "" {
		return
	}
	p.named++
	for i, known := range from.claims {
		if known == "" {
			from.claims[i] = claim
		}
		if known == "" || known == claim {
			return
		}
	}
}

// isProxy reports whether an address behaves as a proxy, whose headers are
// believed: anybody may write one. A proxy names several clients; it is of the
// server's network, or nearly everything comes through it, or through others
// like it. Of one in the server's network it is enough that half comes by it.
func (p *peers) isProxy(address string) bool {
	from := p.of[address]
	a, err := netip.ParseAddr(address)
	if from == nil || err != nil {
		return false
	}
	several := from.claims[1] != ""
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return several || 2*from.lines >= p.lines
	}
	return several && (10*from.lines >= 9*p.lines || 10*p.named >= 9*p.lines)
}

// clientOf returns the address that a request is taken to be of: that which the
// server saw, or whom its header names if a proxy wrote that.
func (p *peers) clientOf(r *weblog.Request) string {
	if claim := claimOf(r); claim != "" && p.isProxy(r.Client) {
		return claim
	}
	return r.Client
}

// claimOf returns the first address that a header names but for those of the
// server itself, which would be nobody. IIS writes a blank as +.
func claimOf(r *weblog.Request) string {
	for word := range strings.SplitSeq(r.ForwardedFor, ",") {
		if a, ok := addressOf(strings.Trim(word, " +")); ok && !isOwn(a, r) {
			return a
		}
	}
	return ""
}

// addressOf returns the address that a word is, with a port or without.
func addressOf(word string) (address string, ok bool) {
	if _, err := netip.ParseAddr(word); err == nil {
		return word, true
	}
	with, err := netip.ParseAddrPort(word)
	return with.Addr().String(), err == nil
}

// isOwn reports whether a client is the server itself, as where a site hands
// requests to another one of its machine: Exchange does. Its other requests are
// everybody's.
func isOwn(client string, r *weblog.Request) bool {
	a, err := netip.ParseAddr(client)
	return err == nil && (a.IsLoopback() || a.IsLinkLocalUnicast() || client == r.ServerIP)
}

// resolve gives the visits their clients, once all peers are known: before,
// each has a number for the address that the server saw and the one that a
// header names.
func (c *caller) resolve() {
	pairs, own := c.clients.texts, c.own
	c.clients, c.own = numbering{}, make(map[int]bool)
	ids := make([]int, len(pairs))
	for i, pair := range pairs {
		client, claim, _ := strings.Cut(pair, " ")
		believed := claim != "" && c.peers.isProxy(client)
		if believed {
			client = claim
		}
		ids[i] = c.clients.id(client)
		if own[i] && !believed {
			c.own[ids[i]] = true
		}
	}
	for i := range c.visits {
		c.visits[i].Client = ids[c.visits[i].Client]
	}
}

// Clients returns the clients of a session's likely entry points, but for the
// server itself.
func Clients(s *finding.Session) []story.Indicator {
	own := make(map[string]bool)
	for _, q := range s.Requests {
		if isOwn(q.From, &q.Request) {
			own[q.From] = true
		}
	}
	var list []story.Indicator
	for _, p := range s.EntryPoints {
		if p.Confidence != story.ConfidenceLikely {
			continue
		}
		for _, c := range p.Clients {
			if !own[c] {
				list = append(list, story.Indicator{Value: c, First: p.First, Last: p.Last})
			}
		}
	}
	return list
}
