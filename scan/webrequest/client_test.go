package webrequest

import (
	"fmt"
	"testing"

	"webshellscan/scan/weblog"
)

// TestClientOf: whom a header names is the client only if a proxy wrote it: an
// address that names several, and is of the server's network or nearly all
// requests come by it.
func TestClientOf(t *testing.T) {
	const named = "203.0.113.7"
	for _, tt := range []struct {
		name           string
		requests       int
		peer, header   string // of these requests, * being their number
		others, theirs string // of 20 others
		want           string
	}{
		{"no header", 20, "198.51.100.7", "", "192.0.2.1", "", "198.51.100.7"},
		{"forged", 20, "198.51.100.7", "203.0.113.*", "192.0.2.1", "", "198.51.100.7"},
		{"forged, always the same", 20, "198.51.100.7", named, "198.51.100.7", "", "198.51.100.7"},
		{"a proxy elsewhere", 20, "198.51.100.7", named, "198.51.100.7", "203.0.113.*", named},
		{"a proxy of the network", 20, "10.0.0.5", named, "192.0.2.1", "", named},
		{"one of the network of many", 1, "10.0.0.5", named, "10.0.0.*", "", "10.0.0.5"},
		{"with a port, behind the server's own address", 20, "10.0.0.5", "127.0.0.1,+203.0.113.7:51234", "10.0.0.5", "", named},
	} {
		var p peers
		for i := range tt.requests {
			p.count(&weblog.Request{Client: tt.peer, ForwardedFor: numbered(tt.header, i)})
		}
		for i := range 20 {
			p.count(&weblog.Request{Client: numbered(tt.others, i+100), ForwardedFor: numbered(tt.theirs, i+100)})
		}
		if got := p.clientOf(&weblog.Request{Client: tt.peer, ForwardedFor: numbered(tt.header, 0)}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// numbered returns an address with a number for its star.
func numbered(address string, i int) string {
	if n := len(address); n > 0 && address[n-1] == '*' {
		return address[:n-1] + fmt.Sprint(i)
	}
	return address
}
