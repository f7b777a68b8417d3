package weblog

import (
	"strings"

	"webshellscan/scan/event"
)

// Server is which server wrote a log.
type Server uint8

// The servers that stamp requests, or write durations, in ways of their own.
const (
	ServerUnknown Server = iota
	ServerIIS
	ServerApache
	ServerNginx
	ServerJetty
	// ServerTomcat is Tomcat, or a product with it; ServerTomcat10 one of
	// version 10 or later.
	ServerTomcat
	ServerTomcat10
)

// stamp returns what the stamps of a log of the server in the common format
// are. Apache's %t and Jetty's are when the request was received; IIS writes
// when it ended; nginx's $time_local and Tomcat's %t are when the line is
// written but for patterns of one's own (%{begin:...}t), and of others nothing
// is known.
func (s Server) stamp() Stamp {
	switch s {
	case ServerIIS:
		return StampEnd
	case ServerApache, ServerJetty:
		return StampBegin
	}
	return StampEither
}

// tomcats are what products that are Tomcat call their folders and logs.
var tomcats = []string{"tomcat", "catalina", "localhost_access", "jboss", "wildfly", "confluence", "conf_access", "jira", "atlassian"}

// ServerOf returns which server wrote a log by its path, with slashes: the
// nearest of its folders goes first that says something.
func ServerOf(path string) Server {
	parts := strings.Split(strings.ToLower(path), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if s := serverOfName(parts[i], i == len(parts)-1); s != ServerUnknown {
			return s
		}
	}
	return ServerUnknown
}

// ServerOfProgram returns which server a program is, by the name of its file,
// of those whose logs differ but IIS, of which its logs say enough.
func ServerOfProgram(file string) Server {
	name := strings.TrimSuffix(strings.ToLower(file), ".exe")
	switch name {
	case "httpd", "apache":
		return ServerApache
	case "nginx":
		return ServerNginx
	case "java", "javaw":
		return ServerTomcat // or what stamps requests as it does
	}
	if strings.HasPrefix(name, "tomcat") {
		return ServerOf(name)
	}
	return ServerUnknown
}

// serverOfName is ServerOf for one part of a path in lower case, which may be
// that of the file itself.
func serverOfName(name string, file bool) Server {
	switch {
	case !file && strings.HasPrefix(name, siteFolder), file && isOfIIS(name):
		return ServerIIS
	case strings.Contains(name, "nginx"), strings.Contains(name, "openresty"):
		return ServerNginx
	case strings.Contains(name, "jetty"), file && strings.HasSuffix(name, ".request.log"):
		return ServerJetty
	}
	for _, part := range tomcats {
		if _, after, ok := strings.Cut(name, part); ok {
			if version := strings.TrimLeft(after, "-_ "); len(version) > 1 && version[0] == '1' && version[1] <= '9' && isWhole(version[:2]) {
				return ServerTomcat10
			}
			return ServerTomcat
		}
	}
	isApache := strings.HasPrefix(name, "apache") && name != "apache software foundation"
	if isApache || strings.Contains(name, "httpd") || strings.HasPrefix(name, "xampp") || strings.HasPrefix(name, "wamp") {
		return ServerApache
	}
	return ServerUnknown
}

// isOfIIS reports whether a log of a name in the common format is of IIS, which
// writes when a request ended: nc240311.log, u_nc240311.log.
func isOfIIS(name string) bool {
	digits, ok := strings.CutPrefix(strings.TrimPrefix(name, "u_"), "nc")
	return ok && len(digits) > 4 && isWhole(digits[:4])
}

// UnitOf returns the unit of durations that are whole numbers, some of them,
// ascending. A server names the unit that it writes by itself, but patterns may
// ask for another, and Tomcat's %D went from milliseconds to microseconds with
// version 10: so what the numbers would mean must make sense. In doubt it is
// the larger unit, by which no request is missed.
func UnitOf(server Server, durations []float64) event.Time {
	if len(durations) == 0 {
		return 0
	}
	least, low, median, high := durations[0], durations[len(durations)/10], durations[len(durations)/2], durations[len(durations)-1]
	const fastest = 20 // microseconds: no server answers sooner
	switch {
	case server == ServerTomcat10 && median >= 1000 && low >= 50, median >= 10_000 && low >= 500:
		return event.Microsecond
	case server == ServerTomcat, server == ServerTomcat10:
		return event.Millisecond
	case median <= 2 && high <= 600:
		return event.Second
	case least < fastest:
		return event.Millisecond
	case server == ServerApache, median >= 1000:
		return event.Microsecond
	}
	return event.Millisecond
}

// whole returns a duration that is a whole number. Where no unit is known it is
// of microseconds, but a small one can be of seconds alone.
func (p *parser) whole(n float64) event.Time {
	const mostSeconds = 60 // a server needs more microseconds than that
	unit := p.Unit
	if unit == 0 {
		switch {
		case p.Server == ServerTomcat:
			unit = event.Millisecond
		case n <= mostSeconds:
			unit = event.Second
		default:
			unit = event.Microsecond
		}
	}
	if unit == event.Second {
		n++ // the fraction was cut off
	}
	return event.Time(n * float64(unit))
}
